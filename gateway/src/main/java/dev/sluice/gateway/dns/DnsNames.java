package dev.sluice.gateway.dns;

import dev.sluice.wire.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * The names the gateway itself gives out, in any case, without a final dot.
 *
 * @param host names of the plan's host address; the first is its reverse name
 * @param gateway names of the gateway's address; the first is its reverse name
 * @param others further names with their addresses
 */
public record DnsNames(List<String> host, List<String> gateway, Map<String, List<IpAddress>> others) {
    /** Names under it exist here or not at all; they are never asked of a server. */
    public static final String ZONE = "sluice.internal";

    public DnsNames {
        host = host.stream().map(DnsNames::key).toList();
        gateway = gateway.stream().map(DnsNames::key).toList();
        Map<String, List<IpAddress>> copy = new TreeMap<>();
        others.forEach((name, addresses) -> copy.put(key(name), List.copyOf(addresses)));
        others = Map.copyOf(copy);
    }

    /** {@code host} and {@code gateway} under {@link #ZONE}, and under {@code docker.internal} for what was written for Docker. */
    public static DnsNames defaults() {
        return new DnsNames(
                List.of("host." + ZONE, "host.docker.internal"),
                List.of("gateway." + ZONE, "gateway.docker.internal"),
                Map.of());
    }

    /** The same with more names of the host and the gateway. */
    public DnsNames plus(List<String> moreHost, List<String> moreGateway) {
        List<String> allHost = new ArrayList<>(host);
        allHost.addAll(moreHost);
        List<String> allGateway = new ArrayList<>(gateway);
        allGateway.addAll(moreGateway);
        return new DnsNames(allHost, allGateway, others);
    }

    private static String key(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        String bare = lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
        if (DnsMessage.encodeName(bare).length == 0) {
            throw new IllegalArgumentException("'" + name
                    + "' is not a host name; write labels of 1–63 characters with dots between, at most 253");
        }
        return bare;
    }
}
