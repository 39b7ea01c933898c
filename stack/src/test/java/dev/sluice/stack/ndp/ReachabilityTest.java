package dev.sluice.stack.ndp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.ndp.Reachability.Action;
import dev.sluice.stack.ndp.Reachability.State;
import dev.sluice.stack.ndp.Reachability.Timing;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** RFC 4861 §7.2.5, §7.3 and appendix C, and what ARP makes of the same machine. */
class ReachabilityTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long MAC = 0x0200_0000_0001L;
    private static final long OTHER = 0x0200_0000_0002L;

    private long now = Long.MAX_VALUE - 10 * SECOND;

    private Reachability in(State state) {
        Reachability r =
                state == State.INCOMPLETE ? Reachability.unknown(Timing.NDP) : Reachability.heard(Timing.NDP, MAC);
        switch (state) {
            case INCOMPLETE, DELAY -> r.onUse(now);
            case REACHABLE -> r.confirm(MAC, now);
            case PROBE -> r.probe(now);
            case STALE, FAILED -> {}
        }
        assertThat(r.state()).isEqualTo(state);
        return r;
    }

    @Test
    void anUnknownNeighbourIsAskedForThreeTimesASecondApartAndThenGivenUp() {
        Reachability r = Reachability.unknown(Timing.NDP);
        assertThat(r.onUse(now)).isEqualTo(Action.ASK_ALL);
        assertThat(r.onUse(now)).isEqualTo(Action.NONE);
        for (int i = 0; i < 2; i++) {
            assertThat(r.deadline()).isEqualTo(now + SECOND);
            assertThat(r.onTimer(now + SECOND - 1)).isEqualTo(Action.NONE);
            now += SECOND;
            assertThat(r.onTimer(now)).isEqualTo(Action.ASK_ALL);
        }
        now += SECOND;
        assertThat(r.onTimer(now)).isEqualTo(Action.GIVE_UP);
        assertThat(r.state()).isEqualTo(State.FAILED);
        r.onAdvertisement(MAC, true, true, now);
        assertThat(r.state()).isEqualTo(State.FAILED);
    }

    @Test
    void aReachableOneGrowsStaleIsUsedForFiveSecondsAndThenAskedItself() {
        Reachability r = in(State.REACHABLE);
        now += 30 * SECOND;
        assertThat(r.onUse(now)).isEqualTo(Action.NONE);
        assertThat(r.state()).isEqualTo(State.REACHABLE);
        now++;
        assertThat(r.onUse(now)).isEqualTo(Action.NONE);
        assertThat(r.state()).isEqualTo(State.DELAY);
        now += 5 * SECOND;
        for (int i = 0; i < 3; i++) {
            assertThat(r.onTimer(now)).isEqualTo(Action.ASK_IT);
            assertThat(r.state()).isEqualTo(State.PROBE);
            assertThat(r.linkAddress()).isEqualTo(MAC); // used as it is meanwhile
            now += SECOND;
        }
        assertThat(r.onTimer(now)).isEqualTo(Action.GIVE_UP);
        assertThat(r.linkAddress()).isZero();
    }

    @Test
    void anAnswerToAProbeMakesItReachableAgain() {
        Reachability r = in(State.PROBE);
        r.onAdvertisement(0, true, false, now);
        assertThat(r.state()).isEqualTo(State.REACHABLE);
        assertThat(r.deadline()).isEqualTo(Long.MAX_VALUE);
    }

    /** Appendix C, the rows of neighbour advertisements. */
    @ParameterizedTest
    @CsvSource({
        // state, solicited, override, other address, then, at other
        "INCOMPLETE, true, false, true, REACHABLE, true",
        "INCOMPLETE, true, true, true, REACHABLE, true",
        "INCOMPLETE, false, true, true, STALE, true",
        "REACHABLE, true, false, false, REACHABLE, false",
        "STALE, true, false, false, REACHABLE, false",
        "DELAY, true, true, false, REACHABLE, false",
        "PROBE, true, false, false, REACHABLE, false",
        "REACHABLE, true, false, true, STALE, false",
        "REACHABLE, false, false, true, STALE, false",
        "STALE, true, false, true, STALE, false",
        "DELAY, true, false, true, DELAY, false",
        "PROBE, true, false, true, PROBE, false",
        "REACHABLE, true, true, true, REACHABLE, true",
        "PROBE, true, true, true, REACHABLE, true",
        "REACHABLE, false, true, true, STALE, true",
        "PROBE, false, true, true, STALE, true",
        "REACHABLE, false, true, false, REACHABLE, false",
        "STALE, false, true, false, STALE, false",
        "PROBE, false, false, false, PROBE, false"
    })
    void anAdvertisementChangesStateAndAddressAsTheTableSays(
            State state, boolean solicited, boolean override, boolean other, State then, boolean atOther) {
        Reachability r = in(state);
        r.onAdvertisement(other ? OTHER : MAC, solicited, override, now);
        assertThat(r.state()).isEqualTo(then);
        assertThat(r.linkAddress()).isEqualTo(atOther ? OTHER : MAC);
    }

    @Test
    void anAdvertisementWithoutAddressTellsNothingOfAnUnknownOne() {
        Reachability r = in(State.INCOMPLETE);
        r.onAdvertisement(0, true, true, now);
        assertThat(r.state()).isEqualTo(State.INCOMPLETE);
    }

    @ParameterizedTest
    @CsvSource({"INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE"})
    void aSolicitationFromElsewhereIsBelievedButNotTrusted(State state) {
        Reachability r = in(state);
        r.onSolicitation(OTHER);
        assertThat(r.state()).isEqualTo(State.STALE);
        assertThat(r.linkAddress()).isEqualTo(OTHER);
    }

    @Test
    void aSolicitationFromWhereItWasChangesNothing() {
        Reachability r = in(State.REACHABLE);
        r.onSolicitation(MAC);
        assertThat(r.state()).isEqualTo(State.REACHABLE);
    }

    @Test
    void arpAsksTheKnownOneAtOnceThenEverybody() {
        Reachability r = Reachability.unknown(Timing.ARP);
        r.onClaim(MAC, now);
        now += 60 * SECOND + 1;
        assertThat(r.onUse(now)).isEqualTo(Action.ASK_IT);
        now += SECOND;
        assertThat(r.onTimer(now)).isEqualTo(Action.ASK_ALL);
        now += SECOND;
        assertThat(r.onTimer(now)).isEqualTo(Action.ASK_ALL);
        now += SECOND;
        assertThat(r.onTimer(now)).isEqualTo(Action.GIVE_UP);
    }

    @Test
    void aClaimIsBelievedOnlyIfTheKnownOneIsSilent() {
        Reachability r = Reachability.unknown(Timing.ARP);
        r.onClaim(MAC, now);
        assertThat(r.onClaim(OTHER, now)).isEqualTo(Action.ASK_IT);
        assertThat(r.onClaim(OTHER, now)).isEqualTo(Action.NONE);
        r.onClaim(MAC, now); // it is there
        now += SECOND;
        assertThat(r.onTimer(now)).isEqualTo(Action.NONE);
        assertThat(r.linkAddress()).isEqualTo(MAC);
        assertThat(r.onClaim(OTHER, now)).isEqualTo(Action.ASK_IT);
        now += SECOND;
        r.onTimer(now);
        assertThat(r.linkAddress()).isEqualTo(OTHER);
        assertThat(r.state()).isEqualTo(State.REACHABLE);
    }

    /** Whatever comes in whatever order: an address is known exactly where the state says so, and questions end. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void noOrderOfEventsBreaksItsInvariants(long seed) {
        Random random = new Random(seed);
        for (int round = 0; round < 2000; round++) {
            Reachability r = random.nextBoolean()
                    ? Reachability.unknown(random.nextBoolean() ? Timing.NDP : Timing.ARP)
                    : Reachability.heard(Timing.NDP, MAC);
            int questions = 0;
            for (int step = 0; step < 60; step++) {
                now += random.nextInt(3) * SECOND / 2;
                long from = random.nextBoolean() ? MAC : OTHER;
                Action action = Action.NONE;
                boolean heard = true;
                switch (random.nextInt(7)) {
                    case 0 -> r.onAdvertisement(from, random.nextBoolean(), random.nextBoolean(), now);
                    case 1 -> r.onSolicitation(from);
                    case 2 -> action = r.onClaim(from, now);
                    default -> {
                        heard = false;
                        action = random.nextBoolean() ? r.onUse(now) : r.onTimer(now);
                    }
                }
                questions = heard ? 0 : questions + (action == Action.ASK_ALL || action == Action.ASK_IT ? 1 : 0);
                boolean known = r.state() != State.INCOMPLETE && r.state() != State.FAILED;
                assertThat(r.linkAddress() != 0).as("seed %d: %s", seed, r).isEqualTo(known);
                assertThat(questions).as("seed %d: %s", seed, r).isLessThanOrEqualTo(3);
                if (action == Action.ASK_IT) {
                    assertThat(r.linkAddress()).isNotZero();
                }
                if (r.state() == State.DELAY || r.state() == State.PROBE) {
                    assertThat(r.deadline()).isNotEqualTo(Long.MAX_VALUE);
                }
            }
        }
    }
}
