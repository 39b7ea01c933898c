package dev.sluice.cli.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.dns.DnsDirectory;
import dev.sluice.gateway.forward.ForwardSyntax;
import dev.sluice.wire.Ipv4Cidr;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Settings files: what they say, and everything that is wrong with them, by place. */
@Timeout(120)
class SettingsReaderTest {
    private static final Path FILE = Path.of("/etc/sluice/config.yaml");

    private static Settings read(String yaml) throws SettingsException {
        return SettingsReader.yaml(yaml, FILE);
    }

    private static List<String> mistakes(String yaml) {
        try {
            read(yaml);
            return List.of();
        } catch (SettingsException e) {
            return e.mistakes().stream()
                    .map(each ->
                            each.where().line() + ":" + each.where().column() + " " + each.key() + " " + each.message())
                    .toList();
        }
    }

    @Test
    void everyKeyCanBeSaid() throws SettingsException {
        Settings all = read("""
                network:
                  subnet: 10.9.8.0/24
                  ipv6: true
                  subnet6: fd12:3456::/64
                  mtu: 1500
                  host-loopback: true
                  seccomp: true
                dns:
                  servers: [192.0.2.53, "tls:192.0.2.54#dns.example"]
                  zones:
                    corp.example: [10.0.0.53, "10.0.0.54:5353"]
                    test: []
                  records:
                    - db.test=10.0.0.5
                    - {name: mail.test, type: MX, value: 10 db.test, ttl: 5}
                    - {name: www.test, value: db.test}
                  hosts: my-hosts
                  cache: false
                  host-names: [my.host]
                  gateway-names: [my.gateway]
                  vm-names: [my.vm]
                ports:
                  publish: ["8080:80", 9090, 8000-8001]
                  publish-auto: false
                  gateway: ["5432:127.0.0.1:5432"]
                  helper: /run/helper.sock
                  keep-alive: 0
                proxy: {use: "http://me:pw@proxy.test:3128", except: [.test, 10.0.0.0/8],
                        logins: ["me:pw@proxy.test:3128"], port: 0, transparent-ports: [80]}
                capture: {file: t.pcapng, rings: true}
                api: {listen: ["unix:api.sock"], token-file: token}
                serve: {listen: ["qemu:/tmp/vm.sock"]}
                limits: {tcp-flows: 100, tcp-half-open: 10, udp-flows: 100, buffer-bytes: 1048576, dns-queries: 10,
                         dns-queries-per-second: 50}
                """);
        assertThat(Keys.ALL).allMatch(key -> all.has(key));
        assertThat(all.get(Keys.SUBNET)).isEqualTo(Ipv4Cidr.parse("10.9.8.0/24"));
        assertThat(all.get(Keys.PUBLISH))
                .isEqualTo(List.of("8080:80", "9090", "8000", "8001").stream()
                        .flatMap(text -> ForwardSyntax.parse(text).stream())
                        .toList());
        assertThat(all.get(Keys.DNS_RECORDS))
                .containsExactly(
                        new DnsDirectory.Entry("db.test", "A", 60, "10.0.0.5"),
                        new DnsDirectory.Entry("mail.test", "MX", 5, "10 db.test"),
                        new DnsDirectory.Entry("www.test", "CNAME", 60, "db.test"));
        assertThat(all.get(Keys.DNS_HOSTS)).isEqualTo(Path.of("/etc/sluice/my-hosts"));
        assertThat(Objects.requireNonNull(all.where(Keys.MTU)).toString()).isEqualTo("/etc/sluice/config.yaml:5:8");
    }

    @Test
    void whatIsShownCanBeReadAgain() throws SettingsException {
        Settings all = read("network: {mtu: 1500}\ndns: {zones: {a.test: [192.0.2.1]}, records: [a.test=192.0.2.7]}\n"
                + "ports: {publish: [8080:80/udp], gateway: [5432:unix:/tmp/x]}\n");
        assertThat(SettingsReader.json(all.plain(), Where.API).differences(all)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            dns: {serves: [1.1.1.1]}              | 1:7 dns.serves means nothing; did you mean 'servers'?
            dns: {Servers: []}                    | 1:7 dns.Servers means nothing; did you mean 'servers'?
            network: {host_loopback: true}        | did you mean 'host-loopback'?
            publish: []                           | 1:1 publish means nothing here; did you mean 'ports.publish'?
            xyzzy: 1                              | known are api, capture, dns, limits, network, ports
            dns: 5                                | 1:6 dns is a section
            network: {mtu: 100}                   | 1:16 network.mtu must be a whole number within 576…65520, not '100'
            network: {mtu: "1500"}                | network.mtu must be a whole number
            network: {mtu: }                      | network.mtu must be a whole number within 576…65520, not nothing
            network: {ipv6: yes}                  | network.ipv6 must be true or false, not 'yes'
            network: {subnet: 10.0.0.0/30}        | network.subnet a guest network needs a prefix length within 8…29
            network: {subnet: 10.0.0.0}           | network.subnet
            network: {subnet6: fd00::/48}         | a /64
            network: {subnet6: fd00:1::/64, ipv6: false} | network.ipv6 switches off
            network: {subnet6: fd00:1::/64, mtu: 1000}   | a network.mtu of 1280
            dns: {servers: 1.1.1.1}               | dns.servers must be a list, as [192.0.2.53]
            dns: {servers: [one.one]}             | 1:17 dns.servers[0] name server 'one.one'
            dns: {servers: [53]}                  | dns.servers[0] must be a text as 192.0.2.53, not '53' (put it in quotes
            dns: {zones: [a]}                     | dns.zones must be a mapping
            dns: {zones: {a..b: []}}              | 'a..b' is not a name
            dns: {zones: {a.test: [x]}}           | dns.zones.a.test[0]
            dns: {records: [x]}                   | dns.records[0] write NAME=ADDRESS
            dns: {records: [{name: a.test}]}      | dns.records[0] lacks 'value'
            dns: {records: [{name: a, valeu: b}]} | dns.records[0].valeu means nothing; a record has name, type, value, ttl
            dns: {records: [a.b=1.2.3]}           | dns.records[0]
            dns: {records: [a.b=c.d, a.b=1.2.3.4]} | a CNAME stands alone
            dns: {host-names: [a..b]}             | dns.host-names
            dns: {hosts: ""}                      | dns.hosts must not be empty
            ports: {publish: [web]}               | ports.publish[0]
            ports: {publish: [80:1, 80:2]}        | leads 80 to two places
            ports: {gateway: [80:127.0.0.1:1, 80:127.0.0.1:2]} | leads port 80 to two places
            proxy: {use: "ftp://me:pw@x"}         | a proxy of kind 'ftp' is not known
            proxy: {except: [10.0.0.0/99]}        | proxy.except[0]
            proxy: {logins: ["me:pw@x"]}          | a login is USER:PASSWORD@HOST:PORT
            api: {listen: [tcp:0.0.0.0:80]}       | ssh -L
            serve: {listen: [x]}                  | qemu:PATH
            limits: {tcp-flows: 1}                | within 16…1048576
            [1, 2]                                | 1:1  it must be a mapping
            dns: {cache: true, cache: false}      | 1:20 cache stands a second time; the first is in line 1
            a: b: c                               | this is no YAML
            "a                                    | this is no YAML
            a: &x [*x]                            | no anchor &x stands before
            a: !!java.io.File x                   | tags as tag:yaml.org,2002:java.io.File mean nothing
            ? [1] : 2                             | a name must be a word
            """)
    void everyMistakeSaysWhereItIsAndWhatIsAllowed(String yaml, String said) {
        assertThat(mistakes(yaml))
                .isNotEmpty()
                .anySatisfy(mistake -> assertThat(mistake).contains(said));
    }

    @Test
    void allMistakesAreToldAtOnce() {
        assertThat(mistakes("""
                        network:
                          mtu: big
                          colour: red
                        dns:
                          servers:
                            - 1.1.1.1
                            - nonsense
                          cache: maybe
                        """))
                .satisfiesExactly(
                        one -> assertThat(one).startsWith("2:8 network.mtu "),
                        two -> assertThat(two).startsWith("3:3 network.colour "),
                        three -> assertThat(three).startsWith("7:7 dns.servers[1] "),
                        four -> assertThat(four).startsWith("8:10 dns.cache "));
    }

    @Test
    void aliasesMayBeUsedButNotToBlowUpADocument() throws SettingsException {
        assertThat(read("dns: {servers: &s [192.0.2.1], zones: {a.test: *s}}").get(Keys.DNS_ZONES))
                .containsExactly(new DnsDirectory.Zone("a.test", List.of("192.0.2.1")));
        StringBuilder bomb = new StringBuilder("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for (int i = 1; i < 10; i++) {
            bomb.append("a%d: &a%d [%s]\n"
                    .formatted(i, i, String.join(",", java.util.Collections.nCopies(10, "*a" + (i - 1)))));
        }
        assertThat(mistakes(bomb.toString())).singleElement().asString().contains("more than 50000 values");
    }

    @Test
    void depthAndLengthAreBounded() {
        assertThat(mistakes("a: " + "[".repeat(100_000)))
                .singleElement()
                .asString()
                .contains("deeper than 32");
        assertThat(mistakes("a:\n" + "- ".repeat(100_000) + "x"))
                .singleElement()
                .asString()
                .contains("deeper than 32");
        assertThat(mistakes("#" + "x".repeat(1 << 20)))
                .singleElement()
                .asString()
                .contains("more than 1048576");
        assertThat(mistakes("x: 1\n".repeat(1000))).hasSize(Mistakes.KEPT);
    }

    @Test
    void portsThatRangesStandForAreBounded() throws SettingsException {
        assertThat(read("ports: {publish: [1-16384, 16385-32768]}").get(Keys.PUBLISH, List.of()))
                .hasSize(32_768);
        assertThat(mistakes("ports: {publish: [" + "1-20000, ".repeat(1000) + "]}"))
                .singleElement()
                .asString()
                .contains("ports.publish stands for more than 32768 items");
    }

    @Test
    void nothingIsAnEmptySetOfSettings() throws SettingsException {
        for (String empty : List.of("", "# only this\n", "---\n", "dns:\n", "null")) {
            assertThat(read(empty).plain()).isEmpty();
        }
        assertThat(mistakes("a: 1\n---\nb: 1\n")).singleElement().asString().contains("a second document");
    }

    @Test
    void theFileIsReadAsUtf8AndNamedInEachMistake(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("config.yaml");
        Files.write(file, new byte[] {'a', ':', ' ', (byte) 0xff});
        assertThatThrownBy(() -> SettingsReader.file(file)).hasMessage(file + ": it is not written in UTF-8");
        Files.writeString(file, "dns:\n  cache: 5\n");
        assertThatThrownBy(() -> SettingsReader.file(file))
                .hasMessage(file + ":2:10: dns.cache must be true or false, not '5'");
    }

    @Test
    void higherLayersTakeThePlaceOfWholeValues() throws SettingsException {
        Settings file = read("dns: {servers: [192.0.2.1, 192.0.2.2], cache: false}\n");
        Settings flags = new Settings.Draft()
                .add(
                        Keys.DNS_SERVERS,
                        List.of(dev.sluice.gateway.dns.DnsServer.parse("192.0.2.9")),
                        Where.option("--dns"))
                .build();
        Settings both = flags.over(file);
        assertThat(both.get(Keys.DNS_SERVERS, List.of())).hasSize(1);
        assertThat(both.get(Keys.DNS_CACHE, true)).isFalse();
        assertThat(both.origins())
                .isEqualTo(Map.of("dns.servers", "--dns", "dns.cache", "/etc/sluice/config.yaml:1:47"));
        assertThat(both.differences(file)).isEqualTo(new ArrayList<>(List.of(Keys.DNS_SERVERS)));
    }
}
