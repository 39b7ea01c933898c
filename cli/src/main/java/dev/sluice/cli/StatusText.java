package dev.sluice.cli;

import dev.sluice.cli.view.Units;
import dev.sluice.wire.JsonReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A status document of the control API, for people. What a newer or older process does not say is left out. */
final class StatusText {
    private final StringBuilder out = new StringBuilder();

    private StatusText() {}

    /** @throws Failure if it is no such document */
    static String of(String document) {
        Map<?, ?> status;
        try {
            status = map(JsonReader.read(document));
        } catch (IllegalArgumentException e) {
            throw Failure.unavailable("the answer can't be understood: " + e.getMessage());
        }
        StatusText text = new StatusText();
        text.write(status);
        return text.out.toString();
    }

    private void write(Map<?, ?> status) {
        Map<?, ?> addresses = map(status.get("addresses"));
        line("sluice " + get(status, "version") + ", process " + get(status, "pid") + ", up "
                + Units.duration(number(status, "uptimeSeconds")));
        line("network  " + get(addresses, "subnet") + ", gateway and DNS " + get(addresses, "gateway") + ", host "
                + get(addresses, "host")
                + (Boolean.TRUE.equals(addresses.get("hostLoopback")) ? "" : " (closed)") + ", MTU "
                + get(addresses, "mtu"));
        if (addresses.get("ipv6") instanceof Map<?, ?> ipv6) {
            line("IPv6     " + get(ipv6, "prefix") + ", gateway and DNS " + get(ipv6, "gateway") + ", host "
                    + get(ipv6, "host")
                    + (Boolean.TRUE.equals(ipv6.get("defaultRoute"))
                            ? ""
                            : "; no default route, as the host has none"));
        }
        Map<?, ?> settings = map(status.get("settings"));
        if (settings.get("file") instanceof String file) {
            List<?> problem = list(settings.get("problem"));
            line("settings " + file
                    + (problem.isEmpty() ? "" : " was changed, and not taken; what it said before holds:"));
            problem.forEach(each -> line("         " + each));
        }
        table(
                "links",
                list(status.get("links")),
                link -> get(link, "name") + "  in " + get(link, "framesFromGuest") + " frames, "
                        + Units.bytes(number(link, "bytesFromGuest")) + "; out " + get(link, "framesToGuest")
                        + " frames, "
                        + Units.bytes(number(link, "bytesToGuest"))
                        + (number(link, "dropped") == 0 ? "" : "; dropped " + get(link, "dropped")));
        table(
                "guests",
                list(status.get("guests")),
                guest -> get(guest, "address") + "  " + get(guest, "mac") + "  on " + get(guest, "link") + ", heard "
                        + Units.duration(number(guest, "idleSeconds")) + " ago");
        table(
                "leases",
                list(status.get("leases")),
                lease -> get(lease, "address") + "  " + get(lease, "mac") + "  "
                        + (get(lease, "hostName").isEmpty() ? "" : get(lease, "hostName") + ", ") + "for "
                        + Units.duration(number(lease, "expiresInSeconds")));
        table(
                "shares",
                list(status.get("shares")).stream()
                        .filter(share -> number(map(share), "buffers") > 0
                                || number(map(share), "buffersRefused") > 0
                                || number(map(share), "evicted") > 0)
                        .toList(),
                share -> (map(share).get("mac") instanceof String mac ? mac : "others") + "  on " + get(share, "link")
                        + ", holds " + Units.bytes(number(share, "buffers")) + " of buffers, refused "
                        + get(share, "buffersRefused") + " times, " + get(share, "evicted") + " connections evicted");
        counters("TCP", map(status.get("tcp")));
        counters("UDP", map(status.get("udp")));
        counters("ping", map(status.get("ping")));
        counters("DNS", map(status.get("dns")));
        counters("proxy", map(status.get("proxy")));
        counters("drops", map(status.get("drops")));
        Map<?, ?> memory = map(status.get("memory"));
        line("memory   " + Units.bytes(number(memory, "resident")) + " resident, "
                + Units.bytes(number(memory, "buffers")) + " of it flow buffers, heap collected "
                + number(memory, "heapCollections") + " times");
    }

    private void line(String text) {
        out.append(Units.printable(text)).append('\n');
    }

    private void table(String title, List<?> rows, java.util.function.Function<Map<?, ?>, String> format) {
        String head = title;
        for (Object row : rows) {
            line(head + " ".repeat(Math.max(1, 9 - head.length())) + format.apply(map(row)));
            head = "";
        }
    }

    /** Those that are not zero. */
    private void counters(String title, Map<?, ?> counters) {
        List<String> said = new ArrayList<>();
        counters.forEach((name, value) -> {
            if (value instanceof Long number && number != 0) {
                said.add(words(String.valueOf(name)) + " "
                        + (String.valueOf(name).startsWith("bytes") ? Units.bytes(number) : number));
            }
        });
        if (!said.isEmpty()) {
            line(title + " ".repeat(9 - title.length()) + String.join(", ", said));
        }
    }

    /** {@code bytesToHost} → {@code bytes to host}. */
    private static String words(String name) {
        return name.replaceAll("(?<=[a-z])(?=[A-Z])", " ").toLowerCase(java.util.Locale.ROOT);
    }

    private static Map<?, ?> map(@Nullable Object value) {
        return value instanceof Map<?, ?> map ? map : Map.of();
    }

    private static List<?> list(@Nullable Object value) {
        return value instanceof List<?> list ? list : List.of();
    }

    private static String get(Map<?, ?> map, String name) {
        Object value = map.get(name);
        return value == null ? "?" : String.valueOf(value);
    }

    private static long number(Map<?, ?> map, String name) {
        return map.get(name) instanceof Long number ? number : 0;
    }
}
