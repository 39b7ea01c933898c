package dev.sluice.stack.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** When an acknowledgment is due, and how many (RFC 9293 §3.8.6.3, RFC 5681 §4.2, RFC 5961 §10, RFC 2883). */
class AckPolicyTest {
    private static final long MS = 1_000_000L;
    private static final long SECOND = 1_000_000_000L;
    private static final long DELAY = 40 * MS;
    private static final long NOW = 10 * SECOND;

    private final TcpShard shard = new TcpShard(NativeMemory.ofArenas(), 1 << 20, new Random(1));
    private final AckPolicy acks = new AckPolicy(shard);

    @AfterEach
    void close() {
        shard.close();
    }

    private void assertNothingDue() {
        assertThat(acks.pending()).isFalse();
        assertThat(acks.timer()).isEqualTo(Sender.NEVER);
        assertThat(acks.challenging()).isFalse();
        assertThat(acks.hasDuplicate()).isFalse();
        assertThat(acks.copies(false)).isEqualTo(1);
    }

    // ---- Delays

    @Test
    void theFirstSegmentWaitsForTheTimer() {
        acks.onData(1, DELAY, NOW);
        assertThat(acks.pending()).isFalse();
        assertThat(acks.timer()).isEqualTo(NOW + DELAY);
        acks.onTimer(NOW + DELAY - 1);
        assertThat(acks.pending()).isFalse();
        assertThat(acks.timer()).isEqualTo(NOW + DELAY);
        acks.onTimer(NOW + DELAY);
        assertThat(acks.pending()).isTrue();
        assertThat(acks.timer()).isEqualTo(Sender.NEVER);
        acks.onSent();
        assertNothingDue();
        acks.onTimer(NOW + SECOND);
        assertThat(acks.pending()).as("a timer that is not armed").isFalse();
    }

    @Test
    void theSecondSegmentIsAcknowledgedAtOnceAndTheThirdWaitsAgain() {
        acks.onData(1, DELAY, NOW);
        acks.onData(1, DELAY, NOW + MS);
        assertThat(acks.pending()).isTrue();
        acks.onSent();
        assertNothingDue();
        acks.onData(1, DELAY, NOW + 2 * MS);
        assertThat(acks.pending()).isFalse();
        assertThat(acks.timer()).isEqualTo(NOW + 2 * MS + DELAY);
    }

    /** A frame of several segments (RFC 9293 §3.8.6.3: every second full-sized one). */
    @Test
    void twoSegmentsAtATimeAreAcknowledgedAtOnce() {
        acks.onData(2, DELAY, NOW);
        assertThat(acks.pending()).isTrue();
        assertThat(acks.timer()).isEqualTo(Sender.NEVER);
    }

    @Test
    void withoutDelayEverySegmentIsAcknowledgedAtOnce() {
        acks.onData(1, 0, NOW);
        assertThat(acks.pending()).isTrue();
        assertThat(acks.timer()).isEqualTo(Sender.NEVER);
    }

    @Test
    void anEndWithoutDataMayWaitButMovesNoTimer() {
        acks.onBareFin(DELAY, NOW);
        assertThat(acks.pending()).isFalse();
        assertThat(acks.timer()).isEqualTo(NOW + DELAY);
        acks.onBareFin(DELAY, NOW + MS);
        assertThat(acks.timer()).isEqualTo(NOW + DELAY);
        acks.onData(1, DELAY, NOW + MS);
        assertThat(acks.timer()).as("data after it").isEqualTo(NOW + DELAY);
    }

    // ---- The begin of a connection

    @Test
    void theFirstSegmentsAreAcknowledgedAtOnceAsManyAsWasAskedFor() {
        acks.open(3);
        for (int segments : new int[] {2, 1}) {
            acks.onData(segments, DELAY, NOW);
            assertThat(acks.pending()).isTrue();
            acks.onSent();
        }
        acks.onData(1, DELAY, NOW);
        assertThat(acks.pending()).isFalse();
    }

    @Test
    void anEndStopsTheHurry() {
        acks.open(3);
        acks.onBareFin(DELAY, NOW);
        acks.onData(1, DELAY, NOW);
        assertThat(acks.pending()).isFalse();
    }

    @Test
    void acknowledgingAtOnceForLongLeavesNoHurryBehind() {
        for (int i = 0; i < 200; i++) {
            acks.onData(1, 0, NOW);
            acks.onSent();
        }
        acks.onData(1, DELAY, NOW);
        assertThat(acks.pending()).isFalse();
    }

    // ---- Holes

    /** The peer counts them, unless it has SACK; four tell as much as forty. */
    @Test
    void everySegmentBeyondAHoleIsAnswered() {
        for (int holes = 1; holes <= 40; holes++) {
            acks.onHole();
            assertThat(acks.pending()).isTrue();
            assertThat(acks.copies(true)).isEqualTo(1);
            assertThat(acks.copies(false)).isEqualTo(Math.min(holes, 4));
        }
        acks.onSent();
        assertNothingDue();
    }

    @Test
    void whatIsWantedNowIsDueOnce() {
        acks.now();
        assertThat(acks.pending()).isTrue();
        assertThat(acks.copies(false)).isEqualTo(1);
        acks.onSent();
        assertNothingDue();
    }

    // ---- Duplicates

    @Test
    void whatCameTwiceIsRememberedUntilToldAlsoAcrossTheWrap() {
        acks.onDuplicate(-100, 1360);
        assertThat(acks.pending()).isTrue();
        assertThat(acks.hasDuplicate()).isTrue();
        assertThat(acks.duplicateLeft()).isEqualTo(-100);
        assertThat(acks.duplicateRight()).isEqualTo(1360);
        acks.onSent();
        assertNothingDue();
    }

    // ---- Suspicious segments

    @Test
    void tenChallengesASecondAndTheOthersAreCounted() {
        for (int i = 0; i < 10; i++) {
            acks.challenge(NOW + i * MS);
            assertThat(acks.pending()).isTrue();
            acks.onSent();
        }
        acks.challenge(NOW + SECOND - 1);
        assertThat(acks.pending()).isFalse();
        assertThat(shard.counters().challengeAcks).isEqualTo(10);
        assertThat(shard.counters().challengeAcksSuppressed).isEqualTo(1);
        acks.challenge(NOW + SECOND);
        assertThat(acks.pending()).isTrue();
        for (int i = 0; i < 20; i++) {
            acks.challenge(NOW + SECOND);
        }
        assertThat(shard.counters().challengeAcks).isEqualTo(20);
        assertThat(shard.counters().challengeAcksSuppressed).isEqualTo(12);
    }

    @Test
    void aChallengeIsOnlyThatUntilSomethingElseWantsAnAcknowledgment() {
        acks.challenge(NOW);
        assertThat(acks.challenging()).isTrue();
        acks.challenge(NOW);
        assertThat(acks.challenging()).as("a second one").isTrue();
        acks.now();
        assertThat(acks.challenging()).isFalse();
        assertThat(acks.pending()).isTrue();
        acks.onSent();
        assertNothingDue();
        acks.onHole();
        acks.challenge(NOW);
        assertThat(acks.challenging()).isFalse();
    }
}
