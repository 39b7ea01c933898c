package dev.sluice.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** {@code -Dsluice.seeds=N} for more or fewer runs, {@code -Dsluice.seed=S} for one. */
class TcpSimulationTest {
    @Test
    void tcpStaysTrueOverBadLinks() {
        Long one = Long.getLong("sluice.seed");
        long first = one == null ? 1 : one;
        long count = one == null ? Long.getLong("sluice.seeds", 1200) : 1;
        long bytes = 0;
        long retransmits = 0;
        long steps = 0;
        long begin = System.nanoTime();
        for (long seed = first; seed < first + count; seed++) {
            TcpScenario.Outcome outcome = new TcpScenario(seed).run();
            bytes += outcome.bytes();
            retransmits += outcome.retransmits();
            steps += outcome.steps();
        }
        System.out.printf(
                "%d scenarios: %d steps, %d bytes, %d retransmissions, %d ms%n",
                count, steps, bytes, retransmits, (System.nanoTime() - begin) / 1_000_000);
        assertThat(bytes).isPositive();
    }
}
