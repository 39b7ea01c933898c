package dev.sluice.wire;

import java.lang.foreign.MemorySegment;

/** The TCP header (RFC 9293 §3.1), 20–60 bytes. */
public final class TcpHeader {
    public static final int MIN_LENGTH = 20;
    public static final int MAX_LENGTH = 60;
    /** Offset of the checksum within the header. */
    public static final int CHECKSUM = 16;

    public static final int FIN = 0x01;
    public static final int SYN = 0x02;
    public static final int RST = 0x04;
    public static final int PSH = 0x08;
    public static final int ACK = 0x10;
    public static final int URG = 0x20;
    public static final int ECE = 0x40;
    public static final int CWR = 0x80;

    private TcpHeader() {}

    /**
     * Validates the fixed header and every option length within {@code length} bytes of IP payload; not the checksum. Option kinds
     * are not judged here.
     */
    public static Flaw check(MemorySegment s, long at, long length) {
        if (length < MIN_LENGTH) {
            return Flaw.TRUNCATED;
        }
        int header = headerLength(s, at);
        if (header < MIN_LENGTH) {
            return Flaw.BAD_HEADER_LENGTH;
        }
        if (header > length) {
            return Flaw.TRUNCATED;
        }
        return header == MIN_LENGTH || TcpOptions.areTimestampsOnly(s, at + MIN_LENGTH, header - MIN_LENGTH)
                ? Flaw.NONE
                : TcpOptions.check(s, at + MIN_LENGTH, header - MIN_LENGTH);
    }

    /** Validates the checksum of a segment of {@code length} bytes over IPv4. */
    public static boolean checksumOk(MemorySegment s, long at, int length, int source, int destination) {
        long sum = Checksum.pseudoHeader(source, destination, Ipv4Header.PROTOCOL_TCP, length);
        return Checksum.finish(Checksum.add(sum, s, at, length)) == 0;
    }

    public static int sourcePort(MemorySegment s, long at) {
        return Bytes.u16(s, at);
    }

    public static int destinationPort(MemorySegment s, long at) {
        return Bytes.u16(s, at + 2);
    }

    public static int sequence(MemorySegment s, long at) {
        return Bytes.i32(s, at + 4);
    }

    public static int acknowledgment(MemorySegment s, long at) {
        return Bytes.i32(s, at + 8);
    }

    /** Data offset in bytes: header with options. */
    public static int headerLength(MemorySegment s, long at) {
        return (Bytes.u8(s, at + 12) >>> 4) * 4;
    }

    /** The eight flag bits, CWR…FIN. */
    public static int flags(MemorySegment s, long at) {
        return Bytes.u8(s, at + 13);
    }

    /** The unscaled window, 0–65535. */
    public static int window(MemorySegment s, long at) {
        return Bytes.u16(s, at + 14);
    }

    public static int urgentPointer(MemorySegment s, long at) {
        return Bytes.u16(s, at + 18);
    }

    /** Writes the fixed part with checksum and urgent pointer 0; {@code headerLength} is a multiple of 4 within 20–60. */
    public static void write(
            MemorySegment s,
            long at,
            int sourcePort,
            int destinationPort,
            int sequence,
            int acknowledgment,
            int headerLength,
            int flags,
            int window) {
        Bytes.put64(s, at, (long) sourcePort << 48 | (destinationPort & 0xffffL) << 32 | sequence & 0xffff_ffffL);
        Bytes.put64(
                s,
                at + 8,
                (long) acknowledgment << 32 | (headerLength << 10 | flags & 0xffffL) << 16 | window & 0xffff);
        Bytes.put32(s, at + 16, 0);
    }
}
