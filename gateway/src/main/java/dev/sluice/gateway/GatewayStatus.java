package dev.sluice.gateway;

import dev.sluice.gateway.dns.DnsCounters;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.proxy.ProxyCounters;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.MacAddress;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What one gateway is and does at a moment, for people and the control API: the names here are the names there. Immutable.
 *
 * @param version of Sluice
 * @param pid of the process
 * @param uptimeSeconds since the gateway began
 * @param links where frames come from, in the order they were attached
 * @param guests neighbours known, with or without a lease
 * @param shares what machines hold of what guests share, by link in the order they were attached
 * @param drops counters that are not 0, by reason in lower case with dashes, sorted
 */
public record GatewayStatus(
        String version,
        long pid,
        long uptimeSeconds,
        Addresses addresses,
        List<LinkStatus> links,
        List<GuestStatus> guests,
        List<LeaseStatus> leases,
        List<ShareStatus> shares,
        TcpStatus tcp,
        UdpStatus udp,
        PingStatus ping,
        DnsCounters.Snapshot dns,
        ProxyCounters.Snapshot proxy,
        Map<String, Long> drops,
        Limits limits,
        LoopStatus loop,
        Memory memory) {

    public GatewayStatus {
        links = List.copyOf(links);
        guests = List.copyOf(guests);
        leases = List.copyOf(leases);
        shares = List.copyOf(shares);
        drops = Collections.unmodifiableMap(new TreeMap<>(drops));
    }

    GatewayStatus with(Memory memory) {
        return new GatewayStatus(
                version,
                pid,
                uptimeSeconds,
                addresses,
                links,
                guests,
                leases,
                shares,
                tcp,
                udp,
                ping,
                dns,
                proxy,
                drops,
                limits,
                loop,
                memory);
    }

    /** The same where the process has its heap collected, and counts how often. */
    public GatewayStatus withHeapCollections(long count) {
        return with(new Memory(
                memory.buffers,
                memory.buffersRefused,
                memory.pipes,
                memory.pipesRefused,
                memory.heapUsed,
                memory.heapCommitted,
                memory.resident,
                count));
    }

    /**
     * @param hostLoopback whether guests reach the host's loopback through {@code host}
     * @param mtu bytes of an IP packet
     * @param ipv6 null without IPv6
     */
    public record Addresses(
            Ipv4Cidr subnet,
            Ipv4Address gateway,
            Ipv4Address host,
            MacAddress mac,
            int mtu,
            boolean hostLoopback,
            @Nullable Ipv6Addresses ipv6) {}

    /** @param defaultRoute whether guests are told to send everything to the gateway */
    public record Ipv6Addresses(
            Ipv6Cidr prefix, Ipv6Address gateway, Ipv6Address host, Ipv6Address linkLocal, boolean defaultRoute) {}

    /**
     * @param dropped frames the link could not deliver
     */
    public record LinkStatus(
            String name,
            int mtu,
            boolean offloads,
            long framesFromGuest,
            long bytesFromGuest,
            long framesToGuest,
            long bytesToGuest,
            long dropped) {}

    /**
     * @param link name of the link it was last heard on
     * @param leased whether DHCP gave it the address
     * @param idleSeconds since its last frame
     */
    public record GuestStatus(IpAddress address, MacAddress mac, String link, boolean leased, long idleSeconds) {}

    /**
     * @param hostName what the guest called itself; empty if it did not
     * @param expiresInSeconds 0 or less when expired
     */
    public record LeaseStatus(Ipv4Address address, MacAddress mac, String hostName, long expiresInSeconds) {}

    /**
     * What a machine holds of what guests share, whatever addresses it has.
     *
     * @param link by which it came
     * @param mac null for the machines of a link that have no share of their own
     * @param buffers bytes of flow buffers
     * @param buffersGuaranteed bytes that nobody else can keep it from
     * @param buffersRefused requests for a buffer that were turned down
     * @param evicted TCP connections that were ended so that others get their guaranteed part of the buffers
     */
    public record ShareStatus(
            String link,
            @Nullable MacAddress mac,
            long tcpFlows,
            long udpFlows,
            long pingFlows,
            long buffers,
            long buffersGuaranteed,
            long buffersRefused,
            long evicted) {}

    /**
     * @param open flows now, those being connected included
     * @param halfOpen of them, those whose host connection is pending
     * @param refused connections the host or the policy refused
     * @param resetsWithLoss connections of the host's that were reset before the other side had all that was said to it: too many such, or it took
     *     nothing for a minute
     */
    public record TcpStatus(
            int open,
            int halfOpen,
            long opened,
            long closed,
            long refused,
            long bytesToHost,
            long bytesToGuest,
            long segmentsRetransmitted,
            long resetsWithLoss) {}

    /** @param open mappings now */
    public record UdpStatus(int open, long opened, long datagramsToHost, long datagramsToGuest) {}

    /** @param open mappings now */
    public record PingStatus(int open, long toHost, long toGuest) {}

    /**
     * The thread of the data path.
     *
     * @param turns of the loop
     * @param failures faults of sluice that ended one callback
     * @param stalls turns that took long enough to be felt: 20 ms or more
     * @param longestStallMillis the longest of them
     */
    public record LoopStatus(long turns, long failures, long stalls, long longestStallMillis) {}

    /**
     * In bytes, but for what is counted.
     *
     * @param buffers native memory of flow buffers in use
     * @param buffersRefused how often a flow asked for a buffer and got none, or only a smaller one
     * @param pipes of the kernel's that forwards hold for readers that do not keep up: sixteen at most
     * @param pipesRefused how often bytes of a forward were copied, as there was no pipe for them
     * @param heapUsed of the Java heap
     * @param heapCommitted taken from the system for the Java heap
     * @param resident of the process, as the system counts it; 0 if unknown
     * @param heapCollections how often the process had its Java heap collected because it had grown; 0 where nobody watches it
     */
    public record Memory(
            long buffers,
            long buffersRefused,
            long pipes,
            long pipesRefused,
            long heapUsed,
            long heapCommitted,
            long resident,
            long heapCollections) {}
}
