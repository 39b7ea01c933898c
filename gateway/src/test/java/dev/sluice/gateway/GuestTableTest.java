package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.link.Link;
import dev.sluice.testkit.NowhereLink;
import dev.sluice.wire.Ipv4Address;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
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

    /** It has died, or has another MAC now: three questions, a second apart, and it gives way. */
    @Test
    void aGuestThatDoesNotAnswerGivesWayWithinSeconds() {
        List<Guest> asked = new ArrayList<>();
        var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 100, asked::add);
        Guest guest = table.sender(GUEST, 1, link, 0);
        for (int second = 1; second <= 3; second++) {
            assertThat(table.sender(GUEST, 2, link, second * SECOND)).isNull();
            assertThat(table.sender(GUEST, 2, link, second * SECOND + 1)).isNull(); // insisting does not help
            assertThat(asked).hasSize(second).containsOnly(guest);
        }
        assertThat(table.sender(GUEST, 2, link, 4 * SECOND)).isSameAs(guest);
        assertThat(guest.mac).isEqualTo(2);
    }

    @Test
    void aGuestThatAnswersKeepsItsAddressHoweverLongSomebodyElseInsists() {
        List<Guest> asked = new ArrayList<>();
        var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 100, asked::add);
        table.sender(GUEST, 1, link, 0);
        for (int tenth = 1; tenth < 1000; tenth++) {
            long now = tenth * SECOND / 10;
            int before = asked.size();
            assertThat(table.sender(GUEST, 2, link, now)).isNull();
            if (asked.size() > before) {
                assertThat(table.sender(GUEST, 1, link, now + 1)).isNotNull();
            }
        }
        assertThat(asked.size()).isBetween(90, 100); // one question a second
    }

    @Test
    void aHardwareAddressMovesToAnotherLinkOnlyIfItsGuestIsSilent() {
        var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 100, guest -> {});
        Link other = new NowhereLink();
        assertThat(table.mayMove(1, link, other, 0)).as("nobody has it").isTrue();
        Guest guest = table.sender(GUEST, 1, link, 0);
        for (int second = 1; second <= 3; second++) {
            assertThat(table.mayMove(1, link, other, second * SECOND)).isFalse();
        }
        table.heard(guest, 1, link, 3 * SECOND + 5); // it is there
        for (int second = 4; second <= 6; second++) {
            assertThat(table.mayMove(1, link, other, second * SECOND)).isFalse();
        }
        assertThat(table.mayMove(1, link, other, 7 * SECOND)).isTrue();
    }

    @Test
    void disputesAreBounded() {
        List<Guest> asked = new ArrayList<>();
        Challenges challenges = new Challenges(asked::add);
        Guest guest = new Guest(GUEST, 1, link);
        for (int claimant = 0; claimant < 10_000; claimant++) {
            assertThat(challenges.yields(guest, claimant, SECOND)).isFalse();
        }
        assertThat(challenges.size()).isEqualTo(Challenges.MOST);
        challenges.forget(guest);
        assertThat(challenges.size()).isZero();
    }

    @Test
    void aLeasedAddressIsNeverTakenOver() {
        var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 100);
        table.bind(GUEST, 1, link, 0);
        assertThat(table.sender(GUEST, 2, link, 10_000 * SECOND)).isNull();
        assertThat(table.sender(GUEST, 1, link, 10_000 * SECOND)).isNotNull();
    }

    @Test
    void anAddressThatWasGivenBackIsAnybodysAtOnce() {
        var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 100);
        Guest guest = table.bind(GUEST, 1, link, 0);
        table.giveBack(guest.high, guest.low, 2, SECOND);
        assertThat(table.sender(GUEST, 2, link, SECOND)).as("it was not theirs").isNull();
        table.giveBack(guest.high, guest.low, 1, SECOND);
        assertThat(table.sender(GUEST, 2, link, SECOND)).isSameAs(guest);
        assertThat(table.sender(GUEST, 1, link, 2 * SECOND)).isNull();
    }

    @Test
    void aLeaseThatHasEndedIsLikeNone() {
        List<Guest> asked = new ArrayList<>();
        var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 100, asked::add);
        table.bind(GUEST, 1, link, 0).leaseEnds = 100 * SECOND;
        assertThat(table.sender(GUEST, 2, link, 99 * SECOND)).isNull();
        assertThat(asked).isEmpty();
        table.sender(GUEST, 1, link, 100 * SECOND);
        assertThat(table.sender(GUEST, 2, link, 101 * SECOND))
                .as("it is still there")
                .isNull();
        assertThat(asked).hasSize(1);
        assertThat(table.sender(GUEST, 2, link, 161 * SECOND)).isNotNull();
    }

    @Test
    void theOnlyGuestIsFoundAtTheAddressThatItUsedLast() {
        var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 100);
        assertThat(table.only()).isNull();
        Guest first = table.sender(GUEST, 1, link, 0);
        Guest second = table.sender(GUEST + 47, 1, link, SECOND);
        assertThat(table.only()).isSameAs(second);
        table.sender(GUEST, 1, link, 2 * SECOND);
        assertThat(table.only()).isSameAs(first);
        table.sender(GUEST + 1, 2, link, 3 * SECOND);
        assertThat(table.only()).as("now there are two").isNull();
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

    /** A flow holds on to it, and is to follow it to where it is now. */
    @Test
    void whoComesBackAfterTheTableWasFullIsTheSameForThoseWhoKnowIt() {
        var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 3);
        Link other = new NowhereLink();
        Guest guest = table.sender(GUEST, 1, link, 0);
        crowd(table, 3, SECOND);
        assertThat(table.find(GUEST)).isNull();
        assertThat(table.sender(GUEST, 1, other, 2 * SECOND)).isSameAs(guest);
        assertThat(guest.link).isSameAs(other);
        assertThat(table.find(GUEST)).isSameAs(guest);
        crowd(table, 3, 3 * SECOND);
        assertThat(table.sender(GUEST, 9, link, 70 * SECOND)).isSameAs(guest);
        assertThat(guest.mac).isEqualTo(9);
        crowd(table, 3, 80 * SECOND);
        assertThat(table.bind(GUEST, 8, other, 81 * SECOND)).isSameAs(guest);
        assertThat(guest.mac).isEqualTo(8);
    }

    @Test
    void nobodyElseGetsAnAddressSoonerBecauseTheTableIsFull() {
        List<Guest> asked = new ArrayList<>();
        var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 3, asked::add);
        Guest guest = table.sender(GUEST, 1, link, 0);
        crowd(table, 3, SECOND);
        assertThat(table.sender(GUEST, 2, link, 2 * SECOND)).isNull();
        assertThat(asked).containsExactly(guest);
        assertThat(table.sender(GUEST, 1, link, 3 * SECOND)).isSameAs(guest);
    }

    @Test
    void aGuestWhoseLinkIsGoneHasLeftNothing() {
        var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 3);
        Link other = new NowhereLink();
        Guest guest = table.sender(GUEST, 1, link, 0);
        crowd(table, 3, SECOND);
        assertThat(table.on(link)).contains(guest).hasSize(4);
        table.linkClosed(link);
        assertThat(table.on(link)).isEmpty();
        assertThat(table.sender(GUEST, 2, other, 2 * SECOND)).isNotNull().isNotSameAs(guest);
    }

    @Test
    void formerGuestsAreBoundedToo() {
        var former = new FormerGuests(2);
        List<Guest> guests = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            guests.add(new Guest(GUEST + i, 1, link));
            former.add(guests.getLast());
        }
        assertThat(former.on(link)).isEqualTo(guests.subList(1, 3));
        assertThat(former.find(guests.getFirst().high, guests.getFirst().low)).isNull();
    }

    private void crowd(GuestTable table, int size, long now) {
        for (int i = 1; i <= size; i++) {
            assertThat(table.sender(GUEST + i, 100 + i, link, now)).isNotNull();
        }
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

    @Test
    void aFloodOfMadeUpHardwareAddressesIsNotLookedIntoOneByOne() {
        var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 100, guest -> {});
        Link other = new NowhereLink();
        long begin = -5 * SECOND; // the clock's zero is anywhere
        for (int i = 0; i < Searches.MOST; i++) {
            assertThat(table.mayMove(1000 + i, link, other, begin))
                    .as("nobody has it")
                    .isTrue();
        }
        assertThat(table.mayMove(1, link, other, begin)).isFalse();
        assertThat(table.mayMove(1, link, other, begin + Searches.MILLIS * 1_000_000L))
                .isTrue();
    }

    @Test
    void aFloodOfMadeUpAddressesIsNotLookedIntoOneByOne() {
        AddressPlan both = plan.withIpv6(Ipv6Plan.of(Ipv6Plan.DEFAULT_PREFIX, AddressPlan.DEFAULT_MAC, true));
        var table = new GuestTable(both, counters, new Events(counters, () -> 0), 1000);
        for (int i = 0; i < Searches.MOST; i++) {
            assertThat(table.sender(0xfe80L << 48, 1000 + i, 2 + 2L * i, link, 0))
                    .isNotNull();
        }
        assertThat(table.sender(0xfe80L << 48, 1, 2, link, 0)).isNull();
        assertThat(counters.dropped(Drop.GUEST_LIMIT)).isEqualTo(1);
        Link other = new NowhereLink();
        while (System.identityHashCode(other) % 64 == System.identityHashCode(link) % 64) {
            other = new NowhereLink();
        }
        assertThat(table.sender(0xfe80L << 48, 1, 2, other, 0)).as("not theirs").isNotNull();
        assertThat(table.sender(0xfe80L << 48, 3, 4, link, Searches.MILLIS * 1_000_000L))
                .isNotNull();
    }

    @Test
    void aFullTableIsLookedThroughForSomeNewcomersOnly() {
        var table = new GuestTable(plan, counters, new Events(counters, () -> 0), 3);
        for (int i = 0; i < 3 + Searches.MOST; i++) {
            assertThat(table.sender(GUEST + i, 100 + i, link, 0)).isNotNull();
        }
        Guest known = table.find(GUEST + 2 + Searches.MOST);
        assertThat(table.sender(GUEST + 200, 1, link, 1)).isNull();
        assertThat(table.sender(known.address, known.mac, link, 1))
                .as("who is known")
                .isSameAs(known);
        assertThat(table.sender(GUEST + 200, 1, link, Searches.MILLIS * 1_000_000L))
                .isNotNull();
    }
}
