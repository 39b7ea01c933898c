package dev.sluice.gateway.explain;

import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What is asked about: a URL, {@code HOST:PORT}, or a name alone.
 *
 * @param scheme {@code http} or {@code https}; empty where there is no URL
 * @param host in lower case, IPv6 without brackets
 * @param port 0 for none
 */
public record Target(String scheme, String host, int port) {
    /** @throws IllegalArgumentException saying how it is written */
    public static Target parse(String text) {
        String rest = text.strip();
        String scheme = "";
        int mark = rest.indexOf("://");
        if (mark >= 0) {
            scheme = rest.substring(0, mark).toLowerCase(Locale.ROOT);
            rest = rest.substring(mark + 3);
            int end = end(rest);
            rest = rest.substring(rest.lastIndexOf('@', end) + 1, end);
            if (!scheme.equals("http") && !scheme.equals("https")) {
                throw wrong("a URL begins with http:// or https:// here, not " + scheme + "://");
            }
        }
        String host = rest;
        int port = scheme.equals("https") ? 443 : scheme.equals("http") ? 80 : 0;
        int colon = rest.lastIndexOf(':');
        if (rest.startsWith("[") && rest.indexOf(']') > 0) {
            int close = rest.indexOf(']');
            host = rest.substring(1, close);
            port = close + 1 < rest.length() ? port(rest.substring(close + 1)) : port;
        } else if (colon >= 0 && rest.indexOf(':') == colon) {
            host = rest.substring(0, colon);
            port = port(rest.substring(colon));
        }
        host = host.toLowerCase(Locale.ROOT);
        host = host.endsWith(".") && host.length() > 1 ? host.substring(0, host.length() - 1) : host;
        if (host.isEmpty()
                || host.length() > 253
                || !host.chars().allMatch(c -> c > ' ' && c < 0x7f && "/?#@\\[]".indexOf(c) < 0)) {
            throw wrong("'" + host + "' is no name and no address");
        }
        return new Target(scheme, host, port);
    }

    /** Where the authority of a URL ends (RFC 3986 §3.2). */
    private static int end(String rest) {
        for (int i = 0; i < rest.length(); i++) {
            if ("/?#".indexOf(rest.charAt(i)) >= 0) {
                return i;
            }
        }
        return rest.length();
    }

    private static int port(String suffix) {
        int port = suffix.matches(":[0-9]{1,5}") ? Integer.parseInt(suffix.substring(1)) : 0;
        if (port < 1 || port > 65_535) {
            throw wrong("'" + suffix + "' is no port");
        }
        return port;
    }

    private static IllegalArgumentException wrong(String why) {
        return new IllegalArgumentException(why + "; write https://example.com/, example.com:25 or example.com");
    }

    /** The address if the host is one; null for a name. */
    @Nullable
    IpAddress address() {
        return address(host);
    }

    static @Nullable IpAddress address(String host) {
        try {
            return host.indexOf(':') >= 0 ? Ipv6Address.parse(host) : Ipv4Address.parse(host);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    boolean tls() {
        return scheme.equals("https");
    }

    /** As the proxy's rules are asked about it: without a URL, what goes to port 80 is in plain text. */
    public ProxyTarget proxyTarget() {
        boolean secure = scheme.isEmpty() ? port != 80 : tls();
        return new ProxyTarget(secure ? "https" : "http", host, port == 0 ? 443 : port);
    }

    /** As in a message. */
    String place() {
        return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
    }
}
