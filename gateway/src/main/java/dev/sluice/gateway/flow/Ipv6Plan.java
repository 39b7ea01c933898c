package dev.sluice.gateway.flow;

import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.MacAddress;

/**
 * The IPv6 addresses of one guest network.
 *
 * @param prefix the guest network, a /64 as address autoconfiguration needs it (RFC 4862 §5.5.3)
 * @param gateway answers as router and DNS server
 * @param host traffic to it goes to the host's ::1, if the plan's loopback is open
 * @param linkLocal the gateway's address as a router (RFC 4861 §4.2)
 * @param firstGuest lowest address given to guests by configuration or DHCPv6
 * @param defaultRoute whether guests are told to send everything here: only where the host itself has a way to the IPv6 Internet
 */
public record Ipv6Plan(
        Ipv6Cidr prefix,
        Ipv6Address gateway,
        Ipv6Address host,
        Ipv6Address linkLocal,
        Ipv6Address firstGuest,
        boolean defaultRoute) {

    /** What every IPv6 link must carry (RFC 8200 §5). */
    public static final int MIN_MTU = 1280;

    public static final Ipv6Cidr DEFAULT_PREFIX = new Ipv6Cidr(new Ipv6Address(0xfd00_5109_05ce_0000L, 0), 64);

    /**
     * The usual plan of a prefix: gateway ::1, host ::2, guests from ::3.
     *
     * @throws IllegalArgumentException if the prefix is no /64, or none that hosts may have addresses in
     */
    public static Ipv6Plan of(Ipv6Cidr prefix, MacAddress mac, boolean defaultRoute) {
        Ipv6Address network = prefix.network();
        if (prefix.prefix() != 64) {
            throw new IllegalArgumentException("an IPv6 guest network is a /64, not a /" + prefix.prefix()
                    + ", or guests could not make up their addresses; for example " + DEFAULT_PREFIX);
        }
        if (network.isMulticast() || network.isLinkLocal() || network.high() == 0) {
            throw new IllegalArgumentException(
                    network + " is no network for guests; choose one of fd00::/8, for example " + DEFAULT_PREFIX);
        }
        return new Ipv6Plan(
                new Ipv6Cidr(network, 64),
                network.plus(1),
                network.plus(2),
                Ipv6Address.linkLocal(mac),
                network.plus(3),
                defaultRoute);
    }

    /** Whether an address is one of the guest network; without allocation. */
    public boolean contains(long high) {
        return prefix.address().high() == high;
    }

    public boolean isGateway(long high, long low) {
        return gateway.low() == low && gateway.high() == high || linkLocal.low() == low && linkLocal.high() == high;
    }

    public boolean isHost(long high, long low) {
        return host.low() == low && host.high() == high;
    }
}
