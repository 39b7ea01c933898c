package dev.sluice.gateway.proxy;

import dev.sluice.gateway.http.Fields;
import dev.sluice.gateway.http.RequestHead;
import dev.sluice.gateway.http.ResponseHead;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a proxy changes in heads that it forwards, and nothing else (RFC 9110 §7.6). Pure. */
final class Forwarding {
    /** Of one connection, whoever names them (RFC 9110 §7.6.1; Proxy-Connection is what old browsers say). */
    private static final Set<String> HOP_BY_HOP = Set.of("connection", "keep-alive", "proxy-connection");

    /** What Connection cannot make an affair of one connection: it would change what the message means. */
    private static final Set<String> END_TO_END = Set.of(
            "host",
            "content-length",
            "transfer-encoding",
            "content-encoding",
            "content-type",
            "authorization",
            "proxy-authorization",
            "proxy-authenticate",
            "cookie",
            "set-cookie",
            "cache-control",
            "trailer",
            "expect");

    private Forwarding() {}

    /**
     * A request for the server itself.
     *
     * @param path to ask the server for
     * @param host the value of Host
     */
    static RequestHead toServer(RequestHead request, String path, String host) {
        // the guest's word to a proxy is not for servers to hear (RFC 9110 §11.7.2)
        Fields fields = hop(request).without("proxy-authorization"::equals).replacing("Host", host);
        return request.withTarget(path).with(fields);
    }

    /**
     * A request for an upstream proxy.
     *
     * @param target a URL, or host:port of CONNECT
     * @param authorization what to say to the upstream; null to leave the guest's own word, which may be meant for it (RFC 9110 §11.7.2)
     */
    static RequestHead toProxy(RequestHead request, String target, String host, @Nullable String authorization) {
        Fields fields = hop(request).replacing("Host", host);
        if (authorization != null) {
            fields = fields.without("proxy-authorization"::equals).with("Proxy-Authorization", authorization);
        }
        return request.withTarget(target).with(fields);
    }

    private static Fields hop(RequestHead request) {
        if (request.upgrades()) {
            return request.fields().without("proxy-connection"::equals); // both ends have to see Connection: upgrade
        }
        Set<String> named = named(request.fields());
        boolean trailers = request.fields().members("te").contains("trailers");
        Fields fields =
                request.fields().without(name -> named.contains(name) || name.equals("te") || name.equals("upgrade"));
        return trailers ? fields.with("TE", "trailers").with("Connection", "TE") : fields;
    }

    /**
     * A response for the guest.
     *
     * @param keepsAlive whether the guest's connection may carry another
     */
    static ResponseHead toGuest(ResponseHead response, boolean keepsAlive) {
        Set<String> named = named(response.fields());
        Fields fields = response.fields().without(named::contains);
        if (fields.has("transfer-encoding")) {
            fields = fields.without("content-length"::equals); // RFC 9112 §6.3
        }
        return response.with(keepsAlive ? fields : fields.with("Connection", "close"));
    }

    /** The head of an open tunnel: a length beside it means nothing (RFC 9110 §9.3.6), but not every client knows. */
    static ResponseHead opened(ResponseHead response) {
        return toGuest(
                response.with(response.fields()
                        .without(name -> name.equals("content-length") || name.equals("transfer-encoding"))),
                true);
    }

    private static Set<String> named(Fields fields) {
        Set<String> names = new HashSet<>(HOP_BY_HOP);
        for (String name : fields.members("connection")) {
            if (!END_TO_END.contains(name.toLowerCase(Locale.ROOT))) {
                names.add(name);
            }
        }
        return names;
    }

    /** What a user name and a password come to (RFC 7617). */
    static Optional<String> basic(Upstream upstream) {
        return upstream.credentials()
                .map(who -> "Basic "
                        + Base64.getEncoder()
                                .encodeToString((who.user() + ":" + who.password()).getBytes(StandardCharsets.UTF_8)));
    }

    /** A request for a tunnel, on behalf of a guest that knows of no proxy. */
    static RequestHead connect(String authority) {
        return new RequestHead("CONNECT", authority, 1, new Fields(List.of()).with("Host", authority));
    }
}
