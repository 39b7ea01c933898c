package dev.sluice.gateway.dns;

import static dev.sluice.gateway.dns.DnsBench.NO_HOSTS;
import static dev.sluice.gateway.dns.DnsBench.PATIENT;
import static dev.sluice.gateway.dns.DnsBench.PATIENT_ENOUGH;
import static dev.sluice.gateway.dns.DnsBench.a;
import static dev.sluice.gateway.dns.DnsBench.config;
import static dev.sluice.gateway.dns.DnsBench.id;
import static dev.sluice.gateway.dns.DnsBench.join;
import static dev.sluice.gateway.dns.DnsBench.parse;
import static dev.sluice.gateway.dns.DnsBench.query;
import static dev.sluice.gateway.dns.DnsBench.replyTo;
import static dev.sluice.gateway.dns.DnsBench.service;
import static dev.sluice.gateway.dns.DnsBench.withId;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.host.LinuxDatagramHost;
import dev.sluice.host.ResolverConfig;
import dev.sluice.loop.EventLoop;
import dev.sluice.testkit.Async;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/** Queries that are answered from the loop, or were to be: the guest gets the same as from the forwarder's threads. */
class DirectTriesTest {
    private static final NameServer.Script GOOD = (query, replier) -> replier.send(
            replyTo(query.message(), a(query.message(), "192.0.2.1")).toWire());

    private final Guest guest = new Guest(0xc0a84103, 0, null);
    private final Map<Integer, CompletableFuture<byte[]>> replies = new ConcurrentHashMap<>();
    private EventLoop loop;
    private DnsUdpService udp;
    private DnsService service;
    private int nextPort = 1024;

    @BeforeEach
    void start() throws Exception {
        loop = EventLoop.start("test");
    }

    @AfterEach
    void stop() throws Exception {
        if (udp != null) {
            on(udp::close);
            service.close();
        }
        loop.close();
        assertThat(loop.failures()).isZero();
    }

    private void serve(ResolverConfig config) throws Exception {
        serve(service(config));
    }

    private void serve(DnsService made) throws Exception {
        service = made;
        udp = new DnsUdpService(
                service,
                loop,
                new LinuxDatagramHost(loop),
                (to, _, _, port, message) -> replies.get(port).complete(message));
    }

    private CompletableFuture<byte[]> ask(byte[] message) throws Exception {
        // So that no query has to wait for a look at the disk.
        NO_HOSTS.addresses("x");
        var reply = new CompletableFuture<byte[]>();
        int port = nextPort++;
        replies.put(port, reply);
        on(() -> {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment memory = arena.allocate(Math.max(1, message.length));
                memory.copyFrom(MemorySegment.ofArray(message));
                udp.onDatagram(guest, port, 0, 1, memory, 0, message.length);
            }
        });
        return reply;
    }

    private void on(Runnable action) throws Exception {
        Async.on(loop, () -> {
            action.run();
            return true;
        });
    }

    private static String address(byte[] reply) {
        return parse(reply).getSection(Section.ANSWER).getFirst().rdataToString();
    }

    @Test
    void theReplyHasTheGuestsIdAndTheServerSawAnother() throws Exception {
        try (NameServer server = NameServer.start(GOOD)) {
            serve(config(PATIENT, 1, server.address()));
            int same = 0;
            for (int i = 0; i < 20; i++) {
                byte[] asked = withId(query("MiXed" + i + ".Example", Type.A), 4711);
                byte[] reply = join(ask(asked));
                assertThat(id(reply)).isEqualTo(4711);
                assertThat(address(reply)).isEqualTo("192.0.2.1");
                byte[] seen = server.queries().getLast().message();
                same += id(seen) == 4711 ? 1 : 0;
                assertThat(withId(seen, 4711)).isEqualTo(asked);
            }
            assertThat(same).isLessThan(3);
        }
    }

    /** They may have to be read from the disk by then. */
    @Test
    void theHostsSettingsAreNotLookedAtWhenTheReplyComes() throws Exception {
        AtomicBoolean replied = new AtomicBoolean();
        AtomicBoolean lookedAt = new AtomicBoolean();
        Thread[] loopThread = new Thread[1];
        on(() -> loopThread[0] = Thread.currentThread());
        try (NameServer server = NameServer.start((query, replier) -> {
            replied.set(true);
            var reply = replyTo(query.message());
            reply.getHeader().setRcode(Rcode.NXDOMAIN);
            replier.send(reply.toWire());
        })) {
            ResolverConfig config = config(PATIENT, 1, server.address());
            serve(new DnsService(
                    DnsBench.PLAN,
                    DnsSettings.defaults(),
                    Limits.defaults(),
                    () -> {
                        if (replied.get() && Thread.currentThread() == loopThread[0]) {
                            lookedAt.set(true);
                        }
                        return config;
                    },
                    NO_HOSTS));
            for (String name : List.of("short", "a.example")) {
                replied.set(false);
                assertThat(parse(join(ask(query(name, Type.A)))).getRcode()).isEqualTo(Rcode.NXDOMAIN);
                assertThat(replied).isTrue();
            }
            assertThat(lookedAt).isFalse();
        }
    }

    /** A probe that finds no thread, say: the question goes the long way, where it is answered in any case. */
    @Test
    void anErrorOnTheLoopEndsTheLookupAndTheNextOneIsAnswered() throws Exception {
        AtomicBoolean out = new AtomicBoolean(true);
        try (NameServer server = NameServer.start(GOOD)) {
            ResolverConfig config = config(PATIENT, 1, server.address());
            serve(DnsBench.uncached(
                    DnsBench.PLAN,
                    DnsNames.defaults(),
                    Limits.defaults(),
                    () -> {
                        if (out.get()) {
                            throw new OutOfMemoryError("as the test wants it");
                        }
                        return config;
                    },
                    NO_HOSTS));
            assertThat(parse(join(ask(query("a.example", Type.A)))).getRcode()).isEqualTo(Rcode.SERVFAIL);
            out.set(false);
            assertThat(address(join(ask(query("a.example", Type.A))))).isEqualTo("192.0.2.1");
        }
    }

    @Test
    void triesShareASocketForAWhileOnly() throws Exception {
        try (NameServer server = NameServer.start(GOOD)) {
            serve(config(PATIENT, 1, server.address()));
            for (int i = 0; i < 300; i++) {
                join(ask(query("n" + i + ".example", Type.A)));
            }
            Map<Integer, Integer> uses = new java.util.HashMap<>();
            server.queries().forEach(q -> uses.merge(q.port(), 1, Integer::sum));
            assertThat(uses.values()).allMatch(n -> n <= 64).anyMatch(n -> n > 1);
        }
    }

    @Test
    void manyAtOnceGetEachTheirOwn() throws Exception {
        try (NameServer server = NameServer.start((query, replier) -> {
            String name = parse(query.message()).getQuestion().getName().toString();
            replier.send(replyTo(query.message(), a(query.message(), "10.0.0." + name.substring(1, name.indexOf('.'))))
                    .toWire());
        })) {
            serve(config(PATIENT, 1, server.address()));
            List<CompletableFuture<byte[]>> all = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                all.add(ask(query("n" + i + ".example", Type.A)));
            }
            for (int i = 0; i < 200; i++) {
                assertThat(address(join(all.get(i)))).isEqualTo("10.0.0." + i);
            }
        }
    }

    @Test
    void aServerThatFailsMakesTheNextOnesTurn() throws Exception {
        try (NameServer bad = NameServer.start((query, replier) -> {
                    var reply = replyTo(query.message());
                    reply.getHeader().setRcode(Rcode.SERVFAIL);
                    replier.send(reply.toWire());
                });
                NameServer good = NameServer.start(GOOD)) {
            serve(config(PATIENT, 1, bad.address(), good.address()));
            assertThat(address(join(ask(query("a.example", Type.A))))).isEqualTo("192.0.2.1");
            assertThat(address(join(ask(query("b.example", Type.A))))).isEqualTo("192.0.2.1");
        }
    }

    @Test
    void silenceMakesTheNextOnesTurnAndTheSilentOneIsAskedLast() throws Exception {
        try (NameServer silent = NameServer.start(NameServer.SILENT);
                NameServer good = NameServer.start(GOOD)) {
            serve(config(PATIENT_ENOUGH, 1, silent.address(), good.address()));
            assertThat(address(join(ask(query("a.example", Type.A))))).isEqualTo("192.0.2.1");
            int asked = silent.queries().size();
            assertThat(asked).isEqualTo(1);
            assertThat(address(join(ask(query("b.example", Type.A))))).isEqualTo("192.0.2.1");
            assertThat(silent.queries()).hasSize(asked);
        }
    }

    @Test
    void aDatagramThatWasLostIsSentAgainWithinTheSameTry() throws Exception {
        try (NameServer server = NameServer.start(NameServer.SILENT)) {
            server.script((query, replier) -> server.script(GOOD));
            serve(config(PATIENT, 1, server.address()));
            assertThat(address(join(ask(query("a.example", Type.A))))).isEqualTo("192.0.2.1");
            assertThat(server.queries()).hasSize(1);
            assertThat(server.repeats()).isPositive();
            assertThat(service.counters().snapshot().upstreamFailures()).isZero();
        }
    }

    @Test
    void aClosedPortMakesTheNextOnesTurnAtOnce() throws Exception {
        InetSocketAddress gone;
        try (var socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            gone = new InetSocketAddress(InetAddress.getLoopbackAddress(), socket.getLocalPort());
        }
        try (NameServer good = NameServer.start(GOOD)) {
            serve(config(PATIENT, 1, gone, good.address()));
            assertThat(address(join(ask(query("a.example", Type.A))))).isEqualTo("192.0.2.1");
        }
    }

    @Test
    void nobodyAtAllIsAFailureAndNotSilence() throws Exception {
        try (NameServer silent = NameServer.start(NameServer.SILENT)) {
            serve(config(Duration.ofMillis(300), 1, silent.address()));
            assertThat(parse(join(ask(query("a.example", Type.A)))).getRcode()).isEqualTo(Rcode.SERVFAIL);
        }
    }

    @Test
    void whatDoesNotMatchIsNoAnswer() throws Exception {
        try (var stranger = new DatagramSocket(0, InetAddress.getLoopbackAddress());
                NameServer server = NameServer.start((query, replier) -> {
                    byte[] forged = replyTo(query.message(), a(query.message(), "6.6.6.6"))
                            .toWire();
                    // From elsewhere, with another id, with another question, as a query, too short.
                    stranger.send(
                            new DatagramPacket(forged, forged.length, InetAddress.getLoopbackAddress(), query.port()));
                    replier.send(withId(forged, id(forged) ^ 1));
                    byte[] other = forged.clone();
                    other[13] ^= 0x20;
                    replier.send(other);
                    replier.send(query.message());
                    replier.send(new byte[0]);
                    replier.send(new byte[] {forged[0]});
                    replier.send(replyTo(query.message(), a(query.message(), "192.0.2.1"))
                            .toWire());
                })) {
            serve(config(PATIENT, 1, server.address()));
            for (int i = 0; i < 10; i++) {
                assertThat(address(join(ask(query("a" + i + ".example", Type.A)))))
                        .isEqualTo("192.0.2.1");
            }
        }
    }

    @Test
    void namesOfOurOwnNeedNoServer() throws Exception {
        try (NameServer server = NameServer.start(NameServer.SILENT)) {
            serve(config(PATIENT, 1, server.address()));
            byte[] reply = join(ask(query("host.sluice.internal", Type.A)));
            assertThat(address(reply)).isEqualTo("192.168.65.2");
            assertThat(server.queries()).isEmpty();
        }
    }

    @Test
    void aReplyLongerThanTheGuestTakesIsCut() throws Exception {
        try (NameServer server =
                NameServer.start((query, replier) -> replier.send(DnsBench.bigReply(query.message(), 20)))) {
            serve(config(PATIENT, 1, server.address()));
            byte[] reply = join(ask(query("big.example", Type.TXT)));
            assertThat(reply.length).isLessThanOrEqualTo(512);
            assertThat(parse(reply).getHeader().getFlag(org.xbill.DNS.Flags.TC)).isTrue();
        }
    }

    @Test
    void whatAServerSaidIsAnsweredFromTheLoopNextTime() throws Exception {
        try (NameServer server = NameServer.start(GOOD)) {
            serve(DnsBench.cached(config(PATIENT, 1, server.address())));
            join(ask(query("a.example", Type.A)));
            byte[] again = withId(query("A.Example", Type.A), 77);
            byte[] reply = join(ask(again));
            assertThat(id(reply)).isEqualTo(77);
            assertThat(address(reply)).isEqualTo("192.0.2.1");
            assertThat(server.queries()).hasSize(1);
            assertThat(service.counters().snapshot().cached()).isEqualTo(1);
            service.directory().addRecords(List.of(new DnsDirectory.Entry("a.example", "A", 1, "10.0.0.1")));
            assertThat(address(join(ask(again)))).isEqualTo("10.0.0.1");
        }
    }

    @Test
    void closingEndsWhatIsUnderWay() throws Exception {
        try (NameServer server = NameServer.start(NameServer.SILENT)) {
            serve(config(PATIENT, 1, server.address()));
            ask(query("a.example", Type.A));
            service.close();
            on(udp::close);
        }
    }
}
