package dev.sluice.wire;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Neighbour discovery (RFC 4861 §4): the messages from the ICMPv6 header on. The checksum is {@link Icmpv6Header}'s business.
 *
 * <p>Accessors may be called after {@link #check} said {@link Flaw#NONE} for a message of their type.
 */
public final class NdpMessage {
    /** Hop limit that proves a message comes from the link itself (RFC 4861 §3.1). */
    public static final int HOP_LIMIT = 255;

    public static final int OPTION_SOURCE_LINK_ADDRESS = 1;
    public static final int OPTION_TARGET_LINK_ADDRESS = 2;
    public static final int OPTION_PREFIX = 3;
    public static final int OPTION_MTU = 5;
    /** RFC 8106 §5.1. */
    public static final int OPTION_RDNSS = 25;
    /** RFC 8106 §5.2. */
    public static final int OPTION_DNSSL = 31;

    /** Flags of a neighbour advertisement, in its fifth byte. */
    public static final int ROUTER = 0x80;

    public static final int SOLICITED = 0x40;
    public static final int OVERRIDE = 0x20;

    /** Flags of a router advertisement, in its sixth byte: addresses, or other things, are to be had by DHCPv6. */
    public static final int MANAGED = 0x80;

    public static final int OTHER = 0x40;

    /** Flags of a prefix option: its addresses are on the link; hosts may make up addresses of it. */
    public static final int ON_LINK = 0x80;

    public static final int AUTONOMOUS = 0x40;

    /** Length of a neighbour solicitation or advertisement without options. */
    public static final int NEIGHBOUR_LENGTH = 24;
    /** Length of a router advertisement without options. */
    public static final int ADVERTISEMENT_LENGTH = 16;

    private static final int SOLICITATION_LENGTH = 8;
    /** Bytes of a link-layer address option for Ethernet. */
    public static final int LINK_ADDRESS_LENGTH = 8;

    private static final int PREFIX_LENGTH = 32;

    private NdpMessage() {}

    /**
     * Validates code, length, options and the target of a message of {@code length} bytes (RFC 4861 §6.1, §7.1), not its checksum and
     * what depends on the IPv6 header. Options of unknown type are fine. Always terminates: each option has at least eight bytes.
     */
    public static Flaw check(MemorySegment s, long at, int length) {
        if (length < SOLICITATION_LENGTH) {
            return Flaw.TRUNCATED;
        }
        int fixed = fixedLength(IcmpHeader.type(s, at));
        if (fixed < 0 || IcmpHeader.code(s, at) != 0) {
            return Flaw.BAD_FIELD;
        }
        if (length < fixed) {
            return Flaw.TRUNCATED;
        }
        if (fixed == NEIGHBOUR_LENGTH && Bytes.u8(s, at + 8) == 0xff) {
            return Flaw.BAD_FIELD; // a multicast target
        }
        for (int i = fixed; i < length; ) {
            if (length - i < 8) {
                return Flaw.TRUNCATED;
            }
            int size = Bytes.u8(s, at + i + 1) * 8;
            if (size == 0) {
                return Flaw.BAD_OPTION;
            }
            if (size > length - i) {
                return Flaw.TRUNCATED;
            }
            i += size;
        }
        return Flaw.NONE;
    }

    private static int fixedLength(int type) {
        return switch (type) {
            case Icmpv6Header.ROUTER_SOLICITATION -> SOLICITATION_LENGTH;
            case Icmpv6Header.ROUTER_ADVERTISEMENT -> ADVERTISEMENT_LENGTH;
            case Icmpv6Header.NEIGHBOUR_SOLICITATION, Icmpv6Header.NEIGHBOUR_ADVERTISEMENT -> NEIGHBOUR_LENGTH;
            default -> -1;
        };
    }

    /**
     * Validates a whole message as its receiver must before it believes a word (RFC 4861 §6.1.1, §6.1.2, §7.1.1, §7.1.2): that it comes
     * from the link itself, its checksum, what {@link #check} looks at, and what has to do with the addresses of the IPv6 header.
     *
     * @param ip where the IPv6 header starts
     */
    public static Flaw check(MemorySegment s, long ip, long at, int length) {
        if (Ipv6Header.hopLimit(s, ip) != HOP_LIMIT) {
            return Flaw.BAD_FIELD;
        }
        Flaw flaw = Icmpv6Header.check(s, ip, at, length);
        if (flaw == Flaw.NONE) {
            flaw = check(s, at, length);
        }
        if (flaw != Flaw.NONE) {
            return flaw;
        }
        boolean nameless = Ipv6Header.sourceHigh(s, ip) == 0 && Ipv6Header.sourceLow(s, ip) == 0;
        boolean toGroup = Ipv6Header.destinationHigh(s, ip) >>> 56 == 0xff;
        boolean fine = switch (IcmpHeader.type(s, at)) {
            case Icmpv6Header.ROUTER_ADVERTISEMENT -> Ipv6Header.sourceHigh(s, ip) >>> 54 == 0xfe80 >>> 6;
            case Icmpv6Header.NEIGHBOUR_SOLICITATION ->
                !nameless || toGroup && option(s, at, length, OPTION_SOURCE_LINK_ADDRESS) < 0;
            case Icmpv6Header.NEIGHBOUR_ADVERTISEMENT -> !toGroup || (neighbourFlags(s, at) & SOLICITED) == 0;
            default -> !nameless || option(s, at, length, OPTION_SOURCE_LINK_ADDRESS) < 0;
        };
        return fine ? Flaw.NONE : Flaw.BAD_FIELD;
    }

    /** Where the first option of {@code type} starts; -1 if there is none. */
    public static long option(MemorySegment s, long at, int length, int type) {
        for (int i = Math.max(SOLICITATION_LENGTH, fixedLength(IcmpHeader.type(s, at))); i < length; ) {
            if (Bytes.u8(s, at + i) == type) {
                return at + i;
            }
            i += Bytes.u8(s, at + i + 1) * 8;
        }
        return -1;
    }

    /** The Ethernet address in the link-layer address option at {@code option}; 0 if the option is of another size. */
    public static long linkAddress(MemorySegment s, long option) {
        return Bytes.u8(s, option + 1) * 8 == LINK_ADDRESS_LENGTH ? Bytes.u48(s, option + 2) : 0;
    }

    /** Flags of a neighbour advertisement. */
    public static int neighbourFlags(MemorySegment s, long at) {
        return Bytes.u8(s, at + 4);
    }

    public static long targetHigh(MemorySegment s, long at) {
        return Bytes.i64(s, at + 8);
    }

    public static long targetLow(MemorySegment s, long at) {
        return Bytes.i64(s, at + 16);
    }

    /** Where the first option starts; each is {@link #optionLength} long, and they end with the message. */
    public static long firstOption(MemorySegment s, long at) {
        return at + fixedLength(IcmpHeader.type(s, at));
    }

    public static int optionType(MemorySegment s, long option) {
        return Bytes.u8(s, option);
    }

    public static int optionLength(MemorySegment s, long option) {
        return Bytes.u8(s, option + 1) * 8;
    }

    /** Hop limit that a router advertises for packets out; 0 for no advice. */
    public static int advertisedHopLimit(MemorySegment s, long at) {
        return Bytes.u8(s, at + 4);
    }

    /** Flags of a router advertisement. */
    public static int routerFlags(MemorySegment s, long at) {
        return Bytes.u8(s, at + 5);
    }

    /** Seconds for which the sender of a router advertisement is a default router; 0 if it is none. */
    public static int routerLifetime(MemorySegment s, long at) {
        return Bytes.u16(s, at + 6);
    }

    /** Milliseconds for which a router has hosts believe that a neighbour is there after it was heard of; 0 for no advice. */
    public static long reachableTime(MemorySegment s, long at) {
        return Bytes.i32(s, at + 8) & 0xffff_ffffL;
    }

    /** The MTU in the option at {@code option}, not sign-extended; 0 if the option is of another size. */
    public static long mtu(MemorySegment s, long option) {
        return optionLength(s, option) == 8 ? Bytes.i32(s, option + 4) & 0xffff_ffffL : 0;
    }

    /** Whether the prefix option at {@code option} is of the size that it must have, and its prefix length possible. */
    public static boolean isPrefix(MemorySegment s, long option) {
        return optionLength(s, option) == PREFIX_LENGTH && Bytes.u8(s, option + 2) <= 128;
    }

    /** The prefix of the prefix option at {@code option}, host bits cleared; allocates. */
    public static Ipv6Cidr prefix(MemorySegment s, long option) {
        int bits = Bytes.u8(s, option + 2);
        Ipv6Address address = new Ipv6Address(Bytes.i64(s, option + 16), Bytes.i64(s, option + 24));
        return new Ipv6Cidr(new Ipv6Cidr(address, bits).network(), bits);
    }

    /** Flags of the prefix option at {@code option}. */
    public static int prefixFlags(MemorySegment s, long option) {
        return Bytes.u8(s, option + 3);
    }

    /** Seconds; all ones are for ever. */
    public static long validLifetime(MemorySegment s, long option) {
        return Bytes.i32(s, option + 4) & 0xffff_ffffL;
    }

    public static long preferredLifetime(MemorySegment s, long option) {
        return Bytes.i32(s, option + 8) & 0xffff_ffffL;
    }

    /** Servers in the name server option at {@code option} (RFC 8106 §5.1); 0 if it has an impossible size. */
    public static int dnsServers(MemorySegment s, long option) {
        int size = optionLength(s, option);
        return size >= 24 && size % 16 == 8 ? (size - 8) / 16 : 0;
    }

    /** Seconds that the servers of the option at {@code option} may be asked. */
    public static long dnsLifetime(MemorySegment s, long option) {
        return Bytes.i32(s, option + 4) & 0xffff_ffffL;
    }

    /** The server with number {@code index} in the option at {@code option}; allocates. */
    public static Ipv6Address dnsServer(MemorySegment s, long option, int index) {
        return new Ipv6Address(Bytes.i64(s, option + 8 + 16L * index), Bytes.i64(s, option + 16 + 16L * index));
    }

    /** The first {@code most} domains in the search list option at {@code option} (RFC 8106 §5.2); empty if it makes no sense. Allocates. */
    public static List<String> searchList(MemorySegment s, long option, int most) {
        int size = optionLength(s, option);
        if (size <= 8) {
            return List.of();
        }
        byte[] value = s.asSlice(option + 8, size - 8).toArray(ValueLayout.JAVA_BYTE);
        List<String> names = DhcpDomainSearch.decode(value, false, most);
        return names == null ? List.of() : names;
    }

    // ---- writing: each returns the bytes written; checksums stay 0

    /**
     * A neighbour solicitation or advertisement with one link-layer address option.
     *
     * @param flags of an advertisement; 0 in a solicitation
     */
    public static int writeNeighbour(
            MemorySegment s, long at, int type, int flags, long targetHigh, long targetLow, long mac) {
        IcmpHeader.write(s, at, type, 0, flags << 24);
        Bytes.put64(s, at + 8, targetHigh);
        Bytes.put64(s, at + 16, targetLow);
        boolean advertisement = type == Icmpv6Header.NEIGHBOUR_ADVERTISEMENT;
        int option = advertisement ? OPTION_TARGET_LINK_ADDRESS : OPTION_SOURCE_LINK_ADDRESS;
        return NEIGHBOUR_LENGTH + putLinkAddress(s, at + NEIGHBOUR_LENGTH, option, mac);
    }

    /**
     * A neighbour solicitation that asks whether anybody has the target, before it is taken: without the option, as it comes from :: (RFC
     * 4862 §5.4.2).
     */
    public static int writeDetection(MemorySegment s, long at, long targetHigh, long targetLow) {
        IcmpHeader.write(s, at, Icmpv6Header.NEIGHBOUR_SOLICITATION, 0, 0);
        Bytes.put64(s, at + 8, targetHigh);
        Bytes.put64(s, at + 16, targetLow);
        return NEIGHBOUR_LENGTH;
    }

    /** A router solicitation; with a link-layer address option unless {@code mac} is 0, as it must be from ::. */
    public static int writeSolicitation(MemorySegment s, long at, long mac) {
        IcmpHeader.write(s, at, Icmpv6Header.ROUTER_SOLICITATION, 0, 0);
        int option = mac == 0 ? 0 : putLinkAddress(s, at + SOLICITATION_LENGTH, OPTION_SOURCE_LINK_ADDRESS, mac);
        return SOLICITATION_LENGTH + option;
    }

    /** A router advertisement without its options; reachable and retransmission time are left to the hosts. */
    public static int writeAdvertisement(MemorySegment s, long at, int hopLimit, int flags, int lifetime) {
        int rest = hopLimit << 24 | flags << 16 | lifetime;
        IcmpHeader.write(s, at, Icmpv6Header.ROUTER_ADVERTISEMENT, 0, rest);
        Bytes.put64(s, at + 8, 0);
        return ADVERTISEMENT_LENGTH;
    }

    public static int putLinkAddress(MemorySegment s, long at, int type, long mac) {
        Bytes.put16(s, at, type << 8 | 1);
        Bytes.put48(s, at + 2, mac);
        return LINK_ADDRESS_LENGTH;
    }

    public static int putMtu(MemorySegment s, long at, int mtu) {
        Bytes.put16(s, at, OPTION_MTU << 8 | 1);
        Bytes.put16(s, at + 2, 0);
        Bytes.put32(s, at + 4, mtu);
        return 8;
    }

    /** @param valid seconds that addresses of the prefix live; {@code preferred} of them as the ones to use */
    public static int putPrefix(MemorySegment s, long at, Ipv6Cidr prefix, int flags, long valid, long preferred) {
        Bytes.put16(s, at, OPTION_PREFIX << 8 | PREFIX_LENGTH / 8);
        Bytes.put16(s, at + 2, prefix.prefix() << 8 | flags);
        Bytes.put32(s, at + 4, (int) valid);
        Bytes.put32(s, at + 8, (int) preferred);
        Bytes.put32(s, at + 12, 0);
        Bytes.put64(s, at + 16, prefix.network().high());
        Bytes.put64(s, at + 24, prefix.network().low());
        return PREFIX_LENGTH;
    }

    public static int putDnsServer(MemorySegment s, long at, long lifetime, Ipv6Address server) {
        Bytes.put16(s, at, OPTION_RDNSS << 8 | 3);
        Bytes.put16(s, at + 2, 0);
        Bytes.put32(s, at + 4, (int) lifetime);
        Bytes.put64(s, at + 8, server.high());
        Bytes.put64(s, at + 16, server.low());
        return 24;
    }

    /**
     * The search list, its names without compression (RFC 8106 §5.2).
     *
     * @throws IllegalArgumentException naming a domain that is none
     */
    public static int putSearchList(MemorySegment s, long at, long lifetime, Iterable<String> domains) {
        int n = 8;
        for (String domain : domains) {
            n += putName(s, at + n, domain);
        }
        while (n % 8 != 0) {
            Bytes.put8(s, at + n++, 0);
        }
        Bytes.put16(s, at, OPTION_DNSSL << 8 | n / 8);
        Bytes.put16(s, at + 2, 0);
        Bytes.put32(s, at + 4, (int) lifetime);
        return n;
    }

    static int putName(MemorySegment s, long at, String domain) {
        int n = 0;
        for (String label : domain.split("\\.")) {
            byte[] bytes = label.getBytes(StandardCharsets.US_ASCII);
            if (bytes.length == 0 || bytes.length > 63 || n + bytes.length + 2 > 255) {
                throw new IllegalArgumentException("search domain '" + domain
                        + "' needs labels of 1 to 63 characters with single dots between, as in corp.example");
            }
            Bytes.put8(s, at + n, bytes.length);
            MemorySegment.copy(bytes, 0, s, ValueLayout.JAVA_BYTE, at + n + 1, bytes.length);
            n += 1 + bytes.length;
        }
        Bytes.put8(s, at + n, 0);
        return n + 1;
    }
}
