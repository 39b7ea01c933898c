package dev.sluice.wire;

import java.lang.foreign.MemorySegment;

/**
 * The header before each packet of a virtio network device (virtio 1.2 §5.1.6), 12 bytes, little-endian. A Linux TAP with {@code
 * IFF_VNET_HDR}, header size 12 and {@code TUNSETVNETLE} speaks the same.
 */
public final class VirtioNetHeader {
    public static final int LENGTH = 12;

    /** Flag: the checksum from {@link #checksumStart} on is still to be made. */
    public static final int NEEDS_CHECKSUM = 1;
    /** Flag: the checksum of the packet is known to be good. */
    public static final int DATA_VALID = 2;

    public static final int GSO_NONE = 0;
    public static final int GSO_TCP4 = 1;
    /** UDP fragmentation offload: the large datagram is to be sent as IP fragments. */
    public static final int GSO_UDP = 3;

    public static final int GSO_TCP6 = 4;
    /** UDP segmentation offload: each piece is a datagram of its own. */
    public static final int GSO_UDP_L4 = 5;
    /** Or-ed to a TCP type: only the first segment carries CWR. */
    public static final int GSO_ECN = 0x80;

    private VirtioNetHeader() {}

    /**
     * Validates header and packet together: {@code length} bytes, the header's 12 included. After {@link Flaw#NONE}, the checksum
     * field lies within the packet, and a segmentation type comes with a size and an unfinished checksum.
     */
    public static Flaw check(MemorySegment s, long at, long length) {
        if (length < LENGTH) {
            return Flaw.TRUNCATED;
        }
        long packet = length - LENGTH;
        long first = Bytes.i64LE(s, at);
        boolean unfinished = (first & NEEDS_CHECKSUM) != 0;
        int start = (int) (first >>> 48);
        if (unfinished && (start == 0 || start + checksumOffset(s, at) + 2 > packet)) {
            return Flaw.BAD_FIELD;
        }
        boolean sized = (first >>> 32 & 0xffff) != 0;
        return switch ((int) (first >>> 8) & 0xff & ~GSO_ECN) {
            case GSO_NONE -> Flaw.NONE;
            case GSO_TCP4, GSO_TCP6, GSO_UDP_L4 -> sized && unfinished ? Flaw.NONE : Flaw.BAD_FIELD;
            case GSO_UDP -> sized ? Flaw.NONE : Flaw.BAD_FIELD;
            default -> Flaw.BAD_FIELD;
        };
    }

    public static int flags(MemorySegment s, long at) {
        return Bytes.u8(s, at);
    }

    public static boolean needsChecksum(MemorySegment s, long at) {
        return (flags(s, at) & NEEDS_CHECKSUM) != 0;
    }

    public static boolean dataValid(MemorySegment s, long at) {
        return (flags(s, at) & DATA_VALID) != 0;
    }

    /** The segmentation type without {@link #GSO_ECN}. */
    public static int gsoType(MemorySegment s, long at) {
        return Bytes.u8(s, at + 1) & ~GSO_ECN;
    }

    public static boolean gsoEcn(MemorySegment s, long at) {
        return (Bytes.u8(s, at + 1) & GSO_ECN) != 0;
    }

    /** Ethernet, IP and transport headers together, in bytes: a hint only, never to be trusted. */
    public static int headerLength(MemorySegment s, long at) {
        return Bytes.u16LE(s, at + 2);
    }

    /** Payload bytes per segment. */
    public static int gsoSize(MemorySegment s, long at) {
        return Bytes.u16LE(s, at + 4);
    }

    /** Where checksumming starts, from the packet's first byte. */
    public static int checksumStart(MemorySegment s, long at) {
        return Bytes.u16LE(s, at + 6);
    }

    /** Where the checksum is stored, from {@link #checksumStart}. */
    public static int checksumOffset(MemorySegment s, long at) {
        return Bytes.u16LE(s, at + 8);
    }

    /** Receive buffers the packet spans; 1 without mergeable buffers. */
    public static int bufferCount(MemorySegment s, long at) {
        return Bytes.u16LE(s, at + 10);
    }

    /** Writes all fields; {@code gsoType} with {@link #GSO_ECN} if wanted. */
    public static void write(
            MemorySegment s,
            long at,
            int flags,
            int gsoType,
            int headerLength,
            int gsoSize,
            int checksumStart,
            int checksumOffset,
            int bufferCount) {
        long first = flags & 0xff
                | (gsoType & 0xff) << 8
                | (headerLength & 0xffffL) << 16
                | (gsoSize & 0xffffL) << 32
                | (long) checksumStart << 48;
        Bytes.put64LE(s, at, first);
        Bytes.put32LE(s, at + 8, checksumOffset & 0xffff | bufferCount << 16);
    }

    /** Writes a header that asks for nothing: all checksums are complete. */
    public static void writeNone(MemorySegment s, long at) {
        Bytes.put64(s, at, 0);
        Bytes.put32(s, at + 8, 0);
    }
}
