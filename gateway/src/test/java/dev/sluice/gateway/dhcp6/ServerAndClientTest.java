package dev.sluice.gateway.dhcp6;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.stack.dhcp6.Dhcpv6Client;
import dev.sluice.wire.Dhcpv6Message;
import dev.sluice.wire.Dhcpv6Reply;
import dev.sluice.wire.MacAddress;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The server against the client of {@code net}, byte by byte, in virtual time. */
class ServerAndClientTest {
    private static final long SECOND = 1_000_000_000L;
    private final Ipv6Plan plan = Ipv6Plan.of(Ipv6Plan.DEFAULT_PREFIX, AddressPlan.DEFAULT_MAC, true);
    private final Dhcpv6Server server =
            new Dhcpv6Server(plan, "00030001f61636bcf9c6", () -> List.of("corp.example"), 2);
    private final List<Integer> asked = new ArrayList<>();
    private long now = SECOND;

    private static Dhcpv6Client client(int number) {
        return new Dhcpv6Client(new MacAddress(0x0200_0000_0000L + number), new Random(number));
    }

    /** Whether answers arrive: where they do not, the client asks again. */
    private boolean answering = true;

    private void exchange(Dhcpv6Client client, byte @Nullable [] message) {
        for (byte[] ask = message; ask != null; ) {
            Dhcpv6Message question = Dhcpv6Message.parse(MemorySegment.ofArray(ask), 0, ask.length);
            assertThat(question).isNotNull();
            asked.add(question.type());
            Dhcpv6Server.Answer answer = server.answer(question, 1, _ -> false, now);
            ask = null;
            if (answer != null && answering) {
                byte[] bytes = answer.message();
                Dhcpv6Reply reply = Dhcpv6Reply.parse(MemorySegment.ofArray(bytes), 0, bytes.length);
                assertThat(reply).isNotNull();
                ask = client.onMessage(reply, now);
            }
        }
    }

    private void advance(Dhcpv6Client client, long seconds) {
        long end = now + seconds * SECOND;
        while (client.deadline() <= end) {
            now = Math.max(now, client.deadline());
            exchange(client, client.onTimer(now));
        }
        now = end;
    }

    private Dhcpv6Client bound(int number) {
        Dhcpv6Client client = client(number);
        client.seekAddress(now);
        advance(client, 2);
        return client;
    }

    private static List<String> addresses(Dhcpv6Client client) {
        return client.addresses().stream().map(a -> a.address().toString()).toList();
    }

    @Test
    void eachClientGetsAnAddressOfItsOwnAndSettings() {
        Dhcpv6Client first = bound(1);
        Dhcpv6Client second = bound(2);
        assertThat(addresses(first)).containsExactly("fd00:5109:5ce::3");
        assertThat(addresses(second)).containsExactly("fd00:5109:5ce::4");
        assertThat(first.settings().nameServers()).containsExactly(plan.gateway());
        assertThat(first.settings().searchDomains()).containsExactly("corp.example");
        assertThat(asked).containsExactly(Dhcpv6Message.SOLICIT, Dhcpv6Message.SOLICIT); // rapid commit
    }

    @Test
    void anAddressIsKeptForWeeks() {
        Dhcpv6Client client = bound(1);
        advance(client, 30 * 86_400);
        assertThat(addresses(client)).containsExactly("fd00:5109:5ce::3");
        assertThat(asked.stream().skip(1)).containsOnly(Dhcpv6Message.RENEW).hasSizeBetween(1400, 1450);
    }

    @Test
    void aServerThatIsAwayForAWhileIsFoundAgain() {
        Dhcpv6Client client = bound(1);
        answering = false;
        advance(client, 2 * Dhcpv6Server.PREFERRED - 100);
        answering = true;
        advance(client, 700);
        assertThat(addresses(client)).containsExactly("fd00:5109:5ce::3");
        assertThat(asked).contains(Dhcpv6Message.RENEW, Dhcpv6Message.REBIND);
    }

    @Test
    void whoComesLateWaitsUntilSomebodyGivesAnAddressBack() {
        Dhcpv6Client first = bound(1);
        bound(2);
        Dhcpv6Client third = bound(3);
        assertThat(addresses(third)).isEmpty();
        exchange(first, first.stop());
        assertThat(asked.getLast()).isEqualTo(Dhcpv6Message.RELEASE);
        assertThat(server.size()).isEqualTo(1);
        advance(third, 60);
        assertThat(addresses(third)).hasSize(1);
    }

    @Test
    void aDeclinedAddressIsGivenToNobodyAgain() {
        Dhcpv6Client client = bound(1);
        exchange(client, client.onDuplicate(client.addresses().getFirst().address(), now));
        assertThat(asked.getLast()).isEqualTo(Dhcpv6Message.DECLINE);
        assertThat(addresses(client)).isEmpty();
        advance(client, 15);
        assertThat(addresses(client)).containsExactly("fd00:5109:5ce::4");
    }

    @Test
    void settingsAloneAreGivenWithoutAnAddress() {
        Dhcpv6Client client = client(1);
        client.seekSettings(now);
        advance(client, 2);
        assertThat(client.settings().searchDomains()).containsExactly("corp.example");
        assertThat(server.size()).isZero();
    }
}
