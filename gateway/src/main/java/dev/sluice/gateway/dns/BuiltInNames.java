package dev.sluice.gateway.dns;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The names of this network, the zone they stand in, the network's reverse names, and {@code localhost} (RFC 6761 §6.3). */
final class BuiltInNames implements NameSource {
    private static final List<IpAddress> LOOPBACK = List.of(Ipv4Address.LOOPBACK, new Ipv6Address(0, 1));

    private final AddressPlan plan;
    private final Map<String, List<IpAddress>> addresses = new HashMap<>();
    private final Map<IpAddress, List<String>> names = new HashMap<>();

    BuiltInNames(AddressPlan plan, DnsNames config) {
        this.plan = plan;
        addresses.putAll(config.others());
        Ipv6Plan six = plan.ipv6();
        add(config.host(), six == null ? List.of(plan.host()) : List.of(plan.host(), six.host()));
        add(config.gateway(), six == null ? List.of(plan.gateway()) : List.of(plan.gateway(), six.gateway()));
    }

    private void add(List<String> all, List<IpAddress> where) {
        all.forEach(name -> addresses.put(name, where));
        all.stream().findFirst().ifPresent(name -> where.forEach(address -> names.put(address, List.of(name))));
    }

    @Override
    public String title() {
        return "names of this network";
    }

    @Override
    public @Nullable Answer answer(DnsQuery query) {
        String name = query.name();
        List<IpAddress> known = addresses.get(name);
        if (known != null) {
            return NameSource.addresses(query, known);
        }
        if (name.equals("localhost") || name.endsWith(".localhost")) {
            return NameSource.addresses(query, LOOPBACK);
        }
        IpAddress address = names.isEmpty() ? null : ReverseName.parse(name);
        List<String> reverse = address == null ? null : names.get(address);
        return reverse == null ? null : NameSource.names(query, reverse);
    }

    /** What is said of names that only this network could know, once nobody did. */
    NameSource nobodyElses() {
        return new NameSource() {
            @Override
            public String title() {
                return "names that only this network has";
            }

            @Override
            public @Nullable Answer answer(DnsQuery query) {
                String name = query.name();
                if (name.equals(DnsNames.ZONE)) {
                    return new Records(List.of());
                }
                return name.endsWith("." + DnsNames.ZONE) || isReverseOfGuest(name) ? new NoSuchName() : null;
            }
        };
    }

    /** The host's servers cannot know the guests, and need not hear of them. */
    private boolean isReverseOfGuest(String name) {
        return switch (ReverseName.parse(name)) {
            case null -> false;
            case Ipv4Address four -> plan.subnet().contains(four);
            case Ipv6Address v6 -> plan.ipv6() != null && plan.ipv6().prefix().contains(v6);
        };
    }
}
