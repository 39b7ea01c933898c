package dev.sluice.wire;

import java.lang.foreign.MemorySegment;

/** The 14-byte Ethernet II header: destination, source, type. No FCS, no VLAN tag. */
public final class EthernetHeader {
    public static final int LENGTH = 14;
    /** Smallest and largest type value that is a length in IEEE 802.3 are below this. */
    public static final int FIRST_TYPE = 0x0600;

    public static final int TYPE_IPV4 = 0x0800;
    public static final int TYPE_ARP = 0x0806;
    public static final int TYPE_IPV6 = 0x86dd;
    /** A tag of IEEE 802.1Q follows: priority and VLAN, then the type of what it is put around. */
    public static final int TYPE_TAG = 0x8100;

    public static final int TAG_LENGTH = 4;

    private EthernetHeader() {}

    public static Flaw check(MemorySegment s, long at, long length) {
        return length < LENGTH ? Flaw.TRUNCATED : Flaw.NONE;
    }

    public static long destination(MemorySegment s, long at) {
        return Bytes.i64(s, at) >>> 16;
    }

    public static long source(MemorySegment s, long at) {
        return Bytes.i64(s, at + 6) >>> 16;
    }

    public static int type(MemorySegment s, long at) {
        return Bytes.u16(s, at + 12);
    }

    public static void write(MemorySegment s, long at, long destination, long source, int type) {
        Bytes.put64(s, at, destination << 16 | source >>> 32 & 0xffff);
        Bytes.put32(s, at + 8, (int) source);
        Bytes.put16(s, at + 12, type);
    }
}
