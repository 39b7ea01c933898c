package dev.sluice.posix;

import static dev.sluice.posix.Native.INT;
import static dev.sluice.posix.Native.LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

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

    private static final FunctionDescriptor INTS2 = FunctionDescriptor.of(INT, INT, INT);
    private static final FunctionDescriptor INTS3 = FunctionDescriptor.of(INT, INT, INT, INT);
    private static final FunctionDescriptor ADDRESS_IN = FunctionDescriptor.of(INT, INT, LONG, INT);
    private static final FunctionDescriptor ADDRESS_OUT = FunctionDescriptor.of(INT, INT, LONG, LONG);
    private static final FunctionDescriptor TRANSFER = FunctionDescriptor.of(LONG, INT, LONG, LONG, INT);
    private static final FunctionDescriptor HEADER = FunctionDescriptor.of(LONG, INT, LONG, INT);

    private static final MethodHandle SOCKET = Native.call("socket", INTS3);
    private static final MethodHandle SOCKETPAIR =
            Native.call("socketpair", FunctionDescriptor.of(INT, INT, INT, INT, LONG));
    private static final MethodHandle BIND = Native.call("bind", ADDRESS_IN);
    private static final MethodHandle CONNECT = Native.call("connect", ADDRESS_IN);
    private static final MethodHandle LISTEN = Native.call("listen", INTS2);
    private static final MethodHandle SHUTDOWN = Native.call("shutdown", INTS2);
    private static final MethodHandle ACCEPT = Native.call("accept4", FunctionDescriptor.of(INT, INT, LONG, LONG, INT));
    private static final MethodHandle GETSOCKNAME = Native.call("getsockname", ADDRESS_OUT);
    private static final MethodHandle GETPEERNAME = Native.call("getpeername", ADDRESS_OUT);
    private static final MethodHandle SEND = Native.call("send", TRANSFER);
    private static final MethodHandle RECV = Native.call("recv", TRANSFER);
    private static final MethodHandle SENDTO =
            Native.call("sendto", FunctionDescriptor.of(LONG, INT, LONG, LONG, INT, LONG, INT));
    private static final MethodHandle RECVFROM =
            Native.call("recvfrom", FunctionDescriptor.of(LONG, INT, LONG, LONG, INT, LONG, LONG));
    private static final MethodHandle SENDMSG = Native.call("sendmsg", HEADER);
    private static final MethodHandle RECVMSG = Native.call("recvmsg", HEADER);
    private static final MethodHandle SENDMMSG =
            Native.call("sendmmsg", FunctionDescriptor.of(INT, INT, LONG, INT, INT));
    private static final MethodHandle RECVMMSG =
            Native.call("recvmmsg", FunctionDescriptor.of(INT, INT, LONG, INT, INT, LONG));
    private static final MethodHandle SETSOCKOPT =
            Native.call("setsockopt", FunctionDescriptor.of(INT, INT, INT, INT, LONG, INT));
    private static final MethodHandle GETSOCKOPT =
            Native.call("getsockopt", FunctionDescriptor.of(INT, INT, INT, INT, LONG, LONG));

    private Sockets() {}

    /** A new non-blocking, close-on-exec socket: its descriptor, or negated errno. */
    public static int socket(int family, int type, int protocol) {
        try {
            MemorySegment state = Native.state();
            int r = (int) SOCKET.invokeExact(state, family, type | NONBLOCK_CLOEXEC, protocol);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Two connected non-blocking sockets. Set-up: allocates and throws. */
    public static int[] socketpair(int family, int type) throws PosixException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            MemorySegment ends = arena.allocate(8, 4);
            int r = (int) SOCKETPAIR.invokeExact(state, family, type | NONBLOCK_CLOEXEC, 0, ends.address());
            PosixException.check(r < 0 ? -Native.errno(state) : r, "socketpair");
            return new int[] {ends.get(INT, 0), ends.get(INT, 4)};
        } catch (PosixException e) {
            throw e;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** @param length bytes of {@code address} that count, as {@link SocketAddress}'s writers return them */
    public static int bind(int fd, MemorySegment address, int length) {
        try {
            MemorySegment state = Native.state();
            int r = (int) BIND.invokeExact(state, fd, Io.address(address, 0, length), length);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Zero, or a negated errno: -EINPROGRESS while a TCP handshake goes on (then wait for OUT and read SO_ERROR). */
    public static int connect(int fd, MemorySegment address, int length) {
        try {
            MemorySegment state = Native.state();
            int r = (int) CONNECT.invokeExact(state, fd, Io.address(address, 0, length), length);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    public static int listen(int fd, int backlog) {
        try {
            MemorySegment state = Native.state();
            int r = (int) LISTEN.invokeExact(state, fd, backlog);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** A connection as a non-blocking, close-on-exec descriptor; its peer's address is not asked for. */
    public static int accept(int fd) {
        try {
            MemorySegment state = Native.state();
            int r = (int) ACCEPT.invokeExact(state, fd, 0L, 0L, NONBLOCK_CLOEXEC);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** As {@link #accept(int)}, and writes the peer's address to the start of {@code addressOut}, cut to its size. */
    public static int accept(int fd, MemorySegment addressOut) {
        try {
            MemorySegment state = Native.state();
            long length = outLength(state, addressOut);
            int r = (int) ACCEPT.invokeExact(state, fd, addressOut.address(), length, NONBLOCK_CLOEXEC);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** @param how {@link #SHUT_RD}, {@link #SHUT_WR} or {@link #SHUT_RDWR} */
    public static int shutdown(int fd, int how) {
        try {
            MemorySegment state = Native.state();
            int r = (int) SHUTDOWN.invokeExact(state, fd, how);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Writes the socket's own address; its length before cutting, or negated errno. */
    public static int localAddress(int fd, MemorySegment addressOut) {
        try {
            MemorySegment state = Native.state();
            int r = (int) GETSOCKNAME.invokeExact(state, fd, addressOut.address(), outLength(state, addressOut));
            return r < 0 ? -Native.errno(state) : state.get(INT, Native.SCRATCH);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Writes the peer's address; its length before cutting, or negated errno. */
    public static int peerAddress(int fd, MemorySegment addressOut) {
        try {
            MemorySegment state = Native.state();
            int r = (int) GETPEERNAME.invokeExact(state, fd, addressOut.address(), outLength(state, addressOut));
            return r < 0 ? -Native.errno(state) : state.get(INT, Native.SCRATCH);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Bytes sent, or negated errno. Add {@link #MSG_NOSIGNAL} on streams. */
    public static int send(int fd, MemorySegment buffer, long at, long length, int flags) {
        try {
            MemorySegment state = Native.state();
            long r = (long) SEND.invokeExact(state, fd, Io.address(buffer, at, length), length, flags);
            return r < 0 ? -Native.errno(state) : (int) r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Bytes received (0 = end of stream), or negated errno. */
    public static int recv(int fd, MemorySegment buffer, long at, long length, int flags) {
        try {
            MemorySegment state = Native.state();
            long r = (long) RECV.invokeExact(state, fd, Io.address(buffer, at, length), length, flags);
            return r < 0 ? -Native.errno(state) : (int) r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    public static int sendto(
            int fd, MemorySegment buffer, long at, long length, int flags, MemorySegment address, int addressLength) {
        try {
            MemorySegment state = Native.state();
            long r = (long) SENDTO.invokeExact(
                    state,
                    fd,
                    Io.address(buffer, at, length),
                    length,
                    flags,
                    Io.address(address, 0, addressLength),
                    addressLength);
            return r < 0 ? -Native.errno(state) : (int) r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Receives a datagram and writes its sender to {@code addressOut}; the family there is 0 if the sender has no name. */
    public static int recvfrom(
            int fd, MemorySegment buffer, long at, long length, int flags, MemorySegment addressOut) {
        try {
            MemorySegment state = Native.state();
            long outLength = outLength(state, addressOut);
            long r = (long) RECVFROM.invokeExact(
                    state, fd, Io.address(buffer, at, length), length, flags, addressOut.address(), outLength);
            return r < 0 ? -Native.errno(state) : (int) r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** @param header a {@code struct msghdr} at offset 0, as {@link Message#putHeader} writes it */
    public static int sendmsg(int fd, MemorySegment header, int flags) {
        try {
            MemorySegment state = Native.state();
            long r = (long) SENDMSG.invokeExact(state, fd, Io.address(header, 0, Message.HEADER), flags);
            return r < 0 ? -Native.errno(state) : (int) r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Receives into the memory {@code header} names; the kernel shortens its lengths, so write them anew for each call. */
    public static int recvmsg(int fd, MemorySegment header, int flags) {
        try {
            MemorySegment state = Native.state();
            long r = (long) RECVMSG.invokeExact(state, fd, Io.address(header, 0, Message.HEADER), flags);
            return r < 0 ? -Native.errno(state) : (int) r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /**
     * Messages sent (maybe fewer than {@code count}), or negated errno if the first failed.
     *
     * @param vector {@code count} times {@code struct mmsghdr}
     */
    public static int sendmmsg(int fd, MemorySegment vector, int count, int flags) {
        try {
            MemorySegment state = Native.state();
            long at = Io.address(vector, 0, (long) count * Message.MULTI_HEADER);
            int r = (int) SENDMMSG.invokeExact(state, fd, at, count, flags);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Messages received, or negated errno; each one's length is at {@link Message#MULTI_LENGTH} of its entry. */
    public static int recvmmsg(int fd, MemorySegment vector, int count, int flags) {
        try {
            MemorySegment state = Native.state();
            long at = Io.address(vector, 0, (long) count * Message.MULTI_HEADER);
            int r = (int) RECVMMSG.invokeExact(state, fd, at, count, flags, 0L);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    public static int setOption(int fd, int level, int name, int value) {
        try {
            MemorySegment state = Native.state();
            state.set(INT, Native.SCRATCH, value);
            int r = (int) SETSOCKOPT.invokeExact(state, fd, level, name, state.address() + Native.SCRATCH, 4);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    public static int setOption(int fd, int level, int name, MemorySegment value, long at, int length) {
        try {
            MemorySegment state = Native.state();
            int r = (int) SETSOCKOPT.invokeExact(state, fd, level, name, Io.address(value, at, length), length);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /**
     * The value of an {@code int} option, or negated errno. Never throws; of use for options whose values are not negative, as nearly
     * all are (SO_ERROR yields the positive errno and clears it).
     */
    public static int option(int fd, int level, int name) {
        try {
            MemorySegment state = Native.state();
            long scratch = state.address() + Native.SCRATCH;
            state.set(INT, Native.SCRATCH, 0);
            state.set(INT, Native.SCRATCH + 4, 4);
            int r = (int) GETSOCKOPT.invokeExact(state, fd, level, name, scratch, scratch + 4);
            return r < 0 ? -Native.errno(state) : state.get(INT, Native.SCRATCH);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Writes an option's value to {@code out}; its length, or negated errno. */
    public static int option(int fd, int level, int name, MemorySegment out, long at, int length) {
        try {
            MemorySegment state = Native.state();
            state.set(INT, Native.SCRATCH, length);
            int r = (int) GETSOCKOPT.invokeExact(
                    state, fd, level, name, Io.address(out, at, length), state.address() + Native.SCRATCH);
            return r < 0 ? -Native.errno(state) : state.get(INT, Native.SCRATCH);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Prepares an address out-parameter and its length in the scratch bytes; the length's address. */
    private static long outLength(MemorySegment state, MemorySegment addressOut) {
        SocketAddress.clear(addressOut);
        state.set(INT, Native.SCRATCH, (int) addressOut.byteSize());
        return state.address() + Native.SCRATCH;
    }
}
