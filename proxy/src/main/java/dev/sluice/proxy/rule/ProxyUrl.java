package dev.sluice.proxy.rule;

import dev.sluice.gateway.proxy.Credentials;
import dev.sluice.gateway.proxy.Upstream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where a proxy is, as users write it: {@code [SCHEME://][USER[:PASSWORD]@]HOST[:PORT]}. Without a scheme it is {@code http}; {@code socks},
 * {@code socks5} and {@code socks5h} all leave names to the proxy. Without a port it is 80, 443 for {@code https}, 1080 for SOCKS. User and
 * password may be percent-encoded. Read by hand, because passwords in the wild hold what no URI may.
 */
public final class ProxyUrl {
    private ProxyUrl() {}

    /** @throws IllegalArgumentException saying what is wrong, without credentials */
    public static Upstream parse(String text) {
        String rest = text.strip();
        int mark = rest.indexOf("://");
        String scheme = mark < 0 ? "http" : rest.substring(0, mark).toLowerCase(Locale.ROOT);
        rest = mark < 0 ? rest : rest.substring(mark + 3);
        int at = rest.lastIndexOf('@');
        Optional<Credentials> credentials =
                at <= 0 ? Optional.empty() : Optional.of(credentials(rest.substring(0, at)));
        String place = rest.substring(at + 1);
        int slash = place.indexOf('/');
        if (slash >= 0) {
            place = place.substring(0, slash);
        }
        Upstream.Kind kind = switch (scheme) {
            case "http" -> Upstream.Kind.HTTP;
            case "https" -> Upstream.Kind.HTTPS;
            case "socks", "socks5", "socks5h" -> Upstream.Kind.SOCKS5;
            default ->
                throw new IllegalArgumentException(
                        "a proxy of kind '" + scheme + "' is not known; http, https and socks5 are");
        };
        return at(kind, place, credentials);
    }

    /**
     * Reads {@code HOST[:PORT]}, an IPv6 address in brackets if a port follows.
     *
     * @throws IllegalArgumentException saying what is wrong
     */
    public static Upstream at(Upstream.Kind kind, String place, Optional<Credentials> credentials) {
        String host = place;
        String port = null;
        int colon = place.lastIndexOf(':');
        if (place.startsWith("[")) {
            int end = place.indexOf(']');
            if (end < 0) {
                throw new IllegalArgumentException("'" + place + "': a ] is missing");
            }
            host = place.substring(1, end);
            port = end + 1 < place.length() ? place.substring(Math.min(end + 2, place.length())) : null;
        } else if (colon >= 0 && place.indexOf(':') == colon) {
            host = place.substring(0, colon);
            port = place.substring(colon + 1);
        }
        if (host.isEmpty() || !host.chars().allMatch(c -> c > ' ' && c < 0x7f && "/?#@\\".indexOf(c) < 0)) {
            throw new IllegalArgumentException("'" + place + "' is no HOST:PORT of a proxy");
        }
        if (host.indexOf(':') >= 0 && NoProxy.address(host) == null) {
            throw new IllegalArgumentException("'" + place + "' is no HOST:PORT of a proxy");
        }
        String name = host.toLowerCase(Locale.ROOT);
        return new Upstream(kind, name, port(kind, port, place), credentials);
    }

    private static int port(Upstream.Kind kind, @Nullable String text, String place) {
        if (text == null || text.isEmpty()) {
            return switch (kind) {
                case HTTP -> 80;
                case HTTPS -> 443;
                case SOCKS5 -> 1080;
            };
        }
        int port = text.matches("[0-9]{1,5}") ? Integer.parseInt(text) : 0;
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException("'" + place + "': a port is within 1…65535");
        }
        return port;
    }

    private static Credentials credentials(String text) {
        int colon = text.indexOf(':');
        return colon < 0
                ? new Credentials(decode(text), "")
                : new Credentials(decode(text.substring(0, colon)), decode(text.substring(colon + 1)));
    }

    /** Percent-decoding that takes a % which is none for itself. */
    private static String decode(String text) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < bytes.length; i++) {
            int high = bytes[i] == '%' && i + 2 < bytes.length ? Character.digit(bytes[i + 1], 16) : -1;
            int low = high < 0 ? -1 : Character.digit(bytes[i + 2], 16);
            if (low < 0) {
                out.write(bytes[i]);
            } else {
                out.write(high << 4 | low);
                i += 2;
            }
        }
        return out.toString(StandardCharsets.UTF_8);
    }
}
