package dev.sluice.proxy.source;

import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.gateway.proxy.Upstream;
import dev.sluice.proxy.rule.Exceptions;
import dev.sluice.proxy.rule.ProxySetting;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * macOS and Windows, through the JDK, which asks the system for each request, PAC files included: so there is nothing to watch. Not tested on
 * either.
 */
public final class SystemSource implements ProxySource {
    private final ProxySelector selector;

    /** The system's. */
    public SystemSource() {
        this(system());
    }

    SystemSource(ProxySelector selector) {
        this.selector = selector;
    }

    /** The property is read when the JDK's selector is first used, which nothing else here does. */
    private static ProxySelector system() {
        System.setProperty("java.net.useSystemProxies", "true");
        return ProxySelector.getDefault();
    }

    @Override
    public String title() {
        return "the system settings";
    }

    @Override
    public List<Path> files() {
        return List.of();
    }

    @Override
    public @Nullable ProxySetting read() {
        return new ProxySetting.Asked(title(), this::routes, Exceptions.NONE);
    }

    private List<Route> routes(ProxyTarget target) {
        List<Route> routes = new ArrayList<>();
        for (Proxy proxy : selector.select(URI.create(target.url()))) {
            if (proxy.type() == Proxy.Type.DIRECT || !(proxy.address() instanceof InetSocketAddress at)) {
                routes.add(new Route.Direct(title()));
            } else {
                Upstream.Kind kind = proxy.type() == Proxy.Type.SOCKS ? Upstream.Kind.SOCKS5 : Upstream.Kind.HTTP;
                routes.add(
                        new Route.Via(new Upstream(kind, at.getHostString(), at.getPort(), Optional.empty()), title()));
            }
        }
        return routes.isEmpty() ? List.of(new Route.Direct(title())) : routes;
    }
}
