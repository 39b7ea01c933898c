package dev.sluice.gateway.udp;

import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Flow;
import dev.sluice.gateway.flow.FlowTable;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.host.DatagramHost;
import dev.sluice.host.DatagramSocket;
import dev.sluice.host.HostError;
import dev.sluice.host.Opening;
import dev.sluice.loop.Timer;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * All forwards of a gateway, and the sessions through them by the four-tuple the guest sees: that is how a guest's answer is told
 * from a datagram of its own.
 */
final class UdpForwards {
    private static final int FIRST_ALIAS = 49_152;
    private static final int ALIASES = 16_384;
    /** Ports tried for a client before its datagram is dropped. */
    private static final int ALIAS_ATTEMPTS = 64;

    final UdpFlows flows;
    private final FlowTable<UdpSession> sessions;
    private final List<UdpForward> open = new ArrayList<>();
    private final long idle;
    private final Timer sweep = new Timer() {
        @Override
        protected void onTimer(long now) {
            sweep(now);
        }
    };
    private int nextAlias;

    UdpForwards(UdpFlows flows, int limit, long idle) {
        this.flows = flows;
        this.sessions = new FlowTable<>(limit);
        this.idle = idle;
    }

    Opening<UdpForward> open(
            long high,
            long low,
            int port,
            int guestAddress,
            int guestPort,
            IntFunction<? extends @Nullable Guest> guests) {
        UdpForward forward = new UdpForward(this, guestAddress, guestPort, guests);
        return switch (flows.host.openDatagram(high, low, port, forward)) {
            case Opening.Open<DatagramSocket>(DatagramSocket socket) -> {
                forward.socket = socket;
                open.add(forward);
                yield new Opening.Open<>(forward);
            }
            case Opening.Failed<DatagramSocket>(HostError error, String reason) -> new Opening.Failed<>(error, reason);
        };
    }

    /**
     * Sends a guest's datagram back to the client it answers; false if it answers none. Forwards lead to guests' IPv4 addresses.
     *
     * @param destination low half of a mapped IPv4 address
     */
    boolean onDatagram(
            Guest guest,
            int guestPort,
            long destination,
            int port,
            MemorySegment packet,
            long ipAt,
            long udpAt,
            int udpLength,
            long now) {
        if (sessions.size() == 0 || !guest.isIpv4()) {
            return false;
        }
        UdpSession session = sessions.find(guestSide(guest.address, guestPort), destination, port);
        if (session == null) {
            return false;
        }
        sessions.use(session, now);
        session.traffic.bytesToHost += udpLength - UdpHeader.LENGTH;
        DatagramSocket socket = session.forward.socket();
        socket.from(session.client.toHigh, session.client.toLow);
        flows.count(socket.send(
                session.client.high(),
                session.client.low(),
                session.client.port(),
                Math.max(1, Ipv4Header.timeToLive(packet, ipAt) - 1),
                Ipv4Header.typeOfService(packet, ipAt),
                packet,
                udpAt + UdpHeader.LENGTH,
                udpLength - UdpHeader.LENGTH));
        return true;
    }

    /**
     * A new session. The guest sees the client's own address and port; or, where an answer to that address would not come here
     * (loopback, the guest network itself, IPv6) or another forward already shows it, a port of the gateway.
     */
    @Nullable
    UdpSession start(UdpForward forward, long high, long low, int port, long now) {
        if (sessions.isFull()) {
            UdpSession idlest = sessions.idlest();
            if (idlest != null) {
                end(idlest, "evicted");
                flows.counters.drop(Drop.UDP_FLOW_EVICTED);
            }
        }
        long guestSide = guestSide(forward.guestAddress(), forward.guestPort());
        int address = (int) low;
        boolean routable = DatagramHost.isIpv4(high, low)
                && address >>> 24 != 127
                && address >>> 24 != 0
                && !flows.plan.subnet().contains(address)
                && sessions.find(guestSide, low, port) == null;
        int seenPort = routable ? port : alias(guestSide, port);
        if (seenPort == 0) {
            return null;
        }
        long seen = routable ? low : DatagramHost.mapped(flows.plan.gateway().bits());
        UdpSession session = new UdpSession(forward, guestSide, seen, seenPort, high, low, port, now);
        sessions.add(session, now);
        if (!sweep.isArmed()) {
            flows.loop.schedule(sweep, now + idle);
        }
        return session;
    }

    /** A port of the gateway that stands for a client: its own if free. */
    private int alias(long guestSide, int wanted) {
        long gateway = DatagramHost.mapped(flows.plan.gateway().bits());
        int port = wanted;
        for (int i = 0; i < ALIAS_ATTEMPTS; i++) {
            if (!flows.isService(port) && sessions.find(guestSide, gateway, port) == null) {
                return port;
            }
            port = FIRST_ALIAS + nextAlias;
            nextAlias = (nextAlias + 1) % ALIASES;
        }
        return 0;
    }

    void forEach(Consumer<? super Flow> action) {
        for (UdpSession s = sessions.idlest(); s != null; s = sessions.newer(s)) {
            action.accept(s);
        }
    }

    void use(UdpSession session, long now) {
        sessions.use(session, now);
    }

    void end(UdpSession session, String reason) {
        flows.events.closed(session, reason, flows.loop.now());
        session.end();
        sessions.remove(session);
        session.forward.forget(session.client);
    }

    /** Ends the forward and its sessions. */
    void end(UdpForward forward) {
        open.remove(forward);
        UdpSession session = sessions.idlest();
        while (session != null) {
            UdpSession next = sessions.newer(session);
            if (session.forward == forward) {
                end(session, "forward-closed");
            }
            session = next;
        }
    }

    private void sweep(long now) {
        UdpSession session = sessions.idlest();
        while (session != null && now - session.lastUsed() >= idle) {
            end(session, "idle");
            session = sessions.idlest();
        }
        if (session != null) {
            flows.loop.schedule(sweep, session.lastUsed() + idle);
        }
    }

    void close() {
        flows.loop.cancel(sweep);
        for (UdpForward forward : List.copyOf(open)) {
            forward.close();
        }
    }

    /** The guest's address and port as the first part of a session's key. */
    private static long guestSide(int address, int port) {
        return (address & 0xffff_ffffL) << 16 | port;
    }
}
