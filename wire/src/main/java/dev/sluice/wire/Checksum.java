package dev.sluice.wire;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The Internet checksum (RFC 1071): the ones' complement sum of big-endian 16-bit words.
 *
 * <p>A running sum is a {@code long} that starts at 0, is extended by {@code add…} methods and is closed by {@link
 * #finish}. Parts must start at even distances from the start of the summed data; only the last part may be odd.
 * Eight bytes at a time in native order, as ones' complement addition does not care about byte order until the end
 * (RFC 1071 §2B).
 */
public final class Checksum {
    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final boolean LITTLE = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

    private Checksum() {}

    /** Adds {@code length} bytes from {@code at} to {@code sum}. */
    public static long add(long sum, MemorySegment s, long at, long length) {
        long total = 0;
        long end = at + length;
        long i = at;
        for (; i + 8 <= end; i += 8) {
            long word = s.get(WORD, i);
            total += (word & 0xffff_ffffL) + (word >>> 32);
        }
        total = fold(total);
        if (LITTLE) {
            total = swap((int) total);
        }
        for (; i + 2 <= end; i += 2) {
            total += Bytes.u16(s, i);
        }
        if (i < end) {
            total += (long) Bytes.u8(s, i) << 8;
        }
        return sum + total;
    }

    /** Adds one 16-bit word. */
    public static long add16(long sum, int word) {
        return sum + (word & 0xffff);
    }

    /** Adds one 32-bit word, such as an IPv4 address. */
    public static long add32(long sum, int word) {
        return sum + (word >>> 16) + (word & 0xffff);
    }

    /** The pseudo header of TCP and UDP over IPv4 (RFC 9293 §3.1): addresses, protocol and segment length. */
    public static long pseudoHeader(int source, int destination, int protocol, int length) {
        return add16(add16(add32(add32(0, source), destination), protocol), length);
    }

    /** Adds one 64-bit word, such as half an IPv6 address. */
    public static long add64(long sum, long word) {
        return add32(add32(sum, (int) (word >>> 32)), (int) word);
    }

    /** The pseudo header of upper layers over IPv6 (RFC 8200 §8.1): addresses, upper-layer length and next header. */
    public static long pseudoHeader6(
            long sourceHigh, long sourceLow, long destinationHigh, long destinationLow, int nextHeader, int length) {
        long addresses = add64(add64(add64(add64(0, sourceHigh), sourceLow), destinationHigh), destinationLow);
        return add16(add32(addresses, length), nextHeader);
    }

    /** The sum in 16 bits, not complemented: what a device expects in a partial checksum field. */
    public static int fold(long sum) {
        long s = (sum & 0xffff_ffffL) + (sum >>> 32);
        s = (s & 0xffff) + (s >>> 16);
        s = (s & 0xffff) + (s >>> 16);
        s = (s & 0xffff) + (s >>> 16);
        return (int) s;
    }

    /** The checksum field for {@code sum}: its complement. Zero over data that includes a right checksum. */
    public static int finish(long sum) {
        return ~fold(sum) & 0xffff;
    }

    private static int swap(int word) {
        return (word & 0xff) << 8 | (word >>> 8 & 0xff);
    }
}
