package dev.sluice.proxy.pac;

/** A script is broken, too slow, or gave what is no answer; the message has the line. */
final class PacException extends Exception {
    private static final long serialVersionUID = 1L;
    private final boolean late;

    PacException(String message, boolean late) {
        super(message);
        this.late = late;
    }

    /** Whether it went over a limit, and will again. */
    boolean late() {
        return late;
    }
}
