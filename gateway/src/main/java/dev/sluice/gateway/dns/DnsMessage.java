package dev.sluice.gateway.dns;

import static dev.sluice.wire.DnsHeader.LENGTH;
import static dev.sluice.wire.DnsHeader.MAX_NAME;

import dev.sluice.wire.DnsHeader;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Reading and making the few parts of DNS messages (RFC 1035 §4) that a forwarder needs. Pure; no input throws. */
final class DnsMessage {
    static final int TYPE_NS = 2;
    static final int TYPE_CNAME = 5;
    static final int TYPE_SOA = 6;
    static final int TYPE_PTR = 12;
    static final int TYPE_MX = 15;
    static final int TYPE_TXT = 16;
    static final int TYPE_SRV = 33;
    static final int TYPE_OPT = 41;
    static final int TYPE_SVCB = 64;
    static final int TYPE_HTTPS = 65;
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
    /** Longest message over a stream. */
    static final int MAX_MESSAGE = 0xffff;
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

    static long u32(byte[] m, int at) {
        return (long) u16(m, at) << 16 | u16(m, at + 2);
    }

    static void put32(byte[] m, int at, int value) {
        put16(m, at, value >>> 16);
        put16(m, at + 2, value);
    }

    static int flags(byte[] m) {
        return u16(m, 2);
    }

    static boolean isTruncated(byte[] m) {
        return (flags(m) & DnsHeader.TRUNCATED) != 0;
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
    static int skipRecord(byte[] m, int at) {
        int fixed = skipName(m, at);
        if (fixed < 0 || fixed + 10 > m.length) {
            return -1;
        }
        int end = fixed + 10 + u16(m, fixed + 8);
        return end <= m.length ? end : -1;
    }

    /** Where the records start, behind the one question; -1 if there is another count of them, or it runs out of the message. */
    static int recordsAt(byte[] m) {
        int name = m.length < LENGTH || u16(m, 4) != 1 ? -1 : skipName(m, LENGTH);
        return name < 0 || name + 4 > m.length ? -1 : name + 4;
    }

    /**
     * The records of the answer section that have {@code type}, as {@code owner}'s; none of a type whose data may hold compressed names
     * (RFC 3597 §4), which would mean something else in another message.
     */
    static List<ResourceRecord> records(byte[] m, int type, byte[] owner) {
        List<ResourceRecord> found = new ArrayList<>();
        boolean selfContained = switch (type) {
            case DnsHeader.TYPE_A, DnsHeader.TYPE_AAAA, TYPE_TXT, TYPE_SRV, TYPE_SVCB, TYPE_HTTPS -> true;
            default -> false;
        };
        int at = recordsAt(m);
        for (int i = at < 0 || !selfContained ? 0 : u16(m, 6); i > 0; i--) {
            int end = skipRecord(m, at);
            if (end < 0) {
                break;
            }
            int fixed = skipName(m, at);
            if (u16(m, fixed) == type && u16(m, fixed + 2) == DnsHeader.CLASS_IN) {
                int ttl = (int) u32(m, fixed + 4);
                found.add(new ResourceRecord(owner, type, Math.max(0, ttl), Arrays.copyOfRange(m, fixed + 10, end)));
            }
            at = end;
        }
        return found;
    }

    /** As {@link #name}, pointers followed; what cannot be read ends it (RFC 9267 §2: bounded, backwards only). */
    static String expandedName(byte[] m, int at) {
        byte[] flat = new byte[MAX_NAME];
        int length = 0;
        int limit = at + 1;
        while (at < m.length) {
            int size = m[at] & 0xff;
            if (size >= 0xc0) {
                int to = at + 1 < m.length ? u16(m, at) & 0x3fff : m.length;
                if (to >= limit - 1) {
                    break;
                }
                limit = to + 1;
                at = to;
                continue;
            }
            if (size == 0 || size > 63 || at + 1 + size > m.length || length + size + 2 > MAX_NAME) {
                break;
            }
            System.arraycopy(m, at, flat, length, size + 1);
            length += size + 1;
            at += size + 1;
        }
        return name(flat, 0);
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

    /** A query of our own, with recursion desired and an OPT, for the one question. */
    static DnsQuery query(String name, int type) {
        byte[] encoded = encodeName(name);
        int end = LENGTH + encoded.length + 4;
        byte[] m = new byte[end + EMPTY_OPT];
        put16(m, 2, DnsHeader.RECURSION_DESIRED);
        put16(m, 4, 1);
        put16(m, 10, 1);
        System.arraycopy(encoded, 0, m, LENGTH, encoded.length);
        put16(m, end - 4, type);
        put16(m, end - 2, DnsHeader.CLASS_IN);
        putOpt(m, end, 0, 0);
        return new DnsQuery(m, end, name(m, LENGTH), type, DnsHeader.CLASS_IN, end);
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
     * A reply of our own: the question as it came, these records, and an OPT if the query had one (RFC 6891 §6.1.1).
     *
     * @param rcode up to 15, or {@link #BADVERS}
     */
    static byte[] reply(DnsQuery query, int rcode, boolean authoritative, List<ResourceRecord> answers) {
        int size = query.questionEnd() + EMPTY_OPT;
        int fitting = 0;
        for (ResourceRecord record : answers) {
            int length = Math.max(2, record.owner().length) + 10 + record.data().length;
            if (size + length > MAX_MESSAGE) {
                break; // Nobody asks for so many; a message cannot hold them.
            }
            size += length;
            fitting++;
        }
        byte[] reply = new byte[size];
        byte[] asked = query.message();
        System.arraycopy(headerReply(asked, rcode & RCODE_MASK), 0, reply, 0, LENGTH);
        if (authoritative) {
            put16(reply, 2, flags(reply) | DnsHeader.AUTHORITATIVE);
        }
        System.arraycopy(asked, LENGTH, reply, LENGTH, query.questionEnd() - LENGTH);
        put16(reply, 4, 1);
        put16(reply, 6, fitting);
        int at = query.questionEnd();
        for (ResourceRecord record : answers.subList(0, fitting)) {
            at = put(reply, at, record);
        }
        if (!query.hasOpt()) {
            return Arrays.copyOf(reply, at);
        }
        put16(reply, 10, 1);
        putOpt(reply, at, rcode, query.optFlags());
        return reply;
    }

    /**
     * Writes an OPT record without options.
     *
     * @return where it ends
     */
    static int putOpt(byte[] m, int at, int rcode, int flags) {
        m[at] = 0; // the root
        put16(m, at + 1, TYPE_OPT);
        put16(m, at + 3, OWN_SIZE);
        put16(m, at + 5, rcode >> 4 << 8); // extended rcode, version 0
        put16(m, at + 7, flags);
        put16(m, at + 9, 0);
        return at + EMPTY_OPT;
    }

    private static int put(byte[] m, int at, ResourceRecord record) {
        int fixed = at + 2;
        if (record.owner().length == 0) {
            put16(m, at, 0xc000 | LENGTH); // a pointer to the question's name
        } else {
            System.arraycopy(record.owner(), 0, m, at, record.owner().length);
            fixed = at + record.owner().length;
        }
        put16(m, fixed, record.type());
        put16(m, fixed + 2, DnsHeader.CLASS_IN);
        put32(m, fixed + 4, record.ttl());
        put16(m, fixed + 8, record.data().length);
        System.arraycopy(record.data(), 0, m, fixed + 10, record.data().length);
        return fixed + 10 + record.data().length;
    }

    /** A copy of a reply to an equal question, for another asker: with its id and its letter case. */
    static byte[] asReplyTo(DnsQuery query, byte[] reply) {
        byte[] copy = reply.clone();
        put16(copy, 0, u16(query.message(), 0));
        if (copy.length >= query.questionEnd() && u16(copy, 4) == 1) {
            System.arraycopy(query.message(), LENGTH, copy, LENGTH, query.questionEnd() - LENGTH);
        }
        return copy;
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
