package dev.sluice.control;

import dev.sluice.gateway.GatewayStatus;
import dev.sluice.gateway.forward.ForwardInfo;
import dev.sluice.gateway.forward.ForwardSpec;
import java.io.IOException;
import java.util.List;

/** What the control API shows and steers. Called on virtual threads, several at a time; may block for a moment. */
public interface ControlBackend {
    /** The gateway as it is now. */
    GatewayStatus status();

    /** The published ports. */
    default List<ForwardInfo> forwards() throws IOException {
        return List.of();
    }

    /**
     * Publishes ports, all or none.
     *
     * @throws IOException saying why not and what to do
     */
    default List<ForwardInfo> addForwards(List<ForwardSpec> specs) throws IOException {
        throw new IOException("this process publishes no ports");
    }

    /**
     * Closes published ports.
     *
     * @param cut whether connections through them are reset
     * @return those that were closed
     */
    default List<ForwardInfo> removeForwards(List<ForwardSpec.Listen> places, boolean cut) throws IOException {
        return List.of();
    }
}
