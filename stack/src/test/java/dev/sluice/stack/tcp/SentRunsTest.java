package dev.sluice.stack.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The record of what left when, beside one that remembers every byte by itself. */
class SentRunsTest {
    private static final int MOST = 4000;

    private final SentRuns runs = new SentRuns();
    private final long[] at = new long[MOST];
    private final boolean[] again = new boolean[MOST];
    private int una = 1;
    private int nxt = 1;

    private void same(String step) {
        int run = 0;
        int merged = 0;
        for (int i = una; i < nxt; i++) {
            assertThat(runs.find(i)).as("%s: run of %d", step, i).isEqualTo(i < runs.to(run) ? run : run + 1);
            if (i >= runs.to(run)) {
                run++;
                assertThat(runs.from(run)).isEqualTo(i);
            } else if (i > una && (at[i] != at[i - 1] || again[i] != again[i - 1])) {
                merged++;
            }
            assertThat(runs.at(run)).as("%s: when %d left", step, i).isEqualTo(at[i]);
            assertThat(runs.again(run)).as("%s: whether %d left again", step, i).isEqualTo(again[i]);
        }
        assertThat(merged).as("%s: runs of different times in one", step).isZero();
        assertThat(runs.size()).isEqualTo(una == nxt ? 0 : run + 1);
        assertThat(runs.find(nxt)).isEqualTo(runs.size());
        if (una < nxt) {
            assertThat(runs.from(0)).isEqualTo(una);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void everyByteHasTheTimeOfItsLastDeparture(int seed) {
        Random random = new Random(seed);
        long now = 1;
        for (int step = 0; step < 120 && nxt < MOST - 60; step++) {
            if (random.nextInt(3) > 0) {
                now += random.nextInt(2);
            }
            int what = random.nextInt(10);
            if (what < 5 || una == nxt) {
                int to = nxt + 1 + random.nextInt(40);
                runs.append(nxt, to, now);
                for (; nxt < to; nxt++) {
                    at[nxt] = now;
                }
            } else if (what < 9) {
                int from = una + random.nextInt(nxt - una);
                int to = from + 1 + random.nextInt(Math.min(90, nxt - from));
                runs.resend(from, to, now);
                for (int i = from; i < to; i++) {
                    at[i] = now;
                    again[i] = true;
                }
            } else {
                una += random.nextInt(Math.min(50, nxt - una) + 1);
                runs.trimBelow(una);
            }
            same("seed " + seed + ", step " + step);
        }
    }
}
