package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.wire.Ipv4Cidr;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class SubnetChoiceTest {
    private final List<String> said = new ArrayList<>();

    @Test
    void withoutAnOverlapTheUsualOneIsTakenSilently() {
        assertThat(SubnetChoice.choose(null, routes("10.0.0.0/24"), said::add)).hasToString("192.168.65.0/24");
        assertThat(said).isEmpty();
    }

    @Test
    void anOverlapLeadsToTheNextFreeOneAndIsSaidInOneLine() {
        assertThat(SubnetChoice.choose(null, routes("192.168.0.0/16", "172.28.65.128/25"), said::add))
                .hasToString("10.165.65.0/24");
        assertThat(said).hasSize(1);
        assertThat(said.getFirst()).contains("192.168.65.0/24", "192.168.0.0/16 (eth0)", "10.165.65.0/24");
    }

    @Test
    void whatTheUserAsksForIsTakenEvenIfItOverlapsAndThatIsSaid() {
        Ipv4Cidr asked = Ipv4Cidr.parse("10.1.0.0/16");
        assertThat(SubnetChoice.choose(asked, routes("10.0.0.0/8"), said::add)).isEqualTo(asked);
        assertThat(said).hasSize(1);
        assertThat(said.getFirst()).contains("10.0.0.0/8 (eth0)");
    }

    @Test
    void aHostWithEverythingTakenIsTold() {
        List<HostRoutes.Route> all = routes("128.0.0.0/1", "0.0.0.0/1");
        assertThatThrownBy(() -> SubnetChoice.choose(null, all, said::add))
                .isInstanceOf(Failure.class)
                .hasMessageContaining("--cidr");
    }

    @Test
    void theKernelsTableIsRead() {
        List<HostRoutes.Route> routes = HostRoutes.parse(List.of(
                "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
                "eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
                "eth0\t0041A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
                "broken line"));
        assertThat(routes).containsExactly(new HostRoutes.Route(Ipv4Cidr.parse("192.168.65.0/24"), "eth0"));
    }

    /** OpenVPN's redirect-gateway def1, and others that go round the default route instead of replacing it. */
    @Test
    void theHalvesOfADefaultRouteAreNoNetworks() {
        List<HostRoutes.Route> routes = HostRoutes.parse(List.of(
                "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
                "tun0\t00000000\t0101080A\t0003\t0\t0\t0\t00000080\t0\t0\t0",
                "tun0\t00000080\t0101080A\t0003\t0\t0\t0\t00000080\t0\t0\t0",
                "tun0\t0001080A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0"));
        assertThat(routes).containsExactly(new HostRoutes.Route(Ipv4Cidr.parse("10.8.1.0/24"), "tun0"));
        assertThat(SubnetChoice.choose(null, routes, said::add)).hasToString("192.168.65.0/24");
        assertThat(said).isEmpty();
    }

    private static List<HostRoutes.Route> routes(String... networks) {
        return Arrays.stream(networks)
                .map(n -> new HostRoutes.Route(Ipv4Cidr.parse(n), "eth0"))
                .toList();
    }
}
