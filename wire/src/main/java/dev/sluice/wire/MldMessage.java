package dev.sluice.wire;

import java.lang.foreign.MemorySegment;

/**
 * Multicast listener discovery, version 2 (RFC 3810 §5), as far as a host needs it that listens to groups, never to sources: queries are
 * read, reports written. Messages start at the ICMPv6 header.
 */
public final class MldMessage {
    /** Where reports go: all MLDv2 routers of the link. */
    public static final Ipv6Address ROUTERS = new Ipv6Address(0xff02_0000_0000_0000L, 0x16);
    /** Hop limit of every message (§5). */
    public static final int HOP_LIMIT = 1;

    /** Record types (§5.2.12): listening, with no source excluded; no longer or only now listening. */
    public static final int IS_EXCLUDE = 2;

    public static final int TO_INCLUDE = 3;
    public static final int TO_EXCLUDE = 4;

    /** Bytes of the hop-by-hop header in front of a report: a router alert (RFC 2711) and padding. */
    public static final int ALERT_LENGTH = 8;

    private static final int QUERY_LENGTH = 24;
    private static final int QUERY_LENGTH_V2 = 28;
    private static final int REPORT_LENGTH = 8;
    private static final int RECORD_LENGTH = 20;

    private MldMessage() {}

    /** Whether the {@code length} bytes at {@code at} are long enough for a query of either version. */
    public static boolean isQuery(MemorySegment s, long at, int length) {
        return length >= QUERY_LENGTH && IcmpHeader.type(s, at) == Icmpv6Header.LISTENER_QUERY;
    }

    /** Milliseconds within which listeners are to answer a query (§5.1.3). */
    public static long responseDelay(MemorySegment s, long at, int length) {
        int code = Bytes.u16(s, at + 4);
        boolean exponent = length >= QUERY_LENGTH_V2 && code >= 0x8000;
        return exponent ? (long) (code & 0xfff | 0x1000) << ((code >>> 12 & 7) + 3) : code;
    }

    /** The group a query is about; :: if it is about all. */
    public static long groupHigh(MemorySegment s, long at) {
        return Bytes.i64(s, at + 8);
    }

    public static long groupLow(MemorySegment s, long at) {
        return Bytes.i64(s, at + 16);
    }

    /** Bytes of a report with {@code records} groups. */
    public static int reportLength(int records) {
        return REPORT_LENGTH + records * RECORD_LENGTH;
    }

    /** Writes the hop-by-hop header with the router alert (RFC 2711 §2.1), for an ICMPv6 message to follow. */
    public static void writeAlert(MemorySegment s, long at) {
        Bytes.put32(s, at, Ipv6Header.ICMPV6 << 24 | 0x0502);
        Bytes.put32(s, at + 4, 0x0100); // PadN of no bytes
    }

    /** Writes the head of a report; its records follow at {@link #putRecord}. The checksum stays 0. */
    public static void writeReport(MemorySegment s, long at, int records) {
        IcmpHeader.write(s, at, Icmpv6Header.LISTENER_REPORT_V2, 0, records);
    }

    /** Writes record number {@code index} of the report at {@code at}, without sources. */
    public static void putRecord(MemorySegment s, long at, int index, int type, long groupHigh, long groupLow) {
        long record = at + REPORT_LENGTH + (long) index * RECORD_LENGTH;
        Bytes.put32(s, record, type << 24);
        Bytes.put64(s, record + 4, groupHigh);
        Bytes.put64(s, record + 12, groupLow);
    }
}
