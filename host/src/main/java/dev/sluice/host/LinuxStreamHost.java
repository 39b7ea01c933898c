package dev.sluice.host;

import dev.sluice.loop.EventLoop;
import dev.sluice.loop.Timer;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.SocketFile;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** {@link StreamHost} on Linux sockets and epoll. */
public final class LinuxStreamHost implements StreamHost {
    private static final int BACKLOG = 4096;
    /** Connections that wait for a socket of the namespace at a time; one more fails at once. */
    private static final int WAITING = 1024;
    /** How long one waits. */
    private static final long PATIENCE_NANOS = 5_000_000_000L;

    final EventLoop loop;
    /** Two entries for one read or write in two parts. */
    final MemorySegment iovecs = Arena.ofAuto().allocate((long) StreamSocket.MAX_PIECES * Io.IOVEC, 8);

    /** Where accept leaves the client's name. */
    final MemorySegment peer = Arena.ofAuto().allocate(128, 8);

    final LoopbackCongestion congestion;
    final LastWords lastWords = new LastWords(LastWords.MOST, LastWords.PATIENCE);

    /** Streams can go through pipes here, as far as is known. */
    boolean splices = true;

    private final MemorySegment address = Arena.ofAuto().allocate(128, 8);
    private final @Nullable NamespaceSockets inside;
    private final Outbound outbound;
    /** A socket for a port that this user may not bind; -1 for none. */
    private int granted = -1;

    /** Oldest first. */
    private final Deque<Waiting> waiting = new ArrayDeque<>();

    private final Timer impatience = Timer.of(this::expire);

    /** A connection that waits for a socket of the namespace. */
    private record Waiting(LinuxStreamSocket socket, IpAddress to, int port, int timeToLive, long deadline) {}

    public LinuxStreamHost(EventLoop loop) {
        this(loop, Outbound.ANY);
    }

    /** One whose connections come from certain addresses; those to the loopback do not, which has no others. */
    public LinuxStreamHost(EventLoop loop, Outbound outbound) {
        this.loop = loop;
        this.inside = null;
        this.outbound = outbound;
        this.congestion = LoopbackCongestion.ofSystem(false);
    }

    /**
     * One whose connections begin inside a namespace, and end there; it listens where this process is. Connections that come faster than
     * sockets are made in there wait for them, a few seconds and not too many.
     */
    public LinuxStreamHost(EventLoop loop, NamespaceSockets inside) {
        this.loop = loop;
        this.inside = inside;
        this.outbound = Outbound.ANY;
        this.congestion = LoopbackCongestion.ofSystem(true);
        inside.onChange(() -> {
            try {
                loop.execute(this::serveWaiting);
            } catch (RejectedExecutionException e) {
                // the loop has ended, and what waited with it
            }
        });
    }

    @Override
    public long resetsWithLoss() {
        return lastWords.lost();
    }

    @Override
    public StreamSocket connect(IpAddress to, int port, int timeToLive, StreamSocket.Events events) {
        LinuxStreamSocket socket = LinuxStreamSocket.waiting(this, events);
        int fd = !waiting.isEmpty() ? -Errno.EAGAIN : socket(to);
        if (fd == -Errno.EAGAIN && waiting.size() < WAITING) {
            long deadline = loop.now() + PATIENCE_NANOS;
            waiting.add(new Waiting(socket, to, port, timeToLive, deadline));
            if (!impatience.isArmed()) {
                loop.schedule(impatience, deadline);
            }
        } else if (fd < 0) {
            socket.fail(fd == -Errno.EAGAIN ? Errno.ENOBUFS : -fd);
        } else {
            connect(socket, fd, to, port, timeToLive);
        }
        return socket;
    }

    /** A new socket; -EAGAIN if there will be one in a moment. */
    private int socket(IpAddress to) {
        return inside == null ? Sockets.socket(family(to), Sockets.STREAM, 0) : inside.take(family(to));
    }

    /** There are sockets again, or there never will be. */
    private void serveWaiting() {
        while (!waiting.isEmpty()) {
            Waiting first = waiting.getFirst();
            int fd = first.socket.isClosed() ? 0 : socket(first.to);
            if (fd == -Errno.EAGAIN) {
                return;
            }
            waiting.removeFirst();
            if (first.socket.isClosed()) {
                continue;
            }
            if (fd < 0) {
                first.socket.fail(-fd);
            } else {
                connect(first.socket, fd, first.to, first.port, first.timeToLive);
            }
        }
    }

    private void expire() {
        while (!waiting.isEmpty() && waiting.getFirst().deadline - loop.now() <= 0) {
            LinuxStreamSocket late = waiting.removeFirst().socket;
            if (!late.isClosed()) {
                late.fail(Errno.ENOBUFS);
            }
        }
        if (!waiting.isEmpty()) {
            loop.schedule(impatience, waiting.getFirst().deadline);
        }
    }

    private void connect(LinuxStreamSocket socket, int fd, IpAddress to, int port, int timeToLive) {
        Sockets.setOption(fd, Sockets.IPPROTO_TCP, Sockets.TCP_NODELAY, 1);
        congestion.choose(fd, to);
        // Urgent data is part of the stream (RFC 6093 §2): a byte that was taken out of it would be lost.
        Sockets.setOption(fd, Sockets.SOL_SOCKET, Sockets.SO_OOBINLINE, 1);
        if (timeToLive != DEFAULT_TTL) {
            if (to instanceof Ipv4Address) {
                Sockets.setOption(fd, Sockets.IPPROTO_IP, Sockets.IP_TTL, timeToLive);
            } else {
                Sockets.setOption(fd, Sockets.IPPROTO_IPV6, Sockets.IPV6_UNICAST_HOPS, timeToLive);
            }
        }
        IpAddress from = outbound.of(to instanceof Ipv6Address);
        int result = 0;
        if (from != null && !to.isLoopback()) {
            // the port is chosen when the destination is known, so that a port serves many destinations (ip(7))
            Sockets.setOption(fd, Sockets.IPPROTO_IP, Sockets.IP_BIND_ADDRESS_NO_PORT, 1);
            result = Sockets.bind(fd, address, write(from, 0));
        }
        if (result >= 0) {
            result = Sockets.connect(fd, address, write(to, port));
        }
        if (result < 0 && result != -Errno.EINPROGRESS) {
            Io.close(fd);
            socket.fail(-result);
        } else {
            socket.connecting(fd);
        }
    }

    @Override
    public StreamSocket connect(String path, StreamSocket.Events events) {
        LinuxStreamSocket socket = LinuxStreamSocket.waiting(this, events).ofUnixDomain();
        int fd = Sockets.socket(Sockets.AF_UNIX, Sockets.STREAM, 0);
        if (fd < 0) {
            socket.fail(-fd);
            return socket;
        }
        int result;
        try {
            // done at once, one way or the other; -EAGAIN when the server's queue is full
            result = Sockets.connect(fd, address, SocketAddress.writeUnix(address, 0, path));
        } catch (PosixException e) {
            result = -e.errno();
        }
        if (result < 0) {
            Io.close(fd);
            socket.fail(result == -Errno.ENOENT ? Errno.ECONNREFUSED : -result);
        } else {
            socket.connecting(fd);
        }
        return socket;
    }

    @Override
    public StreamSocket connect(VsockAddress to, StreamSocket.Events events) {
        LinuxStreamSocket socket = LinuxStreamSocket.waiting(this, events).ofUnixDomain();
        int fd = Sockets.socket(Sockets.AF_VSOCK, Sockets.STREAM, 0);
        if (fd < 0) {
            socket.fail(-fd);
            return socket;
        }
        int result = Sockets.connect(fd, address, SocketAddress.writeVsock(address, 0, to.context(), to.port()));
        if (result < 0 && result != -Errno.EINPROGRESS) {
            Io.close(fd);
            socket.fail(-result);
        } else {
            socket.connecting(fd);
        }
        return socket;
    }

    @Override
    public StreamListener listen(@Nullable IpAddress at, int port, StreamListener.Acceptor acceptor)
            throws IOException {
        if (at == null) {
            int fd = Sockets.socket(Sockets.AF_INET6, Sockets.STREAM, 0);
            if (fd < 0) {
                return listen(Ipv4Address.ANY, port, acceptor); // a system without IPv6
            }
            Sockets.setOption(fd, Sockets.IPPROTO_IPV6, Sockets.IPV6_V6ONLY, 0);
            return listen(fd, Ipv6Address.ANY, port, "port " + port, acceptor);
        }
        String what = (at instanceof Ipv6Address ? "[" + at + "]" : at) + ":" + port;
        int fd = Sockets.socket(family(at), Sockets.STREAM, 0);
        if (fd < 0) {
            throw refusal(what, fd, port);
        }
        if (at instanceof Ipv6Address) {
            Sockets.setOption(fd, Sockets.IPPROTO_IPV6, Sockets.IPV6_V6ONLY, 1);
        }
        return listen(fd, at, port, what, acceptor);
    }

    @Override
    public void grant(int fd) {
        if (granted >= 0) {
            Io.close(granted);
        }
        granted = fd;
    }

    /**
     * Accepts from a listening socket that this process was given; it is the listener's from now on.
     *
     * @throws ListenException if it is none
     */
    public StreamListener inherit(int fd, StreamListener.Acceptor acceptor) throws IOException {
        int listening = Sockets.option(fd, Sockets.SOL_SOCKET, Sockets.SO_ACCEPTCONN);
        if (listening == 0) {
            listening = Sockets.listen(fd, BACKLOG) < 0 ? 0 : 1; // bound only, perhaps
        }
        if (listening <= 0) {
            throw new ListenException(
                    HostError.OTHER,
                    "descriptor " + fd + " is no socket to listen on; the program that starts this one must pass one"
                            + " under that number");
        }
        Io.setNonBlocking(fd);
        readUrgentDataInline(fd);
        Sockets.localAddress(fd, address);
        int port = switch (SocketAddress.family(address, 0)) {
            case Sockets.AF_INET, Sockets.AF_INET6 -> SocketAddress.port(address, 0);
            default -> 0;
        };
        return watch(fd, port, "", acceptor);
    }

    /** As in {@link #connect(IpAddress, int, int, StreamSocket.Events)}; clients' sockets inherit it. */
    private static void readUrgentDataInline(int listening) {
        Sockets.setOption(listening, Sockets.SOL_SOCKET, Sockets.SO_OOBINLINE, 1);
    }

    private StreamListener listen(int fd, IpAddress at, int port, String what, StreamListener.Acceptor acceptor)
            throws IOException {
        Sockets.setOption(fd, Sockets.SOL_SOCKET, Sockets.SO_REUSEADDR, 1);
        readUrgentDataInline(fd);
        int result = Sockets.bind(fd, address, write(at, port));
        if (result >= 0) {
            result = Sockets.listen(fd, BACKLOG);
        }
        if (result == -Errno.EACCES && granted >= 0) {
            Io.close(fd);
            int bound = granted;
            granted = -1;
            readUrgentDataInline(bound);
            return watch(bound, port, "", acceptor);
        }
        if (result < 0) {
            Io.close(fd);
            throw refusal(what, result, port);
        }
        Sockets.localAddress(fd, address);
        return watch(fd, SocketAddress.port(address, 0), "", acceptor);
    }

    @Override
    public StreamListener listen(String path, StreamListener.Acceptor acceptor) throws IOException {
        int length = SocketAddress.writeUnix(address, 0, path);
        int fd = Sockets.socket(Sockets.AF_UNIX, Sockets.STREAM, 0);
        if (fd < 0) {
            throw refusal(path, fd, 0);
        }
        int result = Sockets.bind(fd, address, length);
        if (result == -Errno.EADDRINUSE && isAbandoned(path)) {
            Io.unlink(path);
            result = Sockets.bind(fd, address, SocketAddress.writeUnix(address, 0, path));
        }
        if (result >= 0) {
            result = Sockets.listen(fd, BACKLOG);
        }
        if (result < 0) {
            Io.close(fd);
            throw new ListenException(
                    error(-result),
                    "cannot listen on " + path + ": "
                            + (result == -Errno.EADDRINUSE
                                    ? "something is there that is in use, or no socket; remove it, or choose another path"
                                    : Errno.text(-result)
                                            + (result == -Errno.ENOENT
                                                    ? " (make the folder that it is to be in)"
                                                    : "")));
        }
        return watch(fd, 0, path, acceptor);
    }

    @Override
    public StreamListener listen(VsockAddress at, StreamListener.Acceptor acceptor) throws IOException {
        int fd = Sockets.socket(Sockets.AF_VSOCK, Sockets.STREAM, 0);
        int result =
                fd < 0 ? fd : Sockets.bind(fd, address, SocketAddress.writeVsock(address, 0, at.context(), at.port()));
        if (result >= 0) {
            result = Sockets.listen(fd, BACKLOG);
        }
        if (result < 0) {
            if (fd >= 0) {
                Io.close(fd);
            }
            throw new ListenException(
                    listenError(-result),
                    "cannot listen on " + at + ": " + Errno.text(-result)
                            + (fd == -Errno.EAFNOSUPPORT ? " (load it with 'modprobe vsock')" : ""));
        }
        return watch(fd, 0, "", acceptor);
    }

    /** A socket on which nobody listens any more. */
    private boolean isAbandoned(String path) throws IOException {
        if (!SocketFile.isSocket(Path.of(path))) {
            return false;
        }
        int fd = Sockets.socket(Sockets.AF_UNIX, Sockets.STREAM, 0);
        int result = Sockets.connect(fd, address, SocketAddress.writeUnix(address, 0, path));
        Io.close(fd);
        return result == -Errno.ECONNREFUSED;
    }

    private StreamListener watch(int fd, int port, String path, StreamListener.Acceptor acceptor) throws IOException {
        try {
            return new LinuxStreamListener(this, fd, port, path, acceptor);
        } catch (PosixException e) {
            Io.close(fd);
            throw e;
        }
    }

    private static ListenException refusal(String what, int result, int port) {
        return new ListenException(
                listenError(-result), "cannot listen on " + what + ": " + Errno.text(-result) + advice(-result, port));
    }

    /** As {@link #error}, where an address that is not available is nothing that others used up. */
    static HostError listenError(int errno) {
        return errno == Errno.EADDRNOTAVAIL ? HostError.NO_SUCH_ADDRESS : error(errno);
    }

    static String advice(int errno, int port) {
        return switch (errno) {
            case Errno.EADDRINUSE -> " (another program uses that port: choose another, or stop it)";
            case Errno.EACCES ->
                " (ports below " + lowestOpenPort() + " need a privilege: choose " + (port + 8000)
                        + ", or open them to everybody with 'sysctl -w net.ipv4.ip_unprivileged_port_start=" + port
                        + "', or give the process the capability CAP_NET_BIND_SERVICE, or run 'sluice port-helper' as root"
                        + " and give its socket as --port-helper)";
            case Errno.EADDRNOTAVAIL -> " (this host has no such address)";
            case Errno.EMFILE, Errno.ENFILE -> " (raise the limit with ulimit -n)";
            default -> "";
        };
    }

    private static String lowestOpenPort() {
        try {
            // a file under /proc/sys answers one read only, and readString begins with one of a single byte
            return Files.readAllLines(Path.of("/proc/sys/net/ipv4/ip_unprivileged_port_start"))
                    .getFirst();
        } catch (IOException e) {
            return "1024";
        }
    }

    @Nullable
    IpAddress localAddress(int fd) {
        return Sockets.localAddress(fd, address) < 0 ? null : address(address);
    }

    int localPort(int fd) {
        return Sockets.localAddress(fd, address) < 0 || address(address) == null ? 0 : SocketAddress.port(address, 0);
    }

    /** What a system call has written; an IPv4 client of a listener of both families is an IPv4 client. Null for Unix sockets. */
    static @Nullable IpAddress address(MemorySegment name) {
        return switch (SocketAddress.family(name, 0)) {
            case Sockets.AF_INET -> new Ipv4Address(SocketAddress.v4(name, 0));
            case Sockets.AF_INET6 -> {
                Ipv6Address v6 = new Ipv6Address(SocketAddress.v6High(name, 0), SocketAddress.v6Low(name, 0));
                Ipv4Address v4 = v6.mappedIpv4();
                yield v4 == null ? v6 : v4;
            }
            default -> null;
        };
    }

    private static int family(IpAddress address) {
        return switch (address) {
            case Ipv4Address v4 -> Sockets.AF_INET;
            case Ipv6Address v6 -> Sockets.AF_INET6;
        };
    }

    private int write(IpAddress to, int port) {
        return switch (to) {
            case Ipv4Address v4 -> SocketAddress.writeV4(address, 0, v4.bits(), port);
            case Ipv6Address v6 -> SocketAddress.writeV6(address, 0, v6.high(), v6.low(), port, 0);
        };
    }

    static HostError error(int errno) {
        return switch (errno) {
            case Errno.ECONNREFUSED -> HostError.REFUSED;
            case Errno.ECONNRESET, Errno.EPIPE, Errno.ECONNABORTED -> HostError.RESET;
            case Errno.ETIMEDOUT -> HostError.TIMED_OUT;
            case Errno.ENETUNREACH, Errno.ENETDOWN -> HostError.NET_UNREACHABLE;
            case Errno.EHOSTUNREACH, Errno.EHOSTDOWN -> HostError.HOST_UNREACHABLE;
            case Errno.EACCES, Errno.EPERM -> HostError.PROHIBITED;
            case Errno.EMFILE, Errno.ENFILE -> HostError.NO_DESCRIPTORS;
            case Errno.ENOBUFS, Errno.ENOMEM, Errno.EADDRNOTAVAIL -> HostError.NO_RESOURCES;
            case Errno.EADDRINUSE -> HostError.ADDRESS_IN_USE;
            case Errno.EMSGSIZE -> HostError.MESSAGE_TOO_LONG;
            default -> HostError.OTHER;
        };
    }
}
