package dev.sluice.gateway.udp;

import dev.sluice.gateway.flow.Decisions;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.FlowTable;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.host.DatagramHost;
import dev.sluice.host.DatagramSocket;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A guest's UDP port and the host socket that stands for it, whoever the guest talks to (RFC 4787 §4.1, §5). */
final class UdpMapping extends FlowTable.Entry<UdpMapping> implements DatagramSocket.Events {
    private final UdpFlows flows;
    final Decisions decisions = new Decisions();
    /** The guest as it last spoke. */
    Guest guest;
    /** Opened for the first datagram that the policy allows. */
    @Nullable
    DatagramSocket socket;

    UdpMapping(UdpFlows flows, Guest guest, long low, int port) {
        super(DatagramHost.MAPPED_HIGH, low, port);
        this.flows = flows;
        this.guest = guest;
    }

    void close() {
        if (socket != null) {
            socket.close();
            socket = null;
        }
    }

    @Override
    public void onDatagram(
            long high, long low, int peerPort, int typeOfService, MemorySegment memory, long at, int length) {
        int source = (int) low;
        int sourcePort = peerPort;
        int redirect = decisions.redirectedTo(high, low, peerPort);
        if (redirect >= 0) {
            source = decisions.destination(redirect);
            sourcePort = decisions.destinationPort(redirect);
        } else if (!DatagramHost.isIpv4(high, low)) {
            flows.counters.drop(Drop.UNKNOWN_PROTOCOL);
            return;
        } else if (source >>> 24 == 127) {
            if (!flows.plan.hostLoopback()) {
                flows.counters.drop(Drop.PROHIBITED);
                return;
            }
            source = flows.plan.host().bits();
        }
        flows.use(this);
        if (flows.output.send(guest, source, sourcePort, port(), typeOfService, memory, at, length)) {
            flows.counters.udpDatagramsToGuest++;
        }
    }

    @Override
    public void onError(
            int errno,
            int icmpType,
            int icmpCode,
            int mtu,
            long offenderHigh,
            long offenderLow,
            long high,
            long low,
            int peerPort,
            MemorySegment memory,
            long at,
            int length) {
        int destination = (int) low;
        int destinationPort = peerPort;
        int redirect = decisions.redirectedTo(high, low, peerPort);
        if (redirect >= 0) {
            destination = decisions.destination(redirect);
            destinationPort = decisions.destinationPort(redirect);
        } else if (!DatagramHost.isIpv4(high, low)) {
            return;
        } else if (destination >>> 24 == 127) {
            destination = flows.plan.host().bits();
        }
        int offender = (int) offenderLow;
        if (offenderHigh == high && offenderLow == low) {
            offender = destination;
        } else if (!DatagramHost.isIpv4(offenderHigh, offenderLow) || offender == 0 || offender >>> 24 == 127) {
            offender = flows.plan.gateway().bits();
        }
        flows.quote.send(
                guest,
                port(),
                destination,
                destinationPort,
                offender,
                errno,
                icmpType,
                icmpCode,
                mtu,
                memory,
                at,
                length);
    }

    @Override
    public void onDropped(int datagrams) {
        for (int i = 0; i < datagrams; i++) {
            flows.counters.drop(Drop.UDP_SEND_FAILED);
        }
    }
}
