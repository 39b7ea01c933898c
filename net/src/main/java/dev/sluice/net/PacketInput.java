package dev.sluice.net;

import dev.sluice.link.Frame;
import dev.sluice.loop.Loop;
import dev.sluice.net.ip.IpCounters;
import dev.sluice.net.ip.IpInterface;
import dev.sluice.net.ip.Ipv4Interface;
import dev.sluice.stack.ip.Reassembler;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What comes from the link: frames to their protocol; of IPv4, validates and reassembles packets. Confined to the loop. */
final class PacketInput {
    /** Gets UDP datagrams for port 68 before there is an address. */
    interface DhcpInput {
        /**
         * True if it was a message for the client.
         *
         * @param from hardware address of the frame's sender
         */
        boolean onDatagram(long from, MemorySegment s, long at, int length);
    }

    private static final int DHCP_CLIENT_PORT = 68;
    /** Code of "time exceeded" for datagrams that stayed incomplete (RFC 792, RFC 4443 §3.3). */
    private static final int REASSEMBLY = 1;

    private final long mac;
    private final Ipv4Interface ip;
    private final NetCounters counters;
    private final IpCounters ipCounters;
    private final FragmentInput fragments;
    private final TransportInput transport;
    private final Ipv6Input six;
    private final DhcpInput dhcp;

    PacketInput(
            Loop loop,
            long mac,
            IpInterface ip,
            NetCounters counters,
            NetLimits limits,
            IcmpEngine icmp,
            TransportInput transport,
            DhcpInput dhcp) {
        this.mac = mac;
        this.ip = ip.four;
        this.counters = counters;
        this.ipCounters = counters.ip;
        this.transport = transport;
        this.dhcp = dhcp;
        Reassembler reassembler = new Reassembler(
                Arena.ofAuto(),
                Math.max(2, limits.reassemblyDatagrams()),
                Math.max(Reassembler.MIN_BYTES, limits.reassemblyBytes()),
                (packet, at, length) ->
                        icmp.sendError(IcmpHeader.TIME_EXCEEDED, REASSEMBLY, 0, packet, at, length, false, loop.now()));
        this.fragments = new FragmentInput(loop, ipCounters, reassembler);
        this.six = new Ipv6Input(ip.six, ipCounters, fragments, icmp, transport);
    }

    void onFrame(Frame frame, long now) {
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
            case EthernetHeader.TYPE_IPV6 -> six.onFrame(frame, group, now);
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
            onDhcp(EthernetHeader.source(s, frame.headAt), s, at, trusted);
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
        if (Ipv4Header.hasSourceRoute(s, at)) {
            ipCounters
                    .sourceRouted++; // an answer would go where the sender wants, whoever it says it is (RFC 7126 §4.3)
            return;
        }
        if (Ipv4Header.isFragment(s, at)) {
            if (fragments.add(s, at, now)) {
                Reassembler whole = fragments.reassembler();
                onPacket(whole.packet(), whole.packetAt(), false, forAll, now);
            }
            return;
        }
        if (frame.gso == Frame.GSO_UDP && frame.gsoSize > 0) {
            int header = Ipv4Header.headerLength(s, at);
            int length = Ipv4Header.totalLength(s, at) - header;
            transport.onSuperDatagram(
                    s, at, Ipv4Header.protocol(s, at), at + header, length, frame.gsoSize, forAll, now);
        } else {
            onPacket(s, at, trusted, forAll, now);
        }
    }

    private void onPacket(MemorySegment s, long at, boolean trusted, boolean forAll, long now) {
        int header = Ipv4Header.headerLength(s, at);
        int length = Ipv4Header.totalLength(s, at) - header;
        transport.onPacket(s, at, Ipv4Header.protocol(s, at), at + header, length, trusted, forAll, now);
    }

    void close() {
        fragments.close();
    }

    private static boolean isForDhcp(MemorySegment s, long at) {
        int header = Ipv4Header.headerLength(s, at);
        return Ipv4Header.protocol(s, at) == Ipv4Header.PROTOCOL_UDP
                && !Ipv4Header.isFragment(s, at)
                && Ipv4Header.totalLength(s, at) >= header + UdpHeader.LENGTH
                && UdpHeader.destinationPort(s, at + header) == DHCP_CLIENT_PORT;
    }

    private void onDhcp(long from, MemorySegment s, long ipAt, boolean trusted) {
        int header = Ipv4Header.headerLength(s, ipAt);
        long at = ipAt + header;
        int length = Ipv4Header.totalLength(s, ipAt) - header;
        if (UdpHeader.check(s, at, length) != Flaw.NONE || (!trusted && !IpHeader.udpChecksumOk(s, ipAt, at))) {
            counters.badDatagrams++;
        } else if (!dhcp.onDatagram(from, s, at + UdpHeader.LENGTH, UdpHeader.length(s, at) - UdpHeader.LENGTH)) {
            ipCounters.notForUs++;
        }
    }
}
