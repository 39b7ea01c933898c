package dev.sluice.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.TcpProfile;
import dev.sluice.stack.tcp.TcpProfile.Congestion;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** How much of a path the LAN profile uses, in virtual time: floors, each with its reason. */
class GoodputTest {
    private static final long MILLI = 1_000_000L;
    private static final long SECOND = 1_000 * MILLI;
    private static final int SEEDS = 9;
    private static final int MSS = 1448;

    private static TcpProfile lan(Congestion kind, int buffer) {
        return TcpProfile.lan(1500).withCongestionControl(kind).withBuffers(buffer, buffer);
    }

    private static LinkModel path(int lossPermille, long delay, long rate, int queue) {
        return new LinkModel(lossPermille, 0, 0, 0, 0, delay, rate, queue, 0, 0);
    }

    /** The median over seeds, in bytes per second. */
    private static double median(TcpProfile profile, LinkModel there, LinkModel back, long bytes) {
        double[] rates = new double[SEEDS];
        for (int seed = 0; seed < SEEDS; seed++) {
            rates[seed] = new BulkTransfer(seed, profile, profile, there, back, bytes)
                    .run(3600 * SECOND)
                    .rate();
        }
        Arrays.sort(rates);
        return rates[SEEDS / 2];
    }

    /** 100 Mbit/s, 20 ms, a queue of one bandwidth-delay product: nothing is lost that congestion control does not cause itself. */
    @ParameterizedTest
    @EnumSource(names = {"NEW_RENO", "CUBIC"})
    void aCleanPathIsFull(Congestion kind) {
        long rate = 12_500_000;
        LinkModel there = path(0, 10 * MILLI, rate, 250_000);
        double got = median(lan(kind, 1 << 20), there, path(0, 10 * MILLI, 0, 0), 60_000_000);
        assertThat(got).isGreaterThan(0.85 * rate);
    }

    /**
     * Mathis, Semke, Mahdavi and Ott (1997): with random loss p, Reno carries MSS/RTT · C/√p, C = √(3/2) with an acknowledgment for each
     * segment, about 0.87 with one for every second. CUBIC is at least as fast (RFC 9438 §4.3).
     */
    @ParameterizedTest
    @CsvSource({
        "NEW_RENO, 10, 10",
        "CUBIC, 10, 10",
        "NEW_RENO, 10, 50",
        "CUBIC, 10, 50",
        "CUBIC, 3, 20",
        "CUBIC, 50, 20"
    })
    void underRandomLossItComesUpToTheBoundOfMathis(Congestion kind, int lossPermille, long delayMillis) {
        double rtt = 2 * delayMillis / 1e3;
        double bound = MSS / rtt * 0.87 / Math.sqrt(lossPermille / 1e3);
        LinkModel there = path(lossPermille, delayMillis * MILLI, 0, 0);
        double got = median(lan(kind, 1 << 22), there, path(0, delayMillis * MILLI, 0, 0), 4_000_000);
        System.out.printf(
                "%s, loss %.1f %%, RTT %.0f ms: %.0f kB/s, Mathis %.0f kB/s%n",
                kind, lossPermille / 10.0, rtt * 1e3, got / 1e3, bound / 1e3);
        // Heavy loss brings timeouts, which the formula leaves out.
        assertThat(got).isGreaterThan((lossPermille >= 50 ? 0.5 : 0.8) * bound);
    }

    /** Losing acknowledgments costs little, as each tells all of those before. */
    @Test
    void lostAcknowledgmentsHardlyMatter() {
        long rate = 5_000_000;
        LinkModel there = path(0, 5 * MILLI, rate, 200_000);
        double got = median(lan(Congestion.CUBIC, 1 << 20), there, path(100, 5 * MILLI, 0, 0), 20_000_000);
        assertThat(got).isGreaterThan(0.7 * rate);
    }

    /** Segments up to 2 ms late on a path of 20 ms: RACK waits where counting would call them lost. */
    @Test
    void reorderingIsNotTakenForLoss() {
        long rate = 5_000_000;
        LinkModel there = new LinkModel(0, 0, 0, 100, 2 * MILLI, 10 * MILLI, rate, 200_000, 0, 0);
        LinkModel back = path(0, 10 * MILLI, 0, 0);
        TcpProfile byTime = lan(Congestion.CUBIC, 1 << 18); // no more than path and queue hold, so nothing is lost
        double rack = median(byTime, there, back, 20_000_000);
        assertThat(rack).isGreaterThan(0.7 * rate);
        long needless = new BulkTransfer(1, byTime, byTime, there, back, 20_000_000)
                .run(3600 * SECOND)
                .counters()
                .retransmits;
        TcpProfile byCounting = byTime.withRack(false);
        long counted = new BulkTransfer(1, byCounting, byCounting, there, back, 20_000_000)
                .run(3600 * SECOND)
                .counters()
                .retransmits;
        System.out.printf("needless retransmissions: %d by time, %d by counting%n", needless, counted);
        assertThat(needless).isLessThan(counted / 4);
    }

    /** Short answers whose last segment is lost: the tail probe saves the retransmission timeout. */
    @Test
    void aLostTailCostsTwoRoundTripsAndNoTimeout() {
        int better = 0;
        for (int seed = 0; seed < 40; seed++) {
            LinkModel there = path(150, 5 * MILLI, 0, 0);
            LinkModel back = path(0, 5 * MILLI, 0, 0);
            TcpProfile rack = lan(Congestion.CUBIC, 1 << 18);
            long with = new BulkTransfer(seed, rack, rack, there, back, 10_000)
                    .run(600 * SECOND)
                    .nanos();
            TcpProfile counting = rack.withRack(false);
            long without = new BulkTransfer(seed, counting, counting, there, back, 10_000)
                    .run(600 * SECOND)
                    .nanos();
            better += Long.compare(without, with);
        }
        assertThat(better).isGreaterThan(5);
    }

    /** Ten seconds of darkness in a transfer: it goes on within the doubled timeouts of that time, and not from the start. */
    @Test
    void afterABlackoutItGoesOn() {
        long rate = 5_000_000;
        LinkModel there = new LinkModel(0, 0, 0, 0, 0, 5 * MILLI, rate, 100_000, 2 * SECOND, 12 * SECOND);
        TcpProfile profile = lan(Congestion.CUBIC, 1 << 20);
        for (int seed = 0; seed < SEEDS; seed++) {
            long nanos = new BulkTransfer(seed, profile, profile, there, path(0, 5 * MILLI, 0, 0), 20_000_000)
                    .run(3600 * SECOND)
                    .nanos();
            assertThat(nanos).isLessThan(4 * SECOND + 2 * 10 * SECOND + 2 * SECOND);
        }
    }

    /** Loss of 30 % each way is beyond what TCP is made for; it still gets through. */
    @Test
    void evenAThirdOfAllSegmentsLostIsNoEnd() {
        TcpProfile profile = lan(Congestion.CUBIC, 1 << 18)
                .withTimeouts(48 * 3600 * SECOND, 48 * 3600 * SECOND, 60 * SECOND, 60 * SECOND);
        for (int seed = 0; seed < SEEDS; seed++) {
            new BulkTransfer(seed, profile, profile, path(300, MILLI, 0, 0), path(300, MILLI, 0, 0), 200_000)
                    .run(24 * 3600 * SECOND);
        }
    }
}
