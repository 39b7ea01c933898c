package dev.sluice.stack.tcp;

import dev.sluice.wire.TcpHeader;
import org.jspecify.annotations.Nullable;

/**
 * The sending half of a connection: what is queued, in flight and acknowledged, and the timer that guards it (RFC 9293 §3.8, RFC 6298).
 * Offsets count from our SYN (offset 0); the first data byte is at 1, the FIN after the last.
 */
final class Sender {
    static final long NEVER = Long.MAX_VALUE;

    private static final long NONE = LossRecovery.NONE;
    /** Windows above this are halved for the segment size; a smaller one is a device that takes one segment at a time. */
    private static final int HALVED_FROM = 536;

    private static final int SMALLEST_SEGMENT = 48;
    /** A millisecond, by which an echoed timestamp may be off. */
    private static final long TIMESTAMP_UNIT = 1_000_000L;

    private TcpProfile profile;
    final SendRing ring;
    final RtoEstimator rto;
    private LossRecovery recovery;
    CongestionControl congestion;
    /** Null on one hop. */
    private @Nullable SharedPath path;

    private int iss;
    /** Payload bytes that path and peer permit in a segment. */
    private char agreedMss;
    /** Payload bytes of a full segment. */
    private char mss;

    /** The shift of the windows we receive, 0–14. */
    private byte windowScale;

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
    /** End of the data whose round trip is being timed, or {@link #NONE}. */
    private long timedOffset = NONE;

    private long timedAt;
    /** When data or SYN last left. */
    private long lastSent;
    /** When we began to wait for the sign of life that is still missing. */
    private long waitingSince;

    /** Retransmission or, with {@link #persist}, zero-window timer. */
    private long timer = NEVER;

    private boolean persist;
    private boolean probe;
    /** The persist timer permits one segment that silly window avoidance or the cork would hold. */
    private boolean override;

    private byte probes;
    /** The timer has run out since SND.UNA last moved. */
    private boolean timedOut;

    private int retransmissions;

    Sender(TcpShard shard, TcpProfile profile, BufferShare memory) {
        this.profile = profile;
        this.ring = new SendRing(memory, profile.sendBuffer());
        this.rto = new RtoEstimator(profile);
        this.recovery = new Recovery(shard);
        this.agreedMss = (char) profile.mss();
        this.mss = agreedMss;
        this.congestion = TcpShard.NOT_YET;
    }

    void open(int iss) {
        this.iss = iss;
    }

    /** RTO in ns, with what the profile adds to it. */
    long timeout() {
        return rto.isInitial(profile)
                ? rto.timeout()
                : rto.timeout() + profile.tuning().rtoSlop();
    }

    void adopt(TcpProfile profile) {
        this.profile = profile;
    }

    /** What the peer's SYN told. */
    void negotiated(int mss, int windowScale, boolean sackOk, int firstWindow) {
        this.agreedMss = (char) mss;
        this.windowScale = (byte) windowScale;
        this.sackOk = sackOk;
        boolean hop = profile.congestionControl() == TcpProfile.Congestion.ONE_HOP;
        boolean byTime = sackOk && profile.rack() && !hop;
        this.path = hop ? null : new SharedPath(byTime);
        if (byTime) {
            this.recovery = new Rack(recovery.shard);
        } else if (this.recovery instanceof Recovery counting) {
            counting.open(sackOk);
        }
        this.window = firstWindow;
        this.largestWindow = firstWindow;
        boundMss();
        this.congestion = CongestionControl.of(profile.congestionControl(), mss);
    }

    /** A newer SYN of the peer's counts: of what the one before agreed on nothing was used, so nobody can have told of the path either. */
    void forgetSyn() {
        agreedMss = (char) profile.mss();
    }

    /** What the path is known to carry; ICMP may tell of it before the handshake is complete. */
    int pathMss() {
        return agreedMss;
    }

    private TcpCounters counters() {
        return recovery.shard.counters();
    }

    /** The path carries less than thought (RFC 1191, 8201). */
    void limitMss(int mss, long now) {
        if (mss < agreedMss) {
            agreedMss = (char) mss;
            boundMss();
            if (una > 0 && una < nxt && !recovery.active()) {
                // Everything in flight was too large; it is not congestion, so no backoff.
                recovery.loseAll(una, nxt);
                timedOffset = NONE;
                restartTimer(now);
            }
        }
    }

    /**
     * A peer whose whole window is less than two segments would make us wait for the timer at every turn, as what it offers between is
     * never worth a full segment; so segments are half of its window at most.
     */
    private void boundMss() {
        int useful = largestWindow > HALVED_FROM ? largestWindow / 2 : Math.max(largestWindow, SMALLEST_SEGMENT);
        mss = (char) Math.min(agreedMss, useful);
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

    boolean finInFlight() {
        return finQueued && nxt > end() && una <= end();
    }

    boolean finAcknowledged() {
        return finQueued && una > end();
    }

    long timer() {
        TailProbe probing = tail();
        return probing == null ? timer : Math.min(timer, Math.min(recovery.timer(), probing.timer()));
    }

    private @Nullable TailProbe tail() {
        SharedPath shared = path;
        return shared == null ? null : shared.tail;
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
            counters().retransmits++;
            timedOffset = NONE;
        } else {
            timedOffset = 1;
            timedAt = now;
            waitingSince = now;
        }
        nxt = 1;
        timer = Math.min(now + timeout(), waitingSince + profile.synTimeout());
    }

    /** What acknowledges our SYN is no sample. */
    void forgetSynTime() {
        timedOffset = NONE;
    }

    /** A SYN of ours left that we have forgotten: it is not timed. */
    void onCookieReturned(long now) {
        lastSent = now;
        waitingSince = now;
        nxt = 1;
    }

    /** True if the SYN's timer has run out; the SYN is to be sent again. */
    boolean onSynTimer(long now) {
        if (now - timer < 0 || timer == NEVER) {
            return false;
        }
        counters().timeouts++;
        rto.backOff(profile);
        timer = now + timeout();
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
     * @param orphan whether nobody waits for the peer's window to open
     */
    int onAck(long ack, long from, Segment segment, long tsElapsed, boolean orphan, long now) {
        int events = 0;
        // The window of a SYN is never scaled (RFC 7323 §2.2).
        int offered = segment.has(TcpHeader.SYN) ? segment.window : segment.window << windowScale;
        boolean advanced = ack > una;
        long arrived = una + recovery.sackedTotal();
        long lossBefore = recovery.fast() ? recovery.lossMark(una, mss) : -1;
        if (advanced) {
            events = advance(ack, tsElapsed, now);
        }
        boolean news = sackOk && recovery.readSack(segment, this, tsElapsed, now);
        boolean duplicate = !advanced && una < nxt && (sackOk ? news : segment.span() == 0 && offered == window);
        if (duplicate) {
            recovery.onDuplicate();
            counters().duplicateAcksIn++;
        }
        boolean closed = window == 0;
        // RFC 9293 §3.10.7.4 compares SND.WL2 too, which is what `ack >= una` means here.
        if (advanced || from > windowFrom || (from == windowFrom && offered != window)) {
            window = offered;
            if (offered > largestWindow) {
                largestWindow = offered;
                boundMss();
            }
            windowFrom = Math.max(windowFrom, from);
        }
        if (persist && closed && window > 0) {
            // What is left to wait for is no longer the peer, so not as long as the probes did.
            probes = 0;
            timer = now + timeout();
        }
        if ((window == 0 || persist) && !orphan) {
            // The peer lives and only wants nothing: no reason to give up (RFC 9293 §3.8.6.1).
            waitingSince = now;
        }
        SharedPath shared = path;
        if (shared != null && shared.tail != null && shared.tail.repaired(ack, advanced || news, recovery.duplicated)) {
            congestion.onLoss(nxt - una, agreedMss);
            shared.onReduction(nxt);
        }
        if (una < nxt) {
            seekLoss(now);
        }
        if (shared != null && recovery.fast()) {
            long fresh = duplicate && !sackOk ? shared.rate.duplicate(mss) : una + recovery.sackedTotal() - arrived;
            boolean safe = advanced && recovery.lossMark(una, mss) <= lossBefore;
            shared.rate.onAck(fresh, recovery.pipe(una, nxt, mss), congestion.threshold(), mss, safe);
        }
        return events;
    }

    /** Begins fast recovery if something in flight is lost. */
    private void seekLoss(long now) {
        boolean lost = recovery.lossSeen(una, nxt, mss, rto.smoothed(), now);
        if (path != null && path.tail != null && recovery.sackedAny()) {
            path.tail.idle(); // the peer has reported already
        }
        if (lost) {
            counters().fastRetransmits++;
            long flight = nxt - una;
            congestion.onLoss(flight, agreedMss);
            recovery.beginFast(una, nxt);
            if (path != null) {
                path.rate.begin(flight);
                path.stopProbing();
                path.onReduction(nxt);
            }
            timedOffset = NONE;
        }
    }

    /** The peer reports congestion on our way to it (RFC 3168 §6.1.2). */
    void onCongestionEcho() {
        SharedPath shared = path;
        if (shared != null && shared.isNews(una) && !recovery.active()) {
            counters().congestionEchoes++;
            congestion.onLoss(una < nxt ? nxt - una : shared.peak(), agreedMss);
            shared.onReduction(nxt);
        }
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
        if (timedOffset != NONE && ack >= timedOffset) {
            rto.sample(now - timedAt, profile);
            timedOffset = NONE;
        } else if (recovery.active() && tsElapsed >= 0 && tsElapsed <= now - lastSent + TIMESTAMP_UNIT) {
            // Timestamps tell which transmission was acknowledged, so Karn's rule does not apply. An echo of an earlier
            // one than the last
            // may be of data whose first acknowledgment was lost, and would measure how long we waited.
            rto.sample(tsElapsed, profile);
        } else if (congestion instanceof OneHop) {
            // The timeout was no sign of a long way: on one hop nothing but loss delays an acknowledgment.
            rto.forgetBackOff(profile);
        }
        waitingSince = now;
        timedOut = false;
        boolean fast = recovery.fast();
        recovery.onAdvance(una, acked, mss, tsElapsed, now);
        if (!fast) {
            int burst = profile.tuning().slowStartSegments() * mss;
            congestion.onAck(acked, path == null ? flight : path.peak(), mss, burst, now, rto.smoothed());
        } else if (!recovery.active()) {
            congestion.onRecovered();
        }
        if (una == nxt) {
            stopTimer();
        } else {
            restartTimer(now);
            armTail(now);
        }
        return freed ? Tcb.Events.SEND_SPACE : 0;
    }

    /** Waits for the acknowledgment of what is in flight for two round trips, then asks for it (RFC 8985 §7.2). */
    private void armTail(long now) {
        TailProbe probing = tail();
        if (probing != null) {
            boolean open = !recovery.active() && !recovery.sackedAny() && una < nxt && una > 0;
            probing.arm(open, nxt - una <= mss, rto.smoothed(), timer, now);
        }
    }

    /** Bytes that congestion control would still let in flight. */
    private long congestionRoom() {
        if (path != null && recovery.fast()) {
            return path.rate.room();
        }
        int allowed = congestion.window();
        return allowed == Integer.MAX_VALUE ? Integer.MAX_VALUE : allowed - recovery.pipe(una, nxt, mss);
    }

    /** Retransmissions stay within the window too, but the first segment goes out always: it is the probe of a closed window. */
    private long retransmitLimit() {
        return una + Math.max(window, mss);
    }

    private boolean mayRetransmit(long from) {
        return from == una || congestionRoom() >= mss;
    }

    private int segmentLimit() {
        int all = profile.superSegment();
        return all <= mss ? mss : all - all % mss;
    }

    /** Sends lost data again; returns what is left of the budget. */
    int retransmit(Tcb tcb, long now, int budget) {
        for (; ; ) {
            long limit = retransmitLimit();
            long from = recovery.next(una, limit, mss);
            if (from == NONE || !mayRetransmit(from)) {
                return budget;
            }
            long to = recovery.endOfLoss(from, una, limit, mss);
            int length = (int) Math.min(Math.min(to, end()) - from, segmentLimit());
            if (length > 0) {
                if (budget <= 0) {
                    return budget;
                }
                long room = Math.min(budget, congestionRoom());
                length = whole(length, Math.clamp(room, mss, Integer.MAX_VALUE));
            }
            SharedPath shared = path;
            boolean reports =
                    shared != null && shared.owesReport() && profile.tuning().reportWhenResending();
            boolean single = reports || tcb.urgentPointer(from) > 0;
            length = Math.clamp(length, 0, single ? mss : Integer.MAX_VALUE);
            boolean fin = finQueued && from + length == end() && to > end();
            retransmitted(from, from + length + (fin ? 1 : 0), now);
            int flags = flags(from + length, length, fin);
            if (shared != null && reports && length > 0) {
                shared.onReported();
                flags |= TcpHeader.CWR;
            }
            tcb.emitData(from, length, flags, now);
            if (tcb.ended()) {
                return 0;
            }
            budget -= length;
        }
    }

    private void retransmitted(long from, long to, long now) {
        recovery.onRetransmitted(from, to, now);
        if (path != null && recovery.fast()) {
            path.rate.onSent((int) (to - from));
        }
        retransmissions++;
        counters().retransmits++;
        timedOffset = NONE;
        lastSent = now;
        restartTimer(now);
    }

    /**
     * Sends the probe that the tail timer asked for: new data if there is any, else the last segment again (RFC 8985 §7.3). It is one
     * segment beyond what congestion control would allow.
     */
    void probeTail(Tcb tcb, long now) {
        TailProbe probing = tail();
        if (probing == null || !probing.takeDue() || una == nxt || recovery.active()) {
            return;
        }
        counters().tailProbes++;
        int fresh = (int) Math.min(Math.min(end() - nxt, una + window - nxt), mss);
        probing.sent(fresh <= 0 ? nxt : nxt + fresh, fresh <= 0);
        if (fresh > 0) {
            sendNew(tcb, fresh, now);
            return;
        }
        long from = Math.max(una, Math.min(nxt, end()) - mss);
        boolean fin = nxt > end();
        int length = (int) (Math.min(nxt, end()) - from);
        retransmitted(from, nxt, now);
        tcb.emitData(from, length, flags(from + length, length, fin), now);
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
        if (n > 0) {
            n = Math.min(n, congestionRoom());
        }
        if (n <= 0) {
            return 0;
        }
        if (n == queued && mayBePartial()) {
            return (int) n;
        }
        if (n >= mss) {
            return (int) (n - n % mss);
        }
        return override || (n >= largestWindow / 2 && n < queued) ? (int) n : 0;
    }

    /** Whether the last of what is queued may leave although it fills no segment. */
    private boolean mayBePartial() {
        return finQueued || (!profile.cork() && (!profile.nagle() || una == nxt || mayBeSmall()));
    }

    /** Other stacks' exceptions from Nagle's rule. */
    private boolean mayBeSmall() {
        SharedPath shared = path;
        if (shared == null) {
            return false;
        }
        TcpTuning.SmallSegments mode = profile.tuning().smallSegments();
        if (mode == TcpTuning.SmallSegments.MINSHALL) {
            return shared.smallEnd() <= una;
        }
        return mode == TcpTuning.SmallSegments.BURST && end() <= shared.burstEnd();
    }

    /** True if nothing moves any more unless the peer's window does, or the user fills the segment that the cork holds back. */
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
            // Flags and pointer of a super-segment would be repeated in each of its segments.
            boolean single = (path != null && path.owesReport()) || tcb.urgentPointer(nxt) > 0;
            int most = single ? mss : segmentLimit();
            length = whole(Math.min(length, most), Math.max(budget, mss));
            sendNew(tcb, length, now);
            if (tcb.ended()) {
                return 0;
            }
            budget -= length;
        }
        if (finReady()) {
            sendNew(tcb, 0, now);
            if (tcb.ended()) {
                return 0;
            }
        }
        if (probe) {
            probe = false;
            counters().zeroWindowProbes++;
            tcb.emitProbe(now);
        }
        armPersist(now);
        return budget;
    }

    /** Sends {@code length} new bytes, and the FIN if that follows them. */
    private void sendNew(Tcb tcb, int length, long now) {
        long from = nxt;
        boolean fin = finQueued && from + length == end();
        beforeSending(from + length + (length == 0 ? 1 : 0), now);
        nxt = from + length + (fin ? 1 : 0);
        int flags = flags(from + length, length, fin);
        SharedPath shared = path;
        if (shared != null) {
            shared.onSent(una, nxt);
            if (length > 0) {
                shared.onData(from == una ? end() : 0, length < mss ? nxt : 0);
            }
            recovery.onSent(from, nxt, now);
            armTail(now);
            if (recovery.fast()) {
                shared.rate.onSent(length);
            }
            if (shared.owesReport() && length > 0) {
                shared.onReported();
                flags |= TcpHeader.CWR;
            }
        }
        tcb.emitNew(from, length, flags, now);
    }

    private void beforeSending(long end, long now) {
        if (una == nxt) {
            waitingSince = now;
            if (now - lastSent > timeout()) {
                congestion.onRestart(agreedMss);
            }
        }
        lastSent = now;
        override = false;
        if (persist) {
            stopTimer();
        }
        if (timer == NEVER) {
            timer = now + timeout();
        }
        if (timedOffset == NONE && !recovery.active()) {
            timedOffset = end;
            timedAt = now;
        }
    }

    /** Starts the persist timer if only the peer's window holds us (RFC 9293 §3.8.6.1), or the cork, which has its limit here. */
    private void armPersist(long now) {
        if (timer == NEVER && stuck()) {
            persist = true;
            probes = 0;
            waitingSince = now;
            timer = now + timeout();
        }
    }

    boolean wantsTransmit() {
        if (probe
                || finReady()
                || sendable() > 0
                || (timer == NEVER && stuck())
                || (path != null && path.tail != null && path.tail.isDue())) {
            return true;
        }
        long from = recovery.next(una, retransmitLimit(), mss);
        return from != NONE && mayRetransmit(from);
    }

    /** Handles the timers; true if the peer has kept us waiting for too long. */
    boolean onTimer(long now) {
        TailProbe probing = tail();
        if (probing != null && una < nxt) {
            if (recovery.timer() != NEVER && now - recovery.timer() >= 0) {
                seekLoss(now);
            }
            if (probing.onTimer(now) && !recovery.active()) {
                restartTimer(now);
            }
        }
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
            timer = now + Math.min(profile.rtoMax(), timeout() << probes);
            return false;
        }
        counters().timeouts++;
        congestion.onTimeout(nxt - una, timedOut, agreedMss);
        timedOut = true;
        recovery.beginTimeout(una, nxt, rto.smoothed(), now);
        timedOffset = NONE;
        if (path != null) {
            path.onReduction(nxt);
            path.stopProbing();
        }
        rto.backOff(profile);
        timer = now + timeout();
        return false;
    }

    private void restartTimer(long now) {
        persist = false;
        timer = now + timeout();
    }

    private void stopTimer() {
        persist = false;
        probe = false;
        override = false;
        timer = NEVER;
        TailProbe probing = tail();
        if (probing != null) {
            probing.idle();
        }
    }

    long sackedTotal() {
        return recovery.sackedTotal();
    }

    Snapshot.Phase phase() {
        return switch (recovery.kind) {
            case FAST -> Snapshot.Phase.RECOVERY;
            case TIMEOUT -> Snapshot.Phase.LOSS;
            case NONE -> {
                boolean reduced = path != null && path.isReducing(una);
                boolean disorder = recovery.sackedAny() || recovery.duplicates() > 0;
                yield reduced ? Snapshot.Phase.REDUCED : disorder ? Snapshot.Phase.DISORDER : Snapshot.Phase.OPEN;
            }
        };
    }

    /** Gives all memory back and stops. */
    void clear() {
        ring.clear();
        recovery.clear();
        stopTimer();
    }

    /** PSH goes with the last queued byte (RFC 9293 MUST-61). */
    private int flags(long end, int length, boolean fin) {
        return (length > 0 && end == end() ? TcpHeader.PSH : 0) | (fin ? TcpHeader.FIN : 0);
    }
}
