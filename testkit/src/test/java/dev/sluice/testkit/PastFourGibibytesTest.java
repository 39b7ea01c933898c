package dev.sluice.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.stack.tcp.SendRing;
import dev.sluice.stack.tcp.Tcb;
import dev.sluice.stack.tcp.TcpOutput;
import dev.sluice.stack.tcp.TcpProfile;
import dev.sluice.stack.tcp.TcpShard;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A connection that carries more than sequence numbers count: they come round, with losses on the way, and every page is in its place. */
class PastFourGibibytesTest {
    private static final ValueLayout.OfLong NUMBER = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final long TOTAL = (4L << 30) + (200 << 20);
    /** Each begins with its position in the stream. */
    private static final int PAGE = 16 << 10;

    private static final int ISN = -20_000;
    private static final long MILLI = 1_000_000L;

    private final Random random = new Random(430);
    private final TcpShard shard = new TcpShard(NativeMemory.ofArenas(), 64 << 20, random);
    private long now = 1;

    /** Packets are slices of a ring of their own: what is on its way is less than that. */
    private final class End implements TcpOutput {
        final Tcb tcb =
                new Tcb(shard, TcpProfile.lan(65_515).withSuperSegment(0).withBuffers(1 << 20, 1 << 20), this);
        final MemorySegment packets = Arena.ofAuto().allocate(16 << 20, 8);
        final ArrayDeque<long[]> inbox = new ArrayDeque<>();
        End peer;
        long at;
        long written;
        long got;
        boolean losing;

        void write() {
            int room;
            while (written < TOTAL && (room = tcb.reserveSend(PAGE)) >= PAGE) {
                SendRing ring = tcb.sendRing();
                // Pages are aligned in a ring whose size is a multiple of theirs.
                ring.memory().set(NUMBER, ring.freeAt(), written);
                ring.commit(PAGE);
                written += PAGE;
            }
        }

        @Override
        public void segment(Tcb tcb, MemorySegment header, long from, int headerLength, long position, int length) {
            if (losing && random.nextInt(2000) == 0) {
                return;
            }
            if (at + 70_000 > packets.byteSize()) {
                at = 0;
            }
            MemorySegment.copy(header, from, packets, at, headerLength);
            SendRing ring = tcb.sendRing();
            int first = length == 0 ? 0 : ring.firstPart(position, length);
            if (length > 0) {
                MemorySegment.copy(ring.memory(), ring.at(position), packets, at + headerLength, first);
                MemorySegment.copy(ring.memory(), ring.wrapAt(), packets, at + headerLength + first, length - first);
            }
            peer.inbox.add(new long[] {at, headerLength + length});
            at += headerLength + length;
        }

        @Override
        public int deliver(Tcb tcb, MemorySegment data, long from, int length, long wrapAt, int wrapLength) {
            check(data, from, length);
            check(data, wrapAt, wrapLength);
            return length + wrapLength;
        }

        private void check(MemorySegment data, long from, int length) {
            for (long page = (got + PAGE - 1) / PAGE * PAGE; page + 8 <= got + length; page += PAGE) {
                long found = data.get(NUMBER, from + page - got);
                if (found != page) {
                    throw new AssertionError("page " + found + " at " + page);
                }
                pages++;
            }
            got += length;
        }

        /** A turn: what has come, timers, the user, what is to leave. */
        void turn(boolean writes) {
            for (long[] packet; (packet = inbox.poll()) != null; ) {
                tcb.onSegment(peer.packets.asSlice(packet[0], packet[1]), 0, (int) packet[1], now);
            }
            tcb.onTimer(now);
            if (writes) {
                write();
            }
            tcb.transmit(now, Integer.MAX_VALUE);
        }
    }

    private long pages;

    @Test
    void everyPageArrivesInItsPlace() {
        End sender = new End();
        End receiver = new End();
        sender.peer = receiver;
        receiver.peer = sender;
        sender.tcb.openActive(0, 0, ISN, now, 1, 2);
        sender.tcb.transmit(now, Integer.MAX_VALUE);
        long[] syn = receiver.inbox.remove();
        receiver.tcb.openPassive(0, 0, sender.packets, syn[0], (int) syn[1], ~ISN, now);
        receiver.tcb.accept(now);
        sender.losing = true;
        for (long turns = 0; receiver.got < TOTAL; turns++) {
            assertThat(turns).isLessThan(10_000_000);
            now += MILLI;
            receiver.turn(false);
            sender.turn(true);
        }
        // Few pages begin in the last bytes of a piece, where their number is not whole.
        assertThat(pages).isGreaterThan(TOTAL / PAGE * 9 / 10);
        assertThat(shard.counters().retransmits).as("some were lost").isPositive();
        sender.tcb.release();
        receiver.tcb.release();
        shard.close();
    }
}
