package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.view.Answer;
import dev.sluice.cli.view.Units;
import dev.sluice.control.ControlException;
import dev.sluice.control.Json;
import dev.sluice.proxy.ProxyChoice;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code sluice proxy}: which proxy guests' requests take. */
final class ProxyCommand implements Command {
    private static final String PATH = "/v1/proxy";

    private final Asking asking = new Asking();
    private final List<String> words = new ArrayList<>();
    private final List<String> except = new ArrayList<>();

    @Override
    public Syntax syntax() {
        Syntax syntax = new Syntax("sluice proxy", "Shows, chooses and tries the proxy of a running sluice.")
                .words(
                        "show | set WHICH | unset | test URL",
                        "What to do (default: show). WHICH is a proxy's URL, a PAC file's URL or path, host (this machine's own"
                                + " settings), wpad, or none. unset takes back what set said.",
                        words::add)
                .repeatable(
                        "--no-proxy",
                        "HOST[,HOST]",
                        "With set: reach these directly, as curl's no_proxy; may be repeated.",
                        text -> except.addAll(List.of(text.split(","))));
        return asking.addTo(syntax)
                .footer(
                        "",
                        "Examples:",
                        "  sluice proxy",
                        "  sluice proxy set http://proxy.corp.example:3128 --no-proxy .corp.example,10.0.0.0/8",
                        "  sluice proxy set host",
                        "  sluice proxy test https://example.com/     the ways it would take, and the rules that say so",
                        "  sluice proxy unset",
                        "",
                        "Exit code: 0; 2 wrong usage; 69 if it cannot be done (the message says why).");
    }

    @Override
    public Integer call() throws ControlException {
        String verb = words.isEmpty() ? "show" : words.getFirst();
        List<String> rest = words.subList(Math.min(1, words.size()), words.size());
        if (!except.isEmpty() && !verb.equals("set")) {
            throw Failure.usage("--no-proxy goes with set");
        }
        switch (verb) {
            case "show" -> {
                count(rest, 0, "show");
                return asking.show(client -> client.get(PATH), ProxyCommand::text);
            }
            case "set" -> {
                count(rest, 1, "set http://proxy.corp.example:3128");
                patch(absolute(rest.getFirst()), except.isEmpty() ? null : except);
            }
            case "unset" -> {
                count(rest, 0, "unset");
                patch(null, null);
            }
            case "test" -> {
                count(rest, 1, "test https://example.com/");
                String url = URLEncoder.encode(rest.getFirst(), StandardCharsets.UTF_8);
                return asking.show(client -> client.get(PATH + "/routes?url=" + url), ProxyCommand::routes);
            }
            default -> throw Failure.usage("'" + verb + "' is none of show, set, unset, test");
        }
        return ExitCode.OK;
    }

    private static void count(List<String> rest, int wanted, String example) {
        if (rest.size() != wanted) {
            throw Failure.usage("it is: sluice proxy " + example);
        }
    }

    /** Checked; a script's path as the other process finds it, which may be at home elsewhere. */
    private static String absolute(String text) {
        try {
            String file = ProxyChoice.parse(text, "set").file();
            return file == null
                    ? text
                    : Path.of(file).toAbsolutePath().normalize().toString();
        } catch (IllegalArgumentException e) {
            throw Failure.usage(String.valueOf(e.getMessage()));
        }
    }

    private void patch(@Nullable String use, @Nullable List<String> hosts) throws ControlException {
        Map<String, @Nullable Object> changes = new LinkedHashMap<>();
        changes.put("use", use);
        changes.put("except", hosts);
        asking.print(asking.client().ask("PATCH", PATH, Json.line(changes)), ProxyCommand::text);
    }

    private static String text(Answer answer) {
        String use = answer.text("use");
        List<String> hosts = answer.texts("except");
        return "proxy    " + (use.isEmpty() ? answer.flag("active") ? "host" : "none" : Units.printable(use)) + "\n"
                + (hosts.isEmpty() ? "" : "except   " + Units.printable(String.join(", ", hosts)) + "\n")
                + "rule     " + Units.printable(answer.text("origin")) + "\n";
    }

    private static String routes(Answer answer) {
        StringBuilder out = new StringBuilder();
        for (Answer route : answer.list("routes")) {
            out.append(
                            switch (route.text("way")) {
                                case "proxy" -> "by way of " + Units.printable(route.text("proxy"));
                                case "refused" -> "refused: " + Units.printable(route.text("message"));
                                default -> "straight to the server";
                            })
                    .append("  (")
                    .append(Units.printable(route.text("rule")))
                    .append(")\n");
        }
        return out.toString();
    }
}
