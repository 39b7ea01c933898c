package dev.sluice.stack.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** RFC 9438 with an MSS of 1000 and a round trip of 100 ms. */
class CubicTest {
    private static final int MSS = 1000;
    private static final long RTT = 100_000_000L;

    private final Cubic cubic = new Cubic(MSS);
    private long now = 5;

    /** One round trip in which the whole window was used. */
    private void round() {
        now += RTT;
        for (int left = cubic.window(); left > 0; left -= MSS) {
            cubic.onAck(Math.min(MSS, left), cubic.window(), MSS, 2 * MSS, now, RTT);
        }
    }

    private void growTo(int window) {
        while (cubic.window() < window) {
            round();
        }
    }

    @Test
    void slowStartDoublesFromTenSegments() {
        assertThat(cubic.window()).isEqualTo(10_000);
        round();
        assertThat(cubic.window()).isEqualTo(20_000);
        assertThat(cubic.threshold()).isEqualTo(1 << 30);
    }

    @Test
    void aLossLeavesSevenTenths() {
        growTo(80_000);
        int before = cubic.window();
        cubic.onLoss(before, MSS);
        assertThat(cubic.window()).isEqualTo((int) (before * 0.7));
        assertThat(cubic.threshold()).isEqualTo((int) (before * 0.7));
        cubic.onRecovered();
        assertThat(cubic.window()).isEqualTo((int) (before * 0.7));
    }

    @Test
    void theWindowComesBackToWhereTheLossWasAfterKSecondsAndIsFlatThere() {
        growTo(1_000_000);
        int before = cubic.window();
        cubic.onLoss(before, MSS);
        cubic.onRecovered();
        // K = cbrt(W_max · 0.3 / 0.4) with W_max in segments.
        double k = Math.cbrt(before / 1000.0 * 0.3 / 0.4);
        long begin = now + RTT;
        int growthEarly = 0;
        while (now - begin < (long) (k * 0.95e9)) {
            int was = cubic.window();
            round();
            growthEarly = Math.max(growthEarly, cubic.window() - was);
        }
        assertThat((double) cubic.window()).isCloseTo(before, within(before * 0.02));
        int was = cubic.window();
        round();
        assertThat(cubic.window() - was).isLessThan(growthEarly / 20);
    }

    @Test
    void onAShortFatFreePathItIsNeverSlowerThanReno() {
        growTo(20_000);
        cubic.onLoss(cubic.window(), MSS);
        cubic.onRecovered();
        int from = cubic.window();
        for (int i = 0; i < 20; i++) {
            round();
        }
        // Reno with these constants grows by 0.53 segments a round trip until it is where it was, then by one.
        assertThat(cubic.window()).isGreaterThanOrEqualTo(from + (int) (20 * 0.5 * MSS));
    }

    @Test
    void aSmallerPeakThanTheLastMakesRoomForOthers() {
        growTo(200_000);
        cubic.onLoss(cubic.window(), MSS);
        cubic.onRecovered();
        int low = cubic.window();
        cubic.onLoss(low, MSS); // at once again
        cubic.onRecovered();
        for (int i = 0; i < 100 && cubic.window() < low * 0.84; i++) {
            round();
        }
        // The plateau is at 0.85 of where it was.
        int was = cubic.window();
        round();
        assertThat(cubic.window() - was).isLessThan(3 * MSS);
    }

    @Test
    void aTimeoutBeginsAnewAndTheSecondOneKeepsTheThreshold() {
        growTo(80_000);
        int before = cubic.window();
        cubic.onTimeout(before, false, MSS);
        assertThat(cubic.window()).isEqualTo(MSS);
        assertThat(cubic.threshold()).isEqualTo((int) (before * 0.7));
        cubic.onTimeout(MSS, true, MSS);
        assertThat(cubic.threshold()).isEqualTo((int) (before * 0.7));
        growTo(cubic.threshold());
        int at = cubic.window();
        round();
        assertThat(cubic.window()).isBetween(at, at + 2 * MSS);
    }

    @Test
    void aWindowThatIsNotUsedDoesNotGrowNorDoesItsTimeCount() {
        growTo(80_000);
        cubic.onLoss(cubic.window(), MSS);
        cubic.onRecovered();
        round();
        int was = cubic.window();
        for (int i = 0; i < 1000; i++) {
            now += RTT;
            cubic.onAck(MSS, MSS, MSS, 2 * MSS, now, RTT);
        }
        assertThat(cubic.window()).isEqualTo(was);
        round();
        assertThat(cubic.window()).isLessThan(was + 4 * MSS);
    }

    @Test
    void aPauseBeginsWithTheInitialWindow() {
        growTo(80_000);
        cubic.onRestart(MSS);
        assertThat(cubic.window()).isEqualTo(10_000);
    }

    @Test
    void itNeverLeavesItsBounds() {
        for (int i = 0; i < 400; i++) {
            cubic.onAck(1 << 26, cubic.window(), 65_000, 130_000, now += 1_000_000_000_000L, RTT);
            assertThat(cubic.window()).isBetween(MSS, 1 << 30);
            if (i % 50 == 49) {
                cubic.onLoss(cubic.window(), 65_000);
                cubic.onRecovered();
            }
        }
        cubic.onLoss(10, MSS);
        assertThat(cubic.window()).isEqualTo(2 * MSS);
    }
}
