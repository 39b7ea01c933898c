package dev.sluice.gateway.dns;

import dev.sluice.wire.DnsHeader;

/** What a message from a guest turned out to be. */
sealed interface DnsRequest permits DnsQuery, DnsRequest.Rejected, DnsRequest.Ignored {

    /** Answer it with this rcode and no question. */
    record Rejected(int rcode) implements DnsRequest {}

    /** Do not answer: no id to answer to, or itself a response (answering those could go round for ever). */
    record Ignored() implements DnsRequest {}

    static DnsRequest parse(byte[] message) {
        if (message.length < DnsHeader.LENGTH || (DnsMessage.flags(message) & DnsHeader.RESPONSE) != 0) {
            return new Ignored();
        }
        if ((DnsMessage.flags(message) & DnsMessage.OPCODE_MASK) != 0) {
            return new Rejected(DnsHeader.NOTIMP);
        }
        int nameEnd = plainNameEnd(message);
        if (DnsMessage.u16(message, 4) != 1 || nameEnd < 0 || nameEnd + 4 > message.length) {
            return new Rejected(DnsHeader.FORMERR);
        }
        int questionEnd = nameEnd + 4;
        int optAt = DnsMessage.findOpt(message, questionEnd);
        if (optAt == DnsMessage.BROKEN) {
            return new Rejected(DnsHeader.FORMERR);
        }
        return new DnsQuery(
                message,
                questionEnd,
                DnsMessage.name(message, DnsHeader.LENGTH),
                DnsMessage.u16(message, nameEnd),
                DnsMessage.u16(message, nameEnd + 2),
                optAt);
    }

    /** Where the question's name ends; -1 if it runs out or holds a pointer, which could only lead into the header. */
    private static int plainNameEnd(byte[] message) {
        int end = DnsMessage.skipName(message, DnsHeader.LENGTH);
        int at = DnsHeader.LENGTH;
        while (at < end && message[at] > 0) {
            at += 1 + message[at];
        }
        return at == end - 1 ? end : -1;
    }
}
