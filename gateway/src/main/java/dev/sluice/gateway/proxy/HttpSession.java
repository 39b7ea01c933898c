package dev.sluice.gateway.proxy;

import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.http.Authority;
import dev.sluice.gateway.http.BadMessage;
import dev.sluice.gateway.http.Framing;
import dev.sluice.gateway.http.HeadScan;
import dev.sluice.gateway.http.RequestHead;
import dev.sluice.gateway.http.RequestTarget;
import dev.sluice.gateway.http.ResponseHead;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Requests of one connection, one after the other. On the session's thread, which blocks. */
final class HttpSession {
    /** Those that may be repeated where nobody knows whether they were taken (RFC 9110 §9.2.2). */
    private static final Set<String> REPEATABLE = Set.of("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE");

    private static final int USUAL_PORT = 80;

    private final HttpProxy proxy;
    private final GuestEnd guest;
    private final Links links;
    private final FlowPolicy.@Nullable Allow chosen;
    private Links.@Nullable Link kept;
    /** The guest's connection is no affair of ours any more: a tunnel stands. */
    private boolean handedOver;
    /** The guest need not wait for the server's word before it sends the request's body, or has got it (RFC 9110 §10.1.1). */
    private boolean bodyWanted;

    /** @param chosen where the connection leads by itself; null if it leads to the proxy */
    HttpSession(HttpProxy proxy, GuestEnd guest, Links links, FlowPolicy.@Nullable Allow chosen) {
        this.proxy = proxy;
        this.guest = guest;
        this.links = links;
        this.chosen = chosen;
    }

    /** @param said what the guest has said already of its first request */
    void run(byte[] said) {
        try {
            serveAll(said);
        } finally {
            drop(); // it may be another than the one that was tried last
        }
        if (!handedOver) {
            guest.finish();
        }
    }

    private void serveAll(byte[] said) {
        byte[] before = said;
        while (true) {
            byte[] bytes = head(before);
            before = new byte[0];
            if (bytes == null) {
                break;
            }
            RequestHead request = null;
            try {
                request = RequestHead.parse(bytes);
                if (!serve(request)) {
                    break;
                }
            } catch (BadMessage e) {
                proxy.counters().badRequests.increment();
                page(e.status(), "The request cannot be understood: " + e.reason() + ".", "", request);
                break;
            } catch (ProxyFailure e) {
                page(e.status(), e.what(), e.detail(), request);
                break;
            }
        }
    }

    /** The next head; null if there is none. */
    private byte @Nullable [] head(byte[] said) {
        HeadScan scan = new HeadScan();
        for (int i = 0; i < said.length; i++) {
            if (scan.ends(said[i])) {
                return Arrays.copyOf(said, i + 1); // a bare LF, which the parser refuses
            }
        }
        Collector collector = guest.collect(scan::ends, proxy.limits().proxyHeadBytes() - said.length);
        if (said.length == 0) {
            Boolean begun = Waiting.await(collector.begun(), proxy.limits().proxyIdleSeconds());
            if (begun == null || !begun) {
                return null;
            }
        }
        Collector.Taken taken = Waiting.await(collector.taken(), proxy.limits().proxyHeadSeconds());
        if (taken == null) {
            proxy.counters().timeouts.increment();
            page(
                    408,
                    "The request's head was not there after " + proxy.limits().proxyHeadSeconds() + " seconds.",
                    "",
                    null);
            return null;
        }
        return switch (taken.end()) {
            case WHOLE -> said.length == 0 ? taken.bytes() : Session.joined(said, taken.bytes());
            case TOO_LONG -> {
                proxy.counters().badRequests.increment();
                page(431, "The request's head has more than " + proxy.limits().proxyHeadBytes() + " bytes.", "", null);
                yield null;
            }
            case STREAM_ENDED -> null;
        };
    }

    private void page(int status, String what, String detail, @Nullable RequestHead request) {
        boolean html = request != null
                && request.fields().all("accept").stream().anyMatch(value -> value.contains("text/html"));
        boolean head = request != null && request.method().equals("HEAD");
        guest.send(ErrorPage.of(status, what, detail, html, !head));
    }

    /** What to ask for and whom; {@code path} is what the server itself is asked for. */
    private record Asked(ProxyTarget target, String url, String path, String host) {}

    /** Serves one request; true if the connection may carry another. */
    private boolean serve(RequestHead request) throws BadMessage, ProxyFailure {
        RequestTarget target = RequestTarget.of(request);
        FlowPolicy.Allow direct = chosen;
        if (direct == null) {
            return switch (target) {
                case RequestTarget.Tunnel(Authority host) -> connect(request, host);
                case RequestTarget.Absolute absolute -> forward(request, explicit(absolute), false);
                case RequestTarget.Origin _, RequestTarget.Server _ ->
                    throw new BadMessage(
                            400, "a request to a proxy must contain a URL (http://host/…), or be CONNECT host:port");
            };
        }
        return switch (target) {
            case RequestTarget.Tunnel _, RequestTarget.Absolute _ -> {
                // it speaks to a proxy of its own choice: then that shall have it as it is
                ProxyTarget byAddress =
                        new ProxyTarget("https", direct.address().toString(), direct.port());
                yield through(byAddress, request.bytes());
            }
            case RequestTarget.Origin(String path) -> forward(request, transparent(request, direct, path), true);
            case RequestTarget.Server() -> forward(request, transparent(request, direct, "*"), true);
        };
    }

    private static Asked explicit(RequestTarget.Absolute absolute) throws BadMessage {
        if (!absolute.scheme().equals("http")) {
            throw new BadMessage(
                    501,
                    "'" + absolute.scheme() + "' in the URL: a proxy is asked for http URLs, for others by CONNECT");
        }
        Authority host = absolute.host();
        int port = host.port() == 0 ? USUAL_PORT : host.port();
        String url = absolute.path().equals("*")
                ? "http://" + absolute.authority()
                : "http://" + absolute.authority() + absolute.path();
        return new Asked(new ProxyTarget("http", host.host(), port), url, absolute.path(), absolute.authority());
    }

    /** The server by its name, as Host says; the port is the connection's own. */
    private static Asked transparent(RequestHead request, FlowPolicy.Allow direct, String path) throws BadMessage {
        Optional<String> said = request.fields().first("host").filter(value -> !value.isEmpty());
        Authority host = said.isPresent()
                ? Authority.parse(said.get())
                : new Authority(direct.address().toString(), 0);
        Authority real = new Authority(host.host(), direct.port());
        String text = real.text(USUAL_PORT);
        String url = path.equals("*") ? "http://" + text : "http://" + text + path;
        return new Asked(new ProxyTarget("http", host.host(), direct.port()), url, path, said.orElse(text));
    }

    // ---- tunnels

    private boolean connect(RequestHead request, Authority host) throws ProxyFailure, BadMessage {
        ProxyTarget target = new ProxyTarget("https", host.host(), host.port());
        drop();
        Links.Tunnel tunnel = links.tunnel(target, links.routes(target), request);
        ResponseHead response = tunnel.response();
        if (!tunnel.isOpen() && response != null) {
            proxy.counters().upstreamRefusals.increment();
            Framing framing = framing(response, "CONNECT", tunnel.title());
            boolean keep = request.keepsAlive() && response.minor() == 1 && !(framing instanceof Framing.UntilClose);
            byte[] head = Forwarding.toGuest(response, keep).bytes();
            BodyOutcome outcome = Waiting.await(guest.relayDown(tunnel.end(), head, framing));
            tunnel.end().close();
            return keep && outcome == BodyOutcome.WHOLE;
        }
        handOver(
                tunnel.end(),
                response == null
                        ? "HTTP/1.1 200 Connection established\r\n\r\n".getBytes(StandardCharsets.US_ASCII)
                        : Forwarding.opened(response).bytes());
        return false;
    }

    private boolean through(ProxyTarget target, byte[] said) throws ProxyFailure {
        drop();
        Links.Tunnel tunnel = links.tunnel(target, links.routes(target), Forwarding.connect(target.authority()));
        if (!tunnel.isOpen()) {
            proxy.counters().upstreamRefusals.increment();
            tunnel.end().close();
            throw new ProxyFailure(502, tunnel.title() + " opens no tunnel to " + target.host() + ".", "");
        }
        if (Waiting.await(tunnel.end().send(said))) {
            handOver(tunnel.end(), new byte[0]);
        }
        return false;
    }

    private void handOver(UpstreamEnd end, byte[] head) {
        proxy.counters().tunnels.increment();
        handedOver = true;
        guest.tunnel(end, head);
    }

    private void drop() {
        if (kept != null) {
            kept.end().close();
            kept = null;
        }
    }

    // ---- requests

    /**
     * Forwards a request, and its response back.
     *
     * @param asIs whether the server gets every byte as the guest has sent it
     */
    private boolean forward(RequestHead request, Asked asked, boolean asIs) throws ProxyFailure, BadMessage {
        Framing body = Framing.ofRequest(request);
        List<Route> routes = links.routes(asked.target());
        Links.Link link = links.link(asked.target(), routes, kept);
        if (kept != null && kept != link) {
            drop();
        }
        kept = link;
        proxy.counters().requests.increment();
        Links.Identity identity = null;
        Optional<String> authorization = Optional.empty();
        int legs = 0;
        while (true) {
            Upstream upstream = link.upstream();
            if (!Objects.equals(upstream, identity == null ? null : identity.upstream())) {
                identity = upstream == null ? null : links.identity(upstream);
                authorization = identity == null ? Optional.empty() : first(identity, link, asked.target());
            }
            UpstreamEnd end = link.end();
            RequestHead sent = upstream != null
                    ? Forwarding.toProxy(request, asked.url(), asked.host(), authorization.orElse(null))
                    : asIs ? request : Forwarding.toServer(request, asked.path(), asked.host());
            boolean reused = end.used;
            end.used = true;
            end.send(sent.bytes());
            CompletableFuture<BodyOutcome> up = guest.relayUp(end, body, asIs && upstream == null);
            ResponseHead response = response(request, end, up, link.title(asked.target()), reused);
            boolean again = body.isEmpty() && REPEATABLE.contains(request.method());
            if (response == null) {
                if (!again || !reused) {
                    throw gone(up, link.title(asked.target()), link.route());
                }
                // the connection was closed while nobody used it (RFC 9112 §9.3.1)
                drop();
                link = links.link(asked.target(), routes, null);
                kept = link;
                continue;
            }
            if (response.status() == 407 && identity != null && body.isEmpty() && legs++ < Links.MAX_LEGS) {
                try {
                    authorization = identity.answer(response);
                } catch (IOException e) {
                    drop();
                    throw links.unidentified(link, asked.target(), e);
                }
                if (authorization.isPresent()) {
                    if (!links.drain(end, response, request.method())) {
                        drop();
                        link = links.link(asked.target(), routes, null);
                        kept = link;
                    }
                    continue;
                }
            }
            return answer(request, response, link, up, asIs && upstream == null, asked.target());
        }
    }

    private Optional<String> first(Links.Identity identity, Links.Link link, ProxyTarget target) throws ProxyFailure {
        try {
            return identity.first();
        } catch (IOException e) {
            drop();
            throw links.unidentified(link, target, e);
        }
    }

    /** The first response that is final, or 101; null if none has come because the connection was not in use any more. */
    private @Nullable ResponseHead response(
            RequestHead request, UpstreamEnd end, CompletableFuture<BodyOutcome> up, String title, boolean reused)
            throws ProxyFailure, BadMessage {
        bodyWanted = !request.fields().members("expect").contains("100-continue");
        for (int interim = 0; ; interim++) {
            Collector.Taken taken = Waiting.await(
                    end.collect(HeadScan.ofResponse()::ends, proxy.limits().proxyHeadBytes())
                            .taken());
            if (taken.end() == Collector.End.STREAM_ENDED) {
                if (up.isDone() && up.join() == BodyOutcome.BROKEN) {
                    throw new BadMessage(400, "a body whose chunks are none");
                }
                if (taken.bytes().length == 0 && interim == 0) {
                    return null;
                }
            }
            try {
                if (!taken.isWhole() || interim > Links.MAX_INTERIM) {
                    throw new BadMessage(502, flaw(taken, interim));
                }
                ResponseHead response = ResponseHead.parse(taken.bytes());
                if (!response.isInterim()) {
                    return response;
                }
                bodyWanted |= response.status() == 100;
                if (request.minor() == 1) { // RFC 9110 §15.2
                    Waiting.await(guest.send(response.bytes()));
                }
            } catch (BadMessage e) {
                proxy.counters().badResponses.increment();
                end.close();
                throw new ProxyFailure(502, title + " has sent an answer that is none: " + e.reason() + ".", "");
            }
        }
    }

    private String flaw(Collector.Taken taken, int interim) {
        if (taken.end() == Collector.End.TOO_LONG) {
            return "its head has more than " + proxy.limits().proxyHeadBytes() + " bytes";
        }
        return interim > Links.MAX_INTERIM ? "it never comes to an end" : "it breaks off";
    }

    private ProxyFailure gone(CompletableFuture<BodyOutcome> up, String title, Route route) {
        if (!guest.isGone() && (!up.isDone() || up.join() != BodyOutcome.CUT_OFF)) {
            proxy.counters().badResponses.increment();
        }
        return new ProxyFailure(502, title + " has closed the connection without an answer.", "Rule: " + route.rule());
    }

    private static Framing framing(ResponseHead response, String method, String title) throws ProxyFailure {
        try {
            return Framing.ofResponse(response, method);
        } catch (BadMessage e) {
            throw new ProxyFailure(502, title + " has sent an answer that is none: " + e.reason() + ".", "");
        }
    }

    /** Gives the guest its response. */
    private boolean answer(
            RequestHead request,
            ResponseHead response,
            Links.Link link,
            CompletableFuture<BodyOutcome> up,
            boolean asIs,
            ProxyTarget target)
            throws ProxyFailure {
        UpstreamEnd end = link.end();
        if (response.status() == 101) {
            if (!request.upgrades()) {
                throw new ProxyFailure(
                        502, link.title(target) + " changes to a protocol that nobody has asked for.", "");
            }
            kept = null;
            handOver(end, response.bytes());
            return false;
        }
        Framing framing = framing(response, request.method(), link.title(target));
        if (request.minor() == 0 && framing instanceof Framing.Chunked) {
            throw new ProxyFailure(502, link.title(target) + " answers in chunks, which HTTP/1.0 does not know.", "");
        }
        boolean counted = !(framing instanceof Framing.UntilClose);
        boolean twoLengths =
                framing instanceof Framing.Chunked && response.fields().has("content-length");
        boolean comes = bodyWanted || up.isDone(); // else the guest may well keep the body that nobody has asked it for
        boolean more =
                comes && counted && request.keepsAlive() && response.minor() == 1 && (!asIs || response.keepsAlive());
        ResponseHead told = asIs && !twoLengths ? response : Forwarding.toGuest(response, more);
        BodyOutcome down = Waiting.await(guest.relayDown(end, told.bytes(), framing));
        if (down == BodyOutcome.BROKEN) {
            guest.reset("bad-response");
        } else if (down == BodyOutcome.CUT_OFF && !counted) {
            guest.breakOff(); // nothing but an end in order would tell that this was all
        }
        if (down == BodyOutcome.WHOLE && comes && response.keepsAlive() && !up.isDone()) {
            // it has answered first, and reads on (RFC 9112 §9.3), or says by its end that it does not
            Waiting.await(CompletableFuture.anyOf(up, end.rest()));
        }
        boolean whole = down == BodyOutcome.WHOLE && up.isDone() && up.join() == BodyOutcome.WHOLE;
        if (!whole || !response.keepsAlive() || twoLengths || !end.isFresh()) {
            drop();
        } else {
            end.rest();
        }
        return whole && more;
    }
}
