package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.posix.Io;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OutputBufferTest {
    @Test
    void bytesComeOutInOrderAndNoneIsLostWhateverTheSizes() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int[] pipe = Io.pipe(Io.O_NONBLOCK);
        try (Arena arena = Arena.ofConfined()) {
            OutputBuffer buffer = new OutputBuffer(arena.allocate(1000));
            MemorySegment sink = arena.allocate(65_536);
            long put = 0;
            long taken = 0;
            for (int round = 0; round < 100_000; round++) {
                int length = 1 + random.nextInt(300);
                int room = buffer.room();
                int at = buffer.reserve(length);
                assertThat(at >= 0).as("seed " + seed).isEqualTo(length <= room);
                if (at >= 0) {
                    for (int i = 0; i < length; i++) {
                        buffer.memory.set(ValueLayout.JAVA_BYTE, at + i, (byte) put++);
                    }
                    buffer.commit(length);
                }
                assertThat(buffer.pending()).as("seed " + seed).isEqualTo((int) (put - taken));
                if (buffer.pending() > 0 && random.nextInt(3) > 0) {
                    int written = buffer.writeTo(pipe[1]);
                    assertThat(written).as("seed " + seed).isEqualTo(buffer.pending());
                    Io.read(pipe[0], sink, 0, written);
                    int accepted = 1 + random.nextInt(written);
                    for (int i = 0; i < accepted; i++) {
                        assertThat(sink.get(ValueLayout.JAVA_BYTE, i)).isEqualTo((byte) taken++);
                    }
                    buffer.consume(accepted);
                }
            }
        } finally {
            Io.close(pipe[0]);
            Io.close(pipe[1]);
        }
    }

    @Test
    void anEmptyBufferHasAllItsRoomInOnePiece() {
        OutputBuffer buffer = new OutputBuffer(Arena.ofAuto().allocate(100));
        for (int i = 0; i < 10; i++) {
            assertThat(buffer.room()).isEqualTo(100);
            assertThat(buffer.reserve(70)).isZero();
            buffer.commit(70);
            buffer.consume(70);
        }
    }
}
