package dev.sluice.control;

import java.io.IOException;

/** Why the control socket could not be made or asked, in words for the user: what was tried, what went wrong, what to do. */
public final class ControlException extends IOException {
    private static final long serialVersionUID = 1;

    ControlException(String message) {
        super(message);
    }

    ControlException(String message, Throwable cause) {
        super(message, cause);
    }
}
