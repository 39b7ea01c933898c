package dev.sluice.gateway;

import dev.sluice.gateway.dhcp6.Dhcpv6Service;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Destination;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.ndp.NdpResponder;
import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.stack.ip.Reassembler;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Chain;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.MemorySegment;

/** Takes IPv6 packets from guests: validates, reassembles, and hands each to its protocol. Confined to the loop. */
final class Ipv6Input {
    private static final int DHCP_SERVER_PORT = 547;
    /** Groups of the link: ff02::/16. */
    private static final int LINK_GROUPS = 0xff02;

    private final AddressPlan plan;
    private final Counters counters;
    private final GuestTable guests;
    private final ErrorSender errors;
    private final FragmentInput fragments;
    private final NdpResponder ndp;
    private final Dhcpv6Service dhcp;
    private final TransportInput transport;
    private final Ipv6Chain chain = new Ipv6Chain();

    Ipv6Input(
            AddressPlan plan,
            Counters counters,
            GuestTable guests,
            ErrorSender errors,
            FragmentInput fragments,
            NdpResponder ndp,
            Dhcpv6Service dhcp,
            TransportInput transport) {
        this.plan = plan;
        this.counters = counters;
        this.guests = guests;
        this.errors = errors;
        this.fragments = fragments;
        this.ndp = ndp;
        this.dhcp = dhcp;
        this.transport = transport;
    }

    void onFrame(Link link, Frame frame, long now) {
        MemorySegment s = frame.head;
        long ip = frame.headAt + EthernetHeader.LENGTH;
        int available = frame.headLength - EthernetHeader.LENGTH;
        long mac = EthernetHeader.source(s, frame.headAt);
        if (Ipv6Header.check(s, ip, available) != Flaw.NONE) {
            counters.drop(Drop.BAD_IPV6);
            return;
        }
        int total = Ipv6Header.LENGTH + Ipv6Header.payloadLength(s, ip);
        Flaw flaw = chain.walk(s, ip, total);
        if (flaw == Flaw.NONE && ofTheLink(link, mac, s, ip, now)) {
            return;
        }
        long sourceHigh = Ipv6Header.sourceHigh(s, ip);
        long sourceLow = Ipv6Header.sourceLow(s, ip);
        // All of ::/64: unspecified, loopback, and IPv4 addresses in disguise, which flows would take for IPv4.
        if (sourceHigh >>> 56 == 0xff || sourceHigh == 0) {
            counters.drop(Drop.MARTIAN);
            return;
        }
        Guest guest = guests.sender(sourceHigh, sourceLow, mac, link, now);
        if (guest == null) {
            return;
        }
        if (flaw != Flaw.NONE) {
            refuse(guest, flaw, s, ip, total);
            return;
        }
        long high = Ipv6Header.destinationHigh(s, ip);
        long low = Ipv6Header.destinationLow(s, ip);
        Destination meaning = Destination.of(plan, high, low);
        if (meaning == Destination.MULTICAST) {
            counters.drop(Drop.MULTICAST);
            return;
        }
        if (high == 0 || meaning == Destination.MARTIAN || guest.hasAddress(high, low)) {
            counters.drop(Drop.MARTIAN);
            return;
        }
        boolean local = meaning == Destination.GATEWAY || meaning == Destination.HOST;
        if (!local && !forwardable(guest, meaning, s, ip, total)) {
            return;
        }
        if (chain.fragmentAt >= 0) {
            onFragment(guest, s, ip, now);
        } else if (frame.gso == Frame.GSO_UDP && frame.gsoSize > 0) {
            transport.onSuperDatagram(guest, s, ip, chain.protocol, chain.at, chain.length, frame.gsoSize, now);
        } else {
            onPacket(guest, s, ip, frame.checksumTrusted || frame.checksumStart != 0, now);
        }
    }

    /** Whether a packet that is not for the gateway may go on; its sender has been told if not. */
    private boolean forwardable(Guest guest, Destination meaning, MemorySegment s, long ip, int total) {
        if (Ipv6Header.hopLimit(s, ip) <= 1) {
            counters.drop(Drop.TTL_EXPIRED);
            errors.send6(guest, Icmpv6Header.TIME_EXCEEDED, 0, 0, s, ip, total);
            return false;
        }
        if (meaning == Destination.NEIGHBOUR) {
            // A neighbour's frame goes through the switch; one that comes here has a neighbour that is not there.
            counters.drop(Drop.NO_SERVICE);
            errors.send6(
                    guest, Icmpv6Header.DESTINATION_UNREACHABLE, Icmpv6Header.ADDRESS_UNREACHABLE, 0, s, ip, total);
            return false;
        }
        if (guest.high >>> 54 == 0xfe80 >>> 6) {
            counters.drop(Drop.NO_SERVICE);
            errors.send6(guest, Icmpv6Header.DESTINATION_UNREACHABLE, Icmpv6Header.BEYOND_SCOPE, 0, s, ip, total);
            return false;
        }
        return true;
    }

    private void onPacket(Guest guest, MemorySegment s, long ip, boolean trusted, long now) {
        if (chain.protocol == Ipv6Header.NO_NEXT_HEADER) {
            return; // nothing in it, and nobody to be told (RFC 8200 §4.7)
        }
        transport.onPacket(guest, s, ip, chain.protocol, chain.at, chain.length, trusted, now);
    }

    private void onFragment(Guest guest, MemorySegment s, long ip, long now) {
        if (fragments.add(s, ip, chain, now)) {
            Reassembler whole = fragments.reassembler();
            Flaw flaw = chain.walk(whole.packet(), whole.packetAt(), whole.packetLength());
            if (flaw == Flaw.NONE && chain.fragmentAt < 0) {
                onPacket(guest, whole.packet(), whole.packetAt(), false, now);
            } else {
                counters.drop(Drop.BAD_IPV6);
            }
        }
    }

    private void refuse(Guest guest, Flaw flaw, MemorySegment s, long ip, int total) {
        counters.drop(Drop.BAD_IPV6);
        if (chain.problemAt >= 0) {
            int code = flaw == Flaw.BAD_OPTION ? 2 : 0;
            errors.send6(guest, Icmpv6Header.PARAMETER_PROBLEM, code, (int) (chain.problemAt - ip), s, ip, total);
        }
    }

    /** Deals with what is about the link itself: neighbours, listeners, DHCP. These may come from ::, or to groups. */
    private boolean ofTheLink(Link link, long mac, MemorySegment s, long ip, long now) {
        if (chain.fragmentAt >= 0) {
            return false; // RFC 6980: never in fragments
        }
        if (chain.protocol == Ipv6Header.ICMPV6 && chain.length >= Icmpv6Header.LENGTH) {
            int type = IcmpHeader.type(s, chain.at);
            if (NdpResponder.isNdp(type)) {
                ndp.onMessage(link, mac, s, ip, chain.at, chain.length, now);
                return true;
            }
            // The switch floods groups, so who listens to which (RFC 3810) is of no interest.
            return isListenerMessage(type);
        }
        long high = Ipv6Header.destinationHigh(s, ip);
        if (chain.protocol != Ipv4Header.PROTOCOL_UDP
                || UdpHeader.check(s, chain.at, chain.length) != Flaw.NONE
                || UdpHeader.destinationPort(s, chain.at) != DHCP_SERVER_PORT
                || high >>> 48 != LINK_GROUPS
                        && Destination.of(plan, high, Ipv6Header.destinationLow(s, ip)) != Destination.GATEWAY) {
            return false;
        }
        dhcp.onDatagram(link, mac, s, ip, chain.at, UdpHeader.length(s, chain.at), now);
        return true;
    }

    private static boolean isListenerMessage(int type) {
        return type >= Icmpv6Header.LISTENER_QUERY && type <= Icmpv6Header.LISTENER_DONE
                || type == Icmpv6Header.LISTENER_REPORT_V2;
    }
}
