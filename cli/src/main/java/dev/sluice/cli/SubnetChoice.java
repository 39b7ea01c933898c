package dev.sluice.cli;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.wire.Ipv4Cidr;
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
