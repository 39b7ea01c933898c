package dev.sluice.gateway.dns;

import dev.sluice.gateway.dns.DnsService.Transport;
import dev.sluice.loop.Offload;
import dev.sluice.posix.KernelRandom;
import dev.sluice.wire.DnsHeader;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.channels.UnsupportedAddressTypeException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Asks servers, in the manner of libc's resolver or all at the same time; blocks, so only on virtual threads. */
final class Forwarder implements AutoCloseable {
    static final RandomGenerator RANDOM = new KernelRandom();

    private final ServerHealth health;
    private final DnsCounters counters;
    private final StreamServers streams;
    /** Servers that are asked whether they are there again, by one question each at a time. */
    private final Set<DnsServer> probed = ConcurrentHashMap.newKeySet();

    Forwarder(ServerHealth health, DnsCounters counters, StreamServers streams) {
        this.health = health;
        this.counters = counters;
        this.streams = streams;
    }

    /**
     * The reply of the first server that has one, with the guest's id; null if none answered in time.
     *
     * <p>A guest that came over TCP mostly did so because UDP was too small, so the server is asked over TCP as well; if TCP fails
     * everywhere (some forwarders of home routers lack it), over UDP after all.
     */
    byte @Nullable [] ask(DnsQuery query, Transport transport, Upstreams upstreams, Trail trail) {
        List<DnsServer> servers = health.inOrder(upstreams);
        byte[] reply;
        if (upstreams.choice() == Upstreams.Choice.RACE && servers.size() > 1) {
            reply = race(query, transport, upstreams, servers, trail);
            if (reply == null && transport == Transport.TCP) {
                reply = race(query, Transport.UDP, upstreams, servers, trail);
            }
        } else {
            probeThoseDue(query, upstreams);
            reply = switch (transport) {
                case UDP -> rounds(query, Transport.UDP, upstreams, servers, trail);
                case TCP -> {
                    byte[] found = round(query, Transport.TCP, upstreams, servers, trail);
                    yield found != null ? found : rounds(query, Transport.UDP, upstreams, servers, trail);
                }
            };
        }
        if (reply != null) {
            DnsMessage.put16(reply, 0, DnsMessage.u16(query.message(), 0));
        }
        return reply;
    }

    /**
     * Starts the first try at the server that is first in order, from the loop.
     *
     * @param outcome called once, later on the loop's thread: a reply with the guest's id, or null if {@link #ask} has to be called
     * @return false if there is no server that has not failed, or none that can be asked from the loop
     */
    boolean askDirectly(DnsQuery query, DirectTries tries, Upstreams upstreams, Consumer<byte @Nullable []> outcome) {
        DnsServer server = health.first(upstreams);
        if (server == null || server.protocol() != DnsServer.Protocol.UDP) {
            return false;
        }
        probeThoseDue(query, upstreams);
        return tries.ask(query, server.address(), upstreams.patience(server).toNanos(), reply -> {
            if (reply == null) {
                counters.upstreamFailures.increment();
                health.failed(server);
                outcome.accept(null);
                return;
            }
            health.answered(server);
            if (isPoor(reply)) {
                outcome.accept(null);
                return;
            }
            DnsMessage.put16(reply, 0, DnsMessage.u16(query.message(), 0));
            outcome.accept(reply);
        });
    }

    /**
     * Passes a zone transfer from the first server that begins one. Blocks until its end.
     *
     * @return false if no server has said anything
     * @throws IOException if it broke off after it had begun, or its receiver takes no more
     */
    boolean transfer(DnsQuery query, Upstreams upstreams, Transfer.Receiver receiver) throws IOException {
        for (DnsServer server : health.inOrder(upstreams)) {
            if (server.protocol() == DnsServer.Protocol.TLS) {
                continue; // its one connection is shared, and takes one answer for each query
            }
            try {
                Transfer transfer = new Transfer(query, RANDOM.nextInt(1 << 16));
                return transfer.pass(server.address(), upstreams.patience(server), receiver);
            } catch (Transfer.Broken e) {
                throw e;
            } catch (IOException e) {
                counters.upstreamFailures.increment();
            }
        }
        return false;
    }

    /** The network is another one: who did not answer may do so now, and connections may lead nowhere. */
    void networkChanged() {
        health.forget();
        streams.renew();
    }

    private byte @Nullable [] rounds(
            DnsQuery query, Transport transport, Upstreams upstreams, List<DnsServer> servers, Trail trail) {
        for (int attempt = 0;
                attempt < upstreams.attempts() && !Thread.currentThread().isInterrupted();
                attempt++) {
            byte[] reply = round(query, transport, upstreams, servers, trail);
            if (reply != null) {
                return reply;
            }
        }
        return null;
    }

    /** One try at each server, until one gives a reply that another could not better. */
    private byte @Nullable [] round(
            DnsQuery query, Transport transport, Upstreams upstreams, List<DnsServer> servers, Trail trail) {
        byte[] poor = null;
        for (DnsServer server : servers) {
            byte[] reply = attempt(query, transport, upstreams, server, trail);
            if (Thread.currentThread().isInterrupted()) {
                return null;
            }
            if (reply == null) {
                continue;
            }
            if (!isPoor(reply)) {
                return reply;
            }
            poor = poor == null ? reply : poor;
        }
        return poor;
    }

    /** What one server has to say, its health noted; null for nothing. */
    private byte @Nullable [] attempt(
            DnsQuery query, Transport transport, Upstreams upstreams, DnsServer server, Trail trail) {
        byte[] reply = null;
        String failure = "no answer in " + upstreams.patience(server).toMillis() + " ms";
        boolean silent = true;
        try {
            reply = exchange(query, transport, upstreams, server);
        } catch (IOException | UnsupportedAddressTypeException e) {
            // Refused, unreachable, cut off, no descriptor left, or an address that this machine can't have: the next
            // server may do better.
            silent = e instanceof SocketTimeoutException;
            failure = String.valueOf(e.getMessage());
        }
        if (Thread.currentThread().isInterrupted()) {
            return null;
        }
        if (reply == null) {
            counters.upstreamFailures.increment();
            if (silent || transport == Transport.UDP || server.protocol() != DnsServer.Protocol.UDP) {
                health.failed(server); // who lacks TCP is as good as ever for all that comes over UDP
            }
            trail.step("server " + server, failure);
            return null;
        }
        health.answered(server);
        trail.step("server " + server, DnsText.describe(reply));
        return reply;
    }

    private byte @Nullable [] exchange(DnsQuery query, Transport transport, Upstreams upstreams, DnsServer server)
            throws IOException {
        return switch (server.protocol()) {
            case UDP -> {
                Exchange exchange = new Exchange(query, RANDOM.nextInt(1 << 16), upstreams.patience(server), counters);
                yield transport == Transport.UDP
                        ? exchange.overUdp(server.address())
                        : exchange.overTcp(server.address());
            }
            case TCP, TLS -> streams.ask(query, server, upstreams.patience(server));
        };
    }

    private record Finish(DnsServer server, byte @Nullable [] reply) {}

    /**
     * Asks all at the same time. Servers of one order are equals: the first good answer among them wins; a higher order is heard only if
     * the lower has none. If nobody has a good one, the rcode of the best refusal is kept: that the name has no such record is better than
     * that it does not exist, and that is better than a failure. Who has failed is asked as well, but waited for only once it has answered: else
     * questions without a good answer, as most about IPv6 are, would wait every now and then for a server that is gone.
     */
    private byte @Nullable [] race(
            DnsQuery query, Transport transport, Upstreams upstreams, List<DnsServer> servers, Trail trail) {
        BlockingQueue<Finish> finishes = new LinkedBlockingQueue<>();
        List<DnsServer> awaited = new ArrayList<>(
                servers.stream().filter(server -> !health.hasFailed(server)).toList());
        if (awaited.isEmpty()) {
            awaited.addAll(servers);
        }
        List<Thread> runners = new ArrayList<>();
        try {
            for (DnsServer server : servers) {
                Runnable asking = () -> {
                    byte[] reply = null;
                    try {
                        reply = attempt(query, transport, upstreams, server, trail);
                    } finally {
                        finishes.add(new Finish(server, reply)); // also after an Error: who waits, waits for all
                    }
                };
                if (awaited.contains(server)) {
                    runners.add(Thread.startVirtualThread(asking));
                } else {
                    probe(server, asking);
                }
            }
            byte[] best = null;
            int bestOrder = 0;
            while (!awaited.isEmpty()) {
                Finish finish = finishes.take();
                awaited.remove(finish.server);
                int order = finish.server.order();
                byte[] reply = finish.reply;
                if (reply != null
                        && (best == null
                                || rank(reply) > rank(best)
                                || rank(reply) == rank(best) && order < bestOrder)) {
                    best = reply;
                    bestOrder = order;
                }
                if (best != null && rank(best) == GOOD) {
                    int reached = bestOrder;
                    if (awaited.stream().noneMatch(server -> server.order() < reached)) {
                        return best;
                    }
                }
            }
            return best;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return null;
        } finally {
            runners.forEach(Thread::interrupt);
        }
    }

    /** Asks servers that failed a while ago the same beside the others: nobody waits to find out whether they are there again. */
    private void probeThoseDue(DnsQuery query, Upstreams upstreams) {
        for (DnsServer server : health.due(upstreams)) {
            probe(server, () -> attempt(query, Transport.UDP, upstreams, server, Trail.NONE));
        }
    }

    /** Goes on when the race is over: a server that is slower than others could not show else that it is there again. */
    private void probe(DnsServer server, Runnable asking) {
        if (probed.add(server)
                && !Offload.start("dns-probe", () -> {
                    try {
                        asking.run();
                    } finally {
                        probed.remove(server);
                    }
                })) {
            probed.remove(server);
        }
    }

    private static final int GOOD = 3;

    private static int rank(byte[] reply) {
        return switch (DnsMessage.flags(reply) & DnsMessage.RCODE_MASK) {
            case DnsHeader.NOERROR ->
                DnsMessage.u16(reply, 6) > 0 || (DnsMessage.flags(reply) & DnsHeader.TRUNCATED) != 0 ? GOOD : 2;
            case DnsHeader.NXDOMAIN -> 1;
            default -> 0;
        };
    }

    /** What makes libc turn to the next server: the server could not or would not, which says nothing of the name. */
    private static boolean isPoor(byte[] reply) {
        int rcode = DnsMessage.flags(reply) & DnsMessage.RCODE_MASK;
        return rcode == DnsHeader.SERVFAIL || rcode == DnsHeader.NOTIMP || rcode == DnsHeader.REFUSED;
    }

    @Override
    public void close() {
        streams.close();
    }
}
