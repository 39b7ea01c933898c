package dev.sluice.gateway.tcp;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.link.Frame;
import dev.sluice.stack.tcp.SendRing;
import dev.sluice.stack.tcp.TcpShard;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;

/**
 * The way of a TCP segment to its guest: Ethernet and IP in front of the header, the payload where it lies in the flow's ring, the
 * checksum left to the link. Allocates nothing. Confined to the loop.
 */
final class SegmentSender {
    private static final int TTL = 64;

    private final AddressPlan plan;
    private final Counters counters;
    private final TcpShard shard;
    private final Frame frame = new Frame();

    SegmentSender(AddressPlan plan, Counters counters, TcpShard shard) {
        this.plan = plan;
        this.counters = counters;
        this.shard = shard;
    }

    /** Puts Ethernet and IP in front of a segment of {@code flow} and sends it. */
    void segment(TcpFlow flow, MemorySegment header, long at, int headerLength, long position, int length) {
        frame.body = MemorySegment.NULL;
        frame.bodyLength = 0;
        frame.bodyWrapLength = 0;
        if (length > 0) {
            SendRing ring = flow.tcb.sendRing();
            frame.body = ring.memory();
            frame.bodyAt = ring.at(position);
            frame.bodyLength = ring.firstPart(position, length);
            frame.bodyWrapAt = ring.wrapAt();
            frame.bodyWrapLength = length - frame.bodyLength;
        }
        send(flow.guest, flow.remoteHigh, flow.remoteLow, header, at, headerLength, length, flow.tcb.sendMss());
    }

    private void send(
            Guest guest,
            long sourceHigh,
            long sourceLow,
            MemorySegment header,
            long at,
            int headerLength,
            int length,
            int mss) {
        boolean ipv4 = guest.isIpv4();
        int ipLength = IpHeader.length(ipv4);
        long ip = at - ipLength;
        long ethernet = ip - EthernetHeader.LENGTH;
        int segment = headerLength + length;
        int type = ipv4 ? EthernetHeader.TYPE_IPV4 : EthernetHeader.TYPE_IPV6;
        EthernetHeader.write(header, ethernet, guest.mac, plan.mac().bits(), type);
        long pseudo;
        if (ipv4) {
            int source = (int) sourceLow;
            Ipv4Header.write(
                    header,
                    ip,
                    0,
                    Ipv4Header.MIN_LENGTH + segment,
                    0, // never cut, so it means nothing and tells nothing (RFC 6864 §4.1); segments of one frame count
                    // up
                    Ipv4Header.DONT_FRAGMENT,
                    TTL,
                    Ipv4Header.PROTOCOL_TCP,
                    source,
                    guest.address);
            pseudo = Checksum.pseudoHeader(source, guest.address, Ipv4Header.PROTOCOL_TCP, segment);
        } else {
            Ipv6Header.write(
                    header,
                    ip,
                    0,
                    0,
                    segment,
                    Ipv4Header.PROTOCOL_TCP,
                    TTL,
                    sourceHigh,
                    sourceLow,
                    guest.high,
                    guest.low);
            pseudo = Ipv6Header.pseudoHeader(header, ip, Ipv4Header.PROTOCOL_TCP, segment);
        }
        Bytes.put16(header, at + TcpHeader.CHECKSUM, Checksum.fold(pseudo));
        frame.head = header;
        frame.headAt = ethernet;
        frame.headLength = EthernetHeader.LENGTH + ipLength + headerLength;
        frame.checksumStart = EthernetHeader.LENGTH + ipLength;
        frame.checksumOffset = TcpHeader.CHECKSUM;
        frame.checksumTrusted = false;
        if (length > mss) {
            frame.gso = ipv4 ? Frame.GSO_TCP4 : Frame.GSO_TCP6;
            frame.gsoSize = mss;
        } else {
            frame.gso = Frame.GSO_NONE;
            frame.gsoSize = 0;
        }
        if (!guest.link.send(frame)) {
            counters.drop(Drop.LINK_FULL);
        }
    }

    /** Answers a segment that belongs to no flow with RST, as RFC 9293 §3.10.7.1 says. */
    void refuse(Guest guest, MemorySegment packet, long ipAt, long at, int length) {
        int reset = shard.writeReset(packet, at, length);
        if (reset > 0) {
            bare(guest, IpHeader.destinationHigh(packet, ipAt), IpHeader.destinationLow(packet, ipAt), reset);
        }
    }

    /** Sends the header that stands in the shard's scratch memory, without payload. */
    void bare(Guest guest, long sourceHigh, long sourceLow, int headerLength) {
        frame.body = MemorySegment.NULL;
        frame.bodyLength = 0;
        frame.bodyWrapLength = 0;
        send(guest, sourceHigh, sourceLow, shard.header(), TcpShard.HEADER_AT, headerLength, 0, Integer.MAX_VALUE);
    }
}
