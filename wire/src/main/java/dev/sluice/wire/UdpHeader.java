package dev.sluice.wire;

import java.lang.foreign.MemorySegment;

/** The UDP header (RFC 768), 8 bytes. */
public final class UdpHeader {
    public static final int LENGTH = 8;
    /** Offset of the checksum within the header. */
    public static final int CHECKSUM = 6;

    private UdpHeader() {}

    /**
     * Validates lengths within {@code length} bytes of IP payload; not the checksum. A UDP length shorter than the IP payload is
     * allowed (trailing bytes are ignored), a longer one is not.
     */
    public static Flaw check(MemorySegment s, long at, long length) {
        if (length < LENGTH) {
            return Flaw.TRUNCATED;
        }
        int udp = length(s, at);
        return udp < LENGTH ? Flaw.BAD_LENGTH : udp > length ? Flaw.TRUNCATED : Flaw.NONE;
    }

    /** Validates the checksum over IPv4; zero means the sender made none (RFC 768). */
    public static boolean checksumOk(MemorySegment s, long at, int source, int destination) {
        int length = length(s, at);
        return Bytes.u16(s, at + CHECKSUM) == 0
                || Checksum.finish(Checksum.add(
                                Checksum.pseudoHeader(source, destination, Ipv4Header.PROTOCOL_UDP, length),
                                s,
                                at,
                                length))
                        == 0;
    }

    public static int sourcePort(MemorySegment s, long at) {
        return Bytes.u16(s, at);
    }

    public static int destinationPort(MemorySegment s, long at) {
        return Bytes.u16(s, at + 2);
    }

    /** Header and payload, in bytes. */
    public static int length(MemorySegment s, long at) {
        return Bytes.u16(s, at + 4);
    }

    /** Writes the header with checksum field 0. */
    public static void write(MemorySegment s, long at, int sourcePort, int destinationPort, int length) {
        Bytes.put16(s, at, sourcePort);
        Bytes.put16(s, at + 2, destinationPort);
        Bytes.put16(s, at + 4, length);
        Bytes.put16(s, at + 6, 0);
    }

    /** The field value for a finished sum: 0 is sent as 0xFFFF because 0 means "none" (RFC 768). */
    public static int checksumField(long sum) {
        int checksum = Checksum.finish(sum);
        return checksum == 0 ? 0xffff : checksum;
    }
}
