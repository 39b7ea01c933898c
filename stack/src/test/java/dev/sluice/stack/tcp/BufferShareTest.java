package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.BufferPool.LARGEST_NEED;
import static dev.sluice.stack.tcp.BufferPool.MIN_BLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.share.Share;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Several holders of one pool of 16 MiB; 256 KiB are guaranteed to each. */
class BufferShareTest {
    private static final int BUDGET = 16 << 20;
    private static final int GUARANTEE = BUDGET / 64;
    private static final TcpProfile GUEST = TcpProfile.guest(1500);

    private final Dialogue.CountingMemory memory = new Dialogue.CountingMemory();
    private final TcpShard shard = new TcpShard(memory, BUDGET, new Random(1));
    private final BufferPool pool = shard.buffers();
    private final BufferShare greedy = holder();
    private final BufferShare modest = holder();
    private final List<Runnable> given = new ArrayList<>();

    private BufferShare holder() {
        Share link = pool.whole().share().part();
        BufferShare made = shard.share(link.part());
        made.join();
        return made;
    }

    /** Takes blocks until none is given; their bytes. */
    private long takeAll(BufferShare holder, int size) {
        long sum = 0;
        for (MemorySegment block = holder.take(size); block != null; block = holder.take(size)) {
            MemorySegment taken = block;
            given.add(() -> holder.give(taken));
            sum += size;
        }
        return sum;
    }

    @AfterEach
    void everythingIsGivenBack() {
        given.forEach(Runnable::run);
        assertThat(pool.inUse()).isZero();
        shard.close();
        assertThat(memory.blocks).isZero();
    }

    @Test
    void oneAloneGetsNearlyEverythingButLargeBlocksOnlyOfTwoThirds() {
        assertThat(takeAll(greedy, 1 << 20)).isBetween(BUDGET * 6L / 10, BUDGET * 2L / 3 + (1 << 20));
        takeAll(greedy, LARGEST_NEED);
        takeAll(greedy, MIN_BLOCK);
        assertThat(greedy.share().held()).isBetween(BUDGET * 15L / 16, BUDGET * 16L / 17 + LARGEST_NEED);
        assertThat(pool.takeOwed())
                .as("nobody was kept from what is guaranteed")
                .isZero();
        assertThat(greedy.share().refusals()).isEqualTo(3).isEqualTo(pool.refusals());
    }

    @Test
    void whatIsLeftIsForTheNextAndHoldsTheFirstBack() {
        takeAll(greedy, MIN_BLOCK);
        assertThat(greedy.isOver()).isFalse();
        assertThat(takeAll(modest, MIN_BLOCK)).isGreaterThan(GUARANTEE);
        assertThat(greedy.isOver()).isTrue();
        assertThat(modest.isOver()).isFalse();
        assertThat(greedy.mayGetMore()).isFalse();
    }

    @Test
    void whoeverIsRefusedWhatIsGuaranteedIsOwed() {
        takeAll(greedy, MIN_BLOCK);
        takeAll(modest, MIN_BLOCK);
        assertThat(takeAll(holder(), MIN_BLOCK))
                .as("kept for such as this")
                .isEqualTo(GUARANTEE)
                .isEqualTo(BUDGET - greedy.share().held() - modest.share().held());
        assertThat(pool.owes()).as("somebody lacks what is guaranteed").isFalse();
        BufferShare last = holder();
        assertThat(last.take(MIN_BLOCK)).isNull();
        assertThat(pool.owes()).isTrue();
        assertThat(pool.takeOwed()).isEqualTo(MIN_BLOCK);
        assertThat(pool.owes()).isFalse();
        assertThat(last.mayGetMore()).isTrue();
        // What the greedy one gives back is not its own again.
        given.removeFirst().run();
        assertThat(greedy.take(MIN_BLOCK)).isNull();
        assertThat(takeAll(last, MIN_BLOCK)).isEqualTo(MIN_BLOCK);
    }

    @Test
    void aSendRingStaysSmallWhereItsHolderHasMuch() {
        takeAll(greedy, LARGEST_NEED);
        given.removeLast().run();
        SendRing ring = new SendRing(greedy, 1 << 20);
        assertThat(ring.reserve(1 << 20)).isEqualTo(LARGEST_NEED);
        ring.clear();
        ring = new SendRing(modest, 1 << 20);
        assertThat(ring.reserve(1 << 20)).isGreaterThan(LARGEST_NEED);
        ring.clear();
    }

    @Test
    void toTakeToGiveAndToBeRefusedAllocatesNothing() {
        takeAll(greedy, MIN_BLOCK);
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long bytes = Long.MAX_VALUE;
        for (int round = 0; round < 20 && bytes > 1000; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 10_000; i++) {
                MemorySegment block = modest.take(1 << 16);
                if (block == null || greedy.take(1 << 16) != null || !greedy.isOver()) {
                    throw new AssertionError("round " + round + ", " + i);
                }
                modest.give(block);
            }
            bytes = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertThat(bytes).as("for 10,000 blocks").isLessThanOrEqualTo(1000);
    }

    /** A connection of {@code holder} that holds nothing but a piece beyond a hole. */
    private static Dialogue beyondHole(Dialogue beside, BufferShare holder) {
        Dialogue made = new Dialogue(beside, holder).plain(true);
        made.peerData(101, 1, 100);
        made.transmit();
        made.sent.clear();
        return made;
    }

    private static long memoryOf(Dialogue connection) {
        return connection.tcb.snapshot().memory();
    }

    @Test
    void whoHasItsShareGivesUpLaggardsOfItsOwnAndWhoHasNotThoseOfWhoHasMost() {
        int blocks = 64;
        List<Dialogue> connections = new ArrayList<>();
        Dialogue first = new Dialogue(GUEST, 1, 5, (long) blocks * MIN_BLOCK);
        connections.add(first.plain(true));
        Share whole = first.shard.buffers().whole().share();
        List<BufferShare> holders = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            BufferShare holder = first.shard.share(whole.part().part());
            holder.join();
            holders.add(holder);
        }
        BufferShare much = holders.get(0);
        BufferShare little = holders.get(1);
        BufferShare last = holders.get(2);
        BufferShare next = holders.get(3);
        Dialogue eldest = beyondHole(first, little);
        connections.add(eldest);
        List<Dialogue> crowd = new ArrayList<>();
        while (much.may(MIN_BLOCK)) {
            crowd.add(beyondHole(first, much));
        }
        long held = much.share().held();
        crowd.add(beyondHole(first, much));
        assertThat(memoryOf(crowd.getFirst()))
                .as("its own, though not the eldest")
                .isZero();
        assertThat(memoryOf(eldest)).isEqualTo(MIN_BLOCK);
        assertThat(much.share().held()).isEqualTo(held);
        while (little.may(MIN_BLOCK)) {
            connections.add(beyondHole(first, little));
        }
        connections.add(beyondHole(first, last));
        assertThat(first.shard.buffers().inUse()).isEqualTo((long) blocks * MIN_BLOCK);
        // Nothing is left, and the next has nothing.
        connections.add(beyondHole(first, next));
        assertThat(next.share().held()).isEqualTo(MIN_BLOCK);
        assertThat(memoryOf(crowd.get(1))).isZero();
        assertThat(memoryOf(eldest)).isEqualTo(MIN_BLOCK);
        assertThat(first.shard.counters().outOfOrderGivenUp).isEqualTo(2);
        assertThat(first.shard.counters().dropsNoMemory).isZero();
        connections.addAll(crowd);
        connections.reversed().forEach(Dialogue::close);
    }

    /** A user that does not read stops the window once its holder has too much, until all that is kept is read. */
    @Test
    void aHolderThatHasTooMuchOffersNoMoreBeforeItHasReadWhatItHas() {
        Dialogue first = new Dialogue(GUEST, 1, 5, BUDGET);
        first.plain(true);
        BufferPool buffers = first.shard.buffers();
        BufferShare much = first.shard.share(buffers.whole().share().part().part());
        BufferShare other = first.shard.share(buffers.whole().share().part().part());
        Dialogue d = new Dialogue(first, much).plain(true);
        List<MemorySegment> blocks = new ArrayList<>();
        while (much.may(2 * MIN_BLOCK)) {
            blocks.add(much.take(MIN_BLOCK));
        }
        d.appetite = 0;
        d.peerData(1, 1, 1000);
        long edge = 1001 + d.one().window();
        MemorySegment taken = other.take(1 << 19);
        assertThat(much.isOver()).isTrue();
        d.appetite = 500;
        d.tcb.drain(d.now);
        d.peerData(1001, 1, 1000);
        Dialogue.Sent ack = d.one();
        assertThat(ack.ack() + ack.window()).as("the right edge stands still").isEqualTo(edge);
        d.appetite = Integer.MAX_VALUE;
        d.tcb.drain(d.now);
        d.assertReceived(2000);
        d.peerData(2001, 1, 1000);
        ack = d.one();
        assertThat(ack.ack() + ack.window()).isGreaterThan(edge);
        other.give(taken);
        blocks.forEach(much::give);
        d.close();
        first.close();
    }
}
