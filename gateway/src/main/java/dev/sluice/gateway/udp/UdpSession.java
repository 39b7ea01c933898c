package dev.sluice.gateway.udp;

import dev.sluice.gateway.flow.FlowTable;

/** One client of a forward. Its key is what the guest sees: guest address and port, then the address and port of the "client". */
final class UdpSession extends FlowTable.Entry<UdpSession> {

    /** The client's true address and port, by which its forward finds the session. */
    static final class Client extends FlowTable.Entry<Client> {
        final UdpSession session;

        private Client(UdpSession session, long high, long low, int port) {
            super(high, low, port);
            this.session = session;
        }
    }

    final UdpForward forward;
    final Client client;

    UdpSession(
            UdpForward forward,
            long guestSide,
            long seen,
            int seenPort,
            long clientHigh,
            long clientLow,
            int clientPort) {
        super(guestSide, seen, seenPort);
        this.forward = forward;
        this.client = new Client(this, clientHigh, clientLow, clientPort);
    }
}
