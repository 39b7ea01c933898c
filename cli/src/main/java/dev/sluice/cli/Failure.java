package dev.sluice.cli;

/** Ends a command with one line for its user: what was tried, why it failed, what to do. */
final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final int exitCode;

    private Failure(int exitCode, String message) {
        super(message, null, false, false);
        this.exitCode = exitCode;
    }

    /** The options or arguments are wrong. */
    static Failure usage(String message) {
        return new Failure(ExitCode.USAGE, message);
    }

    /** The machine lacks or forbids something. */
    static Failure unavailable(String message) {
        return new Failure(ExitCode.UNAVAILABLE, message);
    }

    int exitCode() {
        return exitCode;
    }

    String text() {
        return String.valueOf(getMessage());
    }
}
