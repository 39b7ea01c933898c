package dev.sluice.gateway.proxy;

import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

/** One upstream for everything but some hosts, until it is replaced. */
public final class FixedPolicy implements ProxyPolicy {
    private final Upstream upstream;
    private final Predicate<ProxyTarget> excluded;
    private final String name;

    /**
     * @param excluded what goes straight to its server
     * @param name of the setting, for people
     */
    public FixedPolicy(Upstream upstream, Predicate<ProxyTarget> excluded, String name) {
        this.upstream = upstream;
        this.excluded = excluded;
        this.name = name;
    }

    /**
     * Excludes as curl does: names and what is below them, addresses, {@code *}; separated by commas or spaces.
     *
     * @param list as in the variable {@code no_proxy}
     */
    public static Predicate<ProxyTarget> noProxy(String list) {
        List<String> patterns = List.of(list.toLowerCase(Locale.ROOT).strip().split("[,\\s]+"));
        return target -> patterns.stream().anyMatch(pattern -> matches(pattern, target.host()));
    }

    private static boolean matches(String pattern, String host) {
        String suffix = pattern.startsWith(".") ? pattern.substring(1) : pattern;
        return !suffix.isEmpty() && (suffix.equals("*") || host.equals(suffix) || host.endsWith("." + suffix));
    }

    @Override
    public boolean active() {
        return true;
    }

    @Override
    public List<Route> routes(ProxyTarget target) {
        return List.of(
                excluded.test(target) ? new Route.Direct("excluded from " + name) : new Route.Via(upstream, name));
    }
}
