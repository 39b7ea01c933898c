package dev.sluice.testkit.packetdrill;

import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.Set;

/** A port that takes connections, with the bounds of {@code net.TcpListener}: handshakes and connections that wait, together. */
final class Listener {
    final int port;
    final SocketOptions options;
    private final int backlog;
    private long arrived;
    final Set<Connection> opening = new LinkedHashSet<>();
    final ArrayDeque<Connection> ready = new ArrayDeque<>();

    Listener(int port, SocketOptions options, int backlog) {
        this.port = port;
        this.options = options;
        this.backlog = Math.max(1, backlog);
    }

    boolean admits() {
        return opening.size() + ready.size() < backlog;
    }

    /** Connections that were ready so far. */
    long arrived() {
        return arrived;
    }

    void onEstablished(Connection connection) {
        arrived++;
        opening.remove(connection);
        ready.add(connection);
    }

    void forget(Connection connection) {
        opening.remove(connection);
    }
}
