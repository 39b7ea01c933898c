package dev.sluice.wire;

import java.lang.foreign.MemorySegment;

/** The fixed IPv6 header (RFC 8200 §3), 40 bytes; extension headers belong to its payload. */
public final class Ipv6Header {
    public static final int LENGTH = 40;

    public static final int HOP_BY_HOP = 0;
    public static final int ROUTING = 43;
    public static final int FRAGMENT = 44;
    public static final int ICMPV6 = 58;
    public static final int NO_NEXT_HEADER = 59;
    public static final int DESTINATION_OPTIONS = 60;

    private Ipv6Header() {}

    /**
     * Validates the fixed header at {@code at} within {@code length} available bytes. Trailing bytes after the payload are fine; use
     * {@link #payloadLength} from then on. Jumbograms (RFC 2675) are not supported: their payload length is 0.
     */
    public static Flaw check(MemorySegment s, long at, long length) {
        if (length < LENGTH) {
            return Flaw.TRUNCATED;
        }
        if (Bytes.u8(s, at) >>> 4 != 6) {
            return Flaw.BAD_VERSION;
        }
        return LENGTH + payloadLength(s, at) > length ? Flaw.TRUNCATED : Flaw.NONE;
    }

    /** DSCP and ECN. */
    public static int trafficClass(MemorySegment s, long at) {
        return Bytes.u16(s, at) >>> 4 & 0xff;
    }

    /** 20 bits. */
    public static int flowLabel(MemorySegment s, long at) {
        return Bytes.i32(s, at) & 0xf_ffff;
    }

    /** Bytes after this header, extension headers included. */
    public static int payloadLength(MemorySegment s, long at) {
        return Bytes.u16(s, at + 4);
    }

    public static int nextHeader(MemorySegment s, long at) {
        return Bytes.u8(s, at + 6);
    }

    public static int hopLimit(MemorySegment s, long at) {
        return Bytes.u8(s, at + 7);
    }

    public static long sourceHigh(MemorySegment s, long at) {
        return Bytes.i64(s, at + 8);
    }

    public static long sourceLow(MemorySegment s, long at) {
        return Bytes.i64(s, at + 16);
    }

    public static long destinationHigh(MemorySegment s, long at) {
        return Bytes.i64(s, at + 24);
    }

    public static long destinationLow(MemorySegment s, long at) {
        return Bytes.i64(s, at + 32);
    }

    /** Allocates; for the slow paths. */
    public static Ipv6Address source(MemorySegment s, long at) {
        return new Ipv6Address(sourceHigh(s, at), sourceLow(s, at));
    }

    /** Allocates; for the slow paths. */
    public static Ipv6Address destination(MemorySegment s, long at) {
        return new Ipv6Address(destinationHigh(s, at), destinationLow(s, at));
    }

    /** The pseudo header of upper layers (RFC 8200 §8.1) with the addresses of the header at {@code at}. */
    public static long pseudoHeader(MemorySegment s, long at, int nextHeader, int length) {
        return Checksum.add16(Checksum.add32(Checksum.add(0, s, at + 8, 32), length), nextHeader);
    }

    /** Writes the header; {@code flowLabel} 20 bits, {@code payloadLength} 0–65535. */
    public static void write(
            MemorySegment s,
            long at,
            int trafficClass,
            int flowLabel,
            int payloadLength,
            int nextHeader,
            int hopLimit,
            long sourceHigh,
            long sourceLow,
            long destinationHigh,
            long destinationLow) {
        Bytes.put32(s, at, 6 << 28 | (trafficClass & 0xff) << 20 | flowLabel & 0xf_ffff);
        Bytes.put16(s, at + 4, payloadLength);
        Bytes.put16(s, at + 6, nextHeader << 8 | hopLimit & 0xff);
        Bytes.put64(s, at + 8, sourceHigh);
        Bytes.put64(s, at + 16, sourceLow);
        Bytes.put64(s, at + 24, destinationHigh);
        Bytes.put64(s, at + 32, destinationLow);
    }
}
