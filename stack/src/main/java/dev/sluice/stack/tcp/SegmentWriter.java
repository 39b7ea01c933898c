package dev.sluice.stack.tcp;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Builds headers in the shard's scratch memory and hands segments to the connection's output; one per shard, without state. */
final class SegmentWriter {
    private static final long AT = TcpShard.HEADER_AT;
    private static final long OPTIONS_AT = AT + TcpHeader.MIN_LENGTH;

    private final MemorySegment header;
    private final TcpCounters counters;

    SegmentWriter(MemorySegment header, TcpCounters counters) {
        this.header = header;
        this.counters = counters;
    }

    /** SYN, or SYN-ACK with the options agreed on: the same each time it is sent. */
    void syn(Tcb tcb, boolean withAck, int ecn, long now) {
        TcpTuning tuning = tcb.profile().tuning();
        long o = tuning.tellMss()
                ? OptionsWriter.mss(header, OPTIONS_AT, tcb.profile().mss())
                : OPTIONS_AT;
        int plainAfter = tuning.plainSynAfter();
        if (withAck || plainAfter == 0 || tcb.sender.retransmissions() < plainAfter) {
            if (tcb.sackOk) {
                o = OptionsWriter.sackPermitted(header, o);
            }
            o = tcb.timestamps.write(header, o, withAck, now);
            if (tcb.scaleOk) {
                o = OptionsWriter.windowScale(header, o, tcb.receiver.scale());
            }
        }
        int length = (int) (o - AT);
        int flags = ecn | (withAck ? TcpHeader.SYN | TcpHeader.ACK : TcpHeader.SYN);
        int acknowledgment = withAck ? tcb.receiver.nextSequence() : 0;
        write(tcb, tcb.sender.sequence(0), acknowledgment, length, flags, tcb.receiver.advertiseInSyn());
        if (withAck) {
            tcb.onAckSent();
        }
        send(tcb, length, 0, 0);
    }

    /** Data and FIN from {@code offset} of our stream. */
    void data(Tcb tcb, long offset, int length, int flags, long now) {
        long o = tcb.timestamps.write(header, OPTIONS_AT, true, now);
        counters.bytesOut += length;
        acknowledging(tcb, offset, (int) (o - AT), flags | TcpHeader.ACK, length);
    }

    /** A segment without payload, with SACK if something lies beyond a hole. */
    void ack(Tcb tcb, long offset, long now) {
        long o = tcb.timestamps.write(header, OPTIONS_AT, true, now);
        IntervalSet ahead = tcb.receiver.ahead();
        if (tcb.sackOk && (ahead != null || tcb.acks.hasDuplicate())) {
            o = sack(tcb, o, ahead);
        }
        acknowledging(tcb, offset, (int) (o - AT), TcpHeader.ACK, 0);
    }

    private void acknowledging(Tcb tcb, long offset, int headerLength, int flags, int length) {
        int window = tcb.receiver.advertise(tcb.profile().mss());
        int urgent = tcb.urgentPointer(offset);
        int all = flags | (tcb.congestionEcho ? TcpHeader.ECE : 0) | (urgent > 0 ? TcpHeader.URG : 0);
        write(tcb, tcb.sender.sequence(offset), tcb.receiver.nextSequence(), headerLength, all, window);
        if (urgent > 0) {
            Bytes.put16(header, AT + 18, urgent);
        }
        tcb.onAckSent();
        send(tcb, headerLength, Math.max(0, offset - 1), length);
    }

    /** What came twice first (RFC 2883), then the pieces in the order of their arrival, the latest first (RFC 2018 §4), then any others. */
    private long sack(Tcb tcb, long o, @Nullable IntervalSet ahead) {
        int twice = tcb.acks.hasDuplicate() ? 1 : 0;
        int pieces = ahead == null ? 0 : ahead.size();
        int blocks = Math.min(pieces + twice, tcb.timestamps.on() ? 3 : ReceiveRing.MOST_BLOCKS);
        o = OptionsWriter.sackHead(header, o, blocks);
        if (twice > 0) {
            o = OptionsWriter.sackBlock(header, o, tcb.acks.duplicateLeft(), tcb.acks.duplicateRight());
            blocks--;
        }
        if (ahead == null) {
            return o;
        }
        long written = 0;
        for (int n = 0; n < ReceiveRing.MOST_BLOCKS && Long.bitCount(written) < blocks; n++) {
            int i = tcb.receiver.latest(n);
            if (i >= 0 && (written & 1L << i) == 0) {
                written |= 1L << i;
                o = sackBlock(tcb, o, ahead, i);
            }
        }
        for (int i = 0; Long.bitCount(written) < blocks; i++) {
            if ((written & 1L << i) == 0) {
                written |= 1L << i;
                o = sackBlock(tcb, o, ahead, i);
            }
        }
        return o;
    }

    private long sackBlock(Tcb tcb, long o, IntervalSet ahead, int index) {
        Receiver receiver = tcb.receiver;
        return OptionsWriter.sackBlock(
                header, o, receiver.sequence(ahead.from(index)), receiver.sequence(ahead.to(index)));
    }

    /** A bare reset, as a closed port gives it. */
    void reset(Tcb tcb, int sequence) {
        reset(tcb, sequence, 0, TcpHeader.MIN_LENGTH, TcpHeader.RST);
    }

    /** A reset with ACK; once both sides have agreed on timestamps, it should have one too (RFC 7323 §3.2). */
    void resetAndAck(Tcb tcb, int sequence, int acknowledgment, long now) {
        long o = tcb.synSent ? tcb.timestamps.write(header, OPTIONS_AT, true, now) : OPTIONS_AT;
        reset(tcb, sequence, acknowledgment, (int) (o - AT), TcpHeader.RST | TcpHeader.ACK);
    }

    private void reset(Tcb tcb, int sequence, int acknowledgment, int headerLength, int flags) {
        counters.resetsOut++;
        write(tcb, sequence, acknowledgment, headerLength, flags, 0);
        send(tcb, headerLength, 0, 0);
    }

    private void write(Tcb tcb, int sequence, int acknowledgment, int headerLength, int flags, int window) {
        TcpHeader.write(
                header, AT, tcb.localPort(), tcb.remotePort(), sequence, acknowledgment, headerLength, flags, window);
    }

    private void send(Tcb tcb, int headerLength, long position, int length) {
        counters.segmentsOut++;
        tcb.output.segment(tcb, header, AT, headerLength, position, length);
    }
}
