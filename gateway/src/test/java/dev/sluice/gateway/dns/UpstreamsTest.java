package dev.sluice.gateway.dns;

import static dev.sluice.gateway.dns.DnsBench.PATIENT;
import static dev.sluice.gateway.dns.DnsBench.a;
import static dev.sluice.gateway.dns.DnsBench.ask;
import static dev.sluice.gateway.dns.DnsBench.id;
import static dev.sluice.gateway.dns.DnsBench.parse;
import static dev.sluice.gateway.dns.DnsBench.query;
import static dev.sluice.gateway.dns.DnsBench.replyTo;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.dns.DnsServer.Protocol;
import dev.sluice.gateway.dns.DnsService.Transport;
import dev.sluice.gateway.dns.Upstreams.Choice;
import dev.sluice.host.ResolverConfig;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xbill.DNS.Message;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/** Servers that were configured: races, servers over TCP, short names, explanations. */
@Timeout(180)
class UpstreamsTest {
    private static NameServer.Script answering(String address) {
        return (query, replier) -> replier.send(
                replyTo(query.message(), a(query.message(), address)).toWire());
    }

    private static NameServer.Script saying(int rcode) {
        return (query, replier) -> {
            Message reply = replyTo(query.message());
            reply.getHeader().setRcode(rcode);
            replier.send(reply.toWire());
        };
    }

    private static DnsServer server(NameServer server, int order) {
        return new DnsServer(Protocol.UDP, server.address(), null, null, order);
    }

    private static DnsService asking(Choice choice, Duration timeout, DnsServer... servers) {
        DnsService service = DnsBench.service();
        service.servers(new Upstreams(List.of(servers), choice, timeout, 1));
        return service;
    }

    private static String address(Message reply) {
        return reply.getSection(Section.ANSWER).getFirst().rdataToString();
    }

    @Test
    void inARaceAllAreAskedAndTheFirstGoodAnswerOfTheLowestOrderWins() {
        CountDownLatch privateAnswers = new CountDownLatch(1);
        try (NameServer outside = NameServer.start((query, replier) -> {
                    answering("192.0.2.1").onQuery(query, replier);
                    privateAnswers.countDown();
                });
                NameServer inside = NameServer.start((query, replier) -> {
                    privateAnswers.await();
                    answering("10.0.0.1").onQuery(query, replier);
                });
                DnsService service = asking(Choice.RACE, PATIENT, server(outside, 1), server(inside, 0))) {
            assertThat(address(ask(service, "a.example", Type.A))).isEqualTo("10.0.0.1");
            assertThat(outside.queries()).hasSize(1);
            assertThat(inside.queries()).hasSize(1);
        }
    }

    @Test
    void equalsRaceEachOtherAndADeadOneDelaysNobody() {
        try (NameServer dead = NameServer.start(NameServer.SILENT);
                NameServer good = NameServer.start(answering("192.0.2.1"));
                DnsService service = asking(Choice.RACE, PATIENT, server(dead, 0), server(good, 0))) {
            for (int i = 0; i < 5; i++) {
                assertThat(address(ask(service, "a" + i + ".example", Type.A))).isEqualTo("192.0.2.1");
            }
        }
    }

    @Test
    void aDeadServerOfALowerOrderIsWaitedForOnceAndThenOffline() {
        try (NameServer dead = NameServer.start(NameServer.SILENT);
                NameServer good = NameServer.start(answering("192.0.2.1"))) {
            DnsServer impatient = new DnsServer(Protocol.UDP, dead.address(), null, Duration.ofSeconds(1), 0);
            try (DnsService service = asking(Choice.RACE, PATIENT, impatient, server(good, 1))) {
                assertThat(address(ask(service, "a.example", Type.A))).isEqualTo("192.0.2.1");
                long start = System.nanoTime();
                for (int i = 0; i < 20; i++) {
                    assertThat(address(ask(service, "b" + i + ".example", Type.A)))
                            .isEqualTo("192.0.2.1");
                }
                assertThat(System.nanoTime() - start).isLessThan(20 * 1_000_000_000L);
                // It is asked all the same, and believed again with its first answer.
                dead.script(answering("10.0.0.1"));
                String answer;
                int i = 0;
                do {
                    answer = address(ask(service, "c" + i++ + ".example", Type.A));
                } while (!answer.equals("10.0.0.1"));
            }
        }
    }

    /** However much later: what nobody knows (most names have no IPv6 address) would wait for it else, and musl for no longer. */
    @Test
    void aServerThatIsGoneIsNotWaitedForAgainUntilItHasAnswered() {
        AtomicLong now = new AtomicLong();
        DnsCounters counters = new DnsCounters();
        try (NameServer dead = NameServer.start(NameServer.SILENT);
                NameServer knowsNothing = NameServer.start(saying(Rcode.NOERROR));
                StreamServers streams = new StreamServers(StreamServers::defaultTls, counters);
                Forwarder forwarder = new Forwarder(new ServerHealth(DnsBench.PLAN, now::get), counters, streams)) {
            DnsServer gone = new DnsServer(Protocol.UDP, dead.address(), null, Duration.ofSeconds(5), 0);
            Upstreams both = new Upstreams(List.of(gone, server(knowsNothing, 1)), Choice.RACE, PATIENT, 1);
            for (int i = 0; i < 5; i++) {
                DnsQuery query = DnsMessage.query("a" + i + ".example", Type.AAAA);
                byte[] reply = forwarder.ask(query, Transport.UDP, both, Trail.NONE);
                assertThat(parse(reply).getRcode()).isEqualTo(Rcode.NOERROR);
                // the first has waited; what is asked of it beside the others may end when it likes
                assertThat(counters.snapshot().upstreamFailures()).isEqualTo(1);
                now.addAndGet(3_600_000_000_000L);
            }
            dead.script(answering("10.0.0.1"));
            byte[] reply;
            int i = 0;
            do {
                reply = forwarder.ask(
                        DnsMessage.query("b" + i++ + ".example", Type.A), Transport.UDP, both, Trail.NONE);
            } while (DnsMessage.u16(reply, 6) == 0);
        }
    }

    /** The first server of resolv.conf is gone, as a VPN's is when that is down: one lookup waits for it, and none after that. */
    @Test
    void aFirstServerThatIsGoneIsAskedBesideTheOthersUntilItAnswersAgain() {
        AtomicLong now = new AtomicLong();
        DnsCounters counters = new DnsCounters();
        try (NameServer dead = NameServer.start(NameServer.SILENT);
                NameServer good = NameServer.start(answering("192.0.2.1"));
                StreamServers streams = new StreamServers(StreamServers::defaultTls, counters);
                Forwarder forwarder = new Forwarder(new ServerHealth(DnsBench.PLAN, now::get), counters, streams)) {
            DnsServer gone = new DnsServer(Protocol.UDP, dead.address(), null, Duration.ofSeconds(5), 0);
            Upstreams both = new Upstreams(List.of(gone, server(good, 0)), Choice.IN_ORDER, PATIENT, 1);
            for (int i = 0; i < 5; i++) {
                List<String> waitedFor = new ArrayList<>();
                DnsQuery query = DnsMessage.query("a" + i + ".example", Type.A);
                byte[] reply = forwarder.ask(query, Transport.UDP, both, (who, _) -> waitedFor.add(who));
                assertThat(address(parse(reply))).isEqualTo("192.0.2.1");
                assertThat(waitedFor).as("lookup " + i).hasSize(i == 0 ? 2 : 1);
                now.addAndGet(3_600_000_000_000L);
            }
            dead.script(answering("10.0.0.1"));
            byte[] reply;
            int i = 0;
            do {
                DnsQuery query = DnsMessage.query("b" + i++ + ".example", Type.A);
                reply = forwarder.ask(query, Transport.UDP, both, Trail.NONE);
                now.addAndGet(3_600_000_000_000L);
            } while (!address(parse(reply)).equals("10.0.0.1"));
        }
    }

    @Test
    void aServerWithoutTcpStaysTheFirstOverUdp() {
        try (NameServer first = NameServer.start(answering("192.0.2.1"));
                NameServer second = NameServer.start(answering("192.0.2.2"));
                DnsService service = asking(Choice.IN_ORDER, PATIENT, server(first, 0), server(second, 0))) {
            first.refuseTcp();
            byte[] overTcp = ask(service, query("a.example", Type.A), Transport.TCP);
            assertThat(address(parse(overTcp))).isEqualTo("192.0.2.2");
            assertThat(address(ask(service, "b.example", Type.A))).isEqualTo("192.0.2.1");
        }
    }

    @Test
    void racersWithoutTcpAreAskedOverUdpAfterAll() {
        try (NameServer one = NameServer.start(answering("192.0.2.1"));
                NameServer two = NameServer.start(answering("192.0.2.1"));
                DnsService service = asking(Choice.RACE, PATIENT, server(one, 0), server(two, 0))) {
            one.refuseTcp();
            two.refuseTcp();
            byte[] overTcp = ask(service, query("a.example", Type.A), Transport.TCP);
            assertThat(address(parse(overTcp))).isEqualTo("192.0.2.1");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Rcode.NXDOMAIN, Rcode.SERVFAIL, Rcode.REFUSED, Rcode.NOERROR})
    void theRcodeSurvivesARace(int rcode) {
        try (NameServer one = NameServer.start(saying(rcode));
                NameServer two = NameServer.start(saying(rcode));
                DnsService service = asking(Choice.RACE, PATIENT, server(one, 0), server(two, 1))) {
            Message reply = ask(service, "a.example", Type.AAAA);
            assertThat(reply.getRcode()).isEqualTo(rcode);
            assertThat(reply.getSection(Section.ANSWER)).isEmpty();
        }
    }

    @Test
    void ofSeveralRefusalsTheMostTellingOneIsKept() {
        try (NameServer failing = NameServer.start(saying(Rcode.SERVFAIL));
                NameServer unknown = NameServer.start(saying(Rcode.NXDOMAIN));
                NameServer noData = NameServer.start(saying(Rcode.NOERROR));
                DnsService two = asking(Choice.RACE, PATIENT, server(failing, 0), server(unknown, 1));
                DnsService three =
                        asking(Choice.RACE, PATIENT, server(failing, 0), server(unknown, 1), server(noData, 2))) {
            assertThat(ask(two, "a.example", Type.A).getRcode()).isEqualTo(Rcode.NXDOMAIN);
            assertThat(ask(three, "a.example", Type.A).getRcode()).isEqualTo(Rcode.NOERROR);
        }
    }

    @Test
    void nobodyInARaceIsServfail() {
        try (NameServer dead = NameServer.start(NameServer.SILENT);
                NameServer too = NameServer.start(NameServer.SILENT);
                DnsService service = asking(Choice.RACE, Duration.ofMillis(250), server(dead, 0), server(too, 1))) {
            assertThat(ask(service, "a.example", Type.A).getRcode()).isEqualTo(Rcode.SERVFAIL);
        }
    }

    private static DnsServer overTcp(NameServer server) {
        return new DnsServer(Protocol.TCP, server.address(), null, null, 0);
    }

    @Test
    void manyQueriesShareOneConnectionAndComeBackInAnyOrder() {
        try (NameServer server = NameServer.start((query, replier) -> {
                    String name = parse(query.message()).getQuestion().getName().getLabelString(0);
                    Thread.sleep(Integer.parseInt(name) % 5);
                    answering("10.0.0." + name).onQuery(query, replier);
                });
                DnsService service = asking(Choice.IN_ORDER, PATIENT, overTcp(server))) {
            assertThat(address(ask(service, "0.example", Type.A))).isEqualTo("10.0.0.0");
            List<CompletableFuture<byte[]>> replies = IntStream.range(0, 100)
                    .mapToObj(i ->
                            DnsBench.start(service, DnsBench.withId(query(i + ".example", Type.A), i), Transport.UDP))
                    .toList();
            for (int i = 0; i < 100; i++) {
                byte[] reply = DnsBench.join(replies.get(i));
                assertThat(id(reply)).isEqualTo(i);
                assertThat(address(parse(reply))).isEqualTo("10.0.0." + i);
            }
            Set<Integer> ports = new HashSet<>();
            Set<Integer> ids = new HashSet<>();
            server.queries().forEach(query -> {
                assertThat(query.tcp()).isTrue();
                ports.add(query.port());
                ids.add(id(query.message()));
            });
            assertThat(ports).hasSize(1);
            assertThat(ids).hasSizeGreaterThan(90);
        }
    }

    @Test
    void aConnectionThatTheServerEndedIsMadeAnew() throws IOException {
        NameServer server = NameServer.start(answering("192.0.2.1"));
        int port = server.address().getPort();
        try (DnsService service = asking(Choice.IN_ORDER, PATIENT, overTcp(server))) {
            assertThat(address(ask(service, "a.example", Type.A))).isEqualTo("192.0.2.1");
            server.close();
            try (NameServer again = NameServer.start("127.0.0.1", port, answering("192.0.2.2"))) {
                assertThat(address(ask(service, "b.example", Type.A))).isEqualTo("192.0.2.2");
                assertThat(again.queries()).hasSize(1);
            }
        }
    }

    @Test
    void hostileBytesOnAConnectionEndTheTryAndNothingElse() {
        try (NameServer server = NameServer.start((query, replier) -> {
                    byte[] wrong = replyTo(query.message(), a(query.message(), "6.6.6.6"))
                            .toWire();
                    wrong[13] ^= 1;
                    replier.send(wrong);
                    replier.send(new byte[0]);
                    replier.send(new byte[] {1});
                    replier.send(DnsBench.withId(replyTo(query.message()).toWire(), id(query.message()) ^ 1));
                    answering("192.0.2.1").onQuery(query, replier);
                });
                DnsService service = asking(Choice.IN_ORDER, PATIENT, overTcp(server))) {
            for (int i = 0; i < 5; i++) {
                assertThat(address(ask(service, "a" + i + ".example", Type.A))).isEqualTo("192.0.2.1");
            }
            assertThat(service.counters().snapshot().upstreamMismatches()).isEqualTo(20);
        }
    }

    @Test
    void aShortNameIsFoundUnderTheHostsSearchDomains() {
        try (NameServer server = NameServer.start((query, replier) -> {
                    String name = parse(query.message()).getQuestion().getName().toString();
                    (name.equals("intranet.corp.example.") ? answering("10.0.0.7") : saying(Rcode.NXDOMAIN))
                            .onQuery(query, replier);
                });
                DnsService service = DnsBench.service(new ResolverConfig(
                        List.of(server.address()), List.of("lab.example", "corp.example"), 1, PATIENT, 1, false))) {
            Message reply = ask(service, "INTRANET", Type.A);
            assertThat(reply.getSection(Section.ANSWER).stream().map(r -> r.getName() + " " + r.rdataToString()))
                    .containsExactly("INTRANET. intranet.corp.example.", "intranet.corp.example. 10.0.0.7");
            assertThat(ask(service, "nowhere", Type.A).getRcode()).isEqualTo(Rcode.NXDOMAIN);
            int asked = server.queries().size();
            assertThat(ask(service, "a.b", Type.A).getRcode()).isEqualTo(Rcode.NXDOMAIN);
            assertThat(server.queries()).hasSize(asked + 1);
        }
    }

    @Test
    void anExplanationNamesEveryStep() {
        try (NameServer dead = NameServer.start(NameServer.SILENT);
                NameServer corp = NameServer.start(answering("10.0.0.1"))) {
            try (DnsService service = asking(
                    Choice.IN_ORDER,
                    Duration.ofMillis(300),
                    new DnsServer(Protocol.UDP, dead.address(), null, null, 0))) {
                service.directory()
                        .putZone(new DnsDirectory.Zone(
                                "corp.example",
                                List.of("127.0.0.1:" + corp.address().getPort())));
                service.directory()
                        .addRecords(List.of(new DnsDirectory.Entry("www.test", "CNAME", 5, "www.corp.example")));
                Explanation found = service.explain("www.TEST", "a");
                assertThat(found.outcome()).isEqualTo("alias www.corp.example, 10.0.0.1");
                assertThat(found.answers()).containsExactly("alias www.corp.example", "10.0.0.1");
                assertThat(found.steps().stream().map(Explanation.Step::who))
                        .contains("names of this network", "hosts file /nowhere/hosts", "configured records", "route");
                assertThat(found.steps())
                        .contains(
                                new Explanation.Step("configured records", "www.test is an alias of www.corp.example"),
                                new Explanation.Step("route", "zone corp.example"),
                                new Explanation.Step(
                                        "server 127.0.0.1:" + corp.address().getPort(), "10.0.0.1"));
                Explanation lost = service.explain("nobody.example", "AAAA");
                assertThat(lost.outcome()).contains("SERVFAIL");
                assertThat(lost.steps())
                        .contains(
                                new Explanation.Step("route", "configured servers"),
                                new Explanation.Step(
                                        "server 127.0.0.1:" + dead.address().getPort(), "no answer in 300 ms"));
            }
        }
    }
}
