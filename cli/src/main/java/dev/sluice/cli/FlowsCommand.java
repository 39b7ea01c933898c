package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.view.Answer;
import dev.sluice.cli.view.Table;
import dev.sluice.cli.view.Units;
import dev.sluice.control.ControlClient;
import dev.sluice.control.ControlException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** {@code sluice flows}: the conversations of guests. */
final class FlowsCommand implements Command {
    private static final String PATH = "/v1/flows";

    private final Asking asking = new Asking();
    private final List<String> query = new ArrayList<>();
    private final List<String> words = new ArrayList<>();

    @Override
    public Syntax syntax() {
        Syntax syntax = new Syntax(
                        "sluice flows", "Lists the conversations of guests with bytes, rates and names, or ends some.")
                .words("list | cut ID…", "What to do (default: list).", words::add)
                .option("--guest", "ADDRESS", "Only those of this guest.", text -> query("guest", text))
                .option("--protocol", "NAME", "Only tcp, udp or ping.", text -> query("protocol", text))
                .option(
                        "--sort",
                        "ORDER",
                        "By id (oldest first; the default), rate or bytes.",
                        text -> query("sort", text))
                .option("--limit", "COUNT", "How many at most (default: 1000).", text -> query("limit", text));
        return asking.addTo(syntax)
                .footer(
                        "",
                        "Examples:",
                        "  sluice flows",
                        "  sluice flows --sort rate --limit 10 --watch",
                        "  sluice flows --guest 192.168.65.3 --protocol udp",
                        "  sluice flows cut 17 18                      resets them on both sides",
                        "",
                        "Exit code: 0; 2 wrong usage; 69 if nothing answers, or there is no such flow.");
    }

    private void query(String name, String value) {
        query.add(name + "=" + URLEncoder.encode(value, StandardCharsets.UTF_8));
    }

    @Override
    public Integer call() throws ControlException {
        String verb = words.isEmpty() ? "list" : words.getFirst();
        List<String> rest = words.subList(Math.min(1, words.size()), words.size());
        return switch (verb) {
            case "list" -> {
                if (!rest.isEmpty()) {
                    throw Failure.usage("list takes no more words, but has '" + rest.getFirst() + "'");
                }
                String path = query.isEmpty() ? PATH : PATH + "?" + String.join("&", query);
                yield asking.show(client -> client.get(path), FlowsCommand::text);
            }
            case "cut" -> cut(rest);
            default -> throw Failure.usage("'" + verb + "' is neither list nor cut");
        };
    }

    private int cut(List<String> ids) throws ControlException {
        if (ids.isEmpty()) {
            throw Failure.usage("which? As in: sluice flows cut 17");
        }
        for (String id : ids) {
            if (!id.matches("[0-9]{1,18}")) {
                throw Failure.usage("'" + id + "' is not the id of a flow, which is a number: sluice flows shows it");
            }
        }
        ControlClient client = asking.client();
        for (String id : ids) {
            asking.print(
                    client.ask("DELETE", PATH + "/" + id, ""),
                    flow -> "cut " + flow.text("protocol") + " "
                            + Units.end(flow.text("guest"), flow.number("guestPort")) + " " + far(flow) + "\n");
        }
        return ExitCode.OK;
    }

    private static String text(Answer answer) {
        Table table = new Table(
                ">ID",
                "PROTO",
                "GUEST",
                "",
                "REMOTE",
                "STATE",
                ">TO HOST",
                ">TO GUEST",
                ">RATE",
                ">RATE BACK",
                ">AGE",
                "NAMES");
        List<Answer> flows = answer.list("flows");
        for (Answer flow : flows) {
            table.row(
                    flow.text("id"),
                    flow.text("protocol"),
                    Units.end(flow.text("guest"), flow.number("guestPort")),
                    flow.text("direction").equals("out") ? "→" : "←",
                    far(flow),
                    flow.text("state"),
                    Units.bytes(flow.number("bytesToHost")),
                    Units.bytes(flow.number("bytesToGuest")),
                    Units.rate(flow.number("bytesPerSecondToHost")),
                    Units.rate(flow.number("bytesPerSecondToGuest")),
                    Units.duration(flow.number("ageMillis") / 1000),
                    String.join(" ", flow.texts("names")));
        }
        long more = answer.number("total") - flows.size();
        return (table.isEmpty() ? "no flows\n" : table.toString())
                + (more > 0 ? "and " + more + " more (--limit, --guest and --protocol say which are shown)\n" : "");
    }

    /** The other end: as the guest asked for it, or the client that came in; and where that was led, if elsewhere. */
    static String far(Answer flow) {
        String remote = Units.end(flow.text("remote"), flow.number("remotePort"));
        String host = Units.end(flow.text("host"), flow.number("hostPort"));
        if (!flow.text("direction").equals("out")) {
            return host;
        }
        String more = flow.number("peers") > 1 ? " +" + (flow.number("peers") - 1) : "";
        return (remote.equals(host) || host.isEmpty() ? remote : remote + " as " + host) + more;
    }
}
