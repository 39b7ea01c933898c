package dev.sluice.gateway.tcp;

import dev.sluice.gateway.flow.Flow;
import dev.sluice.gateway.flow.FlowInfo;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.Traffic;
import dev.sluice.host.HostError;
import dev.sluice.host.Joint;
import dev.sluice.host.StreamHost;
import dev.sluice.host.StreamSocket;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A client of a published port, joined to the service without frames: in the guest's namespace, or where the forward's own connector
 * leads. Confined to the loop.
 */
final class Shortcut extends Joint implements Flow {
    private static final byte[] NOTHING = {};

    private final TcpInbound inbound;
    /** Sockets of the guest's namespace; null if the forward has a connector of its own. */
    private final @Nullable StreamHost inside;

    private final TcpForward.Client who;
    private final Traffic traffic;
    /** Services often listen on loopback alone: tried when the guest's own address refuses, or is not known. */
    private boolean triedLoopback;

    private boolean refused;
    /** What the service hears before the client; null until it is connected. */
    private byte @Nullable [] header;

    private int headerSaid;
    /** The service has ended its stream, and the client's socket has all of it. */
    private boolean served;

    Shortcut(TcpInbound inbound, @Nullable StreamHost inside, TcpForward.Client who) {
        super(inbound.scratch);
        this.inbound = inbound;
        this.inside = inside;
        this.who = who;
        this.traffic = new Traffic(inbound.flows.counters, inbound.flows.loop.now());
        client.socket(who.socket());
        connect();
    }

    TcpForward forward() {
        return who.forward();
    }

    private void connect() {
        TcpForward.Connector connector = who.forward().connector;
        StreamHost sockets = inside;
        if (connector != null || sockets == null) {
            triedLoopback = true;
            service.socket(Objects.requireNonNull(connector).connect(service));
            return;
        }
        Guest guest = who.guest();
        triedLoopback = guest == null || service.hasSocket();
        IpAddress address = triedLoopback || guest == null ? Ipv4Address.LOOPBACK : guest.ipAddress();
        service.socket(sockets.connect(address, who.forward().guestPort, StreamHost.DEFAULT_TTL, service));
    }

    @Override
    protected void connectFailed(HostError error) {
        refused |= error == HostError.REFUSED || inside == null;
        if (isClosed()) {
            return;
        }
        if (!triedLoopback && error != HostError.NO_RESOURCES) {
            connect();
        } else if (refused) {
            inbound.flows.counters.tcpRefused++;
            reset();
        } else {
            // no socket at hand, or no loopback in there: then by frames
            abandon(inbound.flow(who));
        }
    }

    @Override
    protected void connected() {
        if (isClosed()) {
            return;
        }
        int seconds = inbound.flows.limits.tcpKeepAliveSeconds();
        if (seconds > 0 && !who.peer().isLoopback()) {
            client.socket().keepAlive(seconds); // the service's own questions end at our socket
        }
        header = who.forward().proxy ? proxyHeader() : NOTHING;
        begin();
    }

    private byte[] proxyHeader() {
        int length = inbound.writeProxyHeader(who);
        return inbound.scratch.memory().asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
    }

    @Override
    protected void serviceHasRoom() {
        begin();
    }

    /** Carries from now on, if the service is there and has all that is to be said first. */
    private void begin() {
        if (header == null || !tookHeader(header)) {
            return;
        }
        inbound.flows.counters.tcpOpened++;
        join();
        inbound.flows.events.opened(this, inbound.flows.loop.now());
    }

    /** A new socket of the system's has room for it; a channel among busy ones of an agent's may have none for a while. */
    private boolean tookHeader(byte[] header) {
        int left = header.length - headerSaid;
        if (left > 0) {
            MemorySegment memory = inbound.scratch.memory();
            MemorySegment.copy(header, headerSaid, memory, ValueLayout.JAVA_BYTE, 0, left);
            int n = service.socket().write(memory, 0, left, 0, 0);
            if (n == StreamSocket.FAILED) {
                reset();
                return false;
            }
            headerSaid += Math.max(n, 0);
        }
        return headerSaid == header.length;
    }

    @Override
    protected void serviceEnded() {
        served = true;
    }

    boolean owesClient() {
        return wasJoined() && !isClosed() && !served;
    }

    /** Ends it, as nobody will carry it any more: in order if the client's socket has all that was said to it, else with a reset. */
    void end() {
        if (served) {
            close();
        } else {
            reset();
        }
    }

    @Override
    protected void moved(int toService, int toClient) {
        traffic.bytesToGuest += toService;
        traffic.bytesToHost += toClient;
        inbound.flows.counters.tcpBytesToGuest += toService;
        inbound.flows.counters.tcpBytesToHost += toClient;
    }

    @Override
    protected void ended() {
        if (wasJoined()) {
            inbound.flows.counters.tcpClosed++;
            inbound.flows.events.closed(this, wasReset() ? "reset" : "end", inbound.flows.loop.now());
        }
        inbound.ended(this);
    }

    @Override
    public Traffic traffic() {
        return traffic;
    }

    @Override
    public boolean isOver() {
        return isClosed();
    }

    @Override
    public void cut(long now) {
        reset();
    }

    /** The guest sees a client of its own namespace: who that is, only the forward knows. */
    @Override
    public FlowInfo info(long now) {
        traffic.sample(now);
        Guest guest = who.guest();
        return new FlowInfo(
                traffic.id,
                FlowPolicy.Protocol.TCP,
                FlowInfo.Direction.SHORTCUT,
                guest == null || triedLoopback ? Ipv4Address.LOOPBACK : guest.ipAddress(),
                who.forward().guestPort,
                null,
                0,
                1,
                who.peer(),
                who.peerPort(),
                client.socket().localPort(),
                isClosed() ? "CLOSED" : wasJoined() ? "ESTABLISHED" : "SYN_SENT",
                traffic.bytesToHost,
                traffic.bytesToGuest,
                traffic.rateToHost(),
                traffic.rateToGuest(),
                traffic.ageMillis(now),
                List.of());
    }
}
