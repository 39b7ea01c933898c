package dev.sluice.gateway.flow;

import java.util.Locale;

/** Why the gateway dropped or refused something; each has a counter, named in lower case with dashes in the control API. */
public enum Drop {
    BAD_ETHERNET,
    BAD_ARP,
    BAD_IPV4,
    BAD_IPV4_CHECKSUM,
    /** Of IPv6, its extension headers too. */
    BAD_IPV6,
    /** A neighbour discovery message that is none, or comes from beyond the link. */
    BAD_NDP,
    /** A message that is none, or an error that can't be true. */
    BAD_ICMP,
    BAD_UDP,
    BAD_UDP_CHECKSUM,
    BAD_TCP,
    BAD_TCP_CHECKSUM,
    BAD_DHCP,
    BAD_DNS,
    /** EtherType or IP protocol the gateway does not speak. */
    UNKNOWN_PROTOCOL,
    /** Source address bound to another guest, or not a guest's. */
    SPOOFED_SOURCE,
    /** From one guest to others, who don't get it: claims to be a router, or to have the gateway's or another guest's address. */
    SPOOFED_NEIGHBOUR,
    /** Source or destination that can never be right (multicast source, 0.0.0.0, loopback…). */
    MARTIAN,
    /** Multicast or broadcast that the gateway does not serve. */
    MULTICAST,
    TTL_EXPIRED,
    /** A fragment with an impossible length, or one that splits a transport header. */
    BAD_FRAGMENT,
    FRAGMENT_OVERLAP,
    FRAGMENT_TIMEOUT,
    FRAGMENT_LIMIT,
    TOO_BIG,
    /** Destination closed by configuration, such as the host's loopback. */
    PROHIBITED,
    NO_SERVICE,
    TCP_FLOW_LIMIT,
    TCP_HALF_OPEN_LIMIT,
    TCP_NO_FLOW,
    TCP_BUFFER_LIMIT,
    /** A connection that stood still was ended, for the buffers it held were another guest's due. */
    TCP_FLOW_EVICTED,
    UDP_FLOW_EVICTED,
    UDP_SEND_FAILED,
    PING_FLOW_EVICTED,
    PING_UNAVAILABLE,
    NO_DESCRIPTORS,
    DNS_LIMIT,
    GUEST_LIMIT,
    LINK_FULL,
    INTERNAL_ERROR;

    /** As the control API writes it: {@code bad-ipv4}. */
    public String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Whether it ends the frame from a guest that is being dealt with, rather than an older flow, or a frame to a guest. */
    public boolean isOfFrame() {
        return switch (this) {
            case TCP_FLOW_EVICTED, UDP_FLOW_EVICTED, PING_FLOW_EVICTED, LINK_FULL, FRAGMENT_TIMEOUT, FRAGMENT_LIMIT ->
                false;
            default -> true;
        };
    }
}
