package dev.sluice.stack.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.wire.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The small parts, each against a plain model. */
class PartsTest {
    @Test
    void intervalsAreWhatABitSetSays() {
        for (long seed = 1; seed <= 500; seed++) {
            Random random = new Random(seed);
            IntervalSet set = new IntervalSet();
            BitSet bits = new BitSet();
            int low = 0;
            for (int i = 0; i < 200; i++) {
                int from = low + random.nextInt(400);
                int to = from + 1 + random.nextInt(random.nextBoolean() ? 3 : 60);
                if (random.nextInt(10) == 0) {
                    low = Math.max(low, from - 200);
                    set.trimBelow(low);
                    bits.clear(0, low);
                } else if (set.add(from, to)) {
                    bits.set(from, to);
                } else {
                    assertThat(set.size()).isEqualTo(IntervalSet.LIMIT);
                }
                check(set, bits, seed);
                int a = random.nextInt(700);
                int b = a + random.nextInt(100);
                if (set.overlap(a, b) != bits.get(a, b).cardinality() || set.contains(a) != bits.get(a)) {
                    throw new AssertionError("Seed " + seed + ": " + a + "–" + b + " of " + set);
                }
            }
        }
    }

    private static void check(IntervalSet set, BitSet bits, long seed) {
        int at = 0;
        for (int i = 0; i < set.size(); i++) {
            int from = bits.nextSetBit(at);
            int to = bits.nextClearBit(from);
            if (set.from(i) != from || set.to(i) != to) {
                throw new AssertionError("Seed " + seed + ": " + set + " instead of " + bits);
            }
            at = to;
        }
        if (bits.nextSetBit(at) >= 0 || set.total() != bits.cardinality()) {
            throw new AssertionError("Seed " + seed + ": " + set + " instead of " + bits);
        }
    }

    @Test
    void aPoolStaysWithinItsBudgetAndGivesTheLatestBlockFirst() {
        Dialogue.CountingMemory memory = new Dialogue.CountingMemory();
        BufferPool pool = new BufferPool(memory, 1 << 20);
        MemorySegment a = take(pool, 1 << 16);
        MemorySegment b = take(pool, 1 << 16);
        pool.give(a);
        pool.give(b);
        assertThat(take(pool, 1 << 16)).isSameAs(b);
        pool.give(b);
        assertThat(pool.kept()).isEqualTo(1 << 17);
        // Blocks of another size push the kept ones out.
        MemorySegment[] large = new MemorySegment[8];
        for (int i = 0; i < large.length; i++) {
            large[i] = take(pool, 1 << 17);
        }
        assertThat(memory.blocks).isEqualTo(large.length);
        assertThat(pool.take(1 << 14)).isNull();
        assertThat(pool.refusals()).isEqualTo(1);
        for (MemorySegment block : large) {
            pool.give(block);
        }
        assertThat(pool.inUse()).isZero();
        pool.close();
        assertThat(memory.blocks).isZero();
    }

    private static MemorySegment take(BufferPool pool, int size) {
        MemorySegment block = pool.take(size);
        assertThat(block).isNotNull();
        return block;
    }

    @Test
    void aPoolSurvivesASystemWithoutMemory() {
        BufferPool pool = new BufferPool(
                new NativeMemory() {
                    @Override
                    public MemorySegment allocate(long bytes) {
                        throw new OutOfMemoryError("test");
                    }

                    @Override
                    public void free(MemorySegment block) {}
                },
                1 << 20);
        assertThat(pool.take(1 << 14)).isNull();
        assertThat(pool.inUse()).isZero();
    }

    @Test
    void aBurstAfterARestHasTheRoomOfTheFormerAtOnceAlsoWhenAReadWasInVainBetween() {
        SendRing ring = new SendRing(new BufferPool(NativeMemory.ofArenas(), 1 << 22).whole(), 1 << 20);
        ring.reserve(300_000);
        ring.commit(300_000);
        ring.release(ring.end());
        ring.reserve(1);
        ring.trim();
        assertThat(ring.reserve(1)).isEqualTo(1 << 19);
        ring.commit(100);
        ring.release(ring.end());
        assertThat(ring.reserve(1)).as("after a small one").isEqualTo(SendRing.SMALLEST);
        ring.trim();
    }

    @Test
    void aSendRingGrowsWrapsAndShrinksWithoutLosingAByte() {
        for (long seed = 1; seed <= 40; seed++) {
            Random random = new Random(seed);
            Dialogue.CountingMemory memory = new Dialogue.CountingMemory();
            BufferPool pool = new BufferPool(memory, random.nextBoolean() ? 1 << 22 : (1 << 17) - 5);
            SendRing ring = new SendRing(pool.whole(), 1 << 17);
            for (int i = 0; i < 60; i++) {
                int room = ring.reserve(1 + random.nextInt(60_000));
                assertThat(room).isEqualTo(ring.freeLength() + ring.freeWrapLength());
                int n = room == 0 ? 0 : random.nextInt(room + 1);
                for (int k = 0; k < n; k++) {
                    long at = k < ring.freeLength() ? ring.freeAt() + k : ring.wrapAt() + k - ring.freeLength();
                    Bytes.put8(ring.memory(), at, Dialogue.pattern(ring.end() + k));
                }
                ring.commit(n);
                ring.trim();
                int size = ring.size();
                int first = ring.firstPart(ring.start(), size);
                for (int k = 0; k < size; k += 1 + random.nextInt(50)) {
                    long at = k < first ? ring.at(ring.start()) + k : ring.wrapAt() + k - first;
                    if ((byte) Bytes.u8(ring.memory(), at) != Dialogue.pattern(ring.start() + k)) {
                        throw new AssertionError("Seed " + seed + ": byte " + k + " of " + size);
                    }
                }
                ring.release(ring.start() + (size == 0 ? 0 : random.nextInt(size + 1)));
                assertThat(ring.size() == 0).isEqualTo(ring.capacity() == 0);
            }
            assertThatThrownBy(() -> ring.commit(ring.free() + 1)).isInstanceOf(IllegalArgumentException.class);
            ring.clear();
            assertThat(pool.inUse()).isZero();
        }
    }

    @Test
    void theTimeoutFollowsRfc6298() {
        TcpProfile lan = TcpProfile.lan(1500);
        RtoEstimator rto = new RtoEstimator(lan);
        assertThat(rto.timeout()).isEqualTo(1_000_000_000L);
        rto.backOff(lan);
        assertThat(rto.timeout()).isEqualTo(2_000_000_000L);
        rto.sample(100_000_000L, lan);
        // SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 RTTVAR
        assertThat(rto.timeout()).isEqualTo(300_000_000L);
        rto.sample(200_000_000L, lan);
        // RTTVAR = ¾·50 + ¼·100 = 62.5, SRTT = 112.5
        assertThat(rto.smoothed()).isEqualTo(112_500_000L);
        assertThat(rto.timeout()).isEqualTo(362_500_000L);
        for (int i = 0; i < 100; i++) {
            rto.sample(10_000, lan);
        }
        assertThat(rto.timeout()).isEqualTo(200_000_000L);
        for (int i = 0; i < 100; i++) {
            rto.backOff(lan);
        }
        assertThat(rto.timeout()).isEqualTo(60_000_000_000L);
        rto.sample(Long.MAX_VALUE, lan);
        rto.sample(-5, lan);
        assertThat(rto.timeout()).isBetween(200_000_000L, 60_000_000_000L);
    }

    @Test
    void initialNumbersGrowWithTimeForATupleAndScatterAcrossThem() {
        IsnGenerator isn = new IsnGenerator(1, 2);
        int first = isn.next(7, 8, 0);
        assertThat(isn.next(7, 8, 1_000_000) - first).isEqualTo(250);
        assertThat(new IsnGenerator(1, 3).next(7, 8, 0)).isNotEqualTo(first);
        int[] buckets = new int[256];
        Set<Integer> seen = new HashSet<>();
        for (int port = 0; port < 65536; port++) {
            int number = isn.next(7, port, 0);
            buckets[number >>> 24]++;
            seen.add(number);
        }
        double chi = 0;
        for (int bucket : buckets) {
            chi += (bucket - 256.0) * (bucket - 256.0) / 256.0;
        }
        // 255 degrees of freedom: 0.1 % and 99.9 % points.
        assertThat(chi).isBetween(190.0, 330.0);
        assertThat(seen.size()).isGreaterThan(65_500);
    }

    @Test
    void theHashIsSipHash() {
        // Test vector of the reference implementation: key 00…0f, input 00…0f.
        IsnGenerator isn = new IsnGenerator(0x0706050403020100L, 0x0f0e0d0c0b0a0908L);
        assertThat(isn.hash(0x0706050403020100L, 0x0f0e0d0c0b0a0908L)).isEqualTo(0x3f2acc7f57c29bdbL);
        // RFC 6528 §3: with the clock of 4 µs added.
        assertThat(isn.next(0x0706050403020100L, 0x0f0e0d0c0b0a0908L, 8_000)).isEqualTo(0x57c29bdb + 2);
    }

    @Test
    void profilesRefuseWhatCannotWork() {
        TcpProfile guest = TcpProfile.guest(1500);
        assertThatThrownBy(() -> guest.withBuffers(100_000, 1 << 16)).hasMessageContaining("receiveWindow");
        assertThatThrownBy(() -> guest.withBuffers(1 << 16, 1 << 10)).hasMessageContaining("sendBuffer");
        assertThatThrownBy(() -> guest.withSuperSegment(70_000)).hasMessageContaining("superSegment");
        assertThatThrownBy(() -> TcpProfile.guest(100)).hasMessageContaining("mss");
    }

    @Test
    void newRenoGrowsByBytesAcknowledged() {
        NewReno reno = new NewReno(1000);
        assertThat(reno.window()).isEqualTo(10_000);
        reno.onAck(2000, 10_000, 1000, 2000, 0, 0);
        assertThat(reno.window()).isEqualTo(12_000);
        // An acknowledgment of much counts for two segments at most.
        reno.onAck(10_000, 12_000, 1000, 2000, 0, 0);
        assertThat(reno.window()).isEqualTo(14_000);
        reno.onLoss(14_000, 1000);
        assertThat(reno.window()).isEqualTo(7000);
        reno.onRecovered();
        List<Integer> windows = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            reno.onAck(1000, 7000, 1000, 2000, 0, 0);
            windows.add(reno.window());
        }
        assertThat(windows).containsExactly(7000, 7000, 7000, 7000, 7000, 7000, 8000, 8000);
        // Without use no growth.
        reno.onAck(1000, 100, 1000, 2000, 0, 0);
        assertThat(reno.window()).isEqualTo(8000);
        reno.onTimeout(8000, false, 1000);
        assertThat(reno.window()).isEqualTo(1000);
        reno.onTimeout(1000, true, 1000);
        reno.onAck(3000, 1000, 1000, 2000, 0, 0);
        reno.onAck(3000, 3000, 1000, 2000, 0, 0);
        assertThat(reno.window()).isEqualTo(5000);
    }
}
