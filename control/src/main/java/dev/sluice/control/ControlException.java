package dev.sluice.control;

import java.io.IOException;

/** Why the control socket could not be made or asked, in words for the user: what was tried, what went wrong, what to do. */
public final class ControlException extends IOException {
    private static final long serialVersionUID = 1;

    private final boolean mistake;

    ControlException(String message) {
        this(message, false);
    }

    /** @param mistake whether the question was wrong, rather than that it could not be answered */
    ControlException(String message, boolean mistake) {
        super(message);
        this.mistake = mistake;
    }

    ControlException(String message, Throwable cause) {
        super(message, cause);
        this.mistake = false;
    }

    /** Whether what was asked for makes no sense (status 400), so that asking again is of no use. */
    public boolean isMistake() {
        return mistake;
    }
}
