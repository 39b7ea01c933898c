package dev.sluice.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sluice status}: what running networks did so far. */
@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        version = Main.VERSION,
        description = "Prints the guests, flows and counters of your running sluice processes.",
        footer = {
            "",
            "Examples:",
            "  sluice status",
            "  sluice status 4242          only process 4242",
            "  sluice status --json | jq .",
            "",
            "Exit code: 0; 69 if nothing answers."
        })
final class StatusCommand implements Callable<Integer> {
    @Parameters(arity = "0..1", paramLabel = "PID", description = "Process id of one sluice (default: all).")
    @Nullable
    Long pid;

    @Option(names = "--json", description = "As JSON, one document per process and line.")
    boolean json;

    @Override
    public Integer call() throws IOException {
        throw Failure.unavailable("status is not there yet");
    }
}
