package dev.sluice.wire;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Unaligned accessors for the integers of network headers; values are unsigned where the return type has room.
 *
 * <p>An access to native memory is a chain of a dozen small methods, which the just-in-time compilers must put together anew at each
 * place, and which is slow until they have. So where every packet passes, headers are read and written by words of eight bytes.
 */
public final class Bytes {
    private static final ValueLayout.OfByte U8 = ValueLayout.JAVA_BYTE;
    private static final ValueLayout.OfShort BE16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt BE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong BE64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfShort LE16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LE64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt LE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Bytes() {}

    public static int u8(MemorySegment s, long at) {
        return s.get(U8, at) & 0xff;
    }

    public static int u16(MemorySegment s, long at) {
        return s.get(BE16, at) & 0xffff;
    }

    /** The 32 bits at {@code at} as a signed {@code int}: for addresses and sequence numbers. */
    public static int i32(MemorySegment s, long at) {
        return s.get(BE32, at);
    }

    public static long u32(MemorySegment s, long at) {
        return s.get(BE32, at) & 0xffff_ffffL;
    }

    /** Six bytes as the low 48 bits of a {@code long}: a MAC address. */
    public static long u48(MemorySegment s, long at) {
        return (long) u16(s, at) << 32 | u32(s, at + 2);
    }

    /** Bits {@code from} to {@code from + 15} of a 64-bit word, counted from its first (most significant) bit, as in a header's figure. */
    static int u16(long word, int from) {
        return (int) (word >>> 48 - from) & 0xffff;
    }

    public static long i64(MemorySegment s, long at) {
        return s.get(BE64, at);
    }

    public static int u16LE(MemorySegment s, long at) {
        return s.get(LE16, at) & 0xffff;
    }

    public static long i64LE(MemorySegment s, long at) {
        return s.get(LE64, at);
    }

    public static int i32LE(MemorySegment s, long at) {
        return s.get(LE32, at);
    }

    public static void put8(MemorySegment s, long at, int value) {
        s.set(U8, at, (byte) value);
    }

    public static void put16(MemorySegment s, long at, int value) {
        s.set(BE16, at, (short) value);
    }

    public static void put32(MemorySegment s, long at, int value) {
        s.set(BE32, at, value);
    }

    public static void put48(MemorySegment s, long at, long value) {
        put16(s, at, (int) (value >>> 32));
        put32(s, at + 2, (int) value);
    }

    public static void put64(MemorySegment s, long at, long value) {
        s.set(BE64, at, value);
    }

    public static void put16LE(MemorySegment s, long at, int value) {
        s.set(LE16, at, (short) value);
    }

    public static void put64LE(MemorySegment s, long at, long value) {
        s.set(LE64, at, value);
    }

    public static void put32LE(MemorySegment s, long at, int value) {
        s.set(LE32, at, value);
    }
}
