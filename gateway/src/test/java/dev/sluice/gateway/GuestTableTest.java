package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.NowhereLink;
import dev.sluice.link.Link;
import dev.sluice.wire.Ipv4Address;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class GuestTableTest {
    private static final long SECOND = 1_000_000_000L;
    private static final int GUEST = Ipv4Address.parse("192.168.65.3").bits();
    private final AddressPlan plan = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
    private final Counters counters = new Counters();
    private final Link link = new NowhereLink();

    @Test
    void anAddressBelongsToTheMacThatUsedItFirstUntilThatIsSilentForAMinute() {
        var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 100);
        assertThat(table.sender(GUEST, 1, link, 0)).isNotNull();
        assertThat(table.sender(GUEST, 2, link, 59 * SECOND)).isNull();
        assertThat(counters.dropped(Drop.SPOOFED_SOURCE)).isEqualTo(1);
        assertThat(table.sender(GUEST, 2, link, 61 * SECOND)).isNotNull();
        assertThat(table.sender(GUEST, 1, link, 62 * SECOND)).isNull();
    }

    @Test
    void aLeasedAddressIsNeverTakenOver() {
        var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 100);
        table.bind(GUEST, 1, link, 0);
        assertThat(table.sender(GUEST, 2, link, 10_000 * SECOND)).isNull();
        assertThat(table.sender(GUEST, 1, link, 10_000 * SECOND)).isNotNull();
    }

    @Test
    void theGatewaysOwnAndForeignAddressesAreRefused() {
        var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 100);
        for (String address :
                new String[] {"192.168.65.0", "192.168.65.1", "192.168.65.2", "192.168.65.255", "10.1.2.3"}) {
            assertThat(table.sender(Ipv4Address.parse(address).bits(), 1, link, 0))
                    .as(address)
                    .isNull();
        }
        assertThat(table.all()).isEmpty();
    }

    @Test
    void whenFullTheOldestWithoutALeaseIsForgotten() {
        var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 3);
        table.bind(GUEST, 1, link, 0);
        table.sender(GUEST + 1, 2, link, 1);
        table.sender(GUEST + 2, 3, link, 2);
        table.sender(GUEST + 3, 4, link, 3);
        assertThat(table.find(GUEST)).isNotNull();
        assertThat(table.find(GUEST + 1)).isNull();
        assertThat(table.find(GUEST + 3)).isNotNull();
        assertThat(counters.dropped(Drop.GUEST_LIMIT)).isEqualTo(1);
    }

    @Test
    void agreesWithAMapUnderRandomUse() {
        for (long seed = 0; seed < 50; seed++) {
            var random = new SplittableRandom(seed);
            var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 10_000);
            Map<Integer, Link> model = new HashMap<>();
            Link[] links = {new NowhereLink(), new NowhereLink(), new NowhereLink()};
            for (int step = 0; step < 2000; step++) {
                int address = plan.firstGuest().bits() + random.nextInt(250);
                if (random.nextInt(400) == 0) {
                    Link gone = links[random.nextInt(3)];
                    table.linkClosed(gone);
                    model.values().removeIf(l -> l == gone);
                } else if (random.nextBoolean()) {
                    Link on = links[Math.floorMod(address, 3)];
                    table.sender(address, address, on, step);
                    model.put(address, on);
                }
                Guest found = table.find(address);
                assertThat(found == null ? null : found.link)
                        .as("seed %d", seed)
                        .isSameAs(model.get(address));
            }
            assertThat(table.all()).as("seed %d", seed).hasSize(model.size());
        }
    }
}
