package dev.sluice.wire;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * A DHCP message for Ethernet and IPv4 (RFC 2131 §2, RFC 2132), as a value: for the slow path.
 *
 * @param operation {@link #BOOTREQUEST} or {@link #BOOTREPLY}
 * @param hops relay agents passed
 * @param transaction the client's number for one exchange ({@code xid})
 * @param seconds since the client began
 * @param broadcast the client can not yet receive unicast (RFC 2131 §4.1)
 * @param clientAddress {@code ciaddr}: the client's address if it can answer ARP for it, else 0.0.0.0
 * @param yourAddress {@code yiaddr}
 * @param serverAddress {@code siaddr}
 * @param relayAddress {@code giaddr}
 * @param hardwareAddress {@code chaddr}
 * @param serverName {@code sname}, up to 64 bytes; empty if it carried options
 * @param bootFile {@code file}, up to 128 bytes; empty if it carried options
 */
public record DhcpMessage(
        int operation,
        int hops,
        int transaction,
        int seconds,
        boolean broadcast,
        Ipv4Address clientAddress,
        Ipv4Address yourAddress,
        Ipv4Address serverAddress,
        Ipv4Address relayAddress,
        MacAddress hardwareAddress,
        String serverName,
        String bootFile,
        DhcpOptions options) {

    public static final int BOOTREQUEST = 1;
    public static final int BOOTREPLY = 2;

    /** Message types, option 53 (RFC 2132 §9.6). */
    public static final int DISCOVER = 1;

    public static final int OFFER = 2;
    public static final int REQUEST = 3;
    public static final int DECLINE = 4;
    public static final int ACK = 5;
    public static final int NAK = 6;
    public static final int RELEASE = 7;
    public static final int INFORM = 8;

    public static final int SERVER_PORT = 67;
    public static final int CLIENT_PORT = 68;
    /** Bytes before the options: the BOOTP header and the magic cookie. */
    public static final int FIXED_LENGTH = 240;
    /** What {@link #encode} pads to: some clients drop anything shorter than a BOOTP message (RFC 1542 §2.1). */
    public static final int MIN_ENCODED = 300;
    /** The message every client must accept: 576 bytes of IP without its headers (RFC 2131 §2). */
    public static final int MIN_ACCEPTED = 548;

    private static final int COOKIE = 0x6382_5363;
    private static final int SNAME = 44;
    private static final int FILE = 108;
    private static final int SNAME_LENGTH = 64;
    private static final int FILE_LENGTH = 128;

    /** What came of decoding. */
    public sealed interface Decoded {
        /** Well-formed, as far as a decoder can tell. */
        record Message(DhcpMessage message) implements Decoded {}

        /** Not a DHCP message for Ethernet, and why. */
        record Malformed(Flaw flaw) implements Decoded {}
    }

    /** Option 53; 0 for plain BOOTP. */
    public int type() {
        return options.messageType();
    }

    /**
     * Reads a UDP payload of {@code length} bytes. Never throws. A missing END option is forgiven, an option past the end is not;
     * options in {@code file} and {@code sname} are read if option 52 says so (RFC 2132 §9.3), in that order (RFC 3396 §5).
     */
    public static Decoded decode(MemorySegment s, long at, int length) {
        if (length < FIXED_LENGTH) {
            return new Decoded.Malformed(Flaw.TRUNCATED);
        }
        int operation = Bytes.u8(s, at);
        if (operation != BOOTREQUEST && operation != BOOTREPLY) {
            return new Decoded.Malformed(Flaw.BAD_FIELD);
        }
        if (Bytes.u16(s, at + 1) != 0x0106 || Bytes.i32(s, at + 236) != COOKIE) {
            return new Decoded.Malformed(Flaw.BAD_VERSION);
        }
        DhcpOptions.Builder options = DhcpOptions.builder();
        if (!readOptions(s, at + FIXED_LENGTH, length - FIXED_LENGTH, options)) {
            return new Decoded.Malformed(Flaw.BAD_OPTION);
        }
        byte[] overload = options.peek(DhcpOptions.OVERLOAD);
        int fields = overload == null ? 0 : overload.length == 1 ? overload[0] : -1;
        if (overload != null && (fields < 1 || fields > 3)) {
            return new Decoded.Malformed(Flaw.BAD_OPTION);
        }
        if ((fields & 1) != 0 && !readOptions(s, at + FILE, FILE_LENGTH, options)
                || (fields & 2) != 0 && !readOptions(s, at + SNAME, SNAME_LENGTH, options)) {
            return new Decoded.Malformed(Flaw.BAD_OPTION);
        }
        return new Decoded.Message(new DhcpMessage(
                operation,
                Bytes.u8(s, at + 3),
                Bytes.i32(s, at + 4),
                Bytes.u16(s, at + 8),
                (Bytes.u16(s, at + 10) & 0x8000) != 0,
                new Ipv4Address(Bytes.i32(s, at + 12)),
                new Ipv4Address(Bytes.i32(s, at + 16)),
                new Ipv4Address(Bytes.i32(s, at + 20)),
                new Ipv4Address(Bytes.i32(s, at + 24)),
                new MacAddress(Bytes.u48(s, at + 28)),
                (fields & 2) != 0 ? "" : text(s, at + SNAME, SNAME_LENGTH),
                (fields & 1) != 0 ? "" : text(s, at + FILE, FILE_LENGTH),
                options.build()));
    }

    private static boolean readOptions(MemorySegment s, long at, int length, DhcpOptions.Builder options) {
        int i = 0;
        while (i < length) {
            int code = Bytes.u8(s, at + i);
            if (code == DhcpOptions.END) {
                return true;
            }
            if (code == DhcpOptions.PAD) {
                i++;
                continue;
            }
            if (i + 1 >= length) {
                return false;
            }
            int size = Bytes.u8(s, at + i + 1);
            if (i + 2 + size > length) {
                return false;
            }
            options.join(code, s.asSlice(at + i + 2, size).toArray(ValueLayout.JAVA_BYTE));
            i += 2 + size;
        }
        return true;
    }

    private static String text(MemorySegment s, long at, int length) {
        int end = 0;
        while (end < length && Bytes.u8(s, at + end) != 0) {
            end++;
        }
        return new String(s.asSlice(at, end).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
    }

    /**
     * Writes the message: fixed part, options in order, END, and zeros up to {@link #MIN_ENCODED}. Options longer than 255 bytes are
     * split (RFC 3396 §6); one that does not fit is left out, those after it are still tried. Option 52 is never written.
     *
     * @param capacity writable bytes at {@code at}, at least {@link #MIN_ENCODED}
     * @return bytes written
     */
    public int encode(MemorySegment s, long at, int capacity) {
        if (capacity < MIN_ENCODED) {
            throw new IllegalArgumentException("a DHCP message needs " + MIN_ENCODED + " bytes, not " + capacity);
        }
        s.asSlice(at, capacity).fill((byte) 0);
        Bytes.put8(s, at, operation);
        Bytes.put16(s, at + 1, 0x0106);
        Bytes.put8(s, at + 3, hops);
        Bytes.put32(s, at + 4, transaction);
        Bytes.put16(s, at + 8, seconds);
        Bytes.put16(s, at + 10, broadcast ? 0x8000 : 0);
        Bytes.put32(s, at + 12, clientAddress.bits());
        Bytes.put32(s, at + 16, yourAddress.bits());
        Bytes.put32(s, at + 20, serverAddress.bits());
        Bytes.put32(s, at + 24, relayAddress.bits());
        Bytes.put48(s, at + 28, hardwareAddress.bits());
        putText(s, at + SNAME, SNAME_LENGTH, serverName);
        putText(s, at + FILE, FILE_LENGTH, bootFile);
        Bytes.put32(s, at + 236, COOKIE);
        int i = FIXED_LENGTH;
        for (int code : options.codes()) {
            byte[] value = options.shared(code);
            int pieces = Math.max(1, (value.length + 254) / 255);
            if (code == DhcpOptions.OVERLOAD || i + value.length + 2 * pieces + 1 > capacity) {
                continue;
            }
            for (int piece = 0; piece < pieces; piece++) {
                int size = Math.min(255, value.length - piece * 255);
                Bytes.put8(s, at + i, code);
                Bytes.put8(s, at + i + 1, size);
                MemorySegment.copy(value, piece * 255, s, ValueLayout.JAVA_BYTE, at + i + 2, size);
                i += 2 + size;
            }
        }
        Bytes.put8(s, at + i, DhcpOptions.END);
        return Math.max(i + 1, MIN_ENCODED);
    }

    private static void putText(MemorySegment s, long at, int length, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        MemorySegment.copy(bytes, 0, s, ValueLayout.JAVA_BYTE, at, Math.min(bytes.length, length - 1));
    }
}
