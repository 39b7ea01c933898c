package dev.sluice.cli;

import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What this host has of IPv6 (proc_net(5), {@code /proc/net/if_inet6} and {@code ipv6_route}).
 *
 * @param enabled whether it has IPv6 at all
 * @param hasDefaultRoute whether it knows a way to the rest of the world
 * @param networks it has routes to
 */
record Ipv6Support(boolean enabled, boolean hasDefaultRoute, List<Ipv6Cidr> networks) {
    private static final int REJECT = 0x200;
    private static final int LOCAL = 0x8000_0000;

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
            String[] column = line.trim().split("\\s+");
            if (column.length < 10
                    || !column[0].matches("[0-9a-f]{32}")
                    || !column[1].matches("[0-9a-f]{2}")
                    || !column[8].matches("[0-9a-f]{8}")) {
                continue;
            }
            int flags = Integer.parseUnsignedInt(column[8], 16);
            int prefix = Integer.parseInt(column[1], 16);
            if (column[9].equals("lo") || (flags & (REJECT | LOCAL)) != 0 || prefix > 128) {
                continue;
            }
            Ipv6Address network = new Ipv6Address(
                    Long.parseUnsignedLong(column[0].substring(0, 16), 16),
                    Long.parseUnsignedLong(column[0].substring(16), 16));
            if (prefix == 0) {
                hasDefault = true;
            } else if (!network.isMulticast() && !network.isLinkLocal()) {
                networks.add(new Ipv6Cidr(network, prefix));
            }
        }
        return new Ipv6Support(!addresses.isEmpty(), hasDefault, networks);
    }
}
