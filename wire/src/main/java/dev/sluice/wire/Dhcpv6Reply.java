package dev.sluice.wire;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a DHCPv6 server says to a client (RFC 8415 §8): the other side of {@link Dhcpv6Message}. Read only; servers write theirs there.
 *
 * @param type {@link Dhcpv6Message#ADVERTISE} or {@link Dhcpv6Message#REPLY}
 * @param transaction 24 bits
 * @param client DUID of the client in lower-case hexadecimal; empty if there is none
 * @param server the same of the server
 * @param rapidCommit whether this is the answer to a Solicit that took effect at once (§18.3.1)
 * @param preference of the server, 0 to 255 (§21.8)
 * @param status of the message as a whole; {@link Dhcpv6Message#SUCCESS} if it says none
 */
public record Dhcpv6Reply(
        int type,
        int transaction,
        String client,
        String server,
        boolean rapidCommit,
        int preference,
        int status,
        List<Association> associations,
        Settings settings) {
    /** Seconds that mean "for ever" (§7.7). */
    public static final long INFINITY = 0xffff_ffffL;

    private static final int MAX_SERVERS = 8;
    private static final int MAX_DOMAINS = 16;

    public Dhcpv6Reply {
        associations = List.copyOf(associations);
    }

    /**
     * An IA_NA (§21.4).
     *
     * @param renewal T1 in seconds; 0 leaves it to the client
     * @param rebinding T2 likewise
     */
    public record Association(int id, long renewal, long rebinding, List<Given> addresses, int status) {
        public Association {
            addresses = List.copyOf(addresses);
        }
    }

    /**
     * An address of an association (§21.6).
     *
     * @param preferred seconds that it is the one to use for what is new
     * @param valid seconds that it lives; 0 takes it back
     */
    public record Given(Ipv6Address address, long preferred, long valid) {}

    /**
     * What is said beside addresses.
     *
     * @param refresh seconds after which to ask again (§21.23); 0 if it does not say
     * @param longestSolicit SOL_MAX_RT in seconds (§21.24); 0 if it does not say
     * @param longestInform INF_MAX_RT likewise (§21.25)
     */
    public record Settings(
            List<Ipv6Address> nameServers,
            List<String> searchDomains,
            long refresh,
            long longestSolicit,
            long longestInform) {
        public static final Settings NONE = new Settings(List.of(), List.of(), 0, 0, 0);

        public Settings {
            nameServers = List.copyOf(nameServers);
            searchDomains = List.copyOf(searchDomains);
        }
    }

    /** What a message is made of while it is read. */
    private static final class Draft {
        String client = "";
        String server = "";
        boolean rapidCommit;
        int preference;
        int status;
        final List<Association> associations = new ArrayList<>(1);
        final List<Ipv6Address> nameServers = new ArrayList<>(2);
        final List<String> domains = new ArrayList<>(1);
        long refresh;
        long longestSolicit;
        long longestInform;
    }

    /** The transaction of a message of at least 4 bytes. */
    public static int transaction(MemorySegment s, long at) {
        return Bytes.i32(s, at) & 0xff_ffff;
    }

    /** Reads a message of {@code length} bytes; null if it is malformed or not a server's. */
    public static @Nullable Dhcpv6Reply parse(MemorySegment s, long at, int length) {
        if (length < 4) {
            return null;
        }
        int type = Bytes.u8(s, at);
        if (type != Dhcpv6Message.ADVERTISE && type != Dhcpv6Message.REPLY) {
            return null;
        }
        Draft draft = new Draft();
        for (int i = 4; i < length; ) {
            int size = Dhcpv6Message.optionLength(s, at, i, length);
            if (size < 0 || !option(draft, Bytes.u16(s, at + i), s, at + i + 4, size)) {
                return null;
            }
            i += 4 + size;
        }
        return new Dhcpv6Reply(
                type,
                transaction(s, at),
                draft.client,
                draft.server,
                draft.rapidCommit,
                draft.preference,
                draft.status,
                draft.associations,
                new Settings(
                        draft.nameServers, draft.domains, draft.refresh, draft.longestSolicit, draft.longestInform));
    }

    /** Takes one option into account; false if the message is not to be believed. */
    private static boolean option(Draft draft, int type, MemorySegment s, long value, int size) {
        switch (type) {
            case Dhcpv6Message.CLIENT_ID, Dhcpv6Message.SERVER_ID -> {
                if (size < 3 || size > Dhcpv6Message.MAX_ID) {
                    return false;
                }
                String id = HexFormat.of().formatHex(bytes(s, value, size));
                if (type == Dhcpv6Message.CLIENT_ID) {
                    draft.client = id;
                } else {
                    draft.server = id;
                }
            }
            case Dhcpv6Message.RAPID_COMMIT -> draft.rapidCommit = true;
            case Dhcpv6Message.PREFERENCE -> draft.preference = size == 1 ? Bytes.u8(s, value) : 0;
            case Dhcpv6Message.STATUS -> draft.status = size < 2 ? Dhcpv6Message.SUCCESS : Bytes.u16(s, value);
            case Dhcpv6Message.IA_NA -> {
                Association association = association(s, value, size);
                if (association == null || draft.associations.size() == Dhcpv6Message.MAX_ASSOCIATIONS) {
                    return false;
                }
                draft.associations.add(association);
            }
            case Dhcpv6Message.DNS_SERVERS -> {
                for (int i = 0; i + 16 <= size && draft.nameServers.size() < MAX_SERVERS; i += 16) {
                    draft.nameServers.add(new Ipv6Address(Bytes.i64(s, value + i), Bytes.i64(s, value + i + 8)));
                }
            }
            case Dhcpv6Message.DOMAIN_LIST -> {
                int most = MAX_DOMAINS - draft.domains.size();
                List<String> domains = DhcpDomainSearch.decode(bytes(s, value, size), false, most);
                if (domains != null) {
                    draft.domains.addAll(domains);
                }
            }
            case Dhcpv6Message.REFRESH_TIME -> draft.refresh = seconds(s, value, size);
            case Dhcpv6Message.SOL_MAX_RT -> draft.longestSolicit = seconds(s, value, size);
            case Dhcpv6Message.INF_MAX_RT -> draft.longestInform = seconds(s, value, size);
            default -> {}
        }
        return true;
    }

    private static long seconds(MemorySegment s, long value, int size) {
        return size == 4 ? Bytes.i32(s, value) & 0xffff_ffffL : 0;
    }

    private static byte[] bytes(MemorySegment s, long value, int size) {
        return s.asSlice(value, size).toArray(ValueLayout.JAVA_BYTE);
    }

    private static @Nullable Association association(MemorySegment s, long at, int length) {
        if (length < 12) {
            return null;
        }
        List<Given> addresses = new ArrayList<>(1);
        int status = Dhcpv6Message.SUCCESS;
        for (int i = 12; i < length; ) {
            int size = Dhcpv6Message.optionLength(s, at, i, length);
            if (size < 0) {
                return null;
            }
            int type = Bytes.u16(s, at + i);
            long value = at + i + 4;
            if (type == Dhcpv6Message.ADDRESS) {
                if (size < 24 || addresses.size() == Dhcpv6Message.MAX_ADDRESSES) {
                    return null;
                }
                addresses.add(new Given(
                        new Ipv6Address(Bytes.i64(s, value), Bytes.i64(s, value + 8)),
                        seconds(s, value + 16, 4),
                        seconds(s, value + 20, 4)));
            } else if (type == Dhcpv6Message.STATUS && size >= 2) {
                status = Bytes.u16(s, value);
            }
            i += 4 + size;
        }
        return new Association(Bytes.i32(s, at), seconds(s, at + 4, 4), seconds(s, at + 8, 4), addresses, status);
    }
}
