package dev.sluice.gateway.proxy;

/**
 * What a guest wants to reach.
 *
 * @param scheme {@code http} for a request in plain text, {@code https} for a tunnel (CONNECT, or TLS seen on the way)
 * @param host a name in lower case without a final dot, or an address literal (IPv6 without brackets)
 * @param port 1-65535
 */
public record ProxyTarget(String scheme, String host, int port) {
    public ProxyTarget {
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException("port " + port + " is not between 1 and 65535");
        }
    }

    /** {@code example.com:8443}; always with the port. */
    public String authority() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }

    /** As a URL, which is what a PAC file is asked about: {@code https://example.com:8443/}; the scheme's own port is left out. */
    public String url() {
        String literal = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
        boolean usual = port == (scheme.equals("https") ? 443 : 80);
        return scheme + "://" + literal + (usual ? "" : ":" + port) + "/";
    }
}
