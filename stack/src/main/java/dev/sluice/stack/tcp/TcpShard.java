package dev.sluice.stack.tcp;

import java.lang.foreign.MemorySegment;
import java.util.random.RandomGenerator;

/** What all connections of one loop share: buffers, scratch memory, counters, the secret of initial sequence numbers. */
public final class TcpShard implements AutoCloseable {
    /** Where headers are built in {@link #header}: {@link TcpOutput#HEADROOM} writable bytes stand before it. */
    public static final long HEADER_AT = TcpOutput.HEADROOM;

    private final NativeMemory memory;
    private final BufferPool buffers;
    private final TcpCounters counters = new TcpCounters();
    private final IsnGenerator isn;
    private final MemorySegment header;

    /**
     * @param memory where ring memory comes from
     * @param budget most bytes of ring memory of all connections together
     * @param random unpredictable source of the shard's secret, used only here
     */
    public TcpShard(NativeMemory memory, long budget, RandomGenerator random) {
        this.memory = memory;
        this.buffers = new BufferPool(memory, budget);
        this.isn = new IsnGenerator(random.nextLong(), random.nextLong());
        this.header = memory.allocate(256);
    }

    public BufferPool buffers() {
        return buffers;
    }

    public TcpCounters counters() {
        return counters;
    }

    /** Initial sequence numbers (RFC 6528). */
    public IsnGenerator isn() {
        return isn;
    }

    /** Scratch memory in which every outgoing header is built, at {@link #HEADER_AT}. */
    public MemorySegment header() {
        return header;
    }

    /**
     * Answers a segment that belongs to no connection (RFC 9293 §3.10.7.1) by a RST built at {@link #HEADER_AT} of {@link #header}.
     *
     * @param at where a checked TCP header starts
     * @param length of header and payload
     * @return length of the RST's header, or 0 if the segment was itself a RST and gets no answer
     */
    public int writeReset(MemorySegment s, long at, int length) {
        return 0;
    }

    /** Frees the memory that is not in use by connections. */
    @Override
    public void close() {
        buffers.close();
        memory.free(header);
    }
}
