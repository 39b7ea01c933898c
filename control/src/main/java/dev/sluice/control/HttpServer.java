package dev.sluice.control;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.Channel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Serves HTTP/1.1 at one door, a Unix-domain socket or a TCP port, until closed. */
public final class HttpServer implements AutoCloseable {
    /** Clients at a time; one more is told so and turned away. */
    public static final int MAX_CONNECTIONS = 32;
    /** How long a client may take to send a request, and again to take its response. */
    public static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final long ACCEPT_PAUSE_MILLIS = 100;

    private final HttpHandler handler;
    private final ServerSocketChannel listener;
    /** What is bound; null at a TCP port, where nobody says who he is. */
    private final @Nullable PrivateSocket socket;

    private final HttpClients clients;

    private HttpServer(
            ServerSocketChannel listener, @Nullable PrivateSocket socket, HttpHandler handler, Duration patience) {
        this.listener = listener;
        this.socket = socket;
        this.handler = handler;
        this.clients = new HttpClients(MAX_CONNECTIONS, patience);
        // The acceptor waits in a system call nearly always; a small stack is enough for what it does between.
        Thread acceptor = new Thread(null, this::accept, "control", 128 << 10);
        acceptor.setDaemon(true);
        acceptor.start();
    }

    /**
     * Binds a Unix-domain socket and begins to serve this user and root.
     *
     * @param path of at most 107 bytes in a directory that exists; a socket nobody listens on any more is replaced
     * @throws ControlException saying why it could not be bound and what to do
     */
    public static HttpServer onSocket(Path path, HttpHandler handler) throws ControlException {
        return onSocket(unbound(path), path, handler, PATIENCE);
    }

    /** A Unix-domain socket to be bound to {@code path}. Costs some 30 ms in a fresh process, most of it the JDK's network classes. */
    static ServerSocketChannel unbound(Path path) throws ControlException {
        try {
            return ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        } catch (IOException e) {
            throw failed(path, e);
        }
    }

    private static ControlException failed(Path socket, IOException e) {
        return new ControlException(
                "could not make the control socket " + socket + ": " + ControlSockets.reason(e)
                        + "; choose a place in a folder that is there and yours",
                e);
    }

    static HttpServer onSocket(ServerSocketChannel bound, Path path, HttpHandler handler, Duration patience)
            throws ControlException {
        Path socket = path.toAbsolutePath();
        try {
            ControlSockets.makeRoom(socket);
            return new HttpServer(bound, PrivateSocket.bind(bound, socket, MAX_CONNECTIONS), handler, patience);
        } catch (IOException e) {
            closeQuietly(bound);
            throw e instanceof ControlException told ? told : failed(socket, e);
        }
    }

    /**
     * Binds a TCP port and begins to serve everybody whom {@code handler} serves.
     *
     * @throws ControlException saying why it could not be bound and what to do
     */
    public static HttpServer onPort(InetSocketAddress address, HttpHandler handler) throws ControlException {
        ServerSocketChannel bound = null;
        try {
            bound = ServerSocketChannel.open();
            bound.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            bound.bind(address, MAX_CONNECTIONS);
            return new HttpServer(bound, null, handler, PATIENCE);
        } catch (IOException e) {
            closeQuietly(bound);
            throw new ControlException(
                    "could not serve the API at " + address.getHostString() + ":" + address.getPort() + ": "
                            + ControlSockets.reason(e) + "; choose another port, or 0 for any",
                    e);
        }
    }

    /** The TCP port, also if the system chose it; 0 for a socket in the file system. */
    public int port() throws IOException {
        return listener.getLocalAddress() instanceof InetSocketAddress address ? address.getPort() : 0;
    }

    /** Those that are served. */
    public HttpClients clients() {
        return clients;
    }

    private void accept() {
        boolean failing = false;
        while (listener.isOpen()) {
            try {
                begin(listener.accept());
                failing = false;
            } catch (IOException e) {
                if (listener.isOpen()) {
                    if (!failing) {
                        warn("control clients cannot be accepted for now: " + e.getMessage());
                    }
                    failing = true;
                    // Out of descriptors, most likely: the client stays in the queue, so trying at once would spin.
                    pause();
                }
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(ACCEPT_PAUSE_MILLIS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void begin(SocketChannel client) {
        HttpConnection connection = clients.admit(HttpStream.of(client), handler);
        if (connection == null) {
            return;
        }
        Thread.ofVirtual().name("control-client").start(() -> {
            if (socket == null || socket.trusts(client)) {
                clients.run(connection);
            } else {
                connection.close();
                clients.ended(connection);
            }
        });
    }

    /** Cuts all clients and removes the socket. Idempotent. */
    @Override
    public void close() {
        if (!listener.isOpen()) {
            return;
        }
        removeSocket();
        closeQuietly(listener);
        clients.close();
    }

    /** While it still listens: afterwards another process might have put its own in this one's place. */
    private void removeSocket() {
        try {
            if (socket != null) {
                socket.remove();
            }
        } catch (IOException e) {
            warn("the control socket " + socket + " stays behind: " + e.getMessage());
        }
    }

    /** The logger costs some milliseconds to get, so only when there is something to say. */
    private static void warn(String message) {
        System.getLogger(HttpServer.class.getName()).log(System.Logger.Level.WARNING, message);
    }

    static void closeQuietly(@Nullable Channel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException _) {
            // Nothing is lost.
        }
    }
}
