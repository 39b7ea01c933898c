package dev.sluice.gateway;

import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.tcp.TcpFlows;
import dev.sluice.stack.ip.IcmpError;
import dev.sluice.stack.ip.IcmpErrorWriter;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import java.lang.foreign.MemorySegment;

/**
 * ICMP errors from guests about what the gateway sent them. One counts: that a segment was too large for a path behind the guest, as where
 * it routes into a tunnel; then the flow's segments become smaller (RFC 1191, RFC 8201). It is believed only as RFC 5927 has it: if it
 * quotes something in flight, comes from behind the flow's own link, and names an MTU that can be. Confined to the loop.
 */
final class GuestErrors {
    private final GuestTable guests;
    private final TcpFlows tcp;
    private final Counters counters;
    private final IcmpError error = new IcmpError();

    GuestErrors(GuestTable guests, TcpFlows tcp, Counters counters) {
        this.guests = guests;
        this.tcp = tcp;
        this.counters = counters;
    }

    /** Takes an ICMP message whose checksum has not been verified; false if it is no error. */
    boolean onMessage(Guest from, MemorySegment s, long ip, long at, int length, long now) {
        boolean ipv4 = from.isIpv4();
        if (length < IcmpHeader.LENGTH || !isError(ipv4, IcmpHeader.type(s, at))) {
            return false;
        }
        Flaw flaw = ipv4 ? IcmpHeader.check(s, at, length) : Icmpv6Header.check(s, ip, at, length);
        if (flaw != Flaw.NONE || error.read(ipv4, s, at, length) != Flaw.NONE) {
            counters.drop(Drop.BAD_ICMP);
        } else if (error.mtu < 0 || error.protocol != Ipv4Header.PROTOCOL_TCP) {
            // Others change nothing here (RFC 5508 §4.1 lets a translator drop what it cannot map).
            counters.drop(Drop.UNKNOWN_PROTOCOL);
        } else {
            Guest guest = guests.find(
                    IpHeader.destinationHigh(s, error.packetAt), IpHeader.destinationLow(s, error.packetAt));
            if (guest == null || guest.link != from.link || !tcp.onNarrowPath(guest, error, s, now)) {
                counters.drop(Drop.BAD_ICMP);
            }
        }
        return true;
    }

    private static boolean isError(boolean ipv4, int type) {
        return ipv4 ? IcmpErrorWriter.isError(type) : Icmpv6Header.isError(type);
    }
}
