package dev.sluice.wire;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The DNS header (RFC 1035 §4.1.1), 12 bytes, and a bounded walk over the question after it: enough to pass messages on without
 * decoding them.
 */
public final class DnsHeader {
    public static final int LENGTH = 12;
    /** Longest name on the wire, the root's zero byte included (RFC 1035 §2.3.4). */
    public static final int MAX_NAME = 255;
    /** Compression pointers followed in one name; honest names need a few (RFC 9267 §2). */
    public static final int MAX_POINTERS = 64;

    public static final int RESPONSE = 0x8000;
    public static final int AUTHORITATIVE = 0x0400;
    public static final int TRUNCATED = 0x0200;
    public static final int RECURSION_DESIRED = 0x0100;
    public static final int RECURSION_AVAILABLE = 0x0080;

    public static final int NOERROR = 0;
    public static final int FORMERR = 1;
    public static final int SERVFAIL = 2;
    public static final int NXDOMAIN = 3;
    public static final int NOTIMP = 4;
    public static final int REFUSED = 5;

    public static final int TYPE_A = 1;
    public static final int TYPE_AAAA = 28;
    public static final int CLASS_IN = 1;

    private DnsHeader() {}

    /** Validates the header and every question of a message of {@code length} bytes; not the records after them. */
    public static Flaw check(MemorySegment s, long at, long length) {
        if (length < LENGTH) {
            return Flaw.TRUNCATED;
        }
        long offset = LENGTH;
        // Each question takes at least five bytes, so a lie in the count ends with the message.
        for (int i = 0; i < questions(s, at); i++) {
            long name = skipName(s, at, length, offset);
            if (name < 0 || name + 4 > length) {
                return Flaw.TRUNCATED;
            }
            offset = name + 4;
        }
        return Flaw.NONE;
    }

    public static int id(MemorySegment s, long at) {
        return Bytes.u16(s, at);
    }

    public static void setId(MemorySegment s, long at, int id) {
        Bytes.put16(s, at, id);
    }

    /** The 16-bit word with QR, opcode, the flags and RCODE. */
    public static int flags(MemorySegment s, long at) {
        return Bytes.u16(s, at + 2);
    }

    public static void setFlags(MemorySegment s, long at, int flags) {
        Bytes.put16(s, at + 2, flags);
    }

    public static boolean isResponse(MemorySegment s, long at) {
        return (flags(s, at) & RESPONSE) != 0;
    }

    public static boolean isTruncated(MemorySegment s, long at) {
        return (flags(s, at) & TRUNCATED) != 0;
    }

    /** 0 for a standard query. */
    public static int opcode(MemorySegment s, long at) {
        return flags(s, at) >>> 11 & 0xf;
    }

    /** The low four bits of the response code. */
    public static int rcode(MemorySegment s, long at) {
        return flags(s, at) & 0xf;
    }

    public static int questions(MemorySegment s, long at) {
        return Bytes.u16(s, at + 4);
    }

    public static int answers(MemorySegment s, long at) {
        return Bytes.u16(s, at + 6);
    }

    public static int authorities(MemorySegment s, long at) {
        return Bytes.u16(s, at + 8);
    }

    public static int additionals(MemorySegment s, long at) {
        return Bytes.u16(s, at + 10);
    }

    public static void write(
            MemorySegment s, long at, int id, int flags, int questions, int answers, int authorities, int additionals) {
        Bytes.put16(s, at, id);
        Bytes.put16(s, at + 2, flags);
        Bytes.put16(s, at + 4, questions);
        Bytes.put16(s, at + 6, answers);
        Bytes.put16(s, at + 8, authorities);
        Bytes.put16(s, at + 10, additionals);
    }

    /**
     * Where the first question ends, counted from the message's start; -1 if there is none or it is malformed. Type and class are the
     * four bytes before: {@link #questionType}, {@link #questionClass}.
     */
    public static long questionEnd(MemorySegment s, long at, long length) {
        if (length < LENGTH || questions(s, at) == 0) {
            return -1;
        }
        long name = skipName(s, at, length, LENGTH);
        return name < 0 || name + 4 > length ? -1 : name + 4;
    }

    /** The type of the question that ends at {@code end}, as {@link #questionEnd} told. */
    public static int questionType(MemorySegment s, long at, long end) {
        return Bytes.u16(s, at + end - 4);
    }

    public static int questionClass(MemorySegment s, long at, long end) {
        return Bytes.u16(s, at + end - 2);
    }

    /**
     * Walks the name at {@code offset} (from the message's start), its compression pointers followed and checked.
     *
     * <p>Every pointer must go to before the place it was reached from, so a loop is impossible; there may be {@link #MAX_POINTERS} of
     * them, so that many long chains in one message cost little; and the labels together may not pass {@link #MAX_NAME} bytes.
     *
     * @return the offset after the name where it stands, or -1 if it is malformed
     */
    public static long skipName(MemorySegment s, long at, long length, long offset) {
        return walk(s, at, length, offset, null);
    }

    /**
     * The name at {@code offset} for people and maps: labels with dots between, the root as {@code "."}; bytes other than letters,
     * digits, {@code -} and {@code _} as {@code \DDD} (RFC 1035 §5.1). Case is kept. Null if malformed.
     */
    public static @Nullable String name(MemorySegment s, long at, long length, long offset) {
        StringBuilder text = new StringBuilder();
        if (walk(s, at, length, offset, text) < 0) {
            return null;
        }
        return text.isEmpty() ? "." : text.toString();
    }

    private static long walk(MemorySegment s, long at, long length, long offset, @Nullable StringBuilder text) {
        long end = -1;
        long i = offset;
        long limit = offset;
        int total = 1;
        int pointers = 0;
        while (i < length) {
            int size = Bytes.u8(s, at + i);
            if (size == 0) {
                return end < 0 ? i + 1 : end;
            }
            if (size >= 0xc0) {
                if (i + 2 > length) {
                    return -1;
                }
                long target = Bytes.u16(s, at + i) & 0x3fff;
                if (end < 0) {
                    end = i + 2;
                }
                if (target >= limit || target < LENGTH || ++pointers > MAX_POINTERS) {
                    return -1;
                }
                limit = target;
                i = target;
                continue;
            }
            total += 1 + size;
            if (size > 63 || total > MAX_NAME || i + 1 + size > length) {
                return -1;
            }
            if (text != null) {
                label(s, at + i + 1, size, text);
            }
            i += 1 + size;
        }
        return -1;
    }

    private static void label(MemorySegment s, long at, int size, StringBuilder text) {
        if (!text.isEmpty()) {
            text.append('.');
        }
        for (int i = 0; i < size; i++) {
            int c = Bytes.u8(s, at + i);
            if (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
                text.append((char) c);
            } else {
                text.append('\\')
                        .append((char) ('0' + c / 100))
                        .append((char) ('0' + c / 10 % 10))
                        .append((char) ('0' + c % 10));
            }
        }
    }
}
