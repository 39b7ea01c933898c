package dev.sluice.stack.ip;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Chain;
import dev.sluice.wire.Ipv6Header;
import java.lang.foreign.MemorySegment;

/**
 * An ICMP error of either family, read once: what it says, in ICMPv4's words, and whose packet it quotes. A cursor that is used again and
 * again. Routers cut what they quote, rewrite its length and hop limit, and leave checksums stale, so {@link #read} demands only what
 * finding the flow needs: the IP header and eight bytes of its payload.
 */
public final class IcmpError {
    private static final int TRANSPORT = 8;

    private final Ipv6Chain chain = new Ipv6Chain();

    /** Type and code; those of ICMPv6 as RFC 7915 §5.2 has them. */
    public int type;

    public int code;
    /** Whether it says that trying again is no use (RFC 9293 §3.9.2.2, RFC 1812 §5.2.7.1): refused there, or forbidden on the way. */
    public boolean hard;
    /** The next hop's MTU, if that is what the packet was too large for; may be anything. -1 otherwise. */
    public long mtu;

    /** Where the quoted packet and its transport header start; eight bytes of the latter are there. */
    public long packetAt;

    public long transportAt;
    /** Protocol of the quoted transport header. */
    public int protocol;

    /**
     * Reads the ICMP message of {@code length} bytes at {@code at}, whose checksum has been verified.
     *
     * @param ipv4 which family's
     * @return NONE, or why nothing may be made of it: no error at all, nobody's, or cut too short
     */
    public Flaw read(boolean ipv4, MemorySegment s, long at, int length) {
        if (length < IcmpHeader.LENGTH) {
            return Flaw.TRUNCATED;
        }
        type = IcmpHeader.type(s, at);
        code = IcmpHeader.code(s, at);
        packetAt = at + IcmpHeader.LENGTH;
        int available = length - IcmpHeader.LENGTH;
        return ipv4 ? read4(s, at, available) : read6(s, at, available);
    }

    private Flaw read4(MemorySegment s, long at, int available) {
        boolean unreachable = type == IcmpHeader.DESTINATION_UNREACHABLE;
        if (!unreachable && type != IcmpHeader.TIME_EXCEEDED) {
            return Flaw.BAD_FIELD;
        }
        boolean tooBig = unreachable && code == IcmpHeader.FRAGMENTATION_NEEDED;
        mtu = tooBig ? IcmpErrorWriter.nextHopMtu(s, at) : -1;
        hard = unreachable
                && switch (code) {
                    case IcmpHeader.PROTOCOL_UNREACHABLE,
                            IcmpHeader.PORT_UNREACHABLE,
                            9,
                            10,
                            IcmpHeader.ADMINISTRATIVELY_PROHIBITED -> true;
                    default -> false;
                };
        if (available < Ipv4Header.MIN_LENGTH) {
            return Flaw.TRUNCATED;
        }
        if (Bytes.u8(s, packetAt) >>> 4 != 4) {
            return Flaw.BAD_VERSION;
        }
        int header = Ipv4Header.headerLength(s, packetAt);
        if (header < Ipv4Header.MIN_LENGTH) {
            return Flaw.BAD_HEADER_LENGTH;
        }
        transportAt = packetAt + header;
        protocol = Ipv4Header.protocol(s, packetAt);
        if (header + TRANSPORT > available) {
            return Flaw.TRUNCATED;
        }
        // A quote of a later fragment has no transport header to find a flow by.
        return Ipv4Header.fragmentOffset(s, packetAt) != 0 ? Flaw.BAD_FIELD : Flaw.NONE;
    }

    private Flaw read6(MemorySegment s, long at, int available) {
        int error = Icmpv6Header.toIcmpv4(type, code);
        if (error < 0) {
            return Flaw.BAD_FIELD;
        }
        // A next header that is not known is no hard error here, unlike ICMPv4's protocol (RFC 9293 §3.9.2.2).
        hard = type == Icmpv6Header.DESTINATION_UNREACHABLE
                && code != Icmpv6Header.NO_ROUTE
                && code != Icmpv6Header.BEYOND_SCOPE
                && code != Icmpv6Header.ADDRESS_UNREACHABLE;
        mtu = type == Icmpv6Header.PACKET_TOO_BIG ? Bytes.i32(s, at + 4) & 0xffff_ffffL : -1;
        type = error >>> 8;
        code = error & 0xff;
        if (available < Ipv6Header.LENGTH) {
            return Flaw.TRUNCATED;
        }
        if (Bytes.u8(s, packetAt) >>> 4 != 6) {
            return Flaw.BAD_VERSION;
        }
        Flaw flaw = chain.walk(s, packetAt, available);
        if (flaw != Flaw.NONE) {
            return flaw;
        }
        transportAt = chain.at;
        protocol = chain.protocol;
        if (packetAt + available - transportAt < TRANSPORT) {
            return Flaw.TRUNCATED;
        }
        boolean later = chain.fragmentAt >= 0 && Ipv6Chain.fragmentOffset(s, chain.fragmentAt) != 0;
        return later ? Flaw.BAD_FIELD : Flaw.NONE;
    }

    /** Source port of a quoted TCP or UDP header. */
    public int sourcePort(MemorySegment s) {
        return Bytes.u16(s, transportAt);
    }

    /** Destination port of a quoted TCP or UDP header. */
    public int destinationPort(MemorySegment s) {
        return Bytes.u16(s, transportAt + 2);
    }

    /** Sequence number of a quoted TCP header: an error counts only if it is in flight (RFC 5927 §4.1). */
    public int tcpSequence(MemorySegment s) {
        return Bytes.i32(s, transportAt + 4);
    }

    /** Identifier of a quoted ICMP echo. */
    public int echoIdentifier(MemorySegment s) {
        return Bytes.u16(s, transportAt + 4);
    }
}
