package dev.sluice.host;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.StringTokenizer;
import org.jspecify.annotations.Nullable;

/**
 * How the host resolves names, as resolv.conf(5) tells.
 *
 * @param servers name servers in order of preference, resolved addresses; resolv.conf gives 1–3
 * @param search domains tried for short names
 * @param ndots dots from which on a name is first tried as it is, 0–15
 * @param timeout for one try at one server, 1–30 s
 * @param attempts rounds over all servers, 1–5
 * @param rotate whether each lookup starts at another server
 */
public record ResolverConfig(
        List<InetSocketAddress> servers,
        List<String> search,
        int ndots,
        Duration timeout,
        int attempts,
        boolean rotate) {
    public static final int PORT = 53;
    /** More than these are ignored, as libc does. */
    public static final int MAX_SERVERS = 3;

    static final int MAX_SEARCH = 32;

    public ResolverConfig {
        servers = List.copyOf(servers);
        for (InetSocketAddress server : servers) {
            if (server.isUnresolved()) {
                throw new IllegalArgumentException("a name server needs an address, not a name: " + server);
            }
        }
        search = List.copyOf(search);
    }

    /** Usual settings with these servers. */
    public static ResolverConfig of(InetSocketAddress... servers) {
        return new ResolverConfig(List.of(servers), List.of(), 1, Duration.ofSeconds(5), 2, false);
    }

    /**
     * Reads the text of a resolv.conf. Lines it does not understand are ignored, values out of range moved into it; without any usable
     * server the one at 127.0.0.1 is taken, as libc does. Never throws.
     */
    public static ResolverConfig parse(String text) {
        List<InetSocketAddress> servers = new ArrayList<>();
        List<String> search = List.of();
        int ndots = 1;
        int timeout = 5;
        int attempts = 2;
        boolean rotate = false;
        for (String line : text.split("\n", -1)) {
            List<String> words = words(line);
            switch (words.isEmpty() ? "" : words.getFirst()) {
                case "nameserver" -> {
                    InetAddress address = words.size() > 1 ? literal(words.get(1)) : null;
                    if (address != null && servers.size() < MAX_SERVERS) {
                        servers.add(new InetSocketAddress(address, PORT));
                    }
                }
                case "search" -> search = domains(words, MAX_SEARCH);
                case "domain" -> search = domains(words, 1);
                case "options" -> {
                    for (String option : words) {
                        ndots = numeric(option, "ndots:", 0, 15, ndots);
                        timeout = numeric(option, "timeout:", 1, 30, timeout);
                        attempts = numeric(option, "attempts:", 1, 5, attempts);
                        rotate |= option.equals("rotate");
                    }
                }
                default -> {} // comments, sortlist and what later versions bring
            }
        }
        if (servers.isEmpty()) {
            servers.add(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), PORT));
        }
        return new ResolverConfig(servers, search, ndots, Duration.ofSeconds(timeout), attempts, rotate);
    }

    /** As many as may mean something. Part of every start, so without regular expressions: the first of those takes milliseconds. */
    private static List<String> words(String line) {
        List<String> words = new ArrayList<>();
        StringTokenizer rest = new StringTokenizer(line.strip(), " \t\r");
        while (rest.hasMoreTokens() && words.size() < MAX_SEARCH + 2) {
            words.add(rest.nextToken());
        }
        return words;
    }

    private static List<String> domains(List<String> words, int limit) {
        List<String> domains = new ArrayList<>();
        for (int i = 1; i < words.size() && domains.size() < limit; i++) {
            String word = words.get(i);
            if (word.startsWith("#") || word.startsWith(";")) {
                break;
            }
            // The root, which systemd writes where there is nothing to search, is no domain to try.
            boolean some = !word.isEmpty() && !word.equals(".");
            if (some && word.length() <= 253 && word.chars().noneMatch(Character::isWhitespace)) {
                domains.add(word);
            }
        }
        return domains;
    }

    private static int numeric(String option, String name, int min, int max, int otherwise) {
        if (!option.startsWith(name)) {
            return otherwise;
        }
        try {
            return Math.clamp(Long.parseLong(option.substring(name.length())), min, max);
        } catch (NumberFormatException _) {
            return otherwise;
        }
    }

    /** A numeric address, with a zone perhaps ({@code fe80::1%eth0}); null if it is none or the zone is no interface of ours. */
    static @Nullable InetAddress literal(String text) {
        try {
            return InetAddress.ofLiteral(text);
        } catch (IllegalArgumentException _) {
            return null;
        }
    }
}
