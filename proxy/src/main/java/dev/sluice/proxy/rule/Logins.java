package dev.sluice.proxy.rule;

import dev.sluice.gateway.proxy.Credentials;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.gateway.proxy.Upstream;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Who the host's user is to proxies that settings name without saying so, as scripts and most desktops do. A login holds for one host and
 * port, so that whoever writes the script cannot have the password sent anywhere else. Immutable.
 */
public final class Logins {
    public static final Logins NONE = new Logins(Map.of());

    private final Map<String, Credentials> known;

    private Logins(Map<String, Credentials> known) {
        this.known = known;
    }

    /**
     * Reads them, each {@code USER:PASSWORD@HOST:PORT}; user and password may be percent-encoded.
     *
     * @throws IllegalArgumentException saying what is wrong, without passwords
     */
    public static Logins of(List<String> texts) {
        Map<String, Credentials> known = new HashMap<>();
        for (String text : texts) {
            Upstream upstream = parse(text);
            upstream.credentials().ifPresent(who -> known.put(key(upstream), who));
        }
        return texts.isEmpty() ? NONE : new Logins(Map.copyOf(known));
    }

    /** One as it may be shown: {@code USER@HOST:PORT}. */
    public static String shown(String text) {
        Upstream upstream = parse(text);
        return upstream.credentials().map(who -> who.user() + "@").orElse("") + key(upstream);
    }

    private static Upstream parse(String text) {
        String word = text.strip();
        int at = word.lastIndexOf('@');
        if (at <= 0 || word.indexOf(':') < 0 || word.indexOf(':') > at) {
            throw new IllegalArgumentException("a login is USER:PASSWORD@HOST:PORT");
        }
        if (!word.substring(at + 1).matches("(\\[[^]]*]|[^:]*):[0-9]+")) {
            throw new IllegalArgumentException(
                    "a login is USER:PASSWORD@HOST:PORT, and '" + word.substring(at + 1) + "' is no HOST:PORT");
        }
        return ProxyUrl.parse("http://" + word);
    }

    private static String key(Upstream upstream) {
        String literal = upstream.host().indexOf(':') >= 0 ? "[" + upstream.host() + "]" : upstream.host();
        return literal.toLowerCase(Locale.ROOT) + ":" + upstream.port();
    }

    /** The same routes with credentials for upstreams that have none and are known here. */
    public List<Route> added(List<Route> routes) {
        return known.isEmpty() ? routes : routes.stream().map(this::added).toList();
    }

    private Route added(Route route) {
        if (route instanceof Route.Via(Upstream upstream, String rule)
                && upstream.credentials().isEmpty()) {
            Credentials who = known.get(key(upstream));
            if (who != null) {
                return new Route.Via(
                        new Upstream(upstream.kind(), upstream.host(), upstream.port(), Optional.of(who)), rule);
            }
        }
        return route;
    }
}
