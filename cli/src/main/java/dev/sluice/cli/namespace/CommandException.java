package dev.sluice.cli.namespace;

import dev.sluice.posix.Processes;
import java.io.IOException;
import java.util.List;

/** The command to run cannot be run, found out before anything was set up; or the user has changed their mind. */
public final class CommandException extends IOException {
    private static final long serialVersionUID = 1L;
    /** What shells exit with when there is no such command. */
    public static final int NOT_FOUND = 127;
    /** What shells exit with when the command is there and may not be executed. */
    public static final int NOT_EXECUTABLE = 126;

    /** 128 and the signals of Ctrl-C and Ctrl-\, which may come before there is a command to take them. */
    private static final List<Integer> BY_KEYBOARD = List.of(128 + Processes.SIGINT, 128 + Processes.SIGQUIT);

    private final int exitCode;

    CommandException(String message, int exitCode) {
        super(message);
        this.exitCode = exitCode;
    }

    /** Throws one if the keyboard has ended a set-up shell, which is no fault of anybody's. */
    static void throwIfInterrupted(int shellsCode) throws CommandException {
        if (BY_KEYBOARD.contains(shellsCode)) {
            throw new CommandException("interrupted before the command ran", shellsCode);
        }
    }

    /** {@link #NOT_FOUND}, {@link #NOT_EXECUTABLE}, or 128 and a signal: what this process should exit with. */
    public int exitCode() {
        return exitCode;
    }
}
