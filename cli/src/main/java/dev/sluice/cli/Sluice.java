package dev.sluice.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice} without a command. */
@Command(
        name = "sluice",
        mixinStandardHelpOptions = true,
        version = Main.VERSION,
        synopsisSubcommandLabel = "COMMAND",
        description =
                "A network for a command, a namespace or a VM: whatever it opens leaves this machine as an ordinary socket of yours.",
        commandListHeading = "%nCommands:%n",
        footer = {
            "",
            "Examples:",
            "  sluice run -- curl https://example.com     a command in a network of its own, no root",
            "  sluice run -p 8080:80 -- ./server          and reach its port 80 as this machine's 8080",
            "  sluice attach 4242                         give the namespace of process 4242 a network",
            "  sluice serve --listen qemu:/tmp/vm.sock    give a VM one",
            "  sluice status                              what is running, and how much went through",
            "",
            "Exit codes: 0 done; 2 wrong usage; 69 this machine lacks or forbids something; 70 a fault of sluice.",
            "run ends with its command's own code, or 128 + the signal that ended it."
        })
final class Sluice implements Runnable {
    /** In the order of the help text. */
    static final List<String> COMMANDS = List.of("run", "attach", "serve", "status", "completion", "training");

    @Spec
    @Nullable
    CommandSpec spec;

    static Object command(String name) {
        return switch (name) {
            case "run" -> new RunCommand();
            case "attach" -> new AttachCommand();
            case "serve" -> new ServeCommand();
            case "status" -> new StatusCommand();
            case "completion" -> new CompletionCommand();
            case "training" -> new TrainingCommand();
            default -> throw new IllegalArgumentException(name);
        };
    }

    @Override
    public void run() {
        throw Failure.usage("which command? One of run, attach, serve, status; sluice --help explains them");
    }
}
