package dev.sluice.net;

import dev.sluice.link.Frame;
import dev.sluice.net.ip.IpCounters;
import dev.sluice.net.ip.Ipv4Interface;
import dev.sluice.stack.ip.Reassembler;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What comes from the link: validates, reassembles, hands each packet to its protocol. Confined to the loop. */
final class PacketInput {
    /** Gets UDP datagrams for port 68 before there is an address. */
    interface DhcpInput {
        /** True if it was a message for the client. */
        boolean onDatagram(MemorySegment s, long at, int length);
    }

    private static final int DHCP_CLIENT_PORT = 68;
    /** Code of "time exceeded" for datagrams that stayed incomplete (RFC 792). */
    private static final int REASSEMBLY = 1;

    private final long mac;
    private final Ipv4Interface ip;
    private final NetCounters counters;
    private final IpCounters ipCounters;
    private final Reassembler reassembler;
    private final TcpEngine tcp;
    private final UdpEngine udp;
    private final Icmp icmp;
    private final DhcpInput dhcp;
    private long lastFrame;

    PacketInput(
            long mac,
            Ipv4Interface ip,
            NetCounters counters,
            NetLimits limits,
            TcpEngine tcp,
            UdpEngine udp,
            Icmp icmp,
            DhcpInput dhcp) {
        this.mac = mac;
        this.ip = ip;
        this.counters = counters;
        this.ipCounters = counters.ip;
        this.tcp = tcp;
        this.udp = udp;
        this.icmp = icmp;
        this.dhcp = dhcp;
        this.reassembler = new Reassembler(
                Arena.ofAuto(),
                Math.max(2, limits.reassemblyDatagrams()),
                Math.max(Reassembler.MIN_BYTES, limits.reassemblyBytes()),
                (packet, at, length) ->
                        icmp.sendError(IcmpHeader.TIME_EXCEEDED, REASSEMBLY, packet, at, length, false, -1, lastFrame));
    }

    void onFrame(Frame frame, long now) {
        lastFrame = now;
        MemorySegment s = frame.head;
        if (EthernetHeader.check(s, frame.headAt, frame.headLength) != Flaw.NONE) {
            ipCounters.malformed++;
            return;
        }
        long destination = EthernetHeader.destination(s, frame.headAt);
        boolean group = MacAddress.isGroup(destination);
        if ((destination != mac && !group) || EthernetHeader.source(s, frame.headAt) == mac) {
            ipCounters.notForUs++;
            return;
        }
        switch (EthernetHeader.type(s, frame.headAt)) {
            case EthernetHeader.TYPE_IPV4 -> onIpv4(frame, group, now);
            case EthernetHeader.TYPE_ARP -> ip.onArp(frame, now);
            default -> ipCounters.unknownProtocol++;
        }
    }

    private void onIpv4(Frame frame, boolean group, long now) {
        MemorySegment s = frame.head;
        long at = frame.headAt + EthernetHeader.LENGTH;
        if (Ipv4Header.check(s, at, frame.headLength - EthernetHeader.LENGTH) != Flaw.NONE) {
            ipCounters.malformed++;
            return;
        }
        ipCounters.packetsIn++;
        boolean trusted = frame.checksumTrusted || frame.checksumStart != 0;
        if (isForDhcp(s, at)) {
            onDhcp(s, at, trusted);
            return;
        }
        int source = Ipv4Header.source(s, at);
        int destination = Ipv4Header.destination(s, at);
        int own = ip.address();
        boolean forAll = ip.isBroadcast(destination);
        boolean martian = source == own
                || source >>> 24 == 0
                || source >>> 24 == 127
                || source >>> 28 >= 0xe
                || ip.isBroadcast(source);
        // A unicast packet in a broadcast frame is what attackers on the link send (RFC 1122 §3.3.6).
        if (own == 0 || martian || (!forAll && (destination != own || group))) {
            ipCounters.notForUs++;
            return;
        }
        if (Ipv4Header.isFragment(s, at)) {
            switch (reassembler.add(s, at, now)) {
                case COMPLETE -> onPacket(reassembler.packet(), reassembler.packetAt(), false, forAll, now);
                case INCOMPLETE -> {}
                case OVERLAP, INCONSISTENT, TOO_LONG, TINY, BAD_LENGTH -> ipCounters.fragmentsDropped++;
            }
            return;
        }
        if (frame.gso == Frame.GSO_UDP && frame.gsoSize > 0) {
            onSuperDatagram(s, at, frame.gsoSize, forAll, now);
        } else {
            onPacket(s, at, trusted, forAll, now);
        }
    }

    /** Each {@code size} bytes of payload are a datagram; its header goes over the end of the one before, which is done with. */
    private void onSuperDatagram(MemorySegment s, long ipAt, int size, boolean forAll, long now) {
        int header = Ipv4Header.headerLength(s, ipAt);
        long at = ipAt + header;
        int end = Ipv4Header.totalLength(s, ipAt) - header;
        if (Ipv4Header.protocol(s, ipAt) != Ipv4Header.PROTOCOL_UDP || end < UdpHeader.LENGTH) {
            counters.badDatagrams++;
            return;
        }
        int sourcePort = UdpHeader.sourcePort(s, at);
        int destinationPort = UdpHeader.destinationPort(s, at);
        for (int from = UdpHeader.LENGTH; from < end; from += size) {
            int length = UdpHeader.LENGTH + Math.min(size, end - from);
            long datagram = at + from - UdpHeader.LENGTH;
            UdpHeader.write(s, datagram, sourcePort, destinationPort, length);
            onDatagram(s, ipAt, datagram, length, forAll, now);
        }
    }

    private void onPacket(MemorySegment s, long ipAt, boolean trusted, boolean forAll, long now) {
        int header = Ipv4Header.headerLength(s, ipAt);
        long at = ipAt + header;
        int length = Ipv4Header.totalLength(s, ipAt) - header;
        switch (Ipv4Header.protocol(s, ipAt)) {
            case Ipv4Header.PROTOCOL_TCP -> {
                if (TcpHeader.check(s, at, length) != Flaw.NONE
                        || (!trusted
                                && !TcpHeader.checksumOk(
                                        s, at, length, Ipv4Header.source(s, ipAt), Ipv4Header.destination(s, ipAt)))) {
                    counters.badSegments++;
                } else if (forAll) {
                    ipCounters.notForUs++; // a connection has one peer (RFC 9293 §3.9.2.3)
                } else {
                    tcp.onSegment(s, ipAt, at, length, now);
                }
            }
            case Ipv4Header.PROTOCOL_UDP -> {
                if (UdpHeader.check(s, at, length) != Flaw.NONE
                        || (!trusted
                                && !UdpHeader.checksumOk(
                                        s, at, Ipv4Header.source(s, ipAt), Ipv4Header.destination(s, ipAt)))) {
                    counters.badDatagrams++;
                } else {
                    onDatagram(s, ipAt, at, UdpHeader.length(s, at), forAll, now);
                }
            }
            case Ipv4Header.PROTOCOL_ICMP -> icmp.onMessage(s, ipAt, at, length, !forAll, tcp, udp);
            default -> {
                ipCounters.unknownProtocol++;
                refuse(IcmpHeader.PROTOCOL_UNREACHABLE, s, ipAt, forAll, now);
            }
        }
    }

    private void onDatagram(MemorySegment s, long ipAt, long at, int length, boolean forAll, long now) {
        if (!udp.onDatagram(s, ipAt, at, length)) {
            counters.datagramsRefused++;
            refuse(IcmpHeader.PORT_UNREACHABLE, s, ipAt, forAll, now);
        }
    }

    private void refuse(int code, MemorySegment s, long ipAt, boolean forAll, long now) {
        icmp.sendError(
                IcmpHeader.DESTINATION_UNREACHABLE,
                code,
                s,
                ipAt,
                Ipv4Header.totalLength(s, ipAt),
                forAll,
                forAll ? Ipv4Header.destination(s, ipAt) : -1,
                now);
    }

    private static boolean isForDhcp(MemorySegment s, long at) {
        int header = Ipv4Header.headerLength(s, at);
        return Ipv4Header.protocol(s, at) == Ipv4Header.PROTOCOL_UDP
                && !Ipv4Header.isFragment(s, at)
                && Ipv4Header.totalLength(s, at) >= header + UdpHeader.LENGTH
                && UdpHeader.destinationPort(s, at + header) == DHCP_CLIENT_PORT;
    }

    private void onDhcp(MemorySegment s, long ipAt, boolean trusted) {
        int header = Ipv4Header.headerLength(s, ipAt);
        long at = ipAt + header;
        int length = Ipv4Header.totalLength(s, ipAt) - header;
        if (UdpHeader.check(s, at, length) != Flaw.NONE
                || (!trusted
                        && !UdpHeader.checksumOk(s, at, Ipv4Header.source(s, ipAt), Ipv4Header.destination(s, ipAt)))) {
            counters.badDatagrams++;
        } else if (!dhcp.onDatagram(s, at + UdpHeader.LENGTH, UdpHeader.length(s, at) - UdpHeader.LENGTH)) {
            ipCounters.notForUs++;
        }
    }
}
