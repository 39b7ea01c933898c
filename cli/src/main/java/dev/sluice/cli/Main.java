package dev.sluice.cli;

import dev.sluice.cli.face.Face;
import dev.sluice.cli.namespace.CommandException;
import dev.sluice.cli.options.HelpText;
import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.options.UsageException;
import dev.sluice.cli.view.FileTrouble;
import dev.sluice.control.ControlException;
import java.io.IOException;
import java.util.List;

/** The program's entry: finds the command, and turns every way a command can fail into one line and an exit code. */
public final class Main {
    static final String VERSION = "sluice 0.1.0";
    /** The system property with the path that the launcher was called by. */
    static final String PROGRAM = "sluice.program";

    private Main() {}

    public static void main(String[] args) {
        String called = System.getProperty(PROGRAM, Sluice.NAME);
        String program = called.substring(called.lastIndexOf('/') + 1);
        Face face = Sluice.face(program);
        int code = face == null ? execute(args) : execute(face, program, List.of(args));
        Console.finish();
        System.exit(code);
    }

    /** Runs one command line of another program; the exit code. */
    static int execute(Face face, String program, List<String> arguments) {
        Console.speakAs(program);
        try {
            return face.call(arguments);
        } catch (Exception e) {
            return failed(e, program);
        } finally {
            System.out.flush();
        }
    }

    /** Runs one command line; the exit code. */
    static int execute(String... args) {
        Command command = args.length == 0 ? null : Sluice.command(args[0]);
        if (command != null) {
            command.prepare();
        }
        Syntax syntax = command == null ? Sluice.syntax() : command.syntax();
        List<String> words = List.of(args).subList(command == null ? 0 : 1, args.length);
        try {
            return switch (syntax.parse(words)) {
                case HELP -> print(command == null ? HelpText.of(syntax, Sluice.syntaxes()) : HelpText.of(syntax));
                case VERSION -> print(VERSION + "\n");
                case RUN -> command == null ? noCommand() : command.call();
            };
        } catch (UsageException e) {
            System.err.println(syntax.name() + ": " + e.getMessage() + " (see " + syntax.name() + " --help)");
            return ExitCode.USAGE;
        } catch (Exception e) {
            return failed(e, syntax.name());
        }
    }

    private static int print(String text) {
        System.out.print(text);
        System.out.flush();
        return ExitCode.OK;
    }

    private static int noCommand() {
        throw Failure.usage("which command? One of run, attach, serve, status; sluice --help explains them");
    }

    private static int failed(Exception e, String name) {
        Console.finish(); // what led to it comes first
        int code = switch (e) {
            case Failure failure -> {
                System.err.println(name + ": " + failure.text());
                yield failure.exitCode();
            }
            case CommandException command -> {
                System.err.println(name + ": " + command.getMessage());
                yield command.exitCode();
            }
            case ControlException asked
            when asked.isMistake() -> {
                System.err.println(name + ": " + asked.getMessage());
                yield ExitCode.USAGE;
            }
            case IOException io -> {
                System.err.println(name + ": " + FileTrouble.words(io));
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
