package dev.sluice.proxy.pac;

import dev.sluice.gateway.proxy.Route;
import dev.sluice.gateway.proxy.Upstream;
import dev.sluice.proxy.rule.ProxyUrl;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Reads what scripts answer: {@code PROXY proxy.example:3128; SOCKS5 other.example:1080; DIRECT}. */
final class PacRoutes {
    private static final int MAX_ROUTES = 16;
    /** With Docker Desktop, a proxy of this name is a refusal. */
    private static final String REJECT = "reject.docker.internal";

    private PacRoutes() {}

    /** What makes no sense is skipped; direct if nothing does. */
    static List<Route> read(String answer, String rule) {
        List<Route> routes = new ArrayList<>();
        for (String part : answer.split(";")) {
            String[] words = part.strip().split("\\s+");
            if (words[0].isEmpty() || routes.size() == MAX_ROUTES) {
                continue;
            }
            String kind = words[0].toUpperCase(Locale.ROOT);
            if (kind.equals("DIRECT")) {
                routes.add(new Route.Direct(rule));
            } else if (words.length == 2 && words[1].toLowerCase(Locale.ROOT).startsWith(REJECT)) {
                routes.add(new Route.Refused(
                        "This host is not allowed here: the network's proxy script refuses it.", rule));
            } else if (words.length == 2) {
                upstream(kind, words[1]).ifPresent(upstream -> routes.add(new Route.Via(upstream, rule)));
            }
        }
        return routes.isEmpty()
                ? List.of(new Route.Direct(rule + ", which names no proxy: '" + shortened(answer) + "'"))
                : List.copyOf(routes);
    }

    /** {@code SOCKS} alone is understood as version 5, which every server of today speaks; {@code SOCKS4} is not spoken here. */
    private static Optional<Upstream> upstream(String kind, String place) {
        try {
            return switch (kind) {
                case "PROXY", "HTTP" -> Optional.of(ProxyUrl.at(Upstream.Kind.HTTP, place, Optional.empty()));
                case "HTTPS" -> Optional.of(ProxyUrl.at(Upstream.Kind.HTTPS, place, Optional.empty()));
                case "SOCKS", "SOCKS5" -> Optional.of(ProxyUrl.at(Upstream.Kind.SOCKS5, place, Optional.empty()));
                default -> Optional.empty();
            };
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    private static String shortened(String answer) {
        return answer.length() <= 60 ? answer : answer.substring(0, 60) + "…";
    }
}
