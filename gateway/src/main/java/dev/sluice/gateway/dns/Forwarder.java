package dev.sluice.gateway.dns;

import dev.sluice.gateway.dns.DnsService.Transport;
import dev.sluice.host.ResolverConfig;
import dev.sluice.wire.DnsHeader;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Asks the host's servers, in the manner of libc's resolver; blocks, so only on virtual threads. */
final class Forwarder {
    private final Supplier<ResolverConfig> settings;
    private final Upstreams upstreams;
    private final DnsCounters counters;

    Forwarder(Supplier<ResolverConfig> settings, Upstreams upstreams, DnsCounters counters) {
        this.settings = settings;
        this.upstreams = upstreams;
        this.counters = counters;
    }

    /**
     * The reply of the first server that has one, with the guest's id; null if none answered in time.
     *
     * <p>A guest that came over TCP mostly did so because UDP was too small, so the server is asked over TCP as well; if TCP fails
     * everywhere (some forwarders of home routers lack it), over UDP after all.
     */
    byte @Nullable [] ask(DnsQuery query, Transport transport) {
        ResolverConfig config = settings.get();
        List<InetSocketAddress> servers = upstreams.inOrder(config);
        byte[] reply = switch (transport) {
            case UDP -> rounds(query, Transport.UDP, config, servers);
            case TCP -> {
                byte[] found = round(query, Transport.TCP, config, servers);
                yield found != null ? found : rounds(query, Transport.UDP, config, servers);
            }
        };
        if (reply != null) {
            DnsMessage.put16(reply, 0, DnsMessage.u16(query.message(), 0));
        }
        return reply;
    }

    /**
     * Starts the first try at the server that is first in order, from the loop.
     *
     * @param outcome called once, later on the loop's thread: a reply with the guest's id, or null if {@link #ask} has to be called
     * @return false if there is no server that has not failed lately, or none that can be asked from the loop
     */
    boolean askDirectly(DnsQuery query, DirectTries tries, Consumer<byte @Nullable []> outcome) {
        ResolverConfig config = settings.get();
        List<InetSocketAddress> servers = upstreams.inOrder(config);
        if (servers.isEmpty() || upstreams.isAvoided(servers.getFirst())) {
            return false;
        }
        InetSocketAddress server = servers.getFirst();
        return tries.ask(query, server, config.timeout().toNanos(), reply -> {
            if (reply == null) {
                counters.upstreamFailures.increment();
                upstreams.failed(server, config);
                outcome.accept(null);
                return;
            }
            upstreams.answered(server);
            if (isPoor(reply)) {
                outcome.accept(null);
                return;
            }
            DnsMessage.put16(reply, 0, DnsMessage.u16(query.message(), 0));
            outcome.accept(reply);
        });
    }

    private byte @Nullable [] rounds(
            DnsQuery query, Transport transport, ResolverConfig config, List<InetSocketAddress> servers) {
        for (int attempt = 0;
                attempt < config.attempts() && !Thread.currentThread().isInterrupted();
                attempt++) {
            byte[] reply = round(query, transport, config, servers);
            if (reply != null) {
                return reply;
            }
        }
        return null;
    }

    /** One try at each server, until one gives a reply that another could not better. */
    private byte @Nullable [] round(
            DnsQuery query, Transport transport, ResolverConfig config, List<InetSocketAddress> servers) {
        byte[] poor = null;
        for (InetSocketAddress server : servers) {
            byte[] reply = null;
            try {
                reply = exchange(query, transport, server, config);
            } catch (IOException _) {
                // Refused, unreachable, cut off, or no descriptor left: the next server may do better.
            }
            if (Thread.currentThread().isInterrupted()) {
                return null;
            }
            if (reply == null) {
                counters.upstreamFailures.increment();
                upstreams.failed(server, config);
                continue;
            }
            upstreams.answered(server);
            if (!isPoor(reply)) {
                return reply;
            }
            poor = poor == null ? reply : poor;
        }
        return poor;
    }

    private byte @Nullable [] exchange(
            DnsQuery query, Transport transport, InetSocketAddress server, ResolverConfig config) throws IOException {
        Exchange exchange = new Exchange(query, Randomness.SECURE.nextInt(1 << 16), config.timeout(), counters);
        return switch (transport) {
            case UDP -> exchange.overUdp(server);
            case TCP -> exchange.overTcp(server);
        };
    }

    /** What makes libc turn to the next server: the server could not or would not, which says nothing of the name. */
    private static boolean isPoor(byte[] reply) {
        int rcode = DnsMessage.flags(reply) & DnsMessage.RCODE_MASK;
        return rcode == DnsHeader.SERVFAIL || rcode == DnsHeader.NOTIMP || rcode == DnsHeader.REFUSED;
    }

    /** Seeded at the first lookup, not at start-up. */
    private static final class Randomness {
        static final SecureRandom SECURE = new SecureRandom();
    }
}
