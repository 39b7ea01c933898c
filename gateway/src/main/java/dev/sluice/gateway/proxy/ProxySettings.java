package dev.sluice.gateway.proxy;

import java.util.List;
import java.util.Set;

/**
 * Where the proxy is, and what it does. Immutable; another one may take its place at any time.
 *
 * @param ports of the gateway where guests find it when they know of it; perhaps none
 * @param transparentPorts of the world, whose connections are looked into while the policy is active
 * @param authenticator answers challenges of upstreams
 */
public record ProxySettings(
        List<Integer> ports, Set<Integer> transparentPorts, ProxyPolicy policy, ProxyAuthenticator authenticator) {
    /** Where guests expect it. */
    public static final int PORT = 3128;

    public static final Set<Integer> TRANSPARENT_PORTS = Set.of(80, 443);

    /** No proxy anywhere. */
    public static final ProxySettings NONE =
            new ProxySettings(List.of(), Set.of(), ProxyPolicy.DIRECT, ProxyAuthenticator.NONE);

    /** At its usual ports, with everything going straight to its server. */
    public static final ProxySettings DEFAULT =
            new ProxySettings(List.of(PORT), TRANSPARENT_PORTS, ProxyPolicy.DIRECT, ProxyAuthenticator.NONE);

    public ProxySettings {
        ports = List.copyOf(ports);
        transparentPorts = Set.copyOf(transparentPorts);
    }

    public ProxySettings withPorts(List<Integer> ports) {
        return new ProxySettings(ports, transparentPorts, policy, authenticator);
    }

    public ProxySettings withTransparentPorts(Set<Integer> ports) {
        return new ProxySettings(this.ports, ports, policy, authenticator);
    }

    public ProxySettings with(ProxyPolicy policy) {
        return new ProxySettings(ports, transparentPorts, policy, authenticator);
    }

    public ProxySettings with(ProxyAuthenticator authenticator) {
        return new ProxySettings(ports, transparentPorts, policy, authenticator);
    }
}
