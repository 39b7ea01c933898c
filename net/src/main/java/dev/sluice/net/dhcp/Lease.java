package dev.sluice.net.dhcp;

import dev.sluice.wire.DhcpMessage;
import dev.sluice.wire.DhcpOptions;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a DHCP server has given.
 *
 * @param address the host's address with the prefix length of its network
 * @param gateway next hop to everywhere else; null for none
 * @param dnsServers in the server's order of preference
 * @param domainName suffix for host names, or null
 * @param server who gave it
 * @param duration from the acknowledgment on; about 136 years stands for ever
 * @param renewal after which it is renewed (T1)
 * @param rebinding after which any server is asked (T2)
 */
public record Lease(
        Ipv4Cidr address,
        @Nullable Ipv4Address gateway,
        List<Ipv4Address> dnsServers,
        @Nullable String domainName,
        Ipv4Address server,
        Duration duration,
        Duration renewal,
        Duration rebinding) {
    private static final long SHORTEST = 10;
    private static final int DEFAULT_PREFIX = 24;

    /** Reads an ACK; null if it lacks what a lease needs or names an address that no host can have. */
    static @Nullable Lease of(DhcpMessage ack) {
        Ipv4Address server = ack.options().serverIdentifier();
        long seconds = ack.options().number32(DhcpOptions.LEASE_TIME);
        int bits = ack.yourAddress().bits();
        if (server == null || seconds < 0 || bits >>> 24 == 0 || bits >>> 24 == 127 || bits >>> 28 >= 0xe) {
            return null;
        }
        Ipv4Address mask = ack.options().address(DhcpOptions.SUBNET_MASK);
        int prefix = mask == null ? DEFAULT_PREFIX : Integer.bitCount(mask.bits());
        if (mask != null && (prefix == 0 || mask.bits() != -1 << (32 - prefix))) {
            return null;
        }
        Ipv4Cidr address = new Ipv4Cidr(ack.yourAddress(), prefix);
        if (prefix < 31
                && (address.network().equals(address.address())
                        || address.broadcast().equals(address.address()))) {
            return null;
        }
        List<Ipv4Address> routers = ack.options().addresses(DhcpOptions.ROUTER);
        Ipv4Address gateway = routers.stream()
                .filter(router -> address.contains(router) && !router.equals(address.address()))
                .findFirst()
                .orElse(null);
        long duration = Math.max(seconds, SHORTEST);
        long rebinding = within(ack.options().number32(DhcpOptions.REBINDING_TIME), duration, duration * 7 / 8);
        long renewal = within(ack.options().number32(DhcpOptions.RENEWAL_TIME), rebinding, duration / 2);
        return new Lease(
                address,
                gateway,
                ack.options().addresses(DhcpOptions.DNS_SERVERS),
                ack.options().text(DhcpOptions.DOMAIN_NAME),
                server,
                Duration.ofSeconds(duration),
                Duration.ofSeconds(Math.min(renewal, rebinding)),
                Duration.ofSeconds(rebinding));
    }

    private static long within(long told, long limit, long otherwise) {
        return told > 0 && told < limit ? told : otherwise;
    }
}
