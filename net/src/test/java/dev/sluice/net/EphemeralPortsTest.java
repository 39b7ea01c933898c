package dev.sluice.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Whoever sees some of a host's ports must not guess the next (RFC 6056); judged by χ² of large samples with fixed seeds. */
class EphemeralPortsTest {
    private static final int SAMPLE = 100_000;

    private static int[] choose(long seed) {
        EphemeralPorts ports = new EphemeralPorts(new Random(seed));
        int[] chosen = new int[SAMPLE];
        Arrays.setAll(chosen, i -> ports.choose(_ -> true));
        return chosen;
    }

    /** 128 buckets of {@code COUNT} values: 127 degrees of freedom, the points of one in a hundred thousand. */
    private static void assertUniform(int[] values) {
        int[] buckets = new int[128];
        for (int value : values) {
            buckets[value / (EphemeralPorts.COUNT / 128)]++;
        }
        double expected = values.length / 128.0;
        double chi = 0;
        for (int bucket : buckets) {
            chi += (bucket - expected) * (bucket - expected) / expected;
        }
        assertThat(chi).isBetween(68.0, 202.0);
    }

    @Test
    void everyPortOfTheDynamicRangeIsAsLikelyAsAnyOther() {
        int[] chosen = choose(1);
        assertThat(Arrays.stream(chosen).min().orElseThrow()).isEqualTo(EphemeralPorts.FIRST);
        assertThat(Arrays.stream(chosen).max().orElseThrow()).isEqualTo(0xffff);
        assertUniform(Arrays.stream(chosen).map(p -> p - EphemeralPorts.FIRST).toArray());
        // And its low bits by themselves: the same sixteen thousand values, the other way round.
        assertUniform(Arrays.stream(chosen)
                .map(p -> Integer.reverse(p - EphemeralPorts.FIRST) >>> 18)
                .toArray());
    }

    @Test
    void aPortTellsNothingOfTheNext() {
        int[] chosen = choose(2);
        int[] steps = new int[SAMPLE - 1];
        Arrays.setAll(steps, i -> Math.floorMod(chosen[i + 1] - chosen[i], EphemeralPorts.COUNT));
        assertUniform(steps);
    }

    @Test
    void aRunTellsNothingOfAnother() {
        int[] one = choose(3);
        int[] other = choose(4);
        int[] differences = new int[SAMPLE];
        Arrays.setAll(differences, i -> Math.floorMod(one[i] - other[i], EphemeralPorts.COUNT));
        assertUniform(differences);
    }

    @Test
    void allPortsAreGivenBeforeThereIsNone() {
        EphemeralPorts ports = new EphemeralPorts(new Random(5));
        Set<Integer> taken = new HashSet<>();
        for (int i = 0; i < EphemeralPorts.COUNT; i++) {
            assertThat(taken.add(ports.choose(p -> !taken.contains(p)))).isTrue();
        }
        assertThat(taken).allMatch(p -> p >= EphemeralPorts.FIRST && p <= 0xffff);
        assertThat(ports.choose(p -> !taken.contains(p))).isEqualTo(-1);
    }
}
