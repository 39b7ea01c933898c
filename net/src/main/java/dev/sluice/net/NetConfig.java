package dev.sluice.net;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.MacAddress;
import java.security.SecureRandom;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link NetStack} is opened with.
 *
 * @param addressing where its IPv4 address comes from
 * @param ipv6 where its IPv6 addresses come from
 * @param mac its hardware address, not a group's
 * @param conflicts how it makes sure that its addresses are free
 * @param limits what may grow, and how far
 * @param nagle whether small writes wait for the acknowledgment of the one before (RFC 9293 §3.7.4)
 */
public record NetConfig(
        Addressing addressing,
        Ipv6 ipv6,
        MacAddress mac,
        ConflictDetection conflicts,
        NetLimits limits,
        boolean nagle) {
    public NetConfig {
        if (addressing instanceof Addressing.None && ipv6 instanceof Ipv6.None) {
            throw new IllegalArgumentException("a host without any address has nothing to talk with");
        }
        if (mac.isGroup() || mac.bits() == 0) {
            throw new IllegalArgumentException(mac + " cannot be a host's address; its first byte must be even");
        }
    }

    /** Where the IPv4 address comes from. */
    public sealed interface Addressing {
        /** There is none: the host speaks IPv6 only. */
        record None() implements Addressing {}

        /**
         * Given by the user.
         *
         * @param address the host's address with the prefix length of its network
         * @param gateway next hop to everywhere else, on the same network; null for none
         */
        record Static(Ipv4Cidr address, @Nullable Ipv4Address gateway) implements Addressing {
            public Static {
                int bits = address.address().bits();
                if (bits >>> 24 == 0 || bits >>> 24 == 127 || bits >>> 28 >= 0xe) {
                    throw new IllegalArgumentException(address + " is not an address a host can have");
                }
                if (address.prefix() < 31
                        && (bits == address.network().bits()
                                || bits == address.broadcast().bits())) {
                    throw new IllegalArgumentException(
                            address + " is the network itself, not a host; choose an address inside it");
                }
                if (gateway != null && !address.contains(gateway)) {
                    throw new IllegalArgumentException(
                            "the gateway " + gateway + " is not on the network of " + address);
                }
            }
        }

        /**
         * Asked of a DHCP server (RFC 2131).
         *
         * @param hostName name to tell the server, or null
         * @param patience how long {@code open} waits for an address
         */
        record Dhcp(@Nullable String hostName, Duration patience) implements Addressing {}
    }

    /** Where IPv6 addresses come from; with any of these but {@link None}, the host has a link-local one as well. */
    public sealed interface Ipv6 {
        /** There are none, and nothing of IPv6 is sent or answered. */
        record None() implements Ipv6 {}

        /**
         * Made of the prefixes that routers advertise (RFC 4862), which also give the next hops, the MTU and name servers.
         *
         * @param patience how long {@code open} waits for the first; without one, it goes on with the link-local address
         */
        record Automatic(Duration patience) implements Ipv6 {}

        /**
         * Given by the user; routers are not listened to.
         *
         * @param address the host's address with the prefix length of its network
         * @param gateway next hop to everywhere else, on the same network or link-local; null for none
         */
        record Static(Ipv6Cidr address, @Nullable Ipv6Address gateway) implements Ipv6 {
            public Static {
                Ipv6Address own = address.address();
                if (own.isUnspecified()
                        || own.isLoopback()
                        || own.isMulticast()
                        || own.isLinkLocal()
                        || own.high() == 0) {
                    throw new IllegalArgumentException(
                            address + " is not an address to give a host; choose one such as fd00:5109:5ce::7/64");
                }
                if (gateway != null && !gateway.isLinkLocal() && !address.contains(gateway)) {
                    throw new IllegalArgumentException(
                            "the gateway " + gateway + " is neither link-local nor on the network of " + address);
                }
            }
        }
    }

    /**
     * With a fixed address of either family, a random MAC and no gateway.
     *
     * @param cidr such as {@code 10.0.0.2/24} or {@code fd00:5109:5ce::7/64}
     */
    public static NetConfig of(String cidr) {
        return isIpv6(cidr) ? ipv6Only().withIpv6(cidr) : of(Ipv4Cidr.parse(cidr), null);
    }

    private static boolean isIpv6(String text) {
        return text.indexOf(':') >= 0;
    }

    /**
     * With a fixed address of either family, a gateway and a random MAC.
     *
     * @param cidr such as {@code 10.0.0.2/24} or {@code fd00:5109:5ce::7/64}
     * @param gateway such as {@code 10.0.0.1} or {@code fd00:5109:5ce::1}
     */
    public static NetConfig of(String cidr, String gateway) {
        return isIpv6(cidr) ? ipv6Only().withIpv6(cidr, gateway) : of(Ipv4Cidr.parse(cidr), Ipv4Address.parse(gateway));
    }

    /**
     * With a fixed IPv4 address and a random MAC.
     *
     * @param gateway next hop to other networks; null for none
     * @throws IllegalArgumentException if no host can have the address, or the gateway is not on its network
     */
    public static NetConfig of(Ipv4Cidr address, @Nullable Ipv4Address gateway) {
        return with(new Addressing.Static(address, gateway));
    }

    /** With an address from DHCP within 30 seconds, and a random MAC. */
    public static NetConfig dhcp() {
        return with(new Addressing.Dhcp(null, Duration.ofSeconds(30)));
    }

    /** Without IPv4, with the IPv6 addresses that routers advertise, and a random MAC. */
    public static NetConfig ipv6Only() {
        return with(new Addressing.None(), automatic());
    }

    private static Ipv6 automatic() {
        return new Ipv6.Automatic(Duration.ofSeconds(10));
    }

    private static NetConfig with(Addressing addressing) {
        return with(addressing, new Ipv6.None());
    }

    private static NetConfig with(Addressing addressing, Ipv6 ipv6) {
        return new NetConfig(addressing, ipv6, randomMac(), ConflictDetection.quick(), NetLimits.defaults(), true);
    }

    /** A locally administered unicast address (IEEE 802 §8.4). */
    private static MacAddress randomMac() {
        long bits = new SecureRandom().nextLong() & 0xffff_ffff_ffffL;
        return new MacAddress((bits & ~0x0300_0000_0000L) | 0x0200_0000_0000L);
    }

    /** With the IPv6 addresses that routers advertise, beside what there is of IPv4; {@code open} waits ten seconds for the first. */
    public NetConfig withIpv6() {
        return with(automatic());
    }

    /**
     * With a fixed IPv6 address and no way to other networks, beside what there is of IPv4.
     *
     * @param cidr such as {@code fd00:5109:5ce::7/64}
     */
    public NetConfig withIpv6(String cidr) {
        return with(new Ipv6.Static(Ipv6Cidr.parse(cidr), null));
    }

    /**
     * With a fixed IPv6 address and a gateway, beside what there is of IPv4.
     *
     * @param cidr such as {@code fd00:5109:5ce::7/64}
     * @param gateway such as {@code fd00:5109:5ce::1} or {@code fe80::1}
     */
    public NetConfig withIpv6(String cidr, String gateway) {
        return with(new Ipv6.Static(Ipv6Cidr.parse(cidr), Ipv6Address.parse(gateway)));
    }

    /** The same with other IPv6 addresses. */
    public NetConfig with(Ipv6 ipv6) {
        return new NetConfig(addressing, ipv6, mac, conflicts, limits, nagle);
    }

    /** The same with this hardware address instead of a random one; not a group's. */
    public NetConfig with(MacAddress mac) {
        return new NetConfig(addressing, ipv6, mac, conflicts, limits, nagle);
    }

    /** The same with other questions before an address is used. */
    public NetConfig with(ConflictDetection conflicts) {
        return new NetConfig(addressing, ipv6, mac, conflicts, limits, nagle);
    }

    /** The same with other bounds. */
    public NetConfig with(NetLimits limits) {
        return new NetConfig(addressing, ipv6, mac, conflicts, limits, nagle);
    }

    /** The same where small writes wait for each other (the default), or do not; {@link TcpConnection#noDelay} for one connection. */
    public NetConfig withNagle(boolean nagle) {
        return new NetConfig(addressing, ipv6, mac, conflicts, limits, nagle);
    }
}
