package dev.sluice.host;

import java.io.IOException;

/** A place to listen at could not be had. */
public final class ListenException extends IOException {
    private static final long serialVersionUID = 1;
    private final HostError error;

    /** @param message what was tried, why it failed, what to do */
    public ListenException(HostError error, String message) {
        super(message);
        this.error = error;
    }

    /** {@link HostError#ADDRESS_IN_USE} if somebody else has it: {@link PortOwner} may know who. */
    public HostError error() {
        return error;
    }
}
