package dev.sluice.wire;

import java.lang.foreign.MemorySegment;

/** An ARP message for IPv4 over Ethernet (RFC 826), 28 bytes. */
public final class ArpHeader {
    public static final int LENGTH = 28;
    public static final int REQUEST = 1;
    public static final int REPLY = 2;

    private ArpHeader() {}

    /** Accepts only Ethernet/IPv4 requests and replies. */
    public static Flaw check(MemorySegment s, long at, long length) {
        if (length < LENGTH) {
            return Flaw.TRUNCATED;
        }
        if (Bytes.u16(s, at) != 1
                || Bytes.u16(s, at + 2) != EthernetHeader.TYPE_IPV4
                || Bytes.u16(s, at + 4) != 0x0604) {
            return Flaw.BAD_VERSION;
        }
        int operation = operation(s, at);
        return operation == REQUEST || operation == REPLY ? Flaw.NONE : Flaw.BAD_FIELD;
    }

    public static int operation(MemorySegment s, long at) {
        return Bytes.u16(s, at + 6);
    }

    public static long senderMac(MemorySegment s, long at) {
        return Bytes.u48(s, at + 8);
    }

    public static int senderAddress(MemorySegment s, long at) {
        return Bytes.i32(s, at + 14);
    }

    public static long targetMac(MemorySegment s, long at) {
        return Bytes.u48(s, at + 18);
    }

    public static int targetAddress(MemorySegment s, long at) {
        return Bytes.i32(s, at + 24);
    }

    public static void write(
            MemorySegment s,
            long at,
            int operation,
            long senderMac,
            int senderAddress,
            long targetMac,
            int targetAddress) {
        Bytes.put16(s, at, 1);
        Bytes.put16(s, at + 2, EthernetHeader.TYPE_IPV4);
        Bytes.put16(s, at + 4, 0x0604);
        Bytes.put16(s, at + 6, operation);
        Bytes.put48(s, at + 8, senderMac);
        Bytes.put32(s, at + 14, senderAddress);
        Bytes.put48(s, at + 18, targetMac);
        Bytes.put32(s, at + 24, targetAddress);
    }
}
