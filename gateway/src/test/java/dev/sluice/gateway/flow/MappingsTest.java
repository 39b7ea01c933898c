package dev.sluice.gateway.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.testkit.NowhereLink;
import dev.sluice.testkit.VirtualLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Who stays in the table, who has to go, and who is told. */
class MappingsTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long IDLE = 90 * SECOND;
    private static final int LIMIT = 5;
    /** As much as one guest may have while it is alone (see {@link GuestShares}). */
    private static final int SHARE = 4;

    private final class One extends Mapping<One> {
        private boolean open = true;
        private int closed;

        One(Guest guest, int port) {
            super(guest, port, counters, loop.now());
        }

        @Override
        protected boolean isOpen() {
            return open;
        }

        @Override
        protected void closeSocket() {
            open = false;
            closed++;
        }

        @Override
        public FlowInfo info(long now) {
            throw new UnsupportedOperationException("nobody asks here");
        }

        @Override
        public void cut(long now) {
            mappings.end(this, "cut");
        }
    }

    private final VirtualLoop loop = new VirtualLoop(Long.MAX_VALUE - 100 * SECOND);
    private final Counters counters = new Counters();
    private final List<String> ends = new ArrayList<>();
    private final Shares shares =
            new Shares(Limits.defaults().change().udpFlows(LIMIT).build());
    private final Mappings<One> mappings = new Mappings<>(
            FlowPolicy.Protocol.UDP,
            loop,
            shares,
            IDLE,
            counters,
            Drop.UDP_FLOW_EVICTED,
            (flow, reason, now) -> ends.add(((One) flow).port() + " " + reason));
    private final Guest alice = guest(3);
    private final Guest bob = guest(4);

    private static Guest guest(int address) {
        return new Guest(0xc0a8_4100 | address, 0x5254_0000_0000L | address, new NowhereLink());
    }

    private One add(Guest guest, int port) {
        One made = new One(guest, port);
        mappings.add(made, loop.now());
        return made;
    }

    private List<Integer> ports() {
        List<Integer> all = new ArrayList<>();
        mappings.forEach(one -> all.add(one.port()));
        return all;
    }

    private int held(Guest guest) {
        return (int) shares.of(guest).udpFlows.held();
    }

    @Test
    void aMappingIsFoundByTheAddressAndPortOfItsGuest() {
        One one = add(alice, 1000);
        assertThat(mappings.find(alice, 1000, loop.now())).isSameAs(one);
        assertThat(mappings.find(alice, 1001, loop.now())).isNull();
        assertThat(mappings.find(bob, 1000, loop.now())).isNull();
        assertThat(held(alice)).isOne();
        assertThat(shares.of(alice).pingFlows.held()).isZero();
    }

    @Test
    void eachEndsWhenItWasNotUsedForAWhileAndOneTimerServesAll() {
        One first = add(alice, 1);
        loop.advance(10 * SECOND);
        add(alice, 2);
        loop.advance(10 * SECOND);
        One third = add(alice, 3);
        loop.advance(60 * SECOND);
        mappings.find(alice, 1, loop.now());
        mappings.use(third);
        loop.advance(20 * SECOND - 1);
        assertThat(ends).isEmpty();
        loop.advance(1);
        assertThat(ends).containsExactly("2 idle");
        loop.advance(70 * SECOND - 1);
        assertThat(ends).hasSize(1);
        loop.advance(1);
        assertThat(ends).containsExactly("2 idle", "1 idle", "3 idle");
        assertThat(first.isOver()).isTrue();
        assertThat(mappings.size()).isZero();
        assertThat(held(alice)).isZero();
        assertThat(loop.advanceToNextTimer()).as("a timer without a mapping").isFalse();
        add(alice, 4);
        loop.advance(IDLE);
        assertThat(ends).endsWith("4 idle");
    }

    @Test
    void aGuestThatHasItsShareGivesUpItsOwnIdlest() {
        One neighbours = add(bob, 9);
        for (int port = 1; port <= LIMIT; port++) {
            add(alice, port);
            loop.advance(SECOND);
        }
        assertThat(mappings.size()).isLessThanOrEqualTo(LIMIT);
        assertThat(neighbours.isOver()).isFalse();
        assertThat(ends).isNotEmpty().first().isEqualTo("1 evicted");
        assertThat(ends).allMatch(end -> end.endsWith(" evicted"));
        assertThat(counters.dropped(Drop.UDP_FLOW_EVICTED)).isEqualTo(ends.size());
        assertThat(held(alice)).isEqualTo(mappings.size() - 1);
        assertThat(ports()).startsWith(9).endsWith(LIMIT);
    }

    @Test
    void aGuestThatHasNoneTakesThePlaceOfTheIdlestOfAll() {
        for (int port = 1; port <= SHARE; port++) {
            add(alice, port);
        }
        add(bob, 9);
        assertThat(ends).as("there was a place left").isEmpty();
        add(guest(5), 10);
        assertThat(ends).containsExactly("1 evicted");
        assertThat(ports()).containsExactly(2, 3, 4, 9, 10);
        assertThat(held(alice)).isEqualTo(SHARE - 1);
    }

    /** As a machine that left and came again, or another that was given the address. */
    @Test
    void whoeverHasTheAddressNowHasItsMappings() {
        One one = add(alice, 1000);
        Guest again = guest(3);
        assertThat(mappings.find(again, 1000, loop.now())).isSameAs(one);
        assertThat(one.guest()).isSameAs(again);
        assertThat(held(alice)).isZero();
        assertThat(held(again)).isOne();
        mappings.end(one, "cut");
        assertThat(held(again)).isZero();
    }

    @Test
    void aGuestThatIsGoneTakesItsOwnWithIt() {
        add(alice, 1);
        add(bob, 2);
        add(alice, 3);
        mappings.forget(List.of(guest(3))); // it is the address that counts
        assertThat(ends).containsExactly("1 guest-gone", "3 guest-gone");
        assertThat(ports()).containsExactly(2);
        assertThat(held(alice)).isZero();
    }

    @Test
    void ofOneThatNeverHadASocketNobodyHears() {
        One one = add(alice, 1);
        one.open = false;
        one.cut(loop.now());
        assertThat(ends).isEmpty();
        assertThat(one.isOver()).isTrue();
        assertThat(mappings.size()).isZero();
    }

    @Test
    void atTheEndAllSocketsAreClosedAndNobodyIsTold() {
        List<One> all = List.of(add(alice, 1), add(bob, 2));
        mappings.close();
        assertThat(all).allSatisfy(one -> assertThat(one.closed).isOne());
        assertThat(ends).isEmpty();
        assertThat(mappings.size()).isZero();
        assertThat(loop.advanceToNextTimer()).as("a timer").isFalse();
    }

    @Test
    void countsAndOrderStayRightWhateverHappens() {
        Random random = new Random(7);
        List<Guest> guests = List.of(alice, bob, guest(5));
        for (int step = 0; step < 20_000; step++) {
            Guest guest = guests.get(random.nextInt(guests.size()));
            int port = random.nextInt(8);
            One found = mappings.find(guest, port, loop.now());
            if (found == null) {
                add(guest, port);
            } else if (random.nextInt(8) == 0) {
                found.cut(loop.now());
            }
            if (random.nextInt(200) == 0) {
                mappings.forget(List.of(guest));
            }
            loop.advance(random.nextInt(30) * SECOND);
            String where = "step " + step;
            assertThat(mappings.size()).as(where).isLessThanOrEqualTo(LIMIT);
            assertThat(guests.stream().mapToInt(this::held).sum()).as(where).isEqualTo(mappings.size());
            List<Long> used = new ArrayList<>();
            mappings.forEach(one -> used.add(loop.now() - one.lastUsed()));
            assertThat(used).as(where).isSortedAccordingTo((a, b) -> Long.compare(b, a));
            assertThat(used).as(where).allMatch(age -> age <= IDLE);
        }
    }
}
