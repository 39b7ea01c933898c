package dev.sluice.gateway.dns;

import dev.sluice.host.HostsFile;
import dev.sluice.wire.DnsHeader;
import dev.sluice.wire.IpAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The names of the host's hosts file, both directions. The file overrides addresses only, so what else a name has (MX, TXT…) still
 * comes from the servers; but not the records that carry address hints (RFC 9460), which would undo the override.
 */
final class HostNames implements NameSource {
    private final HostsFile file;

    HostNames(HostsFile file) {
        this.file = file;
    }

    /** As {@link HostsFile#isFresh}. */
    boolean isFresh() {
        return file.isFresh();
    }

    /** As {@link HostsFile#version}. */
    Object version() {
        return file.version();
    }

    @Override
    public String title() {
        return "hosts file " + file.path();
    }

    @Override
    public @Nullable Answer answer(DnsQuery query) {
        List<IpAddress> addresses = file.addresses(query.name());
        if (!addresses.isEmpty()) {
            boolean overridden = query.asks(DnsHeader.TYPE_A)
                    || query.asks(DnsHeader.TYPE_AAAA)
                    || query.type() == DnsMessage.TYPE_SVCB
                    || query.type() == DnsMessage.TYPE_HTTPS;
            return overridden ? NameSource.addresses(query, addresses) : null;
        }
        IpAddress address = ReverseName.parse(query.name());
        List<String> names = address == null ? List.of() : file.names(address);
        return names.isEmpty() ? null : NameSource.names(query, names);
    }
}
