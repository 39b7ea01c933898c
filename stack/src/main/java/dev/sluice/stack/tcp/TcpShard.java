package dev.sluice.stack.tcp;

import dev.sluice.stack.share.Share;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.random.RandomGenerator;

/** What all connections of one loop share: buffers, scratch memory, counters, the secret of initial sequence numbers. */
public final class TcpShard implements AutoCloseable {
    /** Where headers are built in {@link #header}: {@link TcpOutput#HEADROOM} writable bytes stand before it. */
    public static final long HEADER_AT = TcpOutput.HEADROOM;

    /** Stands in for a connection's own until its handshake tells the segment size. */
    static final CongestionControl NOT_YET = new OneHop();
    /** Idle objects kept for the next connection that loses something; more than that are left to the collector. */
    private static final int KEPT = 256;

    private final NativeMemory memory;
    private final BufferPool buffers;
    private final TcpCounters counters = new TcpCounters();
    private final IsnGenerator isn;
    private final MemorySegment header;
    private final Segment segment = new Segment();
    private final Arrival arrival = new Arrival(segment, counters);
    private final SegmentWriter writer;
    private final ArrayDeque<ReceiveRing> rings = new ArrayDeque<>();
    private final ArrayDeque<IntervalSet> intervals = new ArrayDeque<>();
    private final ArrayDeque<SentRuns> runs = new ArrayDeque<>();

    /**
     * @param memory where ring memory comes from
     * @param budget most bytes of ring memory of all connections together
     * @param random unpredictable source of the shard's secret, used only here
     */
    public TcpShard(NativeMemory memory, long budget, RandomGenerator random) {
        this.memory = memory;
        this.buffers = new BufferPool(memory, budget, counters);
        this.isn = new IsnGenerator(random.nextLong(), random.nextLong());
        this.header = memory.allocate(256);
        this.writer = new SegmentWriter(header, counters);
    }

    public BufferPool buffers() {
        return buffers;
    }

    /**
     * What one holder's connections may have of the buffers.
     *
     * @param part of the share of {@link BufferPool#whole}, or of a part of it
     */
    public BufferShare share(Share part) {
        return new BufferShare(buffers, part, counters);
    }

    public TcpCounters counters() {
        return counters;
    }

    /** Initial sequence numbers (RFC 6528). */
    public IsnGenerator isn() {
        return isn;
    }

    /**
     * What a connection adds to its clock in timestamps, so that it tells neither how long we run nor what others see (RFC 7323 §7.1). The
     * next connection of the same four-tuple gets the same: to a peer that remembers the one before, its timestamps must not seem old
     * (RFC 7323 §5.5, RFC 6191). The half of the hash that no initial sequence number shows.
     */
    int timestampOffset(long high, long low) {
        return (int) (isn.hash(high, low) >>> 32);
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
        int flags = TcpHeader.flags(s, at);
        if ((flags & TcpHeader.RST) != 0) {
            return 0;
        }
        int local = TcpHeader.destinationPort(s, at);
        int remote = TcpHeader.sourcePort(s, at);
        counters.resetsOut++;
        if ((flags & TcpHeader.ACK) != 0) {
            int sequence = TcpHeader.acknowledgment(s, at);
            TcpHeader.write(header, HEADER_AT, local, remote, sequence, 0, TcpHeader.MIN_LENGTH, TcpHeader.RST, 0);
        } else {
            int span = length
                    - TcpHeader.headerLength(s, at)
                    + ((flags & TcpHeader.SYN) != 0 ? 1 : 0)
                    + ((flags & TcpHeader.FIN) != 0 ? 1 : 0);
            int acknowledgment = TcpHeader.sequence(s, at) + span;
            int answer = TcpHeader.RST | TcpHeader.ACK;
            TcpHeader.write(header, HEADER_AT, local, remote, 0, acknowledgment, TcpHeader.MIN_LENGTH, answer, 0);
        }
        return TcpHeader.MIN_LENGTH;
    }

    /** The segment under work; nothing in it survives a call of the user. */
    Segment segment() {
        return segment;
    }

    Arrival arrival() {
        return arrival;
    }

    SegmentWriter writer() {
        return writer;
    }

    ReceiveRing takeReceiveRing(BufferShare source) {
        ReceiveRing ring = rings.pollLast();
        if (ring == null) {
            return new ReceiveRing(source);
        }
        ring.source = source;
        return ring;
    }

    void giveReceiveRing(ReceiveRing ring) {
        ring.source.laggards.remove(ring);
        ring.clear();
        if (rings.size() < KEPT) {
            rings.addLast(ring);
        }
    }

    IntervalSet takeIntervals() {
        IntervalSet set = intervals.pollLast();
        return set == null ? new IntervalSet() : set;
    }

    void giveIntervals(IntervalSet set) {
        set.clear();
        if (intervals.size() < KEPT) {
            intervals.addLast(set);
        }
    }

    SentRuns takeRuns() {
        SentRuns held = runs.pollLast();
        return held == null ? new SentRuns() : held;
    }

    void giveRuns(SentRuns held) {
        held.clear();
        if (runs.size() < KEPT) {
            runs.addLast(held);
        }
    }

    /** Frees the memory that is not in use by connections. */
    @Override
    public void close() {
        buffers.close();
        memory.free(header);
    }
}
