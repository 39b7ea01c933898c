package dev.sluice.cli.face.vpnkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.host.VsockAddress;
import dev.sluice.wire.Ipv4Address;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** VPNKit's command line. */
class FlagsTest {
    private static Settings parse(String line) throws Cmdliner.Mistake {
        Settings settings = new Settings();
        assertThat(Flags.parse(List.of(line.split(" ")), settings)).isEqualTo(Flags.Outcome.RUN);
        return settings;
    }

    /** The command line of Docker Desktop 2.0, as one of its users has published it. */
    @Test
    void dockersLineIsUnderstood(@TempDir Path folder) throws Exception {
        Path dhcp = Files.writeString(folder.resolve("dhcp.json"), "{}");
        Settings settings = parse("--ethernet fd:3 --port vpnkit.port.sock --port hyperkit://:62373/./vms/0"
                + " --diagnostics fd:4 --pcap fd:5 --vsock-path vms/0/connect"
                + " --host-names host.docker.internal,docker.for.mac.host.internal,docker.for.mac.localhost"
                + " --gateway-names gateway.docker.internal,docker.for.mac.gateway.internal"
                + " --vm-names docker-for-desktop --listen-backlog 32 --mtu 1500"
                + " --allowed-bind-addresses 0.0.0.0 --http http_proxy.json --dhcp " + dhcp
                + " --port-max-idle-time 300 --max-connections 2000 --gateway-ip 192.168.65.1 --host-ip 192.168.65.2"
                + " --lowest-ip 192.168.65.3 --highest-ip 192.168.65.254 --log-destination asl"
                + " --udpv4-forwards 123:127.0.0.1:53859 --gc-compact-interval 1800");
        assertThat(settings.ethernet).isEqualTo("fd:3");
        assertThat(settings.ports).containsExactly("vpnkit.port.sock", "hyperkit://:62373/./vms/0");
        assertThat(settings.hostNames).hasSize(3);
        assertThat(settings.dhcpFile).isEqualTo(dhcp.toString());
        assertThat(settings.maxConnections).isEqualTo(2000);
        assertThat(settings.forwards).hasToString("[123:127.0.0.1:53859/udp]");
        AddressPlan plan = settings.plan("localdomain", List.of());
        assertThat(plan.subnet()).hasToString("192.168.65.0/24");
        assertThat(plan.hostLoopback()).isTrue();
        assertThat(Endpoint.parse(settings.ports.get(1))).isEqualTo(new Endpoint.Path("vms/0/00000002.0000f3a5"));
        assertThat(Endpoint.connect("hyperkit://:62372/./vms/0"))
                .isEqualTo(new Endpoint.Hyperkit("vms/0/connect", 62_372));
        assertThat(Endpoint.connect("/run/data.sock")).isEqualTo(new Endpoint.Path("/run/data.sock"));
        assertThat(Endpoint.parse("fd:4")).isEqualTo(new Endpoint.Inherited(4));
    }

    @Test
    void aPortOfVsockIsAPlaceToConnectToOnlyWithAMachine() {
        assertThat(Endpoint.connect("vsock://3:62373")).isEqualTo(new Endpoint.Vsock(new VsockAddress(3, 62_373)));
        assertThat(Endpoint.parse("vsock://:62373")).hasToString("Vsock[address=vsock://:62373]");
        assertThatThrownBy(() -> Endpoint.connect("vsock://:62373"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("which guest?");
        assertThatThrownBy(() -> Endpoint.connect("hyperv-connect://vm"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("vsock://CID:PORT");
    }

    @Test
    void rootlesskitsLineIsUnderstoodWithoutTheHost() throws Exception {
        Settings settings = parse("--ethernet /run/x/vpnkit-ethernet.sock --mtu 1500 --host-ip 0.0.0.0");
        AddressPlan plan = settings.plan("", List.of());
        assertThat(plan.hostLoopback()).isFalse();
        assertThat(plan.firstGuest()).isEqualTo(Ipv4Address.parse("192.168.65.3"));
    }

    @Test
    void aSmallRangeMakesASmallNetwork() throws Exception {
        Settings settings = parse("--gateway-ip=192.168.67.1 --host-ip=192.168.67.2 --lowest-ip=192.168.67.3"
                + " --highest-ip=192.168.67.14 --debug");
        assertThat(settings.plan("", List.of()).subnet()).hasToString("192.168.67.0/28");
    }

    @Test
    void mistakesAreSaidInTheParsersWords() {
        String[][] cases = {
            {"--ethernets x", "unknown option '--ethernets'."},
            {"-e x", "unknown option '-e'."},
            {"--host x", "ambiguous"},
            {"--mtu", "option '--mtu' needs an argument"},
            {"--mtu x", "option '--mtu': invalid value 'x', expected an integer"},
            {"--mtu 1 --mtu 2", "option '--mtu' cannot be repeated"},
            {"--debug=1", "option '--debug' is a flag, it cannot take the argument '1'"},
            {"x", "too many arguments, don't know what to do with 'x'"},
            {"--dhcp /nowhere", "option '--dhcp-path': invalid value '/nowhere', no such file"},
            {"--tcpv4-forwards 1:2", "expected port:ip:port"},
            {"--gateway-ip 1.2.3", "expected an IPv4 address"},
        };
        for (String[] one : cases) {
            assertThatThrownBy(() -> parse(one[0])).as(one[0]).hasMessageContaining(one[1]);
        }
    }

    @Test
    void addressesThatMakeNoNetworkAreRefused() throws Exception {
        assertThatThrownBy(() -> parse("--lowest-ip 192.168.65.9 --highest-ip 192.168.65.4")
                        .plan("", List.of()))
                .hasMessageContaining("above");
        assertThatThrownBy(() -> parse("--gateway-ip 1.2.3.4").plan("", List.of()))
                .hasMessageContaining("too far apart");
        assertThatThrownBy(() -> parse("--mtu 100000").plan("", List.of())).hasMessageContaining("--mtu");
    }

    @Test
    void addressesOfOtherSystemsAreRefused() {
        assertThatThrownBy(() -> Endpoint.parse("hyperv-connect://12/34")).hasMessageContaining("another system");
        assertThatThrownBy(() -> Endpoint.parse("\\\\.\\pipe\\x")).hasMessageContaining("another system");
    }
}
