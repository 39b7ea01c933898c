package dev.sluice.gateway.dns;

import dev.sluice.host.ResolverConfig;
import java.util.function.Supplier;

/** The host's servers as its settings name them now; converted anew only when those change. Any thread. */
final class HostServers {
    private record Known(ResolverConfig config, Upstreams upstreams) {}

    private final Supplier<ResolverConfig> settings;
    private volatile Known known = new Known(ResolverConfig.of(), Upstreams.of(java.util.List.of()));

    /** @param settings asked for each forwarded query; must not block for long */
    HostServers(Supplier<ResolverConfig> settings) {
        this.settings = settings;
    }

    ResolverConfig config() {
        return settings.get();
    }

    Upstreams upstreams() {
        ResolverConfig config = settings.get();
        Known before = known;
        if (before.config != config) {
            before = new Known(config, Upstreams.of(config));
            known = before;
        }
        return before.upstreams;
    }
}
