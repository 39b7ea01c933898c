package dev.sluice.stack.ip;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Ipv4Header;
import java.lang.foreign.MemorySegment;

/** ICMPv4 errors: whether one may be sent about a packet, and its bytes. */
public final class IcmpErrorWriter {
    /** The longest datagram with an error, IPv4 header included (RFC 1812 §4.3.2.3). */
    public static final int MAX_DATAGRAM = 576;
    /** The longest ICMP message that {@link #write} makes. */
    public static final int MAX_MESSAGE = MAX_DATAGRAM - Ipv4Header.MIN_LENGTH;

    private IcmpErrorWriter() {}

    /**
     * Whether an error may be sent about the packet at {@code at} (RFC 1122 §3.2.2, RFC 1812 §4.3.2.7): not about ICMP errors or ICMP
     * of unknown type, not about fragments other than the first, not about multicast or broadcast, and not to a source that is not
     * a single host's.
     *
     * @param s a packet whose header has passed {@link Ipv4Header#check}
     * @param length bytes available from {@code at}
     * @param broadcast the network's broadcast address as bits (255.255.255.255 is always known)
     * @param linkBroadcast true if the frame came to a group address
     */
    public static boolean mayAnswer(MemorySegment s, long at, int length, int broadcast, boolean linkBroadcast) {
        if (linkBroadcast || length < Ipv4Header.MIN_LENGTH || Ipv4Header.fragmentOffset(s, at) != 0) {
            return false;
        }
        int source = Ipv4Header.source(s, at);
        int destination = Ipv4Header.destination(s, at);
        if (!isHost(source) || source == broadcast || source >>> 24 == 127) {
            return false;
        }
        if (destination == broadcast || destination >>> 28 == 0xe || destination == -1) {
            return false;
        }
        if (Ipv4Header.protocol(s, at) != Ipv4Header.PROTOCOL_ICMP) {
            return true;
        }
        int header = Ipv4Header.headerLength(s, at);
        if (header >= length) {
            return false;
        }
        return switch (IcmpHeader.type(s, at + header)) {
            // Echo, timestamp, information and mask: the queries of RFC 792 and RFC 950 and their replies.
            case 0, 8, 13, 14, 15, 16, 17, 18 -> true;
            default -> false;
        };
    }

    /** Neither this-network (0/8), multicast, reserved (240/4) nor broadcast. */
    private static boolean isHost(int address) {
        return address >>> 24 != 0 && address >>> 28 < 0xe;
    }

    /**
     * Writes a whole ICMP message: type, code, {@code rest}, checksum, and the packet quoted as far as {@link #MAX_DATAGRAM} allows.
     *
     * @param out at least {@link #MAX_MESSAGE} writable bytes at {@code outAt}, elsewhere than the packet
     * @param rest the type's own four bytes, such as the next-hop MTU of "fragmentation needed"
     * @param packet the offending packet, whose header has passed {@link Ipv4Header#check}
     * @param length bytes of it available
     * @return bytes written: the message without IPv4 header
     */
    public static int write(
            MemorySegment out, long outAt, int type, int code, int rest, MemorySegment packet, long at, int length) {
        int quoted = Math.min(Math.min(Ipv4Header.totalLength(packet, at), length), MAX_MESSAGE - IcmpHeader.LENGTH);
        IcmpHeader.write(out, outAt, type, code, rest);
        MemorySegment.copy(packet, at, out, outAt + IcmpHeader.LENGTH, quoted);
        IcmpHeader.updateChecksum(out, outAt, IcmpHeader.LENGTH + quoted);
        return IcmpHeader.LENGTH + quoted;
    }

    /** Whether {@code type} reports an error, so that nothing may ever answer it. */
    public static boolean isError(int type) {
        return switch (type) {
            case IcmpHeader.DESTINATION_UNREACHABLE, 4, 5, IcmpHeader.TIME_EXCEEDED, IcmpHeader.PARAMETER_PROBLEM ->
                true;
            default -> false;
        };
    }

    /** The next-hop MTU that a "fragmentation needed" at {@code at} reports; 0 from routers older than RFC 1191. */
    public static int nextHopMtu(MemorySegment s, long at) {
        return Bytes.u16(s, at + 6);
    }
}
