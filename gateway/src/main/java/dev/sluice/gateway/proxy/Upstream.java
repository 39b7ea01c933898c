package dev.sluice.gateway.proxy;

import java.util.Optional;

/**
 * A proxy of the host's network.
 *
 * @param host name or address literal
 * @param port 1-65535
 * @param credentials what it wants to know; never sent to anyone else
 */
public record Upstream(Kind kind, String host, int port, Optional<Credentials> credentials) {
    /** What it speaks. */
    public enum Kind {
        /** HTTP/1.1: absolute-form requests and CONNECT (RFC 9110 §9.3.6). */
        HTTP,
        /** The same inside TLS. */
        HTTPS,
        /** RFC 1928, with names resolved by the proxy. */
        SOCKS5
    }

    /** As in messages to people, without credentials: {@code http://proxy.corp.example:3128}. */
    public String title() {
        String literal = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
        return switch (kind) {
                    case HTTP -> "http://";
                    case HTTPS -> "https://";
                    case SOCKS5 -> "socks5://";
                }
                + literal + ":" + port;
    }
}
