package dev.sluice.link;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.MemorySegment;

/**
 * Recognises frames whose sender left work for a device although the link carries no word of it. Some hypervisors (libkrun with
 * offloads) put bare frames on a socket that are longer than the MTU and whose checksum field holds no more than the pseudo header's
 * sum.
 */
final class UnfinishedChecksums {
    private static final int IPV6_HEADER = 40;

    private UnfinishedChecksums() {}

    /**
     * Says so in {@code frame} if its TCP or UDP checksum is just the pseudo header's sum; a TCP frame like that which is also longer
     * than {@code mtu} allows is a super-segment. A good checksum has that value once in 65,536 frames; then finishing it yields the
     * same value again, so nothing is lost.
     */
    static void recognise(Frame frame, int mtu) {
        MemorySegment s = frame.head;
        long ip = frame.headAt + EthernetHeader.LENGTH;
        int left = frame.headLength - EthernetHeader.LENGTH;
        int type = EthernetHeader.type(s, frame.headAt);
        int protocol;
        int header;
        int payload;
        long sum;
        if (type == EthernetHeader.TYPE_IPV4 && left >= Ipv4Header.MIN_LENGTH) {
            protocol = Ipv4Header.protocol(s, ip);
            header = Ipv4Header.headerLength(s, ip);
            if (header < Ipv4Header.MIN_LENGTH || Ipv4Header.isFragment(s, ip)) {
                return;
            }
            payload = Ipv4Header.totalLength(s, ip) - header;
            sum = Checksum.pseudoHeader(Ipv4Header.source(s, ip), Ipv4Header.destination(s, ip), protocol, payload);
        } else if (type == EthernetHeader.TYPE_IPV6 && left >= IPV6_HEADER) {
            protocol = Bytes.u8(s, ip + 6);
            header = IPV6_HEADER;
            payload = Bytes.u16(s, ip + 4);
            sum = Checksum.add16(Checksum.add16(Checksum.add(0, s, ip + 8, 32), protocol), payload);
        } else {
            return;
        }
        int offset = switch (protocol) {
            case Ipv4Header.PROTOCOL_TCP -> TcpHeader.CHECKSUM;
            case Ipv4Header.PROTOCOL_UDP -> UdpHeader.CHECKSUM;
            default -> -1;
        };
        if (offset < 0 || payload < offset + 2 || header + payload > left) {
            return;
        }
        if (Bytes.u16(s, ip + header + offset) != Checksum.fold(sum)) {
            return;
        }
        frame.checksumTrusted = true;
        frame.checksumStart = EthernetHeader.LENGTH + header;
        frame.checksumOffset = offset;
        if (left > mtu && protocol == Ipv4Header.PROTOCOL_TCP && payload >= TcpHeader.MIN_LENGTH) {
            int size = mtu - header - TcpHeader.headerLength(s, ip + header);
            if (size > 0) {
                frame.gso = type == EthernetHeader.TYPE_IPV4 ? Frame.GSO_TCP4 : Frame.GSO_TCP6;
                frame.gsoSize = size;
            }
        }
    }
}
