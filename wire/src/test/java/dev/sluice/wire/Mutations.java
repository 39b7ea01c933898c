package dev.sluice.wire;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assertions;

/**
 * Runs a parser over damaged inputs: every truncation of every sample, then seeded bit flips, replaced, inserted and removed bytes,
 * and plain noise. Each input lies at the very end of a segment of its own, so that reading past it throws; and nothing may throw.
 */
final class Mutations {
    static final int ROUNDS = 20_000;

    interface Parser {
        void parse(MemorySegment s, long at, int length);
    }

    private Mutations() {}

    static void run(long seed, List<byte[]> samples, Parser parser) {
        SplittableRandom random = new SplittableRandom(seed);
        Assertions.assertTimeoutPreemptively(Duration.ofMinutes(2), () -> {
            for (byte[] sample : samples) {
                for (int length = 0; length <= sample.length; length++) {
                    one(seed, -length, java.util.Arrays.copyOf(sample, length), parser);
                }
            }
            for (int round = 0; round < ROUNDS; round++) {
                one(seed, round, mutated(random, samples), parser);
            }
        });
    }

    static byte[] mutated(SplittableRandom random, List<byte[]> samples) {
        if (random.nextInt(10) == 0) {
            byte[] noise = new byte[random.nextInt(700)];
            random.nextBytes(noise);
            return noise;
        }
        byte[] bytes = samples.get(random.nextInt(samples.size())).clone();
        for (int edits = 1 + random.nextInt(6); edits > 0; edits--) {
            if (bytes.length == 0) {
                return bytes;
            }
            int at = random.nextInt(bytes.length);
            switch (random.nextInt(5)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) random.nextInt();
                case 2 -> bytes[at] = (byte) (random.nextBoolean() ? 0xff : 0);
                case 3 -> bytes = java.util.Arrays.copyOf(bytes, at);
                default -> {
                    byte[] longer = new byte[bytes.length + 1 + random.nextInt(8)];
                    System.arraycopy(bytes, 0, longer, 0, at);
                    System.arraycopy(bytes, at, longer, longer.length - (bytes.length - at), bytes.length - at);
                    bytes = longer;
                }
            }
        }
        return bytes;
    }

    private static void one(long seed, int round, byte[] bytes, Parser parser) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment s = arena.allocate(bytes.length + 3);
            MemorySegment.copy(bytes, 0, s, ValueLayout.JAVA_BYTE, 3, bytes.length);
            try {
                parser.parse(s, 3, bytes.length);
            } catch (Throwable e) {
                throw new AssertionError(
                        "seed " + seed + " round " + round + " input "
                                + java.util.HexFormat.of().formatHex(bytes),
                        e);
            }
        }
    }

    /** The bytes a writer leaves in zeroed memory of {@code length} bytes. */
    static byte[] written(int length, java.util.function.Consumer<MemorySegment> writer) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment s = arena.allocate(length);
            writer.accept(s);
            return s.toArray(ValueLayout.JAVA_BYTE);
        }
    }
}
