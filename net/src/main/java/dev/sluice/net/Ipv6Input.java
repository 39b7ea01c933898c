package dev.sluice.net;

import dev.sluice.link.Frame;
import dev.sluice.net.ip.IpCounters;
import dev.sluice.net.ip.Ipv6Interface;
import dev.sluice.stack.dhcp6.Dhcpv6Client;
import dev.sluice.stack.ip.Reassembler;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Chain;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.MemorySegment;

/** What comes over IPv6: validates, reassembles, tells messages about the link from those to this host. Confined to the loop. */
final class Ipv6Input {
    /** Code of a parameter problem: an option that is not known (RFC 4443 §3.4). */
    private static final int UNKNOWN_OPTION = 2;

    private final Ipv6Interface ip;
    private final IpCounters counters;
    private final FragmentInput fragments;
    private final IcmpEngine icmp;
    private final TransportInput transport;
    private final Ipv6Chain chain = new Ipv6Chain();

    Ipv6Input(
            Ipv6Interface ip, IpCounters counters, FragmentInput fragments, IcmpEngine icmp, TransportInput transport) {
        this.ip = ip;
        this.counters = counters;
        this.fragments = fragments;
        this.icmp = icmp;
        this.transport = transport;
    }

    void onFrame(Frame frame, boolean group, long now) {
        MemorySegment s = frame.head;
        long at = frame.headAt + EthernetHeader.LENGTH;
        if (Ipv6Header.check(s, at, frame.headLength - EthernetHeader.LENGTH) != Flaw.NONE) {
            counters.malformed++;
            return;
        }
        counters.packetsIn++;
        long sourceHigh = Ipv6Header.sourceHigh(s, at);
        long sourceLow = Ipv6Header.sourceLow(s, at);
        long high = Ipv6Header.destinationHigh(s, at);
        long low = Ipv6Header.destinationLow(s, at);
        boolean forAll = high >>> 56 == 0xff;
        // A unicast packet in a group's frame is what attackers on the link send; a tentative address's own are for it,
        // too.
        if (sourceHigh >>> 56 == 0xff || (forAll ? !ip.isOurGroup(high, low) : group || !ip.isOurs(high, low))) {
            counters.notForUs++;
            return;
        }
        int total = Ipv6Header.LENGTH + Ipv6Header.payloadLength(s, at);
        Flaw flaw = chain.walk(s, at, total);
        if (flaw == Flaw.NONE && ofTheLink(s, at, EthernetHeader.source(s, frame.headAt), now)) {
            return;
        }
        // All of ::/64: unspecified, loopback, and IPv4 addresses in disguise; and packets of our own, come back.
        if (sourceHigh == 0 || ip.isOurs(sourceHigh, sourceLow)) {
            counters.notForUs++;
            return;
        }
        if (flaw != Flaw.NONE) {
            refuse(flaw, s, at, total, forAll, now);
        } else if (chain.fragmentAt >= 0) {
            onFragment(s, at, forAll, now);
        } else if (frame.gso == Frame.GSO_UDP && frame.gsoSize > 0) {
            transport.onSuperDatagram(s, at, chain.protocol, chain.at, chain.length, frame.gsoSize, forAll, now);
        } else {
            onPacket(s, at, frame.checksumTrusted || frame.checksumStart != 0, forAll, now);
        }
    }

    private void onPacket(MemorySegment s, long at, boolean trusted, boolean forAll, long now) {
        if (chain.protocol == Ipv4Header.PROTOCOL_UDP
                && ip.asksDhcp()
                && UdpHeader.check(s, chain.at, chain.length) == Flaw.NONE
                && UdpHeader.destinationPort(s, chain.at) == Dhcpv6Client.CLIENT_PORT) {
            if (trusted || IpHeader.udpChecksumOk(s, at, chain.at)) {
                int length = UdpHeader.length(s, chain.at) - UdpHeader.LENGTH;
                ip.onDhcp(s, chain.at + UdpHeader.LENGTH, length, now);
            } else {
                counters.malformed++;
            }
            return;
        }
        transport.onPacket(s, at, chain.protocol, chain.at, chain.length, trusted, forAll, now);
    }

    private void onFragment(MemorySegment s, long at, boolean forAll, long now) {
        if (!fragments.add(s, at, chain, now)) {
            return;
        }
        Reassembler reassembler = fragments.reassembler();
        MemorySegment whole = reassembler.packet();
        Flaw flaw = chain.walk(whole, reassembler.packetAt(), reassembler.packetLength());
        if (flaw == Flaw.NONE && chain.fragmentAt < 0) {
            onPacket(whole, reassembler.packetAt(), false, forAll, now);
        } else {
            counters.fragmentsDropped++;
        }
    }

    private void refuse(Flaw flaw, MemorySegment s, long at, int total, boolean forAll, long now) {
        counters.malformed++;
        if (chain.problemAt >= 0) {
            int code = flaw == Flaw.BAD_OPTION ? UNKNOWN_OPTION : 0;
            icmp.sendError6(
                    Icmpv6Header.PARAMETER_PROBLEM, code, (int) (chain.problemAt - at), s, at, total, forAll, now);
        }
    }

    /** Messages about the link itself: neighbours, routers, listeners. These may come from ::, or to groups. */
    private boolean ofTheLink(MemorySegment s, long at, long frameSource, long now) {
        if (chain.fragmentAt >= 0 || chain.protocol != Ipv6Header.ICMPV6 || chain.length < Icmpv6Header.LENGTH) {
            return false; // RFC 6980: never in fragments
        }
        int type = IcmpHeader.type(s, chain.at);
        if (type >= Icmpv6Header.ROUTER_SOLICITATION && type <= Icmpv6Header.REDIRECT) {
            ip.onNdp(frameSource, s, at, chain.at, chain.length, now);
            return true;
        }
        if (type == Icmpv6Header.LISTENER_QUERY) {
            ip.onListenerQuery(s, at, chain.at, chain.length);
            return true;
        }
        return type == Icmpv6Header.LISTENER_REPORT
                || type == Icmpv6Header.LISTENER_DONE
                || type == Icmpv6Header.LISTENER_REPORT_V2;
    }
}
