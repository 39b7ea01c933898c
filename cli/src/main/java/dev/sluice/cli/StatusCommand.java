package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.control.ControlClient;
import dev.sluice.control.ControlException;
import dev.sluice.control.ControlSockets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** {@code sluice status}: what running networks did so far. */
final class StatusCommand implements Command {
    private static final String PATH = "/v1/status";

    private final Asking asking = new Asking();

    @Override
    public Syntax syntax() {
        Syntax syntax = new Syntax(
                        "sluice status", "Prints the guests, flows and counters of your running sluice processes.")
                .optionalParameter("PID", "Process id of one sluice (default: all).", asking::pid);
        return asking.addTo(syntax)
                .footer(
                        "",
                        "Examples:",
                        "  sluice status",
                        "  sluice status 4242          only process 4242",
                        "  sluice status --watch",
                        "  sluice status --json | jq .",
                        "",
                        "Exit code: 0; 69 if nothing answers.");
    }

    @Override
    public Integer call() throws ControlException {
        return asking.again(() -> documents().stream()
                .map(document -> asking.json() ? Asking.oneLine(document) : StatusText.of(document))
                .collect(Collectors.joining(asking.json() ? "" : "\n")));
    }

    private List<String> documents() throws ControlException {
        Long pid = asking.pid();
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
