package dev.sluice.gateway.dns;

import dev.sluice.host.HostsFile;
import java.nio.file.Path;

/**
 * What the name server of a network is made from.
 *
 * @param names of the gateway, the host and others; they cannot be overridden
 * @param hosts a file in the form of hosts(5), watched
 * @param servers asked for what has no zone of its own; none for the servers of this host
 * @param cache whether answers of servers are kept as long as they say
 */
public record DnsSettings(DnsNames names, Path hosts, Upstreams servers, boolean cache) {
    /** The usual names, what this host knows, and its servers. */
    public static DnsSettings defaults() {
        return new DnsSettings(DnsNames.defaults(), HostsFile.PATH, Upstreams.of(java.util.List.of()), true);
    }

    public DnsSettings withNames(DnsNames other) {
        return new DnsSettings(other, hosts, servers, cache);
    }

    public DnsSettings withHosts(Path other) {
        return new DnsSettings(names, other, servers, cache);
    }

    public DnsSettings withServers(Upstreams other) {
        return new DnsSettings(names, hosts, other, cache);
    }

    public DnsSettings withCache(boolean other) {
        return new DnsSettings(names, hosts, servers, other);
    }
}
