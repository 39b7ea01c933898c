package dev.sluice.stack.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class BufferPoolTest {
    @Test
    void blocksThatNobodyNeededBetweenTwoTrimsAreFreedAndTheOthersKept() {
        var pool = new BufferPool(NativeMemory.ofArenas(), 1 << 20);
        MemorySegment[] blocks = new MemorySegment[4];
        for (int i = 0; i < 4; i++) {
            blocks[i] = pool.take(1 << 16);
        }
        for (MemorySegment block : blocks) {
            pool.give(block);
        }
        pool.trim();
        assertThat(pool.kept()).as("all were needed since the pool began").isEqualTo(4 << 16);
        pool.give(pool.take(1 << 16));
        pool.trim();
        assertThat(pool.kept()).as("one of four was needed").isEqualTo(1 << 16);
        pool.trim();
        assertThat(pool.kept()).isZero();
        pool.trim();
        assertThat(pool.take(1 << 16)).isNotNull();
    }

    @Test
    void theLastQuarterIsForSmallBlocks() {
        var pool = new BufferPool(NativeMemory.ofArenas(), 4 << 20);
        for (int i = 0; i < 3; i++) {
            assertThat(pool.take(1 << 20)).isNotNull();
        }
        assertThat(pool.take(1 << 20)).isNull();
        assertThat(pool.take(BufferPool.LARGEST_NEED * 2)).isNull();
        assertThat(pool.refusals()).isEqualTo(2);
        for (int left = 1 << 20; left > 0; left -= BufferPool.LARGEST_NEED) {
            assertThat(pool.take(BufferPool.LARGEST_NEED)).isNotNull();
        }
        assertThat(pool.inUse()).isEqualTo(4 << 20);
    }
}
