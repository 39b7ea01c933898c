package dev.sluice.gateway.proxy;

import dev.sluice.gateway.flow.Destination;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.host.HostError;
import dev.sluice.host.StreamHost;
import dev.sluice.host.StreamSocket;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Makes the connections of one session, on its thread; blocks. */
final class Dialer {
    /** When the next address is tried beside one that has not answered (RFC 8305 §5). */
    private static final long STAGGER_MILLIS = 250;
    /** For an upstream, after which the next route is tried. */
    private static final long UPSTREAM_MILLIS = 10_000;
    /** For a server. */
    private static final long SERVER_MILLIS = 60_000;

    private final HttpProxy proxy;
    private final GuestEnd guest;
    /** Where the guest's connection would have gone by itself; null if it came to the proxy. */
    private final FlowPolicy.@Nullable Allow chosen;

    Dialer(HttpProxy proxy, GuestEnd guest, FlowPolicy.@Nullable Allow chosen) {
        this.proxy = proxy;
        this.guest = guest;
        this.chosen = chosen;
    }

    /** An address to try, and how. */
    private record Place(IpAddress address, int port, Connecting connecting) {}

    /** On the loop; null if the policy forbids it. */
    private interface Connecting {
        @Nullable
        StreamSocket connect(StreamSocket.Events events);
    }

    /**
     * Connects to a server: where the guest's connection leads, if it chose itself, else where its name does and the policy lets guests go.
     *
     * @throws IOException saying what failed
     */
    UpstreamEnd server(ProxyTarget target) throws IOException {
        FlowPolicy.Allow own = chosen;
        List<Place> places = new ArrayList<>();
        if (own != null) {
            places.add(new Place(
                    own.address(),
                    own.port(),
                    events -> proxy.host().connect(own.address(), own.port(), StreamHost.DEFAULT_TTL, events)));
        } else {
            IpAddress asker = guest.stream().guest().ipAddress();
            for (IpAddress address : addresses(target.host(), asker)) {
                places.add(new Place(
                        address,
                        target.port(),
                        events -> proxy.flows()
                                .connect(
                                        new FlowPolicy.Request(
                                                FlowPolicy.Protocol.TCP,
                                                asker,
                                                guest.stream().guestPort(),
                                                address,
                                                target.port()),
                                        events)));
            }
        }
        return race(places, target.host(), SERVER_MILLIS);
    }

    /** Connects to an upstream; what it speaks is the caller's affair, but for TLS. */
    UpstreamEnd upstream(Upstream upstream, String name) throws IOException {
        List<IpAddress> addresses = new ArrayList<>();
        for (IpAddress address : addresses(upstream.host(), proxy.plan().gateway())) {
            switch (Destination.of(proxy.plan(), address.high(), address.low())) {
                case GATEWAY ->
                    throw new IOException(
                            "it is the gateway of this very network, so requests would come back for ever");
                // guests know the host by this address, and settings that are shared with them may, too
                case HOST ->
                    addresses.add(address instanceof Ipv4Address ? Ipv4Address.LOOPBACK : Ipv6Address.LOOPBACK);
                default -> addresses.add(address);
            }
        }
        if (upstream.kind() == Upstream.Kind.HTTPS) {
            return tls(upstream, addresses, name);
        }
        List<Place> places = new ArrayList<>();
        for (IpAddress address : addresses) {
            places.add(new Place(
                    address,
                    upstream.port(),
                    events -> proxy.host().connect(address, upstream.port(), StreamHost.DEFAULT_TTL, events)));
        }
        return race(places, name, UPSTREAM_MILLIS);
    }

    private UpstreamEnd tls(Upstream upstream, List<IpAddress> addresses, String name) throws IOException {
        TlsConnection connection = TlsConnection.open(proxy.tls(), upstream, addresses, (int) UPSTREAM_MILLIS);
        UpstreamEnd end = open(events -> connection.join(proxy.loop(), events));
        if (end == null) {
            throw new IOException("the gateway has been closed");
        }
        await(end.connected());
        guest.uses(end);
        guest.leadsTo(name, addresses.getFirst(), upstream.port());
        return end;
    }

    private List<IpAddress> addresses(String host, IpAddress asker) throws IOException {
        if (host.equals("localhost")) {
            return List.of(Ipv4Address.LOOPBACK, Ipv6Address.LOOPBACK);
        }
        try {
            if (host.indexOf(':') >= 0) {
                Ipv6Address six = Ipv6Address.parse(host);
                Ipv4Address mapped = six.mappedIpv4();
                return List.of(mapped == null ? six : mapped);
            }
            return List.of(Ipv4Address.parse(host));
        } catch (IllegalArgumentException e) {
            return proxy.names().addresses(host, asker);
        }
    }

    /** Tries addresses in order, each next one when the one before has failed or takes its time; the first to stand wins. */
    private UpstreamEnd race(List<Place> places, String name, long millis) throws IOException {
        BlockingQueue<UpstreamEnd> done = new LinkedBlockingQueue<>();
        List<UpstreamEnd> begun = new ArrayList<>();
        List<String> failures = new ArrayList<>();
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        int ended = 0;
        UpstreamEnd winner = null;
        try {
            for (int next = 0; winner == null && !guest.isGone(); ) {
                if (next < places.size()) {
                    Place place = places.get(next++);
                    UpstreamEnd end = open(place.connecting()::connect);
                    if (end == null) {
                        failures.add(place.address() + " is not for guests to reach by the proxy");
                    } else {
                        begun.add(end);
                        guest.uses(end); // it ends with the guest's connection, also while it is being made
                        end.place(place.address(), place.port());
                        end.connected().thenRun(() -> done.add(end));
                    }
                } else if (ended == begun.size()) {
                    throw new IOException(String.join("; ", failures));
                }
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    failures.add("nothing answered within " + millis / 1000 + " seconds");
                    throw new IOException(String.join("; ", failures));
                }
                if (ended == begun.size()) {
                    continue;
                }
                boolean more = next < places.size();
                UpstreamEnd end =
                        done.poll(more ? TimeUnit.MILLISECONDS.toNanos(STAGGER_MILLIS) : left, TimeUnit.NANOSECONDS);
                if (end != null) {
                    ended++;
                    HostError error = end.connected().getNow(null);
                    if (error == null) {
                        winner = end;
                    } else {
                        failures.add(end.address() + ":" + end.port() + " " + text(error));
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            for (UpstreamEnd end : begun) {
                if (end != winner) {
                    end.close();
                }
            }
        }
        if (winner == null) {
            throw new IOException("the guest has left");
        }
        guest.uses(winner);
        guest.leadsTo(name, winner.address(), winner.port());
        return winner;
    }

    private @Nullable UpstreamEnd open(Function<StreamSocket.Events, @Nullable StreamSocket> connect)
            throws IOException {
        CompletableFuture<@Nullable UpstreamEnd> made = new CompletableFuture<>();
        guest.onLoop(() -> made.complete(UpstreamEnd.open(proxy.scratch(), guest, connect)), () -> made.complete(null));
        return await(made);
    }

    /** What the loop does at once. */
    static <T extends @Nullable Object> T await(CompletableFuture<T> future) throws IOException {
        try {
            return future.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IOException(e.getCause());
        }
    }

    static String text(HostError error) {
        return switch (error) {
            case REFUSED -> "refuses connections (nothing listens there)";
            case RESET -> "has broken the connection off";
            case TIMED_OUT -> "does not answer";
            case NET_UNREACHABLE, HOST_UNREACHABLE -> "cannot be reached: there is no way to it from this machine";
            case PROHIBITED -> "may not be reached: a firewall of this machine forbids it";
            case NO_DESCRIPTORS -> "cannot be reached: this process has no descriptors left";
            case NO_RESOURCES -> "cannot be reached: this machine has no ports or memory left for connections";
            default -> "cannot be reached (" + error.name().toLowerCase(java.util.Locale.ROOT) + ")";
        };
    }
}
