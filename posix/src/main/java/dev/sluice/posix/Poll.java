package dev.sluice.posix;

import static dev.sluice.posix.Native.INT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Waiting for one descriptor (poll(2)): for set-up and tests. Blocks its thread, so never on a virtual one. */
public final class Poll {
    public static final int IN = 0x1;
    /** Something out of the ordinary; for {@code /proc/self/mountinfo}, a change of the list of mounts. */
    public static final int PRI = 0x2;

    public static final int OUT = 0x4;
    public static final int ERR = 0x8;
    public static final int HUP = 0x10;

    private static final Call POLL = Call.of("poll");

    private Poll() {}

    /**
     * Waits for {@code events}.
     *
     * @param timeoutMillis -1 = for ever
     * @return the events seen, 0 if the time is up, or negated errno
     */
    public static int await(int fd, int events, int timeoutMillis) {
        MemorySegment state = Native.state();
        state.set(INT, Native.SCRATCH, fd);
        state.set(INT, Native.SCRATCH + 4, events & 0xffff);
        int r = POLL.call(state.address() + Native.SCRATCH, 1, timeoutMillis);
        return r <= 0 ? r : state.get(ValueLayout.JAVA_SHORT, Native.SCRATCH + 6) & 0xffff;
    }
}
