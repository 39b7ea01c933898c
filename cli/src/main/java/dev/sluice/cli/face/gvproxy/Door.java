package dev.sluice.cli.face.gvproxy;

import dev.sluice.control.HttpStream;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Poll;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.SocketFile;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * A listening socket of the API, or of guests, as a {@link SocketUrl} names it. Its
 * connections are plain descriptors, since one may become a guest's link. Each has a platform thread, as reading one blocks in the
 * system; they are few at a time.
 */
final class Door implements AutoCloseable {
    /** Connections at a time, tunnels included; further ones wait. */
    private static final int CONNECTIONS = 256;

    private static final int BACKLOG = 128;
    private static final int BUFFER = 8192;
    private static final int AGAIN = Integer.MIN_VALUE;
    /** Out of descriptors, most likely: the client stays in the queue, so trying at once would spin. */
    private static final int PAUSE_MILLIS = 100;

    /** Does with a connection what is to be done, and closes it or gives it away. */
    interface Visitor {
        void visit(int fd);
    }

    private final String url;
    private final int fd;
    /** What to remove at the end; empty for nothing. */
    private final String path;
    /** By which that is known from what others put there. */
    private final @Nullable Object key;

    private final Semaphore free = new Semaphore(CONNECTIONS);
    private volatile boolean closed;

    private Door(String url, int fd, String path) {
        this.url = url;
        this.fd = fd;
        this.path = path;
        this.key = path.isEmpty() ? null : SocketFile.key(Path.of(path));
    }

    /**
     * Starts listening.
     *
     * @throws IOException saying what is wrong with the URL or the place
     */
    static Door open(String url, Visitor visitor) throws IOException {
        Door door;
        try (Arena arena = Arena.ofConfined()) {
            door = bind(url, arena.allocate(SocketAddress.CAPACITY));
        }
        Thread.ofPlatform().daemon().name("api").start(() -> door.accept(visitor));
        return door;
    }

    private static Door bind(String url, MemorySegment address) throws IOException {
        return switch (SocketUrl.parse(url)) {
            case SocketUrl.File(String scheme, String path) -> {
                if (!scheme.equals("unix")) {
                    throw new IllegalArgumentException("'" + url + "': programs connect to unix:///PATH");
                }
                if (Path.of(path).toAbsolutePath().getParent() instanceof Path folder && !Files.isDirectory(folder)) {
                    throw new IOException(
                            "cannot listen on " + url + ": there is no folder " + folder + "; make it first");
                }
                if (Files.exists(Path.of(path))) {
                    throw new IOException("cannot listen on " + url + ": the file is there already; remove it");
                }
                yield listen(url, Sockets.AF_UNIX, address, SocketAddress.writeUnix(address, 0, path), path);
            }
            case SocketUrl.Tcp tcp -> {
                int length = write(tcp, address);
                yield listen(url, SocketAddress.family(address, 0), address, length, "");
            }
            case SocketUrl.Vsock(int context, int port) ->
                listen(url, Sockets.AF_VSOCK, address, SocketAddress.writeVsock(address, 0, context, port), "");
        };
    }

    private static int write(SocketUrl.Tcp tcp, MemorySegment address) {
        return switch (tcp.address()) {
            case Ipv4Address four -> SocketAddress.writeV4(address, 0, four.bits(), tcp.port());
            case Ipv6Address six -> SocketAddress.writeV6(address, 0, six.high(), six.low(), tcp.port(), 0);
            case null ->
                hasIpv6()
                        ? SocketAddress.writeV6(address, 0, 0, 0, tcp.port(), 0)
                        : SocketAddress.writeV4(address, 0, Ipv4Address.ANY.bits(), tcp.port());
        };
    }

    private static boolean hasIpv6() {
        int fd = Sockets.socket(Sockets.AF_INET6, Sockets.STREAM, 0);
        if (fd >= 0) {
            Io.close(fd);
        }
        return fd >= 0;
    }

    private static Door listen(String url, int family, MemorySegment address, int length, String path)
            throws IOException {
        int fd = PosixException.check(Sockets.socket(family, Sockets.STREAM, 0), "cannot listen on " + url);
        Sockets.setOption(fd, Sockets.SOL_SOCKET, Sockets.SO_REUSEADDR, 1);
        if (family == Sockets.AF_INET6) {
            Sockets.setOption(fd, Sockets.IPPROTO_IPV6, Sockets.IPV6_V6ONLY, 0); // every address is both families'
        }
        int result = Sockets.bind(fd, address, length);
        if (result >= 0) {
            if (!path.isEmpty()) {
                // nobody can connect before this is done, as nobody listens yet
                Files.setPosixFilePermissions(Path.of(path), PosixFilePermissions.fromString("rw-------"));
            }
            result = Sockets.listen(fd, BACKLOG);
        }
        if (result < 0) {
            Io.close(fd);
            throw new PosixException("cannot listen on " + url, -result);
        }
        return new Door(url, fd, path);
    }

    private void accept(Visitor visitor) {
        while (!closed) {
            free.acquireUninterruptibly();
            int ready = Poll.await(fd, Poll.IN, -1);
            int client = closed || ready < 0 ? -Errno.EINTR : Sockets.accept(fd);
            if (client < 0) {
                free.release();
                if (!closed && client != -Errno.EAGAIN && client != -Errno.EINTR) {
                    System.getLogger(Door.class.getName())
                            .log(
                                    System.Logger.Level.WARNING,
                                    url + ": no client can be accepted: " + Errno.text(-client));
                    Poll.await(-1, 0, PAUSE_MILLIS);
                }
                continue;
            }
            Thread.ofPlatform().daemon().name("api-client").start(() -> {
                try {
                    visitor.visit(client);
                } finally {
                    free.release();
                }
            });
        }
        Io.close(fd);
    }

    /** A connection as bytes; closing it wakes whoever reads or writes, and leaves the descriptor to its owner. */
    static HttpStream stream(int fd) {
        return new HttpStream() {
            private final MemorySegment input = Arena.ofAuto().allocate(BUFFER);
            private final MemorySegment output = Arena.ofAuto().allocate(BUFFER);

            @Override
            public int read(ByteBuffer to) throws IOException {
                int n = again(Io.read(fd, input, 0, Math.min(to.remaining(), BUFFER)));
                while (n == AGAIN) {
                    Poll.await(fd, Poll.IN, -1);
                    n = again(Io.read(fd, input, 0, Math.min(to.remaining(), BUFFER)));
                }
                PosixException.check(n, "read");
                to.put(input.asSlice(0, n).asByteBuffer());
                return n == 0 ? -1 : n;
            }

            @Override
            public void write(ByteBuffer from) throws IOException {
                while (from.hasRemaining()) {
                    int part = Math.min(from.remaining(), BUFFER);
                    MemorySegment.copy(MemorySegment.ofBuffer(from), 0, output, 0, part);
                    int n = again(Io.write(fd, output, 0, part));
                    if (n == AGAIN) {
                        Poll.await(fd, Poll.OUT, -1);
                    } else {
                        from.position(from.position() + PosixException.check(n, "write"));
                    }
                }
            }

            private static int again(int result) {
                return result == -Errno.EAGAIN || result == -Errno.EINTR ? AGAIN : result;
            }

            @Override
            public void shutdownOutput() {
                Sockets.shutdown(fd, Sockets.SHUT_WR);
            }

            @Override
            public void close() {
                Sockets.shutdown(fd, Sockets.SHUT_RDWR);
            }

            @Override
            public boolean isShared() {
                return true;
            }
        };
    }

    /** Stops listening; connections go on. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            SocketFile.remove(Path.of(path), key);
            Sockets.shutdown(fd, Sockets.SHUT_RDWR); // wakes who accepts, who then closes it
        }
    }
}
