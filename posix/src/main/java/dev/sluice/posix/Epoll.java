package dev.sluice.posix;

import static dev.sluice.posix.Native.INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** An epoll instance and its event array (epoll(7)). Confined to one thread but for {@link #close}. */
public final class Epoll implements AutoCloseable {
    public static final int IN = 0x1;
    /** Urgent data. */
    public static final int PRI = 0x2;

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

    private static final Call CREATE = Call.of("epoll_create1");
    private static final Call CONTROL = Call.of("epoll_ctl");
    private static final Call WAIT = Call.of("epoll_wait");

    private final int fd;
    private final int capacity;
    private final Arena arena = Arena.ofAuto();
    private final MemorySegment events;
    private final MemorySegment change = arena.allocate(16, 8);

    /** @param capacity events fetched per wait, at least 1 */
    public Epoll(int capacity) throws PosixException {
        this.capacity = capacity;
        this.events = arena.allocate((long) EVENT * capacity, 8);
        this.fd = PosixException.check(CREATE.call(Io.O_CLOEXEC), "epoll_create1");
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
        return CONTROL.call(fd, operation, target, change.address());
    }

    /** Waits up to {@code timeoutMillis} (-1 = for ever); the number of events, 0, or negated errno. */
    public int await(int timeoutMillis) {
        return WAIT.call(fd, events.address(), capacity, timeoutMillis);
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
