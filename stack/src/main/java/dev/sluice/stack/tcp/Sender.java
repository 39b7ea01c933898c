package dev.sluice.stack.tcp;

import dev.sluice.wire.TcpHeader;
import org.jspecify.annotations.Nullable;

/**
 * The sending half of a connection: what is queued, in flight, acknowledged and lost (RFC 9293 §3.8, RFC 6298, 5681, 6582, 6675).
 * Offsets count from our SYN (offset 0); the first data byte is at 1, the FIN after the last.
 *
 * <p>Nothing is kept per segment. A retransmission is read again from the ring: {@link #retransmitNext} walks from SND.UNA to the end
 * of what counts as lost, stepping over what the peer holds ({@link #sacked}).
 */
final class Sender {
    static final long NEVER = Long.MAX_VALUE;

    private static final long NONE = -1;
    private static final int DUPLICATES = 3;

    /** Loss recovery: none, fast retransmit, or after a timeout. */
    private enum Recovery {
        NONE,
        FAST,
        TIMEOUT
    }

    private final TcpShard shard;
    private final TcpProfile profile;
    final SendRing ring;
    final RtoEstimator rto;
    CongestionControl congestion;

    private int iss;
    /** Payload bytes of a full segment. */
    private int mss;

    private int windowScale;
    /** SND.UNA. */
    private long una;
    /** SND.NXT: never moves back. */
    private long nxt;
    /** SND.WND in bytes, from SND.UNA. */
    private int window;
    /** Largest window the peer ever offered. */
    private int largestWindow;
    /** SND.WL1: offset in the peer's stream of the segment that set the window. */
    private long windowFrom;

    private boolean finQueued;
    private boolean sackOk;

    private Recovery recovery = Recovery.NONE;
    /** SND.NXT when recovery began: it ends when this is acknowledged. */
    private long recoveryEnd;
    /** Everything lost before it has been sent again. */
    private long retransmitNext;

    private int duplicates;

    @Nullable
    private IntervalSet sacked;

    /** End of the data whose round trip is being timed, or {@link #NONE}. */
    private long timedOffset = NONE;

    private long timedAt;
    private long lastSent;
    /** When we began to wait for the sign of life that is still missing. */
    private long waitingSince;

    /** Retransmission or, with {@link #persist}, zero-window timer. */
    private long timer = NEVER;

    private boolean persist;
    private boolean probe;
    /** The persist timer permits one segment that silly window avoidance would hold. */
    private boolean override;

    private byte probes;
    private int timeoutsInRow;
    private int retransmissions;

    Sender(TcpShard shard, TcpProfile profile) {
        this.shard = shard;
        this.profile = profile;
        this.ring = new SendRing(shard.buffers(), profile.sendBuffer());
        this.rto = new RtoEstimator(profile);
        this.mss = profile.mss();
        this.congestion = TcpShard.NOT_YET;
    }

    void open(int iss) {
        this.iss = iss;
    }

    /** What the peer's SYN told. */
    void negotiated(int mss, int windowScale, boolean sackOk, int firstWindow) {
        this.mss = mss;
        this.windowScale = windowScale;
        this.sackOk = sackOk;
        this.window = firstWindow;
        this.largestWindow = firstWindow;
        this.congestion = CongestionControl.of(profile.congestionControl(), mss);
    }

    /** The path carries less than thought (RFC 1191, 8201). */
    void limitMss(int mss, long now) {
        if (mss < this.mss) {
            this.mss = mss;
            if (una < nxt && recovery == Recovery.NONE) {
                // Everything in flight was too large; it is not congestion, so no backoff.
                beginRecovery(Recovery.TIMEOUT);
                restartTimer(now);
            }
        }
    }

    int sequence(long offset) {
        return iss + (int) offset;
    }

    /** The offset nearest to SND.UNA that has this sequence number. */
    long offset(int sequence) {
        return una + SeqNum.diff(sequence, sequence(una));
    }

    long una() {
        return una;
    }

    long nxt() {
        return nxt;
    }

    int mss() {
        return mss;
    }

    int window() {
        return window;
    }

    int largestWindow() {
        return largestWindow;
    }

    int retransmissions() {
        return retransmissions;
    }

    /** The offset after all queued data: the FIN's, if there is one. */
    long end() {
        return ring.end() + 1;
    }

    boolean finQueued() {
        return finQueued;
    }

    void queueFin() {
        finQueued = true;
    }

    boolean finAcknowledged() {
        return finQueued && una > end();
    }

    long timer() {
        return timer;
    }

    /** SND.NXT for a segment without payload, held within the window for peers that took some of it back. */
    long acceptableOffset() {
        long right = una + window;
        // The peer's scale may have cut low bits off the window.
        return right + (1L << windowScale) <= nxt ? right : nxt;
    }

    /** A SYN leaves: it is timed and guarded like data. */
    void onSynSent(long now, boolean again) {
        lastSent = now;
        if (again) {
            retransmissions++;
            shard.counters().retransmits++;
            timedOffset = NONE;
        } else {
            timedOffset = 1;
            timedAt = now;
            waitingSince = now;
        }
        nxt = 1;
        timer = now + rto.timeout();
    }

    /** True if the SYN's timer has run out; the SYN is to be sent again. */
    boolean onSynTimer(long now) {
        if (now - timer < 0 || timer == NEVER) {
            return false;
        }
        shard.counters().timeouts++;
        rto.backOff();
        timer = now + rto.timeout();
        return true;
    }

    long waitingSince() {
        return waitingSince;
    }

    /**
     * An acceptable acknowledgment: SND.UNA ≤ {@code ack} ≤ SND.NXT.
     *
     * @param from offset of the segment in the peer's stream
     * @param tsElapsed ns since the echoed timestamp, or −1
     */
    int onAck(long ack, long from, Segment segment, long tsElapsed, long now) {
        int events = 0;
        // The window of a SYN is never scaled (RFC 7323 §2.2).
        int offered = segment.has(TcpHeader.SYN) ? segment.window : segment.window << windowScale;
        boolean advanced = ack > una;
        if (advanced) {
            events = advance(ack, tsElapsed, now);
        }
        boolean news = sackOk && segment.sackBlocks > 0 && readSack(segment);
        if (!advanced && una < nxt && (sackOk ? news : segment.span() == 0 && offered == window)) {
            duplicates++;
            shard.counters().duplicateAcksIn++;
        }
        // RFC 9293 §3.10.7.4 compares SND.WL2 too, which is what `ack >= una` means here.
        if (advanced || from > windowFrom || (from == windowFrom && offered != window)) {
            window = offered;
            largestWindow = Math.max(largestWindow, offered);
            windowFrom = Math.max(windowFrom, from);
        }
        if (window == 0 || persist) {
            // The peer lives and only wants nothing: no reason to give up (RFC 9293 §3.8.6.1).
            waitingSince = now;
        }
        if (recovery == Recovery.NONE && una < nxt && (duplicates >= DUPLICATES || sackLossMark() > una)) {
            shard.counters().fastRetransmits++;
            congestion.onLoss(nxt - una);
            beginRecovery(Recovery.FAST);
        }
        return events;
    }

    private int advance(long ack, long tsElapsed, long now) {
        long flight = nxt - una;
        int acked = (int) (ack - una);
        una = ack;
        long position = Math.min(ack - 1, ring.end());
        boolean freed = position > ring.start();
        if (freed) {
            ring.release(position);
        }
        if (sacked != null) {
            sacked.trimBelow(una);
            if (sacked.isEmpty()) {
                dropSacked();
            }
        }
        if (timedOffset != NONE && ack >= timedOffset) {
            rto.sample(now - timedAt);
            timedOffset = NONE;
        } else if (recovery != Recovery.NONE && tsElapsed >= 0) {
            // Timestamps tell which transmission was acknowledged, so Karn's rule does not apply.
            rto.sample(tsElapsed);
        }
        waitingSince = now;
        timeoutsInRow = 0;
        if (recovery == Recovery.NONE) {
            duplicates = 0;
            congestion.onAck(acked, flight);
        } else if (una >= recoveryEnd) {
            if (recovery == Recovery.FAST) {
                congestion.onRecovered();
            } else {
                congestion.onAck(acked, flight);
            }
            recovery = Recovery.NONE;
            duplicates = 0;
        } else {
            onPartialAck(acked, flight);
        }
        if (una == nxt) {
            stopTimer();
        } else {
            restartTimer(now);
        }
        return freed ? Tcb.Events.SEND_SPACE : 0;
    }

    private void onPartialAck(int acked, long flight) {
        if (recovery == Recovery.TIMEOUT) {
            retransmitNext = Math.max(retransmitNext, una);
            congestion.onAck(acked, flight);
        } else if (sackOk) {
            retransmitNext = Math.max(retransmitNext, una);
        } else {
            // RFC 6582 §3.2 step 3: what now is first is lost too, and some duplicates told of what is now
            // acknowledged.
            retransmitNext = una;
            duplicates = Math.max(0, duplicates - acked / mss);
        }
    }

    private void beginRecovery(Recovery kind) {
        recovery = kind;
        recoveryEnd = nxt;
        retransmitNext = una;
        timedOffset = NONE;
    }

    private boolean readSack(Segment segment) {
        boolean news = false;
        for (int i = 0; i < segment.sackBlocks; i++) {
            long left = offset(segment.sackLeft[i]);
            long right = offset(segment.sackRight[i]);
            // A block at SND.UNA contradicts the acknowledgment; one below it reports a duplicate (RFC 2883).
            if (left <= una || left >= right || right > nxt) {
                continue;
            }
            IntervalSet set = sacked;
            if (set == null) {
                set = shard.takeIntervals();
                sacked = set;
            }
            long before = set.total();
            news |= set.add(left, right) && set.total() > before;
        }
        if (sacked != null && sacked.isEmpty()) {
            dropSacked();
        }
        return news;
    }

    private void dropSacked() {
        IntervalSet set = sacked;
        if (set != null) {
            sacked = null;
            shard.giveIntervals(set);
        }
    }

    /** Everything the peer does not hold before this offset is lost (RFC 6675 §4, IsLost). */
    private long sackLossMark() {
        IntervalSet set = sacked;
        if (set == null) {
            return 0;
        }
        long above = 0;
        for (int i = set.size() - 1; i >= 0; i--) {
            above += set.to(i) - set.from(i);
            if (above > (DUPLICATES - 1L) * mss || set.size() - i >= DUPLICATES) {
                return set.from(i);
            }
        }
        return 0;
    }

    /** The offset before which unacknowledged data counts as lost. */
    private long lossMark() {
        return switch (recovery) {
            case NONE -> una;
            case TIMEOUT -> recoveryEnd;
            // The first segment is lost by the rule that began recovery, or because a partial acknowledgment ends at
            // it.
            case FAST -> Math.min(recoveryEnd, Math.max(una + mss, sackLossMark()));
        };
    }

    /** Bytes thought to be on their way (RFC 6675's pipe). */
    private long pipe() {
        long out = nxt - una;
        IntervalSet set = sacked;
        if (set != null) {
            out -= set.total();
        } else if (!sackOk) {
            out -= (long) duplicates * mss;
        }
        if (recovery != Recovery.NONE) {
            long from = Math.max(una, retransmitNext);
            long mark = lossMark();
            if (from < mark) {
                out -= mark - from - (set == null ? 0 : set.overlap(from, mark));
            }
        }
        return Math.max(0, out);
    }

    /** Where the next retransmission begins, or {@link #NONE}. */
    private long nextLost() {
        if (recovery == Recovery.NONE) {
            return NONE;
        }
        long from = Math.max(una, retransmitNext);
        IntervalSet set = sacked;
        if (set != null) {
            int i = set.firstEndingAfter(from);
            if (i < set.size() && set.from(i) <= from) {
                from = set.to(i);
            }
        }
        return from < retransmitLimit() ? from : NONE;
    }

    /** Retransmissions stay within the window too, but the first segment goes out always: it is the probe of a closed window. */
    private long retransmitLimit() {
        return Math.min(lossMark(), una + Math.max(window, mss));
    }

    private boolean mayRetransmit(long from) {
        return from == una || congestion.window() - pipe() >= mss;
    }

    private int segmentLimit() {
        int all = profile.superSegment();
        return all <= mss ? mss : all - all % mss;
    }

    /** Sends lost data again; returns what is left of the budget. */
    int retransmit(Tcb tcb, long now, int budget) {
        for (; ; ) {
            long from = nextLost();
            if (from == NONE || !mayRetransmit(from)) {
                return budget;
            }
            long to = retransmitLimit();
            IntervalSet set = sacked;
            if (set != null) {
                int i = set.firstEndingAfter(from);
                to = i < set.size() ? Math.min(to, set.from(i)) : to;
            }
            int length = (int) Math.min(Math.min(to, end()) - from, segmentLimit());
            if (length > 0) {
                if (budget <= 0) {
                    return budget;
                }
                long room = Math.min(budget, congestion.window() - pipe());
                length = whole(length, (int) Math.clamp(room, mss, Integer.MAX_VALUE));
            }
            length = Math.max(0, length);
            boolean fin = finQueued && from + length == end() && to > end();
            retransmitNext = from + length + (fin ? 1 : 0);
            retransmissions++;
            shard.counters().retransmits++;
            timedOffset = NONE;
            restartTimer(now);
            tcb.emitData(from, length, fin, now);
            if (tcb.ended()) {
                return 0;
            }
            budget -= length;
        }
    }

    /** {@code length} cut to {@code room}, then to whole segments; {@code room} is at least one. */
    private int whole(int length, int room) {
        return length <= room ? length : room - room % mss;
    }

    /** New bytes that may leave now: 0 if none, or if what may leave is too little to be worth a segment (RFC 9293 §3.8.6.2.1). */
    private int sendable() {
        long queued = end() - nxt;
        if (queued <= 0) {
            return 0;
        }
        long n = Math.min(queued, una + window - nxt);
        if (n > 0 && congestion.window() != Integer.MAX_VALUE) {
            n = Math.min(n, congestion.window() - pipe());
        }
        if (n <= 0) {
            return 0;
        }
        boolean all = n == queued && (!profile.nagle() || finQueued || una == nxt);
        if (all) {
            return (int) n;
        }
        if (n >= mss) {
            return (int) (n - n % mss);
        }
        return override || n >= largestWindow / 2 && n < queued ? (int) n : 0;
    }

    /** True if nothing moves any more unless the peer's window does. */
    private boolean stuck() {
        return una == nxt && end() > nxt && sendable() == 0;
    }

    private boolean finReady() {
        return finQueued && nxt == end();
    }

    /** Sends new data and the FIN; returns what is left of the budget. */
    int send(Tcb tcb, long now, int budget) {
        while (budget > 0) {
            int length = sendable();
            if (length == 0) {
                break;
            }
            length = whole(Math.min(length, segmentLimit()), Math.max(budget, mss));
            long from = nxt;
            boolean fin = finQueued && from + length == end();
            beforeSending(from + length, now);
            nxt = from + length + (fin ? 1 : 0);
            tcb.emitData(from, length, fin, now);
            if (tcb.ended()) {
                return 0;
            }
            budget -= length;
        }
        if (finReady()) {
            beforeSending(nxt + 1, now);
            nxt++;
            tcb.emitData(nxt - 1, 0, true, now);
            if (tcb.ended()) {
                return 0;
            }
        }
        if (probe) {
            probe = false;
            shard.counters().zeroWindowProbes++;
            tcb.emitProbe(una - 1, now);
        }
        armPersist(now);
        return budget;
    }

    private void beforeSending(long end, long now) {
        if (una == nxt) {
            waitingSince = now;
            if (now - lastSent > rto.timeout()) {
                congestion.onRestart();
            }
        }
        lastSent = now;
        override = false;
        if (persist) {
            stopTimer();
        }
        if (timer == NEVER) {
            timer = now + rto.timeout();
        }
        if (timedOffset == NONE && recovery == Recovery.NONE) {
            timedOffset = end;
            timedAt = now;
        }
    }

    /** Starts the persist timer if only the peer's window holds us (RFC 9293 §3.8.6.1). */
    void armPersist(long now) {
        if (timer == NEVER && stuck()) {
            persist = true;
            probes = 0;
            waitingSince = now;
            timer = now + rto.timeout();
        }
    }

    boolean wantsTransmit() {
        if (probe || finReady() || sendable() > 0 || (timer == NEVER && stuck())) {
            return true;
        }
        long from = nextLost();
        return from != NONE && mayRetransmit(from);
    }

    /** Handles the timer; true if the peer has kept us waiting for too long. */
    boolean onTimer(long now) {
        if (timer == NEVER || now - timer < 0) {
            return false;
        }
        if (now - waitingSince >= profile.userTimeout()) {
            return true;
        }
        if (persist) {
            override = window > 0;
            probe = !override;
            probes = (byte) Math.min(probes + 1, 16);
            timer = now + Math.min(profile.rtoMax(), rto.timeout() << probes);
            return false;
        }
        shard.counters().timeouts++;
        congestion.onTimeout(nxt - una, timeoutsInRow > 0);
        timeoutsInRow++;
        duplicates = 0;
        if (sacked != null && sacked.contains(una)) {
            // The peer dropped what it had reported (RFC 2018 §8).
            dropSacked();
        }
        beginRecovery(Recovery.TIMEOUT);
        rto.backOff();
        timer = now + rto.timeout();
        return false;
    }

    private void restartTimer(long now) {
        persist = false;
        timer = now + rto.timeout();
    }

    private void stopTimer() {
        persist = false;
        probe = false;
        override = false;
        timer = NEVER;
    }

    /** Gives all memory back and stops. */
    void clear() {
        ring.clear();
        dropSacked();
        recovery = Recovery.NONE;
        stopTimer();
    }

    /** PSH goes with the last queued byte (RFC 9293 MUST-61). */
    int pushFlag(long end) {
        return end == end() ? TcpHeader.PSH : 0;
    }
}
