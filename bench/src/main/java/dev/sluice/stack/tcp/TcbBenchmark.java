package dev.sluice.stack.tcp;

import dev.sluice.bench.parts.Part;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/**
 * Steps of two connections joined without a link and without copying payload: one sends {@code bytes}, the other takes them and
 * acknowledges at once. So each operation is a segment sent, a segment received, an acknowledgment sent and one received.
 */
public class TcbBenchmark extends Part {
    /** One segment, or a super-segment of the GUEST profile. */
    @Param({"1448", "65160"})
    public int bytes;

    private final TcpShard shard = new TcpShard(NativeMemory.ofArenas(), 64 << 20, new Random(1));
    private final End a = new End();
    private final End b = new End();
    private long now = 1;

    private final class End implements TcpOutput {
        final Tcb tcb = new Tcb(shard, TcpProfile.guest(1500), this);
        /** What has come, header first; the payload behind it stays as it was. */
        final MemorySegment in = Arena.ofAuto().allocate(70_000);

        int inLength;

        @Override
        public void segment(Tcb tcb, MemorySegment header, long at, int headerLength, long position, int length) {
            End peer = this == a ? b : a;
            MemorySegment.copy(header, at, peer.in, 0, headerLength);
            peer.inLength = headerLength + length;
        }

        @Override
        public int deliver(Tcb tcb, MemorySegment data, long at, int length, long wrapAt, int wrapLength) {
            return length + wrapLength;
        }

        void take() {
            if (inLength > 0) {
                int length = inLength;
                inLength = 0;
                tcb.onSegment(in, 0, length, now);
                tcb.transmit(now, Integer.MAX_VALUE);
            }
        }
    }

    @Setup
    public void connect() {
        a.tcb.openActive(0, 0, 1, now, 1, 2);
        a.tcb.transmit(now, Integer.MAX_VALUE);
        b.tcb.openPassive(0, 0, b.in, 0, b.inLength, 7, now);
        b.inLength = 0;
        b.tcb.accept(now);
        b.tcb.transmit(now, Integer.MAX_VALUE);
        a.take();
        b.take();
        if (a.tcb.state() != TcpState.ESTABLISHED || b.tcb.state() != TcpState.ESTABLISHED) {
            throw new IllegalStateException(a.tcb.state() + " " + b.tcb.state());
        }
    }

    @Benchmark
    public long segmentAndItsAcknowledgment() {
        now += 10_000;
        a.tcb.reserveSend(bytes);
        a.tcb.sendRing().commit(bytes);
        a.tcb.transmit(now, Integer.MAX_VALUE);
        b.take();
        a.take();
        if (a.tcb.sendRing().size() != 0) {
            throw new IllegalStateException("not acknowledged");
        }
        return now;
    }
}
