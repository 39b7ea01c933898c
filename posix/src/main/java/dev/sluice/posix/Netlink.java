package dev.sluice.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Interfaces, addresses and routes of one network namespace (rtnetlink(7)): the one that the creating thread was in. Blocking, for one
 * platform thread at a time; every call throws with the kernel's own explanation where it gives one.
 */
public final class Netlink implements AutoCloseable {
    private static final int NETLINK_ROUTE = 0;
    private static final int SOL_NETLINK = 270;
    private static final int NETLINK_CAP_ACK = 10;
    private static final int NETLINK_EXT_ACK = 11;

    private static final int NLMSG_ERROR = 2;
    private static final int NLMSG_DONE = 3;
    private static final int NLM_F_REQUEST = 0x1;
    private static final int NLM_F_ACK = 0x4;
    private static final int NLM_F_ACK_TLVS = 0x200;
    private static final int NLM_F_DUMP = 0x300;
    private static final int NLM_F_CREATE_EXCLUSIVE = 0x600;
    private static final int NLMSGERR_ATTR_MSG = 1;
    /** In an error: code, then the header of the message it is about. */
    private static final int ERROR_ATTRIBUTES = NetlinkMessage.HEADER + 4 + NetlinkMessage.HEADER;

    private static final int RTM_NEWLINK = 16;
    private static final int RTM_GETLINK = 18;
    private static final int RTM_NEWADDR = 20;
    private static final int RTM_GETADDR = 22;
    private static final int RTM_NEWROUTE = 24;
    private static final int RTM_GETROUTE = 26;
    private static final int IFINFOMSG = 16;
    private static final int IFADDRMSG = 8;
    private static final int RTMSG = 12;

    private static final int IFLA_ADDRESS = 1;
    private static final int IFLA_IFNAME = 3;
    private static final int IFLA_MTU = 4;
    private static final int IFLA_TXQLEN = 13;
    private static final int IFA_ADDRESS = 1;
    private static final int IFA_LOCAL = 2;
    private static final int RTA_DST = 1;
    private static final int RTA_OIF = 4;
    private static final int RTA_GATEWAY = 5;
    private static final int IFF_UP = 1;
    private static final int RT_TABLE_MAIN = 254;
    private static final int RTPROT_STATIC = 4;
    private static final int RTN_UNICAST = 1;
    private static final int RTNH_F_ONLINK = 4;
    private static final int IFA_F_NODAD = 2;

    private static final int BUFFER = 64 * 1024;
    private static final int PATIENCE_MILLIS = 5000;
    /** More than any host has; a dump that goes on longer is cut off. */
    private static final int LIST_LIMIT = 100_000;

    /** An address of an interface. */
    public record InterfaceAddress(int index, InetAddress address, int prefix) {}

    /**
     * A route of the main table.
     *
     * @param destination empty for a default route
     * @param gateway empty for networks on the link
     * @param index the interface, 0 if it has several
     */
    public record Route(
            boolean ipv6, Optional<InetAddress> destination, int prefix, Optional<InetAddress> gateway, int index) {}

    /** Takes one message of a dump. */
    @FunctionalInterface
    private interface Visitor {
        void visit(MemorySegment buffer, int at, int end);
    }

    private final int fd;
    private final Arena arena = Arena.ofAuto();
    private final MemorySegment buffer = arena.allocate(BUFFER, 8);
    private final MemorySegment sender = arena.allocate(SocketAddress.CAPACITY, 8);
    private int sequence;

    /** Opens a socket in the calling thread's network namespace. */
    public Netlink() throws PosixException {
        fd = PosixException.check(
                Sockets.socket(Sockets.AF_NETLINK, Sockets.RAW, NETLINK_ROUTE), "socket(AF_NETLINK, NETLINK_ROUTE)");
        // both only make errors tell more
        int _ = Sockets.setOption(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
        int _ = Sockets.setOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
    }

    /** The number of interface {@code name}. */
    public int index(String name) throws PosixException {
        try (Arena message = Arena.ofConfined()) {
            int[] index = new int[1];
            request(
                    link(message, RTM_GETLINK, 0, 0, 0).attribute(IFLA_IFNAME, name),
                    "interface " + name,
                    RTM_NEWLINK,
                    (s, at, end) -> {
                        if (end - at >= NetlinkMessage.HEADER + IFINFOMSG) {
                            index[0] = NetlinkMessage.i32(s, at + NetlinkMessage.HEADER + 4);
                        }
                    });
            if (index[0] <= 0) {
                throw new PosixException("interface " + name, Errno.ENODEV);
            }
            return index[0];
        }
    }

    public void setUp(int index) throws PosixException {
        try (Arena message = Arena.ofConfined()) {
            act(link(message, RTM_NEWLINK, index, IFF_UP, IFF_UP), "bring interface " + index + " up");
        }
    }

    /** @param mtu largest IP packet in bytes */
    public void setMtu(int index, int mtu) throws PosixException {
        try (Arena message = Arena.ofConfined()) {
            act(link(message, RTM_NEWLINK, index, 0, 0).attribute(IFLA_MTU, mtu), "set the MTU " + mtu);
        }
    }

    /** @param packets how many may wait for the device's reader */
    public void setQueueLength(int index, int packets) throws PosixException {
        try (Arena message = Arena.ofConfined()) {
            act(link(message, RTM_NEWLINK, index, 0, 0).attribute(IFLA_TXQLEN, packets), "set the queue length");
        }
    }

    /** @param mac in the low 48 bits */
    public void setMac(int index, long mac) throws PosixException {
        byte[] bytes = new byte[6];
        ByteBuffer.wrap(bytes).putShort((short) (mac >>> 32)).putInt((int) mac);
        try (Arena message = Arena.ofConfined()) {
            act(link(message, RTM_NEWLINK, index, 0, 0).attribute(IFLA_ADDRESS, bytes), "set the hardware address");
        }
    }

    private NetlinkMessage link(Arena message, int type, int index, int flags, int change) {
        return message(message, type, 0)
                .put8(Sockets.AF_UNSPEC, 0)
                .put16(0)
                .put32(index)
                .put32(flags)
                .put32(change);
    }

    /** Gives an interface an address; an IPv6 one is usable at once (no duplicate address detection). */
    public void addAddress(int index, InetAddress address, int prefix) throws PosixException {
        byte[] bytes = address.getAddress();
        boolean v4 = bytes.length == 4;
        try (Arena arena = Arena.ofConfined()) {
            NetlinkMessage message = message(arena, RTM_NEWADDR, NLM_F_CREATE_EXCLUSIVE)
                    .put8(family(bytes), prefix, v4 ? 0 : IFA_F_NODAD, 0)
                    .put32(index)
                    .attribute(IFA_LOCAL, bytes)
                    .attribute(IFA_ADDRESS, bytes);
            act(message, "add the address " + address.getHostAddress() + "/" + prefix);
        }
    }

    /** A route for everything that has no better one; the gateway need not be in a network of the interface. */
    public void addDefaultRoute(int index, InetAddress gateway) throws PosixException {
        route(index, new byte[0], 0, gateway, "add the default route via " + gateway.getHostAddress());
    }

    public void addRoute(int index, InetAddress network, int prefix, InetAddress gateway) throws PosixException {
        String what =
                "add the route to " + network.getHostAddress() + "/" + prefix + " via " + gateway.getHostAddress();
        route(index, network.getAddress(), prefix, gateway, what);
    }

    private void route(int index, byte[] network, int prefix, InetAddress gateway, String what) throws PosixException {
        try (Arena arena = Arena.ofConfined()) {
            NetlinkMessage message = message(arena, RTM_NEWROUTE, NLM_F_CREATE_EXCLUSIVE)
                    .put8(family(gateway.getAddress()), prefix, 0, 0)
                    .put8(RT_TABLE_MAIN, RTPROT_STATIC, 0, RTN_UNICAST)
                    .put32(RTNH_F_ONLINK);
            if (network.length > 0) {
                message.attribute(RTA_DST, network);
            }
            act(message.attribute(RTA_GATEWAY, gateway.getAddress()).attribute(RTA_OIF, index), what);
        }
    }

    /** All addresses of all interfaces, both families. */
    public List<InterfaceAddress> addresses() throws PosixException {
        List<InterfaceAddress> found = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            NetlinkMessage message =
                    message(arena, RTM_GETADDR, NLM_F_DUMP).put8(0, 0, 0, 0).put32(0);
            request(message, "list addresses", RTM_NEWADDR, (s, at, end) -> readAddress(s, at, end, found));
        }
        return found;
    }

    static void readAddress(MemorySegment s, int at, int end, List<InterfaceAddress> found) {
        int body = at + NetlinkMessage.HEADER;
        int attributes = body + IFADDRMSG;
        if (end < attributes || found.size() >= LIST_LIMIT) {
            return;
        }
        // on point-to-point links IFA_ADDRESS is the peer's
        Optional<InetAddress> local = address(NetlinkMessage.find(s, attributes, end, IFA_LOCAL));
        local.or(() -> address(NetlinkMessage.find(s, attributes, end, IFA_ADDRESS)))
                .ifPresent(address -> found.add(new InterfaceAddress(
                        NetlinkMessage.i32(s, body + 4), address, NetlinkMessage.u8(s, body + 1))));
    }

    /** The unicast routes of the main table, both families. */
    public List<Route> routes() throws PosixException {
        List<Route> found = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            NetlinkMessage message = message(arena, RTM_GETROUTE, NLM_F_DUMP)
                    .put8(0, 0, 0, 0, 0, 0, 0, 0)
                    .put32(0);
            request(message, "list routes", RTM_NEWROUTE, (s, at, end) -> readRoute(s, at, end, found));
        }
        return found;
    }

    static void readRoute(MemorySegment s, int at, int end, List<Route> found) {
        int body = at + NetlinkMessage.HEADER;
        int attributes = body + RTMSG;
        if (end < attributes
                || found.size() >= LIST_LIMIT
                || NetlinkMessage.u8(s, body + 4) != RT_TABLE_MAIN
                || NetlinkMessage.u8(s, body + 7) != RTN_UNICAST) {
            return;
        }
        byte[] out = NetlinkMessage.find(s, attributes, end, RTA_OIF);
        found.add(new Route(
                NetlinkMessage.u8(s, body) == Sockets.AF_INET6,
                address(NetlinkMessage.find(s, attributes, end, RTA_DST)),
                NetlinkMessage.u8(s, body + 1),
                address(NetlinkMessage.find(s, attributes, end, RTA_GATEWAY)),
                out.length == 4
                        ? ByteBuffer.wrap(out).order(ByteOrder.nativeOrder()).getInt()
                        : 0));
    }

    private static Optional<InetAddress> address(byte[] bytes) {
        if (bytes.length != 4 && bytes.length != 16) {
            return Optional.empty();
        }
        try {
            return Optional.of(InetAddress.getByAddress(bytes));
        } catch (UnknownHostException e) {
            return Optional.empty();
        }
    }

    private static int family(byte[] address) {
        return address.length == 4 ? Sockets.AF_INET : Sockets.AF_INET6;
    }

    private NetlinkMessage message(Arena arena, int type, int flags) {
        int ack = flags == NLM_F_DUMP ? 0 : NLM_F_ACK;
        return new NetlinkMessage(arena, type, NLM_F_REQUEST | ack | flags, ++sequence);
    }

    private void act(NetlinkMessage message, String what) throws PosixException {
        request(message, what, -1, (_, _, _) -> {});
    }

    /** Sends a request and reads its answers until the one that ends them; those of {@code type} go to the visitor. */
    private void request(NetlinkMessage message, String what, int type, Visitor visitor) throws PosixException {
        MemorySegment bytes = message.finish();
        PosixException.check(Sockets.send(fd, bytes, 0, bytes.byteSize(), 0), what);
        while (true) {
            if (Poll.await(fd, Poll.IN, PATIENCE_MILLIS) == 0) {
                throw new PosixException(what, Errno.ETIMEDOUT);
            }
            int n = Sockets.recvfrom(fd, buffer, 0, BUFFER, Sockets.MSG_TRUNC, sender);
            if (n == -Errno.EINTR || n == -Errno.EAGAIN) {
                continue;
            }
            PosixException.check(n, what);
            if (n > BUFFER) {
                throw new PosixException(what, Errno.EMSGSIZE);
            }
            // port 0 is the kernel; any process may send to us
            boolean fromKernel = sender.get(ValueLayout.JAVA_INT, 4) == 0;
            if (fromKernel && readAnswer(n, what, type, visitor)) {
                return;
            }
        }
    }

    /** True if the answer is complete. */
    private boolean readAnswer(int end, String what, int type, Visitor visitor) throws PosixException {
        int at = 0;
        int length;
        while ((length = NetlinkMessage.length(buffer, at, end)) > 0) {
            if (NetlinkMessage.sequence(buffer, at) == sequence) {
                int messageType = NetlinkMessage.type(buffer, at);
                if (messageType == NLMSG_DONE) {
                    return true;
                } else if (messageType == NLMSG_ERROR && length >= NetlinkMessage.HEADER + 4) {
                    throwIfError(at, length, what);
                    return true;
                } else if (messageType == type) {
                    visitor.visit(buffer, at, at + length);
                }
            }
            at = NetlinkMessage.next(buffer, at);
        }
        return false;
    }

    private void throwIfError(int at, int length, String what) throws PosixException {
        int error = NetlinkMessage.i32(buffer, at + NetlinkMessage.HEADER);
        if (error == 0) {
            return;
        }
        String explanation = "";
        if ((NetlinkMessage.flags(buffer, at) & NLM_F_ACK_TLVS) != 0) {
            byte[] text = NetlinkMessage.find(buffer, at + ERROR_ATTRIBUTES, at + length, NLMSGERR_ATTR_MSG);
            explanation = new String(text, StandardCharsets.UTF_8).replace("\0", "");
        }
        throw new PosixException(explanation.isEmpty() ? what : what + " (" + explanation + ")", -error);
    }

    @Override
    public void close() {
        Io.close(fd);
    }
}
