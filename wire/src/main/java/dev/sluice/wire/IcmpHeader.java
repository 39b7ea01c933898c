package dev.sluice.wire;

import java.lang.foreign.MemorySegment;

/** The ICMPv4 header (RFC 792): type, code, checksum and four bytes that depend on the type. */
public final class IcmpHeader {
    public static final int LENGTH = 8;

    public static final int ECHO_REPLY = 0;
    public static final int DESTINATION_UNREACHABLE = 3;
    public static final int ECHO_REQUEST = 8;
    public static final int TIME_EXCEEDED = 11;
    public static final int PARAMETER_PROBLEM = 12;

    /** Codes of {@link #DESTINATION_UNREACHABLE} (RFC 792, RFC 1812 §5.2.7.1). */
    public static final int NET_UNREACHABLE = 0;

    public static final int HOST_UNREACHABLE = 1;
    public static final int PROTOCOL_UNREACHABLE = 2;
    public static final int PORT_UNREACHABLE = 3;
    public static final int FRAGMENTATION_NEEDED = 4;
    public static final int ADMINISTRATIVELY_PROHIBITED = 13;

    private IcmpHeader() {}

    /** Validates length and checksum of a message of {@code length} bytes. */
    public static Flaw check(MemorySegment s, long at, long length) {
        if (length < LENGTH) {
            return Flaw.TRUNCATED;
        }
        return Checksum.finish(Checksum.add(0, s, at, length)) == 0 ? Flaw.NONE : Flaw.BAD_CHECKSUM;
    }

    public static int type(MemorySegment s, long at) {
        return Bytes.u8(s, at);
    }

    public static int code(MemorySegment s, long at) {
        return Bytes.u8(s, at + 1);
    }

    /** Identifier of an echo message. */
    public static int identifier(MemorySegment s, long at) {
        return Bytes.u16(s, at + 4);
    }

    /** Sequence number of an echo message. */
    public static int sequence(MemorySegment s, long at) {
        return Bytes.u16(s, at + 6);
    }

    /** Writes type, code and the type's own four bytes, with checksum 0. */
    public static void write(MemorySegment s, long at, int type, int code, int rest) {
        Bytes.put16(s, at, type << 8 | code);
        Bytes.put16(s, at + 2, 0);
        Bytes.put32(s, at + 4, rest);
    }

    /** Computes and stores the checksum over a message of {@code length} bytes. */
    public static void updateChecksum(MemorySegment s, long at, long length) {
        Bytes.put16(s, at + 2, 0);
        Bytes.put16(s, at + 2, Checksum.finish(Checksum.add(0, s, at, length)));
    }
}
