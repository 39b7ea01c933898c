package dev.sluice.cli;

import dev.sluice.cli.view.Answer;
import dev.sluice.cli.view.Table;
import dev.sluice.cli.view.Units;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What {@code sluice top} shows, made of two answers in a row. Pure; used by one thread. */
final class TopScreen {
    private static final double SECOND = 1e9;
    /** Reasons of drops that are named. */
    private static final int REASONS = 4;

    private Answer status = new Answer(Map.of());
    private Answer before = status;
    private Answer guests = status;
    private Answer flows = status;
    private double seconds;
    private long updated;

    /** @param now in nanoseconds */
    void update(Answer newStatus, Answer newGuests, Answer newFlows, long now) {
        seconds = updated == 0 ? 0 : (now - updated) / SECOND;
        updated = now;
        before = status;
        status = newStatus;
        guests = newGuests;
        flows = newFlows;
    }

    /** What a counter gained in a second; 0 as long as there is only one answer. */
    private long rate(String group, String counter) {
        long gained =
                status.object(group).number(counter) - before.object(group).number(counter);
        return seconds > 0 ? Math.round(gained / seconds) : 0;
    }

    /** From the top; as many as fit in so many rows, of which guests have a quarter at most. */
    List<String> lines(int rows) {
        List<String> lines = new ArrayList<>();
        lines.add("sluice " + status.text("version") + ", process " + status.text("pid") + ", up "
                + Units.duration(status.number("uptimeSeconds")) + "    TCP "
                + Units.bytes(rate("tcp", "bytesToHost")) + "/s out, " + Units.bytes(rate("tcp", "bytesToGuest"))
                + "/s in");
        lines.add("flows " + status.object("tcp").number("open") + " tcp, "
                + status.object("udp").number("open") + " udp, "
                + status.object("ping").number("open")
                + " ping    DNS " + rate("dns", "queries") + "/s    stalls "
                + status.object("loop").number("stalls") + "    memory "
                + Units.bytes(status.object("memory").number("resident")));
        lines.add("drops " + drops());
        lines.add("");
        List<String> guestLines = guests();
        int most = rows == Integer.MAX_VALUE ? rows : Math.max(2, rows / 4);
        lines.addAll(guestLines.subList(0, Math.min(most, guestLines.size())));
        if (guestLines.size() > most) {
            lines.add("… and " + (guestLines.size() - most) + " more");
        }
        lines.add("");
        List<String> flowLines = flows();
        lines.addAll(flowLines.subList(0, Math.clamp((long) rows - lines.size(), 0, flowLines.size())));
        return lines.subList(0, Math.min(rows, lines.size()));
    }

    /** The reasons with the most of them, and how fast they grow. */
    private String drops() {
        Map<String, Long> all = new TreeMap<>();
        status.object("drops").members().forEach((reason, count) -> {
            if (count instanceof Long number) {
                all.put(String.valueOf(reason), number);
            }
        });
        List<String> said = new ArrayList<>();
        all.entrySet().stream()
                .sorted(Comparator.comparingLong((Map.Entry<String, Long> drop) -> rate("drops", drop.getKey()))
                        .thenComparingLong(Map.Entry::getValue)
                        .reversed())
                .limit(REASONS)
                .forEach(drop -> {
                    long rate = rate("drops", drop.getKey());
                    said.add(drop.getKey() + " " + drop.getValue() + (rate > 0 ? " (" + rate + "/s)" : ""));
                });
        if (all.size() > REASONS) {
            said.add("…");
        }
        return said.isEmpty() ? "none" : Units.printable(String.join(", ", said));
    }

    private List<String> guests() {
        Table table = new Table("GUEST", "NAME", "MAC", "LINK", ">HEARD");
        for (Answer guest : guests.list("guests")) {
            table.row(
                    guest.text("address"),
                    guest.text("hostName"),
                    guest.text("mac"),
                    guest.text("link"),
                    Units.duration(guest.number("idleSeconds")) + " ago");
        }
        return table.lines();
    }

    private List<String> flows() {
        Table table =
                new Table(">ID", "PROTO", "GUEST", "", "REMOTE", ">OUT", ">IN", ">TOTAL", ">AGE", "STATE", "NAMES");
        for (Answer flow : flows.list("flows")) {
            table.row(
                    flow.text("id"),
                    flow.text("protocol"),
                    Units.end(flow.text("guest"), flow.number("guestPort")),
                    flow.text("direction").equals("out") ? "→" : "←",
                    FlowsCommand.far(flow),
                    Units.rate(flow.number("bytesPerSecondToHost")),
                    Units.rate(flow.number("bytesPerSecondToGuest")),
                    Units.bytes(flow.number("bytesToHost") + flow.number("bytesToGuest")),
                    Units.duration(flow.number("ageMillis") / 1000),
                    flow.text("state"),
                    String.join(" ", flow.texts("names")));
        }
        return table.lines();
    }
}
