package dev.sluice.gateway.flow;

import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.MacAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The addresses of one guest network.
 *
 * @param subnet the guest network
 * @param gateway answers as router, DNS and DHCP server
 * @param host traffic to it goes to the host's loopback, if {@code hostLoopback}
 * @param firstGuest lowest address handed to guests
 * @param lastGuest highest address handed to guests
 * @param mac hardware address of gateway and host
 * @param mtu largest IP packet on the guest network, 576–65520
 * @param hostLoopback whether guests may reach the host's loopback through {@code host}
 * @param domain the guests' domain name; empty for none
 * @param searchDomains the guests' search list
 * @param ipv6 the IPv6 side; null for none: then the guests' IPv6 is dropped
 */
public record AddressPlan(
        Ipv4Cidr subnet,
        Ipv4Address gateway,
        Ipv4Address host,
        Ipv4Address firstGuest,
        Ipv4Address lastGuest,
        MacAddress mac,
        int mtu,
        boolean hostLoopback,
        String domain,
        List<String> searchDomains,
        @Nullable Ipv6Plan ipv6) {

    public static final Ipv4Cidr DEFAULT_SUBNET = Ipv4Cidr.parse("192.168.65.0/24");
    public static final MacAddress DEFAULT_MAC = MacAddress.parse("f6:16:36:bc:f9:c6");
    public static final int MIN_MTU = 576;
    public static final int MAX_MTU = 65520;

    public AddressPlan {
        searchDomains = List.copyOf(searchDomains);
    }

    /** One without IPv6. */
    public AddressPlan(
            Ipv4Cidr subnet,
            Ipv4Address gateway,
            Ipv4Address host,
            Ipv4Address firstGuest,
            Ipv4Address lastGuest,
            MacAddress mac,
            int mtu,
            boolean hostLoopback,
            String domain,
            List<String> searchDomains) {
        this(subnet, gateway, host, firstGuest, lastGuest, mac, mtu, hostLoopback, domain, searchDomains, null);
    }

    /**
     * The usual plan of a subnet: gateway .1, host .2, guests from .3 to the last but broadcast.
     *
     * @throws IllegalArgumentException if the prefix is not within 8…29 or the MTU not within 576…65520
     */
    public static AddressPlan of(Ipv4Cidr subnet, int mtu, boolean hostLoopback) {
        if (subnet.prefix() < 8 || subnet.prefix() > 29) {
            throw new IllegalArgumentException("a guest network needs a prefix length within 8…29, not /"
                    + subnet.prefix() + "; for example 192.168.65.0/24");
        }
        if (mtu < MIN_MTU || mtu > MAX_MTU) {
            throw new IllegalArgumentException("an MTU must be within " + MIN_MTU + "…" + MAX_MTU + ", not " + mtu);
        }
        Ipv4Address network = subnet.network();
        return new AddressPlan(
                new Ipv4Cidr(network, subnet.prefix()),
                network.plus(1),
                network.plus(2),
                network.plus(3),
                subnet.broadcast().plus(-1),
                DEFAULT_MAC,
                mtu,
                hostLoopback,
                "",
                List.of());
    }

    /** The same with an IPv6 side. */
    public AddressPlan withIpv6(Ipv6Plan plan) {
        return new AddressPlan(
                subnet, gateway, host, firstGuest, lastGuest, mac, mtu, hostLoopback, domain, searchDomains, plan);
    }

    /** High half of the gateway's address of a family, as in {@link IpHeader}. */
    public long gatewayHigh(boolean ipv4) {
        return ipv4 || ipv6 == null ? IpHeader.MAPPED_HIGH : ipv6.gateway().high();
    }

    public long gatewayLow(boolean ipv4) {
        return ipv4 || ipv6 == null
                ? IpHeader.mapped(gateway.bits())
                : ipv6.gateway().low();
    }

    /** High half of the host's address of a family. */
    public long hostHigh(boolean ipv4) {
        return ipv4 || ipv6 == null ? IpHeader.MAPPED_HIGH : ipv6.host().high();
    }

    public long hostLow(boolean ipv4) {
        return ipv4 || ipv6 == null ? IpHeader.mapped(host.bits()) : ipv6.host().low();
    }
}
