package dev.sluice.cli;

import dev.sluice.cli.namespace.CommandException;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** The program's entry: finds the command, and turns every way a command can fail into one line and an exit code. */
public final class Main {
    static final String VERSION = "sluice 0.1.0";

    private Main() {}

    public static void main(String[] args) {
        System.exit(execute(args));
    }

    /** Runs one command line; the exit code. */
    static int execute(String... args) {
        CommandLine line = commandLine(args.length == 0 ? "" : args[0]);
        return line.execute(args);
    }

    /** The command's object is made only if it is the one asked for: each costs milliseconds of reflection at start. */
    static CommandLine commandLine(String first) {
        CommandLine line = new CommandLine(new Sluice());
        List<String> names = Sluice.COMMANDS.contains(first) ? List.of(first) : Sluice.COMMANDS;
        for (String name : names) {
            CommandLine command = new CommandLine(Sluice.command(name));
            // what follows run's command belongs to that
            command.setStopAtPositional(name.equals("run"));
            line.addSubcommand(name, command);
        }
        line.setUsageHelpWidth(100);
        line.setParameterExceptionHandler(Main::wrongUsage);
        line.setExecutionExceptionHandler(Main::failed);
        return line;
    }

    private static int wrongUsage(ParameterException e, String[] args) {
        CommandLine line = e.getCommandLine();
        String name = line.getCommandSpec().qualifiedName();
        String message = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        if (!message.isEmpty()) {
            message = message.substring(0, 1).toLowerCase(Locale.ROOT) + message.substring(1);
        }
        System.err.println(name + ": " + message + " (see " + name + " --help)");
        return ExitCode.USAGE;
    }

    private static int failed(Exception e, CommandLine line, CommandLine.ParseResult parsed) {
        String name = line.getCommandSpec().qualifiedName();
        int code = switch (e) {
            case Failure failure -> {
                System.err.println(name + ": " + failure.text());
                yield failure.exitCode();
            }
            case CommandException command -> {
                System.err.println(name + ": " + command.getMessage());
                yield command.exitCode();
            }
            case IOException _ -> {
                System.err.println(name + ": " + (e.getMessage() == null ? e : e.getMessage()));
                yield ExitCode.UNAVAILABLE;
            }
            default -> {
                System.err.println(name + ": internal error: " + e
                        + (Console.verbose() ? "" : " (-v shows where; please report it)"));
                yield ExitCode.INTERNAL;
            }
        };
        if (Console.verbose()) {
            e.printStackTrace();
        }
        return code;
    }
}
