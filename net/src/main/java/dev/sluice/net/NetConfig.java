package dev.sluice.net;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.MacAddress;
import java.security.SecureRandom;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link NetStack} is opened with.
 *
 * @param addressing where its address comes from
 * @param mac its hardware address, not a group's
 * @param conflicts how it makes sure that the address is free
 * @param limits what may grow, and how far
 * @param nagle whether small writes wait for the acknowledgment of the one before (RFC 9293 §3.7.4)
 */
public record NetConfig(
        Addressing addressing, MacAddress mac, ConflictDetection conflicts, NetLimits limits, boolean nagle) {
    public NetConfig {
        if (mac.isGroup() || mac.bits() == 0) {
            throw new IllegalArgumentException(mac + " cannot be a host's address; its first byte must be even");
        }
    }

    /** Where the address comes from. */
    public sealed interface Addressing {
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

    /**
     * With a fixed address, a random MAC and no gateway.
     *
     * @param cidr such as {@code 10.0.0.2/24}
     */
    public static NetConfig of(String cidr) {
        return of(Ipv4Cidr.parse(cidr), null);
    }

    /**
     * With a fixed address, a gateway and a random MAC.
     *
     * @param cidr such as {@code 10.0.0.2/24}
     * @param gateway such as {@code 10.0.0.1}
     */
    public static NetConfig of(String cidr, String gateway) {
        return of(Ipv4Cidr.parse(cidr), Ipv4Address.parse(gateway));
    }

    public static NetConfig of(Ipv4Cidr address, @Nullable Ipv4Address gateway) {
        return with(new Addressing.Static(address, gateway));
    }

    /** With an address from DHCP within 30 seconds, and a random MAC. */
    public static NetConfig dhcp() {
        return with(new Addressing.Dhcp(null, Duration.ofSeconds(30)));
    }

    private static NetConfig with(Addressing addressing) {
        return new NetConfig(addressing, randomMac(), ConflictDetection.quick(), NetLimits.defaults(), true);
    }

    /** A locally administered unicast address (IEEE 802 §8.4). */
    private static MacAddress randomMac() {
        long bits = new SecureRandom().nextLong() & 0xffff_ffff_ffffL;
        return new MacAddress((bits & ~0x0300_0000_0000L) | 0x0200_0000_0000L);
    }

    public NetConfig with(MacAddress mac) {
        return new NetConfig(addressing, mac, conflicts, limits, nagle);
    }

    public NetConfig with(ConflictDetection conflicts) {
        return new NetConfig(addressing, mac, conflicts, limits, nagle);
    }

    public NetConfig with(NetLimits limits) {
        return new NetConfig(addressing, mac, conflicts, limits, nagle);
    }

    public NetConfig withNagle(boolean nagle) {
        return new NetConfig(addressing, mac, conflicts, limits, nagle);
    }
}
