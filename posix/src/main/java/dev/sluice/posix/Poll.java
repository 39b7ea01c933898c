package dev.sluice.posix;

import static dev.sluice.posix.Native.INT;
import static dev.sluice.posix.Native.LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Waiting for one descriptor (poll(2)): for set-up and tests. Blocks its thread, so never on a virtual one. */
public final class Poll {
    public static final int IN = 0x1;
    public static final int OUT = 0x4;
    public static final int ERR = 0x8;
    public static final int HUP = 0x10;

    private static final MethodHandle POLL = Native.call("poll", FunctionDescriptor.of(INT, LONG, LONG, INT));

    private Poll() {}

    /**
     * Waits for {@code events}.
     *
     * @param timeoutMillis -1 = for ever
     * @return the events seen, 0 if the time is up, or negated errno
     */
    public static int await(int fd, int events, int timeoutMillis) {
        try {
            MemorySegment state = Native.state();
            state.set(INT, Native.SCRATCH, fd);
            state.set(INT, Native.SCRATCH + 4, events & 0xffff);
            int r = (int) POLL.invokeExact(state, state.address() + Native.SCRATCH, 1L, timeoutMillis);
            if (r < 0) {
                return -Native.errno(state);
            }
            return r == 0 ? 0 : state.get(ValueLayout.JAVA_SHORT, Native.SCRATCH + 6) & 0xffff;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }
}
