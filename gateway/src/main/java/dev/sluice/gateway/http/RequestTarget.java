package dev.sluice.gateway.http;

/** What a request is for (RFC 9112 §3.2). */
public sealed interface RequestTarget {
    /** {@code /path?query}: the server is the connection's, or Host's. */
    record Origin(String path) implements RequestTarget {}

    /**
     * {@code http://host:port/path?query}.
     *
     * @param authority as written, without user information
     * @param path what is left for the server: at least {@code /}
     */
    record Absolute(String scheme, Authority host, String authority, String path) implements RequestTarget {}

    /** {@code host:port}, of CONNECT alone. */
    record Tunnel(Authority host) implements RequestTarget {}

    /** {@code *}, of OPTIONS alone. */
    record Server() implements RequestTarget {}

    static RequestTarget of(RequestHead head) throws BadMessage {
        String text = head.target();
        if (head.method().equals("CONNECT")) {
            Authority host = Authority.parse(text);
            if (host.port() == 0) {
                throw BadMessage.bad("CONNECT needs host:port");
            }
            return new Tunnel(host);
        }
        if (text.startsWith("/")) {
            return new Origin(text);
        }
        if (text.equals("*") && head.method().equals("OPTIONS")) {
            return new Server();
        }
        int scheme = text.indexOf("://");
        if (scheme <= 0) {
            throw BadMessage.bad("a request target that is neither a path nor a URL");
        }
        int from = scheme + 3;
        int end = from;
        while (end < text.length() && "/?#".indexOf(text.charAt(end)) < 0) {
            end++;
        }
        String authority = text.substring(from, end);
        if (authority.indexOf('@') >= 0) {
            throw BadMessage.bad("a user in the URL (RFC 9110 §4.2.4)");
        }
        String rest = text.substring(end);
        if (rest.indexOf('#') >= 0) {
            throw BadMessage.bad("a fragment in the URL");
        }
        String path = rest.startsWith("/") ? rest : "/" + rest;
        // RFC 9112 §3.2.4: the whole server, which has no path
        boolean server = head.method().equals("OPTIONS") && rest.isEmpty();
        return new Absolute(
                text.substring(0, scheme).toLowerCase(java.util.Locale.ROOT),
                Authority.parse(authority),
                authority,
                server ? "*" : path);
    }
}
