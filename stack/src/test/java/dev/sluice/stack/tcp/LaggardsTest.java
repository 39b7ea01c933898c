package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.ACK;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What becomes of pieces beyond holes when memory is short: whoever has not got on for longest gives up its own. */
class LaggardsTest {
    private static final TcpProfile GUEST = TcpProfile.guest(1500);
    private static final int BLOCK = BufferPool.MIN_BLOCK;

    private final List<Dialogue> connections = new ArrayList<>();

    /** Connections that share a pool of {@code blocks} of the smallest blocks. */
    private void open(int count, int blocks) {
        Dialogue first = new Dialogue(GUEST, 1, 0xffff_ff00, (long) blocks * BLOCK);
        connections.add(first.plain(true));
        while (connections.size() < count) {
            connections.add(new Dialogue(first).plain(true));
        }
    }

    @AfterEach
    void nothingIsLeft() {
        for (Dialogue d : connections.reversed()) {
            d.close(); // the first, which comes last, looks at the pool
        }
    }

    /** A segment of a hundred bytes beyond a hole of a hundred, the {@code n}th such. */
    private void beyondHole(int connection, int n) {
        Dialogue d = connections.get(connection);
        d.peerData(101 + n * 200L, 1, 100);
        d.transmit();
        d.sent.clear();
    }

    private long memory(int connection) {
        return connections.get(connection).tcb.snapshot().memory();
    }

    private long givenUp() {
        return connections.getFirst().shard.counters().outOfOrderGivenUp;
    }

    private long refused() {
        return connections.getFirst().shard.counters().dropsNoMemory;
    }

    @Test
    void theOneThatHasNotGotOnForLongestGivesUp() {
        open(6, 4);
        for (int i = 0; i < 4; i++) {
            beyondHole(i, 0);
        }
        // The first gets on, but another hole is left.
        beyondHole(0, 1);
        connections.getFirst().peerData(1, 1, 100);
        connections.getFirst().assertReceived(200);
        // More beyond holes is no getting on.
        beyondHole(1, 1);
        beyondHole(4, 0);
        assertThat(memory(1)).isZero();
        assertThat(givenUp()).isEqualTo(1);
        beyondHole(5, 0);
        assertThat(memory(2)).isZero();
        assertThat(givenUp()).isEqualTo(2);
        for (int i : new int[] {0, 3, 4, 5}) {
            assertThat(memory(i)).as("connection %d", i).isEqualTo(BLOCK);
        }
        assertThat(refused()).isZero();
    }

    /** The peer was told of them in SACK, which promises nothing (RFC 2018 §8): it sends all of it again. */
    @Test
    void whatWasGivenUpComesAgain() {
        open(2, 1);
        Dialogue d = connections.getFirst();
        d.peerData(101, 1, 100);
        assertThat(d.one().sack()).containsExactly(101, 201);
        beyondHole(1, 0);
        assertThat(memory(0)).isZero();
        d.peerData(1, 1, 100);
        Dialogue.Sent ack = d.one();
        assertThat(ack.ack()).isEqualTo(101);
        assertThat(ack.sack()).isEmpty();
        d.peerData(101, 1, 100);
        assertThat(d.one().ack()).isEqualTo(201);
        d.assertReceived(200);
    }

    @Test
    void anEndBeyondAHoleIsStillTheEnd() {
        open(2, 1);
        Dialogue d = connections.getFirst();
        d.peer(Dialogue.FIN | ACK, 101, 1, 100, 65535);
        beyondHole(1, 0);
        assertThat(memory(0)).isZero();
        d.sent.clear();
        d.peerData(1, 1, 100);
        d.peer(Dialogue.FIN | ACK, 101, 1, 100, 65535);
        d.transmit();
        d.assertReceived(200);
        assertThat(d.sent.getLast().ack()).isEqualTo(202);
        assertThat(d.tcb.state()).isEqualTo(TcpState.CLOSE_WAIT);
    }

    /** A hundred connections of a stranger hold a segment each; whoever comes then can send and receive as if there were none. */
    @Test
    void aCrowdThatNeverGetsOnKeepsNobodyOut() {
        open(101, 100);
        for (int i = 0; i < 100; i++) {
            beyondHole(i, 0);
        }
        Dialogue honest = connections.getLast();
        assertThat(honest.shard.buffers().inUse()).isEqualTo(100L * BLOCK);
        assertThat(honest.tcb.reserveSend(1000)).isPositive();
        honest.appetite = 0;
        honest.peerData(1, 1, 1000);
        assertThat(honest.one().ack()).isEqualTo(1001);
        assertThat(givenUp()).isLessThanOrEqualTo(8);
        assertThat(refused()).isZero();
    }

    /** It was acknowledged, so nobody else has it any more. */
    @Test
    void whatIsInOrderIsNeverGivenUp() {
        open(3, 2);
        for (int i = 0; i < 2; i++) {
            Dialogue d = connections.get(i);
            d.appetite = 0;
            d.peerData(1, 1, 100);
            d.peerData(301, 1, 100);
        }
        beyondHole(2, 0);
        assertThat(givenUp()).isZero();
        assertThat(refused()).isEqualTo(1);
        // Once it is taken, what is left lies beyond a hole.
        Dialogue first = connections.getFirst();
        first.appetite = Integer.MAX_VALUE;
        first.tcb.drain(first.now);
        first.assertReceived(100);
        beyondHole(2, 0);
        assertThat(givenUp()).isEqualTo(1);
        assertThat(memory(0)).isZero();
    }

    @Test
    void nobodyGivesUpForTheSpeedOfAnother() {
        open(64, 64);
        for (int i = 0; i < 64; i++) {
            beyondHole(i, 0);
        }
        BufferPool pool = connections.getFirst().shard.buffers();
        assertThat(pool.take(2 * BufferPool.LARGEST_NEED)).isNull();
        assertThat(givenUp()).isZero();
        MemorySegment block = pool.take(BufferPool.LARGEST_NEED);
        assertThat(block).isNotNull();
        assertThat(givenUp()).isEqualTo(BufferPool.LARGEST_NEED / BLOCK);
        pool.give(block);
    }

    /** A hole is filled, and while the user is given what lay beyond it, it wants memory to answer, which only this connection has. */
    @Test
    void whatIsBeingDeliveredIsNotGivenUp() {
        open(1, 4); // as much as the smallest send ring
        Dialogue d = connections.getFirst();
        beyondHole(0, 0);
        beyondHole(0, 1);
        int[] calls = new int[1];
        d.onDeliver = () -> {
            if (++calls[0] == 2) {
                d.tcb.reserveSend(1000);
            }
        };
        d.peerData(1, 1, 100);
        assertThat(calls[0]).isEqualTo(2);
        assertThat(givenUp()).isZero();
        d.assertReceived(200);
        d.peerData(201, 1, 300);
        d.assertReceived(500);
    }

    /** The same when the user is given the hole itself: then what lies beyond is given up, and comes again. */
    @Test
    void theUserMayHaveItsOwnConnectionGiveUp() {
        open(1, 4); // as much as the smallest send ring
        Dialogue d = connections.getFirst();
        beyondHole(0, 0);
        d.onDeliver = () -> {
            d.onDeliver = () -> {};
            assertThat(d.tcb.reserveSend(1000)).isPositive();
        };
        d.peerData(1, 1, 100);
        assertThat(givenUp()).isEqualTo(1);
        d.assertReceived(100);
        d.peerData(101, 1, 100);
        d.assertReceived(200);
    }
}
