package dev.sluice.host;

import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Timer;
import dev.sluice.loop.Watch;
import dev.sluice.posix.Epoll;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.SocketFile;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A listening socket under epoll. Out of descriptors, it pauses and tries again instead of spinning. */
final class LinuxStreamListener implements StreamListener {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.host");
    private static final int ACCEPTS_PER_TURN = 64;
    private static final long PAUSE = 200_000_000L;
    private static final long WARNING_INTERVAL = 10_000_000_000L;

    private final LinuxStreamHost host;
    private final int fd;
    private final int port;
    /** What to remove at the end; empty for nothing. */
    private final String path;
    /** By which that is known from what others put there. */
    private final @Nullable Object key;

    private final Acceptor acceptor;
    private final Watch watch;
    private final Timer again = Timer.of(this::accept);
    private long lastWarning;
    private boolean warned;
    private boolean closed;

    LinuxStreamListener(LinuxStreamHost host, int fd, int port, String path, Acceptor acceptor) throws PosixException {
        this.host = host;
        this.fd = fd;
        this.port = port;
        this.path = path;
        this.key = path.isEmpty() ? null : SocketFile.key(Path.of(path));
        this.acceptor = acceptor;
        this.watch = host.loop.watch(fd, Epoll.IN, events -> accept());
    }

    @Override
    public int port() {
        return port;
    }

    private void accept() {
        for (int i = 0; i < ACCEPTS_PER_TURN && !closed; i++) {
            int client = Sockets.accept(fd, host.peer);
            if (client == -Errno.EAGAIN) {
                return;
            }
            if (client == -Errno.EMFILE
                    || client == -Errno.ENFILE
                    || client == -Errno.ENOBUFS
                    || client == -Errno.ENOMEM) {
                if (!warned || host.loop.now() - lastWarning > WARNING_INTERVAL) {
                    warned = true;
                    lastWarning = host.loop.now();
                    LOG.log(
                            System.Logger.Level.WARNING,
                            "port {0} cannot accept: {1}; raise the limit with ulimit -n. Waiting clients are served when "
                                    + "descriptors return",
                            Integer.toString(port),
                            Errno.text(-client));
                }
                host.loop.schedule(again, host.loop.now() + PAUSE);
                return;
            }
            if (client < 0) {
                continue; // the client gave up, or a network error of its own (accept(2)): the next one may be fine
            }
            Sockets.setOption(client, Sockets.IPPROTO_TCP, Sockets.TCP_NODELAY, 1);
            LinuxStreamSocket socket = LinuxStreamSocket.connected(host, client, StreamSocket.Events.NOBODY);
            IpAddress peer = LinuxStreamHost.address(host.peer);
            if (peer == null) {
                socket.ofUnixDomain();
            } else {
                host.congestion.choose(client, peer);
            }
            socket.attach(acceptor.accept(socket, peerAddress(), peerPort()));
        }
        if (!closed) {
            host.loop.schedule(again, host.loop.now()); // edge-triggered: more may be waiting
        }
    }

    private IpAddress peerAddress() {
        IpAddress address = LinuxStreamHost.address(host.peer);
        return address == null ? Ipv4Address.LOOPBACK : address;
    }

    private int peerPort() {
        return path.isEmpty() ? SocketAddress.port(host.peer, 0) : 0;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            host.loop.cancel(again);
            watch.close();
            SocketFile.remove(Path.of(path), key);
            Io.close(fd);
        }
    }
}
