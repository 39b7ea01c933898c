package dev.sluice.gateway.dns;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.DnsHeader;
import dev.sluice.wire.Flaw;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** DNS messages of guests, and answers of upstream servers, as both readers of them see them. */
public final class DnsTarget {
    private DnsTarget() {}

    /** A message. */
    public static void fuzzerTestOneInput(byte[] data) {
        service(data);
        header(data);
    }

    private static void service(byte[] message) {
        switch (DnsRequest.parse(message.clone())) {
            case DnsRequest.Ignored _ -> {}
            case DnsRequest.Rejected(int rcode) -> {
                byte[] reply = DnsMessage.headerReply(message, rcode);
                require(reply.length == DnsHeader.LENGTH, "a reply without question is a header");
            }
            case DnsQuery query -> {
                require(query.questionEnd() <= message.length, "the question ends within the message");
                require(query.name().length() <= 4 * 255, "a name has a bound");
                query.maxUdpReply();
                query.ednsVersion();
                query.optFlags();
                query.isInternet();
                byte[] reply =
                        DnsMessage.reply(query, 0, true, List.of(new ResourceRecord(1, 60, new byte[] {1, 2, 3, 4})));
                require(DnsRequest.parse(reply) instanceof DnsRequest.Ignored, "an answer is no question");
                byte[] fitted = DnsMessage.fit(reply, query.questionEnd(), DnsMessage.CLASSIC_SIZE);
                require(fitted.length <= Math.max(DnsMessage.CLASSIC_SIZE, reply.length), "a reply that fits");
            }
        }
    }

    private static void header(byte[] bytes) {
        MemorySegment s = MemorySegment.ofArray(bytes);
        if (DnsHeader.check(s, 0, bytes.length) != Flaw.NONE) {
            return;
        }
        DnsHeader.opcode(s, 0);
        DnsHeader.rcode(s, 0);
        DnsHeader.isTruncated(s, 0);
        long end = DnsHeader.questionEnd(s, 0, bytes.length);
        require(end <= bytes.length, "the question ends within the message");
        if (end >= 0 && DnsHeader.questions(s, 0) == 1) {
            DnsHeader.questionType(s, 0, end);
            DnsHeader.questionClass(s, 0, end);
        }
        for (long at = DnsHeader.LENGTH; at >= 0 && at < bytes.length; at = next(s, at, bytes.length)) {
            String name = DnsHeader.name(s, 0, bytes.length, at);
            require(name == null || name.length() <= 4 * 255, "a name has a bound");
        }
    }

    /** Where the next name is if here a record begins. */
    private static long next(MemorySegment s, long at, int length) {
        long end = DnsHeader.skipName(s, 0, length, at);
        if (end < 0 || end + 10 > length) {
            return -1;
        }
        return end + 10 + Bytes.u16(s, end + 8);
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
