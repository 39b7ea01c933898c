package dev.sluice.cli.options;

/** The words of a command line are not what its syntax accepts; the message is one line without the command's name. */
public final class UsageException extends Exception {
    private static final long serialVersionUID = 1L;

    UsageException(String message) {
        super(message, null, false, false);
    }
}
