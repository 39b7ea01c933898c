package dev.sluice.cli.face.gvproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** gvproxy's flags and file: what each means, what follows from none, and what is said of wrong ones. */
class ConfigurationTest {
    @TempDir
    private Path folder;

    private static Configuration parse(String... words) throws GoFlags.Mistake {
        Configuration configuration = Configuration.read(List.of(words));
        assertThat(configuration).isNotNull();
        configuration.complete();
        return configuration;
    }

    private Configuration yaml(String text, String... more) throws Exception {
        Path file = Files.writeString(folder.resolve("config.yaml"), text);
        String[] words = new String[more.length + 2];
        words[0] = "-config";
        words[1] = file.toString();
        System.arraycopy(more, 0, words, 2, more.length);
        return parse(words);
    }

    private static Ipv4Address ip(String text) {
        return Ipv4Address.parse(text);
    }

    @Test
    void withoutFlagsTheAddressesAreTheOriginals() throws Exception {
        Configuration configuration = parse();
        AddressPlan plan = configuration.plan();
        assertThat(plan.subnet()).hasToString("192.168.127.0/24");
        assertThat(plan.gateway()).hasToString("192.168.127.1");
        assertThat(plan.mac()).hasToString("5a:94:ef:e4:0c:dd");
        assertThat(plan.host()).hasToString("192.168.127.254");
        assertThat(plan.firstGuest()).hasToString("192.168.127.2");
        assertThat(plan.hostLoopback()).isTrue();
        assertThat(plan.mtu()).isEqualTo(1500);
        assertThat(configuration.leases())
                .containsExactly(Map.entry(ip("192.168.127.2"), MacAddress.parse("5a:94:ef:e4:0c:ee")));
        assertThat(configuration.forwards()).containsExactly(Map.entry("127.0.0.1:2222", "192.168.127.2:22"));
        assertThat(configuration.zones())
                .extracting(Zones.Zone::name)
                .containsExactly("containers.internal.", "docker.internal.");
    }

    @Test
    void theOthersFollowFromTheSubnet() throws Exception {
        Configuration configuration = parse("-subnet", "10.9.0.0/16", "--ssh-port=-1");
        assertThat(configuration.gateway()).hasToString("10.9.0.1");
        assertThat(configuration.device()).hasToString("10.9.0.2");
        assertThat(configuration.host()).hasToString("10.9.255.254");
        assertThat(configuration.nat()).containsExactly(Map.entry(ip("10.9.255.254"), Ipv4Address.LOOPBACK));
        assertThat(configuration.forwards()).isEmpty();
    }

    @Test
    void everyFlagIsTaken() throws Exception {
        Configuration configuration = parse(
                "-debug",
                "-mtu=4000",
                "--ssh-port",
                "2300",
                "-gatewayIP",
                "192.168.127.9",
                "-deviceIP",
                "192.168.127.10",
                "-hostIP",
                "192.168.127.11",
                "-listen",
                "unix:///tmp/a",
                "-listen",
                "tcp://127.0.0.1:7777",
                "-services",
                "unix:///tmp/s",
                "-listen-qemu",
                "unix:///tmp/q",
                "-listen-bess",
                "unixpacket:///tmp/b",
                "-listen-vfkit",
                "unixgram:///tmp/v",
                "-listen-vpnkit",
                "unix:///tmp/n",
                "-listen-stdio",
                "accept",
                "-forward-sock",
                "/tmp/f",
                "-forward-dest",
                "/run/podman.sock",
                "-forward-user",
                "core",
                "-forward-identity",
                "/tmp/key",
                "-pid-file",
                "/tmp/pid",
                "-log-file",
                "/tmp/log",
                "-pcap",
                "/tmp/pcap",
                "-notification",
                "unix:///tmp/notify",
                "-ec2-metadata-access");
        assertThat(configuration.debug).isTrue();
        assertThat(configuration.mtu).isEqualTo(4000);
        assertThat(configuration.gateway()).hasToString("192.168.127.9");
        assertThat(configuration.host()).hasToString("192.168.127.11");
        assertThat(configuration.forwards()).containsExactly(Map.entry("127.0.0.1:2300", "192.168.127.10:22"));
        assertThat(configuration.listen).containsExactly("unix:///tmp/a", "tcp://127.0.0.1:7777");
        assertThat(configuration.links).hasSize(5).containsEntry(Configuration.Kind.QEMU, "unix:///tmp/q");
        assertThat(configuration.sshForwards)
                .containsExactly(new Configuration.SshForward("/tmp/f", "/run/podman.sock", "core", "/tmp/key"));
        assertThat(configuration.ec2Metadata).isTrue();
        assertThat(configuration.capture).isEqualTo(Path.of("/tmp/pcap"));
    }

    @Test
    void theFileSaysTheSameAndMore() throws Exception {
        Configuration configuration = yaml("""
                listen: [unix:///tmp/a]
                log-level: debug
                services: unix:///tmp/s
                pid-file: /tmp/pid
                stack:
                  mtu: 9000
                  subnet: 10.1.0.0/24
                  hostIP: 10.1.0.200
                  gatewayMacAddress: 02:00:00:00:00:01
                  dns:
                    - name: crc.testing.
                      records:
                        - {name: host, ip: 10.1.0.200}
                        - {ip: 10.1.0.2, regexp: '^api-.*'}
                      defaultIP: 10.1.0.2
                  dnsSearchDomains: [crc.testing]
                  forwards:
                    ":2222": 10.1.0.2:22
                    "udp:127.0.0.1:5353": 10.1.0.2:53
                  nat: {10.1.0.200: 127.0.0.1}
                  gatewayVirtualIPs: [10.1.0.200]
                  dhcpStaticLeases: {10.1.0.2: "5a:94:ef:e4:0c:ee", 10.1.0.3: "02:00:00:00:00:03"}
                  ec2MetadataAccess: true
                interfaces:
                  qemu: unix:///tmp/q
                forwards:
                  - {socket: /tmp/f, dest: /run/p.sock, user: core, identity: /tmp/key}
                """, "-mtu", "1400");
        assertThat(configuration.mtu).as("a flag wins").isEqualTo(1400);
        assertThat(configuration.debug).isTrue();
        assertThat(configuration.plan().host()).hasToString("10.1.0.200");
        assertThat(configuration.plan().searchDomains()).containsExactly("crc.testing");
        assertThat(configuration.leases()).hasSize(2);
        assertThat(configuration.forwards())
                .containsExactly(Map.entry(":2222", "10.1.0.2:22"), Map.entry("udp:127.0.0.1:5353", "10.1.0.2:53"));
        assertThat(configuration.links).containsExactly(Map.entry(Configuration.Kind.QEMU, "unix:///tmp/q"));
        Zones zones = new Zones();
        configuration.zones().forEach(zones::add);
        assertThat(zones.addresses("host.crc.testing")).containsExactly(ip("10.1.0.200"));
        assertThat(zones.addresses("api-1.crc.testing")).containsExactly(ip("10.1.0.2"));
    }

    /** The original takes its file first, whatever stands where. */
    @Test
    void aFlagWinsOverTheFileWhereverItStands() throws Exception {
        Path file = Files.writeString(folder.resolve("c.yaml"), """
                listen: [unix:///tmp/of-the-file]
                interfaces: {qemu: unix:///tmp/q}
                stack: {mtu: 9000, subnet: 10.1.0.0/24}
                """);
        for (List<String> words : List.of(
                List.of("-mtu", "1400", "-listen", "unix:///tmp/a", "-listen", "unix:///tmp/b", "-config", "" + file),
                List.of("-config=" + file, "-mtu", "1400", "-listen", "unix:///tmp/a", "-listen", "unix:///tmp/b"))) {
            Configuration configuration = parse(words.toArray(String[]::new));
            assertThat(configuration.mtu).isEqualTo(1400);
            assertThat(configuration.listen).containsExactly("unix:///tmp/a", "unix:///tmp/b");
            assertThat(configuration.subnet).hasToString("10.1.0.0/24");
            assertThat(configuration.links).hasSize(1);
        }
    }

    /** HyperKit's guest of old gets the address that the ssh port leads to. */
    @Test
    void vpnkitGuestsHaveTheirHardwareAddressByName() throws Exception {
        UUID usual = UUID.fromString("c3d68012-0208-11ea-9fd7-f2189899ab08");
        assertThat(parse().macs()).isEqualTo(Map.of(usual, MacAddress.parse("5a:94:ef:e4:0c:ee")));
        assertThat(yaml("stack: {mtu: 1400}").macs()).isEmpty();
        assertThat(yaml("stack: {vpnKitUUIDMacAddresses: {%s: '02:00:00:00:00:01'}}".formatted(usual))
                        .macs())
                .isEqualTo(Map.of(usual, MacAddress.parse("02:00:00:00:00:01")));
        assertThatThrownBy(() -> yaml("stack: {vpnKitUUIDMacAddresses: {x: '02:00:00:00:00:01'}}"))
                .hasMessageContaining("stack.vpnKitUUIDMacAddresses.x");
    }

    /** Two gvproxys with files would be in each other's way at port 2222. */
    @Test
    void besideAFileThereAreNoForwardsNamesAndLeasesButItsOwn() throws Exception {
        Configuration configuration = yaml("stack: {mtu: 1400}");
        assertThat(configuration.forwards()).isEmpty();
        assertThat(configuration.zones()).isEmpty();
        assertThat(configuration.leases()).isEmpty();
        assertThat(configuration.plan().hostLoopback()).isTrue();
        assertThat(yaml("stack: {forwards: {':80': 192.168.127.2:80}}", "-ssh-port", "2300")
                        .forwards())
                .containsExactly(Map.entry("127.0.0.1:2300", "192.168.127.2:22"), Map.entry(":80", "192.168.127.2:80"));
    }

    @Test
    void membersOfOtherVersionsAreTaken() throws Exception {
        assertThat(yaml("ec2-metadata-access: true").ec2Metadata).isTrue();
        assertThat(yaml("stack: {debug: true}").debug).isTrue();
        assertThat(yaml("forwards: [{socket: 'unix:///tmp/f', dest: /run/p, user: core, identity: /tmp/k}]")
                        .sshForwards)
                .containsExactly(new Configuration.SshForward("/tmp/f", "/run/p", "core", "/tmp/k"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            stack: {mtu: x}                         | stack.mtu: must be a whole number
            stack: {mut: 1}                         | stack.mut: means nothing here
            stack: []                               | stack must be a mapping
            stack: {dns: [{records: []}]}           | stack.dns[0].name: must be there
            stack: {dns: [{name: a., records: [{name: b, ip: c}]}]} | 'c'
            stack: {nat: {x: 1.1.1.1}}              | stack.nat.x
            listen: 5                               | listen: must be a list
            {                                       | is no YAML
            stack: {gatewayVirtualIPs: [192.168.127.7]} | only 192.168.127.254
            """)
    void whatIsWrongInTheFileIsNamed(String text, String message) {
        assertThatThrownBy(() -> yaml(text)).hasMessageContaining(message);
    }

    @Test
    void aFileThatMultipliesItselfIsRefused() {
        StringBuilder bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 30; i++) {
            bomb.append("a%d: &a%d [*a%d, *a%d, *a%d]\n".formatted(i, i, i - 1, i - 1, i - 1));
        }
        assertThatThrownBy(() -> yaml(bomb.toString())).isInstanceOf(Exception.class);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            -foo                              | flag provided but not defined: -foo
            -mtu                              | flag needs an argument: -mtu
            -mtu x                            | invalid value "x" for flag -mtu: parse error
            -debug=maybe                      | invalid boolean value "maybe" for -debug: parse error
            -mtu 99999999999                  | invalid value "99999999999" for flag -mtu: value out of range
            -mtu 100                          | 576…65520
            -ssh-port 80                      | between 1024 and 65535
            -subnet 10.0.0.0/30               | 8…29
            -gatewayIP 10.0.0.1               | not in the subnet
            -hostIP 192.168.127.1             | three addresses
            -forward-sock /tmp/x              | go together
            -config /no/such                  | cannot read /no/such
            """)
    void whatIsWrongOnTheLineIsSaid(String line, String message) {
        assertThatThrownBy(() -> parse(line.split(" "))).hasMessageContaining(message);
    }

    @Test
    void addressesAreTranslatedAndMetadataIsClosed() throws Exception {
        Configuration configuration = yaml("stack: {nat: {192.168.127.254: 127.0.0.1, 203.0.113.9: 192.0.2.1}}");
        FlowPolicy policy = Gvproxy.policy(configuration, configuration.plan());
        assertThat(decide(policy, "192.168.127.254")).isEqualTo(new FlowPolicy.Allow(Ipv4Address.LOOPBACK, 80));
        assertThat(decide(policy, "203.0.113.9")).isEqualTo(new FlowPolicy.Allow(ip("192.0.2.1"), 80));
        assertThat(decide(policy, "169.254.169.254")).isInstanceOf(FlowPolicy.Prohibit.class);
        assertThat(decide(policy, "198.51.100.1")).isEqualTo(new FlowPolicy.Allow(ip("198.51.100.1"), 80));
        Configuration open = parse("-ec2-metadata-access");
        assertThat(decide(Gvproxy.policy(open, open.plan()), "169.254.169.254")).isInstanceOf(FlowPolicy.Allow.class);
        Configuration closed = yaml("stack: {nat: {}}");
        assertThat(decide(Gvproxy.policy(closed, closed.plan()), "192.168.127.254"))
                .as("without nat, the host's address leads nowhere")
                .isInstanceOf(FlowPolicy.Prohibit.class);
    }

    private static FlowPolicy.Decision decide(FlowPolicy policy, String destination) {
        return policy.decide(
                new FlowPolicy.Request(FlowPolicy.Protocol.TCP, ip("192.168.127.2"), 40_000, ip(destination), 80));
    }
}
