package dev.sluice.wire;

import java.lang.foreign.MemorySegment;

/**
 * The IP header of either family, for those who need not know which: addresses are two {@code long}s, IPv4 mapped into IPv6 (RFC
 * 4291 §2.5.5.2), which no packet on a wire may carry as IPv6 addresses.
 */
public final class IpHeader {
    /** The high half of every mapped IPv4 address. */
    public static final long MAPPED_HIGH = 0;

    private static final long MAPPED = 0xffff_0000_0000L;

    private IpHeader() {}

    /** The low half of an IPv4 address given as bits: ::ffff:a.b.c.d. */
    public static long mapped(int ipv4) {
        return MAPPED | ipv4 & 0xffff_ffffL;
    }

    /** Whether two halves are an IPv4 address; its bits are then {@code (int) low}. */
    public static boolean isIpv4(long high, long low) {
        return high == MAPPED_HIGH && low >>> 32 == 0xffff;
    }

    /** 127.0.0.0/8 and ::1. */
    public static boolean isLoopback(long high, long low) {
        return high == 0 && (low == 1 || low >>> 24 == (MAPPED | 127L << 24) >>> 24);
    }

    /** Allocates; for the slow paths. */
    public static IpAddress address(long high, long low) {
        return isIpv4(high, low) ? new Ipv4Address((int) low) : new Ipv6Address(high, low);
    }

    public static boolean isIpv4(MemorySegment s, long at) {
        return Bytes.u8(s, at) >>> 4 == 4;
    }

    public static long sourceHigh(MemorySegment s, long at) {
        return isIpv4(s, at) ? MAPPED_HIGH : Ipv6Header.sourceHigh(s, at);
    }

    public static long sourceLow(MemorySegment s, long at) {
        return isIpv4(s, at) ? mapped(Ipv4Header.source(s, at)) : Ipv6Header.sourceLow(s, at);
    }

    public static long destinationHigh(MemorySegment s, long at) {
        return isIpv4(s, at) ? MAPPED_HIGH : Ipv6Header.destinationHigh(s, at);
    }

    public static long destinationLow(MemorySegment s, long at) {
        return isIpv4(s, at) ? mapped(Ipv4Header.destination(s, at)) : Ipv6Header.destinationLow(s, at);
    }

    /** Time to live, or hop limit. */
    public static int hopLimit(MemorySegment s, long at) {
        return isIpv4(s, at) ? Ipv4Header.timeToLive(s, at) : Ipv6Header.hopLimit(s, at);
    }

    /** DSCP and ECN: type of service, or traffic class. */
    public static int trafficClass(MemorySegment s, long at) {
        return isIpv4(s, at) ? Ipv4Header.typeOfService(s, at) : Ipv6Header.trafficClass(s, at);
    }

    /** Bytes of the whole packet. */
    public static int totalLength(MemorySegment s, long at) {
        return isIpv4(s, at) ? Ipv4Header.totalLength(s, at) : Ipv6Header.LENGTH + Ipv6Header.payloadLength(s, at);
    }

    /** Length of a header without options or extension headers. */
    public static int length(boolean ipv4) {
        return ipv4 ? Ipv4Header.MIN_LENGTH : Ipv6Header.LENGTH;
    }

    /**
     * Writes a header that ends right before {@code end}, of the family of its addresses; no flags, identification or flow label.
     *
     * @param payload bytes after the header
     * @return where the header starts
     */
    public static long writeBefore(
            MemorySegment s,
            long end,
            int payload,
            int protocol,
            int hopLimit,
            long sourceHigh,
            long sourceLow,
            long destinationHigh,
            long destinationLow) {
        if (isIpv4(sourceHigh, sourceLow)) {
            long at = end - Ipv4Header.MIN_LENGTH;
            int total = Ipv4Header.MIN_LENGTH + payload;
            Ipv4Header.write(s, at, 0, total, 0, 0, hopLimit, protocol, (int) sourceLow, (int) destinationLow);
            return at;
        }
        long at = end - Ipv6Header.LENGTH;
        Ipv6Header.write(
                s, at, 0, 0, payload, protocol, hopLimit, sourceHigh, sourceLow, destinationHigh, destinationLow);
        return at;
    }

    /** The pseudo header's sum of an upper layer between two addresses of one family. */
    public static long pseudoHeader(
            long sourceHigh, long sourceLow, long destinationHigh, long destinationLow, int protocol, int length) {
        return isIpv4(sourceHigh, sourceLow)
                ? Checksum.pseudoHeader((int) sourceLow, (int) destinationLow, protocol, length)
                : Checksum.pseudoHeader6(sourceHigh, sourceLow, destinationHigh, destinationLow, protocol, length);
    }

    /** Whether the checksum of the upper layer's {@code length} bytes at {@code at} fits, with the addresses of the header at {@code ip}. */
    public static boolean checksumOk(MemorySegment s, long ip, int protocol, long at, int length) {
        long pseudo = isIpv4(s, ip)
                ? Checksum.pseudoHeader(Ipv4Header.source(s, ip), Ipv4Header.destination(s, ip), protocol, length)
                : Ipv6Header.pseudoHeader(s, ip, protocol, length);
        return Checksum.finish(Checksum.add(pseudo, s, at, length)) == 0;
    }

    /** The same for a UDP datagram that has passed {@link UdpHeader#check}: only over IPv4 may there be none (RFC 768, RFC 8200 §8.1). */
    public static boolean udpChecksumOk(MemorySegment s, long ip, long at) {
        if (Bytes.u16(s, at + UdpHeader.CHECKSUM) == 0) {
            return isIpv4(s, ip);
        }
        return checksumOk(s, ip, Ipv4Header.PROTOCOL_UDP, at, UdpHeader.length(s, at));
    }
}
