package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ChecksumTest {
    @Test
    void agreesWithTheWordByWordDefinitionForEveryLengthAndAlignment() {
        var random = new SplittableRandom(1);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment s = arena.allocate(256);
            for (int at = 0; at < 8; at++) {
                for (int length = 0; length < 200; length++) {
                    for (int i = 0; i < 256; i++) {
                        Bytes.put8(s, i, random.nextInt(4) == 0 ? 0xff : random.nextInt());
                    }
                    assertThat(Checksum.finish(Checksum.add(0, s, at, length)))
                            .as("at %d length %d", at, length)
                            .isEqualTo(plain(s, at, length));
                }
            }
        }
    }

    private static int plain(MemorySegment s, int at, int length) {
        long sum = 0;
        for (int i = 0; i < length; i++) {
            sum += (long) Bytes.u8(s, at + i) << (i % 2 == 0 ? 8 : 0);
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return (int) (~sum & 0xffff);
    }
}
