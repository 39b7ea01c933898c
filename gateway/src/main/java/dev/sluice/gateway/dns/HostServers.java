package dev.sluice.gateway.dns;

import dev.sluice.host.NameSwitch;
import dev.sluice.host.ResolverConfig;
import dev.sluice.wire.DnsHeader;
import dev.sluice.wire.IpAddress;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** How the host itself finds names now: its servers, and what its name service switch knows beside them. Any thread. */
final class HostServers {
    /** How long guests may keep what has no TTL of its own. */
    static final int TTL = 5;

    private record Known(ResolverConfig config, Upstreams upstreams) {}

    private final Supplier<ResolverConfig> settings;
    private final @Nullable NameSwitch names;
    private final @Nullable ResolvedNames resolved;
    private volatile Known known = new Known(ResolverConfig.of(), Upstreams.of(List.of()));

    /**
     * @param settings asked for each forwarded query; must not block for long
     * @param names null where there are only servers
     * @param resolved null where it is never asked but as a server
     */
    HostServers(Supplier<ResolverConfig> settings, @Nullable NameSwitch names, @Nullable ResolvedNames resolved) {
        this.settings = settings;
        this.names = names;
        this.resolved = resolved;
    }

    /** Whether systemd-resolved is to be asked, not its servers. */
    boolean isForResolved(DnsQuery query) {
        return resolved != null && resolved.isFor(query);
    }

    /** Blocks: what systemd-resolved says; null if servers have to be asked. */
    byte @Nullable [] askResolved(DnsQuery query, Trail trail) {
        return resolved != null && resolved.isFor(query) ? resolved.ask(query, config(), trail) : null;
    }

    void networkChanged() {
        if (resolved != null) {
            resolved.networkChanged();
        }
    }

    ResolverConfig config() {
        return settings.get();
    }

    /** Converted anew only when the settings change. */
    Upstreams upstreams() {
        ResolverConfig config = settings.get();
        Known before = known;
        if (before.config != config) {
            before = new Known(config, Upstreams.of(config));
            known = before;
        }
        return before.upstreams;
    }

    /** Looks at the switch's file, so that asking what it may know needs no look at the disk for a while. */
    void look() {
        if (names != null) {
            boolean _ = names.mayKnow("");
        }
    }

    /** Whether the servers must not be asked for this name. */
    boolean owns(DnsQuery query) {
        return names != null && isAddressOrName(query) && names.owns(query.name());
    }

    /** Whether what no server knows may still be known here. */
    boolean mayKnow(DnsQuery query) {
        return names != null && isAddressOrName(query) && names.mayKnow(query.name());
    }

    private static boolean isAddressOrName(DnsQuery query) {
        return query.isInternet()
                && switch (query.type()) {
                    case DnsHeader.TYPE_A, DnsHeader.TYPE_AAAA, DnsMessage.TYPE_PTR -> true;
                    default -> false;
                };
    }

    /** Blocks: what the name service switch knows; null for nothing. */
    NameSource.@Nullable Answer ask(DnsQuery query) {
        if (names == null) {
            return null;
        }
        if (query.type() == DnsMessage.TYPE_PTR) {
            IpAddress address = ReverseName.parse(query.name());
            String name = address == null ? null : names.name(java(address));
            byte[] encoded = name == null ? new byte[0] : DnsMessage.encodeName(name);
            return encoded.length == 0
                    ? null
                    : new NameSource.Records(List.of(new ResourceRecord(DnsMessage.TYPE_PTR, TTL, encoded)));
        }
        if (!query.name().chars().allMatch(c -> c > ' ' && c < 0x7f && c != '\\')) {
            return null; // No name that libc could be asked for.
        }
        boolean ipv6 = query.type() == DnsHeader.TYPE_AAAA;
        List<InetAddress> found = names.addresses(query.name(), ipv6);
        if (found == null) {
            return null;
        }
        if (found.isEmpty()) {
            // It exists if it has an address of the other family: that is not the same to a guest (RFC 2308 §2).
            List<InetAddress> other = names.addresses(query.name(), !ipv6);
            return other == null || other.isEmpty() ? null : new NameSource.Records(List.of());
        }
        List<ResourceRecord> records = new ArrayList<>(found.size());
        for (InetAddress address : found) {
            records.add(new ResourceRecord(query.type(), TTL, address.getAddress()));
        }
        return new NameSource.Records(records);
    }

    private static InetAddress java(IpAddress address) {
        try {
            return InetAddress.getByAddress(NameSource.bytes(address));
        } catch (UnknownHostException e) {
            throw new AssertionError("an address of 4 or 16 bytes", e);
        }
    }
}
