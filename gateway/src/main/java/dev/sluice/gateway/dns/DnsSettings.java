package dev.sluice.gateway.dns;

import dev.sluice.host.HostsFile;
import java.nio.file.Path;
import java.util.List;

/**
 * What the name server of a network is made from.
 *
 * @param names of the gateway, the host and others; they cannot be overridden
 * @param hosts a file in the form of hosts(5), watched
 * @param records to begin with, as in {@link DnsDirectory#addRecords}
 * @param zones to begin with, as in {@link DnsDirectory#putZone}
 * @param servers asked for what has no zone of its own; none for the servers of this host
 * @param cache whether answers of servers are kept as long as they say
 */
public record DnsSettings(
        DnsNames names,
        Path hosts,
        List<DnsDirectory.Entry> records,
        List<DnsDirectory.Zone> zones,
        Upstreams servers,
        boolean cache) {

    public DnsSettings {
        records = List.copyOf(records);
        zones = List.copyOf(zones);
        if (!records.isEmpty() || !zones.isEmpty()) {
            new DnsTable(() -> {}).fill(records, zones); // throws where something is wrong
        }
    }

    /** The usual names, what this host knows, and its servers. */
    public static DnsSettings defaults() {
        return new DnsSettings(
                DnsNames.defaults(), HostsFile.PATH, List.of(), List.of(), Upstreams.of(List.of()), true);
    }

    public DnsSettings withNames(DnsNames other) {
        return new DnsSettings(other, hosts, records, zones, servers, cache);
    }

    public DnsSettings withHosts(Path other) {
        return new DnsSettings(names, other, records, zones, servers, cache);
    }

    public DnsSettings withRecords(List<DnsDirectory.Entry> other) {
        return new DnsSettings(names, hosts, other, zones, servers, cache);
    }

    public DnsSettings withZones(List<DnsDirectory.Zone> other) {
        return new DnsSettings(names, hosts, records, other, servers, cache);
    }

    public DnsSettings withServers(Upstreams other) {
        return new DnsSettings(names, hosts, records, zones, other, cache);
    }

    public DnsSettings withCache(boolean other) {
        return new DnsSettings(names, hosts, records, zones, servers, other);
    }
}
