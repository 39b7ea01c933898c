package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.options.Value;
import dev.sluice.control.ControlClient;
import dev.sluice.control.ControlException;
import dev.sluice.control.ControlSockets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code sluice status}: what running networks did so far. */
final class StatusCommand implements Command {
    private static final String PATH = "/v1/status";

    private @Nullable Long pid;
    private boolean json;

    @Override
    public Syntax syntax() {
        return new Syntax("sluice status", "Prints the guests, flows and counters of your running sluice processes.")
                .optionalParameter("PID", "Process id of one sluice (default: all).", text -> pid = Value.number(text))
                .flag("--json", "As JSON, one document per process and line.", () -> json = true)
                .footer(
                        "",
                        "Examples:",
                        "  sluice status",
                        "  sluice status 4242          only process 4242",
                        "  sluice status --json | jq .",
                        "",
                        "Exit code: 0; 69 if nothing answers.");
    }

    @Override
    public Integer call() throws ControlException {
        String separator = "";
        for (String document : documents()) {
            // the API's documents have no line breaks inside strings
            System.out.print(
                    json
                            ? document.lines().map(String::strip).reduce("", String::concat) + "\n"
                            : separator + StatusText.of(document));
            separator = "\n";
        }
        System.out.flush();
        return ExitCode.OK;
    }

    private List<String> documents() throws ControlException {
        if (pid != null) {
            return List.of(ControlClient.ofPid(pid).get(PATH));
        }
        List<String> documents = new ArrayList<>();
        ControlException failure = null;
        for (ControlSockets.Instance instance : ControlSockets.running()) {
            try {
                documents.add(new ControlClient(instance.socket()).get(PATH));
            } catch (ControlException e) {
                // it may have ended in this moment; the others are still worth showing
                failure = e;
                Console.detail(String.valueOf(e.getMessage()));
            }
        }
        if (documents.isEmpty() && failure != null) {
            throw failure;
        }
        if (documents.isEmpty()) {
            throw Failure.unavailable("no sluice of yours is running here; start one with: sluice run -- COMMAND");
        }
        return documents;
    }
}
