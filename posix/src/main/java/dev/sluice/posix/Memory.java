package dev.sluice.posix;

import static dev.sluice.posix.Native.INT;
import static dev.sluice.posix.Native.LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Anonymous memory from the kernel: zeroed, page-aligned, taking physical pages only where touched. The segments have global lifetime:
 * after {@link #unmap} any use of one crashes the process, so one owner maps and unmaps.
 */
public final class Memory {
    private static final int READ_WRITE = 3;
    /** MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE. */
    private static final int ANONYMOUS = 0x2 | 0x20 | 0x4000;

    private static final int DONTNEED = 4;

    private static final MethodHandle MMAP =
            Native.call("mmap", FunctionDescriptor.of(LONG, LONG, LONG, INT, INT, INT, LONG));
    private static final MethodHandle MUNMAP = Native.call("munmap", FunctionDescriptor.of(INT, LONG, LONG));
    private static final MethodHandle MADVISE = Native.call("madvise", FunctionDescriptor.of(INT, LONG, LONG, INT));

    private Memory() {}

    /** @param bytes more than 0; rounded up to pages by the kernel */
    public static MemorySegment map(long bytes) throws PosixException {
        try {
            MemorySegment state = Native.state();
            long r = (long) MMAP.invokeExact(state, 0L, bytes, READ_WRITE, ANONYMOUS, -1, 0L);
            PosixException.check(r == -1 ? -Native.errno(state) : 0, "mmap(" + bytes + " bytes)");
            return MemorySegment.ofAddress(r).reinterpret(bytes);
        } catch (PosixException e) {
            throw e;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Gives all of a {@link #map}ped segment back. */
    public static void unmap(MemorySegment segment) {
        try {
            int _ = (int) MUNMAP.invokeExact(Native.state(), segment.address(), segment.byteSize());
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Gives the physical pages of a range back; it reads as zeros afterwards. {@code at} and {@code length} in whole pages. */
    public static int release(MemorySegment segment, long at, long length) {
        try {
            MemorySegment state = Native.state();
            int r = (int) MADVISE.invokeExact(state, Io.address(segment, at, length), length, DONTNEED);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }
}
