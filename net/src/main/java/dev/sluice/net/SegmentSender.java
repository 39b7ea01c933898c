package dev.sluice.net;

import dev.sluice.link.Frame;
import dev.sluice.net.ip.HostLink;
import dev.sluice.net.ip.IpInterface;
import dev.sluice.net.ip.Neighbour;
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
 * The way of a TCP segment to its neighbour: Ethernet and IP in front of the header, the payload where it lies in the session's ring, the
 * checksum left to the link. Allocates nothing. Confined to the loop.
 */
final class SegmentSender {
    private static final int ECN_CAPABLE = 2;

    private final HostLink link;
    private final IpInterface ip;
    private final TcpShard shard;
    private final NetCounters counters;
    private final Frame frame = new Frame();

    SegmentSender(HostLink link, IpInterface ip, TcpShard shard, NetCounters counters) {
        this.link = link;
        this.ip = ip;
        this.shard = shard;
        this.counters = counters;
    }

    /** Puts Ethernet and IP in front of a segment of {@code session} and sends it. */
    void segment(TcpSession session, MemorySegment header, long at, int headerLength, long position, int length) {
        Neighbour to = session.nextHop();
        if (to == null) {
            counters.ip.noRoute++;
            return;
        }
        clearBody();
        if (length > 0) {
            SendRing ring = session.tcb.sendRing();
            frame.body = ring.memory();
            frame.bodyAt = ring.at(position);
            frame.bodyLength = ring.firstPart(position, length);
            frame.bodyWrapAt = ring.wrapAt();
            frame.bodyWrapLength = length - frame.bodyLength;
        }
        int service = session.connection.trafficClass() | (session.tcb.mayBeMarked() ? ECN_CAPABLE : 0);
        int hops = session.connection.hopLimit();
        send(
                to,
                session.localHigh,
                session.localLow,
                session.remoteHigh,
                session.remoteLow,
                service,
                hops,
                header,
                at,
                headerLength,
                length,
                session.tcb.sendMss());
    }

    /** Sends the header that stands in the shard's scratch memory, without payload. */
    void bare(long sourceHigh, long sourceLow, long high, long low, int headerLength) {
        Neighbour to = ip.route(high, low);
        if (to == null) {
            counters.ip.noRoute++;
            return;
        }
        clearBody();
        send(
                to,
                sourceHigh,
                sourceLow,
                high,
                low,
                0,
                0,
                shard.header(),
                TcpShard.HEADER_AT,
                headerLength,
                0,
                Integer.MAX_VALUE);
    }

    /** Answers a segment that belongs to no connection with RST, as RFC 9293 §3.10.7.1 says. */
    void refuse(MemorySegment packet, long ipAt, long at, int length) {
        counters.segmentsRefused++;
        int reset = shard.writeReset(packet, at, length);
        if (reset > 0) {
            answer(packet, ipAt, reset);
        }
    }

    /** Sends the header in the shard's scratch memory to where the packet at {@code ipAt} came from. */
    void answer(MemorySegment packet, long ipAt, int headerLength) {
        bare(
                IpHeader.destinationHigh(packet, ipAt),
                IpHeader.destinationLow(packet, ipAt),
                IpHeader.sourceHigh(packet, ipAt),
                IpHeader.sourceLow(packet, ipAt),
                headerLength);
    }

    private void clearBody() {
        frame.body = MemorySegment.NULL;
        frame.bodyLength = 0;
        frame.bodyWrapLength = 0;
    }

    private void send(
            Neighbour to,
            long sourceHigh,
            long sourceLow,
            long high,
            long low,
            int service,
            int hops,
            MemorySegment header,
            long at,
            int headerLength,
            int length,
            int mss) {
        boolean ipv4 = IpHeader.isIpv4(high, low);
        int ipLength = IpHeader.length(ipv4);
        long ipAt = at - ipLength;
        long ethernet = ipAt - EthernetHeader.LENGTH;
        int segment = headerLength + length;
        int hopLimit = hops == 0 ? ip.hopLimit(ipv4) : hops;
        int type = ipv4 ? EthernetHeader.TYPE_IPV4 : EthernetHeader.TYPE_IPV6;
        EthernetHeader.write(header, ethernet, 0, link.mac(), type);
        long pseudo;
        if (ipv4) {
            int source = (int) sourceLow;
            int destination = (int) low;
            Ipv4Header.write(
                    header,
                    ipAt,
                    service,
                    Ipv4Header.MIN_LENGTH + segment,
                    0, // never cut on its way, so it needs none (RFC 6864 §4.1), and none tells what others are sent
                    Ipv4Header.DONT_FRAGMENT,
                    hopLimit,
                    Ipv4Header.PROTOCOL_TCP,
                    source,
                    destination);
            pseudo = Checksum.pseudoHeader(source, destination, Ipv4Header.PROTOCOL_TCP, segment);
        } else {
            Ipv6Header.write(
                    header,
                    ipAt,
                    service,
                    0,
                    segment,
                    Ipv4Header.PROTOCOL_TCP,
                    hopLimit,
                    sourceHigh,
                    sourceLow,
                    high,
                    low);
            pseudo = Ipv6Header.pseudoHeader(header, ipAt, Ipv4Header.PROTOCOL_TCP, segment);
        }
        Bytes.put16(header, at + TcpHeader.CHECKSUM, Checksum.fold(pseudo));
        frame.head = header;
        frame.headAt = ethernet;
        frame.headLength = EthernetHeader.LENGTH + ipLength + headerLength;
        frame.checksumStart = EthernetHeader.LENGTH + ipLength;
        frame.checksumOffset = TcpHeader.CHECKSUM;
        frame.checksumTrusted = false;
        boolean large = length > mss;
        frame.gso = !large ? Frame.GSO_NONE : ipv4 ? Frame.GSO_TCP4 : Frame.GSO_TCP6;
        frame.gsoSize = large ? mss : 0;
        ip.send(to, frame);
    }
}
