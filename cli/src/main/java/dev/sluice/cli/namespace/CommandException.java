package dev.sluice.cli.namespace;

import java.io.IOException;

/** The command to run cannot be run, found out before anything was set up. */
public final class CommandException extends IOException {
    private static final long serialVersionUID = 1L;
    /** What shells exit with when there is no such command. */
    public static final int NOT_FOUND = 127;
    /** What shells exit with when the command is there and may not be executed. */
    public static final int NOT_EXECUTABLE = 126;

    private final int exitCode;

    CommandException(String message, int exitCode) {
        super(message);
        this.exitCode = exitCode;
    }

    /** {@link #NOT_FOUND} or {@link #NOT_EXECUTABLE}: what this process should exit with. */
    public int exitCode() {
        return exitCode;
    }
}
