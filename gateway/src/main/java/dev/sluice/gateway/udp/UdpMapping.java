package dev.sluice.gateway.udp;

import dev.sluice.gateway.flow.Destination;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.FlowInfo;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.IcmpErrors;
import dev.sluice.gateway.flow.Mapping;
import dev.sluice.host.DatagramSocket;
import dev.sluice.wire.IpHeader;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A guest's UDP port and the host socket (one of each family at most) that stands for it, whoever the guest talks to (RFC 4787 §4.1, §5). */
final class UdpMapping extends Mapping<UdpMapping> implements DatagramSocket.Events {
    private final UdpFlows flows;
    /** Opened for the first datagram that the policy allows. */
    @Nullable
    DatagramSocket socket;
    /** Of the other family, opened for the first datagram that is led there. */
    @Nullable
    DatagramSocket other;

    UdpMapping(UdpFlows flows, Guest guest, int port, long now) {
        super(guest, port, flows.counters, now);
        this.flows = flows;
    }

    @Override
    protected boolean isOpen() {
        return socket != null || other != null;
    }

    @Override
    protected void closeSocket() {
        if (socket != null) {
            socket.close();
            socket = null;
        }
        if (other != null) {
            other.close();
            other = null;
        }
    }

    @Override
    public void cut(long now) {
        flows.mappings.end(this, "reset");
    }

    @Override
    public FlowInfo info(long now) {
        DatagramSocket shown = socket == null ? other : socket;
        int localPort = shown == null ? 0 : shown.localPort();
        return decisions.info(FlowPolicy.Protocol.UDP, guest(), port(), traffic, isOpen(), localPort, now);
    }

    @Override
    public void onDatagram(
            long high, long low, int peerPort, int typeOfService, MemorySegment memory, long at, int length) {
        onDatagrams(high, low, peerPort, typeOfService, memory, at, length, length);
    }

    @Override
    public void onDatagrams(
            long high, long low, int peerPort, int typeOfService, MemorySegment memory, long at, int length, int size) {
        long sourceHigh = high;
        long sourceLow = low;
        int sourcePort = peerPort;
        int redirect = decisions.redirectedTo(high, low, peerPort);
        if (redirect >= 0) {
            sourceHigh = decisions.destinationHigh(redirect);
            sourceLow = decisions.destinationLow(redirect);
            sourcePort = decisions.destinationPort(redirect);
        } else if (IpHeader.isIpv4(high, low) != guest().isIpv4()) {
            flows.counters.drop(Drop.UNKNOWN_PROTOCOL);
            return;
        } else if (IpHeader.isLoopback(high, low)) {
            if (!flows.plan.hostLoopback()) {
                flows.counters.drop(Drop.PROHIBITED);
                return;
            }
            sourceHigh = flows.plan.hostHigh(guest().isIpv4());
            sourceLow = flows.plan.hostLow(guest().isIpv4());
        } else if (Destination.of(flows.plan, high, low) != Destination.WORLD) {
            // Somebody out there forges the gateway's address, a guest's, or one that is nobody's.
            flows.counters.drop(Drop.SPOOFED_SOURCE);
            return;
        }
        flows.mappings.use(this);
        if (flows.output.send(
                guest(), sourceHigh, sourceLow, sourcePort, port(), typeOfService, memory, at, length, size)) {
            traffic.bytesToGuest += length;
            flows.counters.udpDatagramsToGuest += UdpOutput.datagrams(length, size);
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
        long destinationHigh = high;
        long destinationLow = low;
        int destinationPort = peerPort;
        int redirect = decisions.redirectedTo(high, low, peerPort);
        if (redirect >= 0) {
            destinationHigh = decisions.destinationHigh(redirect);
            destinationLow = decisions.destinationLow(redirect);
            destinationPort = decisions.destinationPort(redirect);
        } else if (IpHeader.isIpv4(high, low) != guest().isIpv4()) {
            return;
        } else if (IpHeader.isLoopback(high, low)) {
            destinationHigh = flows.plan.hostHigh(guest().isIpv4());
            destinationLow = flows.plan.hostLow(guest().isIpv4());
        }
        boolean itself = offenderHigh == high && offenderLow == low;
        boolean router = itself
                || IpHeader.isIpv4(offenderHigh, offenderLow) == guest().isIpv4()
                        && Destination.of(flows.plan, offenderHigh, offenderLow) == Destination.WORLD;
        flows.quote.send(
                guest(),
                port(),
                destinationHigh,
                destinationLow,
                destinationPort,
                itself ? destinationHigh : router ? offenderHigh : IcmpErrors.GATEWAY,
                itself ? destinationLow : router ? offenderLow : IcmpErrors.GATEWAY,
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
