package dev.sluice.gateway.proxy;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/**
 * The server's name in the first message of TLS (RFC 8446 §4.1.2, RFC 6066 §3), which may come in several records. Pure; every length is
 * checked against what there is, and no input throws.
 */
sealed interface ClientHello {
    /** Records that a hello may take. */
    int LIMIT = 64 << 10;

    /** It is not whole yet. */
    record More() implements ClientHello {}

    /** It is no TLS. */
    record Other() implements ClientHello {}

    /** @param name in lower case; empty if there is none, or none that can be one */
    record Hello(String name) implements ClientHello {}

    int HANDSHAKE = 22;
    int CLIENT_HELLO = 1;
    int SERVER_NAME = 0;
    int MAX_RECORD = (1 << 14) + 256;

    static ClientHello of(byte[] bytes) {
        // the records' content, one behind the other
        byte[] message = new byte[bytes.length];
        int length = 0;
        int at = 0;
        while (at < bytes.length) {
            boolean more = bytes.length - at < 5;
            if (bytes[at] != HANDSHAKE || !more && bytes[at + 1] != 3) {
                return new Other();
            }
            if (more) {
                break;
            }
            int size = u16(bytes, at + 3);
            if (size == 0 || size > MAX_RECORD) {
                return new Other();
            }
            int part = Math.min(size, bytes.length - at - 5);
            System.arraycopy(bytes, at + 5, message, length, part);
            length += part;
            at += 5 + part;
            if (length >= 4) {
                if (message[0] != CLIENT_HELLO) {
                    return new Other();
                }
                int whole = 4 + ((message[1] & 0xff) << 16 | u16(message, 2));
                if (whole > LIMIT) {
                    return new Other();
                }
                if (length >= whole) {
                    return new Hello(name(Arrays.copyOf(message, whole)));
                }
            }
        }
        return new More();
    }

    /** Walks to the extensions and through them; whatever does not fit has no name. */
    private static String name(byte[] m) {
        int at = 4 + 2 + 32;
        at = at < m.length ? at + 1 + (m[at] & 0xff) : m.length; // session id
        at = at + 2 <= m.length ? at + 2 + u16(m, at) : m.length; // cipher suites
        at = at < m.length ? at + 1 + (m[at] & 0xff) : m.length; // compression
        if (at + 2 > m.length) {
            return "";
        }
        int end = Math.min(m.length, at + 2 + u16(m, at));
        at += 2;
        while (at + 4 <= end) {
            int size = u16(m, at + 2);
            int next = at + 4 + size;
            if (next > end) {
                return "";
            }
            if (u16(m, at) == SERVER_NAME) {
                return hostName(m, at + 4, next);
            }
            at = next;
        }
        return "";
    }

    private static String hostName(byte[] m, int at, int end) {
        if (at + 5 > end || m[at + 2] != 0) {
            return "";
        }
        int size = u16(m, at + 3);
        if (size == 0 || size > 255 || at + 5 + size > end) {
            return "";
        }
        String name = new String(m, at + 5, size, StandardCharsets.ISO_8859_1).toLowerCase(Locale.ROOT);
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_') {
                return "";
            }
        }
        String bare = name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
        return bare.isEmpty() || bare.startsWith(".") || bare.contains("..") ? "" : bare;
    }

    private static int u16(byte[] m, int at) {
        return (m[at] & 0xff) << 8 | m[at + 1] & 0xff;
    }
}
