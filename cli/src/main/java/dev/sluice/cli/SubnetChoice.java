package dev.sluice.cli;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Which network the guests get: what the user asked for, else the first of a short list that no route of the host overlaps. */
final class SubnetChoice {
    /** The usual one first, then one of every private range of RFC 1918, away from what routers and container tools take. */
    static final List<Ipv4Cidr> CANDIDATES = List.of(
            AddressPlan.DEFAULT_SUBNET,
            Ipv4Cidr.parse("192.168.165.0/24"),
            Ipv4Cidr.parse("172.28.65.0/24"),
            Ipv4Cidr.parse("10.165.65.0/24"),
            Ipv4Cidr.parse("198.18.65.0/24"));

    private SubnetChoice() {}

    /**
     * Chooses, and says in one line whatever the user may not expect.
     *
     * @param asked what the user wants; it is taken even if it hides a part of the host's network, which is said
     */
    static Ipv4Cidr choose(@Nullable Ipv4Cidr asked, List<HostRoutes.Route> routes, Consumer<String> say) {
        if (asked != null) {
            HostRoutes.Route route = overlapping(asked, routes);
            if (route != null) {
                say.accept("the guest network " + asked + " hides the host's network " + text(route)
                        + " from the guest; --cidr sets another");
            }
            return asked;
        }
        HostRoutes.Route first = overlapping(CANDIDATES.getFirst(), routes);
        if (first == null) {
            return CANDIDATES.getFirst();
        }
        for (Ipv4Cidr candidate : CANDIDATES) {
            if (overlapping(candidate, routes) == null) {
                say.accept("the usual guest network " + CANDIDATES.getFirst() + " overlaps the host's network "
                        + text(first) + "; using " + candidate + " (--cidr sets another)");
                return candidate;
            }
        }
        throw Failure.unavailable("every guest network of the list overlaps a network of the host, as "
                + CANDIDATES.getFirst() + " does " + text(first) + "; choose a free one with --cidr");
    }

    /**
     * The same for IPv6: the usual /64, or one of the sixteen beside it.
     *
     * @param networks that the host has routes to
     */
    static Ipv6Cidr choose6(@Nullable Ipv6Cidr asked, List<Ipv6Cidr> networks, Consumer<String> say) {
        if (asked != null) {
            networks.stream()
                    .filter(asked::overlaps)
                    .findFirst()
                    .ifPresent(network -> say.accept("the guest network " + asked + " hides the host's network "
                            + network + " from the guest; --cidr6 sets another"));
            return asked;
        }
        Ipv6Address usual = Ipv6Plan.DEFAULT_PREFIX.address();
        for (int i = 0; i <= 16; i++) {
            Ipv6Cidr candidate = new Ipv6Cidr(new Ipv6Address(usual.high() + i, 0), 64);
            if (networks.stream().noneMatch(candidate::overlaps)) {
                if (i > 0) {
                    say.accept("the usual guest network " + Ipv6Plan.DEFAULT_PREFIX + " overlaps a network of the host;"
                            + " using " + candidate + " (--cidr6 sets another)");
                }
                return candidate;
            }
        }
        throw Failure.unavailable(
                "every IPv6 guest network of the list overlaps a network of the host; choose a free one"
                        + " with --cidr6, or do without: --no-ipv6");
    }

    private static HostRoutes.@Nullable Route overlapping(Ipv4Cidr subnet, List<HostRoutes.Route> routes) {
        for (HostRoutes.Route route : routes) {
            if (route.network().overlaps(subnet)) {
                return route;
            }
        }
        return null;
    }

    private static String text(HostRoutes.Route route) {
        return route.network() + " (" + route.device() + ")";
    }
}
