package dev.sluice.stack.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The arithmetic of proportional rate reduction (RFC 9937 §6.2) and what is known of a shared path beside it. */
class ProportionalRateTest {
    private static final int MSS = 1000;

    private final ProportionalRate rate = new ProportionalRate();

    /** Twenty segments were in flight, fourteen shall be: seven leave for ten that arrive, rounded up each time. */
    @Test
    void aboveTheThresholdItSendsInProportion() {
        rate.begin(20 * MSS);
        assertThat(rate.room()).isZero();
        long pipe = 19 * MSS;
        int[] expected = {700, 1400, 2100};
        for (int room : expected) {
            rate.onAck(MSS, pipe, 14 * MSS, MSS, false);
            assertThat(rate.room()).isEqualTo(room);
        }
        rate.onSent(2 * MSS);
        assertThat(rate.room()).isEqualTo(100);
        rate.onAck(1, 15 * MSS, 14 * MSS, MSS, true);
        assertThat(rate.room()).isEqualTo(101); // ⌈3001 × 0.7⌉ − 2000
        rate.onSent(MSS);
        assertThat(rate.room()).isZero();
        rate.onAck(MSS, 14 * MSS + 1, 14 * MSS, MSS, true);
        assertThat(rate.room()).isZero();
    }

    @Test
    void belowTheThresholdItGivesBackWhatArrivedAndASegmentMoreWhereThatIsSafe() {
        rate.begin(10 * MSS);
        rate.onAck(MSS, 3 * MSS, 7 * MSS, MSS, false);
        assertThat(rate.room()).isEqualTo(MSS);
        rate.onAck(MSS, 3 * MSS, 7 * MSS, MSS, false);
        assertThat(rate.room()).isEqualTo(2 * MSS);
        rate.onSent(2 * MSS);
        rate.onAck(MSS, 3 * MSS, 7 * MSS, MSS, true);
        assertThat(rate.room()).isEqualTo(2 * MSS);
        rate.onSent(2 * MSS);
        rate.onAck(MSS, 7 * MSS - 300, 7 * MSS, MSS, true);
        assertThat(rate.room()).isEqualTo(300);
        rate.onAck(MSS, 7 * MSS, 7 * MSS, MSS, true);
        assertThat(rate.room()).isZero();
    }

    @Test
    void anAcknowledgmentThatBringsNothingChangesNothing() {
        rate.begin(10 * MSS);
        rate.onAck(MSS, 3 * MSS, 7 * MSS, MSS, false);
        rate.onAck(0, 0, 7 * MSS, MSS, true);
        assertThat(rate.room()).isEqualTo(MSS);
    }

    /** Nine of ten can have arrived when the first is missing. */
    @Test
    void duplicatesCountAsSegmentsWhileSoManyCanHaveArrived() {
        rate.begin(3 * MSS + 500);
        long all = 0;
        for (int i = 0; i < 5; i++) {
            long fresh = rate.duplicate(MSS);
            rate.onAck(fresh, 3 * MSS, 7 * MSS, MSS, false);
            all += fresh;
            assertThat(fresh).isEqualTo(i < 2 ? MSS : i == 2 ? 500 : 0);
        }
        assertThat(all).isEqualTo(2 * MSS + 500);
    }

    /** RFC 7661 §4.2: the most in flight at once, of the round trip that is ending. */
    @Test
    void thePeakIsThatOfTheRoundTrip() {
        SharedPath path = new SharedPath(true);
        path.onSent(1, 5001);
        assertThat(path.peak()).isEqualTo(5000);
        path.onSent(3001, 6001);
        assertThat(path.peak()).isEqualTo(5000);
        path.onSent(1001, 7001);
        assertThat(path.peak()).isEqualTo(6000);
        path.onSent(7000, 7501);
        assertThat(path.peak()).isEqualTo(6000);
        path.onSent(7001, 7502); // all that was in flight then is acknowledged
        assertThat(path.peak()).isEqualTo(501);
    }

    @Test
    void whatRepairsEndsTheProbe() {
        SharedPath path = new SharedPath(true);
        TailProbe tail = path.tail;
        assertThat(tail).isNotNull();
        tail.arm(true, false, 100, 1000, 0);
        assertThat(tail.timer()).isNotEqualTo(Sender.NEVER);
        path.stopProbing();
        assertThat(tail.timer()).isEqualTo(Sender.NEVER);
        tail.sent(500, true);
        path.stopProbing();
        assertThat(tail.repaired(501, true, false)).isFalse();
        new SharedPath(false).stopProbing();
    }
}
