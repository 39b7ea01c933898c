package dev.sluice.host;

import dev.sluice.loop.EventLoop;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** {@link StreamHost} on Linux sockets and epoll. */
public final class LinuxStreamHost implements StreamHost {
    final EventLoop loop;
    /** Two entries for one read or write in two parts. */
    final MemorySegment iovecs = Arena.ofAuto().allocate((long) StreamSocket.MAX_PIECES * Io.IOVEC, 8);

    private final MemorySegment address = Arena.ofAuto().allocate(128, 8);
    private final @Nullable NamespaceSockets inside;

    public LinuxStreamHost(EventLoop loop) {
        this.loop = loop;
        this.inside = null;
    }

    /** One whose connections begin inside a namespace; it listens where this process is. */
    public LinuxStreamHost(EventLoop loop, NamespaceSockets inside) {
        this.loop = loop;
        this.inside = inside;
    }

    @Override
    public StreamSocket connect(IpAddress to, int port, int timeToLive, StreamSocket.Events events) {
        int fd = inside == null ? Sockets.socket(family(to), Sockets.STREAM, 0) : inside.take(family(to));
        if (fd < 0) {
            return LinuxStreamSocket.failed(this, -fd, events);
        }
        Sockets.setOption(fd, Sockets.IPPROTO_TCP, Sockets.TCP_NODELAY, 1);
        if (timeToLive != DEFAULT_TTL) {
            if (to instanceof Ipv4Address) {
                Sockets.setOption(fd, Sockets.IPPROTO_IP, Sockets.IP_TTL, timeToLive);
            } else {
                Sockets.setOption(fd, Sockets.IPPROTO_IPV6, Sockets.IPV6_UNICAST_HOPS, timeToLive);
            }
        }
        int result = Sockets.connect(fd, address, write(to, port));
        if (result < 0 && result != -Errno.EINPROGRESS) {
            Io.close(fd);
            return LinuxStreamSocket.failed(this, -result, events);
        }
        return LinuxStreamSocket.connecting(this, fd, events);
    }

    @Override
    public StreamListener listen(IpAddress at, int port, StreamListener.Acceptor acceptor) throws IOException {
        String what = "cannot listen on " + (at instanceof Ipv6Address ? "[" + at + "]" : at) + ":" + port;
        int fd = PosixException.check(Sockets.socket(family(at), Sockets.STREAM, 0), what);
        Sockets.setOption(fd, Sockets.SOL_SOCKET, Sockets.SO_REUSEADDR, 1);
        if (at instanceof Ipv6Address) {
            Sockets.setOption(
                    fd, Sockets.IPPROTO_IPV6, Sockets.IPV6_V6ONLY, 1); // both families' wildcards stand side by side
        }
        int result = Sockets.bind(fd, address, write(at, port));
        if (result >= 0) {
            result = Sockets.listen(fd, 4096);
        }
        if (result < 0) {
            Io.close(fd);
            throw new PosixException(what + advice(-result, port), -result);
        }
        Sockets.localAddress(fd, address);
        return new LinuxStreamListener(this, fd, SocketAddress.port(address, 0), acceptor);
    }

    static String advice(int errno, int port) {
        return switch (errno) {
            case Errno.EADDRINUSE -> " (another program uses that port: choose another, or stop it)";
            case Errno.EACCES ->
                " (ports below 1024 need a privilege: choose " + (port + 8000)
                        + ", or lower the bound with sysctl net.ipv4.ip_unprivileged_port_start=" + port + ")";
            case Errno.EADDRNOTAVAIL -> " (this host has no such address)";
            default -> "";
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
