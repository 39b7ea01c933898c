package dev.sluice.wire;

import java.lang.foreign.MemorySegment;

/** The IPv4 header (RFC 791 §3.1), 20–60 bytes. */
public final class Ipv4Header {
    public static final int MIN_LENGTH = 20;
    public static final int MAX_LENGTH = 60;

    public static final int PROTOCOL_ICMP = 1;
    public static final int PROTOCOL_TCP = 6;
    public static final int PROTOCOL_UDP = 17;

    /** Don't Fragment, in the 16-bit word of {@link #flagsAndOffset}. */
    public static final int DONT_FRAGMENT = 0x4000;
    /** More Fragments, in the 16-bit word of {@link #flagsAndOffset}. */
    public static final int MORE_FRAGMENTS = 0x2000;

    private static final int END_OF_OPTIONS = 0;
    private static final int NO_OPERATION = 1;
    private static final int LOOSE_SOURCE_ROUTE = 131;
    private static final int STRICT_SOURCE_ROUTE = 137;

    private Ipv4Header() {}

    /**
     * Validates the header at {@code at} within {@code length} available bytes, checksum included. Trailing bytes after the total
     * length (Ethernet padding) are fine; use {@link #totalLength} from then on, never the frame's length.
     */
    public static Flaw check(MemorySegment s, long at, long length) {
        if (length < MIN_LENGTH) {
            return Flaw.TRUNCATED;
        }
        long first = Bytes.i64(s, at);
        if (first >>> 60 != 4) {
            return Flaw.BAD_VERSION;
        }
        int header = (int) (first >>> 56 & 0xf) * 4;
        if (header < MIN_LENGTH) {
            return Flaw.BAD_HEADER_LENGTH;
        }
        int total = Bytes.u16(first, 16);
        if (total < header) {
            return Flaw.BAD_LENGTH;
        }
        if (total > length) {
            return Flaw.TRUNCATED;
        }
        long sum = Checksum.add64(Checksum.add64(0, first), Bytes.i64(s, at + 8));
        sum = Checksum.add32(sum, Bytes.i32(s, at + 16));
        if (header > MIN_LENGTH) {
            sum = Checksum.add(sum, s, at + MIN_LENGTH, header - MIN_LENGTH);
        }
        return Checksum.finish(sum) == 0 ? Flaw.NONE : Flaw.BAD_CHECKSUM;
    }

    /** Header length in bytes, options included. */
    public static int headerLength(MemorySegment s, long at) {
        return (Bytes.u8(s, at) & 0xf) * 4;
    }

    public static int typeOfService(MemorySegment s, long at) {
        return Bytes.u8(s, at + 1);
    }

    public static int totalLength(MemorySegment s, long at) {
        return Bytes.u16(s, at + 2);
    }

    public static int identification(MemorySegment s, long at) {
        return Bytes.u16(s, at + 4);
    }

    public static int flagsAndOffset(MemorySegment s, long at) {
        return Bytes.u16(s, at + 6);
    }

    /** True if this is one of several fragments, the first and the last included. */
    public static boolean isFragment(MemorySegment s, long at) {
        return (flagsAndOffset(s, at) & (MORE_FRAGMENTS | 0x1fff)) != 0;
    }

    /** True if the options of a checked header hold a loose or a strict source route (RFC 791 §3.1), whole or not. */
    public static boolean hasSourceRoute(MemorySegment s, long at) {
        int header = headerLength(s, at);
        int i = MIN_LENGTH;
        while (i < header) {
            int kind = Bytes.u8(s, at + i);
            if (kind == LOOSE_SOURCE_ROUTE || kind == STRICT_SOURCE_ROUTE) {
                return true;
            }
            if (kind == END_OF_OPTIONS) {
                return false;
            }
            int size = kind == NO_OPERATION ? 1 : i + 1 < header ? Bytes.u8(s, at + i + 1) : 0;
            if (size == 0 || kind != NO_OPERATION && size < 2) {
                return false; // what follows has no beginning
            }
            i += size;
        }
        return false;
    }

    /** Where this fragment's payload belongs in the datagram's payload, in bytes. */
    public static int fragmentOffset(MemorySegment s, long at) {
        return (flagsAndOffset(s, at) & 0x1fff) * 8;
    }

    public static boolean moreFragments(MemorySegment s, long at) {
        return (flagsAndOffset(s, at) & MORE_FRAGMENTS) != 0;
    }

    public static boolean dontFragment(MemorySegment s, long at) {
        return (flagsAndOffset(s, at) & DONT_FRAGMENT) != 0;
    }

    public static int timeToLive(MemorySegment s, long at) {
        return Bytes.u8(s, at + 8);
    }

    public static int protocol(MemorySegment s, long at) {
        return Bytes.u8(s, at + 9);
    }

    public static int source(MemorySegment s, long at) {
        return Bytes.i32(s, at + 12);
    }

    public static int destination(MemorySegment s, long at) {
        return Bytes.i32(s, at + 16);
    }

    /** Writes a header without options and its checksum. {@code flagsAndOffset} as in the header's word. */
    public static void write(
            MemorySegment s,
            long at,
            int typeOfService,
            int totalLength,
            int identification,
            int flagsAndOffset,
            int timeToLive,
            int protocol,
            int source,
            int destination) {
        long first = (0x4500L | typeOfService & 0xff) << 48
                | (totalLength & 0xffffL) << 32
                | (identification & 0xffffL) << 16
                | flagsAndOffset & 0xffff;
        long second = (timeToLive & 0xffL) << 56 | (protocol & 0xffL) << 48 | source & 0xffff_ffffL;
        long sum = Checksum.add32(Checksum.add64(Checksum.add64(0, first), second), destination);
        Bytes.put64(s, at, first);
        Bytes.put64(s, at + 8, second | (long) Checksum.finish(sum) << 32);
        Bytes.put32(s, at + 16, destination);
    }

    /** Recomputes the header checksum after a field changed. */
    public static void updateChecksum(MemorySegment s, long at) {
        Bytes.put16(s, at + 10, 0);
        Bytes.put16(s, at + 10, Checksum.finish(Checksum.add(0, s, at, headerLength(s, at))));
    }
}
