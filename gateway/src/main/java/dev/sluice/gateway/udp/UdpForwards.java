package dev.sluice.gateway.udp;

import dev.sluice.gateway.flow.Destination;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Flow;
import dev.sluice.gateway.flow.FlowTable;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.host.DatagramSocket;
import dev.sluice.host.HostError;
import dev.sluice.host.Opening;
import dev.sluice.loop.Timer;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
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
    private final FlowTable<UdpService> services = new FlowTable<>(UdpService.LIMIT);
    private final BitSet numbers = new BitSet();
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
            long high, long low, int port, IpAddress guest, int guestPort, Supplier<? extends @Nullable Guest> guests) {
        UdpForward forward = new UdpForward(this, service(guest, guestPort), guests);
        return switch (flows.host.listenDatagram(high, low, port, forward)) {
            case Opening.Open<DatagramSocket>(DatagramSocket socket) -> {
                forward.socket = socket;
                open.add(forward);
                yield new Opening.Open<>(forward);
            }
            case Opening.Failed<DatagramSocket>(HostError error, String reason) -> {
                release(forward.service);
                yield new Opening.Failed<>(error, reason);
            }
        };
    }

    /** That of a guest's address and port, for one forward more. */
    private UdpService service(IpAddress guest, int port) {
        UdpService service = services.find(guest.high(), guest.low(), port);
        if (service == null) {
            int number = numbers.nextClearBit(0);
            service = new UdpService(guest, port, number);
            services.add(service, 0);
            numbers.set(number);
        }
        service.forwards++;
        return service;
    }

    private void release(UdpService service) {
        if (--service.forwards == 0) {
            services.remove(service);
            numbers.clear(service.number());
        }
    }

    /**
     * Sends a guest's datagram back to the client it answers; false if it answers none.
     *
     * @param high the destination, with {@code low}
     */
    boolean onDatagram(
            Guest guest,
            int guestPort,
            long high,
            long low,
            int port,
            MemorySegment packet,
            long ipAt,
            long udpAt,
            int udpLength,
            long now) {
        if (sessions.size() == 0) {
            return false;
        }
        UdpService service = services.find(guest.high, guest.low, guestPort);
        UdpSession session = service == null ? null : sessions.find(high, low, service.key(port));
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
                Math.max(1, IpHeader.hopLimit(packet, ipAt) - 1),
                IpHeader.trafficClass(packet, ipAt),
                packet,
                udpAt + UdpHeader.LENGTH,
                udpLength - UdpHeader.LENGTH));
        return true;
    }

    /**
     * A new session. The guest sees the client's own address and port; or, where an answer to that address would not come here
     * (loopback, the guest network itself, the other family) or another forward already shows it, a port of the gateway.
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
        UdpService service = forward.service;
        boolean ipv4 = service.isIpv4();
        boolean shown = IpHeader.isIpv4(high, low) == ipv4
                && Destination.of(flows.plan, high, low) == Destination.WORLD
                && sessions.find(high, low, service.key(port)) == null;
        long seenHigh = shown ? high : flows.plan.gatewayHigh(ipv4);
        long seenLow = shown ? low : flows.plan.gatewayLow(ipv4);
        int seenPort = shown ? port : alias(service, seenHigh, seenLow, port);
        if (seenPort == 0) {
            return null;
        }
        UdpSession session = new UdpSession(forward, seenHigh, seenLow, seenPort, high, low, port, now);
        sessions.add(session, now);
        if (!sweep.isArmed()) {
            flows.loop.schedule(sweep, now + idle);
        }
        return session;
    }

    /** A port of the gateway that stands for a client: its own if free. */
    private int alias(UdpService service, long gatewayHigh, long gatewayLow, int wanted) {
        int port = wanted;
        for (int i = 0; i < ALIAS_ATTEMPTS; i++) {
            if (!flows.isService(port) && sessions.find(gatewayHigh, gatewayLow, service.key(port)) == null) {
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
        release(forward.service);
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
}
