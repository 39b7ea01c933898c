package dev.sluice.net;

import dev.sluice.loop.Loop;
import dev.sluice.net.ip.HostLink;
import dev.sluice.net.ip.IpInterface;
import dev.sluice.net.ip.LocalAddress;
import dev.sluice.net.ip.Neighbour;
import dev.sluice.stack.ip.IcmpError;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** UDP on the loop: the sockets by port. Confined to the loop but for {@link #checkRoute}. */
final class UdpEngine {
    final Loop loop;
    private final HostLink link;
    private final IpInterface ip;
    private final NetCounters counters;
    private final NetLimits limits;
    private final EphemeralPorts ports;
    private final Map<Integer, UdpSocket> sockets = new HashMap<>();
    private final ArrayDeque<UdpSocket> stalled = new ArrayDeque<>();
    private final MemorySegment memory = Arena.ofAuto().allocate(IpInterface.HEADROOM + 65_536L, 8);

    UdpEngine(
            Loop loop, HostLink link, IpInterface ip, NetCounters counters, NetLimits limits, RandomGenerator random) {
        this.loop = loop;
        this.link = link;
        this.ip = ip;
        this.counters = counters;
        this.limits = limits;
        this.ports = new EphemeralPorts(random);
    }

    UdpSocket bind(int port, @Nullable IpAddress peer, int peerPort) throws NetException {
        if (sockets.size() >= limits.udpSockets()) {
            throw new NetException.LimitReached("there are " + limits.udpSockets()
                    + " UDP sockets already; close some, or open the stack with higher NetLimits");
        }
        int chosen = port == 0 ? freePort() : port;
        if (sockets.containsKey(chosen)) {
            throw new NetException.AddressInUse("UDP port " + chosen + " has a socket already; close it first");
        }
        UdpSocket socket = new UdpSocket(this, chosen, limits.udpQueueBytes(), peer, peerPort);
        sockets.put(chosen, socket);
        return socket;
    }

    private int freePort() throws NetException {
        int port = ports.choose(p -> !sockets.containsKey(p));
        if (port < 0) {
            throw new NetException.AddressInUse("all UDP ports of the dynamic range are in use");
        }
        return port;
    }

    void unbind(UdpSocket socket) {
        sockets.remove(socket.port(), socket);
    }

    /** Says at once what can be known at once. Any thread. */
    void checkRoute(IpAddress address) throws NetException {
        String why = ip.noRoute(address);
        if (why != null) {
            throw new NetException.Unreachable("no route to " + address + ": " + why, NetException.Unreachable.LOCAL);
        }
    }

    boolean congested() {
        return link.congested();
    }

    void stall(UdpSocket socket) {
        if (!socket.stalled) {
            socket.stalled = true;
            stalled.add(socket);
        }
    }

    /** As {@link TcpEngine#onRoom}. */
    void onRoom() {
        for (int n = stalled.size(); n > 0 && !link.congested(); n--) {
            UdpSocket socket = stalled.remove();
            socket.stalled = false;
            socket.flush();
        }
    }

    void send(UdpSocket socket, Datagram datagram) {
        long high = datagram.address().high();
        long low = datagram.address().low();
        Neighbour to = ip.route(high, low);
        LocalAddress own = ip.source(high, low);
        if (to == null || own == null) {
            counters.ip.noRoute++;
            return;
        }
        byte[] payload = datagram.payload();
        int length = UdpHeader.LENGTH + payload.length;
        long at = IpInterface.HEADROOM;
        UdpHeader.write(memory, at, socket.port(), datagram.port(), length);
        MemorySegment.copy(payload, 0, memory, ValueLayout.JAVA_BYTE, at + UdpHeader.LENGTH, payload.length);
        counters.datagramsOut++;
        ip.send(to, own.high, own.low, high, low, Ipv4Header.PROTOCOL_UDP, memory, at, length, UdpHeader.CHECKSUM);
    }

    /**
     * A checked datagram for this host or everybody.
     *
     * @param length header and payload
     * @return false if no socket wants it
     */
    boolean onDatagram(MemorySegment packet, long ipAt, long at, int length) {
        UdpSocket socket = sockets.get(UdpHeader.destinationPort(packet, at));
        long high = IpHeader.sourceHigh(packet, ipAt);
        long low = IpHeader.sourceLow(packet, ipAt);
        int port = UdpHeader.sourcePort(packet, at);
        if (socket == null || !socket.listensTo(high, low, port)) {
            return false;
        }
        int size = length - UdpHeader.LENGTH;
        if (!socket.admits(size)) {
            counters.datagramsDropped++;
            return true;
        }
        byte[] payload = new byte[size];
        MemorySegment.copy(packet, ValueLayout.JAVA_BYTE, at + UdpHeader.LENGTH, payload, 0, size);
        counters.datagramsIn++;
        socket.onDatagram(new Datagram(IpHeader.address(high, low), port, payload));
        return true;
    }

    /** An ICMP error about a datagram of ours. */
    void onError(IcmpError report, MemorySegment s) {
        UdpSocket socket = sockets.get(report.sourcePort(s));
        long high = IpHeader.destinationHigh(s, report.packetAt);
        long low = IpHeader.destinationLow(s, report.packetAt);
        int port = report.destinationPort(s);
        if (socket == null || !socket.listensTo(high, low, port) || report.mtu >= 0) {
            return; // what was too long for the path is cut where that can be known
        }
        int type = report.type;
        int code = report.code;
        IpAddress address = IpHeader.address(high, low);
        boolean refused = type == IcmpHeader.DESTINATION_UNREACHABLE && code == IcmpHeader.PORT_UNREACHABLE;
        socket.onError(
                refused
                        ? new Failure(Failure.Kind.REFUSED, "nobody receives on UDP port " + port + " of " + address)
                        : new Failure(
                                Failure.Kind.UNREACHABLE,
                                address + " is unreachable: " + Icmp.reason(type, code),
                                code));
    }

    /** Ends everything; {@code why} is what users are told. */
    void close(Failure why) {
        sockets.values().forEach(socket -> socket.end(why));
        sockets.clear();
    }
}
