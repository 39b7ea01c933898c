package dev.sluice.host;

import dev.sluice.wire.IpHeader;

/**
 * Where datagram sockets of the host come from; all of one host belong to one loop, and everything happens on its thread. Addresses
 * are two {@code long}s in network order, IPv4 mapped into IPv6 ({@link #mapped}), so that no address object is needed per datagram.
 */
public interface DatagramHost {

    /** Bytes that are the receiver's to overwrite before every datagram or message handed to it. */
    int HEADROOM = 128;

    /** Largest payload of a UDP datagram over IPv4. */
    int MAX_PAYLOAD = 65_507;

    /** Largest payload of a UDP datagram over IPv6, which counts without the header. */
    int MAX_PAYLOAD_IPV6 = 65_527;

    /**
     * Opens an unconnected UDP socket. Don't Fragment is off.
     *
     * @param bindHigh the local address, with {@code bindLow}; 0.0.0.0 for any, :: for any of IPv6. Its family is the socket's
     * @param bindPort the local port, 0 for any; address and port both zero bind at the first datagram sent
     */
    Opening<DatagramSocket> openDatagram(long bindHigh, long bindLow, int bindPort, DatagramSocket.Events events);

    /** As {@link #openDatagram} for one that others send to first: it is bound at once, with port 0 to any free one. */
    Opening<DatagramSocket> listenDatagram(long bindHigh, long bindLow, int bindPort, DatagramSocket.Events events);

    /**
     * Has a bound socket ready for the next one whose port this user may not bind.
     *
     * @param fd -1 for none any more; one that was not used is closed
     */
    default void grant(int fd) {}

    /**
     * Opens a sender of ICMP echo requests. Fails as PROHIBITED, with the remedy, where the host lets this user send none.
     *
     * @param ipv6 whether it sends ICMPv6 to IPv6 addresses, rather than ICMP to IPv4 ones
     */
    Opening<PingSocket> openPing(boolean ipv6, PingSocket.Events events);

    /** The high half of every IPv4 address. */
    long MAPPED_HIGH = IpHeader.MAPPED_HIGH;

    /** The low half of an IPv4 address given as bits: ::ffff:a.b.c.d. */
    static long mapped(int ipv4) {
        return IpHeader.mapped(ipv4);
    }

    /** Whether two halves are an IPv4 address; its bits are then {@code (int) low}. */
    static boolean isIpv4(long high, long low) {
        return IpHeader.isIpv4(high, low);
    }
}
