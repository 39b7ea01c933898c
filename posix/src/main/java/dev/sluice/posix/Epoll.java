package dev.sluice.posix;

import static dev.sluice.posix.Native.INT;
import static dev.sluice.posix.Native.PTR;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** An epoll instance and its event array (epoll(7)). Confined to one thread but for {@link #close}. */
public final class Epoll implements AutoCloseable {
    public static final int IN = 0x1;
    public static final int OUT = 0x4;
    public static final int ERR = 0x8;
    public static final int HUP = 0x10;
    public static final int RDHUP = 0x2000;
    public static final int EDGE = 1 << 31;

    private static final int ADD = 1;
    private static final int DELETE = 2;
    private static final int MODIFY = 3;
    /** {@code struct epoll_event} is packed on x86-64 only. */
    private static final boolean PACKED = System.getProperty("os.arch").equals("amd64");

    private static final int EVENT = PACKED ? 12 : 16;
    private static final int DATA = PACKED ? 4 : 8;
    private static final ValueLayout.OfLong DATA_LAYOUT = ValueLayout.JAVA_LONG_UNALIGNED;

    private static final MethodHandle CREATE = Native.call("epoll_create1", FunctionDescriptor.of(INT, INT));
    private static final MethodHandle CONTROL =
            Native.call("epoll_ctl", FunctionDescriptor.of(INT, INT, INT, INT, PTR));
    private static final MethodHandle WAIT = Native.call("epoll_wait", FunctionDescriptor.of(INT, INT, PTR, INT, INT));

    private final int fd;
    private final int capacity;
    private final Arena arena = Arena.ofAuto();
    private final MemorySegment events;
    private final MemorySegment change = arena.allocate(16, 8);

    /** @param capacity events fetched per wait, at least 1 */
    public Epoll(int capacity) throws PosixException {
        this.capacity = capacity;
        this.events = arena.allocate((long) EVENT * capacity, 8);
        try {
            MemorySegment state = Native.state();
            int r = (int) CREATE.invokeExact(state, Io.O_CLOEXEC);
            this.fd = PosixException.check(r < 0 ? -Native.errno(state) : r, "epoll_create1");
        } catch (PosixException e) {
            throw e;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Watches {@code target}; {@code data} comes back with its events. Zero or negated errno. */
    public int add(int target, int interest, long data) {
        return control(ADD, target, interest, data);
    }

    public int modify(int target, int interest, long data) {
        return control(MODIFY, target, interest, data);
    }

    public int remove(int target) {
        return control(DELETE, target, 0, 0);
    }

    private int control(int operation, int target, int interest, long data) {
        change.set(INT, 0, interest);
        change.set(DATA_LAYOUT, DATA, data);
        try {
            MemorySegment state = Native.state();
            int r = (int) CONTROL.invokeExact(state, fd, operation, target, change);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Waits up to {@code timeoutMillis} (-1 = for ever); the number of events, 0, or negated errno. */
    public int await(int timeoutMillis) {
        try {
            MemorySegment state = Native.state();
            int r = (int) WAIT.invokeExact(state, fd, events, capacity, timeoutMillis);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Bits of event {@code index} of the last wait. */
    public int events(int index) {
        return events.get(INT, (long) index * EVENT);
    }

    /** The data given with the descriptor of event {@code index}. */
    public long data(int index) {
        return events.get(DATA_LAYOUT, (long) index * EVENT + DATA);
    }

    @Override
    public void close() {
        Io.close(fd);
    }
}
