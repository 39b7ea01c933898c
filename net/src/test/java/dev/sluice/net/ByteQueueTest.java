package dev.sluice.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class ByteQueueTest {

    @Test
    void itHoldsItsCapacityAndNotAByteMore() {
        ByteQueue queue = new ByteQueue(100_000);
        assertThat(queue.write(new byte[60_000], 0, 60_000)).isEqualTo(60_000);
        assertThat(queue.write(new byte[60_000], 0, 60_000)).isEqualTo(40_000);
        assertThat(queue.write(new byte[1], 0, 1)).isZero();
        assertThat(queue.room()).isZero();
        assertThat(queue.read(new byte[10], 0, 10)).isEqualTo(10);
        assertThat(queue.room()).isEqualTo(10);
        assertThat(queue.size()).isEqualTo(99_990);
    }

    @Test
    void readingAnEmptyQueueGivesNothing() {
        ByteQueue queue = new ByteQueue(10);
        assertThat(queue.read(new byte[10], 0, 10)).isZero();
        assertThat(queue.isEmpty()).isTrue();
    }

    /** Every byte's value is a function of its position, so order and loss show. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void twoThreadsPassBytesInOrder(long seed) throws Exception {
        long total = 20_000_000;
        ByteQueue queue = new ByteQueue(1 + new Random(seed).nextInt(200_000));
        CompletableFuture<Void> producer = CompletableFuture.runAsync(() -> {
            Random random = new Random(seed);
            byte[] heap = new byte[70_000];
            MemorySegment memory = Arena.ofAuto().allocate(70_000);
            long position = 0;
            while (position < total) {
                int length = (int) Math.min(total - position, 1 + random.nextInt(70_000));
                boolean segment = random.nextBoolean();
                for (int i = 0; i < length; i++) {
                    heap[i] = valueAt(position + i);
                }
                if (segment) {
                    MemorySegment.copy(MemorySegment.ofArray(heap), 0, memory, 0, length);
                }
                int n = segment ? queue.write(memory, 0, length) : queue.write(heap, 0, length);
                position += n;
                if (n == 0) {
                    Thread.yield();
                }
            }
        });
        Random random = new Random(seed + 100);
        byte[] heap = new byte[70_000];
        MemorySegment memory = Arena.ofAuto().allocate(70_000);
        long position = 0;
        while (position < total) {
            int length = 1 + random.nextInt(70_000);
            boolean segment = random.nextBoolean();
            int n = segment ? queue.read(memory, 0, length) : queue.read(heap, 0, length);
            if (segment) {
                MemorySegment.copy(memory, 0, MemorySegment.ofArray(heap), 0, n);
            }
            for (int i = 0; i < n; i++) {
                if (heap[i] != valueAt(position + i)) {
                    throw new AssertionError("seed " + seed + ": byte " + (position + i) + " is wrong");
                }
            }
            position += n;
            if (n == 0) {
                Thread.yield();
            }
        }
        producer.get(60, TimeUnit.SECONDS);
        assertThat(queue.isEmpty()).isTrue();
    }

    private static byte valueAt(long position) {
        return (byte) (position * 31 + (position >>> 11));
    }
}
