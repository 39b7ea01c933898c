package dev.sluice.gateway.dns;

import dev.sluice.host.ResolverConfig;
import java.time.Duration;
import java.util.List;

/**
 * Servers that know some names, and how they are asked.
 *
 * @param servers in order of preference
 * @param timeout of one try at one server, unless the server has its own
 * @param attempts rounds over all servers
 */
public record Upstreams(List<DnsServer> servers, Choice choice, Duration timeout, int attempts) {
    /** Whom to ask first. */
    public enum Choice {
        /** The first; the next one where that fails. */
        IN_ORDER,
        /** Each lookup starts with the next server (resolv.conf's {@code rotate}). */
        ROTATE,
        /** All at the same time; the best answer of the lowest order that has one is taken. */
        RACE
    }

    /** How long a configured server may take, and how often each is asked. */
    static final Duration TIMEOUT = Duration.ofSeconds(5);

    static final int ATTEMPTS = 2;

    public Upstreams {
        servers = List.copyOf(servers);
        if (servers.size() > DnsServer.MAX_SERVERS) {
            throw new IllegalArgumentException(
                    "at most " + DnsServer.MAX_SERVERS + " name servers for the same names, not " + servers.size());
        }
    }

    /** Usual settings with these servers. */
    public static Upstreams of(List<DnsServer> servers) {
        return new Upstreams(servers, Choice.IN_ORDER, TIMEOUT, ATTEMPTS);
    }

    static Upstreams of(ResolverConfig config) {
        return new Upstreams(
                config.servers().stream().map(DnsServer::udp).toList(),
                config.rotate() ? Choice.ROTATE : Choice.IN_ORDER,
                config.timeout(),
                config.attempts());
    }

    Duration patience(DnsServer server) {
        return server.timeout() == null ? timeout : server.timeout();
    }
}
