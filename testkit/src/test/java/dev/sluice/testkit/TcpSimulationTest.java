package dev.sluice.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * {@code -Dsluice.seeds=N} for more or fewer runs of each kind of ends, {@code -Dsluice.seed=S} for one. Loss up to 30 %, reordering,
 * duplicates, flipped bits, rates, delays and blackouts are the seed's choice.
 */
class TcpSimulationTest {
    @ParameterizedTest
    @EnumSource
    void tcpStaysTrueOverBadLinks(TcpScenario.Ends ends) {
        Long one = Long.getLong("sluice.seed");
        long first = one == null ? 1 : one;
        long count = one == null ? Long.getLong("sluice.seeds", 700) : 1;
        long bytes = 0;
        long retransmits = 0;
        long steps = 0;
        long begin = System.nanoTime();
        for (long seed = first; seed < first + count; seed++) {
            TcpScenario.Outcome outcome = new TcpScenario(seed, ends).run();
            bytes += outcome.bytes();
            retransmits += outcome.retransmits();
            steps += outcome.steps();
        }
        System.out.printf(
                "%s, %d scenarios: %d steps, %d bytes, %d retransmissions, %d ms%n",
                ends, count, steps, bytes, retransmits, (System.nanoTime() - begin) / 1_000_000);
        assertThat(bytes).isPositive();
    }

    /**
     * Found by 20,000 seeds: the reset of its peer was lost, what came out of order holds the memory that its own data needs, and so nothing
     * ever tells it. Only keep-alive or a user timeout would.
     */
    @Test
    void whoWaitsForMemoryWhileItsPeerHasVanishedOnlyWaits() {
        TcpScenario.Outcome outcome = new TcpScenario(2022, TcpScenario.Ends.LAN_TO_LAN).run();
        assertThat(outcome.aborted()).isTrue();
    }
}
