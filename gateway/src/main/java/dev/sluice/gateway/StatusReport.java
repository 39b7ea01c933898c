package dev.sluice.gateway;

import dev.sluice.gateway.dhcp.Lease;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.GuestShares;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.link.Link;
import dev.sluice.link.LinkCounters;
import dev.sluice.loop.EventLoop;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Collects a {@link GatewayStatus}; on the loop's thread but for what has nothing to do with it. */
final class StatusReport {
    private static final long SECOND = 1_000_000_000L;
    private static final long PAGE = 4096;

    private StatusReport() {}

    /** @param started when the gateway began, as {@link System#nanoTime} */
    static GatewayStatus of(GuestNetwork network, EventLoop loop, long started) {
        AddressPlan plan = network.plan;
        Counters counters = network.counters;
        String version = Gateway.class.getModule().getDescriptor() == null
                ? "development"
                : Gateway.class.getModule().getDescriptor().rawVersion().orElse("0.1.0");
        return new GatewayStatus(
                version,
                ProcessHandle.current().pid(),
                (System.nanoTime() - started) / SECOND,
                new GatewayStatus.Addresses(
                        plan.subnet(),
                        plan.gateway(),
                        plan.host(),
                        plan.mac(),
                        plan.mtu(),
                        plan.hostLoopback(),
                        ipv6(plan)),
                links(network),
                guests(network),
                leases(network),
                shares(network),
                new GatewayStatus.TcpStatus(
                        network.tcp.size() + network.inbound.size(),
                        network.tcp.halfOpen(),
                        counters.tcpOpened,
                        counters.tcpClosed,
                        counters.tcpRefused,
                        counters.tcpBytesToHost,
                        counters.tcpBytesToGuest,
                        network.shard.counters().retransmits,
                        network.streams.resetsWithLoss() + network.inbound.resetsWithLoss()),
                new GatewayStatus.UdpStatus(
                        network.udp.size(),
                        counters.udpOpened,
                        counters.udpDatagramsToHost,
                        counters.udpDatagramsToGuest),
                new GatewayStatus.PingStatus(network.echo.size(), counters.pingsToHost, counters.pingsToGuest),
                network.dns.counters().snapshot(),
                network.proxy.status(),
                drops(counters),
                network.limits,
                new GatewayStatus.LoopStatus(
                        loop.turns(), loop.failures(), loop.stalls(), loop.longestStallNanos() / 1_000_000),
                new GatewayStatus.Memory(
                        network.shard.buffers().inUse(),
                        network.shard.buffers().refusals(),
                        network.inbound.pipes(),
                        network.inbound.pipesRefused(),
                        0,
                        0,
                        0,
                        0));
    }

    private static GatewayStatus.@Nullable Ipv6Addresses ipv6(AddressPlan plan) {
        Ipv6Plan six = plan.ipv6();
        return six == null
                ? null
                : new GatewayStatus.Ipv6Addresses(
                        six.prefix(), six.gateway(), six.host(), six.linkLocal(), six.defaultRoute());
    }

    private static List<GatewayStatus.LinkStatus> links(GuestNetwork network) {
        List<GatewayStatus.LinkStatus> links = new ArrayList<>();
        for (Link link : network.fabric.links()) {
            LinkCounters c = link.counters();
            links.add(new GatewayStatus.LinkStatus(
                    link.name(),
                    link.mtu(),
                    link.offloads(),
                    c.framesIn,
                    c.bytesIn,
                    c.framesOut,
                    c.bytesOut,
                    c.droppedFull + c.droppedSize + c.droppedError));
        }
        return links;
    }

    private static List<GatewayStatus.GuestStatus> guests(GuestNetwork network) {
        List<GatewayStatus.GuestStatus> guests = new ArrayList<>();
        long now = network.loop.now();
        for (Guest guest : network.guests.all()) {
            guests.add(new GatewayStatus.GuestStatus(
                    guest.ipAddress(),
                    new MacAddress(guest.mac),
                    guest.link.name(),
                    guest.isLeased(now),
                    (now - guest.lastSeen) / SECOND));
        }
        guests.sort(Comparator.comparingLong(
                        (GatewayStatus.GuestStatus g) -> g.address().high() ^ Long.MIN_VALUE)
                .thenComparingLong(g -> g.address().low() ^ Long.MIN_VALUE));
        return guests;
    }

    private static List<GatewayStatus.LeaseStatus> leases(GuestNetwork network) {
        List<GatewayStatus.LeaseStatus> leases = new ArrayList<>();
        for (Lease lease : network.dhcp.server().table().snapshot(network.loop.now())) {
            if (lease.mac() != null && lease.state() == Lease.State.BOUND) {
                String name = lease.hostname() == null ? "" : lease.hostname();
                leases.add(new GatewayStatus.LeaseStatus(lease.address(), lease.mac(), name, lease.secondsLeft()));
            }
        }
        return leases;
    }

    private static List<GatewayStatus.ShareStatus> shares(GuestNetwork network) {
        List<GatewayStatus.ShareStatus> shares = new ArrayList<>();
        for (Link link : network.fabric.links()) {
            for (GuestShares machine : network.shares.of(link)) {
                shares.add(new GatewayStatus.ShareStatus(
                        link.name(),
                        machine.mac() == 0 ? null : new MacAddress(machine.mac()),
                        machine.tcpFlows.held(),
                        machine.udpFlows.held(),
                        machine.pingFlows.held(),
                        machine.buffers.held(),
                        machine.buffers.guaranteed(),
                        machine.buffers.refusals(),
                        machine.evictions));
            }
        }
        return shares;
    }

    private static Map<String, Long> drops(Counters counters) {
        Map<String, Long> drops = new TreeMap<>();
        for (Drop reason : Drop.values()) {
            if (counters.dropped(reason) > 0) {
                drops.put(reason.text(), counters.dropped(reason));
            }
        }
        return drops;
    }

    /** The same with what is known of the process's memory; not on the loop's thread, as it reads a file. */
    static GatewayStatus withMemory(GatewayStatus status) {
        Runtime runtime = Runtime.getRuntime();
        return status.with(new GatewayStatus.Memory(
                status.memory().buffers(),
                status.memory().buffersRefused(),
                status.memory().pipes(),
                status.memory().pipesRefused(),
                runtime.totalMemory() - runtime.freeMemory(),
                runtime.totalMemory(),
                resident(),
                status.memory().heapCollections()));
    }

    private static long resident() {
        try {
            return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]) * PAGE;
        } catch (IOException | RuntimeException e) {
            return 0;
        }
    }
}
