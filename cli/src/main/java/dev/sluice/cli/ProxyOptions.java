package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.gateway.proxy.Credentials;
import dev.sluice.gateway.proxy.FixedPolicy;
import dev.sluice.gateway.proxy.ProxyPolicy;
import dev.sluice.gateway.proxy.ProxySettings;
import dev.sluice.gateway.proxy.Upstream;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The options of a network's HTTP proxy. */
final class ProxyOptions {
    private static final int SOCKS_PORT = 1080;
    private static final int HTTPS_PORT = 443;
    private static final int HTTP_PORT = 80;

    private @Nullable Upstream upstream;
    private String exceptions = "";
    private int port = ProxySettings.PORT;
    private Set<Integer> transparent = ProxySettings.TRANSPARENT_PORTS;

    /** Adds them to a command's own. */
    Syntax addTo(Syntax syntax) {
        return syntax.option(
                        "--http-proxy",
                        "URL",
                        "Send the web traffic of guests through this proxy: http://[USER:PASSWORD@]HOST:PORT, https:// for TLS"
                                + " to the proxy, or socks5://; 'none' for none (default).",
                        text -> upstream = text.equals("none") ? null : upstream(text))
                .option(
                        "--no-proxy",
                        "LIST",
                        "Names (with those below them) and addresses that --http-proxy is not for; * for all.",
                        text -> exceptions = text)
                .option(
                        "--proxy-port",
                        "PORT",
                        "Where the gateway is a proxy for guests that want one (default: 3128); 0 for nowhere.",
                        text -> port = number(text, 0))
                .option(
                        "--transparent-ports",
                        "LIST",
                        "Ports whose connections go through --http-proxy though guests know nothing of it (default: 80,443);"
                                + " 'none' for none.",
                        text -> transparent = ports(text));
    }

    private static int number(String text, int least) {
        try {
            int port = Integer.parseInt(text.strip());
            if (port >= least && port <= 65_535) {
                return port;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new IllegalArgumentException("'" + text + "' is no port");
    }

    private static Set<Integer> ports(String text) {
        return text.equals("none")
                ? Set.of()
                : Stream.of(text.split(",")).map(one -> number(one, 1)).collect(Collectors.toUnmodifiableSet());
    }

    private static Upstream upstream(String text) {
        URI uri;
        try {
            uri = URI.create(text.contains("://") ? text : "http://" + text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "that is no URL; write http://HOST:PORT", e); // without it, as a password is in it
        }
        String host = uri.getHost();
        if (host == null) {
            throw new IllegalArgumentException("there is no host in it; write http://HOST:PORT");
        }
        Upstream.Kind kind = switch (uri.getScheme().toLowerCase(Locale.ROOT)) {
            case "http" -> Upstream.Kind.HTTP;
            case "https" -> Upstream.Kind.HTTPS;
            case "socks5", "socks5h", "socks" -> Upstream.Kind.SOCKS5;
            default -> throw new IllegalArgumentException("a proxy is at http://, https:// or socks5://");
        };
        int usual = switch (kind) {
            case HTTP -> HTTP_PORT;
            case HTTPS -> HTTPS_PORT;
            case SOCKS5 -> SOCKS_PORT;
        };
        String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
        return new Upstream(
                kind,
                bare.toLowerCase(Locale.ROOT),
                uri.getPort() < 0 ? usual : uri.getPort(),
                credentials(uri.getRawUserInfo()));
    }

    private static Optional<Credentials> credentials(@Nullable String text) {
        if (text == null) {
            return Optional.empty();
        }
        int colon = text.indexOf(':');
        return Optional.of(new Credentials(
                decoded(colon < 0 ? text : text.substring(0, colon)),
                colon < 0 ? "" : decoded(text.substring(colon + 1))));
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    /** What they amount to. */
    ProxySettings settings() {
        ProxyPolicy policy = upstream == null
                ? ProxyPolicy.DIRECT
                : new FixedPolicy(upstream, FixedPolicy.noProxy(exceptions), "--http-proxy");
        return new ProxySettings(
                port == 0 ? List.of() : List.of(port), transparent, policy, ProxySettings.DEFAULT.authenticator());
    }
}
