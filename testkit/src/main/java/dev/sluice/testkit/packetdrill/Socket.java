package dev.sluice.testkit.packetdrill;

import org.jspecify.annotations.Nullable;

/** A descriptor of the script. */
final class Socket {
    final SocketOptions options;
    boolean nonBlocking;
    /** 0 until bound. */
    int port;

    @Nullable
    Listener listener;

    @Nullable
    Connection connection;
    /** connect has reported success. */
    boolean connectReported;

    boolean inputShut;
    boolean outputShut;

    Socket(SocketOptions options) {
        this.options = options;
    }

    String takeError() {
        Connection c = connection;
        return c == null ? "" : c.takeError();
    }
}
