package dev.sluice.gateway.dhcp6;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.wire.Dhcpv6Message;
import dev.sluice.wire.Dhcpv6Message.Association;
import dev.sluice.wire.Dhcpv6Message.Settings;
import dev.sluice.wire.Dhcpv6Reply;
import dev.sluice.wire.Ipv6Address;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class Dhcpv6ServerTest {
    private static final Ipv6Plan PLAN = Ipv6Plan.of(Ipv6Plan.DEFAULT_PREFIX, AddressPlan.DEFAULT_MAC, true);
    private static final String SERVER = "00030001f61636bcf9c6";
    private static final long HOURS = 3600L * 1_000_000_000;
    private Dhcpv6Server server = new Dhcpv6Server(PLAN, SERVER, () -> List.of("corp.example"), 3);
    /** Which machine asks. */
    private long mac = 1;

    /** What the last message gave back. */
    private List<Ipv6Address> returned = List.of();

    private long now = Long.MAX_VALUE - HOURS;

    private Dhcpv6Message ask(int type, String client, String serverId, boolean rapid, Set<Ipv6Address> foreign) {
        var question =
                new Dhcpv6Message(type, 0x123456, client, serverId, rapid, List.of(new Association(1, List.of(), 0)));
        return exchange(question, foreign);
    }

    private Dhcpv6Message exchange(Dhcpv6Message question, Set<Ipv6Address> foreign) {
        byte[] wire = question.encode(Settings.NONE, 0);
        Dhcpv6Message read = Dhcpv6Message.parse(MemorySegment.ofArray(wire), 0, wire.length);
        assertThat(read).isNotNull();
        Dhcpv6Server.Answer answer = server.answer(read, mac, foreign::contains, now);
        returned = answer == null ? List.of() : answer.returned();
        return answer == null
                ? null
                : Dhcpv6Message.parse(MemorySegment.ofArray(answer.message()), 0, answer.message().length);
    }

    private static String text(Dhcpv6Message message) {
        if (message == null) {
            return "silence";
        }
        StringBuilder text = new StringBuilder(message.type() == Dhcpv6Message.REPLY ? "reply" : "advertise");
        for (Association a : message.associations()) {
            text.append(' ').append(a.addresses()).append(a.status() == 0 ? "" : " status " + a.status());
        }
        return text.toString();
    }

    @Test
    void anAddressIsOfferedAndThenGiven() {
        Dhcpv6Message offer = ask(Dhcpv6Message.SOLICIT, "aaaaaa", "", false, Set.of());
        assertThat(text(offer)).isEqualTo("advertise [fd00:5109:5ce::3]");
        assertThat(offer.server()).isEqualTo(SERVER);
        assertThat(offer.client()).isEqualTo("aaaaaa");
        assertThat(offer.transaction()).isEqualTo(0x123456);
        assertThat(text(ask(Dhcpv6Message.REQUEST, "aaaaaa", SERVER, false, Set.of())))
                .isEqualTo("reply [fd00:5109:5ce::3]");
        assertThat(text(ask(Dhcpv6Message.RENEW, "aaaaaa", SERVER, false, Set.of())))
                .isEqualTo("reply [fd00:5109:5ce::3]");
        assertThat(text(ask(Dhcpv6Message.REBIND, "aaaaaa", "", false, Set.of())))
                .isEqualTo("reply [fd00:5109:5ce::3]");
    }

    @Test
    void rapidCommitSavesTheSecondRound() {
        Dhcpv6Message reply = ask(Dhcpv6Message.SOLICIT, "aaaaaa", "", true, Set.of());
        assertThat(text(reply)).isEqualTo("reply [fd00:5109:5ce::3]");
        assertThat(reply.rapidCommit()).isTrue();
    }

    @Test
    void messagesForOtherServersAndWithoutAClientGetNoAnswer() {
        assertThat(ask(Dhcpv6Message.REQUEST, "aaaaaa", "0003000111", false, Set.of()))
                .isNull();
        assertThat(ask(Dhcpv6Message.SOLICIT, "", "", false, Set.of())).isNull();
        assertThat(ask(Dhcpv6Message.SOLICIT, "aaaaaa", SERVER, false, Set.of()))
                .isNull();
        assertThat(ask(Dhcpv6Message.REPLY, "aaaaaa", SERVER, false, Set.of())).isNull();
        assertThat(server.size()).isZero();
    }

    @Test
    void addressesThatOthersUseAreLeftToThem() {
        Ipv6Address third = Ipv6Address.parse("fd00:5109:5ce::3");
        assertThat(text(ask(Dhcpv6Message.SOLICIT, "aaaaaa", "", true, Set.of(third))))
                .isEqualTo("reply [fd00:5109:5ce::4]");
        assertThat(text(ask(
                        Dhcpv6Message.RENEW,
                        "aaaaaa",
                        SERVER,
                        false,
                        Set.of(third, Ipv6Address.parse("fd00:5109:5ce::4")))))
                .isEqualTo("reply [fd00:5109:5ce::5]");
    }

    @Test
    void whenAllAreGivenTheAnswerSaysSoUntilOneExpires() {
        for (String client : List.of("aaaaa1", "aaaaa2", "aaaaa3")) {
            ask(Dhcpv6Message.SOLICIT, client, "", true, Set.of());
        }
        assertThat(text(ask(Dhcpv6Message.SOLICIT, "aaaaa4", "", true, Set.of())))
                .isEqualTo("reply [] status " + Dhcpv6Message.NO_ADDRESSES);
        now += 2 * HOURS;
        assertThat(text(ask(Dhcpv6Message.SOLICIT, "aaaaa4", "", true, Set.of())))
                .startsWith("reply [fd00:5109:5ce::");
        assertThat(server.size()).isEqualTo(1);
    }

    @Test
    void whatIsReleasedIsFreeAndWhatIsDeclinedIsNotGivenAgain() {
        ask(Dhcpv6Message.SOLICIT, "aaaaaa", "", true, Set.of());
        assertThat(text(ask(Dhcpv6Message.DECLINE, "aaaaaa", SERVER, false, Set.of())))
                .isEqualTo("reply");
        assertThat(returned).containsExactly(Ipv6Address.parse("fd00:5109:5ce::3"));
        assertThat(server.size()).isZero();
        assertThat(text(ask(Dhcpv6Message.RELEASE, "aaaaaa", SERVER, false, Set.of())))
                .isEqualTo("reply [] status " + Dhcpv6Message.NO_BINDING);
        assertThat(returned).isEmpty();
        for (int i = 0; i < 20; i++) {
            assertThat(text(ask(Dhcpv6Message.SOLICIT, "aaaaa" + i % 10, "", true, Set.of())))
                    .isNotEqualTo("reply [fd00:5109:5ce::3]");
        }
    }

    @Test
    void aClientThatMovedHereIsToldWhetherItsAddressFits() {
        var here = new Association(1, List.of(Ipv6Address.parse("fd00:5109:5ce::77")), 0);
        var away = new Association(1, List.of(Ipv6Address.parse("2001:db8::77")), 0);
        assertThat(text(exchange(
                        new Dhcpv6Message(Dhcpv6Message.CONFIRM, 1, "aaaaaa", "", false, List.of(here)), Set.of())))
                .isEqualTo("reply");
        var moved = new Dhcpv6Message(Dhcpv6Message.CONFIRM, 1, "aaaaaa", "", false, List.of(away));
        byte[] told = server.answer(moved, mac, _ -> false, now).message();
        Dhcpv6Reply reply = Dhcpv6Reply.parse(MemorySegment.ofArray(told), 0, told.length);
        assertThat(reply.status()).isEqualTo(Dhcpv6Message.NOT_ON_LINK); // of the whole message (RFC 8415 §18.3.3)
        assertThat(reply.associations()).isEmpty();
    }

    @Test
    void informationIsForEverybody() {
        var question = new Dhcpv6Message(Dhcpv6Message.INFORMATION_REQUEST, 1, "", "", false, List.of());
        assertThat(text(exchange(question, Set.of()))).isEqualTo("reply");
        assertThat(server.size()).isZero();
    }

    @Test
    void oneMachineCannotTakeTheAddressesOfAll() {
        server = new Dhcpv6Server(PLAN, SERVER, List::of, 4096);
        for (int client = 0; client < 4096; client++) {
            ask(Dhcpv6Message.SOLICIT, "aaaa%04x".formatted(client), "", true, Set.of());
        }
        assertThat(server.size()).isEqualTo(Dhcpv6Server.LEASES_PER_MAC);
        assertThat(text(ask(Dhcpv6Message.SOLICIT, "bbbbbb", "", true, Set.of())))
                .isEqualTo("reply [] status " + Dhcpv6Message.NO_ADDRESSES);
        assertThat(text(ask(Dhcpv6Message.RENEW, "aaaa0000", SERVER, false, Set.of())))
                .isEqualTo("reply [fd00:5109:5ce::3]");
        mac = 2;
        assertThat(text(ask(Dhcpv6Message.SOLICIT, "bbbbbb", "", true, Set.of())))
                .isEqualTo("reply [fd00:5109:5ce::b]");
        mac = 1;
        now += 2 * HOURS;
        assertThat(text(ask(Dhcpv6Message.SOLICIT, "cccccc", "", true, Set.of())))
                .startsWith("reply [fd00:5109:5ce::");
        assertThat(server.size()).isEqualTo(2);
    }

    @Test
    void nobodyGivesBackOrMovesWhatAnotherHasByNamingItsIdentity() {
        ask(Dhcpv6Message.SOLICIT, "aaaaaa", "", true, Set.of());
        Ipv6Address third = Ipv6Address.parse("fd00:5109:5ce::3");
        mac = 2;
        assertThat(text(ask(Dhcpv6Message.RELEASE, "aaaaaa", SERVER, false, Set.of(third))))
                .isEqualTo("reply [] status " + Dhcpv6Message.NO_BINDING);
        assertThat(returned).isEmpty();
        assertThat(text(ask(Dhcpv6Message.RENEW, "aaaaaa", SERVER, false, Set.of(third))))
                .isEqualTo("reply [fd00:5109:5ce::4]");
        mac = 1;
        assertThat(text(ask(Dhcpv6Message.RENEW, "aaaaaa", SERVER, false, Set.of())))
                .isEqualTo("reply [fd00:5109:5ce::3]");
    }

    @Test
    void whatWasDeclinedIsOfUseAgainAfterTenMinutes() {
        server = new Dhcpv6Server(PLAN, SERVER, List::of, 1);
        ask(Dhcpv6Message.SOLICIT, "aaaaaa", "", true, Set.of());
        ask(Dhcpv6Message.DECLINE, "aaaaaa", SERVER, false, Set.of());
        Set<String> given = new HashSet<>();
        for (int minute = 0; minute < 14; minute++) {
            given.add(text(ask(Dhcpv6Message.SOLICIT, "aaaaaa", "", true, Set.of())));
            ask(Dhcpv6Message.RELEASE, "aaaaaa", SERVER, false, Set.of());
            if (minute == 9) {
                assertThat(given).hasSizeGreaterThan(1).doesNotContain("reply [fd00:5109:5ce::3]");
            }
            now += HOURS / 60;
        }
        assertThat(given).contains("reply [fd00:5109:5ce::3]");
    }
}
