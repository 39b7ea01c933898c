package dev.sluice.cli;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The IPv4 networks this host has routes to (proc_net(5), {@code /proc/net/route}). The default route leads to no network, nor do the pieces
 * that many VPNs cut it into so that theirs win, as {@code 0.0.0.0/1} and {@code 128.0.0.0/1}.
 */
final class HostRoutes {
    /** No network is larger: the greatest private one is 10.0.0.0/8 (RFC 1918 §3). */
    private static final int SHORTEST_PREFIX = 8;

    private HostRoutes() {}

    /** A network and the interface that leads there. */
    record Route(Ipv4Cidr network, String device) {}

    /** None where the file can't be read: an overlap then goes unnoticed, as without this check. */
    static List<Route> read() {
        try {
            return parse(Files.readAllLines(Path.of("/proc/net/route")));
        } catch (IOException e) {
            return List.of();
        }
    }

    /** Reads the kernel's table: a heading, then device, destination, gateway, …, mask in the eighth column; hexadecimal, little-endian. */
    static List<Route> parse(List<String> lines) {
        List<Route> routes = new ArrayList<>();
        for (String line : lines) {
            String[] column = line.trim().split("\\s+");
            if (column.length >= 8 && column[1].matches("[0-9A-Fa-f]{8}") && column[7].matches("[0-9A-Fa-f]{8}")) {
                int mask = Integer.reverseBytes(Integer.parseUnsignedInt(column[7], 16));
                int bits = Integer.reverseBytes(Integer.parseUnsignedInt(column[1], 16));
                int prefix = Integer.bitCount(mask);
                if (prefix >= SHORTEST_PREFIX) {
                    routes.add(new Route(new Ipv4Cidr(new Ipv4Address(bits), prefix), column[0]));
                }
            }
        }
        return routes;
    }
}
