package dev.sluice.link.capture;

import dev.sluice.wire.ArpHeader;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Chain;
import dev.sluice.wire.Ipv6Header;
import java.lang.foreign.MemorySegment;

/**
 * What filters ask about a frame, read once for all of them. Reused for every frame; allocates nothing. Frames may be broken: what can't
 * be read is not there.
 */
final class Facts {
    private static final int PORTS_LENGTH = 4;

    long sourceMac;
    long destinationMac;
    int etherType;
    /** Whether there are IP addresses; ARP has them, too. */
    boolean addressed;

    long sourceHigh;
    long sourceLow;
    long destinationHigh;
    long destinationLow;
    /** The upper layer's; −1 without one. */
    int protocol;
    /** Both −1 where there are none, as in fragments but the first. */
    int sourcePort;

    int destinationPort;
    private final Ipv6Chain chain = new Ipv6Chain();

    /** Reads a frame of which {@code length} bytes lie at {@code at}; at least 14. */
    void read(MemorySegment s, long at, int length) {
        addressed = false;
        protocol = -1;
        sourcePort = -1;
        destinationPort = -1;
        destinationMac = EthernetHeader.destination(s, at);
        sourceMac = EthernetHeader.source(s, at);
        etherType = EthernetHeader.type(s, at);
        long packet = at + EthernetHeader.LENGTH;
        int left = length - EthernetHeader.LENGTH;
        switch (etherType) {
            case EthernetHeader.TYPE_IPV4 -> readIpv4(s, packet, left);
            case EthernetHeader.TYPE_IPV6 -> readIpv6(s, packet, left);
            case EthernetHeader.TYPE_ARP -> readArp(s, packet, left);
            default -> {}
        }
    }

    private void readIpv4(MemorySegment s, long ip, int left) {
        if (left < Ipv4Header.MIN_LENGTH) {
            return;
        }
        addressed = true;
        sourceHigh = IpHeader.MAPPED_HIGH;
        sourceLow = IpHeader.mapped(Ipv4Header.source(s, ip));
        destinationHigh = IpHeader.MAPPED_HIGH;
        destinationLow = IpHeader.mapped(Ipv4Header.destination(s, ip));
        protocol = Ipv4Header.protocol(s, ip);
        int header = Ipv4Header.headerLength(s, ip);
        if (header >= Ipv4Header.MIN_LENGTH && Ipv4Header.fragmentOffset(s, ip) == 0) {
            readPorts(s, ip + header, left - header);
        }
    }

    private void readIpv6(MemorySegment s, long ip, int left) {
        if (left < Ipv6Header.LENGTH) {
            return;
        }
        addressed = true;
        sourceHigh = Ipv6Header.sourceHigh(s, ip);
        sourceLow = Ipv6Header.sourceLow(s, ip);
        destinationHigh = Ipv6Header.destinationHigh(s, ip);
        destinationLow = Ipv6Header.destinationLow(s, ip);
        Flaw flaw = chain.walk(s, ip, left);
        protocol = chain.protocol;
        boolean later = chain.fragmentAt >= 0 && Ipv6Chain.fragmentOffset(s, chain.fragmentAt) != 0;
        if (flaw == Flaw.NONE && !later) {
            readPorts(s, chain.at, (int) (ip + left - chain.at));
        }
    }

    private void readPorts(MemorySegment s, long at, int left) {
        if ((protocol == Ipv4Header.PROTOCOL_TCP || protocol == Ipv4Header.PROTOCOL_UDP) && left >= PORTS_LENGTH) {
            sourcePort = Bytes.u16(s, at);
            destinationPort = Bytes.u16(s, at + 2);
        }
    }

    private void readArp(MemorySegment s, long at, int left) {
        if (left >= ArpHeader.LENGTH) {
            addressed = true;
            sourceHigh = IpHeader.MAPPED_HIGH;
            sourceLow = IpHeader.mapped(ArpHeader.senderAddress(s, at));
            destinationHigh = IpHeader.MAPPED_HIGH;
            destinationLow = IpHeader.mapped(ArpHeader.targetAddress(s, at));
        }
    }
}
