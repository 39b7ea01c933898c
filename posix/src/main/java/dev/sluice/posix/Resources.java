package dev.sluice.posix;

import static dev.sluice.posix.Native.INT;
import static dev.sluice.posix.Native.LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Limits of this process (getrlimit(2)). */
public final class Resources {
    private static final int NOFILE = 7;
    private static final MethodHandle GETRLIMIT = Native.call("getrlimit", FunctionDescriptor.of(INT, INT, LONG));
    private static final MethodHandle SETRLIMIT = Native.call("setrlimit", FunctionDescriptor.of(INT, INT, LONG));

    private Resources() {}

    /** Raises the number of descriptors this process may open as far as it may; the number that holds now. */
    public static long raiseDescriptorLimit() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            MemorySegment limit = arena.allocate(16, 8);
            int got = (int) GETRLIMIT.invokeExact(state, NOFILE, limit.address());
            if (got < 0) {
                return 1024;
            }
            long soft = limit.get(LONG, 0);
            long hard = limit.get(LONG, 8);
            limit.set(LONG, 0, hard);
            int set = soft == hard ? 0 : (int) SETRLIMIT.invokeExact(state, NOFILE, limit.address());
            // RLIM_INFINITY is all ones
            return set < 0 ? soft : hard < 0 ? Long.MAX_VALUE : hard;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }
}
