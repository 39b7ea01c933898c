package dev.sluice.testkit.packetdrill;

import dev.sluice.stack.tcp.SynCookies;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A port that takes connections, with the bounds of {@code net.TcpListener}: handshakes and connections that wait, together. */
final class Listener {
    final int port;
    final SocketOptions options;
    private final int backlog;
    private long arrived;
    /** Handshakes that are not remembered; null as long as all were. */
    @Nullable
    SynCookies cookies;

    final Set<Connection> opening = new LinkedHashSet<>();
    final ArrayDeque<Connection> ready = new ArrayDeque<>();
    /** Connected, kept back until they say something ({@code TCP_DEFER_ACCEPT}); oldest first. */
    final ArrayDeque<Connection> silent = new ArrayDeque<>();

    Listener(int port, SocketOptions options, int backlog) {
        this.port = port;
        this.options = options;
        this.backlog = Math.max(1, backlog);
    }

    boolean admits() {
        if (ready.size() + silent.size() >= backlog && !silent.isEmpty()) {
            handOut(silent.remove());
            return false;
        }
        return opening.size() + ready.size() + silent.size() < backlog;
    }

    /** Connections that were ready so far. */
    long arrived() {
        return arrived;
    }

    void onEstablished(Connection connection, long now) {
        opening.remove(connection);
        if (options.deferral == 0) {
            handOut(connection);
        } else {
            connection.silentUntil = now + options.deferral;
            silent.add(connection);
        }
    }

    /** The peer has sent something, or ended its side. */
    void onWord(Connection connection) {
        if (silent.remove(connection)) {
            handOut(connection);
        }
    }

    /** When {@link #onTimer} is due, or {@link Long#MAX_VALUE}. */
    long deadline() {
        return silent.isEmpty() ? Long.MAX_VALUE : silent.getFirst().silentUntil;
    }

    void onTimer(long now) {
        while (deadline() <= now) {
            handOut(silent.remove());
        }
    }

    private void handOut(Connection connection) {
        arrived++;
        ready.add(connection);
    }

    void forget(Connection connection) {
        opening.remove(connection);
        silent.remove(connection);
    }
}
