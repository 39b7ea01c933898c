package dev.sluice.gateway.dns;

import dev.sluice.wire.DnsHeader;

/**
 * What {@link AnswerCache} has to know of a query, read in one pass and without allocation. Used again and again by one thread.
 */
final class CacheProbe {
    /** What of the header changes an answer: RD, AD, CD (RFC 4035 §3.2). */
    private static final int FLAGS = DnsHeader.RECURSION_DESIRED | 0x0030;

    private static final int OPT_FIXED = 11;
    private static final int COOKIE = 10;
    private static final int DNSSEC_OK = 0x8000;

    /** Of the name without regard to case, type and variant. */
    int hash;

    int type;
    /** Header flags and DO bit: answers of different variants are kept apart. */
    int variant;

    int questionEnd;
    boolean hasOpt;
    /** Largest reply over UDP. */
    int maxReply;

    /**
     * Reads a query.
     *
     * @param m at least {@code length} bytes of message
     * @return false if its answer is nobody else's: not a plain question of class IN, or with options that are between asker and server
     */
    boolean read(byte[] m, int length) {
        if (length < DnsHeader.LENGTH + 5 || (DnsMessage.u16(m, 2) & 0xfe00) != 0) {
            return false;
        }
        int additional = DnsMessage.u16(m, 10);
        if (DnsMessage.u16(m, 4) != 1 || DnsMessage.u16(m, 6) != 0 || DnsMessage.u16(m, 8) != 0 || additional > 1) {
            return false;
        }
        int end = readName(m, length);
        if (end < 0 || end + 4 > length) {
            return false;
        }
        type = DnsMessage.u16(m, end);
        questionEnd = end + 4;
        if (DnsMessage.u16(m, end + 2) != DnsHeader.CLASS_IN || isMeta(type)) {
            return false;
        }
        variant = DnsMessage.u16(m, 2) & FLAGS;
        hasOpt = additional == 1;
        maxReply = DnsMessage.CLASSIC_SIZE;
        if (!(hasOpt ? readOpt(m, length) : length == questionEnd)) {
            return false;
        }
        hash = hash * 31 + type * 31 + variant;
        hash ^= hash >>> 15;
        return true;
    }

    /** QTYPEs and meta-types (RFC 6895 §3.1): transfers, ANY, TSIG. */
    private static boolean isMeta(int type) {
        return type == DnsMessage.TYPE_OPT || type >= 128 && type <= 255;
    }

    private int readName(byte[] m, int length) {
        int h = 0;
        int at = DnsHeader.LENGTH;
        while (at < length) {
            int size = m[at];
            h = h * 31 + size;
            if (size == 0) {
                hash = h;
                return at + 1;
            }
            int next = at + 1 + size;
            if (size < 0 || size > 63 || next >= length || next - DnsHeader.LENGTH >= DnsHeader.MAX_NAME) {
                return -1;
            }
            for (int i = at + 1; i < next; i++) {
                h = h * 31 + lower(m[i]);
            }
            at = next;
        }
        return -1;
    }

    private boolean readOpt(byte[] m, int length) {
        int at = questionEnd;
        if (at + OPT_FIXED > length || m[at] != 0 || DnsMessage.u16(m, at + 1) != DnsMessage.TYPE_OPT) {
            return false;
        }
        int data = DnsMessage.u16(m, at + 9);
        // A cookie (RFC 7873) is for the server; an answer without one is that of a server that knows no cookies.
        boolean plain = data == 0
                || data >= 4
                        && at + OPT_FIXED + data <= length
                        && DnsMessage.u16(m, at + OPT_FIXED) == COOKIE
                        && DnsMessage.u16(m, at + OPT_FIXED + 2) == data - 4;
        if (!plain || at + OPT_FIXED + data != length || m[at + 5] != 0 || m[at + 6] != 0) {
            return false;
        }
        maxReply = Math.max(DnsMessage.CLASSIC_SIZE, DnsMessage.u16(m, at + 3));
        variant |= DnsMessage.u16(m, at + 7) & DNSSEC_OK;
        return true;
    }

    static int lower(byte b) {
        return b >= 'A' && b <= 'Z' ? b | 0x20 : b;
    }

    /** Whether the question in {@code m} has the name, in any case, of the one in {@code other}; both lengths are known to be good. */
    boolean sameName(byte[] m, byte[] other) {
        for (int i = DnsHeader.LENGTH; i < questionEnd - 4; i++) {
            if (m[i] != other[i] && lower(m[i]) != lower(other[i])) {
                return false;
            }
        }
        return true;
    }

    /** The DO bit, as an OPT record says it. */
    int dnssecOk() {
        return variant & DNSSEC_OK;
    }
}
