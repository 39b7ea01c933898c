package dev.sluice.link;

import dev.sluice.link.vmnet.VmnetHandshake;
import dev.sluice.link.vmnet.VmnetIdentity;
import dev.sluice.link.vmnet.VmnetTable;
import dev.sluice.loop.EventLoop;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Sockets;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Listens where a {@link LinkUrl} says and makes a {@link Link} of every guest that connects. Opened and closed on any thread; all else
 * happens on the loop's.
 */
public final class LinkServer implements AutoCloseable {
    /** Guests of one server at once; further ones are turned away. */
    public static final int MAX_GUESTS = 256;
    /** Vmnet handshakes under way at once. */
    static final int MAX_GREETINGS = 64;

    private static final int BACKLOG = 128;
    private static final int SOCKET_BUFFER = 1024 * 1024;

    private final EventLoop loop;
    private final LinkUrl url;
    private final int mtu;
    private final VmnetTable vmnet;
    private final Guests guests;
    private final ProblemLimit problems;

    private @Nullable SocketPath path;
    private int fd = -1;
    private @Nullable Acceptor acceptor;
    private @Nullable DatagramDoor door;
    private final Set<VmnetGreeting> greetings = new HashSet<>();
    private int links;
    private int lastNumber;
    private boolean closed;

    private LinkServer(EventLoop loop, LinkUrl url, int mtu, VmnetTable vmnet, Guests guests) {
        this.loop = loop;
        this.url = url;
        this.mtu = mtu;
        this.vmnet = vmnet;
        this.guests = guests;
        this.problems = new ProblemLimit(loop, message -> guests.onProblem(url + ": " + message));
    }

    /**
     * Starts listening, or takes over the inherited descriptors.
     *
     * @param mtu largest IP packet for guests, in bytes
     * @param vmnet who is who among vmnet guests; used on the loop's thread only
     * @throws IOException with one line saying what is wrong and what to do; nothing has changed then
     * @throws RejectedExecutionException if the loop has ended; nobody listens then
     */
    public static LinkServer open(EventLoop loop, LinkUrl url, int mtu, VmnetTable vmnet, Guests guests)
            throws IOException {
        LinkServer server = new LinkServer(loop, url, mtu, vmnet, guests);
        switch (url) {
            case LinkUrl.Qemu(String path) -> {
                server.bind(path, Sockets.STREAM);
                server.onLoop(() -> server.acceptAll(server::qemu));
            }
            case LinkUrl.Vmnet(String path) -> {
                server.bind(path, Sockets.STREAM);
                server.onLoop(() -> server.acceptAll(server::greet));
            }
            case LinkUrl.Bess(String path) -> {
                server.bind(path, Sockets.SEQPACKET);
                server.onLoop(() -> server.acceptAll(server::packets));
            }
            case LinkUrl.Vfkit(String path) -> {
                server.bind(path, Sockets.DGRAM);
                server.onLoop(server::waitForDatagram);
            }
            case LinkUrl.Stdio() -> {
                int[] stdio = Inherited.takeStdio();
                server.onLoop(() -> server.stream(stdio[0], stdio[1], Framing.LE16, null));
            }
            case LinkUrl.Fd(int number, LinkUrl.FdFraming framing) -> server.inherit(number, framing);
        }
        return server;
    }

    /**
     * Whether {@code url} is one guest's connection, with which everything there ends, rather than a place where guests connect.
     *
     * @throws IOException with one line saying why an inherited descriptor can't be used
     */
    public static boolean isConnection(LinkUrl url) throws IOException {
        return switch (url) {
            case LinkUrl.Stdio() -> true;
            case LinkUrl.Fd(int number, LinkUrl.FdFraming _) ->
                Inherited.of(number).isConnection();
            case LinkUrl.Qemu _, LinkUrl.Vmnet _, LinkUrl.Bess _, LinkUrl.Vfkit _ -> false;
        };
    }

    public LinkUrl url() {
        return url;
    }

    private void bind(String text, int type) throws IOException {
        SocketPath bound = SocketPath.bind(url, text, type, BACKLOG);
        path = bound;
        fd = bound.fd();
    }

    private void inherit(int number, LinkUrl.FdFraming framing) throws IOException {
        Inherited kind = Inherited.of(number);
        boolean asQemu = framing == LinkUrl.FdFraming.QEMU;
        boolean asVmnet = framing == LinkUrl.FdFraming.VMNET;
        fd = number;
        switch (kind) {
            case STREAM_LISTENING -> onLoop(() -> acceptAll(asQemu ? this::qemu : this::greet));
            case PACKET_LISTENING -> onLoop(() -> acceptAll(this::packets));
            case DATAGRAM_BOUND -> onLoop(this::waitForDatagram);
            case STREAM -> onLoop(() -> handOver(asVmnet ? this::greet : this::qemu));
            case PACKET, DATAGRAM -> onLoop(() -> handOver(this::packets));
        }
    }

    /** The inherited descriptor is itself the guest's connection. */
    private void handOver(java.util.function.IntConsumer toGuest) {
        int connection = fd;
        fd = -1;
        toGuest.accept(connection);
    }

    private void onLoop(Runnable task) {
        try {
            loop.execute(() -> {
                if (!closed) {
                    task.run();
                }
            });
        } catch (RejectedExecutionException e) {
            close(); // the loop has ended: nobody will ever be served here
            throw e;
        }
    }

    private void acceptAll(java.util.function.IntConsumer toGuest) {
        Acceptor accepting = new Acceptor(loop, fd, url.toString(), toGuest, guests::onProblem);
        try {
            accepting.start();
            acceptor = accepting;
        } catch (PosixException e) {
            guests.onProblem(url + ": can't wait for guests: " + e.getMessage());
        }
    }

    private void qemu(int connection) {
        stream(connection, connection, Framing.BE32, null);
    }

    private void greet(int connection) {
        if (greetings.size() >= MAX_GREETINGS) {
            Io.close(connection);
            problems.report("turned a guest away: " + MAX_GREETINGS + " others are in their handshake");
            return;
        }
        VmnetHandshake handshake = new VmnetHandshake(vmnet, mtu);
        VmnetGreeting greeting = new VmnetGreeting(
                loop, connection, handshake, VmnetGreeting.TIMEOUT_NANOS, new VmnetGreeting.Outcome() {
                    @Override
                    public void welcomed(VmnetGreeting greeting, int fd, VmnetHandshake handshake) {
                        greetings.remove(greeting);
                        stream(fd, fd, Framing.LE16, handshake.identity());
                    }

                    @Override
                    public void failed(VmnetGreeting greeting, String reason) {
                        greetings.remove(greeting);
                        problems.report("turned a guest away: " + reason);
                    }
                });
        greetings.add(greeting);
        greeting.start();
    }

    private void stream(int in, int out, Framing framing, @Nullable VmnetIdentity identity) {
        if (full()) {
            closeBoth(in, out);
            forget(identity);
            return;
        }
        grow(out);
        try {
            welcome(new StreamLink(loop, in, out, nextName(), mtu, framing), identity);
        } catch (PosixException e) {
            closeBoth(in, out);
            forget(identity);
            problems.report("turned a guest away: " + e.getMessage());
        }
    }

    private static void closeBoth(int in, int out) {
        Io.close(in);
        if (out != in) {
            Io.close(out);
        }
    }

    private void packets(int connection) {
        packets(connection, null);
    }

    private void packets(int connection, @Nullable MemorySegment peer) {
        if (full()) {
            Io.close(connection);
            return;
        }
        grow(connection);
        try {
            welcome(new PacketLink(loop, connection, nextName(), mtu, peer), null);
        } catch (PosixException e) {
            Io.close(connection);
            problems.report("turned a guest away: " + e.getMessage());
        }
    }

    private boolean full() {
        if (links < MAX_GUESTS) {
            return false;
        }
        problems.report("turned a guest away: there are " + MAX_GUESTS + " already");
        return true;
    }

    /** More than the usual 208 KiB where the system allows it; no harm where not. */
    private static void grow(int socket) {
        Sockets.setOption(socket, Sockets.SOL_SOCKET, Sockets.SO_SNDBUF, SOCKET_BUFFER);
        Sockets.setOption(socket, Sockets.SOL_SOCKET, Sockets.SO_RCVBUF, SOCKET_BUFFER);
    }

    private String nextName() {
        return url + "#" + ++lastNumber;
    }

    private void welcome(DescriptorLink link, @Nullable VmnetIdentity identity) {
        links++;
        link.onEnd(() -> {
            links--;
            forget(identity);
            if (url instanceof LinkUrl.Vfkit && !closed) {
                reopen();
            }
        });
        guests.onGuest(link, identity);
    }

    private void forget(@Nullable VmnetIdentity identity) {
        if (identity != null) {
            vmnet.ended(identity);
        }
    }

    private void waitForDatagram() {
        DatagramDoor waiting = new DatagramDoor(loop, fd, this::onDatagramGuest, problems::report);
        try {
            waiting.start();
            door = waiting;
        } catch (PosixException e) {
            guests.onProblem(url + ": can't wait for a guest: " + e.getMessage());
        }
    }

    private void onDatagramGuest(MemorySegment peer) {
        int connection = fd;
        fd = -1;
        packets(connection, peer);
    }

    /** The socket went with its guest; the next guest needs a new one under the same path. */
    private void reopen() {
        if (url instanceof LinkUrl.Vfkit(String text)) {
            try {
                if (path != null) {
                    path.close();
                }
                bind(text, Sockets.DGRAM);
                waitForDatagram();
            } catch (IOException e) {
                guests.onProblem("no further guest can connect: " + e.getMessage());
            }
        }
    }

    /** Stops listening and removes the socket file. Links that were handed out live on. Any thread; idempotent. */
    @Override
    public void close() {
        SocketPath bound = path;
        if (bound != null) {
            bound.close();
        }
        if (loop.isCurrent()) {
            stop();
        } else {
            try {
                loop.execute(this::stop);
            } catch (RejectedExecutionException e) {
                stop();
            }
        }
    }

    private void stop() {
        if (closed) {
            return;
        }
        closed = true;
        if (acceptor != null) {
            acceptor.stop();
        }
        if (door != null) {
            door.stop();
        }
        greetings.forEach(VmnetGreeting::cancel);
        greetings.clear();
        if (fd >= 0) {
            Io.close(fd);
            fd = -1;
        }
        if (path != null) {
            path.close();
        }
    }
}
