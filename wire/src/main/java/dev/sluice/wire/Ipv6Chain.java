package dev.sluice.wire;

import java.lang.foreign.MemorySegment;

/**
 * Walks an IPv6 packet's extension headers (RFC 8200 §4) to its upper layer. A cursor that is used again and again; it allocates
 * nothing and owns nothing but its fields.
 *
 * <p>Hostile chains are bounded: at most {@value #MAX_HEADERS} headers and {@value #MAX_OPTIONS} options in each (RFC 8504 §5.3 allows
 * such limits), every length is checked, and each step goes forward.
 */
public final class Ipv6Chain {
    /** Extension headers in one packet. */
    public static final int MAX_HEADERS = 8;
    /** Options in one hop-by-hop or destination header, padding not counted. */
    public static final int MAX_OPTIONS = 8;

    private static final int PAD1 = 0;
    private static final int PADN = 1;
    private static final int ROUTER_ALERT = 5;
    /** Home address, tunnel limit and the like come with the two action bits; this one is known. */
    private static final int FRAGMENT_LENGTH = 8;

    /** The upper layer's protocol, or the first next-header value that is none of the extension headers known here. */
    public int protocol;
    /** Where that layer starts, and how many bytes it has. */
    public long at;

    public int length;
    /** Where the byte is that names {@link #protocol}. */
    public long protocolField;
    /** Where the fragment header is; -1 without. What a later fragment carries is no header: the walk ends at it. */
    public long fragmentAt;
    /** Where the byte is that named the fragment header. */
    public long fragmentField;
    /** True if a hop-by-hop header has a router alert (RFC 2711), as multicast listener messages do. */
    public boolean routerAlert;

    /** After {@link Flaw#BAD_OPTION} or {@link Flaw#BAD_FIELD}: where the offending byte is; -1 if nobody is to be told. */
    public long problemAt;

    /**
     * Walks the packet at {@code ip}, whose fixed header has passed {@link Ipv6Header#check}.
     *
     * @param available bytes from {@code ip}; the payload length counts where it is smaller
     * @return NONE; TRUNCATED where a header ends past the packet; BAD_LENGTH where there are too many headers or options;
     *     BAD_OPTION for an option that demands a report (RFC 8200 §4.2); BAD_FIELD for a source route still to be followed (RFC 5095
     *     and RFC 8200 §4.4) or hop-by-hop options elsewhere than in front
     */
    public Flaw walk(MemorySegment s, long ip, int available) {
        long end = ip + Math.min(available, Ipv6Header.LENGTH + Ipv6Header.payloadLength(s, ip));
        protocolField = ip + 6;
        protocol = Ipv6Header.nextHeader(s, ip);
        at = ip + Ipv6Header.LENGTH;
        fragmentAt = -1;
        fragmentField = -1;
        routerAlert = false;
        problemAt = -1;
        length = (int) Math.max(0, end - at);
        for (int headers = 0; ; headers++) {
            if (!isExtension(protocol)) {
                return Flaw.NONE;
            }
            if (headers == MAX_HEADERS) {
                return Flaw.BAD_LENGTH;
            }
            if (end - at < 8) {
                return Flaw.TRUNCATED;
            }
            if (protocol == Ipv6Header.HOP_BY_HOP && headers > 0) {
                problemAt = protocolField;
                return Flaw.BAD_FIELD;
            }
            int size = protocol == Ipv6Header.FRAGMENT ? FRAGMENT_LENGTH : (Bytes.u8(s, at + 1) + 1) * 8;
            if (size > end - at) {
                return Flaw.TRUNCATED;
            }
            Flaw flaw = switch (protocol) {
                case Ipv6Header.FRAGMENT -> fragment();
                case Ipv6Header.ROUTING -> routing(s);
                default -> options(s, size);
            };
            if (flaw != Flaw.NONE) {
                return flaw;
            }
            boolean later = protocol == Ipv6Header.FRAGMENT && fragmentOffset(s, at) != 0;
            protocolField = at;
            protocol = Bytes.u8(s, at);
            at += size;
            length = (int) (end - at);
            if (later) {
                return Flaw.NONE;
            }
        }
    }

    private static boolean isExtension(int protocol) {
        return protocol == Ipv6Header.HOP_BY_HOP
                || protocol == Ipv6Header.ROUTING
                || protocol == Ipv6Header.FRAGMENT
                || protocol == Ipv6Header.DESTINATION_OPTIONS;
    }

    private Flaw fragment() {
        if (fragmentAt >= 0) {
            return Flaw.BAD_FIELD; // a fragment in a fragment would need to be put together twice
        }
        fragmentAt = at;
        fragmentField = protocolField;
        return Flaw.NONE;
    }

    private Flaw routing(MemorySegment s) {
        if (Bytes.u8(s, at + 3) != 0) {
            problemAt = at + 2;
            return Flaw.BAD_FIELD;
        }
        return Flaw.NONE;
    }

    private Flaw options(MemorySegment s, int size) {
        int options = 0;
        for (int i = 2; i < size; ) {
            int type = Bytes.u8(s, at + i);
            if (type == PAD1) {
                i++;
                continue;
            }
            if (i + 1 >= size || i + 2 + Bytes.u8(s, at + i + 1) > size) {
                return Flaw.TRUNCATED;
            }
            if (type == ROUTER_ALERT && protocol == Ipv6Header.HOP_BY_HOP) {
                routerAlert = true;
            } else if (type != PADN && type >>> 6 != 0) {
                // The two highest bits say what becomes of a packet with an option one does not know: discard (1), and
                // tell (2, 3).
                problemAt = type >>> 6 == 1 ? -1 : at + i;
                return Flaw.BAD_OPTION;
            }
            if (type != PADN && ++options > MAX_OPTIONS) {
                return Flaw.BAD_LENGTH;
            }
            i += 2 + Bytes.u8(s, at + i + 1);
        }
        return Flaw.NONE;
    }

    /** Where the payload of the fragment header at {@code at} belongs, in bytes. */
    public static int fragmentOffset(MemorySegment s, long at) {
        return Bytes.u16(s, at + 2) & 0xfff8;
    }

    public static boolean moreFragments(MemorySegment s, long at) {
        return (Bytes.u16(s, at + 2) & 1) != 0;
    }

    public static int identification(MemorySegment s, long at) {
        return Bytes.i32(s, at + 4);
    }
}
