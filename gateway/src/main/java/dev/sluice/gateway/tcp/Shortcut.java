package dev.sluice.gateway.tcp;

import dev.sluice.gateway.flow.Guest;
import dev.sluice.host.HostError;
import dev.sluice.host.Joint;
import dev.sluice.host.StreamHost;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A client of a published port, joined to the service without frames: in the guest's namespace, or where the forward's own connector
 * leads. Confined to the loop.
 */
final class Shortcut extends Joint {
    private final TcpInbound inbound;
    /** Sockets of the guest's namespace; null if the forward has a connector of its own. */
    private final @Nullable StreamHost inside;

    private final TcpForward.Client who;
    /** Services often listen on loopback alone: tried when the guest's own address refuses, or is not known. */
    private boolean triedLoopback;

    private boolean refused;

    Shortcut(TcpInbound inbound, @Nullable StreamHost inside, TcpForward.Client who) {
        super(inbound.flows.loop);
        this.inbound = inbound;
        this.inside = inside;
        this.who = who;
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
        inbound.flows.counters.tcpOpened++;
        join();
        if (who.forward().proxy) {
            int length = inbound.writeProxyHeader(who);
            if (service.socket().write(scratch(), 0, length, 0, 0) != length) {
                reset(); // a new socket has room for some fifty bytes, unless it is broken
            }
        }
    }

    @Override
    protected MemorySegment scratch() {
        return inbound.scratch();
    }

    @Override
    protected void moved(int toService, int toClient) {
        inbound.flows.counters.tcpBytesToGuest += toService;
        inbound.flows.counters.tcpBytesToHost += toClient;
    }

    @Override
    protected void ended() {
        if (wasJoined()) {
            inbound.flows.counters.tcpClosed++;
        }
        inbound.ended(this);
    }
}
