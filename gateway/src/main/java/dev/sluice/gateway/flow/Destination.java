package dev.sluice.gateway.flow;

import dev.sluice.wire.IpHeader;

/** What a packet's destination means to the gateway: the one place where addresses are told apart. */
public enum Destination {
    /** The gateway itself. */
    GATEWAY,
    /** The host, by its address on the guest network. */
    HOST,
    /** On the guest network, or the link: it is not for the gateway to deliver. */
    NEIGHBOUR,
    /** Multicast or broadcast. */
    MULTICAST,
    /** Never a destination on a wire, and to the host's kernel perhaps a name of its own loopback. */
    MARTIAN,
    /** Anywhere else: the host's sockets find the way. */
    WORLD;

    /**
     * What an address means, given as two halves as in {@link IpHeader}; that an IPv6 packet holds no mapped IPv4 address is for its
     * input to see to.
     */
    public static Destination of(AddressPlan plan, long high, long low) {
        return IpHeader.isIpv4(high, low) ? ofIpv4(plan, (int) low) : ofIpv6(plan.ipv6(), high, low);
    }

    private static Destination ofIpv4(AddressPlan plan, int address) {
        if (address == plan.gateway().bits()) {
            return GATEWAY;
        }
        if (address == plan.host().bits()) {
            return HOST;
        }
        if (address >>> 28 == 0xe
                || address == -1
                || address == plan.subnet().broadcast().bits()) {
            return MULTICAST;
        }
        if (address >>> 24 == 0 || address >>> 24 == 127 || address >>> 28 == 0xf) {
            return MARTIAN;
        }
        return plan.subnet().contains(address) ? NEIGHBOUR : WORLD;
    }

    private static Destination ofIpv6(@org.jspecify.annotations.Nullable Ipv6Plan plan, long high, long low) {
        if (high >>> 56 == 0xff) {
            return MULTICAST;
        }
        if (high == 0) {
            return MARTIAN; // ::/64: unspecified, loopback, and the embedded IPv4 addresses that RFC 4291 §2.5.5 has
            // left
        }
        if (plan == null) {
            return MARTIAN;
        }
        if (plan.isGateway(high, low)) {
            return GATEWAY;
        }
        if (plan.isHost(high, low)) {
            return HOST;
        }
        return plan.contains(high) || high >>> 54 == 0xfe80 >>> 6 ? NEIGHBOUR : WORLD;
    }
}
