package dev.sluice.gateway.dns;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.flow.Limits;
import dev.sluice.host.Resolved;
import dev.sluice.host.ResolverConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** systemd-resolved asked over varlink, with all the ways in which it may fail. */
@Timeout(60)
class ResolvedNamesTest {
    private static final int A = 1;
    private static final int PTR = 12;
    private static final int MX = 15;
    private static final int AAAA = 28;

    @TempDir
    Path folder;

    private Path socket;
    private VarlinkServer server;
    private final AtomicLong nanos = new AtomicLong(1);
    private final AtomicBoolean wanted = new AtomicBoolean(true);
    private ResolvedNames names;
    /** For what answers, however slow the machine is; tests of silence have one of their own. */
    private Duration patience = Duration.ofSeconds(50);

    private final List<String> trail = new ArrayList<>();

    @BeforeEach
    void start() throws IOException {
        socket = folder.resolve("io.systemd.Resolve");
        server = new VarlinkServer(socket, (_, _) -> {});
        names = new ResolvedNames(new Resolved(socket), wanted::get, nanos::get);
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    private byte[] ask(String name, int type) {
        ResolverConfig config = new ResolverConfig(
                List.of(new InetSocketAddress(InetAddress.ofLiteral("192.0.2.53"), 53)),
                List.of(),
                1,
                patience,
                1,
                false);
        return names.ask(DnsMessage.query(name, type), config, (who, said) -> trail.add(who + ": " + said));
    }

    private String told(String name, int type) {
        byte[] reply = ask(name, type);
        return reply == null ? "none" : DnsText.describe(reply);
    }

    private void answers(String reply) {
        server.script(VarlinkServer.always(reply));
    }

    @Test
    void addressesAreAskedForByFamily() {
        answers("{\"parameters\":{\"addresses\":[{\"ifindex\":2,\"family\":2,\"address\":[192,0,2,7]}],"
                + "\"name\":\"a.example\",\"flags\":1}}");
        assertThat(told("a.example", A)).isEqualTo("192.0.2.7");
        assertThat(server.calls)
                .containsExactly("{\"method\":\"io.systemd.Resolve.ResolveHostname\","
                        + "\"parameters\":{\"name\":\"a.example\",\"family\":2,\"flags\":0}}");
        answers("{\"parameters\":{\"addresses\":[{\"family\":10,\"address\":[32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,9]},"
                + "{\"family\":2,\"address\":[192,0,2,7]}],\"name\":\"a.example\"}}");
        assertThat(told("a.example", AAAA)).contains("2001:db8:").doesNotContain("192.0.2.7");
        assertThat(server.calls.getLast()).contains("\"family\":10");
        assertThat(trail).allMatch(line -> line.startsWith("systemd-resolved: "));
    }

    @Test
    void anotherNameThanTheAskedOneIsItsAlias() {
        answers(
                "{\"parameters\":{\"addresses\":[{\"family\":2,\"address\":[192,0,2,7]}],\"name\":\"WWW.corp.example.\"}}");
        byte[] reply = ask("www", A);
        assertThat(DnsText.describe(reply)).contains("alias www.corp.example").contains("192.0.2.7");
        assertThat(DnsMessage.u16(reply, 6)).isEqualTo(2);
        answers("{\"parameters\":{\"addresses\":[{\"family\":2,\"address\":[192,0,2,7]}],\"name\":\"WWW\"}}");
        assertThat(DnsMessage.u16(ask("www", A), 6)).isEqualTo(1);
    }

    @Test
    void namesOfAddressesAreAskedForByTheAddress() {
        answers(
                "{\"parameters\":{\"names\":[{\"ifindex\":3,\"name\":\"a.example\"},{\"name\":\"b.example\"}],\"flags\":0}}");
        assertThat(told("7.2.0.192.in-addr.arpa", PTR)).contains("a.example").contains("b.example");
        assertThat(server.calls.getFirst())
                .contains("ResolveAddress")
                .contains("\"family\":2,\"address\":[192, 0, 2, 7]");
    }

    @Test
    void otherTypesComeAsTheyAreOnTheWire() {
        byte[] record = record("a.example", MX, 300, new byte[] {0, 10, 1, 'm', 0});
        answers("{\"parameters\":{\"rrs\":[{\"ifindex\":1,\"raw\":\""
                + Base64.getEncoder().encodeToString(record) + "\"}],\"flags\":1}}");
        byte[] reply = ask("A.example", MX);
        List<ResourceRecord> none = DnsMessage.records(reply, MX, new byte[0]);
        assertThat(none).isEmpty(); // may hold compressed names, elsewhere
        int at = DnsMessage.recordsAt(reply);
        assertThat(DnsMessage.u16(reply, 6)).isEqualTo(1);
        assertThat(DnsMessage.u32(reply, DnsMessage.skipName(reply, at) + 4)).isEqualTo(300);
        assertThat(server.calls.getFirst()).contains("\"class\":1,\"type\":15");
    }

    @Test
    void recordsOfAnAliasFollowIt() {
        byte[] record = record("mail.example", 16, 60, new byte[] {1, 'x'});
        answers("{\"parameters\":{\"rrs\":[{\"raw\":\"" + Base64.getEncoder().encodeToString(record) + "\"}]}}");
        assertThat(told("a.example", 16)).contains("alias mail.example");
    }

    private static byte[] record(String name, int type, int ttl, byte[] data) {
        byte[] owner = DnsMessage.encodeName(name);
        byte[] record = new byte[owner.length + 10 + data.length];
        System.arraycopy(owner, 0, record, 0, owner.length);
        DnsMessage.put16(record, owner.length, type);
        DnsMessage.put16(record, owner.length + 2, 1);
        DnsMessage.put32(record, owner.length + 4, ttl);
        DnsMessage.put16(record, owner.length + 8, data.length);
        System.arraycopy(data, 0, record, owner.length + 10, data.length);
        return record;
    }

    @ParameterizedTest
    @CsvSource({"3,NXDOMAIN", "5,REFUSED", "2,SERVFAIL", "16,SERVFAIL", "-1,SERVFAIL", "0,SERVFAIL"})
    void theServersRcodeIsKept(long rcode, String told) {
        answers("{\"error\":\"io.systemd.Resolve.DNSError\",\"parameters\":{\"rcode\":" + rcode + "}}");
        assertThat(told("a.example", A)).contains(told);
    }

    @Test
    void aNameWithoutTheTypeExists() {
        answers("{\"error\":\"io.systemd.Resolve.NoSuchResourceRecord\",\"parameters\":{}}");
        byte[] reply = ask("a.example", AAAA);
        assertThat(DnsMessage.flags(reply) & DnsMessage.RCODE_MASK).isZero();
        assertThat(DnsMessage.u16(reply, 6)).isZero();
    }

    /** Nobody else is asked then: the name may be one that must not leave the VPN. */
    @ParameterizedTest
    @ValueSource(
            strings = {"NoNameServers", "QueryTimedOut", "NetworkDown", "DNSSECValidationFailed", "SomethingNew", ""})
    void whatItSaysItselfIsAnAnswer(String error) {
        answers("{\"error\":\"io.systemd.Resolve." + error + "\"}");
        assertThat(told("a.example", A)).contains("SERVFAIL");
        assertThat(names.isFor(DnsMessage.query("a.example", A))).isTrue();
    }

    @Test
    void aVersionThatKnowsAddressesOnlyIsAskedForThoseOnly() {
        answers("{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"x\"}}");
        assertThat(told("a.example", MX)).isEqualTo("none");
        assertThat(names.isFor(DnsMessage.query("a.example", MX))).isFalse();
        assertThat(names.isFor(DnsMessage.query("a.example", A))).isTrue();
        names.networkChanged();
        assertThat(names.isFor(DnsMessage.query("a.example", MX))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x",
                "[]",
                "{\"error\":5}",
                "{\"parameters\":{}}",
                "{\"parameters\":{\"addresses\":5}}",
                "{\"parameters\":{\"addresses\":[7]}}",
                "{\"parameters\":{\"addresses\":[{\"address\":[1,2,3]}]}}",
                "{\"parameters\":{\"addresses\":[{\"address\":[1,2,3,256]}]}}",
                "{\"parameters\":{\"addresses\":[{\"address\":[1,2,3,-1]}]}}",
                "{\"parameters\":{\"addresses\":[{\"address\":\"1.2.3.4\"}]}}",
            })
    void nonsenseIsNoAnswerAndServersAreAsked(String reply) {
        answers(reply);
        assertThat(ask("a.example", A)).isNull();
        assertThat(names.isFor(DnsMessage.query("a.example", A))).isFalse();
        assertThat(trail.getLast()).contains("systemd-resolved sent");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "AA==", "AAAB", "wAAAAQABAAAAPAAA", "AAAQAAMAAAA8AAA=", "AAAQAAEAAAA8AAk=", "%"})
    void recordsThatAreNoneAreNoAnswer(String raw) {
        answers("{\"parameters\":{\"rrs\":[{\"raw\":\"" + raw + "\"}]}}");
        assertThat(ask("a.example", 16)).isNull();
    }

    @Test
    void aReplyThatNeverEndsIsCutOff() {
        server.script((_, channel) -> {
            while (true) {
                VarlinkServer.write(channel, "x".repeat(4096));
            }
        });
        assertThat(ask("a.example", A)).isNull();
        assertThat(trail.getLast()).contains("longer than");
    }

    @Test
    void whoHangsUpInTheMiddleHasNotAnswered() {
        server.script((_, channel) -> {
            VarlinkServer.write(channel, "{\"parameters\":");
            channel.close();
        });
        assertThat(ask("a.example", A)).isNull();
        assertThat(trail.getLast()).contains("hung up");
    }

    @Test
    void whoSaysNothingIsLeftAloneForAWhile() {
        patience = Duration.ofMillis(50);
        assertThat(ask("a.example", A)).isNull();
        assertThat(trail.getLast()).contains("says nothing for 50 ms");
        assertThat(names.isFor(DnsMessage.query("a.example", A))).isFalse();
        nanos.addAndGet(10_000_000_001L);
        assertThat(names.isFor(DnsMessage.query("a.example", A))).isTrue();
        assertThat(ask("a.example", A)).isNull();
        names.networkChanged();
        assertThat(names.isFor(DnsMessage.query("a.example", A))).isTrue();
    }

    @Test
    void aResolvedThatWasRestartedIsAskedLikeAnyOther() throws IOException {
        answers("{\"error\":\"io.systemd.Resolve.NoSuchResourceRecord\"}");
        assertThat(ask("a.example", A)).isNotNull();
        server.close();
        assertThat(ask("a.example", A)).isNull();
        nanos.addAndGet(10_000_000_001L);
        server = new VarlinkServer(
                socket,
                VarlinkServer.always("{\"error\":\"io.systemd.Resolve.DNSError\",\"parameters\":{\"rcode\":3}}"));
        assertThat(names.isFor(DnsMessage.query("a.example", A))).isTrue();
        assertThat(told("a.example", A)).contains("NXDOMAIN");
    }

    @Test
    void onlyWhatCanBeWrittenIsAsked() {
        assertThat(names.isFor(DnsMessage.query("a\"b.example", A))).isFalse();
        assertThat(names.isFor(DnsMessage.query("a b.example", A))).isFalse();
        assertThat(names.isFor(DnsMessage.query("_a-b.example", A))).isTrue();
        wanted.set(false);
        assertThat(names.isFor(DnsMessage.query("a.example", A))).isFalse();
    }

    @Test
    void guestsAreToldWhatItSays_andWhatServersSayWhereItIsGone() throws IOException {
        NameServer.Script nobody = (query, replier) ->
                replier.send(DnsMessage.reply((DnsQuery) DnsRequest.parse(query.message()), 3, false, List.of()));
        try (NameServer plain = NameServer.start(nobody);
                DnsService service = new DnsService(
                        DnsBench.PLAN,
                        DnsSettings.defaults(),
                        Limits.defaults(),
                        () -> DnsBench.config(DnsBench.PATIENT, 1, plain.address()),
                        DnsBench.NO_HOSTS,
                        null,
                        names,
                        () -> true)) {
            answers("{\"error\":\"io.systemd.Resolve.DNSError\",\"parameters\":{\"rcode\":3}}");
            Explanation told = service.explain("x.corp.example", "A");
            assertThat(told.outcome()).contains("NXDOMAIN");
            assertThat(told.steps()).last().extracting(Explanation.Step::who).isEqualTo("systemd-resolved");
            byte[] query = DnsMessage.query("y.corp.example", A).message();
            assertThat(DnsText.describe(DnsBench.ask(service, query, DnsService.Transport.UDP)))
                    .contains("NXDOMAIN");
            assertThat(plain.queries()).isEmpty();
            server.close();
            DnsBench.ask(service, query, DnsService.Transport.UDP);
            assertThat(plain.queries()).isNotEmpty();
        }
    }
}
