package dev.sluice.wire;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The options of a DHCP message (RFC 2132), in order, each code once: pieces of a long option are joined (RFC 3396). Immutable. A
 * typed accessor answers null (or 0) when the option is absent or has not the size its definition demands.
 */
public final class DhcpOptions {
    public static final int PAD = 0;
    public static final int SUBNET_MASK = 1;
    public static final int ROUTER = 3;
    public static final int DNS_SERVERS = 6;
    public static final int HOST_NAME = 12;
    public static final int DOMAIN_NAME = 15;
    public static final int INTERFACE_MTU = 26;
    public static final int BROADCAST_ADDRESS = 28;
    public static final int NTP_SERVERS = 42;
    public static final int REQUESTED_ADDRESS = 50;
    public static final int LEASE_TIME = 51;
    public static final int OVERLOAD = 52;
    public static final int MESSAGE_TYPE = 53;
    public static final int SERVER_IDENTIFIER = 54;
    public static final int PARAMETER_REQUEST_LIST = 55;
    public static final int MESSAGE = 56;
    public static final int MAXIMUM_MESSAGE_SIZE = 57;
    public static final int RENEWAL_TIME = 58;
    public static final int REBINDING_TIME = 59;
    public static final int VENDOR_CLASS = 60;
    public static final int CLIENT_IDENTIFIER = 61;
    public static final int DOMAIN_SEARCH = 119;
    public static final int END = 255;

    /** No options at all. */
    public static final DhcpOptions NONE = new DhcpOptions(new LinkedHashMap<>());

    private final Map<Integer, byte[]> values;

    private DhcpOptions(Map<Integer, byte[]> values) {
        this.values = values;
    }

    public static Builder builder() {
        return new Builder();
    }

    /** The codes present, in the order of the message. */
    public Iterable<Integer> codes() {
        return Collections.unmodifiableSet(values.keySet());
    }

    public boolean has(int code) {
        return values.containsKey(code);
    }

    /** A copy of the option's bytes, or null. */
    public byte @Nullable [] raw(int code) {
        byte[] value = values.get(code);
        return value == null ? null : value.clone();
    }

    byte[] shared(int code) {
        byte[] value = values.get(code);
        return value == null ? new byte[0] : value;
    }

    private byte @Nullable [] sized(int code, int size) {
        byte[] value = values.get(code);
        return value != null && value.length == size ? value : null;
    }

    /** Option 53, 1–255; 0 if absent or malformed (then it is BOOTP or nonsense). */
    public int messageType() {
        byte[] value = sized(MESSAGE_TYPE, 1);
        return value == null ? 0 : value[0] & 0xff;
    }

    /** Any option that is one IPv4 address. */
    public @Nullable Ipv4Address address(int code) {
        byte[] value = sized(code, 4);
        return value == null ? null : new Ipv4Address(int32(value, 0));
    }

    /** Any option that is a list of IPv4 addresses; empty if absent or not a multiple of four bytes. */
    public List<Ipv4Address> addresses(int code) {
        byte[] value = values.get(code);
        if (value == null || value.length % 4 != 0) {
            return List.of();
        }
        List<Ipv4Address> list = new ArrayList<>(value.length / 4);
        for (int i = 0; i < value.length; i += 4) {
            list.add(new Ipv4Address(int32(value, i)));
        }
        return List.copyOf(list);
    }

    /** Any option that is a 32-bit number, such as a time in seconds, unsigned; -1 if absent or malformed. */
    public long number32(int code) {
        byte[] value = sized(code, 4);
        return value == null ? -1 : int32(value, 0) & 0xffff_ffffL;
    }

    /** Any option that is a 16-bit number; -1 if absent or malformed. */
    public int number16(int code) {
        byte[] value = sized(code, 2);
        return value == null ? -1 : (value[0] & 0xff) << 8 | value[1] & 0xff;
    }

    /**
     * Any option that is text. Clients end it with NULs or not (RFC 2132 §2); both are accepted. Null if absent, empty, or with
     * characters outside printable ASCII: such text could do harm in a log or a host name.
     */
    public @Nullable String text(int code) {
        byte[] value = values.get(code);
        if (value == null) {
            return null;
        }
        int length = value.length;
        while (length > 0 && value[length - 1] == 0) {
            length--;
        }
        for (int i = 0; i < length; i++) {
            if (value[i] < 0x20 || value[i] > 0x7e) {
                return null;
            }
        }
        return length == 0 ? null : new String(value, 0, length, StandardCharsets.US_ASCII);
    }

    public @Nullable Ipv4Address requestedAddress() {
        return address(REQUESTED_ADDRESS);
    }

    public @Nullable Ipv4Address serverIdentifier() {
        return address(SERVER_IDENTIFIER);
    }

    /** Option 55 in the client's order, each code once; empty if absent. */
    public List<Integer> parameterRequestList() {
        byte[] value = values.get(PARAMETER_REQUEST_LIST);
        if (value == null) {
            return List.of();
        }
        List<Integer> codes = new ArrayList<>();
        for (byte code : value) {
            if (!codes.contains(code & 0xff)) {
                codes.add(code & 0xff);
            }
        }
        return List.copyOf(codes);
    }

    /** Option 119 decoded (RFC 3397); empty if absent, null if malformed. */
    public @Nullable List<String> domainSearch() {
        byte[] value = values.get(DOMAIN_SEARCH);
        return value == null ? List.of() : DhcpDomainSearch.decode(value);
    }

    private static int int32(byte[] value, int at) {
        return (value[at] & 0xff) << 24
                | (value[at + 1] & 0xff) << 16
                | (value[at + 2] & 0xff) << 8
                | value[at + 3] & 0xff;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        if (!(other instanceof DhcpOptions that)
                || !List.copyOf(values.keySet()).equals(List.copyOf(that.values.keySet()))) {
            return false;
        }
        for (Map.Entry<Integer, byte[]> entry : values.entrySet()) {
            if (!Arrays.equals(entry.getValue(), that.values.get(entry.getKey()))) {
                return false;
            }
        }
        return true;
    }

    @Override
    public int hashCode() {
        return values.keySet().hashCode();
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("{");
        for (Map.Entry<Integer, byte[]> entry : values.entrySet()) {
            text.append(text.length() > 1 ? ", " : "").append(entry.getKey()).append('=');
            for (byte b : entry.getValue()) {
                text.append(Character.forDigit(b >> 4 & 0xf, 16)).append(Character.forDigit(b & 0xf, 16));
            }
        }
        return text.append('}').toString();
    }

    /** Collects options in the order they are to be sent; a code given twice keeps its first place and takes the last value. */
    public static final class Builder {
        private final Map<Integer, ByteArrayOutputStream> values = new LinkedHashMap<>();

        private Builder() {}

        public Builder raw(int code, byte... value) {
            if (code <= PAD || code >= END) {
                throw new IllegalArgumentException("a DHCP option code is within 1…254, not " + code);
            }
            ByteArrayOutputStream bytes = new ByteArrayOutputStream(value.length);
            bytes.writeBytes(value);
            values.put(code, bytes);
            return this;
        }

        /** Adds a piece of an option that came in pieces (RFC 3396). */
        void join(int code, byte[] piece) {
            values.computeIfAbsent(code, unused -> new ByteArrayOutputStream(piece.length))
                    .writeBytes(piece);
        }

        byte @Nullable [] peek(int code) {
            ByteArrayOutputStream bytes = values.get(code);
            return bytes == null ? null : bytes.toByteArray();
        }

        public Builder messageType(int type) {
            return raw(MESSAGE_TYPE, (byte) type);
        }

        public Builder address(int code, Ipv4Address... addresses) {
            byte[] value = new byte[addresses.length * 4];
            for (int i = 0; i < addresses.length; i++) {
                put32(value, i * 4, addresses[i].bits());
            }
            return raw(code, value);
        }

        /** {@code number} 0…2³²−1. */
        public Builder number32(int code, long number) {
            byte[] value = new byte[4];
            put32(value, 0, (int) number);
            return raw(code, value);
        }

        public Builder number16(int code, int number) {
            return raw(code, (byte) (number >>> 8), (byte) number);
        }

        /** Characters outside ASCII become {@code ?}. */
        public Builder text(int code, String text) {
            return raw(code, text.getBytes(StandardCharsets.US_ASCII));
        }

        public Builder parameterRequestList(int... codes) {
            byte[] value = new byte[codes.length];
            for (int i = 0; i < codes.length; i++) {
                value[i] = (byte) codes[i];
            }
            return raw(PARAMETER_REQUEST_LIST, value);
        }

        /**
         * Option 119, compressed (RFC 3397).
         *
         * @throws IllegalArgumentException if a domain has an empty or too long label, or is too long itself
         */
        public Builder domainSearch(List<String> domains) {
            return raw(DOMAIN_SEARCH, DhcpDomainSearch.encode(domains));
        }

        public DhcpOptions build() {
            Map<Integer, byte[]> built = new LinkedHashMap<>();
            values.forEach((code, bytes) -> built.put(code, bytes.toByteArray()));
            return new DhcpOptions(built);
        }

        private static void put32(byte[] value, int at, int bits) {
            value[at] = (byte) (bits >>> 24);
            value[at + 1] = (byte) (bits >>> 16);
            value[at + 2] = (byte) (bits >>> 8);
            value[at + 3] = (byte) bits;
        }
    }
}
