package dev.sluice.proxy.rule;

import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import org.jspecify.annotations.Nullable;

/**
 * The only hosts that may be reached.
 *
 * @param name of the list, for the rule of a refusal
 * @param message for the guest's user; every {@code %s} in it becomes the host
 */
public record AllowList(String name, HostList hosts, String message) {
    /** What is said where the settings say nothing. */
    public static final String USUAL_MESSAGE =
            "Connections to %s are forbidden by policy. Please contact your IT administrator.";

    /** The refusal of a host that is not in the list; null for one that is. */
    Route.@Nullable Refused refuse(ProxyTarget target) {
        return hosts.match(target) != null
                ? null
                : new Route.Refused(message.replace("%s", target.host()), "not in " + name);
    }
}
