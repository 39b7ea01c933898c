package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.view.Answer;
import dev.sluice.cli.view.Units;
import dev.sluice.control.ControlException;
import dev.sluice.control.Json;
import dev.sluice.gateway.forward.ForwardSyntax;
import dev.sluice.gateway.forward.GatewayForward;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** {@code sluice ports}: the published ports of a network that runs. */
final class PortsCommand implements Command {
    private static final String PATH = "/v1/forwards";
    private static final String GATEWAY = "/v1/gateway-forwards";

    private final Asking asking = new Asking();
    private boolean cut;
    private boolean drain;
    private final List<String> words = new ArrayList<>();

    @Override
    public Syntax syntax() {
        Syntax syntax = new Syntax("sluice ports", "Lists, opens and closes the published ports of a running sluice.")
                .words(
                        "list | add FORWARD… | remove PLACE… | gateway [add PORT:ADDRESS:PORT… | remove PORT…]",
                        "What to do (default: list). FORWARD is " + NetworkOptions.PORT
                                + ", also with ranges as 8000-8099, or unix:PATH:PORT. PLACE is where it listens. gateway: the"
                                + " other direction, ports of the gateway that lead guests to places of this machine.",
                        words::add)
                .flag(
                        "--drain",
                        "With remove: connections through it go on to their own end (the default); nobody new comes in.",
                        () -> drain = true)
                .flag("--cut", "With remove: reset them.", () -> cut = true);
        return asking.addTo(syntax)
                .footer(
                        "",
                        "Examples:",
                        "  sluice ports",
                        "  sluice ports add 8080:80 127.0.0.1:5353:53/udp",
                        "  sluice ports add 8000-8099:9000-9099        a range",
                        "  sluice ports add 0:80                       the system chooses a port, and it is printed",
                        "  sluice ports add unix:/tmp/web.sock:80,proxy",
                        "  sluice ports remove 8080 5353/udp 8000-8099",
                        "  sluice ports remove --drain 8080            connections through it go on",
                        "  sluice ports remove --cut unix:/tmp/web.sock",
                        "  sluice ports gateway add 5432:127.0.0.1:5432   guests reach it at the gateway's port 5432",
                        "  sluice ports gateway remove 5432",
                        "",
                        "Exit code: 0; 2 wrong usage; 69 if it cannot be done (the message says why).");
    }

    @Override
    public Integer call() throws ControlException {
        String verb = words.isEmpty() ? "list" : words.getFirst();
        List<String> rest = words.subList(Math.min(1, words.size()), words.size());
        if ((cut || drain) && !verb.equals("remove")) {
            throw Failure.usage("--drain and --cut go with 'sluice ports remove', and with nothing else");
        }
        if (cut && drain) {
            throw Failure.usage("--drain or --cut: connections go on, or are reset");
        }
        switch (verb) {
            case "list" -> {
                if (!rest.isEmpty()) {
                    throw Failure.usage("list takes no more words, but has '" + rest.getFirst() + "'");
                }
                return asking.show(client -> client.get(PATH), PortsCommand::table);
            }
            case "add" -> asking.print(add(some(rest, "add 8080:80")), PortsCommand::table);
            case "remove" -> asking.print(remove(some(rest, "remove 8080")), PortsCommand::table);
            case "gateway" -> {
                return gateway(rest);
            }
            default -> throw Failure.usage("'" + verb + "' is none of list, add, remove, gateway");
        }
        return ExitCode.OK;
    }

    private int gateway(List<String> words) throws ControlException {
        String verb = words.isEmpty() ? "list" : words.getFirst();
        List<String> rest = words.subList(Math.min(1, words.size()), words.size());
        switch (verb) {
            case "list" -> {
                if (!rest.isEmpty()) {
                    throw Failure.usage("list takes no more words, but has '" + rest.getFirst() + "'");
                }
                return asking.show(client -> client.get(GATEWAY), PortsCommand::gatewayTable);
            }
            case "add" -> {
                some(rest, "gateway add 5432:127.0.0.1:5432");
                try {
                    rest.forEach(GatewayForward::parse);
                } catch (IllegalArgumentException e) {
                    throw Failure.usage(String.valueOf(e.getMessage()));
                }
                asking.print(
                        asking.client().ask("POST", GATEWAY, Json.line(Map.of("forwards", rest))),
                        PortsCommand::gatewayTable);
            }
            case "remove" -> {
                String query = some(rest, "gateway remove 5432").stream()
                        .map(port -> "port=" + URLEncoder.encode(port, StandardCharsets.UTF_8))
                        .collect(Collectors.joining("&"));
                asking.print(asking.client().ask("DELETE", GATEWAY + "?" + query, ""), PortsCommand::gatewayTable);
            }
            default -> throw Failure.usage("'gateway " + verb + "' is none of gateway list, add, remove");
        }
        return ExitCode.OK;
    }

    static String gatewayTable(Answer answer) {
        StringBuilder out = new StringBuilder();
        for (Answer forward : answer.list("forwards")) {
            String line = "%-4s gateway:%-20s → %s"
                    .formatted(forward.text("protocol"), forward.text("port"), forward.text("to"));
            out.append(Units.printable(line)).append('\n');
        }
        return out.toString();
    }

    private static List<String> some(List<String> rest, String example) {
        if (rest.isEmpty()) {
            throw Failure.usage("which? As in: sluice ports " + example);
        }
        return rest;
    }

    private String add(List<String> forwards) throws ControlException {
        try {
            forwards.forEach(ForwardSyntax::parse);
        } catch (IllegalArgumentException e) {
            throw Failure.usage(String.valueOf(e.getMessage()));
        }
        return asking.client().ask("POST", PATH, Json.line(Map.of("forwards", forwards)));
    }

    private String remove(List<String> places) throws ControlException {
        try {
            places.forEach(ForwardSyntax::listens);
        } catch (IllegalArgumentException e) {
            throw Failure.usage(String.valueOf(e.getMessage()));
        }
        String query = places.stream()
                .map(place -> "listen=" + URLEncoder.encode(place, StandardCharsets.UTF_8))
                .collect(Collectors.joining("&"));
        return asking.client().ask("DELETE", PATH + "?" + query + "&flows=" + (cut ? "cut" : "drain"), "");
    }

    /** One line for each: where it listens, where it leads, who came. */
    static String table(Answer answer) {
        StringBuilder out = new StringBuilder();
        for (Answer forward : answer.list("forwards")) {
            String guest = forward.text("guest");
            String line = "%-4s %-28s → %s%s%s%s"
                    .formatted(
                            forward.text("protocol"),
                            forward.text("listen"),
                            guest.isEmpty() ? "" : guest + ":",
                            forward.text("guestPort"),
                            forward.flag("proxy") ? " with PROXY header" : "",
                            forward.flag("automatic") ? " (automatic)" : "");
            out.append(Units.printable(line)).append('\n');
        }
        return out.toString();
    }
}
