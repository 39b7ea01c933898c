package dev.sluice.posix;

import static dev.sluice.posix.Native.INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Sockets (socket(2) and its relatives). Results are descriptors, counts or zero, or the negated errno; nothing is allocated but where
 * noted. Sockets made here never block and are close-on-exec. Any thread may call; a socket's owner sees to order.
 */
public final class Sockets {
    public static final int AF_UNSPEC = 0;
    public static final int AF_UNIX = 1;
    public static final int AF_INET = 2;
    public static final int AF_INET6 = 10;
    public static final int AF_NETLINK = 16;
    public static final int AF_VSOCK = 40;

    public static final int STREAM = 1;
    public static final int DGRAM = 2;
    public static final int RAW = 3;
    public static final int SEQPACKET = 5;
    private static final int NONBLOCK_CLOEXEC = Io.O_NONBLOCK | Io.O_CLOEXEC;

    public static final int IPPROTO_IP = 0;
    public static final int IPPROTO_ICMP = 1;
    public static final int IPPROTO_TCP = 6;
    public static final int IPPROTO_UDP = 17;
    public static final int IPPROTO_IPV6 = 41;
    public static final int IPPROTO_ICMPV6 = 58;
    public static final int IPPROTO_RAW = 255;

    public static final int SHUT_RD = 0;
    public static final int SHUT_WR = 1;
    public static final int SHUT_RDWR = 2;

    public static final int SOL_SOCKET = 1;
    public static final int SO_REUSEADDR = 2;
    public static final int SO_TYPE = 3;
    public static final int SO_ERROR = 4;
    public static final int SO_BROADCAST = 6;
    public static final int SO_SNDBUF = 7;
    public static final int SO_RCVBUF = 8;
    public static final int SO_KEEPALIVE = 9;
    public static final int SO_OOBINLINE = 10;
    /** Value: {@code struct linger}, two ints: on, seconds. */
    public static final int SO_LINGER = 13;

    public static final int SO_REUSEPORT = 15;
    public static final int SO_PASSCRED = 16;
    /** Value: {@code struct ucred}, three ints: pid, uid, gid. */
    public static final int SO_PEERCRED = 17;

    public static final int SO_BINDTODEVICE = 25;
    public static final int SO_ACCEPTCONN = 30;
    public static final int SO_SNDBUFFORCE = 32;
    public static final int SO_RCVBUFFORCE = 33;
    public static final int SO_MARK = 36;
    public static final int SO_DOMAIN = 39;
    public static final int SO_RXQ_OVFL = 40;
    public static final int SO_ZEROCOPY = 60;

    public static final int TCP_NODELAY = 1;
    public static final int TCP_MAXSEG = 2;
    public static final int TCP_CORK = 3;
    public static final int TCP_KEEPIDLE = 4;
    public static final int TCP_KEEPINTVL = 5;
    public static final int TCP_KEEPCNT = 6;
    public static final int TCP_SYNCNT = 7;
    public static final int TCP_DEFER_ACCEPT = 9;
    public static final int TCP_WINDOW_CLAMP = 10;
    public static final int TCP_INFO = 11;
    public static final int TCP_QUICKACK = 12;
    public static final int TCP_CONGESTION = 13;
    public static final int TCP_USER_TIMEOUT = 18;
    public static final int TCP_NOTSENT_LOWAT = 25;

    public static final int UDP_CORK = 1;
    public static final int UDP_SEGMENT = 103;
    public static final int UDP_GRO = 104;

    public static final int IP_TOS = 1;
    public static final int IP_TTL = 2;

    public static final int IP_HDRINCL = 3;
    public static final int IP_PKTINFO = 8;
    public static final int IP_MTU_DISCOVER = 10;
    public static final int IP_RECVERR = 11;
    public static final int IP_RECVTTL = 12;
    public static final int IP_RECVTOS = 13;
    public static final int IP_MTU = 14;
    public static final int IP_FREEBIND = 15;
    public static final int IP_BIND_ADDRESS_NO_PORT = 24;
    public static final int IP_MULTICAST_IF = 32;
    public static final int IP_MULTICAST_TTL = 33;
    public static final int IP_MULTICAST_LOOP = 34;
    public static final int IP_ADD_MEMBERSHIP = 35;
    /** Values of IP_MTU_DISCOVER and IPV6_MTU_DISCOVER. */
    public static final int PMTUDISC_DONT = 0;

    public static final int PMTUDISC_WANT = 1;
    public static final int PMTUDISC_DO = 2;
    public static final int PMTUDISC_PROBE = 3;

    public static final int IPV6_UNICAST_HOPS = 16;
    public static final int IPV6_MULTICAST_HOPS = 18;
    public static final int IPV6_MTU_DISCOVER = 23;
    public static final int IPV6_MTU = 24;
    public static final int IPV6_RECVERR = 25;
    public static final int IPV6_V6ONLY = 26;
    public static final int IPV6_RECVPKTINFO = 49;
    public static final int IPV6_PKTINFO = 50;
    public static final int IPV6_RECVHOPLIMIT = 51;
    public static final int IPV6_HOPLIMIT = 52;
    public static final int IPV6_DONTFRAG = 62;
    public static final int IPV6_RECVTCLASS = 66;
    public static final int IPV6_TCLASS = 67;

    public static final int MSG_OOB = 0x1;
    public static final int MSG_PEEK = 0x2;
    public static final int MSG_CTRUNC = 0x8;
    public static final int MSG_TRUNC = 0x20;
    public static final int MSG_DONTWAIT = 0x40;
    public static final int MSG_EOR = 0x80;
    public static final int MSG_WAITALL = 0x100;
    public static final int MSG_ERRQUEUE = 0x2000;
    public static final int MSG_NOSIGNAL = 0x4000;
    public static final int MSG_MORE = 0x8000;
    public static final int MSG_WAITFORONE = 0x10000;
    public static final int MSG_ZEROCOPY = 0x400_0000;
    public static final int MSG_CMSG_CLOEXEC = 0x4000_0000;

    /** A state that {@link #tcpState} tells: the connection is over. */
    public static final int TCP_CLOSE = 7;

    private static final long SIOCOUTQ = 0x5411;

    private static final Call SOCKET = Call.of("socket");
    private static final Call SOCKETPAIR = Call.of("socketpair");
    private static final Call BIND = Call.of("bind");
    private static final Call CONNECT = Call.of("connect");
    private static final Call LISTEN = Call.of("listen");
    private static final Call SHUTDOWN = Call.of("shutdown");
    private static final Call ACCEPT = Call.of("accept4");
    private static final Call GETSOCKNAME = Call.of("getsockname");
    private static final Call GETPEERNAME = Call.of("getpeername");
    private static final Call SEND = Call.of("send");
    private static final Call RECV = Call.of("recv");
    private static final Call SENDTO = Call.of("sendto");
    private static final Call RECVFROM = Call.of("recvfrom");
    private static final Call SENDMSG = Call.of("sendmsg");
    private static final Call RECVMSG = Call.of("recvmsg");
    private static final Call SENDMMSG = Call.of("sendmmsg");
    private static final Call RECVMMSG = Call.of("recvmmsg");
    private static final Call SETSOCKOPT = Call.of("setsockopt");
    private static final Call GETSOCKOPT = Call.of("getsockopt");

    private Sockets() {}

    /** A new non-blocking, close-on-exec socket: its descriptor, or negated errno. */
    public static int socket(int family, int type, int protocol) {
        return SOCKET.call(family, type | NONBLOCK_CLOEXEC, protocol);
    }

    /** Two connected non-blocking sockets. Set-up: allocates and throws. */
    public static int[] socketpair(int family, int type) throws PosixException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ends = arena.allocate(8, 4);
            PosixException.check(SOCKETPAIR.call(family, type | NONBLOCK_CLOEXEC, 0, ends.address()), "socketpair");
            return new int[] {ends.get(INT, 0), ends.get(INT, 4)};
        }
    }

    /** @param length bytes of {@code address} that count, as {@link SocketAddress}'s writers return them */
    public static int bind(int fd, MemorySegment address, int length) {
        return BIND.call(fd, Io.address(address, 0, length), length);
    }

    /** Zero, or a negated errno: -EINPROGRESS while a TCP handshake goes on (then wait for OUT and read SO_ERROR). */
    public static int connect(int fd, MemorySegment address, int length) {
        return CONNECT.call(fd, Io.address(address, 0, length), length);
    }

    public static int listen(int fd, int backlog) {
        return LISTEN.call(fd, backlog);
    }

    /** A connection as a non-blocking, close-on-exec descriptor; its peer's address is not asked for. */
    public static int accept(int fd) {
        return ACCEPT.call(fd, 0L, 0L, NONBLOCK_CLOEXEC);
    }

    /** As {@link #accept(int)}, and writes the peer's address to the start of {@code addressOut}, cut to its size. */
    public static int accept(int fd, MemorySegment addressOut) {
        return ACCEPT.call(fd, addressOut.address(), outLength(Native.state(), addressOut), NONBLOCK_CLOEXEC);
    }

    /** @param how {@link #SHUT_RD}, {@link #SHUT_WR} or {@link #SHUT_RDWR} */
    public static int shutdown(int fd, int how) {
        return SHUTDOWN.call(fd, how);
    }

    /** Writes the socket's own address; its length before cutting, or negated errno. */
    public static int localAddress(int fd, MemorySegment addressOut) {
        MemorySegment state = Native.state();
        int r = GETSOCKNAME.call(fd, addressOut.address(), outLength(state, addressOut));
        return r < 0 ? r : state.get(INT, Native.SCRATCH);
    }

    /** Writes the peer's address; its length before cutting, or negated errno. */
    public static int peerAddress(int fd, MemorySegment addressOut) {
        MemorySegment state = Native.state();
        int r = GETPEERNAME.call(fd, addressOut.address(), outLength(state, addressOut));
        return r < 0 ? r : state.get(INT, Native.SCRATCH);
    }

    /** Bytes sent, or negated errno. Add {@link #MSG_NOSIGNAL} on streams. */
    public static int send(int fd, MemorySegment buffer, long at, long length, int flags) {
        return SEND.call(fd, Io.address(buffer, at, length), length, flags);
    }

    /** Bytes received (0 = end of stream), or negated errno. */
    public static int recv(int fd, MemorySegment buffer, long at, long length, int flags) {
        return RECV.call(fd, Io.address(buffer, at, length), length, flags);
    }

    public static int sendto(
            int fd, MemorySegment buffer, long at, long length, int flags, MemorySegment address, int addressLength) {
        return SENDTO.call(
                fd,
                Io.address(buffer, at, length),
                length,
                flags,
                Io.address(address, 0, addressLength),
                addressLength);
    }

    /** Receives a datagram and writes its sender to {@code addressOut}; the family there is 0 if the sender has no name. */
    public static int recvfrom(
            int fd, MemorySegment buffer, long at, long length, int flags, MemorySegment addressOut) {
        long outLength = outLength(Native.state(), addressOut);
        return RECVFROM.call(fd, Io.address(buffer, at, length), length, flags, addressOut.address(), outLength);
    }

    /** @param header a {@code struct msghdr} at offset 0, as {@link Message#putHeader} writes it */
    public static int sendmsg(int fd, MemorySegment header, int flags) {
        return SENDMSG.call(fd, Io.address(header, 0, Message.HEADER), flags);
    }

    /** Receives into the memory {@code header} names; the kernel shortens its lengths, so write them anew for each call. */
    public static int recvmsg(int fd, MemorySegment header, int flags) {
        return RECVMSG.call(fd, Io.address(header, 0, Message.HEADER), flags);
    }

    /**
     * Messages sent (maybe fewer than {@code count}), or negated errno if the first failed.
     *
     * @param vector {@code count} times {@code struct mmsghdr}
     */
    public static int sendmmsg(int fd, MemorySegment vector, int count, int flags) {
        return SENDMMSG.call(fd, Io.address(vector, 0, (long) count * Message.MULTI_HEADER), count, flags);
    }

    /** Messages received, or negated errno; each one's length is at {@link Message#MULTI_LENGTH} of its entry. */
    public static int recvmmsg(int fd, MemorySegment vector, int count, int flags) {
        return RECVMMSG.call(fd, Io.address(vector, 0, (long) count * Message.MULTI_HEADER), count, flags, 0);
    }

    public static int setOption(int fd, int level, int name, int value) {
        MemorySegment state = Native.state();
        state.set(INT, Native.SCRATCH, value);
        return SETSOCKOPT.call(fd, level, name, state.address() + Native.SCRATCH, 4);
    }

    public static int setOption(int fd, int level, int name, MemorySegment value, long at, int length) {
        return SETSOCKOPT.call(fd, level, name, Io.address(value, at, length), length);
    }

    /**
     * The value of an {@code int} option, or negated errno. Never throws; of use for options whose values are not negative, as nearly
     * all are (SO_ERROR yields the positive errno and clears it).
     */
    public static int option(int fd, int level, int name) {
        MemorySegment state = Native.state();
        long scratch = state.address() + Native.SCRATCH;
        state.set(INT, Native.SCRATCH, 0);
        state.set(INT, Native.SCRATCH + 4, 4);
        int r = GETSOCKOPT.call(fd, level, name, scratch, scratch + 4);
        return r < 0 ? r : state.get(INT, Native.SCRATCH);
    }

    /** Writes an option's value to {@code out}; its length, or negated errno. */
    public static int option(int fd, int level, int name, MemorySegment out, long at, int length) {
        MemorySegment state = Native.state();
        state.set(INT, Native.SCRATCH, length);
        int r = GETSOCKOPT.call(fd, level, name, Io.address(out, at, length), state.address() + Native.SCRATCH);
        return r < 0 ? r : state.get(INT, Native.SCRATCH);
    }

    /** The state of a TCP connection, such as {@link #TCP_CLOSE}, or negated errno for every other socket. */
    public static int tcpState(int fd) {
        MemorySegment state = Native.state();
        long scratch = state.address() + Native.SCRATCH;
        state.set(INT, Native.SCRATCH, 0);
        state.set(INT, Native.SCRATCH + 4, 1); // the state is the first byte of struct tcp_info
        int r = GETSOCKOPT.call(fd, IPPROTO_TCP, TCP_INFO, scratch, scratch + 4);
        return r < 0 ? r : state.get(ValueLayout.JAVA_BYTE, Native.SCRATCH);
    }

    /** Bytes written that the other side has not acknowledged yet (tcp(7)), or negated errno. */
    public static int unacknowledged(int fd) {
        MemorySegment state = Native.state();
        state.set(INT, Native.SCRATCH, 0);
        int r = Tun.ioctl(fd, SIOCOUTQ, state.address() + Native.SCRATCH);
        return r < 0 ? r : state.get(INT, Native.SCRATCH);
    }

    /** Prepares an address out-parameter and its length in the scratch bytes; the length's address. */
    private static long outLength(MemorySegment state, MemorySegment addressOut) {
        SocketAddress.clear(addressOut);
        state.set(INT, Native.SCRATCH, (int) addressOut.byteSize());
        return state.address() + Native.SCRATCH;
    }
}
