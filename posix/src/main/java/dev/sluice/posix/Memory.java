package dev.sluice.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Anonymous memory from the kernel: zeroed, page-aligned, taking physical pages only where touched. Segments without an arena have global
 * lifetime: after {@link #unmap} any use of one crashes the process, so one owner maps and unmaps.
 */
public final class Memory {
    private static final int READ_WRITE = 3;
    /** MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE. */
    private static final int ANONYMOUS = 0x2 | 0x20 | 0x4000;

    private static final int DONTNEED = 4;

    private static final Call MMAP = Call.of("mmap");
    private static final Call MUNMAP = Call.of("munmap");
    private static final Call MADVISE = Call.of("madvise");

    private Memory() {}

    /** @param bytes more than 0; rounded up to pages by the kernel */
    public static MemorySegment map(long bytes) throws PosixException {
        MemorySegment state = Native.state();
        long r = MMAP.raw(state, 0, bytes, READ_WRITE, ANONYMOUS, -1, 0);
        PosixException.check(r == -1 ? -Native.errno(state) : 0, "mmap(" + bytes + " bytes)");
        return MemorySegment.ofAddress(r).reinterpret(bytes);
    }

    /** The same, given back when {@code arena} ends: the segment lives as long as it. */
    public static MemorySegment map(long bytes, Arena arena) throws PosixException {
        return map(bytes).reinterpret(arena, Memory::unmap);
    }

    /** Gives all of a {@link #map}ped segment back. */
    public static void unmap(MemorySegment segment) {
        int _ = MUNMAP.call(segment.address(), segment.byteSize());
    }

    /** Gives the physical pages of a range back; it reads as zeros afterwards. {@code at} and {@code length} in whole pages. */
    public static int release(MemorySegment segment, long at, long length) {
        return MADVISE.call(Io.address(segment, at, length), length, DONTNEED);
    }
}
