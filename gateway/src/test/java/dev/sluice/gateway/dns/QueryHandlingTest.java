package dev.sluice.gateway.dns;

import static dev.sluice.gateway.dns.DnsBench.GUEST;
import static dev.sluice.gateway.dns.DnsBench.NO_REPLY;
import static dev.sluice.gateway.dns.DnsBench.PATIENT;
import static dev.sluice.gateway.dns.DnsBench.PLAN;
import static dev.sluice.gateway.dns.DnsBench.config;
import static dev.sluice.gateway.dns.DnsBench.ednsQuery;
import static dev.sluice.gateway.dns.DnsBench.id;
import static dev.sluice.gateway.dns.DnsBench.join;
import static dev.sluice.gateway.dns.DnsBench.parse;
import static dev.sluice.gateway.dns.DnsBench.query;
import static dev.sluice.gateway.dns.DnsBench.replyTo;
import static dev.sluice.gateway.dns.DnsBench.service;
import static dev.sluice.gateway.dns.DnsBench.start;
import static dev.sluice.gateway.dns.DnsBench.withId;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.dns.DnsService.Transport;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.wire.Ipv4Address;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Type;

/** What is refused before any source is asked: malformed messages, and too many. */
@Timeout(60)
class QueryHandlingTest {
    private static Limits limits(int dnsQueries) {
        return Limits.defaults().change().dnsQueries(dnsQueries).build();
    }

    /** The reply that {@code message} must get before {@code query} returns. */
    private static byte[] atOnce(DnsService service, byte[] message) {
        CompletableFuture<byte[]> reply = start(service, message, Transport.UDP);
        assertThat(reply).isCompleted();
        return join(reply);
    }

    private static byte[] with(byte[] message, int at, int value) {
        byte[] changed = message.clone();
        changed[at] = (byte) value;
        return changed;
    }

    @Test
    void aMalformedQuestionIsFormerrAtOnce() {
        byte[] good = query("a.example", Type.A);
        byte[] twice = Arrays.copyOf(good, good.length + good.length - 12);
        System.arraycopy(good, 12, twice, good.length, good.length - 12);
        twice[5] = 2;
        byte[] deep = new byte[12 + 300];
        Arrays.fill(deep, 12, deep.length, (byte) 1);
        deep[2] = 1;
        deep[5] = 1;
        try (DnsService service = service(config(PATIENT, 1))) {
            for (byte[] bad : List.of(
                    with(good, 5, 0), // no question
                    with(good, 4, 1), // 257 questions
                    twice,
                    Arrays.copyOf(good, 12),
                    Arrays.copyOf(good, good.length - 1),
                    Arrays.copyOf(good, 20),
                    with(good, 12, 0xc0), // a pointer into the header
                    with(good, 12, 0x40), // a reserved kind of label
                    with(good, 12, 0x80),
                    with(good, 12, 63), // runs out of the message
                    with(with(good, 14, 0xc0), 15, 12), // a name that points at itself
                    with(good, 7, 1), // an answer is promised and missing
                    with(good, 11, 1),
                    with(ednsQuery("a.example", Type.A, 512), good.length + 10, 9), // options run out
                    deep)) {
                byte[] reply = atOnce(service, bad);
                assertThat(reply).hasSize(12);
                assertThat(id(reply)).isEqualTo(id(bad));
                assertThat(parse(reply).getRcode()).isEqualTo(Rcode.FORMERR);
                assertThat(parse(reply).getHeader().getFlag(Flags.QR)).isTrue();
                assertThat(parse(reply).getHeader().getFlag(Flags.RD)).isTrue();
            }
            assertThat(service.counters().snapshot().malformed()).isEqualTo(15);
        }
    }

    @Test
    void anotherOpcodeIsNotimp() {
        byte[] good = query("a.example", Type.A);
        try (DnsService service = service(config(PATIENT, 1))) {
            for (int opcode = 1; opcode < 16; opcode++) {
                byte[] reply = atOnce(service, with(good, 2, opcode << 3));
                assertThat(parse(reply).getRcode()).isEqualTo(Rcode.NOTIMP);
                assertThat(parse(reply).getHeader().getOpcode()).isEqualTo(opcode);
            }
        }
    }

    @Test
    void noIdOrAResponseGetNoReply() {
        byte[] good = query("a.example", Type.A);
        try (DnsService service = service(config(PATIENT, 1))) {
            for (int length = 0; length < 12; length++) {
                service.query(Arrays.copyOf(good, length), Transport.UDP, GUEST, NO_REPLY);
            }
            service.query(with(good, 2, 0x81), Transport.UDP, GUEST, NO_REPLY);
            assertThat(service.counters().snapshot().malformed()).isEqualTo(13);
        }
    }

    @Test
    void anyBytesGetAtMostOneWellFormedReply() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        byte[] valid = ednsQuery("host.sluice.internal", Type.A, 1232);
        try (DnsService service = service(config(PATIENT, 1))) {
            List<CompletableFuture<byte[]>> replies = new ArrayList<>();
            List<byte[]> sent = new ArrayList<>();
            for (int i = 0; i < 10_000; i++) {
                byte[] message = Arrays.copyOf(valid, random.nextInt(4) == 0 ? random.nextInt(80) : valid.length);
                for (int flips = random.nextInt(5); flips > 0 && message.length > 0; flips--) {
                    message[random.nextInt(message.length)] = (byte) random.nextInt(256);
                }
                sent.add(message);
                replies.add(start(service, message, Transport.UDP));
            }
            for (int i = 0; i < sent.size(); i++) {
                byte[] message = sent.get(i);
                if (message.length >= 12 && message[2] >= 0) {
                    byte[] reply = join(replies.get(i));
                    Message parsed = parse(reply);
                    assertThat(id(reply)).as("seed " + seed).isEqualTo(id(message));
                    assertThat(parsed.getHeader().getFlag(Flags.QR)).isTrue();
                } else {
                    assertThat(replies.get(i)).as("seed " + seed).isNotDone();
                }
            }
        }
    }

    @Test
    void cuttingNeverThrowsWhateverTheReply() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        byte[] query = query("a.example", Type.A);
        byte[] valid = DnsBench.bigReply(query, 3);
        for (int i = 0; i < 20_000; i++) {
            byte[] reply = Arrays.copyOf(valid, query.length + random.nextInt(valid.length - query.length));
            for (int flips = random.nextInt(8); flips > 0; flips--) {
                reply[6 + random.nextInt(reply.length - 6)] = (byte) random.nextInt(256);
            }
            assertThat(DnsMessage.fit(reply, query.length, query.length))
                    .as("seed " + seed)
                    .hasSize(query.length);
        }
    }

    @Test
    void aGuestThatAsksMoreOftenThanTheLimitSaysIsRefused() {
        Limits limits = Limits.defaults().change().dnsQueriesPerSecond(2).build();
        try (DnsService service =
                DnsBench.uncached(PLAN, DnsNames.defaults(), limits, () -> config(PATIENT, 1), DnsBench.NO_HOSTS)) {
            long start = System.nanoTime();
            int refused = 0;
            for (int i = 0; i < 40; i++) {
                byte[] reply = join(start(service, query("gateway.docker.internal", Type.A), Transport.UDP));
                refused += parse(reply).getRcode() == Rcode.REFUSED ? 1 : 0;
            }
            long seconds = (System.nanoTime() - start) / 1_000_000_000L + 1;
            assertThat(refused).isBetween(Math.toIntExact(Math.max(0, 40 - 2 - 2 * seconds)), 38);
        }
    }

    @Test
    void oneGuestHasHalfOfTheLookupsAndWhatIsAboveIsServfailAtOnce() {
        CountDownLatch go = new CountDownLatch(1);
        try (NameServer server = NameServer.start((query, replier) -> {
                    go.await();
                    replier.send(replyTo(query.message()).toWire());
                });
                DnsService service = DnsBench.uncached(
                        PLAN,
                        DnsNames.defaults(),
                        limits(4),
                        () -> config(PATIENT, 1, server.address()),
                        DnsBench.NO_HOSTS)) {
            List<CompletableFuture<byte[]>> waiting = new ArrayList<>();
            byte[] query = ednsQuery("a.example", Type.A, 1232);
            waiting.add(start(service, query, Transport.UDP));
            waiting.add(start(service, query, Transport.UDP));
            byte[] refused = atOnce(service, withId(query, 77));
            assertThat(id(refused)).isEqualTo(77);
            assertThat(parse(refused).getRcode()).isEqualTo(Rcode.SERVFAIL);
            assertThat(parse(refused).getQuestion().getName().toString()).isEqualTo("a.example.");

            for (int guest = 10; guest < 12; guest++) {
                CompletableFuture<byte[]> other = new CompletableFuture<>();
                service.query(query, Transport.UDP, new Ipv4Address(guest), other::complete);
                assertThat(other).isNotDone();
                waiting.add(other);
            }
            CompletableFuture<byte[]> late = new CompletableFuture<>();
            service.query(query, Transport.UDP, new Ipv4Address(12), late::complete);
            assertThat(parse(join(late)).getRcode()).isEqualTo(Rcode.SERVFAIL);
            assertThat(service.counters().snapshot().overLimit()).isEqualTo(2);

            go.countDown();
            waiting.forEach(reply -> assertThat(parse(join(reply)).getRcode()).isEqualTo(Rcode.NOERROR));
            // A place is free again once the reply's receiver has returned, which is a moment after it was called.
            while (parse(join(start(service, query, Transport.UDP))).getRcode() != Rcode.NOERROR) {
                Thread.onSpinWait();
            }
        }
    }

    /** Else each such lookup would stay under way, and soon there would be too many. */
    @Test
    void whoeverFailsToKnowANameEndsItsLookup() {
        Limits limits = Limits.defaults().change().dnsQueries(2).build();
        try (DnsService service = DnsBench.uncached(
                DnsBench.PLAN, DnsNames.defaults(), limits, () -> config(PATIENT, 1), DnsBench.NO_HOSTS)) {
            service.known(_ -> {
                throw new IllegalStateException("as the test wants it");
            });
            byte[] asked = query("host.sluice.internal", Type.A);
            for (int i = 0; i < 3; i++) {
                assertThat(parse(DnsBench.ask(service, asked, Transport.UDP)).getRcode())
                        .isEqualTo(Rcode.SERVFAIL);
            }
            service.known(_ -> null);
            int rcode;
            do {
                rcode = parse(DnsBench.ask(service, asked, Transport.UDP)).getRcode();
            } while (rcode == Rcode.SERVFAIL); // the last one counts until a moment after its reply
            assertThat(rcode).isEqualTo(Rcode.NOERROR);
        }
    }

    @Test
    void closingEndsWhatIsUnderWay() {
        try (NameServer server = NameServer.start(NameServer.SILENT)) {
            DnsService service = service(config(PATIENT.multipliedBy(10), 1, server.address()));
            CompletableFuture<byte[]> udp = start(service, query("a.example", Type.A), Transport.UDP);
            CompletableFuture<byte[]> tcp = start(service, query("a.example", Type.A), Transport.TCP);
            while (server.queries().size() < 2) {
                Thread.onSpinWait();
            }
            service.close();
            assertThat(parse(join(udp)).getRcode()).isEqualTo(Rcode.SERVFAIL);
            assertThat(parse(join(tcp)).getRcode()).isEqualTo(Rcode.SERVFAIL);
            service.query(query("a.example", Type.A), Transport.UDP, GUEST, NO_REPLY);
        }
    }
}
