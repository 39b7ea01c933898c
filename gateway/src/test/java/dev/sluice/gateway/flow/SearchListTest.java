package dev.sluice.gateway.flow;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class SearchListTest {
    private final AddressPlan plain = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
    private final AddressPlan named = new AddressPlan(
            plain.subnet(),
            plain.gateway(),
            plain.host(),
            plain.firstGuest(),
            plain.lastGuest(),
            plain.mac(),
            1500,
            true,
            "own.test",
            List.of("a.test", "own.test"));

    private List<String> host = List.of();

    @Test
    void withoutDomainsOfItsOwn_aNetworkHasTheHosts_asTheyAreNow() {
        SearchList list = new SearchList(plain, () -> host);
        assertThat(list.domains()).isEmpty();
        assertThat(list.domain()).isEmpty();
        host = List.of("corp.test", "lab.test.");
        assertThat(list.domains()).containsExactly("corp.test", "lab.test");
        assertThat(list.domain()).isEqualTo("corp.test");
        assertThat(list.all()).containsExactly("corp.test", "lab.test");
    }

    @Test
    void thePlansDomainsCountBeforeTheHosts() {
        host = List.of("corp.test");
        SearchList list = new SearchList(named, () -> host);
        assertThat(list.domains()).containsExactly("a.test", "own.test");
        assertThat(list.domain()).isEqualTo("own.test");
        assertThat(list.all()).containsExactly("own.test", "a.test");
    }

    @Test
    void whatIsNoNameIsLeftOut_andTooMuchIsCut() {
        SearchList list = new SearchList(plain, () -> host);
        host = List.of(".", "", "a..b", "-x.test", "ok.test", "x".repeat(64) + ".test", "b\u00e9.test", "_msdcs.test");
        assertThat(list.domains()).containsExactly("ok.test", "_msdcs.test");
        host = List.of("1.t", "2.t", "3.t", "4.t", "5.t", "6.t", "7.t");
        assertThat(list.domains()).hasSize(6);
        host = List.of(
                "x".repeat(60) + "." + "y".repeat(60) + ".t",
                "a." + "z".repeat(60) + "." + "w".repeat(60),
                "c.example");
        assertThat(list.domains()).hasSize(2);
    }
}
