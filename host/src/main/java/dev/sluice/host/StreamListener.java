package dev.sluice.host;

import dev.sluice.wire.IpAddress;

/** A listening TCP socket of the host, owned by one loop. */
public interface StreamListener extends AutoCloseable {
    /** The port, also if the system chose it. */
    int port();

    /** Stops listening at once; accepted connections live on. Idempotent. */
    @Override
    void close();

    /** Decides about a connection that came in. */
    interface Acceptor {
        /**
         * Takes a connected socket over. Its events, from now on, go to what this returns.
         *
         * @param peer the client's address
         */
        StreamSocket.Events accept(StreamSocket socket, IpAddress peer, int peerPort);
    }
}
