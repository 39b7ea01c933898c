package dev.sluice.stack.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What somebody who sees initial sequence numbers and timestamps of connections of their own learns of those of others: nothing
 * (RFC 6528, RFC 7323 §7.1). Judged by χ² of every byte of large samples with fixed secrets.
 */
class SecretsTest {
    private static final int SAMPLE = 100_000;
    private static final long MILLI = 1_000_000;
    private static final long DAY = 86_400_000 * MILLI;
    private static final long K0 = 0x1122_3344_5566_7788L;
    private static final long K1 = 0x99aa_bbcc_ddee_ff00L;

    /** How the four-tuples of a sample follow each other: as an attacker would choose them, and as they come by themselves. */
    enum Order {
        PORTS {
            @Override
            long high(int i) {
                return 0x0a00_0001_0a00_0002L;
            }

            @Override
            long low(int i) {
                return (long) i << 16 | 80;
            }
        },
        ADDRESSES {
            @Override
            long high(int i) {
                return 0x0a00_0001_0000_0000L | i;
            }

            @Override
            long low(int i) {
                return 40_000L << 16 | 80;
            }
        },
        /** Two that follow each other differ in one bit. */
        ONE_BIT {
            @Override
            long high(int i) {
                return (i ^ i >>> 1) & 0xff;
            }

            @Override
            long low(int i) {
                return (long) (i ^ i >>> 1) >>> 8 << 20;
            }
        };

        abstract long high(int i);

        abstract long low(int i);
    }

    /** Of {@code numbers}, each byte and each byte of the steps between neighbours is uniform. */
    private static void assertTellsNothing(IntUnaryOperator numbers) {
        int[] sample = new int[SAMPLE];
        Arrays.setAll(sample, numbers);
        int[] steps = new int[SAMPLE - 1];
        Arrays.setAll(steps, i -> sample[i + 1] - sample[i]);
        for (int shift = 0; shift < 32; shift += 8) {
            assertUniform("byte at bit " + shift, sample, shift);
            assertUniform("byte of steps at bit " + shift, steps, shift);
        }
        // As many meet as of so many random numbers of 32 bits: 1.2 are expected.
        assertThat(Arrays.stream(sample).distinct().count()).isGreaterThan(SAMPLE - 12);
    }

    private static void assertUniform(String what, int[] sample, int shift) {
        int[] buckets = new int[256];
        for (int number : sample) {
            buckets[number >>> shift & 0xff]++;
        }
        double expected = sample.length / 256.0;
        double chi = 0;
        for (int bucket : buckets) {
            chi += (bucket - expected) * (bucket - expected) / expected;
        }
        // 255 degrees of freedom: the points of one in a hundred thousand. A counter gives 0 or millions.
        assertThat(chi).as(what).isBetween(170.0, 360.0);
    }

    @ParameterizedTest
    @EnumSource
    void initialNumbersOfOtherTuplesTellNothing(Order order) {
        IsnGenerator isn = new IsnGenerator(K0, K1);
        assertTellsNothing(i -> isn.next(order.high(i), order.low(i), 5 * MILLI));
    }

    /** Connections made one after the other: the clock runs, and still no number tells the next. */
    @ParameterizedTest
    @EnumSource
    void norDoThoseOfTuplesOneAfterTheOther(Order order) {
        IsnGenerator isn = new IsnGenerator(K0, K1);
        assertTellsNothing(i -> isn.next(order.high(i), order.low(i), i * MILLI / 4));
    }

    @Test
    void initialNumbersOfOneTupleOnlyGrow() {
        IsnGenerator isn = new IsnGenerator(K0, K1);
        Random random = new Random(1);
        for (int tuple = 0; tuple < 1000; tuple++) {
            long high = random.nextLong();
            long low = random.nextLong();
            long now = random.nextLong(DAY);
            int before = isn.next(high, low, now);
            for (int i = 0; i < 100; i++) {
                long step = random.nextLong(4_000, 2 * 3_600_000 * MILLI);
                now += step;
                int number = isn.next(high, low, now);
                // By 250 a millisecond; the clock comes round after 4.8 hours, when no old segment is left.
                assertThat(Integer.toUnsignedLong(number - before)).isBetween(step / 4000, step / 4000 + 1);
                before = number;
            }
        }
    }

    /** Of the same tuple at the same time, in runs that differ in their secret. */
    @Test
    void initialNumbersOfAnotherRunTellNothing() {
        Random secrets = new Random(2);
        assertTellsNothing(i -> new IsnGenerator(secrets.nextLong(), secrets.nextLong()).next(7, 8, 0));
    }

    private static TcpShard shard(Random secrets) {
        return new TcpShard(new Dialogue.CountingMemory(), 1 << 20, secrets);
    }

    /** From every address with the same ports as well: an attacker may choose theirs to be those of another. */
    @ParameterizedTest
    @EnumSource
    void clocksShownToOtherPeersTellNothing(Order order) {
        try (TcpShard shard = shard(new Random(3))) {
            assertTellsNothing(i -> shard.timestampOffset(order.high(i), order.low(i)));
        }
    }

    /** A peer that sees a clock at some time can't tell when it began: it begins anywhere. */
    @Test
    void clocksDoNotTellHowLongWeRun() {
        Random secrets = new Random(4);
        int[] offsets = new int[4000];
        for (int i = 0; i < offsets.length; i++) {
            try (TcpShard shard = shard(secrets)) {
                offsets[i] = shard.timestampOffset(7, 8);
            }
        }
        int[] quarters = new int[4];
        for (int offset : offsets) {
            quarters[offset >>> 30]++;
        }
        assertThat(Arrays.stream(quarters).boxed())
                .allSatisfy(n -> assertThat(n).isBetween(850, 1150));
    }

    /** A SYN-ACK shows both: the number must not tell the offset, or the offset would tell the clock. */
    @Test
    void initialNumbersDoNotTellTheClocksOffset() {
        try (TcpShard shard = shard(new Random(5))) {
            assertTellsNothing(i -> shard.timestampOffset(9, i) - shard.isn().next(9, i, 0));
            assertTellsNothing(i -> shard.timestampOffset(9, i) ^ shard.isn().next(9, i, 0));
        }
    }

    /** PAWS of a peer that remembers the connection before must not take the next one for old (RFC 7323 §5.5). */
    @Test
    void theNextConnectionOfATupleHasTheSameClock() {
        try (Dialogue d = new Dialogue(TcpProfile.lan(1500), 1000, 2000)) {
            int first = offset(d, 1, 2);
            assertThat(offset(d, 1, 2)).isEqualTo(first);
            assertThat(offset(d, 1, 3)).isNotEqualTo(first);
            assertThat(offset(d, 2, 2)).isNotEqualTo(first);
        }
    }

    private static int offset(Dialogue d, long high, long low) {
        Tcb tcb = new Tcb(d.shard, d.profile, d);
        tcb.openActive(high, low, 3, d.now, 80, 40_000);
        return tcb.timestamps.offset();
    }
}
