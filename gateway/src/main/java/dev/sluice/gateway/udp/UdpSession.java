package dev.sluice.gateway.udp;

import dev.sluice.gateway.flow.Flow;
import dev.sluice.gateway.flow.FlowInfo;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.FlowTable;
import dev.sluice.gateway.flow.Traffic;
import dev.sluice.wire.IpHeader;
import java.util.List;

/** One client of a forward. Its key is what the guest sees: the address and port of the "client", and which service of its own that is for. */
final class UdpSession extends FlowTable.Entry<UdpSession> implements Flow {

    /** The client's true address and port, by which its forward finds the session. */
    static final class Client extends FlowTable.Entry<Client> {
        final UdpSession session;
        /** Which of the host's addresses it talks to: answers come from there. Both 0 if there is but one. */
        long toHigh;

        long toLow;

        private Client(UdpSession session, long high, long low, int port) {
            super(high, low, port);
            this.session = session;
        }
    }

    final UdpForward forward;
    final Client client;
    final Traffic traffic;
    private boolean over;

    UdpSession(
            UdpForward forward,
            long seenHigh,
            long seenLow,
            int seenPort,
            long clientHigh,
            long clientLow,
            int clientPort,
            long now) {
        super(seenHigh, seenLow, forward.service.key(seenPort));
        this.forward = forward;
        this.traffic = new Traffic(forward.counters(), now);
        this.client = new Client(this, clientHigh, clientLow, clientPort);
    }

    /** The port under which the guest sees the client. */
    int seenPort() {
        return port() & 0xffff;
    }

    void end() {
        over = true;
    }

    @Override
    public Traffic traffic() {
        return traffic;
    }

    @Override
    public boolean isOver() {
        return over;
    }

    @Override
    public void cut(long now) {
        forward.end(this, "reset");
    }

    @Override
    public FlowInfo info(long now) {
        traffic.sample(now);
        return new FlowInfo(
                traffic.id,
                FlowPolicy.Protocol.UDP,
                FlowInfo.Direction.IN,
                forward.service.address(),
                forward.service.port(),
                IpHeader.address(high(), low()),
                seenPort(),
                1,
                IpHeader.address(client.high(), client.low()),
                client.port(),
                forward.port(),
                over ? "closed" : "open",
                traffic.bytesToHost,
                traffic.bytesToGuest,
                traffic.rateToHost(),
                traffic.rateToGuest(),
                traffic.ageMillis(now),
                List.of());
    }
}
