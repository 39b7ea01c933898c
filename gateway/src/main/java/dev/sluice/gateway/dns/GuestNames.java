package dev.sluice.gateway.dns;

import dev.sluice.wire.IpAddress;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Names that guests gave themselves when they asked for an address (DHCP option 12), under {@code sluice.internal} and
 * {@code docker.internal}. They are asked last of all sources here, so that no guest can take a name that means something already; and of two
 * guests with one name the first has it until its lease ends. Any thread.
 */
final class GuestNames implements NameSource {
    static final List<String> ZONES = List.of("." + DnsNames.ZONE, ".docker.internal");

    private record Named(IpAddress address, String name, long until) {}

    private final LongSupplier nanoClock;
    private final Map<String, Named> byName = new ConcurrentHashMap<>();
    private final Map<IpAddress, Named> byAddress = new ConcurrentHashMap<>();

    GuestNames(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
    }

    @Override
    public String title() {
        return "names of guests";
    }

    /**
     * A guest has an address from now on; as many as the DHCP server has addresses.
     *
     * @param hostname what it calls itself; only the first label counts; null for nothing
     * @param seconds how long it may have the address
     */
    void bound(IpAddress address, @Nullable String hostname, long seconds) {
        released(address);
        String label = hostname == null ? "" : hostname.toLowerCase(Locale.ROOT);
        int dot = label.indexOf('.');
        label = dot < 0 ? label : label.substring(0, dot);
        if (label.isEmpty()) {
            return;
        }
        long now = nanoClock.getAsLong();
        Named named = new Named(address, label, now + seconds * 1_000_000_000L);
        Named owner = byName.merge(label, named, (before, after) -> before.until - now > 0 ? before : after);
        if (owner == named) {
            byAddress.put(address, named);
        }
    }

    /** Nobody has the address any more. */
    void released(IpAddress address) {
        Named named = byAddress.remove(address);
        if (named != null) {
            byName.remove(named.name, named);
        }
    }

    @Override
    public @Nullable Answer answer(DnsQuery query) {
        if (byName.isEmpty()) {
            return null;
        }
        String name = query.name();
        for (String zone : ZONES) {
            if (name.endsWith(zone)) {
                Named named = byName.get(name.substring(0, name.length() - zone.length()));
                return named == null || isOver(named) ? null : NameSource.addresses(query, List.of(named.address));
            }
        }
        IpAddress address = ReverseName.parse(name);
        Named named = address == null ? null : byAddress.get(address);
        return named == null || isOver(named) ? null : NameSource.names(query, List.of(named.name + ZONES.getFirst()));
    }

    private boolean isOver(Named named) {
        return named.until - nanoClock.getAsLong() <= 0;
    }
}
