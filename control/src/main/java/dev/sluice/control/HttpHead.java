package dev.sluice.control;

import dev.sluice.gateway.http.BadMessage;
import dev.sluice.gateway.http.Framing;
import dev.sluice.gateway.http.RequestHead;
import dev.sluice.gateway.http.RequestTarget;
import java.util.List;

/**
 * A request without its body, as a server sees it that is but one, whatever it is called.
 *
 * @param request what was sent
 * @param path without the query
 * @param query after the {@code ?}; empty for none
 * @param framing where its body ends
 */
public record HttpHead(RequestHead request, String path, String query, Framing framing) {
    /**
     * Parses it strictly.
     *
     * @param bytes from the first byte of the request line, including the empty line at the end
     * @throws BadMessage if it is none, or not for a server like this; the connection cannot go on after it
     */
    public static HttpHead parse(byte[] bytes) throws BadMessage {
        RequestHead request = RequestHead.parse(bytes);
        String target = switch (RequestTarget.of(request)) {
            case RequestTarget.Origin origin -> origin.path();
            // RFC 9112 §3.2.2: to be accepted from whoever takes this for a proxy; its authority is this server
            case RequestTarget.Absolute url
            when url.scheme().equals("http") && !url.path().equals("*") -> url.path();
            case RequestTarget.Absolute _, RequestTarget.Tunnel _, RequestTarget.Server _ ->
                throw new BadMessage(
                        400, "the target is a path that starts with '/', or a URL of http; nothing else is here");
        };
        HttpHead head = of(request, target);
        if (request.fields().has("expect") && !head.expects("100-continue")) {
            throw new BadMessage(417, "the only expectation known is 100-continue");
        }
        if (request.fields().all("authorization").size() > 1) {
            throw new BadMessage(400, "more than one Authorization");
        }
        return head;
    }

    /** That of a plain request for {@code target}. */
    static HttpHead get(String target) {
        try {
            return of(new RequestHead("GET", target, 1, new dev.sluice.gateway.http.Fields(List.of())), target);
        } catch (BadMessage e) {
            throw new IllegalStateException(e); // there is nothing in it to be bad
        }
    }

    private static HttpHead of(RequestHead request, String target) throws BadMessage {
        int query = target.indexOf('?');
        return new HttpHead(
                request,
                query < 0 ? target : target.substring(0, query),
                query < 0 ? "" : target.substring(query + 1),
                Framing.ofRequest(request));
    }

    public String method() {
        return request.method();
    }

    /** Whether another request may follow. */
    boolean keepsAlive() {
        return request.keepsAlive();
    }

    /** Whether the client understands a body in chunks, of which HTTP/1.0 has none (RFC 9112 §6.1). */
    boolean takesChunks() {
        return request.minor() > 0;
    }

    /** Whether the client waits for permission to send the body (RFC 9110 §10.1.1). */
    boolean expectsContinue() {
        return request.minor() > 0 && !framing.isEmpty() && expects("100-continue");
    }

    private boolean expects(String what) {
        return request.fields().members("expect").equals(List.of(what));
    }
}
