package dev.sluice.gateway.dns;

import static dev.sluice.gateway.dns.DnsBench.PATIENT;
import static dev.sluice.gateway.dns.DnsBench.a;
import static dev.sluice.gateway.dns.DnsBench.ask;
import static dev.sluice.gateway.dns.DnsBench.config;
import static dev.sluice.gateway.dns.DnsBench.replyTo;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.dns.DnsDirectory.Entry;
import dev.sluice.gateway.dns.DnsDirectory.Zone;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.host.HostsFile;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xbill.DNS.Message;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/** Records and zones that are added and removed while the network runs. */
@Timeout(60)
class DnsTableTest {
    private final NameServer outside = NameServer.start(answering("192.0.2.1"));
    private final DnsService service = DnsBench.service(outside);
    private final DnsDirectory directory = service.directory();

    @AfterEach
    void stop() {
        service.close();
        outside.close();
    }

    private static NameServer.Script answering(String address) {
        return (query, replier) -> replier.send(
                replyTo(query.message(), a(query.message(), address)).toWire());
    }

    private static Entry entry(String name, String type, String value) {
        return new Entry(name, type, 60, value);
    }

    private List<String> answers(String name, int type) {
        return answers(ask(service, name, type));
    }

    private static List<String> answers(Message reply) {
        return reply.getSection(Section.ANSWER).stream()
                .map(Record::rdataToString)
                .toList();
    }

    private static String text(InetSocketAddress address) {
        return address.getAddress().getHostAddress() + ":" + address.getPort();
    }

    @Test
    void aRecordIsThereWithTheNextLookupAndGoneAfterItsRemoval() {
        assertThat(answers("db.corp.example", Type.A)).containsExactly("192.0.2.1");
        directory.addRecords(
                List.of(entry("DB.Corp.Example.", "a", " 10.0.0.5 "), entry("db.corp.example", "A", "10.0.0.6")));
        Message reply = ask(service, "db.CORP.example", Type.A);
        assertThat(answers(reply)).containsExactly("10.0.0.5", "10.0.0.6");
        assertThat(reply.getSection(Section.ANSWER).getFirst().getTTL()).isEqualTo(60);
        assertThat(directory.records())
                .containsExactly(entry("db.corp.example", "A", "10.0.0.5"), entry("db.corp.example", "A", "10.0.0.6"));

        assertThat(directory.removeRecords("DB.corp.example", "")).hasSize(2);
        assertThat(directory.removeRecords("db.corp.example", "")).isEmpty();
        assertThat(answers("db.corp.example", Type.A)).containsExactly("192.0.2.1");
        assertThat(directory.records()).isEmpty();
    }

    @Test
    void theOtherFamilyOfANamedAddressIsNoDataAndOtherTypesAreAskedOutside() {
        directory.addRecords(List.of(entry("db.example", "A", "10.0.0.5")));
        for (int type : new int[] {Type.AAAA, Type.HTTPS}) {
            Message reply = ask(service, "db.example", type);
            assertThat(reply.getRcode()).isEqualTo(Rcode.NOERROR);
            assertThat(answers(reply)).isEmpty();
        }
        assertThat(outside.queries()).isEmpty();
        ask(service, "db.example", Type.MX);
        assertThat(outside.queries()).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    A     | 192.0.2.7               | 192.0.2.7
                    AAAA  | 2001:db8::7             | 2001:db8:0:0:0:0:0:7
                    TXT   | some words              | "some words"
                    TXT   | "one" "two"             | one two
                    MX    | 10 mail.example         | 10 mail.example.
                    SRV   | 0 5 8080 www.example    | 0 5 8080 www.example.
                    PTR   | name.example            | name.example.
                    NS    | ns.example              | ns.example.
                    CNAME | other.example           | other.example.
                    """)
    void everyTypeHasItsZoneFileForm(String type, String value, String expected) {
        directory.addRecords(List.of(entry("x.example", type, value)));
        assertThat(answers("x.example", Type.value(type))).containsExactly(expected);
        assertThat(outside.queries()).isEmpty();
    }

    @Test
    void reverseNamesOfAddressesFollow() {
        directory.addRecords(
                List.of(entry("db.example", "A", "10.0.0.5"), entry("six.example", "AAAA", "2001:db8::5")));
        assertThat(answers("5.0.0.10.in-addr.arpa", Type.PTR)).containsExactly("db.example.");
        assertThat(answers("5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", Type.PTR))
                .containsExactly("six.example.");
    }

    @Test
    void anAliasIsFollowedHereAndOutside() {
        directory.addRecords(List.of(
                entry("www.test", "CNAME", "app.test"),
                entry("app.test", "A", "10.0.0.9"),
                entry("out.test", "CNAME", "real.example"),
                entry("loop.test", "CNAME", "pool.test"),
                entry("pool.test", "CNAME", "loop.test")));
        assertThat(answers("www.test", Type.A)).containsExactly("app.test.", "10.0.0.9");
        assertThat(outside.queries()).isEmpty();

        Message reply = ask(service, "OUT.test", Type.A);
        assertThat(answers(reply)).containsExactly("real.example.", "192.0.2.1");
        assertThat(reply.getSection(Section.ANSWER).get(1).getName().toString()).isEqualTo("real.example.");
        assertThat(reply.getSection(Section.ANSWER).get(1).getTTL()).isEqualTo(299);
        assertThat(reply.getQuestion().getName().toString()).isEqualTo("OUT.test.");

        assertThat(ask(service, "loop.test", Type.A).getRcode()).isEqualTo(Rcode.SERVFAIL);
    }

    @Test
    void whatTheAliasStandsForMayNotExist() {
        outside.script((query, replier) -> {
            Message reply = replyTo(query.message());
            reply.getHeader().setRcode(Rcode.NXDOMAIN);
            replier.send(reply.toWire());
        });
        directory.addRecords(List.of(entry("out.test", "CNAME", "nothing.example")));
        Message reply = ask(service, "out.test", Type.A);
        assertThat(reply.getRcode()).isEqualTo(Rcode.NXDOMAIN);
        assertThat(answers(reply)).containsExactly("nothing.example.");
    }

    @Test
    void aWildcardStandsForNamesWithoutRecords() {
        directory.addRecords(List.of(
                entry("*.dev.test", "A", "10.0.0.1"),
                entry("one.dev.test", "A", "10.0.0.2"),
                entry("*.one.dev.test", "A", "10.0.0.3")));
        assertThat(answers("any.dev.test", Type.A)).containsExactly("10.0.0.1");
        assertThat(answers("a.b.dev.test", Type.A)).containsExactly("10.0.0.1");
        assertThat(answers("one.dev.test", Type.A)).containsExactly("10.0.0.2");
        assertThat(answers("x.one.dev.test", Type.A)).containsExactly("10.0.0.3");
        assertThat(answers("dev.test", Type.A)).containsExactly("192.0.2.1");
        directory.removeRecords("*.one.dev.test", "A");
        // The name above it exists, so the wildcard further up does not reach below it (RFC 4592 §3.3.1).
        assertThat(answers("x.one.dev.test", Type.A)).containsExactly("192.0.2.1");
    }

    @Test
    void eachZoneIsAskedOfItsOwnServersAndOfNobodyElse() {
        try (NameServer corp = NameServer.start(answering("10.0.0.1"));
                NameServer lab = NameServer.start(answering("10.0.0.2"))) {
            directory.putZone(new Zone("corp.example.", List.of(text(corp.address()))));
            directory.putZone(new Zone("Lab.corp.example", List.of(text(lab.address()))));
            assertThat(answers("a.CORP.example", Type.A)).containsExactly("10.0.0.1");
            assertThat(answers("corp.example", Type.A)).containsExactly("10.0.0.1");
            assertThat(answers("b.lab.corp.example", Type.A)).containsExactly("10.0.0.2");
            assertThat(answers("notcorp.example", Type.A)).containsExactly("192.0.2.1");
            assertThat(corp.queries()).hasSize(2);
            assertThat(lab.queries()).hasSize(1);
            assertThat(outside.queries()).hasSize(1);

            assertThat(directory.zones()).hasSize(2);
            assertThat(directory.removeZone("LAB.corp.example")).isPresent();
            assertThat(directory.removeZone("lab.corp.example")).isEmpty();
            assertThat(answers("b.lab.corp.example", Type.A)).containsExactly("10.0.0.1");
            // No answer from elsewhere when its own servers have none.
            corp.script(NameServer.SILENT);
            directory.putZone(new Zone("corp.example", List.of("127.0.0.1:1")));
            assertThat(ask(service, "c.corp.example", Type.A).getRcode()).isEqualTo(Rcode.SERVFAIL);
            assertThat(outside.queries()).hasSize(1);
        }
    }

    @Test
    void aZoneWithoutServersIsHereAlone() {
        directory.putZone(new Zone("test", List.of()));
        directory.addRecords(List.of(entry("a.b.test", "A", "10.0.0.1"), entry("text.test", "TXT", "x")));
        assertThat(answers("a.b.test", Type.A)).containsExactly("10.0.0.1");
        assertThat(ask(service, "c.test", Type.A).getRcode()).isEqualTo(Rcode.NXDOMAIN);
        for (String exists : new String[] {"test", "b.test", "text.test"}) {
            Message reply = ask(service, exists, Type.A);
            assertThat(reply.getRcode()).as(exists).isEqualTo(Rcode.NOERROR);
            assertThat(answers(reply)).as(exists).isEmpty();
        }
        assertThat(outside.queries()).isEmpty();
    }

    @Test
    void builtInNamesWinOverTheHostsFileAndThatOverRecords(@TempDir Path directory) throws IOException {
        Path hosts = Files.writeString(
                directory.resolve("hosts"), "192.0.2.7 host.docker.internal\n192.0.2.8 named.example\n");
        try (DnsService service = DnsBench.uncached(
                DnsBench.PLAN,
                DnsNames.defaults(),
                Limits.defaults(),
                () -> config(PATIENT, 1, outside.address()),
                new HostsFile(hosts))) {
            service.directory()
                    .addRecords(List.of(
                            entry("host.docker.internal", "A", "10.0.0.1"),
                            entry("named.example", "A", "10.0.0.2"),
                            entry("mine.sluice.internal", "A", "10.0.0.3")));
            assertThat(answers(ask(service, "host.docker.internal", Type.A))).containsExactly("192.168.65.2");
            assertThat(answers(ask(service, "named.example", Type.A))).containsExactly("192.0.2.8");
            assertThat(answers(ask(service, "mine.sluice.internal", Type.A))).containsExactly("10.0.0.3");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "x.example, A, 1.2.3",
        "x.example, A, 2001:db8::1",
        "x.example, AAAA, 1.2.3.4",
        "x.example, CNAME, a..b",
        "x.example, MX, mail.example",
        "x.example, SRV, 1 2 99999 a.example",
        "x.example, LOC, somewhere",
        "x..example, A, 1.2.3.4",
        "., A, 1.2.3.4"
    })
    void aWrongRecordIsRefusedWithAllThatCameWithIt(String name, String type, String value) {
        assertThatThrownBy(() ->
                        directory.addRecords(List.of(entry("good.example", "A", "10.0.0.1"), entry(name, type, value))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(value.contains("1.2.3.4") && !type.equals("AAAA") ? "not a name" : value);
        assertThat(directory.records()).isEmpty();
    }

    @Test
    void anAliasStandsAlone() {
        directory.addRecords(List.of(entry("a.test", "A", "10.0.0.1"), entry("c.test", "CNAME", "a.test")));
        assertThatThrownBy(() -> directory.addRecords(List.of(entry("a.test", "CNAME", "b.test"))))
                .hasMessageContaining("RFC 1034");
        assertThatThrownBy(() -> directory.addRecords(List.of(entry("c.test", "A", "10.0.0.1"))))
                .hasMessageContaining("RFC 1034");
        directory.addRecords(List.of(entry("C.test", "cname", "a.test"))); // what is there already
        assertThat(directory.records()).hasSize(2);
    }

    @Test
    void bothAreBounded() {
        assertThatThrownBy(() -> directory.addRecords(IntStream.rangeClosed(0, DnsTable.MAX_RECORDS)
                        .mapToObj(i -> entry("n" + i + ".test", "A", "10.0.0.1"))
                        .toList()))
                .hasMessageContaining("at most 10000");
        IntStream.range(0, DnsTable.MAX_ZONES).forEach(i -> directory.putZone(new Zone("z" + i, List.of())));
        assertThatThrownBy(() -> directory.putZone(new Zone("one-more", List.of())))
                .hasMessageContaining("at most 1000");
        directory.putZone(new Zone("z1", List.of("192.0.2.53"))); // in the place of the other
        assertThat(directory.zones()).hasSize(DnsTable.MAX_ZONES);
    }

    @Test
    void changesFromManyThreadsAreAllSeen() {
        List<CompletableFuture<Void>> all = IntStream.range(0, 16)
                .mapToObj(thread -> CompletableFuture.runAsync(() -> {
                    for (int i = 0; i < 50; i++) {
                        directory.addRecords(List.of(entry("n" + i + ".t" + thread + ".test", "A", "10.0.0.1")));
                        if (i % 2 == 0) {
                            directory.removeRecords("n" + i + ".t" + thread + ".test", "");
                        }
                    }
                }))
                .toList();
        all.forEach(CompletableFuture::join);
        assertThat(directory.records()).hasSize(16 * 25);
    }

    @ParameterizedTest
    @CsvSource({
        "192.0.2.53, 192.0.2.53",
        "192.0.2.53:53, 192.0.2.53",
        "192.0.2.53:5353, 192.0.2.53:5353",
        "2001:db8::53, 2001:db8:0:0:0:0:0:53",
        "[2001:db8::53]:5353, [2001:db8:0:0:0:0:0:53]:5353",
        "[2001:db8::53], 2001:db8:0:0:0:0:0:53",
        "TCP:192.0.2.53, tcp:192.0.2.53",
        "tls:192.0.2.53#dns.example, tls:192.0.2.53#dns.example",
        "tls:192.0.2.53:853, tls:192.0.2.53",
        "tls:[2001:db8::1]:8853#dns.example, tls:[2001:db8:0:0:0:0:0:1]:8853#dns.example"
    })
    void serversAreReadAndWritten(String text, String written) {
        DnsServer server = DnsServer.parse(text);
        assertThat(server).hasToString(written);
        assertThat(DnsServer.parse(written)).isEqualTo(server);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "dns.example",
                "1",
                "1.2",
                "192.0.2.53:0",
                "192.0.2.53:x",
                "192.0.2.53:65536",
                "192.0.2.53#name",
                "tls:192.0.2.53#",
                "[2001:db8::53",
                "[2001:db8::53]x",
                "http:192.0.2.53"
            })
    void whatIsNoServerIsRefusedWithExamples(String text) {
        assertThatThrownBy(() -> DnsServer.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'" + text + "'")
                .hasMessageContaining("write 192.0.2.53");
    }
}
