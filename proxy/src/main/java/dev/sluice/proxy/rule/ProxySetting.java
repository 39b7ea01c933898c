package dev.sluice.proxy.rule;

import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.gateway.proxy.Upstream;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What a source of settings says at one moment. */
public sealed interface ProxySetting {
    /** Who says it, for people: {@code the environment}. */
    String origin();

    /** Hosts that are reached directly whatever else is said. */
    Exceptions except();

    /**
     * A proxy and its rule.
     *
     * @param rule what names it: {@code http_proxy}
     */
    record Way(Upstream upstream, String rule) {}

    /**
     * Proxies by scheme.
     *
     * @param http for {@code http}; null for none
     * @param https for {@code https}, which is tunnels; null for none
     * @param allow null if every host is allowed
     */
    record Manual(
            String origin,
            @Nullable Way http,
            @Nullable Way https,
            Exceptions except,
            @Nullable AllowList allow) implements ProxySetting {

        /** Never empty. */
        public List<Route> routes(ProxyTarget target) {
            Route.Refused refused = allow == null ? null : allow.refuse(target);
            if (refused != null) {
                return List.of(refused);
            }
            Way way = target.scheme().equals("https") ? https : http;
            if (way == null) {
                return List.of(new Route.Direct("no " + target.scheme() + " proxy in " + origin));
            }
            String excepted = except.rule(target);
            return List.of(excepted != null ? new Route.Direct(excepted) : new Route.Via(way.upstream(), way.rule()));
        }
    }

    /**
     * A script decides.
     *
     * @param script its URL or path; {@link #DISCOVER} for Web Proxy Auto-Discovery
     */
    record Automatic(String origin, String script, Exceptions except) implements ProxySetting {
        /** Where WPAD looks, the search domains of the host's resolver included. */
        public static final String DISCOVER = "http://wpad/wpad.dat";
    }

    /**
     * The operating system decides, asked for each request.
     *
     * @param ask blocks
     */
    record Asked(String origin, Function<ProxyTarget, List<Route>> ask, Exceptions except) implements ProxySetting {}
}
