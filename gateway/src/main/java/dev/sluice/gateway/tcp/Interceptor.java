package dev.sluice.gateway.tcp;

import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.host.StreamSocket;

/** Takes connections that the policy has allowed, to look into them before they go anywhere. Confined to the loop. */
public interface Interceptor {
    /** Takes none. */
    Interceptor NONE = new Interceptor() {
        @Override
        public boolean takes(int port) {
            return false;
        }

        @Override
        public StreamSocket open(GuestStream stream, FlowPolicy.Allow direct) {
            throw new IllegalStateException("nothing is taken");
        }
    };

    /** Whether connections to this port of the world go through it now. */
    boolean takes(int port);

    /**
     * Takes one; {@code onConnected} comes in a later turn.
     *
     * @param direct where it would have led
     */
    StreamSocket open(GuestStream stream, FlowPolicy.Allow direct);
}
