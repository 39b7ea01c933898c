package dev.sluice.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/** Linking and {@code errno}, shared by the call classes of this package. */
final class Native {
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;
    static final java.lang.foreign.AddressLayout PTR = ValueLayout.ADDRESS;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup LIBC = LINKER.defaultLookup();
    private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");
    private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
    private static final long ERRNO_OFFSET = CALL_STATE.byteOffset(MemoryLayout.PathElement.groupElement("errno"));
    /** Where the scratch bytes of {@link #state()} start; there are {@value #SCRATCH_LENGTH}. */
    static final long SCRATCH = 16;

    static final int SCRATCH_LENGTH = 64;
    private static final ThreadLocal<MemorySegment> STATE =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(SCRATCH + SCRATCH_LENGTH, 16));

    private Native() {}

    /** The libc function {@code name}; its handle takes the {@link #state()} segment first. */
    static MethodHandle call(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(LIBC.findOrThrow(name), descriptor, ERRNO);
    }

    /** As {@link #call} for functions that not every libc has; null where it lacks it. */
    static @Nullable MethodHandle callIfPresent(String name, FunctionDescriptor descriptor) {
        return LIBC.find(name)
                .map(symbol -> LINKER.downcallHandle(symbol, descriptor, ERRNO))
                .orElse(null);
    }

    /** The address of the libc variable {@code name}, {@code size} bytes long. */
    static MemorySegment variable(String name, long size) {
        return LIBC.findOrThrow(name).reinterpret(size);
    }

    /** A variadic libc function whose arguments from {@code firstVariadic} on are the variable ones. */
    static MethodHandle variadic(String name, FunctionDescriptor descriptor, int firstVariadic) {
        return LINKER.downcallHandle(
                LIBC.findOrThrow(name), descriptor, ERRNO, Linker.Option.firstVariadicArg(firstVariadic));
    }

    /** Where this thread's calls leave {@code errno}; behind it lie scratch bytes for small in-out parameters. */
    static MemorySegment state() {
        return STATE.get();
    }

    static int errno(MemorySegment state) {
        return state.get(INT, ERRNO_OFFSET);
    }

    static AssertionError unexpected(Throwable t) {
        return new AssertionError("a foreign call with exact types cannot throw", t);
    }
}
