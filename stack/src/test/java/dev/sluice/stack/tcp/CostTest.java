package dev.sluice.stack.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a segment and a connection cost in heap, and that a stream may be longer than the sequence space. */
@Tag("slow")
class CostTest {
    private static final com.sun.management.ThreadMXBean THREADS =
            (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static final long ANSWER_WAIT = 5_000_000;

    /** Two connections joined without a link: what one sends the other takes when pumped. */
    private static final class Pair {
        final TcpShard shard = new TcpShard(NativeMemory.ofArenas(), 64 << 20, new Random(1));
        /** They share the buffers with others, as guests do. */
        final BufferShare buffers =
                shard.share(shard.buffers().whole().share().part().part());

        final End a;
        final End b;
        long now = 1;
        /** Of this many segments one is lost; 0 for none. */
        int lossEvery;

        int passed;

        Pair(TcpProfile profile, int issA, int issB) {
            a = new End(this, profile);
            b = new End(this, profile);
            a.peer = b;
            b.peer = a;
            a.tcb.openActive(0, 0, issA, now, 1, 2);
            a.tcb.transmit(now, 1 << 30);
            b.tcb.openPassive(0, 0, b.in, 0, b.inLength, issB, now);
            b.inLength = 0;
            b.tcb.accept(now);
            pump();
            pump();
        }

        void pump() {
            now += 100_000;
            a.turn(now);
            b.turn(now);
        }
    }

    private static final class End implements TcpOutput {
        final Pair pair;
        final Tcb tcb;
        final MemorySegment in = Arena.ofAuto().allocate(70_000);
        End peer;
        int inLength;
        long taken;

        @SuppressWarnings("NullAway")
        End(Pair pair, TcpProfile profile) {
            this.pair = pair;
            this.tcb = new Tcb(pair.shard, profile, this, pair.buffers);
        }

        void turn(long now) {
            if (tcb.deadline() <= now) {
                tcb.onTimer(now);
            }
            tcb.transmit(now, 1 << 30);
        }

        @Override
        public void segment(Tcb tcb, MemorySegment header, long at, int headerLength, long position, int length) {
            pair.passed++;
            if (pair.lossEvery > 0 && pair.passed % pair.lossEvery == 0) {
                return;
            }
            MemorySegment.copy(header, at, peer.in, 0, headerLength);
            if (length > 0) {
                SendRing ring = tcb.sendRing();
                int first = ring.firstPart(position, length);
                MemorySegment.copy(ring.memory(), ring.at(position), peer.in, headerLength, first);
                MemorySegment.copy(ring.memory(), ring.wrapAt(), peer.in, headerLength + first, length - first);
            }
            peer.inLength = headerLength + length;
            if (peer.tcb.state() != TcpState.CLOSED) {
                peer.tcb.onSegment(peer.in, 0, peer.inLength, pair.now);
            }
        }

        @Override
        public int deliver(Tcb tcb, MemorySegment data, long at, int length, long wrapAt, int wrapLength) {
            taken += length + wrapLength;
            return length + wrapLength;
        }
    }

    private static long allocated() {
        return THREADS.getCurrentThreadAllocatedBytes();
    }

    @Test
    void aSegmentAllocatesNothing() {
        for (int loss : new int[] {0, 37}) {
            for (boolean large : new boolean[] {true, false}) {
                TcpProfile profile = large ? TcpProfile.guest(1500) : TcpProfile.lan(1500);
                Pair pair = new Pair(profile, -100_000, 7);
                pair.lossEvery = loss;
                // Until everything that grows has grown.
                run(pair, 40_000);
                assertAllocatesNothing(pair, () -> run(pair, 20_000), "loss " + loss + ", " + profile);
            }
        }
    }

    /** Every tenth is not answered in time. */
    @Test
    void anAcknowledgmentThatWaitsForTheAnswerAllocatesNothing() {
        Pair pair = new Pair(TcpProfile.guest(1500).withAnswerWait(ANSWER_WAIT), 1, 2);
        ask(pair, 40_000);
        int before = pair.passed;
        ask(pair, 10);
        assertThat(pair.passed - before).as("frames for ten requests").isBetween(20, 25);
        assertAllocatesNothing(pair, () -> ask(pair, 10_000), "requests");
    }

    private static void ask(Pair pair, int times) {
        for (int i = 1; i <= times; i++) {
            say(pair.a, 100);
            pair.pump();
            if (i % 10 == 0) {
                pair.now += 2 * ANSWER_WAIT;
                pair.pump();
            }
            say(pair.b, 50);
            pair.pump();
        }
    }

    private static void say(End end, int bytes) {
        int room = end.tcb.reserveSend(bytes);
        end.tcb.sendRing().commit(Math.min(room, bytes));
    }

    private static void assertAllocatesNothing(Pair pair, Runnable run, String what) {
        // What the compiler or the linkage of a rare path costs once does not come back, what a segment costs
        // does. When all is compiled is the machine's business.
        long bytes = Long.MAX_VALUE;
        int segments = 0;
        for (long until = System.nanoTime() + 60_000_000_000L; bytes >= 4096 && System.nanoTime() - until < 0; ) {
            long before = allocated();
            int passed = pair.passed;
            run.run();
            bytes = allocated() - before;
            segments = pair.passed - passed;
            assertThat(segments).isGreaterThan(10_000);
        }
        assertThat(bytes).as("bytes for %d segments, %s", segments, what).isLessThan(4096);
    }

    private static void run(Pair pair, int rounds) {
        for (int i = 0; i < rounds; i++) {
            if (pair.a.tcb.sendRing().size() < 100_000) {
                int room = pair.a.tcb.reserveSend(50_000);
                pair.a.tcb.sendRing().commit(Math.min(room, 50_000));
            }
            pair.pump();
        }
    }

    @Test
    void anIdleConnectionIsSmall() {
        Pair warm = new Pair(TcpProfile.guest(1500), 1, 2);
        TcpProfile profile = TcpProfile.guest(1500);
        Object[] all = new Object[2000];
        fill(all, warm, profile);
        long before = allocated();
        fill(all, warm, profile);
        assertThat((allocated() - before) / 1000).isBetween(300L, 500L);
    }

    private static void fill(Object[] all, Pair pair, TcpProfile profile) {
        for (int i = 0; i < all.length; i += 2) {
            all[i] = new Tcb(pair.shard, profile, pair.a);
            // What the handshake adds.
            all[i + 1] = CongestionControl.of(profile.congestionControl(), 1460);
        }
    }

    @Test
    void aStreamMayBeLongerThanTheSequenceSpace() {
        Pair pair = new Pair(TcpProfile.guest(1500), -2, Integer.MAX_VALUE);
        pair.lossEvery = 1009;
        long total = 9L << 30;
        while (pair.b.taken < total) {
            int room = pair.a.tcb.reserveSend(1 << 18);
            pair.a.tcb.sendRing().commit((int) Math.min(room, total + pair.b.taken));
            long before = pair.b.taken;
            pair.pump();
            if (pair.b.taken == before) {
                pair.now = Math.max(pair.now, Math.min(pair.a.tcb.deadline(), pair.now + 10_000_000));
            }
        }
        pair.a.tcb.shutdownOutput(pair.now);
        pair.b.tcb.shutdownOutput(pair.now);
        for (int i = 0; i < 100 && pair.a.tcb.state() != TcpState.TIME_WAIT; i++) {
            pair.now += 1_000_000_000L;
            pair.pump();
        }
        assertThat(pair.a.tcb.snapshot().sendNext()).isEqualTo(pair.b.taken + 2);
        assertThat(pair.a.tcb.state()).isIn(TcpState.TIME_WAIT, TcpState.CLOSED);
    }
}
