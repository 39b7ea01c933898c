package dev.sluice.gateway;

import dev.sluice.gateway.dhcp.DhcpService;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Destination;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.IcmpErrors;
import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.MemorySegment;

/** Takes IPv4 packets from guests: validates, reassembles, and hands each to its protocol. Confined to the loop. */
final class Ipv4Input {
    private static final int DHCP_SERVER_PORT = 67;

    private final AddressPlan plan;
    private final Counters counters;
    private final GuestTable guests;
    private final IcmpErrors errors;
    private final FragmentInput fragments;
    private final DhcpService dhcp;
    private final TransportInput transport;

    Ipv4Input(
            AddressPlan plan,
            Counters counters,
            GuestTable guests,
            IcmpErrors errors,
            FragmentInput fragments,
            DhcpService dhcp,
            TransportInput transport) {
        this.plan = plan;
        this.counters = counters;
        this.guests = guests;
        this.errors = errors;
        this.fragments = fragments;
        this.dhcp = dhcp;
        this.transport = transport;
    }

    void onFrame(Link link, Frame frame, long now) {
        MemorySegment s = frame.head;
        long at = frame.headAt + EthernetHeader.LENGTH;
        int available = frame.headLength - EthernetHeader.LENGTH;
        long mac = EthernetHeader.source(s, frame.headAt);
        Flaw flaw = Ipv4Header.check(s, at, available);
        if (flaw != Flaw.NONE
                && !(flaw == Flaw.BAD_CHECKSUM && DhcpService.isDiscoverWithoutChecksum(s, at, available))) {
            counters.drop(flaw == Flaw.BAD_CHECKSUM ? Drop.BAD_IPV4_CHECKSUM : Drop.BAD_IPV4);
            return;
        }
        int source = Ipv4Header.source(s, at);
        int destination = Ipv4Header.destination(s, at);
        if (isDhcp(s, at)) {
            onDhcp(link, mac, s, at, now);
            return;
        }
        if (source >>> 24 == 127 || source >>> 28 >= 0xe || source == 0) {
            counters.drop(Drop.MARTIAN);
            return;
        }
        Guest guest = guests.sender(source, mac, link, now);
        if (guest == null) {
            return;
        }
        Destination meaning = Destination.of(plan, IpHeader.MAPPED_HIGH, IpHeader.mapped(destination));
        if (meaning == Destination.MULTICAST) {
            counters.drop(Drop.MULTICAST);
            return;
        }
        if (meaning == Destination.MARTIAN || destination == source) {
            counters.drop(Drop.MARTIAN);
            return;
        }
        if (Ipv4Header.hasSourceRoute(s, at)) {
            counters.drop(Drop.BAD_IPV4); // followed by nobody (RFC 7126 §4.3, §4.4)
            return;
        }
        boolean local = meaning == Destination.GATEWAY || meaning == Destination.HOST;
        if (!local && Ipv4Header.timeToLive(s, at) <= 1) {
            counters.drop(Drop.TTL_EXPIRED);
            errors.send(guest, IcmpHeader.TIME_EXCEEDED, 0, s, at, Ipv4Header.totalLength(s, at));
            return;
        }
        if (meaning == Destination.NEIGHBOUR) {
            // A neighbour's frame goes through the switch; one that comes here has a neighbour that is not there.
            counters.drop(Drop.NO_SERVICE);
            errors.send(
                    guest,
                    IcmpHeader.DESTINATION_UNREACHABLE,
                    IcmpHeader.HOST_UNREACHABLE,
                    s,
                    at,
                    Ipv4Header.totalLength(s, at));
            return;
        }
        if (Ipv4Header.isFragment(s, at)) {
            if (fragments.add(s, at, now)) {
                onPacket(
                        guest,
                        fragments.reassembler().packet(),
                        fragments.reassembler().packetAt(),
                        false,
                        now);
            }
            return;
        }
        if (frame.gso == Frame.GSO_UDP && frame.gsoSize > 0) {
            int header = Ipv4Header.headerLength(s, at);
            int length = Ipv4Header.totalLength(s, at) - header;
            transport.onSuperDatagram(
                    guest, s, at, Ipv4Header.protocol(s, at), at + header, length, frame.gsoSize, now);
            return;
        }
        onPacket(guest, s, at, frame.checksumTrusted || frame.checksumStart != 0, now);
    }

    private void onPacket(Guest guest, MemorySegment s, long ip, boolean trusted, long now) {
        int header = Ipv4Header.headerLength(s, ip);
        int length = Ipv4Header.totalLength(s, ip) - header;
        transport.onPacket(guest, s, ip, Ipv4Header.protocol(s, ip), ip + header, length, trusted, now);
    }

    // ---- DHCP
    // -----------------------------------------------------------------------------------------------------------------

    private boolean isDhcp(MemorySegment s, long at) {
        if (Ipv4Header.protocol(s, at) != Ipv4Header.PROTOCOL_UDP) {
            return false;
        }
        int header = Ipv4Header.headerLength(s, at);
        int destination = Ipv4Header.destination(s, at);
        return !Ipv4Header.isFragment(s, at)
                && Ipv4Header.totalLength(s, at) >= header + UdpHeader.LENGTH
                && UdpHeader.destinationPort(s, at + header) == DHCP_SERVER_PORT
                && (destination == -1
                        || destination == plan.gateway().bits()
                        || destination == plan.subnet().broadcast().bits());
    }

    private void onDhcp(Link link, long mac, MemorySegment s, long ip, long now) {
        int header = Ipv4Header.headerLength(s, ip);
        long at = ip + header;
        int length = Ipv4Header.totalLength(s, ip) - header;
        if (UdpHeader.check(s, at, length) != Flaw.NONE || MacAddress.isGroup(mac)) {
            counters.drop(Drop.BAD_UDP);
            return;
        }
        // A kernel leaves the checksum of a broadcast to the device; DHCP clients on raw sockets may send none at all.
        dhcp.onDatagram(link, mac, s, at + UdpHeader.LENGTH, UdpHeader.length(s, at) - UdpHeader.LENGTH, now);
    }
}
