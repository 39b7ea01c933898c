package dev.sluice.cli;

import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What this host has of IPv6 (proc_net(5), {@code /proc/net/if_inet6} and {@code ipv6_route}). Like the default route, the few pieces that VPNs
 * cut it into so that theirs win, as {@code 2000::/3} and {@code fc00::/7}, lead to the world and to no network.
 *
 * @param enabled whether it has IPv6 at all
 * @param hasDefaultRoute whether it knows a way to the rest of the world
 * @param networks it has routes to
 */
record Ipv6Support(boolean enabled, boolean hasDefaultRoute, List<Ipv6Cidr> networks) {
    private static final int REJECT = 0x200;
    private static final int LOCAL = 0x8000_0000;
    /** What may be a network of somebody's; /16 and longer is what registries hand out, and of fd00::/8 each has a /48 (RFC 4193 §3.1). */
    private static final int SHORTEST_PREFIX = 16;

    /** All addresses that are given out to the world so far (RFC 4291 §2.4), which some routes only cover by halves. */
    private static final Ipv6Cidr WORLD = new Ipv6Cidr(new Ipv6Address(0x2000L << 48, 0), 3);

    private static final int SHORTEST_OF_WORLD = 4;

    Ipv6Support {
        networks = List.copyOf(networks);
    }

    /** As the kernel has it now. */
    static Ipv6Support read() {
        return parse(lines("if_inet6"), lines("ipv6_route"));
    }

    private static List<String> lines(String name) {
        try {
            return Files.readAllLines(Path.of("/proc/net", name));
        } catch (IOException e) {
            return List.of(); // no such file in a kernel without IPv6
        }
    }

    /** Reads the kernel's tables; routes are destination, prefix length, …, flags in the ninth column, device; hexadecimal. */
    static Ipv6Support parse(List<String> addresses, List<String> routes) {
        boolean hasDefault = false;
        List<Ipv6Cidr> networks = new ArrayList<>();
        for (String line : routes) {
            Ipv6Cidr network = route(line);
            if (network == null) {
                continue;
            }
            if (network.prefix() < SHORTEST_PREFIX) {
                hasDefault |= network.prefix() <= SHORTEST_OF_WORLD && network.overlaps(WORLD);
            } else if (!network.address().isMulticast() && !network.address().isLinkLocal()) {
                networks.add(network);
            }
        }
        return new Ipv6Support(!addresses.isEmpty(), hasDefault, networks);
    }

    /** Where a route leads that goes out of some interface; null for others, and for what is none. */
    private static @Nullable Ipv6Cidr route(String line) {
        List<String> column = ProcTable.columns(line);
        if (column.size() < 10
                || column.getFirst().length() != 32
                || column.get(9).equals("lo")) {
            return null;
        }
        try {
            int flags = Integer.parseUnsignedInt(column.get(8), 16);
            Ipv6Address address = new Ipv6Address(
                    Long.parseUnsignedLong(column.getFirst().substring(0, 16), 16),
                    Long.parseUnsignedLong(column.getFirst().substring(16), 16));
            return (flags & (REJECT | LOCAL)) != 0 ? null : new Ipv6Cidr(address, Integer.parseInt(column.get(1), 16));
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}
