package dev.sluice.gateway.dns;

import dev.sluice.host.ResolverConfig;
import dev.sluice.wire.Ipv4Address;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/** In which order to ask the host's servers: as configured, those that failed lately last. Any thread. */
final class Upstreams {
    /** How long a server that failed is asked last. */
    private static final long AVOID_NANOS = 10_000_000_000L;

    private final byte[] ourselves;
    private final LongSupplier nanoClock;
    private final AtomicInteger turn = new AtomicInteger();
    /** When each avoided server is to be trusted again; only servers of the present configuration. */
    private final Map<InetSocketAddress, Long> avoidedUntil = new ConcurrentHashMap<>();

    /** @param ourselves never asked: a lookup would come back to us, round and round */
    Upstreams(Ipv4Address ourselves, LongSupplier nanoClock) {
        this.ourselves = ByteBuffer.allocate(4).putInt(ourselves.bits()).array();
        this.nanoClock = nanoClock;
    }

    /** The servers to ask, in order; empty if the only ones configured are ourselves. */
    List<InetSocketAddress> inOrder(ResolverConfig config) {
        List<InetSocketAddress> servers = config.servers();
        int first = config.rotate() && !servers.isEmpty() ? Math.floorMod(turn.getAndIncrement(), servers.size()) : 0;
        List<InetSocketAddress> good = new ArrayList<>(servers.size());
        List<InetSocketAddress> avoided = new ArrayList<>(servers.size());
        for (int i = 0; i < servers.size(); i++) {
            InetSocketAddress server = servers.get((first + i) % servers.size());
            if (!Arrays.equals(ourselves, server.getAddress().getAddress())) {
                (isAvoided(server) ? avoided : good).add(server);
            }
        }
        good.addAll(avoided);
        return good;
    }

    void failed(InetSocketAddress server, ResolverConfig config) {
        avoidedUntil.keySet().retainAll(config.servers());
        avoidedUntil.put(server, nanoClock.getAsLong() + AVOID_NANOS);
    }

    void answered(InetSocketAddress server) {
        avoidedUntil.remove(server);
    }

    boolean isAvoided(InetSocketAddress server) {
        Long until = avoidedUntil.get(server);
        return until != null && until - nanoClock.getAsLong() > 0;
    }
}
