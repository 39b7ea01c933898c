package dev.sluice.posix;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * A libc function, to be kept in a {@code static final} field.
 *
 * <p>All functions have one shape here, six 64-bit integers in and one out. Linux's calling conventions for x86-64 and AArch64 pass up
 * to six integer arguments in registers, ignore those a function does not take, and let it ignore the upper half of those it declares
 * narrower; variadic functions get theirs in the same registers. Every further shape would cost some ten milliseconds at start, when the
 * runtime links and compiles the code that adapts to it: with a shape per signature that was more than half of the time to start.
 *
 * @param function its address
 */
record Call(MemorySegment function) {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    /** One handle for all: a constant wherever it is called from, however little of that the compiler has put together. */
    private static final MethodHandle INVOKE =
            Native.link(FunctionDescriptor.of(LONG, LONG, LONG, LONG, LONG, LONG, LONG));

    /** The function {@code name}. */
    static Call of(String name) {
        return new Call(Native.find(name).orElseThrow(() -> new UnsatisfiedLinkError("libc has no " + name)));
    }

    /** As {@link #of} for functions that not every libc has; null where it lacks it. */
    static @Nullable Call ifPresent(String name) {
        return Native.find(name).map(Call::new).orElse(null);
    }

    int call() {
        return call(0, 0, 0, 0, 0, 0);
    }

    int call(long a) {
        return call(a, 0, 0, 0, 0, 0);
    }

    int call(long a, long b) {
        return call(a, b, 0, 0, 0, 0);
    }

    int call(long a, long b, long c) {
        return call(a, b, c, 0, 0, 0);
    }

    int call(long a, long b, long c, long d) {
        return call(a, b, c, d, 0, 0);
    }

    int call(long a, long b, long c, long d, long e) {
        return call(a, b, c, d, e, 0);
    }

    /** The result of a function that returns {@code int} or a count below 2³¹; for a negative one, the negated errno. */
    int call(long a, long b, long c, long d, long e, long f) {
        MemorySegment state = Native.state();
        int r = (int) raw(state, a, b, c, d, e, f);
        return r < 0 ? -Native.errno(state) : r;
    }

    /**
     * What the function leaves in the result register: all of it means something only if it returns 64 bits.
     *
     * @param state this thread's {@link Native#state}, where errno is found afterwards
     */
    long raw(MemorySegment state, long a, long b, long c, long d, long e, long f) {
        try {
            return (long) INVOKE.invokeExact(function, state, a, b, c, d, e, f);
        } catch (Throwable t) {
            throw new AssertionError("a foreign call with exact types cannot throw", t);
        }
    }
}
