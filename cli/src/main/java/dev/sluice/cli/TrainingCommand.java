package dev.sluice.cli;

import java.io.PrintStream;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** What the launcher runs once to record which classes and code a start needs (the AOT cache). Fails soft: it records what it can. */
@Command(name = "training", hidden = true)
final class TrainingCommand implements Callable<Integer> {
    @Override
    public Integer call() {
        PrintStream out = System.out;
        try {
            System.setOut(new PrintStream(PrintStream.nullOutputStream()));
            Main.execute("--version");
            Main.execute("attach", "--help");
            Main.execute("serve", "--help");
            Main.execute("status", "--help");
            Main.execute("run", "--", "true");
        } finally {
            System.setOut(out);
        }
        return ExitCode.OK;
    }
}
