package dev.sluice.cli;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
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
            List<String> column = ProcTable.columns(line);
            if (column.size() >= 8 && isWord(column.get(1)) && isWord(column.get(7))) {
                int mask = word(column.get(7));
                int prefix = Integer.bitCount(mask);
                if (prefix >= SHORTEST_PREFIX) {
                    Ipv4Address network = new Ipv4Address(word(column.get(1)));
                    routes.add(new Route(new Ipv4Cidr(network, prefix), column.getFirst()));
                }
            }
        }
        return routes;
    }

    private static boolean isWord(String text) {
        return text.length() == 8 && text.chars().allMatch(HexFormat::isHexDigit);
    }

    private static int word(String text) {
        return Integer.reverseBytes(Integer.parseUnsignedInt(text, 16));
    }
}
