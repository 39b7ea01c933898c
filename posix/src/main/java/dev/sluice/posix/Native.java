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
import java.util.Optional;

/** Linking and {@code errno}, shared by the call classes of this package. */
final class Native {
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup LIBC = LINKER.defaultLookup();
    private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");
    private static final long ERRNO_OFFSET = offset(Linker.Option.captureStateLayout(), "errno");
    /** Where the scratch bytes of {@link #state()} start; there are {@value #SCRATCH_LENGTH}. */
    static final long SCRATCH = 16;

    static final int SCRATCH_LENGTH = 64;
    private static final ThreadLocal<MemorySegment> STATE =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(SCRATCH + SCRATCH_LENGTH, 16));

    private Native() {}

    /** Where a member is. By hand: for a path of its layout the runtime generates seven classes (JDK 25), each a millisecond of start-up. */
    private static long offset(StructLayout layout, String member) {
        long offset = 0;
        for (MemoryLayout each : layout.memberLayouts()) {
            if (each.name().filter(member::equals).isPresent()) {
                return offset;
            }
            offset += each.byteSize(); // what is between members is a member, too
        }
        throw new IllegalStateException("no " + member + " in " + layout);
    }

    /** A handle that calls any libc function of this shape; it takes the function and the {@link #state()} segment first. */
    static MethodHandle link(FunctionDescriptor shape) {
        return LINKER.downcallHandle(shape, ERRNO);
    }

    /** The libc function {@code name}. */
    static Optional<MemorySegment> find(String name) {
        return LIBC.find(name);
    }

    /** The address of the libc variable {@code name}, {@code size} bytes long. */
    static MemorySegment variable(String name, long size) {
        return LIBC.findOrThrow(name).reinterpret(size);
    }

    /** Where this thread's calls leave {@code errno}; behind it lie scratch bytes for small in-out parameters. */
    static MemorySegment state() {
        return STATE.get();
    }

    static int errno(MemorySegment state) {
        return state.get(INT, ERRNO_OFFSET);
    }
}
