package dev.sluice.fuzz;

import java.lang.foreign.MemorySegment;

/** Memory in which a byte too far is noticed. */
public final class Memory {
    /** Where inputs begin: not aligned, as behind an Ethernet header. */
    public static final long AT = 14;

    private Memory() {}

    /** Exactly {@code bytes}, from {@link #AT} to the end. */
    public static MemorySegment of(byte[] bytes) {
        byte[] moved = new byte[(int) AT + bytes.length];
        System.arraycopy(bytes, 0, moved, (int) AT, bytes.length);
        return MemorySegment.ofArray(moved);
    }

    public static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
