package dev.sluice.gateway;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.link.Frame;
import dev.sluice.wire.ArpHeader;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Chain;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.NdpMessage;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What one guest may tell the others through the switch: not that it is a router (RFC 6105, and by RFC 7113 no message that could hide that
 * in fragments or headers), not that it has an address of the gateway's, nor one that another guest has. What receivers look through is looked
 * through here, too: tags of 802.1Q that name no VLAN, and SNAP (CVE-2021-27853, -27854). Only looks; allocates nothing. Confined to the loop.
 */
final class NeighbourGuard {
    private static final int TYPE_SERVICE_TAG = 0x88a8;
    /** LLC, and the organisation whose types are Ethernet's own (RFC 1042), or those of a bridge that keeps them apart. */
    private static final long SNAP = 0xaaaa_0300_0000L;

    private static final long BRIDGED_SNAP = 0xaaaa_0300_00f8L;
    private static final int SNAP_LENGTH = 8;
    /** Nobody honest has more around a packet. */
    private static final int MOST_WRAPPERS = 2;

    private final AddressPlan plan;
    private final @Nullable Ipv6Plan six;
    private final GuestTable guests;
    private final Ipv6Chain chain = new Ipv6Chain();

    NeighbourGuard(AddressPlan plan, GuestTable guests) {
        this.plan = plan;
        this.six = plan.ipv6();
        this.guests = guests;
    }

    /** Whether other guests may have this frame. Protocols that are not IP's pass. */
    boolean mayPass(Frame frame, long now) {
        MemorySegment s = frame.head;
        long at = frame.headAt + EthernetHeader.LENGTH;
        int length = frame.headLength - EthernetHeader.LENGTH;
        if (length < 0) {
            return false;
        }
        long mac = EthernetHeader.source(s, frame.headAt);
        int type = EthernetHeader.type(s, frame.headAt);
        for (int wrappers = 0; isWrapper(type, s, at, length); wrappers++) {
            boolean tag = type >= EthernetHeader.FIRST_TYPE;
            int wrapper = tag ? EthernetHeader.TAG_LENGTH : SNAP_LENGTH;
            if (length < wrapper || wrappers == MOST_WRAPPERS) {
                return false;
            }
            if (tag && (Bytes.u16(s, at) & PriorityTag.VLAN) != 0) {
                return true; // a network of their own, of which the gateway is no part
            }
            type = Bytes.u16(s, at + wrapper - 2);
            at += wrapper;
            length -= wrapper;
        }
        return switch (type) {
            case EthernetHeader.TYPE_ARP -> arp(mac, s, at, length, now);
            case EthernetHeader.TYPE_IPV4 ->
                Ipv4Header.check(s, at, length) == Flaw.NONE && mayUse4(mac, Ipv4Header.source(s, at), now);
            case EthernetHeader.TYPE_IPV6 -> Ipv6Header.check(s, at, length) == Flaw.NONE && ipv6(mac, s, at, now);
            default -> true;
        };
    }

    private static boolean isWrapper(int type, MemorySegment s, long at, int length) {
        if (type >= EthernetHeader.FIRST_TYPE) {
            return type == EthernetHeader.TYPE_TAG || type == TYPE_SERVICE_TAG;
        }
        long start = length < SNAP_LENGTH ? 0 : Bytes.i64(s, at) >>> 16;
        return start == SNAP || start == BRIDGED_SNAP;
    }

    private boolean arp(long mac, MemorySegment s, long at, int length, long now) {
        return ArpHeader.check(s, at, length) == Flaw.NONE
                && ArpHeader.senderMac(s, at) == mac
                && mayUse4(mac, ArpHeader.senderAddress(s, at), now);
    }

    /** 0.0.0.0 is nobody's: probes and DHCP clients have it. */
    private boolean mayUse4(long mac, int address, long now) {
        return address == 0
                || address != plan.gateway().bits()
                        && address != plan.host().bits()
                        && isFree(IpHeader.MAPPED_HIGH, IpHeader.mapped(address), mac, now);
    }

    private boolean mayUse6(long mac, long high, long low, long now) {
        Ipv6Plan own = six;
        return own == null || !own.isGateway(high, low) && !own.isHost(high, low) && isFree(high, low, mac, now);
    }

    private boolean isFree(long high, long low, long mac, long now) {
        Guest holder = guests.find(high, low);
        return holder == null || holder.mac == mac || !guests.holds(holder, now);
    }

    private boolean ipv6(long mac, MemorySegment s, long ip, long now) {
        long high = Ipv6Header.sourceHigh(s, ip);
        long low = Ipv6Header.sourceLow(s, ip);
        boolean nameless = high == 0 && low == 0;
        if (!nameless && !mayUse6(mac, high, low, now)) {
            return false;
        }
        int total = Ipv6Header.LENGTH + Ipv6Header.payloadLength(s, ip);
        if (chain.walk(s, ip, total) != Flaw.NONE) {
            return false;
        }
        boolean first = chain.fragmentAt < 0 || Ipv6Chain.fragmentOffset(s, chain.fragmentAt) == 0;
        if (!first || chain.protocol != Ipv6Header.ICMPV6) {
            return true; // what could be a neighbour's message starts in the first fragment
        }
        if (chain.length < Icmpv6Header.LENGTH) {
            return false;
        }
        int type = IcmpHeader.type(s, chain.at);
        if (type < Icmpv6Header.ROUTER_SOLICITATION || type > Icmpv6Header.REDIRECT) {
            return true;
        }
        return chain.fragmentAt < 0 // RFC 6980
                && NdpMessage.check(s, ip, chain.at, chain.length) == Flaw.NONE
                && neighbour(type, mac, s, now);
    }

    private boolean neighbour(int type, long mac, MemorySegment s, long now) {
        return switch (type) {
            case Icmpv6Header.ROUTER_SOLICITATION, Icmpv6Header.NEIGHBOUR_SOLICITATION ->
                namesItself(NdpMessage.OPTION_SOURCE_LINK_ADDRESS, mac, s);
            case Icmpv6Header.NEIGHBOUR_ADVERTISEMENT ->
                namesItself(NdpMessage.OPTION_TARGET_LINK_ADDRESS, mac, s)
                        && mayUse6(mac, NdpMessage.targetHigh(s, chain.at), NdpMessage.targetLow(s, chain.at), now);
            default -> false; // advertisements of routers, and redirects
        };
    }

    private boolean namesItself(int option, long mac, MemorySegment s) {
        long at = NdpMessage.option(s, chain.at, chain.length, option);
        return at < 0 || NdpMessage.linkAddress(s, at) == mac;
    }
}
