package dev.sluice.control;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import jdk.net.ExtendedSocketOptions;

/** Serves the control API on one Unix-domain socket until closed. */
public final class ControlServer implements AutoCloseable {
    /** Clients at a time; one more is told so and turned away. */
    public static final int MAX_CONNECTIONS = 32;
    /** How long a client may take to send a request, and again to take its response. */
    public static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final long ACCEPT_PAUSE_MILLIS = 100;

    private final Path socket;
    private final ControlApi api;
    private final long patienceNanos;
    private final ServerSocketChannel listener;
    private final UserPrincipal owner;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition emptied = lock.newCondition();
    private final Set<HttpConnection> connections = new HashSet<>();
    private boolean watched;

    /**
     * Binds the socket and begins to serve. Costs some 30 ms in a fresh process, most of it the JDK's network classes.
     *
     * @param socket a path of at most 107 bytes in a directory that exists; a socket nobody listens on any more is replaced
     * @throws ControlException saying why it could not be bound and what to do
     */
    public ControlServer(Path socket, ControlBackend backend) throws ControlException {
        this(socket, backend, PATIENCE);
    }

    ControlServer(Path socket, ControlBackend backend, Duration patience) throws ControlException {
        this.socket = socket.toAbsolutePath();
        this.api = new ControlApi(backend);
        this.patienceNanos = patience.toNanos();
        ControlSockets.makeRoom(this.socket);
        ServerSocketChannel bound = null;
        try {
            bound = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            bound.bind(UnixDomainSocketAddress.of(this.socket), MAX_CONNECTIONS);
            Files.setPosixFilePermissions(this.socket, PosixFilePermissions.fromString("rw-------"));
            owner = Files.getOwner(this.socket, LinkOption.NOFOLLOW_LINKS);
            listener = bound;
        } catch (IOException e) {
            closeQuietly(bound);
            throw new ControlException(
                    "could not make the control socket " + this.socket + ": " + ControlSockets.reason(e), e);
        }
        // The acceptor waits in a system call nearly always; a small stack is enough for what it does between.
        Thread acceptor = new Thread(null, this::accept, "control", 128 << 10);
        acceptor.setDaemon(true);
        acceptor.start();
    }

    public Path socket() {
        return socket;
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
        HttpConnection connection = new HttpConnection(client, api, patienceNanos);
        lock.lock();
        try {
            if (!listener.isOpen() || connections.size() >= MAX_CONNECTIONS) {
                HttpConnection.turnAway(
                        client, HttpResponse.problem(503, "too many clients at a time; try again in a moment"));
                return;
            }
            connections.add(connection);
            if (!watched) {
                watched = true;
                Thread.ofVirtual().name("control-watch").start(this::watch);
            }
        } finally {
            lock.unlock();
        }
        Thread.ofVirtual().name("control-client").start(() -> {
            try {
                if (isTrusted(client)) {
                    connection.run();
                } else {
                    connection.close();
                }
            } finally {
                ended(connection);
            }
        });
    }

    /** The socket's mode says the same, but only from shortly after it was bound. May ask the system's user database, and so block. */
    private boolean isTrusted(SocketChannel client) {
        try {
            UserPrincipal peer =
                    client.getOption(ExtendedSocketOptions.SO_PEERCRED).user();
            return peer.equals(owner) || peer.getName().equals("root");
        } catch (UnsupportedOperationException _) {
            return true; // an operating system without the option
        } catch (IOException _) {
            return false;
        }
    }

    private void ended(HttpConnection connection) {
        lock.lock();
        try {
            connections.remove(connection);
            if (connections.isEmpty()) {
                emptied.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Cuts clients past their deadline, as long as there are any clients. */
    private void watch() {
        long pause = Math.max(1_000_000, patienceNanos / 8);
        lock.lock();
        try {
            while (!connections.isEmpty()) {
                long unused = emptied.awaitNanos(pause);
                long now = System.nanoTime();
                for (HttpConnection connection : connections) {
                    if (connection.isOverdue(now)) {
                        connection.close();
                    }
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            watched = false;
            lock.unlock();
        }
    }

    /** Cuts all clients and removes the socket. Idempotent. */
    @Override
    public void close() {
        if (!listener.isOpen()) {
            return;
        }
        closeQuietly(listener);
        lock.lock();
        try {
            connections.forEach(HttpConnection::close);
        } finally {
            lock.unlock();
        }
        try {
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            warn("the control socket " + socket + " stays behind: " + e.getMessage());
        }
    }

    /** The logger costs some milliseconds to get, so only when there is something to say. */
    private static void warn(String message) {
        System.getLogger(ControlServer.class.getName()).log(System.Logger.Level.WARNING, message);
    }

    private static void closeQuietly(java.nio.channels.@org.jspecify.annotations.Nullable Channel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException _) {
            // Nothing is lost.
        }
    }
}
