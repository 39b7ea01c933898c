package dev.sluice.gateway.dns;

import static dev.sluice.gateway.dns.DnsBench.PLAN;
import static dev.sluice.gateway.dns.DnsBench.ask;
import static dev.sluice.gateway.dns.DnsBench.ednsQuery;
import static dev.sluice.gateway.dns.DnsBench.parse;
import static dev.sluice.gateway.dns.DnsBench.query;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.dns.DnsService.Transport;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.host.HostsFile;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.OPTRecord;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

@Timeout(60)
class LocalNamesTest {
    /** Refuses everything, so that what was forwarded shows. */
    private final NameServer server = NameServer.start((query, replier) -> {
        byte[] refusal = query.message().clone();
        refusal[2] |= (byte) 0x80;
        refusal[3] = (byte) (refusal[3] & 0xf0 | Rcode.REFUSED);
        replier.send(refusal);
    });

    private @Nullable DnsService service;

    @BeforeEach
    void start(@TempDir Path directory) throws IOException {
        Path hosts = Files.writeString(directory.resolve("hosts"), """
                127.0.0.1 localhost
                ::1 localhost ip6-localhost
                192.0.2.7 Named.Example alias # comment
                2001:db8::7 named.example
                192.0.2.8 named.example
                0.0.0.0 blocked.example
                """);
        DnsNames names = new DnsNames(
                        DnsNames.defaults().host(),
                        DnsNames.defaults().gateway(),
                        Map.of("Extra.Example.", List.of(Ipv4Address.parse("192.0.2.99"))))
                .plus(List.of("my.host"), List.of("my.gateway"));
        service = DnsBench.uncached(
                PLAN,
                names,
                Limits.defaults(),
                () -> DnsBench.config(DnsBench.PATIENT, 1, server.address()),
                new HostsFile(hosts));
    }

    @AfterEach
    void stop() {
        service().close();
        server.close();
    }

    private DnsService service() {
        return java.util.Objects.requireNonNull(service);
    }

    private Message reply(String name, int type) {
        return ask(service(), name, type);
    }

    private static List<String> answers(Message reply) {
        return reply.getSection(Section.ANSWER).stream()
                .map(Record::rdataToString)
                .toList();
    }

    private void assertNoData(Message reply) {
        assertThat(reply.getRcode()).isEqualTo(Rcode.NOERROR);
        assertThat(reply.getSection(Section.ANSWER)).isEmpty();
        assertThat(server.queries()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "host.sluice.internal, 192.168.65.2",
        "HOST.Sluice.INTERNAL, 192.168.65.2",
        "host.docker.internal, 192.168.65.2",
        "my.host, 192.168.65.2",
        "gateway.sluice.internal, 192.168.65.1",
        "gAtEwAy.dOcKeR.iNtErNaL, 192.168.65.1",
        "my.gateway, 192.168.65.1",
        "extra.example, 192.0.2.99",
        "localhost, 127.0.0.1",
        "a.b.localhost, 127.0.0.1"
    })
    void builtInNamesHaveTheirAddress(String name, String address) {
        Message reply = reply(name, Type.A);
        assertThat(answers(reply)).containsExactly(address);
        assertThat(reply.getSection(Section.ANSWER).getFirst().getTTL()).isZero();
        assertThat(reply.getQuestion().getName().toString()).isEqualTo(name + ".");
        assertThat(reply.getHeader().getFlag(Flags.QR)).isTrue();
        assertThat(reply.getHeader().getFlag(Flags.RD)).isTrue();
        assertThat(reply.getHeader().getFlag(Flags.RA)).isTrue();
        assertThat(server.queries()).isEmpty();
    }

    @Test
    void whatTheProgramKnowsComesBeforeAllElse() {
        service().known(name -> switch (name) {
            case "host.docker.internal" -> List.of(Ipv4Address.parse("192.0.2.55"));
            case "gateway.docker.internal" -> List.of();
            default -> null;
        });
        assertThat(answers(reply("Host.Docker.Internal", Type.A))).containsExactly("192.0.2.55");
        assertNoData(reply("host.docker.internal", Type.AAAA));
        assertThat(reply("gateway.docker.internal", Type.A).getRcode()).isEqualTo(Rcode.NXDOMAIN);
        assertThat(answers(reply("host.sluice.internal", Type.A))).containsExactly("192.168.65.2");
    }

    @Test
    void theQuestionComesBackByteForByte() {
        byte[] query = query("hOsT.sLuIcE.iNtErNaL", Type.A);
        byte[] reply = ask(service(), query, Transport.TCP);
        assertThat(Arrays.copyOfRange(reply, 12, query.length)).isEqualTo(Arrays.copyOfRange(query, 12, query.length));
    }

    @ParameterizedTest
    @ValueSource(ints = {Type.AAAA, Type.MX, Type.TXT, Type.HTTPS, Type.PTR, Type.SOA})
    void aTypeTheNameHasNotIsNoDataAndNotNxdomain(int type) {
        assertNoData(reply("host.docker.internal", type));
    }

    @Test
    void theZoneItselfExistsAndWhatIsUnknownInItDoesNot() {
        assertNoData(reply("sluice.internal", Type.A));
        for (int type : new int[] {Type.A, Type.AAAA, Type.TXT}) {
            assertThat(reply("nobody.Sluice.Internal", type).getRcode()).isEqualTo(Rcode.NXDOMAIN);
        }
        assertThat(server.queries()).isEmpty();
    }

    @Test
    void namesThatOnlyLookLikeTheZoneAreForwarded() {
        for (String name : new String[] {"notsluice.internal", "sluice.internal.example", "other.docker.internal"}) {
            assertThat(reply(name, Type.A).getRcode()).isEqualTo(Rcode.REFUSED);
        }
        // One label with a dot inside is not two labels.
        byte[] tricky = query("hostXsluice.internal", Type.A);
        tricky[12 + 5] = '.';
        assertThat(parse(ask(service(), tricky, Transport.UDP)).getRcode()).isEqualTo(Rcode.REFUSED);
        assertThat(server.queries()).hasSize(4);
    }

    @Test
    void anyAsksForTheAddresses() {
        assertThat(answers(reply("host.sluice.internal", Type.ANY))).containsExactly("192.168.65.2");
        assertThat(answers(reply("named.example", Type.ANY))).containsExactly("192.0.2.7", "192.0.2.8");
    }

    @ParameterizedTest
    @CsvSource({
        "1.65.168.192.in-addr.arpa, gateway.sluice.internal.",
        "2.65.168.192.IN-ADDR.arpa, host.sluice.internal.",
        "7.2.0.192.in-addr.arpa, Named.Example.",
        "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa, named.example."
    })
    void reverseNamesOfWhatWeKnow(String name, String expected) {
        assertThat(answers(reply(name, Type.PTR))).first().isEqualTo(expected);
        assertNoData(reply(name, Type.A));
    }

    @Test
    void reverseNamesOfGuestsAreNotForwarded() {
        assertThat(reply("77.65.168.192.in-addr.arpa", Type.PTR).getRcode()).isEqualTo(Rcode.NXDOMAIN);
        assertThat(server.queries()).isEmpty();
        for (String name : new String[] {
            "77.66.168.192.in-addr.arpa",
            "65.168.192.in-addr.arpa",
            "1.1.65.168.192.in-addr.arpa",
            "01.65.168.192.in-addr.arpa",
            "x.65.168.192.in-addr.arpa",
            "in-addr.arpa",
            "ip6.arpa",
            "0.ip6.arpa"
        }) {
            assertThat(reply(name, Type.PTR).getRcode()).as(name).isEqualTo(Rcode.REFUSED);
        }
    }

    @Test
    void namesOfTheHostsFileHaveBothFamilies() {
        assertThat(answers(reply("NAMED.example", Type.A))).containsExactly("192.0.2.7", "192.0.2.8");
        assertThat(answers(reply("named.example", Type.AAAA))).containsExactly("2001:db8:0:0:0:0:0:7");
        assertThat(answers(reply("alias", Type.A))).containsExactly("192.0.2.7");
        assertThat(answers(reply("localhost", Type.AAAA))).containsExactly("0:0:0:0:0:0:0:1");
        assertThat(answers(reply("blocked.example", Type.A))).containsExactly("0.0.0.0");
        assertNoData(reply("alias", Type.AAAA));
        assertNoData(reply("blocked.example", Type.AAAA));
        assertNoData(reply("blocked.example", Type.HTTPS));
    }

    @Test
    void otherTypesOfTheHostsFilesNamesAreForwarded() {
        assertThat(reply("named.example", Type.MX).getRcode()).isEqualTo(Rcode.REFUSED);
    }

    @Test
    void aQueryWithEdnsIsAnsweredWithEdns() {
        Message reply = parse(ask(service(), ednsQuery("host.sluice.internal", Type.A, 4096), Transport.UDP));
        assertThat(answers(reply)).containsExactly("192.168.65.2");
        assertThat(reply.getOPT().getVersion()).isZero();
        assertThat(reply.getOPT().getPayloadSize()).isEqualTo(1232);
        assertThat(reply("host.sluice.internal", Type.A).getOPT()).isNull();
    }

    @Test
    void anUnknownEdnsVersionIsToldSo() {
        Message query = DnsBench.queryMessage("host.sluice.internal", Type.A);
        query.addRecord(new OPTRecord(4096, 0, 1), Section.ADDITIONAL);
        Message reply = parse(ask(service(), query.toWire(), Transport.UDP));
        assertThat(reply.getRcode()).isEqualTo(Rcode.BADVERS);
        assertThat(reply.getOPT().getVersion()).isZero();
    }

    @Test
    void manyAddressesAreTruncatedOverUdpOnly() {
        List<dev.sluice.wire.IpAddress> many = java.util.stream.IntStream.range(0, 64)
                .<dev.sluice.wire.IpAddress>mapToObj(i -> new Ipv4Address(0x0a00_0000 + i))
                .toList();
        try (DnsService service = DnsBench.uncached(
                PLAN,
                new DnsNames(List.of(), List.of(), Map.of("many.example", many)),
                Limits.defaults(),
                () -> DnsBench.config(DnsBench.PATIENT, 1),
                DnsBench.NO_HOSTS)) {
            byte[] query = query("many.example", Type.A);
            Message cut = parse(ask(service, query, Transport.UDP));
            assertThat(cut.getHeader().getFlag(Flags.TC)).isTrue();
            assertThat(cut.getSection(Section.ANSWER)).isEmpty();
            assertThat(answers(parse(ask(service, query, Transport.TCP)))).hasSize(64);
            assertThat(answers(parse(ask(service, ednsQuery("many.example", Type.A, 4096), Transport.UDP))))
                    .hasSize(64);
        }
    }

    @Test
    void impossibleNamesAreRefusedInTheConfiguration() {
        for (String name : new String[] {"", ".", "a..b", "x".repeat(64), "a.".repeat(150)}) {
            assertThatThrownBy(() -> DnsNames.defaults().plus(List.of(name), List.of()))
                    .as(name)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("is not a host name");
        }
    }

    @Test
    void whatWasAnsweredHereIsCounted() {
        reply("host.sluice.internal", Type.A);
        reply("named.example", Type.A);
        reply("elsewhere.example", Type.A);
        DnsCounters.Snapshot counters = service().counters().snapshot();
        assertThat(counters.queries()).isEqualTo(3);
        assertThat(counters.answeredLocally()).isEqualTo(2);
        assertThat(counters.forwarded()).isEqualTo(1);
    }
}
