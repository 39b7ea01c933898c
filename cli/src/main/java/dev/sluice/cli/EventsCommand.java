package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.view.Answer;
import dev.sluice.cli.view.Units;
import dev.sluice.control.ControlException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;

/** {@code sluice events}: what happens in a running sluice, as it happens. */
final class EventsCommand implements Command {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSS");

    private final Asking asking = new Asking();
    private final List<String> kinds = new ArrayList<>();
    private boolean json;
    private boolean cut;
    private String kind = "";

    @Override
    public Syntax syntax() {
        return asking.addPid(new Syntax("sluice events", "Prints what happens in a running sluice, until Ctrl-C."))
                .repeatable(
                        "--kind",
                        "KIND",
                        "Only this: flow-open, flow-close, guest-join, guest-leave, lease, forward-open, forward-close, settings,"
                                + " dns, drops, stall; may be repeated.",
                        kinds::add)
                .flag("--json", "As JSON, one event per line.", () -> json = true)
                .footer(
                        "",
                        "Examples:",
                        "  sluice events",
                        "  sluice events --kind dns --kind drops",
                        "  sluice events --json | jq -r 'select(.kind == \"dns\") | .data.name'",
                        "",
                        "Exit code: 0 when that sluice ends; 2 wrong usage; 69 if nothing answers, or events were not taken"
                                + " in time.");
    }

    @Override
    public Integer call() throws ControlException {
        String query = String.join(
                "&",
                kinds.stream()
                        .map(each -> "kind=" + URLEncoder.encode(each, StandardCharsets.UTF_8))
                        .toList());
        try {
            asking.client().follow(query.isEmpty() ? "/v1/events" : "/v1/events?" + query, this::line);
        } catch (ControlException e) {
            // a sluice that ends takes its sockets away in the middle of whatever they say
            if (!(e.getCause() instanceof java.io.EOFException)) {
                throw e;
            }
        }
        if (cut) {
            throw Failure.unavailable("events came faster than they were taken; ask for fewer kinds with --kind");
        }
        return ExitCode.OK;
    }

    /** A line of the stream (WHATWG HTML §9.2.5). */
    private void line(String line) {
        if (line.startsWith("event: ")) {
            kind = line.substring(7);
        } else if (line.startsWith("data: ")) {
            if (kind.equals("cut")) {
                cut = true;
                return;
            }
            String data = line.substring(6);
            System.out.println(json ? data : text(Asking.read(data)));
            if (System.out.checkError()) {
                throw Failure.unavailable("nobody reads what it prints");
            }
        }
    }

    static String text(Answer event) {
        String time =
                TIME.format(Instant.ofEpochMilli(event.number("timeMillis")).atZone(ZoneId.systemDefault()));
        return time + "  " + "%-13s".formatted(event.text("kind")) + "  "
                + Units.printable(said(event.text("kind"), event.object("data")));
    }

    private static String said(String kind, Answer data) {
        return switch (kind) {
            case "flow-open" -> flow(data);
            case "flow-close" -> {
                Answer flow = data.object("flow");
                yield flow(flow) + ": " + data.text("reason") + " after "
                        + Units.duration(flow.number("ageMillis") / 1000) + ", "
                        + Units.bytes(flow.number("bytesToHost")) + " out, " + Units.bytes(flow.number("bytesToGuest"))
                        + " in";
            }
            case "guest-join", "guest-leave", "lease" ->
                data.text("address") + " " + data.text("mac") + " on " + data.text("link");
            case "forward-open", "forward-close" ->
                String.join(
                        ", ",
                        data.list("forwards").stream()
                                .map(forward -> forward.text("forward"))
                                .toList());
            case "dns" ->
                data.text("guest") + " asked for " + data.text("name") + " " + data.text("type") + ": "
                        + data.text("answer") + " in " + data.number("micros") / 1000.0 + " ms";
            case "drops" -> {
                List<String> reasons = new ArrayList<>();
                data.object("drops").members().forEach((reason, count) -> reasons.add(count + " " + reason));
                yield String.join(", ", reasons);
            }
            case "settings" ->
                data.flag("applied")
                        ? "changed " + String.join(", ", data.texts("keys"))
                        : "not taken: " + String.join("; ", data.texts("mistakes"));
            case "stall" -> data.text("stalls") + " turns of 20 ms or more";
            default -> data.members().toString();
        };
    }

    private static String flow(Answer flow) {
        boolean out = flow.text("direction").equals("out");
        String names = flow.texts("names").isEmpty() ? "" : " (" + String.join(" ", flow.texts("names")) + ")";
        return "#" + flow.text("id") + " " + flow.text("protocol") + " "
                + Units.end(flow.text("guest"), flow.number("guestPort")) + (out ? " → " : " ← ")
                + FlowsCommand.far(flow) + names;
    }
}
