package dev.sluice.gateway.proxy;

import dev.sluice.gateway.http.BadMessage;
import dev.sluice.gateway.http.Framing;
import dev.sluice.gateway.http.HeadScan;
import dev.sluice.gateway.http.RequestHead;
import dev.sluice.gateway.http.ResponseHead;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Finds a way for a request: tries routes in their order, opens tunnels through upstreams, and says to them who the host's user is. Blocks. */
final class Links {
    /** How long an upstream may take to open a tunnel: it has to find the server first. */
    private static final long TUNNEL_SECONDS = 120;
    /** Of a refusal, what is read so that the connection can be used again. */
    private static final int MAX_REFUSAL = 64 << 10;
    /** Times an upstream may ask in a row. */
    static final int MAX_LEGS = 4;
    /** Interim responses to one request; who has more to say has gone mad. */
    static final int MAX_INTERIM = 64;

    private final HttpProxy proxy;
    private final Dialer dialer;
    private final GuestEnd guest;

    Links(HttpProxy proxy, Dialer dialer, GuestEnd guest) {
        this.proxy = proxy;
        this.dialer = dialer;
        this.guest = guest;
    }

    /**
     * A way that stands.
     *
     * @param upstream to which requests are to be said as to a proxy; null for the server's own ear
     * @param key equal for requests that may go the same way
     */
    record Link(UpstreamEnd end, Route route, @Nullable Upstream upstream, Object key) {
        String title(ProxyTarget target) {
            return upstream == null ? target.authority() : upstream.title();
        }
    }

    /** What came of asking for a tunnel: if {@code response} is not 2xx, its body is still to be read. */
    record Tunnel(UpstreamEnd end, Route route, @Nullable ResponseHead response, String title) {
        boolean isOpen() {
            return response == null || response.status() / 100 == 2;
        }
    }

    private record Direct(ProxyTarget target) {}

    private record Socks(Upstream upstream, ProxyTarget target) {}

    /** The routes that the policy gives. */
    List<Route> routes(ProxyTarget target) throws ProxyFailure {
        try {
            return proxy.settings().policy().routes(target);
        } catch (RuntimeException e) {
            System.getLogger("dev.sluice.gateway.proxy")
                    .log(System.Logger.Level.WARNING, "no way for " + target.url() + ": the policy has failed", e);
            throw new ProxyFailure(502, "The proxy settings could not be read.", "");
        }
    }

    /** A way for a request of plain HTTP; {@code kept} if it is one. */
    Link link(ProxyTarget target, List<Route> routes, @Nullable Link kept) throws ProxyFailure {
        List<String> failures = new ArrayList<>();
        for (Route route : routes) {
            Object key = key(route, target);
            if (kept != null && kept.key().equals(key) && kept.end().isFresh()) {
                return kept;
            }
            try {
                return switch (route) {
                    case Route.Refused refused -> throw refused(refused, target);
                    case Route.Direct _ -> new Link(dialer.server(target), route, null, key);
                    case Route.Via via -> link(via, target, key);
                };
            } catch (IOException e) {
                failures.add(failed(route, target, e));
            }
        }
        throw unreachable(target, failures);
    }

    private Link link(Route.Via via, ProxyTarget target, Object key) throws IOException {
        Upstream upstream = via.upstream();
        return upstream.kind() == Upstream.Kind.SOCKS5
                ? new Link(socks(upstream, target), via, null, key)
                : new Link(dialer.upstream(upstream, target.host()), via, upstream, key);
    }

    private static Object key(Route route, ProxyTarget target) {
        return switch (route) {
            case Route.Refused refused -> refused;
            case Route.Direct _ -> new Direct(target);
            case Route.Via via ->
                via.upstream().kind() == Upstream.Kind.SOCKS5 ? new Socks(via.upstream(), target) : via.upstream();
        };
    }

    /**
     * A tunnel.
     *
     * @param request the guest's own CONNECT, or one made for it
     */
    Tunnel tunnel(ProxyTarget target, List<Route> routes, RequestHead request) throws ProxyFailure {
        List<String> failures = new ArrayList<>();
        for (Route route : routes) {
            try {
                return switch (route) {
                    case Route.Refused refused -> throw refused(refused, target);
                    case Route.Direct _ -> new Tunnel(dialer.server(target), route, null, target.host());
                    case Route.Via via ->
                        via.upstream().kind() == Upstream.Kind.SOCKS5
                                ? new Tunnel(
                                        socks(via.upstream(), target),
                                        route,
                                        null,
                                        via.upstream().title())
                                : connect(via.upstream(), route, target, request);
                };
            } catch (IOException e) {
                failures.add(failed(route, target, e));
            }
        }
        throw unreachable(target, failures);
    }

    private UpstreamEnd socks(Upstream upstream, ProxyTarget target) throws IOException {
        UpstreamEnd end = dialer.upstream(upstream, target.host());
        try {
            Socks5.connect(end, upstream, target);
            return end;
        } catch (IOException e) {
            end.close();
            throw e;
        }
    }

    private Tunnel connect(Upstream upstream, Route route, ProxyTarget target, RequestHead request) throws IOException {
        UpstreamEnd end = dialer.upstream(upstream, target.host());
        Identity identity = identity(upstream);
        try {
            Optional<String> authorization = identity.first();
            for (int legs = 0; ; legs++) {
                RequestHead asked =
                        Forwarding.toProxy(request, request.target(), request.target(), authorization.orElse(null));
                end.send(asked.bytes());
                ResponseHead response = response(end);
                if (response.status() != 407 || legs >= MAX_LEGS) {
                    return new Tunnel(end, route, response, upstream.title());
                }
                authorization = identity.answer(response);
                if (authorization.isEmpty()) {
                    return new Tunnel(end, route, response, upstream.title());
                }
                if (!drain(end, response, "CONNECT")) {
                    end.close();
                    end = dialer.upstream(upstream, target.host());
                }
            }
        } catch (IOException e) {
            end.close();
            throw e;
        }
    }

    private ResponseHead response(UpstreamEnd end) throws IOException {
        for (int interim = 0; interim <= MAX_INTERIM; interim++) {
            ResponseHead response = head(end);
            if (!response.isInterim()) {
                return response;
            }
        }
        end.close();
        throw new IOException("its answer never comes to an end");
    }

    private ResponseHead head(UpstreamEnd end) throws IOException {
        Collector.Taken taken = Waiting.await(
                end.collect(HeadScan.ofResponse()::ends, proxy.limits().proxyHeadBytes())
                        .taken(),
                TUNNEL_SECONDS);
        if (taken == null || !taken.isWhole()) {
            end.close();
            throw new IOException(
                    taken == null
                            ? "it has not answered within " + TUNNEL_SECONDS + " seconds"
                            : taken.end() == Collector.End.TOO_LONG
                                    ? "its answer is too long"
                                    : "it has closed the connection without an answer");
        }
        try {
            return ResponseHead.parse(taken.bytes());
        } catch (BadMessage e) {
            end.close();
            throw new IOException("it does not answer in HTTP: " + e.reason(), e);
        }
    }

    /** Who we are to one upstream, on one connection. */
    Identity identity(Upstream upstream) {
        return new Identity(upstream);
    }

    /** See {@link #identity}. */
    final class Identity {
        private final Upstream upstream;
        private final Optional<String> basic;
        private ProxyAuthenticator.@Nullable Exchange exchange;

        private Identity(Upstream upstream) {
            this.upstream = upstream;
            this.basic = Forwarding.basic(upstream);
        }

        /** To whom. */
        Upstream upstream() {
            return upstream;
        }

        /** What to say unasked. */
        Optional<String> first() throws IOException {
            List<String> known = proxy.challenges(upstream);
            return basic.isPresent() || known.isEmpty() ? basic : answer(known);
        }

        /** The answer to a 407; empty if there is none. */
        Optional<String> answer(ResponseHead response) throws IOException {
            List<String> said = response.fields().all("proxy-authenticate");
            Optional<String> answer = answer(said);
            if (answer.isPresent()) {
                proxy.challenged(upstream, said);
            }
            return answer;
        }

        private Optional<String> answer(List<String> said) throws IOException {
            if (exchange == null) {
                exchange = proxy.settings().authenticator().begin(upstream);
            }
            return exchange.answer(said);
        }
    }

    /** What a guest is told whose upstream wants to know more than we can say. */
    ProxyFailure unidentified(Link link, ProxyTarget target, IOException e) {
        return unreachable(target, List.of(failed(link.route(), target, e)));
    }

    /** Reads away what a refusal says; false if the connection is of no use after it. */
    boolean drain(UpstreamEnd end, ResponseHead response, String method) {
        try {
            if (response.keepsAlive() && Framing.ofResponse(response, method) instanceof Framing.Length(long bytes)) {
                if (bytes == 0) {
                    return end.isFresh();
                }
                if (bytes <= MAX_REFUSAL) {
                    Collector.Taken taken = Waiting.await(
                            end.collect(Scan.of((int) bytes), (int) bytes).taken(), TUNNEL_SECONDS);
                    return taken != null && taken.isWhole() && end.isFresh();
                }
            }
        } catch (BadMessage e) {
            // then by another connection
        }
        return false;
    }

    private ProxyFailure refused(Route.Refused refused, ProxyTarget target) {
        proxy.counters().refused.increment();
        return new ProxyFailure(403, refused.message(), "Asked for: " + target.url() + "\nRule: " + refused.rule());
    }

    private String failed(Route route, ProxyTarget target, IOException e) {
        if (!guest.isGone()) { // else nothing has failed: nobody wants it any more
            proxy.counters().connectFailures.increment();
        }
        String why = e.getMessage() + "\n  Rule: " + route.rule();
        return switch (route) {
            case Route.Via via -> "Upstream " + via.upstream().title() + ": " + why;
            case Route.Direct _, Route.Refused _ -> target.host() + " itself, without an upstream: " + why;
        };
    }

    private static ProxyFailure unreachable(ProxyTarget target, List<String> failures) {
        String all = String.join("\n", failures);
        return new ProxyFailure(
                all.contains("nothing answered") || all.contains("does not answer") ? 504 : 502,
                target.authority() + " cannot be reached.",
                all);
    }
}
