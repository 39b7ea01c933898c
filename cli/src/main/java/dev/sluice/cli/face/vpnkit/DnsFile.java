package dev.sluice.cli.face.vpnkit;

import dev.sluice.gateway.dns.DnsServer;
import dev.sluice.gateway.dns.DnsService;
import dev.sluice.gateway.dns.Upstreams;
import dev.sluice.wire.DhcpOptions;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What {@code --dns} says: {@code nameserver ADDRESS[#PORT]}, and for the server before {@code zone NAME…}, {@code timeout MILLISECONDS},
 * {@code order N}; {@code search DOMAIN…} once for all. All servers of a name are asked at the same time, those of a lower order preferred. Other
 * lines mean nothing.
 *
 * @param others asked for what has no zone
 * @param zones servers by zone
 * @param search domains that guests try for short names
 */
record DnsFile(Upstreams others, Map<String, Upstreams> zones, List<String> search) {
    private static final int ATTEMPTS = 2;
    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    /** A server while its lines are read. */
    private static final class Server {
        final InetSocketAddress address;
        final List<String> zones = new ArrayList<>();

        @Nullable
        Duration timeout;

        int order;

        Server(InetSocketAddress address) {
            this.address = address;
        }
    }

    /** @throws IllegalArgumentException saying which line is wrong */
    static DnsFile parse(String text) {
        List<Server> servers = new ArrayList<>();
        List<String> search = List.of();
        for (String line : text.lines().map(String::strip).toList()) {
            int space = line.indexOf(' ');
            String rest = space < 0 ? "" : line.substring(space + 1).strip();
            try {
                switch (space < 0 ? "" : line.substring(0, space)) {
                    case "nameserver" -> servers.add(new Server(address(rest)));
                    case "zone" -> last(servers).zones.addAll(List.of(rest.split("\\s+")));
                    case "timeout" -> last(servers).timeout = Duration.ofMillis(Integer.parseInt(rest));
                    case "search" -> search = search.isEmpty() ? domains(rest) : search;
                    case "order" -> last(servers).order = Integer.parseInt(rest);
                    default -> {}
                }
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("'" + line + "': " + e.getMessage(), e);
            }
        }
        List<DnsServer> others = new ArrayList<>();
        Map<String, List<DnsServer>> zones = new LinkedHashMap<>();
        for (Server server : servers) {
            DnsServer made = new DnsServer(DnsServer.Protocol.UDP, server.address, null, server.timeout, server.order);
            if (server.zones.isEmpty()) {
                others.add(made);
            }
            server.zones.forEach(
                    zone -> zones.computeIfAbsent(zone, _ -> new ArrayList<>()).add(made));
        }
        Map<String, Upstreams> asked = new LinkedHashMap<>();
        zones.forEach((zone, list) -> asked.put(zone, race(list)));
        return new DnsFile(race(others), asked, search);
    }

    /** The root is none to try. */
    private static List<String> domains(String words) {
        List<String> domains = Arrays.stream(words.split("\\s+"))
                .filter(word -> !word.equals("."))
                .toList();
        DhcpOptions.builder().domainSearch(domains); // guests can be told of them, or it says why not
        return domains;
    }

    private static Upstreams race(List<DnsServer> servers) {
        return new Upstreams(servers, Upstreams.Choice.RACE, TIMEOUT, ATTEMPTS);
    }

    private static Server last(List<Server> servers) {
        if (servers.isEmpty()) {
            throw new IllegalArgumentException("it belongs to the nameserver before it, and there is none");
        }
        return servers.getLast();
    }

    private static InetSocketAddress address(String text) {
        int hash = text.indexOf('#');
        String host = hash < 0 ? text : text.substring(0, hash);
        if (!host.matches("[0-9]+(\\.[0-9]+){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(%[0-9A-Za-z]+)?")) {
            throw new IllegalArgumentException("'" + host + "' is no address");
        }
        return new InetSocketAddress(
                InetAddress.ofLiteral(host), hash < 0 ? 53 : Integer.parseInt(text.substring(hash + 1)));
    }

    /**
     * Asks these servers from now on, and no longer those of {@code before}.
     *
     * @throws IllegalArgumentException if a zone is no name, or there are too many; then nothing has changed
     */
    void apply(DnsService dns, @Nullable DnsFile before) {
        dns.putZones(zones, before == null ? Set.of() : before.zones.keySet());
        dns.servers(others);
    }
}
