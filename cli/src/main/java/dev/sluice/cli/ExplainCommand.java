package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.view.Answer;
import dev.sluice.cli.view.Units;
import dev.sluice.control.ControlException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/** {@code sluice explain}: why a guest reaches something, or does not. */
final class ExplainCommand implements Command {
    /** Each step has its own deadline, and there are several. */
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private final Asking asking = new Asking();
    private String target = "";
    private String guest = "";

    @Override
    public Syntax syntax() {
        Syntax syntax = new Syntax(
                        "sluice explain",
                        "Goes the way of a guest's request, by the same decisions: name, policy, proxy, route, connection, TLS;"
                                + " and says what fails, and what to do.")
                .parameter("TARGET", "A URL, HOST:PORT or a name.", text -> target = text)
                .option("--guest", "ADDRESS", "As if this guest asked (default: the first).", text -> guest = text);
        return asking.addTo(syntax)
                .footer(
                        "",
                        "Examples:",
                        "  sluice explain https://example.com/",
                        "  sluice explain mail.example.com:25",
                        "  sluice explain db.corp.example           only the name and the way",
                        "  sluice explain https://example.com/ --json | jq .outcome",
                        "",
                        "Exit code: 0 if guests reach it; 1 if not; 2 wrong usage; 69 if it cannot be asked.");
    }

    @Override
    public Integer call() throws ControlException {
        String path = "/v1/explain?target=" + encoded(target) + (guest.isEmpty() ? "" : "&guest=" + encoded(guest));
        AtomicBoolean works = new AtomicBoolean();
        asking.show(
                client -> {
                    String answer = client.patient(PATIENCE).get(path);
                    works.set(Asking.read(answer).flag("works"));
                    return answer;
                },
                ExplainCommand::text);
        return works.get() ? ExitCode.OK : ExitCode.NO;
    }

    private static String encoded(String word) {
        return URLEncoder.encode(word, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** A line for each step, and what it comes to. */
    private static String text(Answer answer) {
        StringBuilder out = new StringBuilder();
        for (Answer step : answer.list("steps")) {
            out.append(step.flag("ok") ? "ok   " : "FAIL ")
                    .append("%-8s".formatted(step.text("stage")))
                    .append(Units.printable(step.text("said")))
                    .append("  (")
                    .append(Units.printable(step.text("who")))
                    .append(step.number("millis") > 0 ? ", " + step.number("millis") + " ms" : "")
                    .append(")\n");
        }
        out.append(answer.flag("works") ? "" : "it fails: ")
                .append(Units.printable(answer.text("outcome")))
                .append('\n');
        if (!answer.text("remedy").isEmpty()) {
            out.append("what to do: ")
                    .append(Units.printable(answer.text("remedy")))
                    .append('\n');
        }
        return out.toString();
    }
}
