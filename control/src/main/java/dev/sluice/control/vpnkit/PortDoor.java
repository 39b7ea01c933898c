package dev.sluice.control.vpnkit;

import java.io.IOException;

/** Opens and closes the forwards that clients ask for. Any thread; may block for a moment. */
public interface PortDoor {
    /**
     * Opens a forward.
     *
     * @return the same with the port that was chosen
     * @throws PortRefusal with the words for the client
     * @throws IOException if it failed otherwise
     */
    PortSpec open(PortSpec spec) throws IOException;

    /** Closes one that {@link #open} has returned. */
    void close(PortSpec opened) throws IOException;

    /** A port that is not to be had, in the words that Docker's users know. */
    final class PortRefusal extends IOException {
        private static final long serialVersionUID = 1;

        public PortRefusal(String words, Throwable cause) {
            super(words, cause);
        }
    }
}
