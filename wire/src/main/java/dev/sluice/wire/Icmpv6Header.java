package dev.sluice.wire;

import java.lang.foreign.MemorySegment;

/** The ICMPv6 header (RFC 4443 §2.1): laid out as ICMPv4's, but the checksum covers a pseudo header as well. */
public final class Icmpv6Header {
    public static final int LENGTH = 8;
    /** Offset of the checksum within the header. */
    public static final int CHECKSUM = 2;

    public static final int DESTINATION_UNREACHABLE = 1;
    public static final int PACKET_TOO_BIG = 2;
    public static final int TIME_EXCEEDED = 3;
    public static final int PARAMETER_PROBLEM = 4;
    public static final int ECHO_REQUEST = 128;
    public static final int ECHO_REPLY = 129;
    /** Multicast listener messages (RFC 2710, RFC 3810). */
    public static final int LISTENER_QUERY = 130;

    public static final int LISTENER_REPORT = 131;
    public static final int LISTENER_DONE = 132;
    public static final int LISTENER_REPORT_V2 = 143;
    /** Neighbour discovery (RFC 4861). */
    public static final int ROUTER_SOLICITATION = 133;

    public static final int ROUTER_ADVERTISEMENT = 134;
    public static final int NEIGHBOUR_SOLICITATION = 135;
    public static final int NEIGHBOUR_ADVERTISEMENT = 136;
    public static final int REDIRECT = 137;

    /** Codes of {@link #DESTINATION_UNREACHABLE}. */
    public static final int NO_ROUTE = 0;

    public static final int ADMINISTRATIVELY_PROHIBITED = 1;
    public static final int BEYOND_SCOPE = 2;
    public static final int ADDRESS_UNREACHABLE = 3;
    public static final int PORT_UNREACHABLE = 4;

    /** Code of {@link #PARAMETER_PROBLEM}: a next header that is not known. */
    public static final int UNKNOWN_NEXT_HEADER = 1;

    private Icmpv6Header() {}

    /** Validates length and checksum of a message of {@code length} bytes between the addresses of the IPv6 header at {@code ipAt}. */
    public static Flaw check(MemorySegment s, long ipAt, long at, int length) {
        return length < LENGTH ? Flaw.TRUNCATED : checksumOk(s, ipAt, at, length) ? Flaw.NONE : Flaw.BAD_CHECKSUM;
    }

    /** Completes the checksum of a message whose checksum field may hold anything, between the addresses of the header at {@code ipAt}. */
    public static void updateChecksum(MemorySegment s, long ipAt, long at, int length) {
        Bytes.put16(s, at + CHECKSUM, 0);
        long sum = Checksum.add(Ipv6Header.pseudoHeader(s, ipAt, Ipv6Header.ICMPV6, length), s, at, length);
        Bytes.put16(s, at + CHECKSUM, Checksum.finish(sum));
    }

    private static boolean checksumOk(MemorySegment s, long ipAt, long at, int length) {
        return Checksum.finish(Checksum.add(Ipv6Header.pseudoHeader(s, ipAt, Ipv6Header.ICMPV6, length), s, at, length))
                == 0;
    }

    /** Whether {@code type} reports an error, so that nothing may ever answer it (RFC 4443 §2.1). */
    public static boolean isError(int type) {
        return type < 128;
    }

    /**
     * The ICMPv4 error that an ICMPv6 error is told as, as {@code type << 8 | code}; -1 for one without a counterpart (RFC 7915
     * §5.2).
     */
    public static int toIcmpv4(int type, int code) {
        return switch (type) {
            case DESTINATION_UNREACHABLE ->
                switch (code) {
                    case NO_ROUTE -> unreachable(IcmpHeader.NET_UNREACHABLE);
                    case BEYOND_SCOPE, ADDRESS_UNREACHABLE -> unreachable(IcmpHeader.HOST_UNREACHABLE);
                    case PORT_UNREACHABLE -> unreachable(IcmpHeader.PORT_UNREACHABLE);
                    // 5 and 6: failed a policy, a reject route (RFC 4443 §3.1)
                    case ADMINISTRATIVELY_PROHIBITED, 5, 6 -> unreachable(IcmpHeader.ADMINISTRATIVELY_PROHIBITED);
                    default -> -1;
                };
            case PACKET_TOO_BIG -> unreachable(IcmpHeader.FRAGMENTATION_NEEDED);
            case TIME_EXCEEDED -> IcmpHeader.TIME_EXCEEDED << 8 | code & 0xff;
            case PARAMETER_PROBLEM -> code == UNKNOWN_NEXT_HEADER ? unreachable(IcmpHeader.PROTOCOL_UNREACHABLE) : -1;
            default -> -1;
        };
    }

    /**
     * The ICMPv6 error that an ICMPv4 error is told as, as {@code type << 8 | code}; -1 for one without a counterpart (RFC 7915
     * §4.2).
     */
    public static int ofIcmpv4(int type, int code) {
        return switch (type) {
            case IcmpHeader.DESTINATION_UNREACHABLE ->
                switch (code) {
                    case IcmpHeader.HOST_UNREACHABLE -> DESTINATION_UNREACHABLE << 8 | ADDRESS_UNREACHABLE;
                    case IcmpHeader.PORT_UNREACHABLE -> DESTINATION_UNREACHABLE << 8 | PORT_UNREACHABLE;
                    case IcmpHeader.FRAGMENTATION_NEEDED -> PACKET_TOO_BIG << 8;
                    case IcmpHeader.PROTOCOL_UNREACHABLE -> PARAMETER_PROBLEM << 8 | UNKNOWN_NEXT_HEADER;
                    case 9, 10, IcmpHeader.ADMINISTRATIVELY_PROHIBITED, 15 ->
                        DESTINATION_UNREACHABLE << 8 | ADMINISTRATIVELY_PROHIBITED;
                    case IcmpHeader.NET_UNREACHABLE, 5, 6, 7, 8, 11, 12 -> DESTINATION_UNREACHABLE << 8 | NO_ROUTE;
                    default -> -1;
                };
            case IcmpHeader.TIME_EXCEEDED -> TIME_EXCEEDED << 8 | code & 0xff;
            default -> -1;
        };
    }

    private static int unreachable(int code) {
        return IcmpHeader.DESTINATION_UNREACHABLE << 8 | code;
    }
}
