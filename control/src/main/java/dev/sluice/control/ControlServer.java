package dev.sluice.control;

import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Serves the control API until closed, at every door that was opened. */
public final class ControlServer implements AutoCloseable {
    private final ControlApi api;
    private final List<HttpServer> doors = new CopyOnWriteArrayList<>();
    private boolean closed;

    /** With no door open yet. */
    public ControlServer(ControlBackend backend) {
        this.api = new ControlApi(backend, () -> List.copyOf(doors));
    }

    /**
     * Serves at a Unix-domain socket, to this user and root. Any thread; once the server is closed, it opens nothing.
     *
     * @param socket a path of at most 107 bytes in a directory that exists; a socket nobody listens on any more is replaced
     * @throws ControlException saying why it could not be bound and what to do
     */
    public void open(Path socket) throws ControlException {
        open(socket, HttpServer.PATIENCE);
    }

    void open(Path socket, Duration patience) throws ControlException {
        ServerSocketChannel listener = HttpServer.unbound(socket); // slow, unlike the rest
        synchronized (this) {
            if (closed) {
                HttpServer.closeQuietly(listener);
            } else {
                doors.add(HttpServer.onSocket(listener, socket, api, patience));
            }
        }
    }

    /**
     * Serves at a TCP port, to whoever shows the token, until this server is closed.
     *
     * @return the port, also if the system chose it
     * @throws ControlException saying why the port is not to be had and what to do
     */
    public int open(ApiDoor.Port place, ApiToken token) throws ControlException {
        HttpServer door = HttpServer.onPort(place.address(), new TokenGuard(token, api));
        doors.add(door);
        try {
            return door.port();
        } catch (IOException e) {
            throw new ControlException("the API's port can't be told: " + ControlSockets.reason(e), e);
        }
    }

    /** Cuts all clients and removes what was bound. Idempotent. */
    @Override
    public synchronized void close() {
        closed = true;
        doors.forEach(HttpServer::close);
    }
}
