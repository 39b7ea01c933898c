package dev.sluice.gateway.dns;

import dev.sluice.wire.DnsHeader;

/** What stands for the numbers in messages (IANA's registry of DNS parameters). */
public final class DnsTypes {
    private DnsTypes() {}

    /** A record type, as {@code AAAA}; one without a name as {@code TYPE123} (RFC 3597 §5). */
    public static String text(int type) {
        return switch (type) {
            case 1 -> "A";
            case 2 -> "NS";
            case 5 -> "CNAME";
            case 6 -> "SOA";
            case 12 -> "PTR";
            case 15 -> "MX";
            case 16 -> "TXT";
            case 28 -> "AAAA";
            case 33 -> "SRV";
            case 35 -> "NAPTR";
            case 43 -> "DS";
            case 48 -> "DNSKEY";
            case 64 -> "SVCB";
            case 65 -> "HTTPS";
            case 251 -> "IXFR";
            case 252 -> "AXFR";
            case 255 -> "ANY";
            case 257 -> "CAA";
            default -> "TYPE" + type;
        };
    }

    /** What a reply says, as {@code nxdomain}; {@code nodata} if the name exists without such a record. */
    public static String answer(byte[] reply) {
        if (reply.length < DnsHeader.LENGTH) {
            return "broken";
        }
        int rcode = DnsMessage.flags(reply) & DnsMessage.RCODE_MASK;
        return switch (rcode) {
            case DnsHeader.NOERROR ->
                DnsMessage.u16(reply, 6) > 0
                        ? "noerror"
                        : (DnsMessage.flags(reply) & DnsHeader.TRUNCATED) != 0 ? "truncated" : "nodata";
            case DnsHeader.FORMERR -> "formerr";
            case DnsHeader.SERVFAIL -> "servfail";
            case DnsHeader.NXDOMAIN -> "nxdomain";
            case DnsHeader.NOTIMP -> "notimp";
            case DnsHeader.REFUSED -> "refused";
            default -> "rcode-" + rcode;
        };
    }
}
