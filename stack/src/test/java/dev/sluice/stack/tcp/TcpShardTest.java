package dev.sluice.stack.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.TcpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What connections share: the reset for segments of no connection, and objects kept for the next that loses something. */
class TcpShardTest {
    private static final int KEPT = 256;
    private static final int LEFT = 100_000;

    private final Dialogue.CountingMemory memory = new Dialogue.CountingMemory();
    private final TcpShard shard = new TcpShard(memory, 1 << 20, new Random(1));
    private final MemorySegment in = Arena.ofAuto().allocate(2000);

    @AfterEach
    void close() {
        shard.close();
        assertThat(memory.blocks).as("blocks that nobody freed").isZero();
    }

    // ---- Resets (RFC 9293 §3.10.7.1)

    private int reset(int flags, int sequence, int acknowledgment, int header, int payload) {
        TcpHeader.write(in, 2, 40000, 80, sequence, acknowledgment, header, flags, 1000);
        return shard.writeReset(in, 2, header + payload);
    }

    private void assertReset(int length, int sequence, int acknowledgment, int flags) {
        assertThat(length).isEqualTo(TcpHeader.MIN_LENGTH);
        MemorySegment s = shard.header();
        long at = TcpShard.HEADER_AT;
        assertThat(TcpHeader.sourcePort(s, at)).isEqualTo(80);
        assertThat(TcpHeader.destinationPort(s, at)).isEqualTo(40000);
        assertThat(TcpHeader.sequence(s, at)).isEqualTo(sequence);
        assertThat(TcpHeader.acknowledgment(s, at)).isEqualTo(acknowledgment);
        assertThat(TcpHeader.flags(s, at)).isEqualTo(flags);
        assertThat(TcpHeader.headerLength(s, at)).isEqualTo(TcpHeader.MIN_LENGTH);
        assertThat(TcpHeader.window(s, at)).isZero();
    }

    @Test
    void whatAcknowledgesGetsAResetWithTheNumberItExpects() {
        assertReset(reset(TcpHeader.ACK, 7, 99, 20, 10), 99, 0, TcpHeader.RST);
        assertReset(reset(TcpHeader.ACK | TcpHeader.SYN | TcpHeader.FIN, 7, -5, 20, 0), -5, 0, TcpHeader.RST);
        assertThat(shard.counters().resetsOut).isEqualTo(2);
    }

    @Test
    void whatDoesNotGetsAResetThatAcknowledgesAllOfIt() {
        int answer = TcpHeader.RST | TcpHeader.ACK;
        assertReset(reset(0, 7, 0, 20, 0), 0, 7, answer);
        assertReset(reset(0, 7, 0, 32, 10), 0, 17, answer);
        assertReset(reset(TcpHeader.SYN, 7, 0, 40, 0), 0, 8, answer);
        assertReset(reset(TcpHeader.FIN, 7, 0, 20, 0), 0, 8, answer);
        assertReset(reset(TcpHeader.SYN | TcpHeader.FIN, -1, 0, 20, 100), 0, 101, answer);
        assertThat(shard.counters().resetsOut).isEqualTo(5);
    }

    @Test
    void aResetGetsNone() {
        assertThat(reset(TcpHeader.RST, 7, 0, 20, 0)).isZero();
        assertThat(reset(TcpHeader.RST | TcpHeader.ACK, 7, 9, 20, 5)).isZero();
        assertThat(shard.counters().resetsOut).isZero();
    }

    // ---- Clocks (RFC 7323 §5.5, §7.1)

    @Test
    void theClockOfTimestampsIsTheSameForATupleAndAnotherForOthers() {
        assertThat(shard.timestampOffset(1, 2)).isEqualTo(shard.timestampOffset(1, 2));
        assertThat(shard.timestampOffset(1, 3)).isNotEqualTo(shard.timestampOffset(1, 2));
        assertThat(shard.timestampOffset(2, 2)).isNotEqualTo(shard.timestampOffset(1, 2));
        assertThat(shard.timestampOffset(1, 2)).isEqualTo((int) (shard.isn().hash(1, 2) >>> 32));
    }

    // ---- Objects

    /** Those given back come again, up to a number. */
    private static <T> void assertKept(Supplier<T> take, Consumer<T> give) {
        List<T> given = new ArrayList<>();
        for (int i = 0; i < KEPT + 10; i++) {
            given.add(take.get());
        }
        Set<T> known = Collections.newSetFromMap(new IdentityHashMap<>());
        known.addAll(given);
        assertThat(known).as("taken at a time").hasSize(KEPT + 10);
        given.forEach(give);
        int again = 0;
        for (int i = 0; i < KEPT + 10; i++) {
            again += known.contains(take.get()) ? 1 : 0;
        }
        assertThat(again).isEqualTo(KEPT);
    }

    @Test
    void intervalsComeBackEmpty() {
        IntervalSet set = shard.takeIntervals();
        set.add(1, 5);
        shard.giveIntervals(set);
        assertThat(shard.takeIntervals()).isSameAs(set);
        assertThat(set.isEmpty()).isTrue();
        assertThat(set.total()).isZero();
        assertKept(shard::takeIntervals, shard::giveIntervals);
    }

    @Test
    void runsComeBackEmpty() {
        SentRuns runs = shard.takeRuns();
        runs.append(1, 5, 7);
        shard.giveRuns(runs);
        assertThat(shard.takeRuns()).isSameAs(runs);
        assertThat(runs.size()).isZero();
        assertKept(shard::takeRuns, shard::giveRuns);
    }

    @Test
    void receiveRingsComeBackWithoutMemoryAndAreNobodysToGiveUp() {
        BufferShare whole = shard.buffers().whole();
        ReceiveRing ring = shard.takeReceiveRing(whole);
        ring.open(1);
        ring.insert(LEFT, in, 0, 1000, 1 << 20);
        whole.laggards.add(ring, new Receiver(shard, TcpProfile.lan(1500)), true);
        assertThat(shard.buffers().inUse()).isPositive();
        shard.giveReceiveRing(ring);
        assertThat(shard.buffers().inUse()).isZero();
        assertThat(whole.laggards.giveUpOne()).isFalse();
        assertThat(shard.takeReceiveRing(whole)).isSameAs(ring);
        assertThat(ring.isEmpty()).isTrue();
        assertThat(ring.capacity()).isZero();
        assertKept(() -> shard.takeReceiveRing(whole), shard::giveReceiveRing);
    }

    /** Before memory runs out, those who hold pieces beyond holes and do not get on give theirs up. */
    @Test
    void thePoolAsksLaggardsForTheirMemory() {
        try (Dialogue d = new Dialogue(TcpProfile.lan(1500), 5, 5, BufferPool.MIN_BLOCK)) {
            d.plain(true);
            d.peerData(1001, 1, 500);
            assertThat(d.shard.buffers().inUse()).isEqualTo(BufferPool.MIN_BLOCK);
            MemorySegment block = d.shard.buffers().take(BufferPool.MIN_BLOCK);
            assertThat(block).isNotNull();
            assertThat(d.shard.counters().outOfOrderGivenUp).isEqualTo(1);
            d.shard.buffers().give(block);
        }
    }
}
