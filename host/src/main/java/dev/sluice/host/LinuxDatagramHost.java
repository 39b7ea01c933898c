package dev.sluice.host;

import dev.sluice.loop.EventLoop;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Ipv4Address;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** {@link DatagramHost} on Linux sockets and epoll, for IPv4; make one per loop. */
public final class LinuxDatagramHost implements DatagramHost {
    static final String PING_REMEDY = "let users send pings with: sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"";

    /** Asked for, not needed: the kernel cuts it to net.core.rmem_max. Bursts must survive until the loop comes round. */
    private static final int RECEIVE_BUFFER = 1 << 20;

    final EventLoop loop;
    private final MemorySegment address = Arena.ofAuto().allocate(SocketAddress.CAPACITY, 8);
    private @Nullable DatagramInbox inbox;
    private @Nullable DatagramOutbox outbox;
    private @Nullable EchoSender echoSender;
    /** Open while some ping goes through it. */
    private @Nullable LinuxRawPings rawPings;

    public LinuxDatagramHost(EventLoop loop) {
        this.loop = loop;
    }

    @Override
    public Opening<DatagramSocket> openDatagram(
            long bindHigh, long bindLow, int bindPort, DatagramSocket.Events events) {
        if (!DatagramHost.isIpv4(bindHigh, bindLow)) {
            return new Opening.Failed<>(HostError.OTHER, "UDP sockets of the host are IPv4 only so far");
        }
        int fd = Sockets.socket(Sockets.AF_INET, Sockets.DGRAM, 0);
        if (fd < 0) {
            return failed("cannot open a UDP socket", -fd, descriptorAdvice(-fd));
        }
        Sockets.setOption(fd, Sockets.SOL_SOCKET, Sockets.SO_RCVBUF, RECEIVE_BUFFER);
        setOptions(fd);
        int bits = (int) bindLow;
        if (bits != 0 || bindPort != 0) {
            int result = Sockets.bind(fd, address, SocketAddress.writeV4(address, 0, bits, bindPort));
            if (result < 0) {
                Io.close(fd);
                String what = "cannot listen on UDP " + new Ipv4Address(bits) + ":" + bindPort;
                return failed(what, -result, LinuxStreamHost.advice(-result, bindPort));
            }
        }
        LinuxDatagramSocket socket = new LinuxDatagramSocket(this, fd, events);
        PosixException failure = socket.watch();
        return failure == null
                ? new Opening.Open<>(socket)
                : failed("cannot watch a UDP socket", failure.errno(), descriptorAdvice(failure.errno()));
    }

    @Override
    public Opening<PingSocket> openPing(PingSocket.Events events) {
        int fd = Sockets.socket(Sockets.AF_INET, Sockets.DGRAM, Sockets.IPPROTO_ICMP);
        if (fd == -Errno.EACCES || fd == -Errno.EPERM || fd == -Errno.EPROTONOSUPPORT) {
            return openRawPing(events);
        }
        if (fd < 0) {
            return failed("cannot open a ping socket", -fd, descriptorAdvice(-fd));
        }
        setOptions(fd);
        LinuxPingSocket socket = new LinuxPingSocket(this, fd, events);
        PosixException failure = socket.watch();
        return failure == null
                ? new Opening.Open<>(socket)
                : failed("cannot watch a ping socket", failure.errno(), descriptorAdvice(failure.errno()));
    }

    /** The way of the privileged where ping sockets are closed, or do not exist. */
    private Opening<PingSocket> openRawPing(PingSocket.Events events) {
        LinuxRawPings raw = rawPings;
        if (raw == null) {
            int fd = Sockets.socket(Sockets.AF_INET, Sockets.RAW, Sockets.IPPROTO_ICMP);
            if (fd == -Errno.EACCES || fd == -Errno.EPERM) {
                return new Opening.Failed<>(HostError.PROHIBITED, "this user may open no ping socket; " + PING_REMEDY);
            }
            if (fd < 0) {
                return failed("cannot open a raw ICMP socket", -fd, descriptorAdvice(-fd));
            }
            setOptions(fd);
            raw = new LinuxRawPings(this, fd);
            PosixException failure = raw.watch();
            if (failure != null) {
                return failed("cannot watch a raw ICMP socket", failure.errno(), descriptorAdvice(failure.errno()));
            }
            rawPings = raw;
        }
        return raw.open(events);
    }

    /** Called when the last ping through the raw socket is closed. */
    void rawPingsClosed() {
        rawPings = null;
    }

    private static void setOptions(int fd) {
        Sockets.setOption(fd, Sockets.IPPROTO_IP, Sockets.IP_RECVERR, 1);
        Sockets.setOption(fd, Sockets.IPPROTO_IP, Sockets.IP_RECVTOS, 1);
        Sockets.setOption(fd, Sockets.IPPROTO_IP, Sockets.IP_MTU_DISCOVER, Sockets.PMTUDISC_DONT);
    }

    private static String descriptorAdvice(int errno) {
        return errno == Errno.EMFILE || errno == Errno.ENFILE ? "; raise the limit with ulimit -n" : "";
    }

    private static <S> Opening<S> failed(String what, int errno, String advice) {
        return new Opening.Failed<>(LinuxStreamHost.error(errno), what + ": " + Errno.text(errno) + advice);
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
