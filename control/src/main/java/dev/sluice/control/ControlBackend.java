package dev.sluice.control;

import dev.sluice.gateway.GatewayStatus;

/** What the control API shows and steers. Called on virtual threads, several at a time; may block for a moment. */
public interface ControlBackend {
    /** The gateway as it is now. */
    GatewayStatus status();
}
