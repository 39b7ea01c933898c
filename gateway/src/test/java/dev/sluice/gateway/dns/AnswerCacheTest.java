package dev.sluice.gateway.dns;

import static dev.sluice.gateway.dns.DnsBench.a;
import static dev.sluice.gateway.dns.DnsBench.ednsQuery;
import static dev.sluice.gateway.dns.DnsBench.id;
import static dev.sluice.gateway.dns.DnsBench.name;
import static dev.sluice.gateway.dns.DnsBench.parse;
import static dev.sluice.gateway.dns.DnsBench.query;
import static dev.sluice.gateway.dns.DnsBench.queryMessage;
import static dev.sluice.gateway.dns.DnsBench.replyTo;
import static dev.sluice.gateway.dns.DnsBench.withId;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xbill.DNS.CNAMERecord;
import org.xbill.DNS.CookieOption;
import org.xbill.DNS.DClass;
import org.xbill.DNS.EDNSOption;
import org.xbill.DNS.Flags;
import org.xbill.DNS.GenericEDNSOption;
import org.xbill.DNS.Message;
import org.xbill.DNS.NSRecord;
import org.xbill.DNS.OPTRecord;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.SOARecord;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

@Timeout(60)
class AnswerCacheTest {
    private final AtomicLong seconds = new AtomicLong(1L << 40);
    private final AnswerCache cache = new AnswerCache(() -> seconds.get() * 1_000_000_000L);

    private void keep(byte[] query, byte[] reply) {
        keep(query, reply, AnswerCache.MAX_SECONDS);
    }

    private void keep(byte[] query, byte[] reply, int maxSeconds) {
        assertThat(DnsRequest.parse(query)).isInstanceOfSatisfying(DnsQuery.class, parsed -> {
            cache.keep(parsed, reply, cache.generation(), maxSeconds);
        });
    }

    private byte @Nullable [] answer(byte[] query) {
        CacheProbe probe = new CacheProbe();
        if (!probe.read(query, query.length)) {
            return null;
        }
        byte[] out = new byte[AnswerCache.ROOM];
        int length = cache.answer(probe, query, probe.maxReply, out);
        return length == 0 ? null : Arrays.copyOf(out, length);
    }

    private Message answered(byte[] query) {
        byte[] reply = answer(query);
        assertThat(reply).isNotNull();
        return parse(reply == null ? new byte[0] : reply);
    }

    /** What a server says of a name that does not exist, or not with that type. */
    private static byte[] negative(byte[] query, int rcode, long ttl, long minimum) {
        Message reply = replyTo(query);
        reply.getHeader().setRcode(rcode);
        reply.addRecord(
                new SOARecord(
                        name("example"), DClass.IN, ttl, name("ns.example"), name("root.example"), 1, 2, 3, 4, minimum),
                Section.AUTHORITY);
        return reply.toWire();
    }

    @Test
    void anAnswerGoesOutWithTheAskersIdAndLetterCaseAndItsTtlCountedDown() {
        byte[] asked = query("www.example", Type.A);
        keep(asked, replyTo(asked, a(asked, "192.0.2.1"), a(asked, "192.0.2.2")).toWire());
        seconds.addAndGet(100);
        byte[] other = withId(query("WwW.eXample", Type.A), 4711);
        byte[] reply = answer(other);
        assertThat(reply).isNotNull();
        if (reply != null) {
            assertThat(id(reply)).isEqualTo(4711);
            assertThat(Arrays.copyOfRange(reply, 12, other.length))
                    .isEqualTo(Arrays.copyOfRange(other, 12, other.length));
            assertThat(parse(reply).getSection(Section.ANSWER)).hasSize(2).allSatisfy(record -> {
                assertThat(record.getTTL()).isEqualTo(199);
                assertThat(record.getName().toString()).isEqualTo("WwW.eXample.");
            });
        }
        seconds.addAndGet(198);
        assertThat(answered(other).getSection(Section.ANSWER).getFirst().getTTL())
                .isEqualTo(1);
        seconds.addAndGet(1);
        assertThat(answer(other)).isNull();
    }

    @Test
    void theShortestTtlOfAllRecordsCounts() {
        byte[] asked = query("www.example", Type.A);
        Message reply = replyTo(asked, a(asked, "192.0.2.1"));
        reply.addRecord(new NSRecord(name("example"), DClass.IN, 7, name("ns.example")), Section.AUTHORITY);
        keep(asked, reply.toWire());
        seconds.addAndGet(6);
        assertThat(answered(asked).getSection(Section.AUTHORITY).getFirst().getTTL())
                .isEqualTo(1);
        seconds.addAndGet(1);
        assertThat(answer(asked)).isNull();
    }

    @Test
    void nothingIsKeptLongerThanItsOwnerSays() {
        byte[] asked = query("www.example", Type.A);
        keep(asked, replyTo(asked, a(asked, "192.0.2.1")).toWire(), 10);
        seconds.addAndGet(9);
        assertThat(answered(asked).getSection(Section.ANSWER).getFirst().getTTL())
                .isEqualTo(290);
        seconds.addAndGet(1);
        assertThat(answer(asked)).isNull();
    }

    @ParameterizedTest
    @ValueSource(ints = {Rcode.NXDOMAIN, Rcode.NOERROR})
    void whatDoesNotExistIsKeptAsLongAsTheSoaSays(int rcode) {
        byte[] asked = query("nobody.example", Type.A);
        keep(asked, negative(asked, rcode, 900, 60));
        Message reply = answered(asked);
        assertThat(reply.getRcode()).isEqualTo(rcode);
        assertThat(reply.getSection(Section.ANSWER)).isEmpty();
        seconds.addAndGet(60);
        assertThat(answer(asked)).isNull();
        keep(asked, negative(asked, rcode, 100_000, 100_000));
        seconds.addAndGet(AnswerCache.MAX_NEGATIVE_SECONDS);
        assertThat(answer(asked)).isNull();
    }

    @Test
    void whatMayNotBeKeptIsNot() {
        byte[] asked = query("www.example", Type.A);
        Message cut = replyTo(asked, a(asked, "192.0.2.1"));
        cut.getHeader().setFlag(Flags.TC);
        Message failed = replyTo(asked);
        failed.getHeader().setRcode(Rcode.SERVFAIL);
        Message silent = replyTo(asked);
        Message referral = replyTo(asked);
        referral.addRecord(new NSRecord(name("example"), DClass.IN, 7, name("ns.example")), Section.AUTHORITY);
        Message nowhere = replyTo(asked);
        nowhere.getHeader().setRcode(Rcode.NXDOMAIN);
        Message extended = replyTo(asked, a(asked, "192.0.2.1"));
        extended.addRecord(new OPTRecord(1232, 1, 0), Section.ADDITIONAL);
        Message misplaced = replyTo(asked, new OPTRecord(1232, 0, 0));
        for (Message reply : List.of(cut, failed, silent, referral, nowhere, extended, misplaced)) {
            keep(asked, reply.toWire());
            assertThat(answer(asked)).as(reply.toString()).isNull();
        }
        byte[] otherQuestion = query("other.example", Type.A);
        keep(asked, replyTo(otherQuestion, a(otherQuestion, "192.0.2.1")).toWire());
        byte[] big = DnsBench.bigReply(query("www.example", Type.TXT), 10);
        keep(query("www.example", Type.TXT), big);
        assertThat(cache.size()).isZero();
    }

    @Test
    void aTtlOfZeroOrBelowIsNotKept() {
        byte[] asked = query("www.example", Type.A);
        byte[] reply = replyTo(asked, a(asked, "192.0.2.1")).toWire();
        for (int ttl : new int[] {0, -1, Integer.MIN_VALUE}) {
            DnsMessage.put32(reply, asked.length + 6, ttl);
            keep(asked, reply);
        }
        assertThat(cache.size()).isZero();
    }

    @Test
    void theOptRecordIsOurOwnAndOnlyForWhoHasOne() {
        byte[] asked = ednsQuery("www.example", Type.A, 1232);
        Message reply = replyTo(asked, a(asked, "192.0.2.1"));
        reply.addRecord(new OPTRecord(4096, 0, 0, 0, new GenericEDNSOption(65001, new byte[] {1})), Section.ADDITIONAL);
        keep(asked, reply.toWire());
        OPTRecord opt = answered(asked).getOPT();
        assertThat(opt.getPayloadSize()).isEqualTo(1232);
        assertThat(opt.getOptions()).isEmpty();
        Message plain = answered(query("www.example", Type.A));
        assertThat(plain.getOPT()).isNull();
        assertThat(plain.getSection(Section.ADDITIONAL)).isEmpty();
        assertThat(plain.getSection(Section.ANSWER)).hasSize(1);
    }

    private static byte[] withOpt(int flags, EDNSOption... options) {
        Message message = queryMessage("www.example", Type.A);
        message.addRecord(new OPTRecord(1232, 0, 0, flags, options), Section.ADDITIONAL);
        return message.toWire();
    }

    @Test
    void aCookieDoesNotMatterAndOtherOptionsDo() {
        byte[] asked = query("www.example", Type.A);
        keep(asked, replyTo(asked, a(asked, "192.0.2.1")).toWire());
        assertThat(answer(withOpt(0, new CookieOption(new byte[8])))).isNotNull();
        assertThat(answer(withOpt(0, new GenericEDNSOption(8, new byte[] {0, 1, 24, 0, 1, 2, 3}))))
                .isNull();
        assertThat(answer(withOpt(0, new CookieOption(new byte[8]), new GenericEDNSOption(8, new byte[4]))))
                .isNull();
    }

    @Test
    void whatChangesAnAnswerKeepsAnswersApart() {
        byte[] asked = query("www.example", Type.A);
        keep(asked, replyTo(asked, a(asked, "192.0.2.1")).toWire());
        assertThat(answer(withOpt(0x8000))).isNull();
        for (int flag : new int[] {Flags.CD, Flags.AD, Flags.RD}) {
            Message other = queryMessage("www.example", Type.A);
            if (flag == Flags.RD) {
                other.getHeader().unsetFlag(flag);
            } else {
                other.getHeader().setFlag(flag);
            }
            assertThat(answer(other.toWire())).isNull();
        }
        assertThat(answer(query("www.example", Type.AAAA))).isNull();
        assertThat(answer(query("ww.example", Type.A))).isNull();
        assertThat(answer(query("www.example.example", Type.A))).isNull();
        byte[] signed = withOpt(0x8000);
        keep(signed, replyTo(signed, a(signed, "192.0.2.9")).toWire());
        assertThat(answered(signed).getOPT().getFlags()).isEqualTo(0x8000);
        assertThat(answered(asked).getSection(Section.ANSWER).getFirst().rdataToString())
                .isEqualTo("192.0.2.1");
    }

    @Test
    void anAnswerTooLongForTheAskerIsNotGiven() {
        byte[] asked = ednsQuery("www.example", Type.TXT, 1232);
        keep(asked, DnsBench.bigReply(asked, 4));
        assertThat(answer(asked)).isNotNull();
        assertThat(answer(query("www.example", Type.TXT))).isNull();
        assertThat(answer(ednsQuery("www.example", Type.TXT, 600))).isNull();
    }

    @Test
    void compressedNamesAndAliasesStayRight() {
        byte[] asked = query("www.example", Type.A);
        Message reply = replyTo(asked, new CNAMERecord(name("www.example"), DClass.IN, 60, name("real.host.example")));
        reply.addRecord(DnsBench.question("real.host.example", Type.A, DClass.IN), Section.QUESTION);
        reply.removeRecord(reply.getSection(Section.QUESTION).getLast(), Section.QUESTION);
        byte[] target = query("real.host.example", Type.A);
        reply.addRecord(a(target, "192.0.2.5"), Section.ANSWER);
        keep(asked, reply.toWire());
        assertThat(answered(query("WWW.EXAMPLE", Type.A)).getSection(Section.ANSWER).stream()
                        .map(record -> record.getName() + " " + record.rdataToString()))
                .containsExactly("WWW.EXAMPLE. real.host.EXAMPLE.", "real.host.EXAMPLE. 192.0.2.5");
    }

    @Test
    void aFlushForgetsWhatIsKeptAndWhatIsUnderWay() {
        byte[] asked = query("www.example", Type.A);
        byte[] reply = replyTo(asked, a(asked, "192.0.2.1")).toWire();
        keep(asked, reply);
        int before = cache.generation();
        cache.flush();
        assertThat(answer(asked)).isNull();
        assertThat(DnsRequest.parse(asked)).isInstanceOfSatisfying(DnsQuery.class, parsed -> {
            cache.keep(parsed, reply, before, 60);
        });
        assertThat(answer(asked)).isNull();
        keep(asked, reply);
        assertThat(answer(asked)).isNotNull();
    }

    @Test
    void theNumberOfAnswersIsBoundedAndWhatIsUsedStays() {
        byte[] used = query("used.example", Type.A);
        keep(used, replyTo(used, a(used, "192.0.2.1")).toWire());
        for (int i = 0; i < 4 * AnswerCache.SETS * AnswerCache.WAYS; i++) {
            byte[] asked = query("n" + i + ".example", Type.A);
            keep(asked, replyTo(asked, a(asked, "192.0.2.2")).toWire());
            if (i % 1000 == 0) {
                seconds.incrementAndGet();
            }
            if (i % 16 == 0) {
                assertThat(answer(used)).isNotNull();
            }
        }
        assertThat(cache.size())
                .isBetween(AnswerCache.SETS * AnswerCache.WAYS / 2, AnswerCache.SETS * AnswerCache.WAYS);
    }

    @Test
    void anyBytesAreKeptWellFormedOrNotAtAll() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        byte[] asked = ednsQuery("www.example", Type.A, 1232);
        Message message = replyTo(asked, a(asked, "192.0.2.1"), a(asked, "192.0.2.2"));
        message.addRecord(new NSRecord(name("example"), DClass.IN, 7, name("ns.example")), Section.AUTHORITY);
        message.addRecord(new OPTRecord(1232, 0, 0), Section.ADDITIONAL);
        byte[] valid = message.toWire();
        for (int i = 0; i < 50_000; i++) {
            byte[] reply =
                    Arrays.copyOf(valid, random.nextInt(8) == 0 ? 12 + random.nextInt(valid.length) : valid.length);
            for (int flips = random.nextInt(6); flips > 0; flips--) {
                reply[random.nextInt(reply.length)] = (byte) random.nextInt(256);
            }
            byte[] question = asked.clone();
            question[12 + random.nextInt(question.length - 12)] ^=
                    (byte) (random.nextInt(4) == 0 ? 1 << random.nextInt(8) : 0);
            if (DnsRequest.parse(question) instanceof DnsQuery parsed) {
                cache.keep(parsed, reply, cache.generation(), 60);
            }
            byte[] out = answer(question);
            if (out != null) {
                assertThat(id(out)).as("seed " + seed).isEqualTo(id(question));
                assertThat(DnsMessage.findOpt(out, DnsMessage.recordsAt(out)))
                        .as("seed " + seed)
                        .isNotEqualTo(DnsMessage.BROKEN);
            }
        }
    }

    @Test
    void lookingUpAllocatesNothing() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        byte[] asked = ednsQuery("www.example", Type.A, 1232);
        keep(asked, replyTo(asked, a(asked, "192.0.2.1"), a(asked, "192.0.2.2")).toWire());
        byte[] missing = query("not.there.example", Type.A);
        CacheProbe probe = new CacheProbe();
        byte[] out = new byte[AnswerCache.ROOM];
        long allocated = Long.MAX_VALUE;
        int answered = 0;
        // how long compiling takes is the machine's business
        for (long until = System.nanoTime() + 60_000_000_000L; allocated > 0 && System.nanoTime() - until < 0; ) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 1000; i++) {
                answered += probe.read(asked, asked.length) ? cache.answer(probe, asked, 1232, out) : 0;
                answered += probe.read(missing, missing.length) ? cache.answer(probe, missing, 1232, out) : 0;
            }
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertThat(answered).isPositive();
        assertThat(allocated).isZero();
    }
}
