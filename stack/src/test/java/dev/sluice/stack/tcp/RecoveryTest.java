package dev.sluice.stack.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The arithmetic of loss by counting, without selective acknowledgments (RFC 5681 §3.2, RFC 6582, RFC 6298). */
class RecoveryTest {
    private static final int MSS = 1000;
    private static final long UNA = 1;
    private static final long NXT = 1 + 10 * MSS;

    private final TcpShard shard = new TcpShard(NativeMemory.ofArenas(), 1 << 20, new Random(1));
    private final Recovery recovery = new Recovery(shard);

    @AfterEach
    void close() {
        recovery.clear();
        shard.close();
    }

    private boolean lossSeen() {
        return recovery.lossSeen(UNA, NXT, MSS, 0, 0);
    }

    private void duplicates(int count) {
        for (int i = 0; i < count; i++) {
            recovery.onDuplicate();
        }
    }

    @Test
    void threeDuplicatesAreALossAndTwoAreNot() {
        duplicates(2);
        assertThat(lossSeen()).isFalse();
        assertThat(recovery.next(UNA, NXT, MSS)).isEqualTo(LossRecovery.NONE);
        duplicates(1);
        assertThat(lossSeen()).isTrue();
        assertThat(recovery.duplicates()).isEqualTo(3);
        recovery.beginFast(UNA, NXT);
        assertThat(lossSeen()).as("a second time").isFalse();
        recovery.onAdvance(NXT, 10 * MSS, MSS, -1, 0);
        assertThat(recovery.active()).isFalse();
        assertThat(recovery.duplicates()).isZero();
        assertThat(recovery.timer()).isEqualTo(Sender.NEVER);
    }

    @Test
    void aDuplicateIsASegmentThatHasArrivedAndTheFirstIsLostUntilItGoesAgain() {
        duplicates(3);
        assertThat(recovery.pipe(UNA, NXT, MSS)).isEqualTo(7 * MSS);
        assertThat(recovery.lossMark(UNA, MSS)).isEqualTo(UNA);
        recovery.beginFast(UNA, NXT);
        assertThat(recovery.lossMark(UNA, MSS)).isEqualTo(UNA + MSS);
        assertThat(recovery.pipe(UNA, NXT, MSS)).isEqualTo(6 * MSS);
        assertThat(recovery.next(UNA, NXT, MSS)).isEqualTo(UNA);
        assertThat(recovery.endOfLoss(UNA, UNA, NXT, MSS)).isEqualTo(UNA + MSS);
        recovery.onRetransmitted(UNA, UNA + MSS, 0);
        assertThat(recovery.pipe(UNA, NXT, MSS)).isEqualTo(7 * MSS);
        assertThat(recovery.next(UNA, NXT, MSS)).isEqualTo(LossRecovery.NONE);
    }

    /** RFC 6582 §3.2 step 3. */
    @Test
    void afterAPartialAcknowledgmentTheNextIsLostAndFewerHaveArrivedBeyondIt() {
        duplicates(5);
        recovery.beginFast(UNA, NXT);
        recovery.onRetransmitted(UNA, UNA + MSS, 0);
        long una = UNA + 3 * MSS;
        recovery.onAdvance(una, 3 * MSS, MSS, -1, 0);
        assertThat(recovery.fast()).isTrue();
        assertThat(recovery.duplicates()).isEqualTo(2);
        assertThat(recovery.next(una, NXT, MSS)).isEqualTo(una);
        assertThat(recovery.pipe(una, NXT, MSS)).isEqualTo(7 * MSS - 2 * MSS - MSS);
        una += 4 * MSS;
        recovery.onAdvance(una, 4 * MSS, MSS, -1, 0);
        assertThat(recovery.duplicates()).isZero();
        recovery.onAdvance(NXT, 3 * MSS, MSS, -1, 0);
        assertThat(recovery.active()).isFalse();
        assertThat(recovery.pipe(NXT, NXT, MSS)).isZero();
    }

    @Test
    void afterATimeoutAllIsLostAndGoesAgainInOrder() {
        duplicates(2);
        recovery.beginTimeout(UNA, NXT, 0, 0);
        assertThat(recovery.duplicates()).isZero();
        assertThat(recovery.lossMark(UNA, MSS)).isEqualTo(NXT);
        assertThat(recovery.pipe(UNA, NXT, MSS)).isZero();
        assertThat(recovery.next(UNA, UNA + 2 * MSS, MSS)).isEqualTo(UNA);
        assertThat(recovery.endOfLoss(UNA, UNA, UNA + 2 * MSS, MSS)).isEqualTo(UNA + 2 * MSS);
        recovery.onRetransmitted(UNA, UNA + 2 * MSS, 0);
        assertThat(recovery.pipe(UNA, NXT, MSS)).isEqualTo(2 * MSS);
        assertThat(recovery.next(UNA, NXT, MSS)).isEqualTo(UNA + 2 * MSS);
        long una = UNA + MSS;
        recovery.onAdvance(una, MSS, MSS, -1, 0);
        assertThat(recovery.active()).isTrue();
        assertThat(recovery.next(una, NXT, MSS)).isEqualTo(UNA + 2 * MSS);
        recovery.onAdvance(NXT - 1, 9 * MSS - 1, MSS, -1, 0);
        assertThat(recovery.active()).isTrue();
        recovery.onAdvance(NXT, 1, MSS, -1, 0);
        assertThat(recovery.active()).isFalse();
    }

    /** Outside recovery, what is acknowledged makes earlier duplicates meaningless. */
    @Test
    void anAcknowledgmentForgetsDuplicates() {
        duplicates(2);
        recovery.onAdvance(UNA + MSS, MSS, MSS, -1, 0);
        assertThat(recovery.duplicates()).isZero();
        duplicates(1);
        assertThat(lossSeen()).isFalse();
        recovery.clear();
        assertThat(recovery.duplicates()).isZero();
    }
}
