package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.options.Value;
import dev.sluice.cli.view.Answer;
import dev.sluice.cli.view.Table;
import dev.sluice.control.ControlClient;
import dev.sluice.control.ControlException;
import dev.sluice.control.Json;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code sluice dns}: names and zones of the gateway's name server, while it runs. */
final class DnsCommand implements Command {
    private static final String RECORDS = "/v1/dns/records";
    private static final String ZONES = "/v1/dns/zones";

    private final Asking asking = new Asking();
    private final List<String> words = new ArrayList<>();
    private int ttl;

    @Override
    public Syntax syntax() {
        Syntax syntax = new Syntax(
                        "sluice dns", "Lists, adds and removes names and zones of a running sluice's name server.")
                .words(
                        "list | add NAME TYPE VALUE | remove NAME [TYPE] | zones | zone NAME SERVER… | unzone NAME",
                        "What to do (default: list).",
                        words::add)
                .option("--ttl", "SECONDS", "With add: how long guests may keep it (default: 0).", text -> {
                    ttl = Value.integer(text);
                    if (ttl < 0) {
                        throw new IllegalArgumentException("'" + text + "' is less than nothing");
                    }
                });
        return asking.addTo(syntax)
                .footer(
                        "",
                        "Examples:",
                        "  sluice dns",
                        "  sluice dns add db.test A 192.0.2.7",
                        "  sluice dns add www.test CNAME db.test --ttl 60",
                        "  sluice dns add db.test TXT '\"owner: ops\"'",
                        "  sluice dns remove db.test TXT",
                        "  sluice dns zone corp.example 10.0.0.53 10.0.1.53:5353   ask these servers for the zone",
                        "  sluice dns unzone corp.example",
                        "",
                        "Exit code: 0; 2 wrong usage; 69 if it cannot be done (the message says why).");
    }

    @Override
    public Integer call() throws ControlException {
        String verb = words.isEmpty() ? "list" : words.getFirst();
        List<String> rest = words.subList(Math.min(1, words.size()), words.size());
        return switch (verb) {
            case "list" -> {
                count(rest, 0, 0, "list");
                yield asking.show(client -> client.get(RECORDS), DnsCommand::records);
            }
            case "add" -> {
                count(rest, 3, 3, "add db.test A 192.0.2.7");
                yield done(client -> client.ask("POST", RECORDS, record(rest)), DnsCommand::records);
            }
            case "remove" -> {
                count(rest, 1, 2, "remove db.test A");
                String type = rest.size() > 1 ? "?type=" + encoded(rest.get(1)) : "";
                yield done(
                        client -> client.ask("DELETE", RECORDS + "/" + encoded(rest.getFirst()) + type, ""),
                        DnsCommand::records);
            }
            case "zones" -> {
                count(rest, 0, 0, "zones");
                yield asking.show(client -> client.get(ZONES), DnsCommand::zones);
            }
            case "zone" -> {
                count(rest, 2, Integer.MAX_VALUE, "zone corp.example 10.0.0.53");
                String servers = Json.line(Map.of("servers", rest.subList(1, rest.size())));
                yield done(
                        client -> client.ask("PUT", ZONES + "/" + encoded(rest.getFirst()), servers), DnsCommand::zone);
            }
            case "unzone" -> {
                count(rest, 1, 1, "unzone corp.example");
                yield done(
                        client -> client.ask("DELETE", ZONES + "/" + encoded(rest.getFirst()), ""), DnsCommand::zone);
            }
            default -> throw Failure.usage("'" + verb + "' is none of list, add, remove, zones, zone, unzone");
        };
    }

    private int done(Asking.Question question, java.util.function.Function<Answer, String> text)
            throws ControlException {
        ControlClient client = asking.client();
        asking.print(question.ask(client), text);
        return ExitCode.OK;
    }

    private static void count(List<String> rest, int least, int most, String example) {
        if (rest.size() < least || rest.size() > most) {
            throw Failure.usage("it is: sluice dns " + example);
        }
    }

    private String record(List<String> words) {
        Map<String, Object> record = new LinkedHashMap<>();
        record.put("name", words.get(0));
        record.put("type", words.get(1));
        record.put("ttl", ttl);
        record.put("value", words.get(2));
        return Json.line(Map.of("records", List.of(record)));
    }

    private static String encoded(String word) {
        return URLEncoder.encode(word, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private static String records(Answer answer) {
        Table table = new Table("NAME", "TYPE", ">TTL", "VALUE");
        for (Answer record : answer.list("records")) {
            table.row(record.text("name"), record.text("type"), record.text("ttl"), record.text("value"));
        }
        return table.isEmpty() ? "no records were added\n" : table.toString();
    }

    private static String zones(Answer answer) {
        Table table = new Table("ZONE", "SERVERS");
        for (Answer zone : answer.list("zones")) {
            table.row(zone.text("name"), String.join(" ", zone.texts("servers")));
        }
        return table.isEmpty() ? "no zones were added\n" : table.toString();
    }

    private static String zone(Answer zone) {
        return new Table("ZONE", "SERVERS")
                .row(zone.text("name"), String.join(" ", zone.texts("servers")))
                .toString();
    }
}
