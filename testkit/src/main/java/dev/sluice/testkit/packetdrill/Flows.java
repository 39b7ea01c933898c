package dev.sluice.testkit.packetdrill;

import dev.sluice.testkit.packetdrill.Action.TcpPacket;
import dev.sluice.wire.TcpHeader;
import org.jspecify.annotations.Nullable;

/** Which connection the packets of the script belong to: the latest that it has bound, listened for, connected, or sent a SYN to. */
final class Flows implements Calls.FlowListener {
    private static final int FIRST_REMOTE_PORT = 53_055;

    private final int peerIss;
    private Flow current = new Flow(Calls.PORT, FIRST_REMOTE_PORT, false);
    /** The one whose peer has sent its SYN. */
    private @Nullable Flow opened;

    private boolean chosen;
    private int remotePorts = FIRST_REMOTE_PORT;

    /** Peers begin with {@code peerIss}. */
    Flows(int peerIss) {
        this.peerIss = peerIss;
    }

    Flow current() {
        return current;
    }

    /** A packet is about to come from the peer. */
    void onInbound(TcpPacket packet) {
        boolean syn = (packet.flags() & (TcpHeader.SYN | TcpHeader.ACK)) == TcpHeader.SYN;
        if (syn && current.listening) {
            current = new Flow(current.localPort, remotePorts++, false);
        }
        if ((packet.flags() & TcpHeader.SYN) != 0 && opened != current) {
            current.onRemoteSyn(peerIss, packet.sequence());
            opened = current;
        }
    }

    @Override
    public void onBind(int localPort) {
        if (!chosen) {
            current = new Flow(localPort, remotePorts++, false);
        }
    }

    @Override
    public void onListen(int localPort) {
        chosen = true;
        current = new Flow(localPort, remotePorts++, true);
    }

    @Override
    public void onConnect(Connection connection) {
        chosen = true;
        current = new Flow(connection.localPort, connection.remotePort, false);
    }
}
