package dev.sluice.host;

import dev.sluice.loop.EventLoop;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** {@link DatagramHost} on Linux sockets and epoll; make one per loop. */
public final class LinuxDatagramHost implements DatagramHost {
    static final String PING_REMEDY = "let users send pings with: sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"";

    /**
     * Asked for, not needed: the kernel cuts both to net.core.rmem_max and wmem_max unless we are privileged. Bursts must survive until
     * the loop comes round, and those we send until the device has room: this is the queue, and what it can't hold is dropped and counted.
     */
    private static final int RECEIVE_BUFFER = 2 << 20;

    private static final int SEND_BUFFER = 1 << 20;

    final EventLoop loop;
    private final MemorySegment address = Arena.ofAuto().allocate(SocketAddress.CAPACITY, 8);
    private @Nullable DatagramInbox inbox;
    private @Nullable DatagramOutbox outbox;
    private @Nullable EchoSender echoSender;
    /** Open while some ping goes through it. */
    private @Nullable LinuxRawPings rawPings;

    private @Nullable LinuxRawPings rawPings6;

    private final Outbound outbound;
    /** A socket for a port that this user may not bind; -1 for none. */
    private int granted = -1;

    public LinuxDatagramHost(EventLoop loop) {
        this(loop, Outbound.ANY);
    }

    /** One whose sockets speak from certain addresses, where they would from any. */
    public LinuxDatagramHost(EventLoop loop, Outbound outbound) {
        this.loop = loop;
        this.outbound = outbound;
    }

    @Override
    public Opening<DatagramSocket> openDatagram(
            long bindHigh, long bindLow, int bindPort, DatagramSocket.Events events) {
        boolean any = bindHigh == 0 && (DatagramHost.isIpv4(bindHigh, bindLow) ? (int) bindLow : bindLow) == 0;
        return open(bindHigh, bindLow, bindPort, any, !any || bindPort != 0, events);
    }

    @Override
    public Opening<DatagramSocket> listenDatagram(
            long bindHigh, long bindLow, int bindPort, DatagramSocket.Events events) {
        boolean any = bindHigh == 0 && (DatagramHost.isIpv4(bindHigh, bindLow) ? (int) bindLow : bindLow) == 0;
        return open(bindHigh, bindLow, bindPort, any, true, events);
    }

    /**
     * @param any whether it is of every address
     * @param listens whether it is bound now
     */
    private Opening<DatagramSocket> open(
            long bindHigh, long bindLow, int bindPort, boolean any, boolean listens, DatagramSocket.Events events) {
        boolean ipv6 = !DatagramHost.isIpv4(bindHigh, bindLow);
        int fd = Sockets.socket(family(ipv6), Sockets.DGRAM, 0);
        if (fd < 0) {
            return failed("cannot open a UDP socket", -fd, descriptorAdvice(-fd));
        }
        setUp(fd, ipv6);
        if (listens) {
            int result = Sockets.bind(fd, address, DatagramOutbox.putName(address, 0, bindHigh, bindLow, bindPort));
            if (result == -Errno.EACCES && granted >= 0) {
                Io.close(fd);
                fd = granted;
                granted = -1;
                setUp(fd, ipv6);
                result = 0;
            }
            if (result < 0) {
                Io.close(fd);
                String what = "cannot listen on UDP "
                        + (ipv6 ? "[" + new Ipv6Address(bindHigh, bindLow) + "]" : new Ipv4Address((int) bindLow)) + ":"
                        + bindPort;
                return failed(what, -result, LinuxStreamHost.advice(-result, bindPort));
            }
        } else if (!maySendFromOutbound(ipv6)) {
            Io.close(fd);
            return failed("cannot send from " + outbound.of(ipv6), Errno.EADDRNOTAVAIL, "");
        }
        if (any && listens) {
            // a client that asked one of our addresses wants to hear from that one
            Sockets.setOption(
                    fd,
                    ipv6 ? Sockets.IPPROTO_IPV6 : Sockets.IPPROTO_IP,
                    ipv6 ? Sockets.IPV6_RECVPKTINFO : Sockets.IP_PKTINFO,
                    1);
        }
        LinuxDatagramSocket socket =
                new LinuxDatagramSocket(this, fd, ipv6, listens ? null : outbound.of(ipv6), events);
        PosixException failure = socket.watch();
        return failure == null
                ? new Opening.Open<>(socket)
                : failed("cannot watch a UDP socket", failure.errno(), descriptorAdvice(failure.errno()));
    }

    private static void setUp(int fd, boolean ipv6) {
        setBuffer(fd, Sockets.SO_RCVBUFFORCE, Sockets.SO_RCVBUF, RECEIVE_BUFFER);
        setBuffer(fd, Sockets.SO_SNDBUFFORCE, Sockets.SO_SNDBUF, SEND_BUFFER);
        // Where the kernel lacks it, every datagram comes alone.
        Sockets.setOption(fd, Sockets.IPPROTO_UDP, Sockets.UDP_GRO, 1);
        setOptions(fd, ipv6);
    }

    @Override
    public void grant(int fd) {
        if (granted >= 0) {
            Io.close(granted);
        }
        granted = fd;
    }

    @Override
    public Opening<PingSocket> openPing(boolean ipv6, PingSocket.Events events) {
        int fd = Sockets.socket(family(ipv6), Sockets.DGRAM, protocol(ipv6));
        if (fd == -Errno.EACCES || fd == -Errno.EPERM || fd == -Errno.EPROTONOSUPPORT) {
            return openRawPing(ipv6, events);
        }
        if (fd < 0) {
            return failed("cannot open a ping socket", -fd, descriptorAdvice(-fd));
        }
        setOptions(fd, ipv6);
        if (bindOutbound(fd, ipv6) < 0) {
            Io.close(fd);
            return failed("cannot send from " + outbound.of(ipv6), Errno.EADDRNOTAVAIL, "");
        }
        LinuxPingSocket socket = new LinuxPingSocket(this, fd, ipv6, events);
        PosixException failure = socket.watch();
        return failure == null
                ? new Opening.Open<>(socket)
                : failed("cannot watch a ping socket", failure.errno(), descriptorAdvice(failure.errno()));
    }

    /**
     * Whether the chosen address is ours, if one was chosen. It goes with each datagram instead of being bound, as a bound socket would speak
     * from it to loopback, too; so a socket that is used for nothing else tries it.
     */
    private boolean maySendFromOutbound(boolean ipv6) {
        if (outbound.of(ipv6) == null) {
            return true;
        }
        int fd = Sockets.socket(family(ipv6), Sockets.DGRAM, 0);
        if (fd < 0) {
            return true;
        }
        int result = bindOutbound(fd, ipv6);
        Io.close(fd);
        return result >= 0;
    }

    private int bindOutbound(int fd, boolean ipv6) {
        return switch (outbound.of(ipv6)) {
            case null -> 0;
            case Ipv4Address v4 -> Sockets.bind(fd, address, SocketAddress.writeV4(address, 0, v4.bits(), 0));
            case Ipv6Address v6 ->
                Sockets.bind(fd, address, SocketAddress.writeV6(address, 0, v6.high(), v6.low(), 0, 0));
        };
    }

    /** The way of the privileged where ping sockets are closed, or do not exist. */
    private Opening<PingSocket> openRawPing(boolean ipv6, PingSocket.Events events) {
        LinuxRawPings raw = ipv6 ? rawPings6 : rawPings;
        if (raw == null) {
            int fd = Sockets.socket(family(ipv6), Sockets.RAW, protocol(ipv6));
            if (fd == -Errno.EACCES || fd == -Errno.EPERM) {
                return new Opening.Failed<>(HostError.PROHIBITED, "this user may open no ping socket; " + PING_REMEDY);
            }
            if (fd < 0) {
                return failed("cannot open a raw ICMP socket", -fd, descriptorAdvice(-fd));
            }
            setOptions(fd, ipv6);
            if (bindOutbound(fd, ipv6) < 0) {
                Io.close(fd);
                return failed("cannot send from " + outbound.of(ipv6), Errno.EADDRNOTAVAIL, "");
            }
            raw = new LinuxRawPings(this, fd, ipv6);
            PosixException failure = raw.watch();
            if (failure != null) {
                return failed("cannot watch a raw ICMP socket", failure.errno(), descriptorAdvice(failure.errno()));
            }
            if (ipv6) {
                rawPings6 = raw;
            } else {
                rawPings = raw;
            }
        }
        return raw.open(events);
    }

    /** Called when the last ping through the raw socket is closed. */
    void rawPingsClosed(boolean ipv6) {
        if (ipv6) {
            rawPings6 = null;
        } else {
            rawPings = null;
        }
    }

    private static int family(boolean ipv6) {
        return ipv6 ? Sockets.AF_INET6 : Sockets.AF_INET;
    }

    private static int protocol(boolean ipv6) {
        return ipv6 ? Sockets.IPPROTO_ICMPV6 : Sockets.IPPROTO_ICMP;
    }

    private static void setBuffer(int fd, int force, int ask, int bytes) {
        if (Sockets.setOption(fd, Sockets.SOL_SOCKET, force, bytes) < 0) {
            Sockets.setOption(fd, Sockets.SOL_SOCKET, ask, bytes);
        }
    }

    private static void setOptions(int fd, boolean ipv6) {
        if (ipv6) {
            Sockets.setOption(fd, Sockets.IPPROTO_IPV6, Sockets.IPV6_V6ONLY, 1);
            Sockets.setOption(fd, Sockets.IPPROTO_IPV6, Sockets.IPV6_RECVERR, 1);
            Sockets.setOption(fd, Sockets.IPPROTO_IPV6, Sockets.IPV6_RECVTCLASS, 1);
            Sockets.setOption(fd, Sockets.IPPROTO_IPV6, Sockets.IPV6_MTU_DISCOVER, Sockets.PMTUDISC_DONT);
            return;
        }
        Sockets.setOption(fd, Sockets.IPPROTO_IP, Sockets.IP_RECVERR, 1);
        Sockets.setOption(fd, Sockets.IPPROTO_IP, Sockets.IP_RECVTOS, 1);
        Sockets.setOption(fd, Sockets.IPPROTO_IP, Sockets.IP_MTU_DISCOVER, Sockets.PMTUDISC_DONT);
    }

    private static String descriptorAdvice(int errno) {
        return errno == Errno.EMFILE || errno == Errno.ENFILE ? "; raise the limit with ulimit -n" : "";
    }

    private static <S> Opening<S> failed(String what, int errno, String advice) {
        return new Opening.Failed<>(LinuxStreamHost.listenError(errno), what + ": " + Errno.text(errno) + advice);
    }

    /** The local port of a socket; on the slow path. */
    int localPort(int fd) {
        return Sockets.localAddress(fd, address) < 0 ? 0 : SocketAddress.port(address, 0);
    }

    /** Where all sockets of this host receive; made with the first socket. */
    DatagramInbox inbox() {
        if (inbox == null) {
            inbox = new DatagramInbox();
        }
        return inbox;
    }

    /** Where all sockets of this host queue; made with the first socket. */
    DatagramOutbox outbox() {
        if (outbox == null) {
            outbox = new DatagramOutbox();
            loop.atEndOfTurn(outbox::flush);
        }
        return outbox;
    }

    /** How all pings of this host are sent; made with the first. */
    EchoSender echoSender() {
        if (echoSender == null) {
            echoSender = new EchoSender();
        }
        return echoSender;
    }
}
