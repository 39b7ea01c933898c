package dev.sluice.stack.ip;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.Ipv4Header;
import java.lang.foreign.MemorySegment;

/**
 * The packet quoted inside an ICMPv4 error: its IPv4 header and at least eight bytes of its payload (RFC 792). Routers cut it, rewrite
 * its length and TTL, and leave its checksum stale, so {@link #check} demands only what finding the flow needs.
 */
public final class IcmpQuote {
    private IcmpQuote() {}

    /** Validates {@code length} quoted bytes at {@code at} (right after the eight-byte ICMP header). */
    public static Flaw check(MemorySegment s, long at, long length) {
        if (length < Ipv4Header.MIN_LENGTH) {
            return Flaw.TRUNCATED;
        }
        if (Bytes.u8(s, at) >>> 4 != 4) {
            return Flaw.BAD_VERSION;
        }
        int header = Ipv4Header.headerLength(s, at);
        if (header < Ipv4Header.MIN_LENGTH) {
            return Flaw.BAD_HEADER_LENGTH;
        }
        if (header + 8 > length) {
            return Flaw.TRUNCATED;
        }
        // A quote of a later fragment has no transport header to find a flow by.
        return Ipv4Header.fragmentOffset(s, at) != 0 ? Flaw.BAD_FIELD : Flaw.NONE;
    }

    /** Where the quoted transport header starts; eight bytes of it are there. */
    public static long transport(MemorySegment s, long at) {
        return at + Ipv4Header.headerLength(s, at);
    }

    /** Source port of a quoted TCP or UDP header. */
    public static int sourcePort(MemorySegment s, long at) {
        return Bytes.u16(s, transport(s, at));
    }

    /** Destination port of a quoted TCP or UDP header. */
    public static int destinationPort(MemorySegment s, long at) {
        return Bytes.u16(s, transport(s, at) + 2);
    }

    /** Sequence number of a quoted TCP header: an error counts only if it is in flight (RFC 5927 §4.1). */
    public static int tcpSequence(MemorySegment s, long at) {
        return Bytes.i32(s, transport(s, at) + 4);
    }

    /** Identifier of a quoted ICMP echo. */
    public static int echoIdentifier(MemorySegment s, long at) {
        return Bytes.u16(s, transport(s, at) + 4);
    }
}
