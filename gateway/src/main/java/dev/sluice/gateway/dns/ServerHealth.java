package dev.sluice.gateway.dns;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Which servers answer, and so in which order to ask them: as configured, those that have failed last, until they have answered again. To find
 * that out they are asked {@link #due beside the others} now and then, so that no lookup waits for it. Any thread.
 */
final class ServerHealth {
    /** How long a server that failed is left alone. */
    private static final long AVOID_NANOS = 10_000_000_000L;

    /** More are not remembered: they are simply asked. */
    private static final int MAX_AVOIDED = 256;

    /** Our own addresses, never asked: a lookup would come back to us, round and round. */
    private final List<byte[]> ourselves;

    private final LongSupplier nanoClock;
    private final AtomicInteger turn = new AtomicInteger();
    /** When each server that has failed may be asked whether it is there again. */
    private final Map<DnsServer, Long> avoidedUntil = new ConcurrentHashMap<>();

    ServerHealth(AddressPlan plan, LongSupplier nanoClock) {
        Ipv6Plan six = plan.ipv6();
        this.ourselves = six == null
                ? List.of(NameSource.bytes(plan.gateway()))
                : List.of(
                        NameSource.bytes(plan.gateway()),
                        NameSource.bytes(six.gateway()),
                        NameSource.bytes(six.linkLocal()));
        this.nanoClock = nanoClock;
    }

    /** The servers to ask, in order; empty if the only ones configured are ourselves. */
    List<DnsServer> inOrder(Upstreams upstreams) {
        List<DnsServer> servers = upstreams.servers();
        int first = upstreams.choice() == Upstreams.Choice.ROTATE && !servers.isEmpty()
                ? Math.floorMod(turn.getAndIncrement(), servers.size())
                : 0;
        List<DnsServer> good = new ArrayList<>(servers.size());
        List<DnsServer> failed = new ArrayList<>(servers.size());
        for (int i = 0; i < servers.size(); i++) {
            DnsServer server = servers.get((first + i) % servers.size());
            if (!isOurs(server)) {
                (hasFailed(server) ? failed : good).add(server);
            }
        }
        good.addAll(failed);
        return good;
    }

    /** The server to ask first, if there is one that has not failed and none has to be chosen by turns; without allocation. */
    @Nullable
    DnsServer first(Upstreams upstreams) {
        if (upstreams.choice() != Upstreams.Choice.IN_ORDER
                || upstreams.servers().isEmpty()) {
            List<DnsServer> order = upstreams.choice() == Upstreams.Choice.ROTATE ? inOrder(upstreams) : List.of();
            return order.isEmpty() || hasFailed(order.getFirst()) ? null : order.getFirst();
        }
        for (int i = 0; i < upstreams.servers().size(); i++) {
            DnsServer server = upstreams.servers().get(i);
            if (!isOurs(server) && !hasFailed(server)) {
                return server;
            }
        }
        return null;
    }

    /** Servers that failed a while ago, and are to be asked beside those that have not; empty if there are none of either. */
    List<DnsServer> due(Upstreams upstreams) {
        if (avoidedUntil.isEmpty() || upstreams.servers().stream().allMatch(s -> isOurs(s) || hasFailed(s))) {
            return List.of();
        }
        return upstreams.servers().stream()
                .filter(s -> !isOurs(s) && hasFailed(s) && !isAvoided(s))
                .toList();
    }

    private boolean isOurs(DnsServer server) {
        if (server.address().getPort() != DnsServer.PORT) {
            return false;
        }
        byte[] address = server.address().getAddress().getAddress();
        for (byte[] own : ourselves) {
            if (Arrays.equals(own, address)) {
                return true;
            }
        }
        return false;
    }

    void failed(DnsServer server) {
        if (avoidedUntil.size() >= MAX_AVOIDED) {
            avoidedUntil.keySet().removeIf(other -> !isAvoided(other));
        }
        if (avoidedUntil.size() < MAX_AVOIDED) {
            avoidedUntil.put(server, nanoClock.getAsLong() + AVOID_NANOS);
        }
    }

    void answered(DnsServer server) {
        if (!avoidedUntil.isEmpty()) {
            avoidedUntil.remove(server);
        }
    }

    /** Trusts all of them again. */
    void forget() {
        avoidedUntil.clear();
    }

    /** Whether it has not answered since it failed, however long ago that was. */
    boolean hasFailed(DnsServer server) {
        return avoidedUntil.containsKey(server);
    }

    private boolean isAvoided(DnsServer server) {
        Long until = avoidedUntil.isEmpty() ? null : avoidedUntil.get(server);
        return until != null && until - nanoClock.getAsLong() > 0;
    }
}
