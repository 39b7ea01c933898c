package dev.sluice.link;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.MemorySegment;

/**
 * Does in software what a device with offloads would do: cuts super-segments into frames that fit the link and makes unfinished
 * checksums. A cursor: {@link #begin} a frame, then {@link #next} until {@link #remaining} is 0. It owns no memory but its fields,
 * keeps no reference to the frame's memory after the last {@code next}, and allocates nothing. One per link.
 *
 * <p>All protocol headers must lie in the frame's head; the payload may go on in the head and lies in body and wrap.
 *
 * <p>TCP (RFC 9293 §3.8.6 calls it sender silly windows' opposite, Linux "GSO"): sequence number advances with the payload, PSH and
 * FIN only on the last segment, CWR only on the first (RFC 3168 §6.1.2). IPv4 identification counts up. A complete TCP frame longer
 * than the link's MTU is cut as well, and its checksum made anew: peers with TSO switched on send such frames without a word.
 */
public final class Segmenter {
    private static final int IPV6_HEADER = 40;
    /** Bytes that are copied and then summed: source and target together leave room in a first-level cache. Even. */
    private static final int PIECE = 8192;

    /** A frame that is only copied (and its checksum finished). */
    private static final int PLAIN = 0;

    private static final int TCP = 1;
    private static final int UDP = 2;

    private Frame frame = new Frame();
    private int kind;
    private boolean ipv6;
    /** Where the IP and the transport header start, and where the payload starts: offsets in the frame. */
    private int ipAt;

    private int transportAt;
    private int headers;
    private int payload;
    private int size;
    /** Payload bytes cut so far, and segments. */
    private int cut;

    private int index;
    private int count;
    /** Of the first segment. */
    private int sequence;

    private int identification;
    private int tcpFlags;
    /** Sum over addresses and protocol, without the length. */
    private long pseudo;

    private boolean withChecksum;

    /**
     * Starts on {@code frame}, which must not change until the last segment was fetched.
     *
     * @param mtu the largest IP packet to make, in bytes
     * @return false if the frame can't be made to fit: too long and not TCP, or its headers are not what its fields say. Nothing
     *     is to be fetched then.
     */
    public boolean begin(Frame frame, int mtu) {
        this.frame = frame;
        index = 0;
        cut = 0;
        count = 0;
        int length = frame.length();
        if (frame.headLength < EthernetHeader.LENGTH) {
            return false;
        }
        boolean fits = length <= mtu + EthernetHeader.LENGTH + tagLength(frame);
        if (frame.gso == Frame.GSO_NONE && fits) {
            return beginPlain(frame, length);
        }
        if (!parseIp(frame)) {
            return false;
        }
        boolean ready = switch (frame.gso) {
            case Frame.GSO_NONE, Frame.GSO_TCP4, Frame.GSO_TCP6 -> beginTcp(frame, length, mtu);
            case Frame.GSO_UDP -> beginUdp(frame, length, mtu);
            default -> false;
        };
        count = ready ? Math.max(1, (payload + size - 1) / size) : 0;
        return ready;
    }

    private boolean beginPlain(Frame frame, int length) {
        if (frame.checksumStart != 0
                && (frame.checksumStart < EthernetHeader.LENGTH
                        || frame.checksumOffset < 0
                        || frame.checksumStart + frame.checksumOffset + 2 > length)) {
            return false;
        }
        kind = PLAIN;
        headers = length;
        payload = 0;
        size = 1;
        count = 1;
        return true;
    }

    /** Finds the IP header and where the transport header starts, trusting nothing. */
    private boolean parseIp(Frame frame) {
        MemorySegment head = frame.head;
        long at = frame.headAt;
        ipAt = EthernetHeader.LENGTH + tagLength(frame);
        if (ipAt > frame.headLength) {
            return false;
        }
        int type = Bytes.u16(head, at + ipAt - 2);
        if (type == EthernetHeader.TYPE_IPV4) {
            ipv6 = false;
            if (ipAt + Ipv4Header.MIN_LENGTH > frame.headLength) {
                return false;
            }
            transportAt = ipAt + Ipv4Header.headerLength(head, at + ipAt);
            identification = Ipv4Header.identification(head, at + ipAt);
            pseudo = Checksum.pseudoHeader(
                    Ipv4Header.source(head, at + ipAt), Ipv4Header.destination(head, at + ipAt), 0, 0);
            return transportAt >= ipAt + Ipv4Header.MIN_LENGTH && !Ipv4Header.isFragment(head, at + ipAt);
        }
        if (type != EthernetHeader.TYPE_IPV6 || ipAt + IPV6_HEADER > frame.headLength) {
            return false;
        }
        ipv6 = true;
        // With extension headers only the sender knows where the transport header is, and says so by the checksum's
        // start.
        transportAt = frame.checksumStart != 0 ? frame.checksumStart : ipAt + IPV6_HEADER;
        pseudo = Checksum.add(0, head, at + ipAt + 8, 32);
        return transportAt >= ipAt + IPV6_HEADER;
    }

    private boolean protocolIs(Frame frame, int protocol) {
        if (!ipv6) {
            return Ipv4Header.protocol(frame.head, frame.headAt + ipAt) == protocol;
        }
        return transportAt > ipAt + IPV6_HEADER || Bytes.u8(frame.head, frame.headAt + ipAt + 6) == protocol;
    }

    private boolean beginTcp(Frame frame, int length, int mtu) {
        if (transportAt + TcpHeader.MIN_LENGTH > frame.headLength || !protocolIs(frame, Ipv4Header.PROTOCOL_TCP)) {
            return false;
        }
        long at = frame.headAt + transportAt;
        int header = TcpHeader.headerLength(frame.head, at);
        headers = transportAt + header;
        if (header < TcpHeader.MIN_LENGTH || headers > frame.headLength) {
            return false;
        }
        kind = TCP;
        payload = length - headers;
        int largest = mtu + ipAt - headers;
        size = frame.gso == Frame.GSO_NONE ? largest : Math.min(frame.gsoSize, largest);
        tcpFlags = TcpHeader.flags(frame.head, at);
        sequence = TcpHeader.sequence(frame.head, at);
        pseudo = Checksum.add16(pseudo, Ipv4Header.PROTOCOL_TCP);
        withChecksum = true;
        return size > 0;
    }

    private boolean beginUdp(Frame frame, int length, int mtu) {
        headers = transportAt + UdpHeader.LENGTH;
        if (headers > frame.headLength || !protocolIs(frame, Ipv4Header.PROTOCOL_UDP)) {
            return false;
        }
        kind = UDP;
        payload = length - headers;
        size = frame.gsoSize;
        pseudo = Checksum.add16(pseudo, Ipv4Header.PROTOCOL_UDP);
        // Without NEEDS_CSUM a zero field says that the sender wants none (RFC 768); IPv6 always has one (RFC 8200
        // §8.1).
        withChecksum = ipv6
                || frame.checksumStart != 0
                || Bytes.u16(frame.head, frame.headAt + transportAt + UdpHeader.CHECKSUM) != 0;
        // Datagrams keep their borders, so unlike TCP they can't be cut smaller.
        return size > 0 && headers + Math.min(size, payload) - ipAt <= mtu;
    }

    /** Frames still to fetch. */
    public int remaining() {
        return count - index;
    }

    /** Bytes of the next frame. */
    public int nextLength() {
        return headers + Math.min(size, payload - cut);
    }

    /** Bytes of all frames that are still to come, with {@code overhead} more for each. */
    public int totalLength(int overhead) {
        return payload - cut + (headers + overhead) * (count - index);
    }

    /**
     * Writes the next frame to {@code target}.
     *
     * @param target has room for {@link #nextLength} bytes from {@code at}
     * @return the frame's length in bytes
     */
    public int next(MemorySegment target, long at) {
        int bytes = Math.min(size, payload - cut);
        int length = headers + bytes;
        if (kind == PLAIN) {
            copyPlain(target, at, length);
            index++;
            return length;
        }
        MemorySegment.copy(frame.head, frame.headAt, target, at, headers);
        long sum = copyAndSum(headers + cut, bytes, target, at + headers);
        long ip = at + ipAt;
        if (ipv6) {
            Bytes.put16(target, ip + 4, length - ipAt - IPV6_HEADER);
        } else {
            Bytes.put16(target, ip + 2, length - ipAt);
            Bytes.put16(target, ip + 4, identification + index);
            Ipv4Header.updateChecksum(target, ip);
        }
        if (kind == TCP) {
            finishTcp(target, at + transportAt, length - transportAt, sum);
        } else {
            finishUdp(target, at + transportAt, length - transportAt, sum);
        }
        cut += bytes;
        index++;
        return length;
    }

    /** @param payloadSum of the bytes behind the header */
    private void finishTcp(MemorySegment target, long at, int length, long payloadSum) {
        int flags = tcpFlags;
        if (index > 0) {
            flags &= ~TcpHeader.CWR;
        }
        if (index < count - 1) {
            flags &= ~(TcpHeader.FIN | TcpHeader.PSH);
        }
        Bytes.put32(target, at + 4, sequence + cut);
        Bytes.put8(target, at + 13, flags);
        Bytes.put16(target, at + TcpHeader.CHECKSUM, 0);
        long sum = Checksum.add(Checksum.add16(pseudo, length), target, at, headers - transportAt);
        Bytes.put16(target, at + TcpHeader.CHECKSUM, Checksum.finish(sum + payloadSum));
    }

    private void finishUdp(MemorySegment target, long at, int length, long payloadSum) {
        Bytes.put16(target, at + 4, length);
        Bytes.put16(target, at + UdpHeader.CHECKSUM, 0);
        if (withChecksum) {
            long sum = Checksum.add(Checksum.add16(pseudo, length), target, at, UdpHeader.LENGTH);
            Bytes.put16(target, at + UdpHeader.CHECKSUM, UdpHeader.checksumField(sum + payloadSum));
        }
    }

    /**
     * A frame as it is, but for a checksum that may be to be made: its field holds the pseudo header's sum already (virtio 1.3 §5.1.6.2);
     * zero goes out as 0xFFFF, as UDP needs and TCP allows.
     */
    private void copyPlain(MemorySegment target, long at, int length) {
        int start = frame.checksumStart;
        copy(0, start == 0 ? length : start, target, at);
        if (start != 0) {
            long sum = copyAndSum(start, length - start, target, at + start);
            Bytes.put16(target, at + start + frame.checksumOffset, UdpHeader.checksumField(sum));
        }
    }

    /** Copies as {@link #copy} and sums what it copied, piece by piece, while each is in the nearest cache. */
    private long copyAndSum(int from, int length, MemorySegment target, long at) {
        long sum = 0;
        for (int done = 0; done < length; done += PIECE) {
            int bytes = Math.min(PIECE, length - done);
            copy(from + done, bytes, target, at + done);
            sum = Checksum.add(sum, target, at + done, bytes);
        }
        return sum;
    }

    /** Copies {@code length} bytes from offset {@code from} of the frame, whichever parts they lie in. */
    private void copy(int from, int length, MemorySegment target, long at) {
        Frame f = frame;
        int left = length;
        int offset = from;
        long to = at;
        if (offset < f.headLength) {
            int n = Math.min(left, f.headLength - offset);
            MemorySegment.copy(f.head, f.headAt + offset, target, to, n);
            left -= n;
            to += n;
            offset += n;
        }
        offset -= f.headLength;
        if (left > 0 && offset < f.bodyLength) {
            int n = Math.min(left, f.bodyLength - offset);
            MemorySegment.copy(f.body, f.bodyAt + offset, target, to, n);
            left -= n;
            to += n;
            offset += n;
        }
        if (left > 0) {
            MemorySegment.copy(f.body, f.bodyWrapAt + (offset - f.bodyLength), target, to, left);
        }
    }

    private static int tagLength(Frame frame) {
        return frame.headLength >= EthernetHeader.LENGTH + EthernetHeader.TAG_LENGTH
                        && EthernetHeader.type(frame.head, frame.headAt) == EthernetHeader.TYPE_TAG
                ? EthernetHeader.TAG_LENGTH
                : 0;
    }
}
