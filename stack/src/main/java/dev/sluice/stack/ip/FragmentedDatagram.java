package dev.sluice.stack.ip;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Header;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** What is known of one incomplete datagram; reused for the next one. */
final class FragmentedDatagram {
    /** Pages that the longest payload needs. */
    static final int PAGES = 65_536 / PageStore.PAGE;

    /** The end of every chain. */
    static final FragmentedDatagram END = new FragmentedDatagram();

    /** Longest header that is kept: IPv4's, or IPv6's with extension headers before the fragment header. */
    static final int MAX_HEADER = 128;

    /** Of either family, IPv4 mapped. */
    long sourceHigh;

    long sourceLow;
    long destinationHigh;
    long destinationLow;
    /** IPv4: protocol, then identification; IPv6: identification. */
    int rest;
    /** When the first fragment came. */
    long born;
    /** Only the key counts: memory is gone and later fragments are dropped. */
    boolean poisoned;
    /** Payload length of the whole, once the last fragment told it; else -1. */
    int end;
    /** The end of the fragment that reaches furthest. */
    int furthest;
    /** Payload bytes here, rounded up to units of eight. */
    int units;
    /** Bit n is set if a fragment had ECN codepoint n. */
    int ecn;
    /** Length of {@link #header}; 0 until the first fragment (offset 0) is here. */
    int headerLength;

    final byte[] header = new byte[MAX_HEADER];
    /** One bit for each eight bytes that are here. */
    final long[] bits = new long[65_536 / 8 / 64];
    /** Page number by payload offset; -1 where none is. */
    final int[] pages = new int[PAGES];

    int pageCount;
    /** The next of the same hash bucket, or the next spare one. */
    FragmentedDatagram chained = this;

    FragmentedDatagram older = this;
    FragmentedDatagram newer = this;

    boolean isFrom(long high, long low) {
        return sourceLow == low && sourceHigh == high;
    }

    boolean is(long sourceHigh, long sourceLow, long destinationHigh, long destinationLow, int rest) {
        return this.rest == rest
                && isFrom(sourceHigh, sourceLow)
                && this.destinationLow == destinationLow
                && this.destinationHigh == destinationHigh;
    }

    void start(long sourceHigh, long sourceLow, long destinationHigh, long destinationLow, int rest, long now) {
        this.sourceHigh = sourceHigh;
        this.sourceLow = sourceLow;
        this.destinationHigh = destinationHigh;
        this.destinationLow = destinationLow;
        this.rest = rest;
        born = now;
        poisoned = false;
        end = -1;
        furthest = 0;
        units = 0;
        ecn = 0;
        headerLength = 0;
        Arrays.fill(bits, 0);
        Arrays.fill(pages, -1);
        pageCount = 0;
    }

    /** True if the payload may end at {@code last}. */
    boolean acceptsEnd(int last) {
        return end < 0 ? furthest <= last : end == last;
    }

    /** Notes {@code length} bytes at {@code offset} as here; false, with nothing noted, if any were already. */
    boolean claim(int offset, int length) {
        int from = offset >>> 3;
        int to = offset + length + 7 >>> 3;
        for (int i = from; i < to; i = (i | 63) + 1) {
            if ((bits[i >>> 6] & mask(i, to)) != 0) {
                return false;
            }
        }
        for (int i = from; i < to; i = (i | 63) + 1) {
            bits[i >>> 6] |= mask(i, to);
        }
        units += to - from;
        return true;
    }

    /** The bits of the word of unit {@code i} from {@code i} up to before {@code to}. */
    private static long mask(int i, int to) {
        long mask = -1L << (i & 63);
        return (i | 63) < to ? mask : mask & -1L >>> (64 - (to & 63));
    }

    boolean isComplete() {
        return end >= 0 && headerLength > 0 && units == end + 7 >>> 3;
    }

    /** How many bytes from the beginning are here without a hole, up to {@code most}. */
    int leading(int most) {
        int unit = 0;
        while (unit * 8 < most && (bits[unit >>> 6] & 1L << (unit & 63)) != 0) {
            unit++;
        }
        return Math.min(Math.min(unit * 8, most), end < 0 ? furthest : end);
    }

    /** Pages that {@code length} bytes at {@code offset} still lack. */
    int missingPages(int offset, int length) {
        int missing = 0;
        for (int i = offset / PageStore.PAGE; i <= (offset + length - 1) / PageStore.PAGE; i++) {
            missing += pages[i] < 0 ? 1 : 0;
        }
        return missing;
    }

    void saveHeader(MemorySegment s, long at, int length) {
        MemorySegment.copy(s, ValueLayout.JAVA_BYTE, at, header, 0, length);
        headerLength = length;
    }

    void loadHeader(MemorySegment s, long at) {
        MemorySegment.copy(header, 0, s, ValueLayout.JAVA_BYTE, at, headerLength);
    }

    /** Turns the first fragment's header into that of the whole packet. */
    static void complete(MemorySegment s, long at, int totalLength, boolean congestion) {
        if (!IpHeader.isIpv4(s, at)) {
            if (congestion) {
                Bytes.put8(s, at + 1, Bytes.u8(s, at + 1) | 3 << 4);
            }
            Bytes.put16(s, at + 4, totalLength - Ipv6Header.LENGTH);
            return;
        }
        if (congestion) {
            Bytes.put8(s, at + 1, Bytes.u8(s, at + 1) | 3);
        }
        Bytes.put16(s, at + 2, totalLength);
        Bytes.put16(s, at + 6, Ipv4Header.flagsAndOffset(s, at) & Ipv4Header.DONT_FRAGMENT);
        Ipv4Header.updateChecksum(s, at);
    }
}
