package dev.sluice.posix;

import static dev.sluice.posix.Native.LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Limits of this process (getrlimit(2)). */
public final class Resources {
    private static final int NOFILE = 7;
    private static final Call GETRLIMIT = Call.of("getrlimit");
    private static final Call SETRLIMIT = Call.of("setrlimit");

    private Resources() {}

    /** The number of descriptors this process may open now, and may raise by itself; that of programs it starts, too. */
    public static long descriptorLimit() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limit = arena.allocate(16, 8);
            if (GETRLIMIT.call(NOFILE, limit.address()) < 0) {
                return Long.MAX_VALUE;
            }
            long soft = limit.get(LONG, 0);
            return soft < 0 ? Long.MAX_VALUE : soft; // RLIM_INFINITY is all ones
        }
    }

    /** Raises the number of descriptors this process may open as far as it may; the number that holds now. */
    public static long raiseDescriptorLimit() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limit = arena.allocate(16, 8);
            if (GETRLIMIT.call(NOFILE, limit.address()) < 0) {
                return 1024;
            }
            long soft = limit.get(LONG, 0);
            long hard = limit.get(LONG, 8);
            limit.set(LONG, 0, hard);
            int set = soft == hard ? 0 : SETRLIMIT.call(NOFILE, limit.address());
            // RLIM_INFINITY is all ones
            return set < 0 ? soft : hard < 0 ? Long.MAX_VALUE : hard;
        }
    }
}
