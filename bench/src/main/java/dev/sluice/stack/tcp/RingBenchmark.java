package dev.sluice.stack.tcp;

import dev.sluice.bench.parts.Part;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.openjdk.jmh.annotations.Benchmark;

/** The bookkeeping of the rings, with 1,460 bytes at a time; nothing is copied into the send ring, all into the receive ring. */
public class RingBenchmark extends Part {
    private static final int BYTES = 1460;

    private final TcpShard shard = new TcpShard(NativeMemory.ofArenas(), 64 << 20, new Random(1));
    private final SendRing send = new SendRing(shard.buffers().whole(), 4 << 20);
    private final ReceiveRing receive = new ReceiveRing(shard.buffers().whole());
    private final MemorySegment source = Arena.ofAuto().allocate(BYTES, 8);

    /** Room is made, bytes are there, their place is asked for, they are acknowledged; the memory stays, as others are held. */
    @Benchmark
    public long send() {
        if (send.reserve(BYTES) >= BYTES) {
            send.commit(BYTES);
        }
        long position = send.end() - BYTES;
        long place = send.at(position) + send.firstPart(position, BYTES);
        if (send.size() > 64 * BYTES) {
            send.release(send.start() + BYTES);
        }
        return place;
    }

    /** The same, and the memory goes back to the pool and comes again each time. */
    @Benchmark
    public long sendFromThePool() {
        send.reserve(BYTES);
        send.commit(BYTES);
        send.release(send.end());
        return send.end();
    }

    @Benchmark
    public int receive() {
        int kept = receive.append(source, 0, BYTES, 1 << 20);
        receive.take(kept);
        if (kept < BYTES) {
            throw new IllegalStateException("kept " + kept);
        }
        return kept;
    }
}
