package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.Ipv6Cidr;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Ipv6SupportTest {
    private static final List<String> ADDRESSES = List.of("00000000000000000000000000000001 01 80 10 80       lo");
    private static final String NEXT =
            " 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 ";

    private final List<String> said = new ArrayList<>();

    @Test
    void theKernelsTablesAreRead() {
        Ipv6Support support = Ipv6Support.parse(
                ADDRESSES,
                List.of(
                        "fd000000000000000000000000000000 40" + NEXT + "00000001     eth0",
                        "fe800000000000000000000000000000 40" + NEXT + "00000001     eth0",
                        "00000000000000000000000000000000 00" + NEXT + "00000003     eth0",
                        "fd000000000000000000000000000002 80" + NEXT + "80200001     eth0",
                        "ff000000000000000000000000000000 08" + NEXT + "00000001     eth0",
                        "broken line"));
        assertThat(support.enabled()).isTrue();
        assertThat(support.hasDefaultRoute()).isTrue();
        assertThat(support.networks()).containsExactly(Ipv6Cidr.parse("fd00::/64"));
    }

    @Test
    void aRejectingDefaultRouteLeadsNowhere() {
        Ipv6Support support = Ipv6Support.parse(
                ADDRESSES, List.of("00000000000000000000000000000000 00" + NEXT + "00200200       lo"));
        assertThat(support.hasDefaultRoute()).isFalse();
    }

    /** OpenVPN's redirect-gateway ipv6, and the halves that others take. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "00000000000000000000000000000000 03,20000000000000000000000000000000 04,30000000000000000000000000000000 04,"
                        + "fc000000000000000000000000000000 07",
                "00000000000000000000000000000000 01,80000000000000000000000000000000 01",
                "20000000000000000000000000000000 03,fd000000000000000000000000000000 08"
            })
    void thePiecesOfADefaultRouteAreNoNetworksAndLeadToTheWorld(String pieces) {
        List<String> routes = new ArrayList<>();
        for (String piece : pieces.split(",")) {
            routes.add(piece + NEXT + "00000003     tun0");
        }
        Ipv6Support support = Ipv6Support.parse(ADDRESSES, routes);
        assertThat(support.hasDefaultRoute()).isTrue();
        assertThat(support.networks()).isEmpty();
        assertThat(SubnetChoice.choose6(null, support.networks(), said::add)).hasToString("fd00:5109:5ce::/64");
        assertThat(said).isEmpty();
    }

    @Test
    void aRouteToPrivateAddressesLeadsNotToTheWorld() {
        Ipv6Support support = Ipv6Support.parse(
                ADDRESSES, List.of("fc000000000000000000000000000000 07" + NEXT + "00000003     tun0"));
        assertThat(support.hasDefaultRoute()).isFalse();
    }

    @Test
    void withoutAddressesIpv6IsOff() {
        assertThat(Ipv6Support.parse(List.of(), List.of()).enabled()).isFalse();
    }

    @Test
    void anOverlapLeadsToTheNetworkBesideAndIsSaid() {
        List<Ipv6Cidr> taken = List.of(Ipv6Cidr.parse("fd00:5109:5ce::/64"));
        assertThat(SubnetChoice.choose6(null, List.of(), said::add)).hasToString("fd00:5109:5ce::/64");
        assertThat(said).isEmpty();
        assertThat(SubnetChoice.choose6(null, taken, said::add)).hasToString("fd00:5109:5ce:1::/64");
        assertThat(said).singleElement().asString().contains("fd00:5109:5ce:1::/64", "--cidr6");
        assertThat(SubnetChoice.choose6(Ipv6Cidr.parse("fd00:5109:5ce::/64"), taken, said::add))
                .hasToString("fd00:5109:5ce::/64");
        assertThat(said).hasSize(2);
    }
}
