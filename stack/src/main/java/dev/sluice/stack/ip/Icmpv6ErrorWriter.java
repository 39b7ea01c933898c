package dev.sluice.stack.ip;

import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.Ipv6Chain;
import dev.sluice.wire.Ipv6Header;
import java.lang.foreign.MemorySegment;

/** ICMPv6 errors: whether one may be sent about a packet, and its bytes. Confined to its owner's thread. */
public final class Icmpv6ErrorWriter {
    /** The longest datagram with an error, IPv6 header included: the minimum MTU (RFC 4443 §2.4 c). */
    public static final int MAX_DATAGRAM = 1280;
    /** The longest ICMPv6 message that {@link #write} makes. */
    public static final int MAX_MESSAGE = MAX_DATAGRAM - Ipv6Header.LENGTH;

    private final Ipv6Chain chain = new Ipv6Chain();

    /**
     * Whether an error may be sent about the packet at {@code at} (RFC 4443 §2.4 e): not about ICMPv6 errors and redirects, not about
     * fragments other than the first, not about multicast, and not to a source that is not a single node's.
     *
     * @param s a packet whose header has passed {@link Ipv6Header#check}
     * @param length bytes available from {@code at}
     */
    public boolean mayAnswer(MemorySegment s, long at, int length) {
        if (length < Ipv6Header.LENGTH) {
            return false;
        }
        long source = Ipv6Header.sourceHigh(s, at);
        if (source >>> 56 == 0xff || source == 0 || Ipv6Header.destinationHigh(s, at) >>> 56 == 0xff) {
            return false;
        }
        chain.walk(s, at, length);
        if (chain.fragmentAt >= 0 && Ipv6Chain.fragmentOffset(s, chain.fragmentAt) != 0) {
            return false;
        }
        if (chain.protocol != Ipv6Header.ICMPV6) {
            return true;
        }
        if (chain.length < 1) {
            return false;
        }
        int type = IcmpHeader.type(s, chain.at);
        return !Icmpv6Header.isError(type) && type != Icmpv6Header.REDIRECT;
    }

    /**
     * Writes a whole ICMPv6 message without its checksum: type, code, {@code rest}, and the packet quoted as far as {@link
     * #MAX_DATAGRAM} allows.
     *
     * @param out at least {@link #MAX_MESSAGE} writable bytes at {@code outAt}, elsewhere than the packet
     * @param rest the type's own four bytes: MTU of "packet too big", pointer of a parameter problem
     * @param length bytes of the packet available
     * @return bytes written
     */
    public static int write(
            MemorySegment out, long outAt, int type, int code, int rest, MemorySegment packet, long at, int length) {
        int quoted = Math.min(
                Math.min(Ipv6Header.LENGTH + Ipv6Header.payloadLength(packet, at), length),
                MAX_MESSAGE - Icmpv6Header.LENGTH);
        IcmpHeader.write(out, outAt, type, code, rest);
        MemorySegment.copy(packet, at, out, outAt + Icmpv6Header.LENGTH, quoted);
        return Icmpv6Header.LENGTH + quoted;
    }

    /** Where the packet at {@code at} names its upper layer, for a parameter problem's pointer (RFC 4443 §3.4). */
    public int protocolField(MemorySegment s, long at, int length) {
        chain.walk(s, at, length);
        return (int) (chain.protocolField - at);
    }
}
