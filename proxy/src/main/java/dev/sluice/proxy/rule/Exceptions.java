package dev.sluice.proxy.rule;

import dev.sluice.gateway.proxy.ProxyTarget;
import org.jspecify.annotations.Nullable;

/**
 * The hosts that are reached without the proxy.
 *
 * @param name of the list, as in {@code no_proxy}
 * @param reversed whether it is only those that are reached by way of the proxy (KDE)
 */
public record Exceptions(String name, HostList hosts, boolean reversed) {
    public static final Exceptions NONE = new Exceptions("", NoProxy.NONE, false);

    public Exceptions(String name, HostList hosts) {
        this(name, hosts, false);
    }

    /** The rule by which the target is excepted; null if it is not. */
    public @Nullable String rule(ProxyTarget target) {
        String entry = hosts.match(target);
        if (reversed) {
            return entry == null ? "not in " + name : null;
        }
        return entry == null ? null : name + " " + entry;
    }
}
