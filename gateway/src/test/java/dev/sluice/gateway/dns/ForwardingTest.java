package dev.sluice.gateway.dns;

import static dev.sluice.gateway.dns.DnsBench.HASTY;
import static dev.sluice.gateway.dns.DnsBench.PATIENT;
import static dev.sluice.gateway.dns.DnsBench.PATIENT_ENOUGH;
import static dev.sluice.gateway.dns.DnsBench.a;
import static dev.sluice.gateway.dns.DnsBench.ask;
import static dev.sluice.gateway.dns.DnsBench.bigReply;
import static dev.sluice.gateway.dns.DnsBench.config;
import static dev.sluice.gateway.dns.DnsBench.ednsQuery;
import static dev.sluice.gateway.dns.DnsBench.id;
import static dev.sluice.gateway.dns.DnsBench.parse;
import static dev.sluice.gateway.dns.DnsBench.query;
import static dev.sluice.gateway.dns.DnsBench.replyTo;
import static dev.sluice.gateway.dns.DnsBench.service;
import static dev.sluice.gateway.dns.DnsBench.withId;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.dns.DnsService.Transport;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.host.ResolvConf;
import dev.sluice.host.ResolverConfig;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xbill.DNS.DClass;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.OPTRecord;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;
import org.xbill.DNS.UNKRecord;

@Timeout(180)
class ForwardingTest {
    private static final NameServer.Script ANSWER = (query, replier) -> replier.send(
            replyTo(query.message(), a(query.message(), "192.0.2.1")).toWire());

    private static NameServer.Script answering(String address) {
        return (query, replier) -> replier.send(
                replyTo(query.message(), a(query.message(), address)).toWire());
    }

    private static NameServer.Script failing(int rcode) {
        return (query, replier) -> {
            Message reply = replyTo(query.message());
            reply.getHeader().setRcode(rcode);
            replier.send(reply.toWire());
        };
    }

    private static String answerOf(byte[] reply) {
        return parse(reply).getSection(Section.ANSWER).getFirst().rdataToString();
    }

    @ParameterizedTest
    @ValueSource(ints = {Type.A, Type.AAAA, Type.MX, Type.TXT, Type.SRV, Type.HTTPS, Type.AXFR, 65280})
    void everyTypePassesUntouchedButForTheId(int type) {
        try (NameServer server = NameServer.start((query, replier) -> {
                    Message reply = replyTo(query.message());
                    reply.getHeader().setFlag(Flags.AD);
                    reply.getHeader().setRcode(Rcode.NXDOMAIN);
                    reply.addRecord(
                            new org.xbill.DNS.NSRecord(
                                    DnsBench.name("example"), DClass.IN, 77, DnsBench.name("ns.example")),
                            Section.AUTHORITY);
                    reply.addRecord(
                            new OPTRecord(
                                    1232, 0, 0, 0x8000, new org.xbill.DNS.GenericEDNSOption(65001, new byte[] {1, 2})),
                            Section.ADDITIONAL);
                    replier.send(reply.toWire());
                });
                DnsService service = service(server)) {
            byte[] asked = ednsQuery("MiXed.Example", type, 1400);
            byte[] reply = ask(service, asked, Transport.UDP);
            NameServer.Query seen = server.queries().getFirst();
            assertThat(withId(seen.message(), 0)).isEqualTo(withId(asked, 0));
            assertThat(id(reply)).isEqualTo(id(asked));
            Message parsed = parse(reply);
            assertThat(parsed.getQuestion().getName().toString()).isEqualTo("MiXed.Example.");
            assertThat(parsed.getHeader().getRcode()).isEqualTo(Rcode.NXDOMAIN);
            assertThat(parsed.getHeader().getFlag(Flags.AD)).isTrue();
            assertThat(parsed.getHeader().getFlag(Flags.AA)).isFalse();
            assertThat(parsed.getOPT().getOptions(65001)).hasSize(1);
        }
    }

    @Test
    void anyIsRefusedPolitelyAndNotPassedOn() {
        try (NameServer server = NameServer.start(ANSWER);
                DnsService service = service(server)) {
            for (Transport transport : Transport.values()) {
                Message reply = parse(ask(service, ednsQuery("AnY.example", Type.ANY, 1232), transport));
                assertThat(reply.getRcode()).isEqualTo(Rcode.NOERROR);
                assertThat(reply.getSection(Section.ANSWER)).singleElement().satisfies(record -> {
                    assertThat(record.getType()).isEqualTo(Type.HINFO);
                    assertThat(record.rdataToString()).isEqualTo("\"RFC8482\" \"\"");
                });
            }
            assertThat(server.queries()).isEmpty();
        }
    }

    @Test
    void equalQuestionsAtTheSameTimeShareOneLookup() {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        try (NameServer server = NameServer.start((query, replier) -> {
                    asked.countDown();
                    go.await();
                    ANSWER.onQuery(query, replier);
                });
                DnsService service = service(server)) {
            byte[] first = withId(query("same.example", Type.A), 1);
            byte[] second = withId(query("SaMe.ExAmPlE", Type.A), 2);
            var one = DnsBench.start(service, first, Transport.UDP);
            assertThat(awaited(asked)).isTrue();
            var two = DnsBench.start(service, second, Transport.UDP);
            var otherType = DnsBench.start(service, query("same.example", Type.AAAA), Transport.UDP);
            var overTcp = DnsBench.start(service, query("same.example", Type.A), Transport.TCP);
            while (service.counters().snapshot().shared() < 1
                    || server.queries().size() < 3) {
                Thread.onSpinWait();
            }
            go.countDown();
            for (byte[] question : List.of(first, second)) {
                byte[] reply = DnsBench.join(question == first ? one : two);
                assertThat(id(reply)).isEqualTo(id(question));
                assertThat(Arrays.copyOfRange(reply, 12, question.length))
                        .isEqualTo(Arrays.copyOfRange(question, 12, question.length));
                assertThat(answerOf(reply)).isEqualTo("192.0.2.1");
            }
            DnsBench.join(otherType);
            DnsBench.join(overTcp);
            assertThat(server.queries()).hasSize(3);
        }
    }

    private static boolean awaited(CountDownLatch latch) {
        try {
            return latch.await(60, java.util.concurrent.TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void recordsOfNoKnownTypeKeepTheirBytesAndTtl() {
        byte[] data = {0, 1, 2, (byte) 0xc0, 0x0c, (byte) 0xff};
        try (NameServer server = NameServer.start((query, replier) -> replier.send(replyTo(
                                query.message(),
                                UNKRecord.newRecord(DnsBench.name("x.example"), 65281, DClass.IN, 86399, data))
                        .toWire()));
                DnsService service = service(server)) {
            Message reply = ask(service, "x.example", 65281);
            assertThat(reply.getSection(Section.ANSWER)).singleElement().satisfies(record -> {
                assertThat(record.getTTL()).isEqualTo(86399);
                assertThat(record.rdataToWireCanonical()).isEqualTo(data);
            });
        }
    }

    @Test
    void otherClassesAreNotAnsweredHere() {
        try (NameServer server = NameServer.start(failing(Rcode.REFUSED));
                DnsService service = service(server)) {
            byte[] query = Message.newQuery(DnsBench.question("host.sluice.internal", Type.TXT, DClass.CH))
                    .toWire();
            assertThat(parse(ask(service, query, Transport.UDP)).getRcode()).isEqualTo(Rcode.REFUSED);
            assertThat(server.queries()).hasSize(1);
        }
    }

    @Test
    void everyTryHasItsOwnPortAndId() {
        try (NameServer server = NameServer.start(ANSWER);
                DnsService service = service(server)) {
            byte[] query = query("a.example", Type.A);
            for (int i = 0; i < 32; i++) {
                assertThat(id(ask(service, query, Transport.UDP))).isEqualTo(id(query));
            }
            Set<Integer> ids = new HashSet<>();
            Set<Integer> ports = new HashSet<>();
            server.queries().forEach(seen -> {
                ids.add(id(seen.message()));
                ports.add(seen.port());
            });
            assertThat(ids).hasSizeGreaterThan(24);
            assertThat(ports).hasSizeGreaterThan(24);
        }
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void repliesThatDoNotMatchAreIgnored(Transport transport) {
        try (NameServer server = NameServer.start((query, replier) -> {
                    byte[] good = replyTo(query.message(), a(query.message(), "192.0.2.1"))
                            .toWire();
                    byte[] bad = replyTo(query.message(), a(query.message(), "203.0.113.66"))
                            .toWire();
                    replier.send(withId(bad, id(bad) ^ 1));
                    byte[] otherName = bad.clone();
                    otherName[13] ^= 1;
                    replier.send(otherName);
                    byte[] otherCase = bad.clone();
                    otherCase[13] ^= 0x20;
                    replier.send(otherCase);
                    byte[] noResponse = bad.clone();
                    noResponse[2] &= 0x7f;
                    replier.send(noResponse);
                    byte[] noQuestion = bad.clone();
                    noQuestion[5] = 0;
                    replier.send(noQuestion);
                    replier.send(Arrays.copyOf(bad, 11));
                    replier.send(Arrays.copyOf(bad, 14));
                    replier.send(Arrays.copyOf(bad, 12));
                    replier.send(new byte[0]);
                    replier.send(good);
                });
                DnsService service = service(server)) {
            assertThat(answerOf(ask(service, query("a.example", Type.A), transport)))
                    .isEqualTo("192.0.2.1");
            assertThat(service.counters().snapshot().upstreamMismatches()).isEqualTo(9);
        }
    }

    @Test
    void aReplyFromSomebodyElseIsNotSeen() throws Exception {
        try (DatagramSocket spoofer = new DatagramSocket(0, InetAddress.ofLiteral("127.0.0.1"));
                NameServer server = NameServer.start((query, replier) -> {
                    byte[] forged = replyTo(query.message(), a(query.message(), "203.0.113.66"))
                            .toWire();
                    spoofer.send(new DatagramPacket(
                            forged, forged.length, InetAddress.ofLiteral("127.0.0.1"), query.port()));
                    replier.send(replyTo(query.message(), a(query.message(), "192.0.2.1"))
                            .toWire());
                });
                DnsService service = service(server)) {
            assertThat(answerOf(ask(service, query("a.example", Type.A), Transport.UDP)))
                    .isEqualTo("192.0.2.1");
            assertThat(service.counters().snapshot().upstreamMismatches()).isZero();
        }
    }

    @Test
    void theBareHeaderOfAnOldServerReachesTheGuest() {
        try (NameServer server = NameServer.start((query, replier) -> {
                    byte[] bare = DnsMessage.headerReply(query.message(), Rcode.FORMERR);
                    replier.send(bare);
                });
                DnsService service = service(server)) {
            byte[] reply = ask(service, ednsQuery("a.example", Type.A, 1232), Transport.UDP);
            assertThat(reply).hasSize(12);
            assertThat(parse(reply).getRcode()).isEqualTo(Rcode.FORMERR);
        }
    }

    @Test
    void aSilentServerIsFollowedByTheNextAndAvoidedAfterwards() {
        try (NameServer silent = NameServer.start(NameServer.SILENT);
                NameServer good = NameServer.start(ANSWER);
                DnsService service = service(config(PATIENT_ENOUGH, 2, silent.address(), good.address()))) {
            for (int i = 0; i < 5; i++) {
                assertThat(answerOf(ask(service, query("a" + i + ".example", Type.A), Transport.UDP)))
                        .isEqualTo("192.0.2.1");
            }
            assertThat(silent.queries()).hasSize(1);
            assertThat(good.queries()).hasSize(5);
        }
    }

    @Test
    void aLostQueryIsSentAgain() {
        try (NameServer server = NameServer.start(NameServer.SILENT);
                DnsService service = service(config(PATIENT_ENOUGH, 3, server.address()))) {
            server.script((query, replier) -> server.script(ANSWER));
            assertThat(answerOf(ask(service, query("a.example", Type.A), Transport.UDP)))
                    .isEqualTo("192.0.2.1");
        }
    }

    /** The only server's only try: without that, who asks would wait for its whole timeout, and musl gives up before that. */
    @Test
    void aDatagramThatWasLostIsSentAgainWithinTheSameTry() {
        try (NameServer server = NameServer.start(NameServer.SILENT);
                DnsService service = service(config(PATIENT, 1, server.address()))) {
            server.script((query, replier) -> server.script(ANSWER));
            assertThat(answerOf(ask(service, query("a.example", Type.A), Transport.UDP)))
                    .isEqualTo("192.0.2.1");
            assertThat(service.counters().snapshot().upstreamFailures()).isZero();
            assertThat(server.repeats()).isPositive();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Rcode.SERVFAIL, Rcode.NOTIMP, Rcode.REFUSED})
    void aServerThatCannotIsFollowedByTheNext(int rcode) {
        try (NameServer first = NameServer.start(failing(rcode));
                NameServer second = NameServer.start(ANSWER);
                DnsService service = service(first, second)) {
            assertThat(answerOf(ask(service, query("a.example", Type.A), Transport.UDP)))
                    .isEqualTo("192.0.2.1");
            second.script(failing(Rcode.REFUSED));
            assertThat(ask(service, "b.example", Type.A).getRcode()).isEqualTo(rcode);
        }
    }

    @Test
    void nxdomainIsAnAnswerAndNobodyElseIsAsked() {
        try (NameServer first = NameServer.start(failing(Rcode.NXDOMAIN));
                NameServer second = NameServer.start(ANSWER);
                DnsService service = service(first, second)) {
            assertThat(ask(service, "a.example", Type.A).getRcode()).isEqualTo(Rcode.NXDOMAIN);
            assertThat(second.queries()).isEmpty();
        }
    }

    @Test
    void rotateStartsAtAnotherServerEachTime() {
        try (NameServer first = NameServer.start(ANSWER);
                NameServer second = NameServer.start(ANSWER);
                DnsService service = service(new ResolverConfig(
                        List.of(first.address(), second.address()), List.of(), 1, PATIENT, 2, true))) {
            for (int i = 0; i < 6; i++) {
                ask(service, query("a.example", Type.A), Transport.UDP);
            }
            assertThat(first.queries()).hasSize(3);
            assertThat(second.queries()).hasSize(3);
        }
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void silenceEverywhereIsServfail(Transport transport) {
        try (NameServer one = NameServer.start(NameServer.SILENT);
                NameServer two = NameServer.start(NameServer.SILENT);
                DnsService service = service(config(HASTY, 2, one.address(), two.address()))) {
            Message reply = parse(ask(service, ednsQuery("a.example", Type.A, 1232), transport));
            assertThat(reply.getRcode()).isEqualTo(Rcode.SERVFAIL);
            assertThat(reply.getQuestion().getName().toString()).isEqualTo("a.example.");
            assertThat(reply.getOPT()).isNotNull();
            for (NameServer server : List.of(one, two)) {
                while (overUdp(server) < 2) {
                    Thread.onSpinWait(); // asked twice, though it may hear of it late
                }
                assertThat(overUdp(server)).isEqualTo(2);
            }
            assertThat(service.counters().snapshot().failed()).isEqualTo(1);
        }
    }

    private static long overUdp(NameServer server) {
        return server.queries().stream().filter(seen -> !seen.tcp()).count();
    }

    @ParameterizedTest
    @EnumSource(Transport.class)
    void aClosedPortIsServfailLongBeforeTheTimeout(Transport transport) {
        InetSocketAddress closed;
        try (NameServer server = NameServer.start(NameServer.SILENT)) {
            closed = server.address();
        }
        try (DnsService service = service(config(PATIENT.multipliedBy(10), 2, closed))) {
            assertThat(parse(ask(service, query("a.example", Type.A), transport))
                            .getRcode())
                    .isEqualTo(Rcode.SERVFAIL);
        }
    }

    @Test
    void theGatewayItselfIsNeverAsked() {
        InetSocketAddress ourselves = new InetSocketAddress(
                InetAddress.ofLiteral(DnsBench.PLAN.gateway().toString()), 53);
        try (NameServer server = NameServer.start(ANSWER);
                DnsService looped = service(config(PATIENT, 2, ourselves));
                DnsService mixed = service(config(PATIENT, 2, ourselves, server.address()))) {
            assertThat(ask(looped, "a.example", Type.A).getRcode()).isEqualTo(Rcode.SERVFAIL);
            assertThat(looped.counters().snapshot().upstreamFailures()).isZero();
            assertThat(ask(mixed, "a.example", Type.A).getRcode()).isEqualTo(Rcode.NOERROR);
            assertThat(mixed.counters().snapshot().upstreamFailures()).isZero();
        }
    }

    @Test
    void aTruncatedReplyGoesOnOverUdpAndTheWholeOverTcp() {
        try (NameServer server = NameServer.start((query, replier) -> {
                    if (query.tcp()) {
                        replier.send(bigReply(query.message(), 250));
                    } else {
                        Message cut = replyTo(query.message());
                        cut.getHeader().setFlag(Flags.TC);
                        replier.send(cut.toWire());
                    }
                });
                DnsService service = service(server)) {
            byte[] query = query("big.example", Type.TXT);
            assertThat(parse(ask(service, query, Transport.UDP)).getHeader().getFlag(Flags.TC))
                    .isTrue();
            assertThat(server.queries()).noneMatch(NameServer.Query::tcp);
            byte[] whole = ask(service, query, Transport.TCP);
            assertThat(whole.length).isGreaterThan(55_000);
            assertThat(parse(whole).getSection(Section.ANSWER)).hasSize(250);
            assertThat(parse(whole).getHeader().getFlag(Flags.TC)).isFalse();
        }
    }

    @Test
    void aServerWithoutTcpIsAskedOverUdpAfterAll() {
        try (NameServer server = NameServer.start(ANSWER);
                DnsService service = service(server)) {
            server.refuseTcp();
            assertThat(answerOf(ask(service, query("a.example", Type.A), Transport.TCP)))
                    .isEqualTo("192.0.2.1");
        }
    }

    @Test
    void aReplyLongerThanTheGuestTakesIsCutToQuestionAndOpt() {
        try (NameServer server = NameServer.start((query, replier) -> {
                    Message reply = parse(bigReply(query.message(), 20));
                    reply.addRecord(new OPTRecord(1232, 0, 0, 0x8000), Section.ADDITIONAL);
                    replier.send(reply.toWire(65535));
                });
                DnsService service = service(server)) {
            Message classic = parse(ask(service, query("big.example", Type.TXT), Transport.UDP));
            assertThat(classic.getHeader().getFlag(Flags.TC)).isTrue();
            assertThat(classic.getQuestion().getName().toString()).isEqualTo("big.example.");
            assertThat(classic.getSection(Section.ANSWER)).isEmpty();

            byte[] edns = ask(service, ednsQuery("big.example", Type.TXT, 8000), Transport.UDP);
            assertThat(parse(edns).getHeader().getFlag(Flags.TC)).isFalse();
            assertThat(parse(edns).getSection(Section.ANSWER)).hasSize(20);
            assertThat(service.counters().snapshot().truncated()).isEqualTo(1);
        }
    }

    @Test
    void anEdnsSizeBelow512Means512() {
        try (NameServer server = NameServer.start((query, replier) -> replier.send(bigReply(query.message(), 2)));
                DnsService service = service(server)) {
            Message reply = parse(ask(service, ednsQuery("big.example", Type.TXT, 1), Transport.UDP));
            assertThat(reply.getHeader().getFlag(Flags.TC)).isFalse();
            assertThat(reply.getSection(Section.ANSWER)).hasSize(2);
        }
    }

    @Test
    void theLargestDatagramPasses() {
        try (NameServer server = NameServer.start((query, replier) -> replier.send(bigReply(query.message(), 270)));
                DnsService service = service(server)) {
            byte[] reply = ask(service, ednsQuery("big.example", Type.TXT, 65535), Transport.UDP);
            assertThat(reply.length).isGreaterThan(60_000);
            assertThat(parse(reply).getSection(Section.ANSWER)).hasSize(270);
        }
    }

    @Test
    void aServerThatTricklesIsGivenUpInTime() {
        try (NameServer server = NameServer.start(NameServer.SILENT);
                DnsService service = service(config(HASTY, 1, server.address()))) {
            server.script((query, replier) -> {
                if (query.tcp()) {
                    // One reply that never matches after the other keeps the connection busy without end.
                    while (true) {
                        replier.send(withId(replyTo(query.message()).toWire(), id(query.message()) ^ 1));
                        Thread.sleep(20);
                    }
                }
            });
            assertThat(parse(ask(service, query("a.example", Type.A), Transport.TCP))
                            .getRcode())
                    .isEqualTo(Rcode.SERVFAIL);
        }
    }

    /** A matching header and question with what {@code tail} says after it, and counts that promise more. */
    private static byte[] hostile(byte[] query, byte[] tail) {
        byte[] head = replyTo(query).toWire();
        byte[] reply = Arrays.copyOf(head, head.length + tail.length);
        System.arraycopy(tail, 0, reply, head.length, tail.length);
        DnsMessage.put16(reply, 6, 0xffff);
        DnsMessage.put16(reply, 10, 0xffff);
        return reply;
    }

    @Test
    void hostileRepliesPassOrAreCutButNeverHang() {
        byte[] selfPointers = new byte[600];
        for (int i = 0; i < 600; i += 2) {
            selfPointers[i] = (byte) 0xc0;
            selfPointers[i + 1] = 12;
        }
        byte[] labels = new byte[3000];
        Arrays.fill(labels, (byte) 63);
        byte[] reserved = new byte[700];
        Arrays.fill(reserved, (byte) 0x80);
        for (byte[] tail : List.of(
                selfPointers, Arrays.copyOf(selfPointers, 100), labels, reserved, new byte[65_000], new byte[5000])) {
            try (NameServer server =
                            NameServer.start((query, replier) -> replier.send(hostile(query.message(), tail)));
                    DnsService service = service(server)) {
                byte[] query = query("a.example", Type.A);
                byte[] reply = ask(service, query, Transport.UDP);
                assertThat(id(reply)).isEqualTo(id(query));
                assertThat(reply.length).isLessThanOrEqualTo(512);
                byte[] expected = hostile(query, tail);
                if (expected.length <= 512) {
                    assertThat(withId(reply, 0)).isEqualTo(withId(expected, 0));
                } else {
                    assertThat(parse(reply).getHeader().getFlag(Flags.TC)).isTrue();
                    assertThat(parse(reply).getQuestion().getType()).isEqualTo(Type.A);
                }
                byte[] overTcp = ask(service, query, Transport.TCP);
                assertThat(withId(overTcp, 0)).isEqualTo(withId(expected, 0));
            }
        }
    }

    @Test
    void garbageFromTheServerIsIgnoredAndTheLookupStillEnds() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (NameServer server = NameServer.start((query, replier) -> {
                    byte[] good = replyTo(query.message(), a(query.message(), "192.0.2.1"))
                            .toWire();
                    for (int i = 0; i < 20; i++) {
                        byte[] bad = new byte[random.nextInt(600)];
                        random.nextBytes(bad);
                        if (bad.length > 1) {
                            DnsMessage.put16(bad, 0, id(good) + 1);
                        }
                        replier.send(bad);
                    }
                    replier.send(good);
                });
                DnsService service = service(server)) {
            for (int i = 0; i < 50; i++) {
                assertThat(answerOf(ask(service, query("a.example", Type.A), Transport.UDP)))
                        .as("seed " + seed)
                        .isEqualTo("192.0.2.1");
            }
        }
    }

    @Test
    void aReplacedResolvConfIsUsedWhileRunning(@TempDir Path directory) throws IOException {
        Path path = Files.writeString(directory.resolve("resolv.conf"), "nameserver 127.0.0.1\n");
        try (NameServer first = NameServer.start(answering("192.0.2.1"))) {
            int port = first.address().getPort();
            ResolvConf conf = new ResolvConf(path);
            // resolv.conf knows port 53 only, which tests cannot have.
            try (NameServer second = NameServer.start("127.0.0.2", port, answering("192.0.2.2"));
                    DnsService service = DnsBench.uncached(
                            DnsBench.PLAN,
                            DnsNames.defaults(),
                            Limits.defaults(),
                            () -> config(
                                    PATIENT,
                                    1,
                                    conf.config().servers().stream()
                                            .map(server -> new InetSocketAddress(server.getAddress(), port))
                                            .toArray(InetSocketAddress[]::new)),
                            DnsBench.NO_HOSTS)) {
                assertThat(answerOf(ask(service, query("a.example", Type.A), Transport.UDP)))
                        .isEqualTo("192.0.2.1");
                Path next = Files.writeString(directory.resolve("next"), "nameserver 127.0.0.2\n");
                Files.move(next, path, StandardCopyOption.REPLACE_EXISTING);
                String answer;
                do {
                    answer = answerOf(ask(service, query("a.example", Type.A), Transport.UDP));
                } while (answer.equals("192.0.2.1")); // until the file is looked at again; the test's time limit guards
                assertThat(answer).isEqualTo("192.0.2.2");
                assertThat(second.queries()).isNotEmpty();
            }
        }
    }

    @Test
    void aFaultySettingsSourceIsServfail() {
        try (DnsService service = DnsBench.uncached(
                DnsBench.PLAN,
                DnsNames.defaults(),
                Limits.defaults(),
                () -> {
                    throw new IllegalStateException("no settings");
                },
                DnsBench.NO_HOSTS)) {
            assertThat(ask(service, "a.example", Type.A).getRcode()).isEqualTo(Rcode.SERVFAIL);
        }
    }

    /** A thread that can't be started is an Error: else nobody would get an answer to this name again. */
    @Test
    void anErrorInsideALookupEndsItAndTheNextOneIsAnswered() {
        AtomicBoolean out = new AtomicBoolean(true);
        try (NameServer server = NameServer.start(ANSWER)) {
            ResolverConfig config = config(PATIENT, 1, server.address());
            Limits limits = Limits.defaults().change().dnsQueries(2).build();
            try (DnsService service = DnsBench.uncached(
                    DnsBench.PLAN,
                    DnsNames.defaults(),
                    limits,
                    () -> {
                        if (out.get()) {
                            throw new OutOfMemoryError("as the test wants it");
                        }
                        return config;
                    },
                    DnsBench.NO_HOSTS)) {
                for (int i = 0; i < 3; i++) {
                    assertThat(ask(service, "a.example", Type.A).getRcode()).isEqualTo(Rcode.SERVFAIL);
                }
                out.set(false);
                int rcode;
                do {
                    rcode = ask(service, "a.example", Type.A).getRcode();
                } while (rcode == Rcode.SERVFAIL); // the last one counts until a moment after its reply
                assertThat(rcode).isEqualTo(Rcode.NOERROR);
            }
        }
    }

    @Test
    void idsAndQuestionsOfManyLookupsAtOnceDoNotMix() {
        try (NameServer server = NameServer.start((query, replier) -> {
                    String label =
                            parse(query.message()).getQuestion().getName().getLabelString(0);
                    Thread.sleep(Integer.parseInt(label) % 7);
                    replier.send(replyTo(query.message(), a(query.message(), "10.0.0." + label))
                            .toWire());
                });
                DnsService service = service(server)) {
            var replies = java.util.stream.IntStream.range(0, 200)
                    .mapToObj(i ->
                            DnsBench.start(service, withId(query(i + ".example", Type.A), 0x1000 + i), Transport.UDP))
                    .toList();
            for (int i = 0; i < replies.size(); i++) {
                byte[] reply = DnsBench.join(replies.get(i));
                assertThat(id(reply)).isEqualTo(0x1000 + i);
                assertThat(answerOf(reply)).isEqualTo("10.0.0." + i);
            }
        }
    }
}
