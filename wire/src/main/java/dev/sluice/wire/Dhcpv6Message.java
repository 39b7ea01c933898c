package dev.sluice.wire;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A DHCPv6 message between client and server (RFC 8415 §8), as far as a small network needs it: identities, addresses (IA_NA), and what
 * a server tells beside. Relay messages, prefixes and authentication are not read. Clients read servers' as {@link Dhcpv6Reply}.
 *
 * @param type as the constants here
 * @param transaction 24 bits
 * @param client DUID of the client in lower-case hexadecimal; empty if there is none
 * @param server the same of the server
 * @param rapidCommit whether the client wants a Reply to its Solicit (§18.3.1)
 */
public record Dhcpv6Message(
        int type, int transaction, String client, String server, boolean rapidCommit, List<Association> associations) {
    public static final int SOLICIT = 1;
    public static final int ADVERTISE = 2;
    public static final int REQUEST = 3;
    public static final int CONFIRM = 4;
    public static final int RENEW = 5;
    public static final int REBIND = 6;
    public static final int REPLY = 7;
    public static final int RELEASE = 8;
    public static final int DECLINE = 9;
    public static final int INFORMATION_REQUEST = 11;

    /** Status codes (§21.13). */
    public static final int SUCCESS = 0;

    public static final int NO_ADDRESSES = 2;
    public static final int NO_BINDING = 3;
    public static final int NOT_ON_LINK = 4;

    static final int CLIENT_ID = 1;
    static final int SERVER_ID = 2;
    static final int IA_NA = 3;
    static final int ADDRESS = 5;
    private static final int OPTION_REQUEST = 6;
    static final int PREFERENCE = 7;
    private static final int ELAPSED_TIME = 8;
    static final int STATUS = 13;
    static final int RAPID_COMMIT = 14;
    static final int DNS_SERVERS = 23;
    static final int DOMAIN_LIST = 24;
    static final int REFRESH_TIME = 32;
    static final int SOL_MAX_RT = 82;
    static final int INF_MAX_RT = 83;

    static final int MAX_ID = 130;
    static final int MAX_ASSOCIATIONS = 8;
    static final int MAX_ADDRESSES = 8;
    private static final int LONGEST_ELAPSED = 0xffff;

    public Dhcpv6Message {
        associations = List.copyOf(associations);
    }

    /**
     * An IA_NA: what one interface of the client has, or wants.
     *
     * @param id chosen by the client
     * @param status of a reply; {@link #SUCCESS} is not written
     */
    public record Association(int id, List<Ipv6Address> addresses, int status) {
        public Association {
            addresses = List.copyOf(addresses);
        }
    }

    /** Reads a message of {@code length} bytes; null if it is malformed or of a kind that is not read here. */
    public static @Nullable Dhcpv6Message parse(MemorySegment s, long at, int length) {
        if (length < 4 || Bytes.u8(s, at) == 0 || Bytes.u8(s, at) > INFORMATION_REQUEST) {
            return null;
        }
        String client = "";
        String server = "";
        boolean rapidCommit = false;
        List<Association> associations = new ArrayList<>();
        for (int i = 4; i < length; ) {
            int size = optionLength(s, at, i, length);
            if (size < 0) {
                return null;
            }
            long value = at + i + 4;
            switch (Bytes.u16(s, at + i)) {
                case CLIENT_ID, SERVER_ID -> {
                    if (size < 3 || size > MAX_ID) {
                        return null;
                    }
                    byte[] id = s.asSlice(value, size).toArray(ValueLayout.JAVA_BYTE);
                    String text = HexFormat.of().formatHex(id);
                    if (Bytes.u16(s, at + i) == CLIENT_ID) {
                        client = text;
                    } else {
                        server = text;
                    }
                }
                case RAPID_COMMIT -> rapidCommit = true;
                case IA_NA -> {
                    Association association = association(s, value, size);
                    if (association == null || associations.size() == MAX_ASSOCIATIONS) {
                        return null;
                    }
                    associations.add(association);
                }
                default -> {}
            }
            i += 4 + size;
        }
        return new Dhcpv6Message(
                Bytes.u8(s, at), Bytes.i32(s, at) & 0xff_ffff, client, server, rapidCommit, associations);
    }

    /** Length of the option at {@code i}; -1 if it ends past {@code length}. */
    static int optionLength(MemorySegment s, long at, int i, int length) {
        if (length - i < 4) {
            return -1;
        }
        int size = Bytes.u16(s, at + i + 2);
        return size > length - i - 4 ? -1 : size;
    }

    private static @Nullable Association association(MemorySegment s, long at, int length) {
        if (length < 12) {
            return null;
        }
        List<Ipv6Address> addresses = new ArrayList<>();
        int status = SUCCESS;
        for (int i = 12; i < length; ) {
            int size = optionLength(s, at, i, length);
            if (size < 0) {
                return null;
            }
            int type = Bytes.u16(s, at + i);
            if (type == ADDRESS) {
                if (size < 24 || addresses.size() == MAX_ADDRESSES) {
                    return null;
                }
                addresses.add(new Ipv6Address(Bytes.i64(s, at + i + 4), Bytes.i64(s, at + i + 12)));
            } else if (type == STATUS && size >= 2) {
                status = Bytes.u16(s, at + i + 4);
            }
            i += 4 + size;
        }
        return new Association(Bytes.i32(s, at), addresses, status);
    }

    /**
     * What a server says beside addresses.
     *
     * @param status of the message as a whole (§21.13); {@link #SUCCESS} is not written
     */
    public record Settings(@Nullable Ipv6Address dnsServer, List<String> searchList, int status) {
        /** Nothing. */
        public static final Settings NONE = new Settings(null, List.of());

        public Settings {
            searchList = List.copyOf(searchList);
        }

        public Settings(@Nullable Ipv6Address dnsServer, List<String> searchList) {
            this(dnsServer, searchList, SUCCESS);
        }
    }

    /**
     * The bytes of this message as a client's: without lifetimes, which are the server's to say, and with what §18.2 has clients add.
     *
     * @param elapsed hundredths of a second since the client first sent it, cut to what there is room for (§21.9)
     */
    public byte[] ask(long elapsed) {
        var out = new ByteArrayOutputStream(128);
        out.writeBytes(encode(Settings.NONE, 0));
        short told = (short) Math.min(elapsed, LONGEST_ELAPSED);
        option(out, ELAPSED_TIME, ByteBuffer.allocate(2).putShort(told).array());
        switch (type) {
            case RELEASE, DECLINE -> {}
            case INFORMATION_REQUEST -> optionRequest(out, DNS_SERVERS, DOMAIN_LIST, REFRESH_TIME, INF_MAX_RT);
            default -> optionRequest(out, DNS_SERVERS, DOMAIN_LIST, SOL_MAX_RT);
        }
        return out.toByteArray();
    }

    private static void optionRequest(ByteArrayOutputStream out, int... types) {
        ByteBuffer value = ByteBuffer.allocate(2 * types.length);
        for (int type : types) {
            value.putShort((short) type);
        }
        option(out, OPTION_REQUEST, value.array());
    }

    /**
     * The bytes of this message as a server's.
     *
     * @param preferred seconds that its addresses are to be used; they are valid for twice as long. 0 takes them back
     */
    public byte[] encode(Settings settings, int preferred) {
        var out = new ByteArrayOutputStream(256);
        out.writeBytes(ByteBuffer.allocate(4).putInt(type << 24 | transaction).array());
        if (!client.isEmpty()) {
            option(out, CLIENT_ID, HexFormat.of().parseHex(client));
        }
        if (!server.isEmpty()) {
            option(out, SERVER_ID, HexFormat.of().parseHex(server));
        }
        if (rapidCommit) {
            option(out, RAPID_COMMIT, new byte[0]);
        }
        if (settings.status() != SUCCESS) {
            option(out, STATUS, status(settings.status()));
        }
        for (Association association : associations) {
            option(out, IA_NA, value(association, preferred));
        }
        if (settings.dnsServer() != null) {
            option(out, DNS_SERVERS, bytes(settings.dnsServer()));
        }
        if (!settings.searchList().isEmpty()) {
            MemorySegment names =
                    MemorySegment.ofArray(new byte[256 * settings.searchList().size()]);
            int n = 0;
            for (String domain : settings.searchList()) {
                n += NdpMessage.putName(names, n, domain);
            }
            option(out, DOMAIN_LIST, names.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE));
        }
        return out.toByteArray();
    }

    private static byte[] value(Association association, int preferred) {
        var out = new ByteArrayOutputStream(64);
        // T1 and T2 at the usual half and four fifths (§21.4)
        ByteBuffer head = ByteBuffer.allocate(12)
                .putInt(association.id())
                .putInt(preferred / 2)
                .putInt(preferred / 5 * 4);
        out.writeBytes(head.array());
        for (Ipv6Address address : association.addresses()) {
            ByteBuffer value = ByteBuffer.allocate(24)
                    .put(bytes(address))
                    .putInt(preferred)
                    .putInt(2 * preferred);
            option(out, ADDRESS, value.array());
        }
        if (association.status() != SUCCESS) {
            option(out, STATUS, status(association.status()));
        }
        return out.toByteArray();
    }

    private static byte[] status(int code) {
        return ByteBuffer.allocate(2).putShort((short) code).array();
    }

    private static byte[] bytes(Ipv6Address address) {
        return ByteBuffer.allocate(16)
                .putLong(address.high())
                .putLong(address.low())
                .array();
    }

    private static void option(ByteArrayOutputStream out, int type, byte[] value) {
        out.writeBytes(ByteBuffer.allocate(4)
                .putShort((short) type)
                .putShort((short) value.length)
                .array());
        out.writeBytes(value);
    }
}
