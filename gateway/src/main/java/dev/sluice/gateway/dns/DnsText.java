package dev.sluice.gateway.dns;

import dev.sluice.wire.DnsHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Replies in words, for people. No input throws. */
final class DnsText {
    private static final int MAX_SHOWN = 16;

    private DnsText() {}

    /** {@code "192.0.2.1, 192.0.2.2"}, {@code "no such name (NXDOMAIN)"} and the like. */
    static String describe(byte[] reply) {
        int rcode = DnsMessage.flags(reply) & DnsMessage.RCODE_MASK;
        if (rcode != DnsHeader.NOERROR) {
            return rcode(rcode);
        }
        List<String> answers = answers(reply);
        if (!answers.isEmpty()) {
            return String.join(", ", answers);
        }
        boolean cut = (DnsMessage.flags(reply) & DnsHeader.TRUNCATED) != 0;
        return cut ? "too long for UDP (TC)" : "the name exists without such a record (NODATA)";
    }

    /** As in the IANA registry, with its meaning. */
    static String rcode(int rcode) {
        return switch (rcode) {
            case DnsHeader.NOERROR -> "NOERROR";
            case DnsHeader.FORMERR -> "it did not understand the query (FORMERR)";
            case DnsHeader.SERVFAIL -> "it could not find out (SERVFAIL)";
            case DnsHeader.NXDOMAIN -> "no such name (NXDOMAIN)";
            case DnsHeader.NOTIMP -> "it does not do this (NOTIMP)";
            case DnsHeader.REFUSED -> "it refuses to answer (REFUSED)";
            default -> "rcode " + rcode;
        };
    }

    /** Addresses and aliases of the answer section; other records by their type's number. */
    static List<String> answers(byte[] reply) {
        List<String> found = new ArrayList<>();
        int at = DnsMessage.recordsAt(reply);
        for (int i = DnsMessage.u16(reply, 6); i > 0 && at > 0 && found.size() < MAX_SHOWN; i--) {
            int fixed = DnsMessage.skipName(reply, at);
            int end = DnsMessage.skipRecord(reply, at);
            if (end < 0) {
                break;
            }
            int type = DnsMessage.u16(reply, fixed);
            int length = end - fixed - 10;
            ByteBuffer data = ByteBuffer.wrap(reply, fixed + 10, length);
            if (type == DnsHeader.TYPE_A && length == 4) {
                found.add(new Ipv4Address(data.getInt()).toString());
            } else if (type == DnsHeader.TYPE_AAAA && length == 16) {
                found.add(new Ipv6Address(data.getLong(), data.getLong()).toString());
            } else if (type == DnsMessage.TYPE_CNAME || type == DnsMessage.TYPE_PTR) {
                found.add((type == DnsMessage.TYPE_CNAME ? "alias " : "") + DnsMessage.expandedName(reply, fixed + 10));
            } else {
                found.add("a record of type " + type);
            }
            at = end;
        }
        return found;
    }
}
