package dev.sluice.cli.network;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HeapWatchTest {
    private static final long MIB = 1 << 20;

    @Test
    void aSmallHeapMayGrow() {
        assertThat(HeapWatch.isDue(HeapWatch.LEAST - 1, 8 * MIB)).isFalse();
        assertThat(HeapWatch.isDue(HeapWatch.LEAST, 8 * MIB)).isTrue();
    }

    @Test
    void aHeapThatIsInUseIsNotCollectedAgainAndAgain() {
        assertThat(HeapWatch.isDue(100 * MIB, 100 * MIB)).isFalse();
        assertThat(HeapWatch.isDue(149 * MIB, 100 * MIB)).isFalse();
        assertThat(HeapWatch.isDue(150 * MIB, 100 * MIB)).isTrue();
    }

    @Test
    void collectionsAreCountedAndOthersAreNotAskedFor() {
        HeapWatch watch = new HeapWatch(100 * MIB);
        long before = HeapWatch.collections();
        watch.look(149 * MIB, () -> 90 * MIB);
        assertThat(HeapWatch.collections()).isEqualTo(before);
        watch.look(150 * MIB, () -> 120 * MIB);
        assertThat(HeapWatch.collections()).isEqualTo(before + 1);
        watch.look(170 * MIB, () -> 110 * MIB);
        assertThat(HeapWatch.collections())
                .as("since the last it has not grown by half")
                .isEqualTo(before + 1);
    }
}
