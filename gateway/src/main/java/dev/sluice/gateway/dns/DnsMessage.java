package dev.sluice.gateway.dns;

import static dev.sluice.wire.DnsHeader.LENGTH;
import static dev.sluice.wire.DnsHeader.MAX_NAME;

import dev.sluice.wire.DnsHeader;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Reading and making the few parts of DNS messages (RFC 1035 §4) that a forwarder needs. Pure; no input throws. */
final class DnsMessage {
    static final int TYPE_PTR = 12;
    static final int TYPE_OPT = 41;
    static final int TYPE_ANY = 255;
    static final int CLASS_ANY = 255;
    static final int OPCODE_MASK = 0x7800;
    static final int RCODE_MASK = 0x000f;
    /** Extended RCODE 16 (RFC 6891 §9). */
    static final int BADVERS = 16;
    /** What a guest without EDNS can take over UDP. */
    static final int CLASSIC_SIZE = 512;
    /** Largest UDP payload over IPv4. */
    static final int LARGEST_DATAGRAM = 65_507;
    /** The UDP size we tell in our own OPT; no fragments on an Ethernet path (RFC 9715). */
    private static final int OWN_SIZE = 1232;
    /** Root name, type, class, TTL, length: an OPT record without options. */
    private static final int EMPTY_OPT = 11;

    private DnsMessage() {}

    static int u16(byte[] m, int at) {
        return (m[at] & 0xff) << 8 | m[at + 1] & 0xff;
    }

    static void put16(byte[] m, int at, int value) {
        m[at] = (byte) (value >> 8);
        m[at + 1] = (byte) value;
    }

    static int flags(byte[] m) {
        return u16(m, 2);
    }

    /** Offset after the name at {@code at}; -1 if it runs out of the message. A pointer ends it and is not followed. */
    static int skipName(byte[] m, int at) {
        int start = at;
        while (at < m.length) {
            int size = m[at] & 0xff;
            if (size == 0) {
                return at + 1;
            }
            if (size >= 0xc0) {
                return at + 2 <= m.length ? at + 2 : -1;
            }
            at += 1 + size;
            if (size > 63 || at - start >= MAX_NAME) {
                return -1;
            }
        }
        return -1;
    }

    /** Offset after the record at {@code at}, its data included; -1 if it runs out of the message. */
    private static int skipRecord(byte[] m, int at) {
        int fixed = skipName(m, at);
        if (fixed < 0 || fixed + 10 > m.length) {
            return -1;
        }
        int end = fixed + 10 + u16(m, fixed + 8);
        return end <= m.length ? end : -1;
    }

    /** No OPT record, and the records could be walked. */
    static final int NO_OPT = 0;

    /** The records run out of the message. */
    static final int BROKEN = -1;

    /** Where the OPT record starts, searched from {@code at}, the end of the question; or {@link #NO_OPT} or {@link #BROKEN}. */
    static int findOpt(byte[] m, int at) {
        int before = u16(m, 6) + u16(m, 8);
        int all = before + u16(m, 10);
        // A record takes at least 11 bytes, so a lie in the counts ends with the message.
        for (int i = 0; i < all; i++) {
            int end = skipRecord(m, at);
            if (end < 0) {
                return BROKEN;
            }
            // Its owner is the root: one zero byte.
            if (i >= before && m[at] == 0 && u16(m, at + 1) == TYPE_OPT) {
                return at;
            }
            at = end;
        }
        return NO_OPT;
    }

    /**
     * The name at {@code at} in lower case, labels with dots between, the root as the empty string. Bytes that no host name has come as
     * {@code \DDD}, so different names never look alike. The name must have been skipped without a pointer.
     */
    static String name(byte[] m, int at) {
        StringBuilder text = new StringBuilder();
        for (int size = m[at] & 0xff; size > 0; size = m[at] & 0xff) {
            if (!text.isEmpty()) {
                text.append('.');
            }
            for (int i = at + 1; i <= at + size; i++) {
                int c = m[i] & 0xff;
                if (c >= 'A' && c <= 'Z') {
                    text.append((char) (c | 0x20));
                } else if (c > ' ' && c < 0x7f && c != '.' && c != '\\') {
                    text.append((char) c);
                } else {
                    text.append('\\')
                            .append((char) ('0' + c / 100))
                            .append((char) ('0' + c / 10 % 10))
                            .append((char) ('0' + c % 10));
                }
            }
            at += 1 + size;
        }
        return text.toString();
    }

    /** A host name on the wire; an empty array if it is none that fits (RFC 1035 §3.1). */
    static byte[] encodeName(String name) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(name.length() + 2);
        for (String label : name.split("\\.")) {
            byte[] bytes = label.getBytes(StandardCharsets.ISO_8859_1);
            if (bytes.length == 0 || bytes.length > 63) {
                return new byte[0];
            }
            out.write(bytes.length);
            out.writeBytes(bytes);
        }
        out.write(0);
        return out.size() <= MAX_NAME ? out.toByteArray() : new byte[0];
    }

    /** A reply of header only, for a message whose question could not be read. */
    static byte[] headerReply(byte[] message, int rcode) {
        byte[] reply = new byte[LENGTH];
        put16(reply, 0, u16(message, 0));
        int kept = flags(message) & (OPCODE_MASK | DnsHeader.RECURSION_DESIRED);
        put16(reply, 2, DnsHeader.RESPONSE | kept | DnsHeader.RECURSION_AVAILABLE | rcode);
        return reply;
    }

    /**
     * A reply of our own: the question as it came, {@code data} as records of the question's owner and TTL 0, and an OPT if the query
     * had one (RFC 6891 §6.1.1).
     *
     * @param rcode up to 15, or {@link #BADVERS}
     * @param type of the records
     */
    static byte[] reply(DnsQuery query, int rcode, boolean authoritative, int type, List<byte[]> data) {
        int size = query.questionEnd() + EMPTY_OPT;
        for (byte[] item : data) {
            size += 12 + item.length;
        }
        byte[] reply = new byte[size];
        byte[] asked = query.message();
        System.arraycopy(headerReply(asked, rcode & RCODE_MASK), 0, reply, 0, LENGTH);
        if (authoritative) {
            put16(reply, 2, flags(reply) | DnsHeader.AUTHORITATIVE);
        }
        System.arraycopy(asked, LENGTH, reply, LENGTH, query.questionEnd() - LENGTH);
        put16(reply, 4, 1);
        put16(reply, 6, data.size());
        int at = query.questionEnd();
        for (byte[] item : data) {
            put16(reply, at, 0xc000 | LENGTH); // a pointer to the question's name
            put16(reply, at + 2, type);
            put16(reply, at + 4, DnsHeader.CLASS_IN);
            put16(reply, at + 10, item.length);
            System.arraycopy(item, 0, reply, at + 12, item.length);
            at += 12 + item.length;
        }
        if (!query.hasOpt()) {
            return Arrays.copyOf(reply, at);
        }
        put16(reply, 10, 1);
        put16(reply, at + 1, TYPE_OPT);
        put16(reply, at + 3, OWN_SIZE);
        reply[at + 5] = (byte) (rcode >> 4);
        put16(reply, at + 7, query.optFlags());
        return reply;
    }

    /** {@code reply} if it fits, else its header, question and OPT, with TC set. */
    static byte[] fit(byte[] reply, int questionEnd, int maxSize) {
        if (reply.length <= maxSize) {
            return reply;
        }
        int opt = findOpt(reply, questionEnd);
        int optLength = opt > 0 ? skipRecord(reply, opt) - opt : 0;
        if (questionEnd + optLength > maxSize) {
            optLength = 0;
        }
        byte[] cut = Arrays.copyOf(reply, questionEnd + optLength);
        if (optLength > 0) {
            System.arraycopy(reply, opt, cut, questionEnd, optLength);
        }
        put16(cut, 2, flags(cut) | DnsHeader.TRUNCATED);
        put16(cut, 6, 0);
        put16(cut, 8, 0);
        put16(cut, 10, optLength > 0 ? 1 : 0);
        return cut;
    }
}
