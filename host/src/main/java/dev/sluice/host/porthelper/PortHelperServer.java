package dev.sluice.host.porthelper;

import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Offload;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Poll;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Binds low ports for one user. */
public final class PortHelperServer implements AutoCloseable {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.host.porthelper");
    private static final int LOW = 1024;
    private static final int MAX_CLIENTS = 16;
    private static final long PATIENCE_MILLIS = 5_000;
    private static final int BACKLOG = 128;

    private final int listener;
    private final int owner;
    private final ThreadFactory threads;
    private final Semaphore free = new Semaphore(MAX_CLIENTS);
    private final AtomicInteger served = new AtomicInteger();
    private final AtomicBoolean closed = new AtomicBoolean();

    /**
     * One that serves nobody yet.
     *
     * @param listener a listening Unix socket, ours from now on
     * @param owner the user it works for; root may ask too
     */
    public PortHelperServer(int listener, int owner) {
        this(listener, owner, Thread.ofPlatform().daemon().name("port-helper").factory());
    }

    PortHelperServer(int listener, int owner, ThreadFactory threads) {
        this.listener = listener;
        this.owner = owner;
        this.threads = threads;
        Io.setNonBlocking(listener);
    }

    /** Sockets handed out. */
    public int served() {
        return served.get();
    }

    /**
     * Serves until closed, or until nobody has come for so long.
     *
     * @param idleMillis -1 for ever
     */
    public void run(int idleMillis) {
        while (!closed.get()) {
            int seen = Poll.await(listener, Poll.IN, idleMillis);
            if (seen == 0) {
                return;
            }
            int client = seen < 0 ? seen : Sockets.accept(listener);
            if (client >= 0) {
                begin(client);
            } else if (client != -Errno.EINTR && client != -Errno.EAGAIN && client != -Errno.ECONNABORTED) {
                if (!closed.get()) {
                    LOG.log(System.Logger.Level.ERROR, "no client can be accepted: {0}", Errno.text(-client));
                }
                return;
            }
        }
    }

    private void begin(int client) {
        if (!free.tryAcquire()) {
            Io.close(client);
            return;
        }
        boolean started = Offload.start(threads, "a client of the port helper", () -> {
            try (Conversation conversation = new Conversation(client, PATIENCE_MILLIS)) {
                serve(client, conversation);
            } catch (IOException e) {
                LOG.log(System.Logger.Level.DEBUG, "a client was not served: {0}", e.getMessage());
            } finally {
                free.release();
            }
        });
        if (!started) {
            Io.close(client);
            free.release();
        }
    }

    private void serve(int client, Conversation conversation) throws IOException {
        int who = peer(client);
        if (who != owner && who != 0) {
            LOG.log(System.Logger.Level.WARNING, "user {0} has asked, and is not the owner", Integer.toString(who));
            return;
        }
        conversation.readHello();
        conversation.sendHello();
        Conversation.Request request = conversation.readRequest();
        if (request.command() != Conversation.BIND || request.port() < 1 || request.port() >= LOW) {
            conversation.sendAnswer(Conversation.FAILED, -1);
            return;
        }
        int socket = bind(request);
        try {
            conversation.sendAnswer(
                    switch (socket) {
                        case -Errno.EADDRINUSE -> Conversation.IN_USE;
                        case -Errno.EADDRNOTAVAIL -> Conversation.NO_SUCH_ADDRESS;
                        default -> socket < 0 ? Conversation.FAILED : Conversation.OK;
                    },
                    socket);
            served.addAndGet(socket < 0 ? 0 : 1);
        } finally {
            if (socket >= 0) {
                Io.close(socket);
            }
        }
    }

    /** A bound socket or a negated error number. */
    private static int bind(Conversation.Request request) {
        int socket = Sockets.socket(Sockets.AF_INET, request.udp() ? Sockets.DGRAM : Sockets.STREAM, 0);
        if (socket < 0) {
            return socket;
        }
        if (!request.udp()) {
            Sockets.setOption(socket, Sockets.SOL_SOCKET, Sockets.SO_REUSEADDR, 1);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SocketAddress.CAPACITY);
            int length = SocketAddress.writeV4(address, 0, new Ipv4Address(request.address()).bits(), request.port());
            int result = Sockets.bind(socket, address, length);
            if (result >= 0 && !request.udp()) {
                result = Sockets.listen(socket, BACKLOG);
            }
            if (result < 0) {
                Io.close(socket);
                return result;
            }
            return socket;
        }
    }

    /** The user at the other end. */
    private static int peer(int client) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment credentials = arena.allocate(12, 4);
            int length = Sockets.option(client, Sockets.SOL_SOCKET, Sockets.SO_PEERCRED, credentials, 0, 12);
            return length == 12 ? credentials.get(ValueLayout.JAVA_INT, 4) : -1;
        }
    }

    /** Stops; sockets that were handed out live on. Idempotent. */
    @Override
    public void close() {
        if (!closed.getAndSet(true)) {
            Sockets.shutdown(listener, Sockets.SHUT_RDWR); // wakes whoever waits for it
            Io.close(listener);
        }
    }
}
