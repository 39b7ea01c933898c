package dev.sluice.stack.tcp;

import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;

/**
 * One TCP connection (RFC 9293), driven by its owner on one thread: segments, timers and user calls go in as methods with the time;
 * nothing goes out except through {@link TcpOutput}, and segments only from within {@link #transmit}. Every method that can end or
 * change the connection returns {@link Events}. See the package's theory of operation.
 */
public final class Tcb {
    /** What a method tells its caller, as bits of its result. */
    public static final class Events {
        /** The handshake is complete. */
        public static final int ESTABLISHED = 1;
        /** The peer has sent FIN and everything before it was delivered. */
        public static final int REMOTE_CLOSED = 2;
        /** Bytes of the send ring were acknowledged: there is room. */
        public static final int SEND_SPACE = 4;
        /** Finished in order and everything delivered; after a last {@link Tcb#transmit} the caller drops the {@code Tcb}. */
        public static final int CLOSED = 8;
        /** The peer reset the connection (or refused it); the caller drops the {@code Tcb}. */
        public static final int RESET = 16;
        /** The peer is gone; after a last {@link Tcb#transmit} the caller drops the {@code Tcb}. */
        public static final int TIMED_OUT = 32;
        /** With {@link #CLOSED}: it must be remembered in a {@link TimeWaitTable}. */
        public static final int TIME_WAIT = 64;
        /** Any of these ends the {@code Tcb}. */
        public static final int ENDED = CLOSED | RESET | TIMED_OUT;

        private Events() {}
    }

    private static final long NEVER = Sender.NEVER;
    private static final long MILLIS = 1_000_000L;
    private static final long SECOND = 1_000_000_000L;
    /** After 24 days of silence a timestamp may have wrapped and proves nothing (RFC 7323 §5.5). */
    private static final long PAWS_AGE = 24 * 86_400L * SECOND;
    /** Challenge ACKs per connection and second (RFC 5961 §10). */
    private static final int CHALLENGES = 10;
    /** Smallest MSS option believed; below it headers would outweigh data many times over (CVE-2019-11479). */
    private static final int SMALLEST_MSS = 64;
    /** Pure duplicates sent for segments beyond a hole, per {@link #transmit}, to peers without SACK. */
    private static final int MOST_DUPLICATES = 4;

    private final TcpShard shard;
    private final TcpProfile profile;
    private final TcpOutput output;
    private final Sender sender;
    private final Receiver receiver;

    private TcpState state = TcpState.CLOSED;
    private int localPort;
    private int remotePort;

    /** The SYN waits for {@link #accept}. */
    private boolean held;
    /** It began with the peer's SYN. */
    private boolean passive;

    private boolean synPending;
    private boolean synSent;
    /** The user wants no more data: {@link #close}. */
    private boolean userClosed;

    private boolean remoteClosedTold;
    /** No event will follow; memory is given back. */
    private boolean ended;

    private boolean resetPending;
    /** A reset that does not end us: it answers an acknowledgment of what we never sent. */
    private boolean strayResetPending;

    private int strayResetSequence;

    private boolean ackPending;
    /** Segments beyond holes since the last ACK. */
    private byte duplicatesOwed;
    /** Data segments since the last ACK. */
    private byte segmentsOwed;
    /** Delayed acknowledgment. */
    private long ackTimer = NEVER;
    /** FIN-WAIT-2 or TIME-WAIT. */
    private long stateTimer = NEVER;

    private long lastHeard;
    private byte keepAlives;
    private boolean keepAlivePending;

    private boolean timestampsOk;
    private boolean sackOk;
    private boolean scaleOk;
    /** TS.Recent. */
    private int recentTimestamp;
    /** Added to our clock, so that it does not tell how long we run. */
    private int timestampOffset;

    private byte challenges;
    private long challengesSince;

    public Tcb(TcpShard shard, TcpProfile profile, TcpOutput output) {
        this.shard = shard;
        this.profile = profile;
        this.output = output;
        this.sender = new Sender(shard, profile);
        this.receiver = new Receiver(shard, profile.receiveWindow());
    }

    // ---- Opening

    /**
     * Takes the SYN whose TCP header is at {@code at} ({@code length}: header and payload). Nothing is sent: the SYN is <em>held</em>
     * until {@link #accept} or {@link #abort}. Payload and FIN of the SYN are ignored; the peer sends them again.
     *
     * @return event bits; always 0 now
     */
    public int openPassive(MemorySegment s, long at, int length, int iss, long now) {
        Segment segment = shard.segment();
        segment.read(s, at, length);
        localPort = segment.destinationPort;
        remotePort = segment.sourcePort;
        passive = true;
        held = true;
        start(iss, now);
        state = TcpState.SYN_RECEIVED;
        readSyn(segment, now);
        return 0;
    }

    /** Answers the held SYN: SYN-ACK goes out at the next {@link #transmit}. */
    public void accept(long now) {
        if (held && state == TcpState.SYN_RECEIVED) {
            held = false;
            synPending = true;
            lastHeard = now;
        }
    }

    /** Starts a connection: SYN goes out at the next {@link #transmit}. Returns event bits, always 0 now. */
    public int openActive(int iss, long now, int localPort, int remotePort) {
        this.localPort = localPort;
        this.remotePort = remotePort;
        start(iss, now);
        state = TcpState.SYN_SENT;
        synPending = true;
        scaleOk = true;
        sackOk = profile.sack();
        timestampsOk = profile.timestamps();
        return 0;
    }

    private void start(int iss, long now) {
        if (state != TcpState.CLOSED || ended) {
            throw new IllegalStateException("A Tcb opens once");
        }
        sender.open(iss);
        timestampOffset = (int) shard.isn().hash(iss, localPort);
        lastHeard = now;
        challengesSince = now;
    }

    /** Learns from the peer's SYN, with or without ACK. */
    private void readSyn(Segment segment, long now) {
        receiver.open(segment.sequence);
        boolean offered = state == TcpState.SYN_SENT;
        timestampsOk = segment.hasTimestamps && (offered ? timestampsOk : profile.timestamps());
        sackOk = segment.sackPermitted && (offered ? sackOk : profile.sack());
        scaleOk = segment.windowScale >= 0;
        if (!scaleOk) {
            receiver.disableScaling();
        }
        if (timestampsOk) {
            recentTimestamp = segment.timestamp;
        }
        int theirs = segment.mss < 0 ? profile.defaultMss() : Math.max(segment.mss, SMALLEST_MSS);
        int mss = Math.min(theirs, profile.mss()) - (timestampsOk ? OptionsWriter.TIMESTAMPS_LENGTH : 0);
        sender.negotiated(mss, scaleOk ? Math.min(segment.windowScale, 14) : 0, sackOk, segment.window);
        lastHeard = now;
    }

    // ---- Segments in

    /**
     * Takes a checked segment of {@code length} bytes with its header at {@code at}, up to 64 KiB as a super-segment; its checksum was
     * verified. Sends nothing, marks what is to be sent.
     *
     * @return event bits
     */
    public int onSegment(MemorySegment s, long at, int length, long now) {
        if (ended && state != TcpState.TIME_WAIT || state == TcpState.CLOSED) {
            return 0;
        }
        TcpCounters counters = shard.counters();
        Segment segment = shard.segment();
        segment.read(s, at, length);
        counters.segmentsIn++;
        counters.bytesIn += segment.length;
        int events;
        if (state == TcpState.SYN_SENT) {
            events = inSynSent(segment, now);
        } else if (held) {
            events = whileHeld(segment, now);
        } else {
            events = inSynchronized(segment, now);
        }
        return ended ? events : finish(events, now);
    }

    /** RFC 9293 §3.10.7.3. */
    private int inSynSent(Segment segment, long now) {
        boolean ack = segment.has(TcpHeader.ACK);
        if (ack && segment.acknowledgment != sender.sequence(1) || ack && !synSent) {
            shard.counters().dropsBadAck++;
            if (!segment.has(TcpHeader.RST)) {
                strayReset(segment.acknowledgment);
            }
            return 0;
        }
        if (segment.has(TcpHeader.RST)) {
            if (!ack) {
                shard.counters().dropsBadFlags++;
                return 0;
            }
            return resetByPeer();
        }
        if (!segment.has(TcpHeader.SYN)) {
            shard.counters().dropsBadFlags++;
            return 0;
        }
        readSyn(segment, now);
        ackPending = true;
        if (!ack) {
            // Both sides opened at once: our SYN goes again with an ACK for theirs.
            state = TcpState.SYN_RECEIVED;
            synPending = true;
            return 0;
        }
        // Data and FIN in a SYN-ACK are left to the peer's retransmission.
        return sender.onAck(1, 0, segment, -1, now) | established();
    }

    private int established() {
        state = sender.finQueued() ? TcpState.FIN_WAIT_1 : TcpState.ESTABLISHED;
        synPending = false;
        return Events.ESTABLISHED;
    }

    /** The user has not decided yet; the peer has seen nothing of us. */
    private int whileHeld(Segment segment, long now) {
        if (segment.has(TcpHeader.RST)) {
            if (segment.sequence == receiver.nextSequence()) {
                return resetByPeer();
            }
            shard.counters().dropsOutsideWindow++;
        } else if ((segment.flags & (TcpHeader.SYN | TcpHeader.ACK)) == TcpHeader.SYN) {
            // The same SYN again, or a new attempt after the peer gave up the old one: the latest counts.
            readSyn(segment, now);
        } else {
            shard.counters().dropsBadFlags++;
        }
        return 0;
    }

    /** RFC 9293 §3.10.7.4, with RFC 5961 and RFC 7323; SYN-RECEIVED too. */
    private int inSynchronized(Segment segment, long now) {
        TcpCounters counters = shard.counters();
        int flags = segment.flags;
        long from = receiver.offset(segment.sequence);
        boolean synAck = (flags & (TcpHeader.SYN | TcpHeader.ACK | TcpHeader.RST)) == (TcpHeader.SYN | TcpHeader.ACK);
        if (state == TcpState.SYN_RECEIVED
                && !passive
                && synAck
                && from == 0
                && segment.acknowledgment == sender.sequence(1)) {
            // Simultaneous open: this SYN was counted before, its ACK is news.
            flags &= ~TcpHeader.SYN;
            from = 1;
        }
        if (timestampsOk
                && segment.hasTimestamps
                && (flags & TcpHeader.RST) == 0
                && segment.timestamp - recentTimestamp < 0
                && now - lastHeard < PAWS_AGE) {
            counters.dropsPaws++;
            refuse(segment, now);
            return 0;
        }
        if ((flags & TcpHeader.RST) != 0) {
            return onReset(from, now);
        }
        if (!acceptable(from, segment)) {
            counters.dropsOutsideWindow++;
            refuse(segment, now);
            if (state == TcpState.TIME_WAIT && (flags & TcpHeader.FIN) != 0) {
                stateTimer = now + profile.timeWait();
            }
            return 0;
        }
        if ((flags & TcpHeader.SYN) != 0) {
            counters.dropsBadFlags++;
            challenge(now);
            return 0;
        }
        if ((flags & TcpHeader.ACK) == 0) {
            counters.dropsBadFlags++;
            return 0;
        }
        long ack = sender.offset(segment.acknowledgment);
        int events = 0;
        if (state == TcpState.SYN_RECEIVED) {
            if (ack != 1 || !synSent) {
                counters.dropsBadAck++;
                strayReset(segment.acknowledgment);
                return 0;
            }
            events = established();
        }
        if (ack > sender.nxt() || ack < sender.una() - sender.largestWindow()) {
            counters.dropsBadAck++;
            challenge(now);
            return events;
        }
        lastHeard = now;
        keepAlives = 0;
        long elapsed = -1;
        if (timestampsOk && segment.hasTimestamps) {
            if (from <= receiver.acknowledged()) {
                recentTimestamp = segment.timestamp;
            }
            elapsed = segment.echo == 0 ? -1 : (timestampNow(now) - segment.echo) * MILLIS;
        }
        if (ack >= sender.una()) {
            events |= sender.onAck(ack, from, segment, elapsed, now);
            if (sender.finAcknowledged()) {
                onOurFinAcknowledged(now);
            }
        }
        if (segment.length > 0 || (flags & TcpHeader.FIN) != 0) {
            events |= onText(from, segment, now);
        }
        return events;
    }

    /**
     * The first check of RFC 9293 §3.10.7.4, a little wider: a segment without payload may stand at the very edge (a peer that has
     * filled our window acknowledges from there), and at a closed window the next byte is let in to be cut off below, so that its
     * acknowledgment counts.
     */
    private boolean acceptable(long from, Segment segment) {
        long next = receiver.next();
        int span = segment.span();
        if (span == 0) {
            return from >= next && (from <= receiver.edge() || from == next);
        }
        return from + span > next && (from < receiver.edge() || from == next);
    }

    /** Answers a segment that is not acceptable: always if it carries something, else within the limit of challenges. */
    private void refuse(Segment segment, long now) {
        if (state == TcpState.SYN_RECEIVED && segment.has(TcpHeader.SYN)) {
            // Our SYN-ACK was lost.
            synPending = true;
        } else if (segment.length > 0 || segment.has(TcpHeader.FIN)) {
            ackPending = true;
        } else {
            challenge(now);
        }
    }

    private void challenge(long now) {
        if (now - challengesSince >= SECOND) {
            challengesSince = now;
            challenges = 0;
        }
        if (challenges >= CHALLENGES) {
            shard.counters().challengeAcksSuppressed++;
            return;
        }
        challenges++;
        shard.counters().challengeAcks++;
        ackPending = true;
    }

    /** RFC 5961 §3.2: only the number we expect next resets. */
    private int onReset(long from, long now) {
        long next = receiver.next();
        // A peer that answers our last segment uses its acknowledgment number; some number a reset after their FIN like
        // the FIN.
        boolean exact = from == next || from == receiver.acknowledged() || from == next - 1 && receiver.finReceived();
        if (exact && state != TcpState.TIME_WAIT) {
            return resetByPeer();
        }
        if (!exact && from > next && from <= receiver.edge()) {
            challenge(now);
        } else {
            // TIME-WAIT is not cut short by a reset (RFC 1337).
            shard.counters().dropsOutsideWindow++;
        }
        return 0;
    }

    private int resetByPeer() {
        shard.counters().resetsIn++;
        end();
        return Events.RESET;
    }

    private void strayReset(int sequence) {
        strayResetPending = true;
        strayResetSequence = sequence;
    }

    private void onOurFinAcknowledged(long now) {
        switch (state) {
            case FIN_WAIT_1 -> {
                state = TcpState.FIN_WAIT_2;
                if (userClosed) {
                    stateTimer = now + profile.finWait2();
                }
            }
            case CLOSING -> enterTimeWait(now);
            case LAST_ACK -> state = TcpState.CLOSED;
            default -> {}
        }
    }

    private void enterTimeWait(long now) {
        state = TcpState.TIME_WAIT;
        stateTimer = now + profile.timeWait();
    }

    /** Payload and FIN of an acceptable segment. */
    private int onText(long from, Segment segment, long now) {
        if (state != TcpState.ESTABLISHED && state != TcpState.FIN_WAIT_1 && state != TcpState.FIN_WAIT_2) {
            return 0;
        }
        long next = receiver.next();
        int skip = (int) Math.max(0, next - from);
        long offset = from + skip;
        int length = segment.length - skip;
        boolean fin = segment.has(TcpHeader.FIN);
        long room = Math.max(0, receiver.edge() - offset);
        if (length > room) {
            shard.counters().dropsOutsideWindow++;
            length = (int) room;
            fin = false;
            ackPending = true;
        }
        if (userClosed && length > 0) {
            // Nobody will read it, and the peer must know (RFC 9293 SHLD-3).
            abort(now);
            return Events.CLOSED;
        }
        int whole = length > profile.mss() ? 2 : 1;
        int result = receiver.receive(this, output, segment.memory, segment.at + skip, offset, length, fin);
        if (ended) {
            return 0;
        }
        if ((result & Receiver.INCOMPLETE) != 0) {
            ackPending = true;
            duplicatesOwed = (byte) Math.min(duplicatesOwed + 1, MOST_DUPLICATES);
        }
        if ((result & Receiver.ADVANCED) != 0) {
            segmentsOwed = (byte) Math.min(segmentsOwed + whole, 100);
            if (profile.delayedAck() == 0 || segmentsOwed >= 2 || receiver.finReceived()) {
                ackPending = true;
            } else if (ackTimer == NEVER) {
                ackTimer = now + profile.delayedAck();
            }
            if (receiver.finReceived()) {
                onRemoteFin(now);
            }
        }
        return 0;
    }

    private void onRemoteFin(long now) {
        switch (state) {
            case ESTABLISHED -> state = TcpState.CLOSE_WAIT;
            case FIN_WAIT_1 -> state = TcpState.CLOSING;
            case FIN_WAIT_2 -> enterTimeWait(now);
            default -> {}
        }
    }

    /** Ends every call that may have changed something: tells what is now complete. */
    private int finish(int events, long now) {
        if (receiver.undelivered() == 0) {
            if (receiver.finReceived() && !remoteClosedTold) {
                remoteClosedTold = true;
                events |= Events.REMOTE_CLOSED;
            }
            if (state == TcpState.TIME_WAIT || state == TcpState.CLOSED) {
                events |= state == TcpState.TIME_WAIT ? Events.CLOSED | Events.TIME_WAIT : Events.CLOSED;
                ended = true;
                release();
                return events;
            }
        }
        if (state.isSynchronized()) {
            sender.armPersist(now);
        }
        return events;
    }

    // ---- Timers

    /**
     * Handles timers that have come due; harmless if none has.
     *
     * @return event bits
     */
    public int onTimer(long now) {
        if (due(stateTimer, now)) {
            stateTimer = NEVER;
            boolean forgotten = state == TcpState.FIN_WAIT_2;
            state = TcpState.CLOSED;
            if (forgotten) {
                end();
                return Events.CLOSED;
            }
        }
        if (ended) {
            return 0;
        }
        if (due(ackTimer, now)) {
            ackTimer = NEVER;
            ackPending = true;
        }
        if (state == TcpState.SYN_SENT || state == TcpState.SYN_RECEIVED) {
            if (sender.onSynTimer(now)) {
                if (now - sender.waitingSince() >= profile.synTimeout()) {
                    end();
                    return Events.TIMED_OUT;
                }
                synPending = true;
            }
        } else if (sender.onTimer(now)) {
            return timedOut();
        }
        if (due(keepAliveDeadline(), now)) {
            if (keepAlives >= profile.keepAliveProbes()) {
                return timedOut();
            }
            keepAlives++;
            keepAlivePending = true;
        }
        return finish(0, now);
    }

    private static boolean due(long deadline, long now) {
        return deadline != NEVER && now - deadline >= 0;
    }

    private int timedOut() {
        end();
        resetPending = true;
        return Events.TIMED_OUT;
    }

    /** The earliest timer on the clock of {@code now}, or {@link Long#MAX_VALUE}. */
    public long deadline() {
        if (ended) {
            return stateTimer;
        }
        return Math.min(Math.min(sender.timer(), ackTimer), Math.min(stateTimer, keepAliveDeadline()));
    }

    private long keepAliveDeadline() {
        if (profile.keepAliveIdle() == 0 || !state.isSynchronized() || sender.timer() != NEVER) {
            return NEVER;
        }
        return lastHeard + profile.keepAliveIdle() + keepAlives * profile.keepAliveInterval();
    }

    // ---- Segments out

    /**
     * Sends what may be sent now: SYN, RST, retransmissions and new data up to {@code budget} payload bytes together (one segment more at
     * most), FIN, and one ACK if nothing else carried it. To be called at the end of each batch, after timers and after user calls. With a
     * budget of 0 only segments without payload leave.
     */
    public void transmit(long now, int budget) {
        if (strayResetPending) {
            strayResetPending = false;
            shard.counters().resetsOut++;
            emitBare(strayResetSequence, 0, TcpHeader.RST);
        }
        if (resetPending) {
            resetPending = false;
            sendReset();
        }
        if (held || state == TcpState.CLOSED) {
            return;
        }
        if (synPending) {
            sendSyn(now);
        }
        if (state.isSynchronized() && !ended) {
            if (ackPending && receiver.ahead() != null) {
                // Only a segment without payload has room for SACK.
                int copies = sackOk ? 1 : Math.max(1, duplicatesOwed);
                for (int i = 0; i < copies && !ended; i++) {
                    emitAck(now);
                }
            }
            if (keepAlivePending && !ended) {
                keepAlivePending = false;
                shard.counters().keepAliveProbes++;
                emitProbe(sender.una() - 1, now);
            }
            int left = ended ? 0 : sender.retransmit(this, now, budget);
            if (!ended) {
                sender.send(this, now, left);
            }
            if (!ended) {
                sender.ring.trim();
            }
        }
        if (ackPending && state != TcpState.SYN_SENT && state != TcpState.CLOSED) {
            emitAck(now);
        }
    }

    /** True if {@link #transmit} with a budget would send or arm something now. */
    public boolean wantsTransmit() {
        if (resetPending || strayResetPending) {
            return true;
        }
        if (held || state == TcpState.CLOSED) {
            return false;
        }
        return ackPending && state != TcpState.SYN_SENT
                || synPending
                || keepAlivePending
                || state.isSynchronized() && !ended && sender.wantsTransmit();
    }

    private void sendSyn(long now) {
        synPending = false;
        boolean withAck = state == TcpState.SYN_RECEIVED;
        MemorySegment h = shard.header();
        long at = TcpShard.HEADER_AT;
        long o = OptionsWriter.mss(h, at + TcpHeader.MIN_LENGTH, profile.mss());
        if (sackOk) {
            o = OptionsWriter.sackPermitted(h, o);
        }
        if (timestampsOk) {
            o = OptionsWriter.timestamps(h, o, timestampNow(now), withAck ? recentTimestamp : 0);
        }
        if (scaleOk) {
            o = OptionsWriter.windowScale(h, o, receiver.scale());
        }
        sender.onSynSent(now, synSent);
        synSent = true;
        int flags = withAck ? TcpHeader.SYN | TcpHeader.ACK : TcpHeader.SYN;
        write(
                sender.sequence(0),
                withAck ? receiver.nextSequence() : 0,
                (int) (o - at),
                flags,
                receiver.advertiseInSyn());
        if (withAck) {
            acknowledged();
        }
        send((int) (o - at), 0, 0);
    }

    /** A segment of the stream; the sender has counted it already. */
    void emitData(long from, int length, boolean fin, long now) {
        int flags = TcpHeader.ACK | (length > 0 ? sender.pushFlag(from + length) : 0) | (fin ? TcpHeader.FIN : 0);
        MemorySegment h = shard.header();
        long o = writeTimestamps(h, now);
        int headerLength = (int) (o - TcpShard.HEADER_AT);
        write(sender.sequence(from), receiver.nextSequence(), headerLength, flags, receiver.advertise(profile.mss()));
        acknowledged();
        shard.counters().bytesOut += length;
        send(headerLength, from - 1, length);
    }

    /** An old sequence number, which makes the peer answer with what it has and wants. */
    void emitProbe(long offset, long now) {
        emitAckFrom(offset, now);
    }

    private void emitAck(long now) {
        emitAckFrom(sender.acceptableOffset(), now);
    }

    private void emitAckFrom(long offset, long now) {
        MemorySegment h = shard.header();
        long o = writeTimestamps(h, now);
        IntervalSet ahead = receiver.ahead();
        if (sackOk && ahead != null) {
            o = writeSack(h, o, ahead);
        }
        int headerLength = (int) (o - TcpShard.HEADER_AT);
        int window = receiver.advertise(profile.mss());
        write(sender.sequence(offset), receiver.nextSequence(), headerLength, TcpHeader.ACK, window);
        acknowledged();
        send(headerLength, offset - 1, 0);
    }

    private long writeTimestamps(MemorySegment h, long now) {
        long o = TcpShard.HEADER_AT + TcpHeader.MIN_LENGTH;
        return timestampsOk ? OptionsWriter.timestamps(h, o, timestampNow(now), recentTimestamp) : o;
    }

    /** The piece that came last first, then the others from the left (RFC 2018 §4). */
    private long writeSack(MemorySegment h, long o, IntervalSet ahead) {
        int blocks = Math.min(ahead.size(), timestampsOk ? 3 : 4);
        o = OptionsWriter.sackHead(h, o, blocks);
        int first = Math.min(ahead.firstEndingAfter(receiver.latest()), ahead.size() - 1);
        o = writeSackBlock(h, o, ahead, first);
        for (int i = 0, written = 1; written < blocks; i++) {
            if (i != first) {
                o = writeSackBlock(h, o, ahead, i);
                written++;
            }
        }
        return o;
    }

    private long writeSackBlock(MemorySegment h, long o, IntervalSet ahead, int index) {
        return OptionsWriter.sackBlock(h, o, receiver.sequence(ahead.from(index)), receiver.sequence(ahead.to(index)));
    }

    private void sendReset() {
        shard.counters().resetsOut++;
        if (synSent) {
            int flags = TcpHeader.RST | TcpHeader.ACK;
            emitBare(sender.sequence(sender.acceptableOffset()), receiver.nextSequence(), flags);
        } else {
            // Refuses a held SYN (RFC 9293 §3.10.7.1).
            emitBare(0, receiver.nextSequence(), TcpHeader.RST | TcpHeader.ACK);
        }
    }

    private void emitBare(int sequence, int acknowledgment, int flags) {
        write(sequence, acknowledgment, TcpHeader.MIN_LENGTH, flags, 0);
        send(TcpHeader.MIN_LENGTH, 0, 0);
    }

    private void write(int sequence, int acknowledgment, int headerLength, int flags, int window) {
        TcpHeader.write(
                shard.header(),
                TcpShard.HEADER_AT,
                localPort,
                remotePort,
                sequence,
                acknowledgment,
                headerLength,
                flags,
                window);
    }

    private void send(int headerLength, long position, int length) {
        shard.counters().segmentsOut++;
        output.segment(this, shard.header(), TcpShard.HEADER_AT, headerLength, position, length);
    }

    /** What is being sent acknowledges everything received. */
    private void acknowledged() {
        receiver.onAckSent();
        ackPending = false;
        duplicatesOwed = 0;
        segmentsOwed = 0;
        ackTimer = NEVER;
    }

    private int timestampNow(long now) {
        return (int) (now / MILLIS) + timestampOffset;
    }

    // ---- User calls

    /** The outgoing bytes. Always the same object; it owns memory only while needed. */
    public SendRing sendRing() {
        return sender.ring;
    }

    /**
     * Gets room for {@code wanted} bytes in the send ring, or for as many as the profile and the shard's budget allow. Unused room is given
     * back at the next {@link #transmit}.
     *
     * @return bytes that may be written and committed now; 0 if there are none, or output is shut down or the connection has ended
     */
    public int reserveSend(int wanted) {
        boolean open = switch (state) {
            case SYN_SENT, SYN_RECEIVED, ESTABLISHED, CLOSE_WAIT -> !sender.finQueued();
            case CLOSED, FIN_WAIT_1, FIN_WAIT_2, CLOSING, LAST_ACK, TIME_WAIT -> false;
        };
        return open && !ended ? sender.ring.reserve(wanted) : 0;
    }

    /** Bytes of the send ring that have never been sent. */
    public int unsent() {
        return (int) Math.max(0, sender.ring.end() - Math.max(0, sender.nxt() - 1));
    }

    /** In-order bytes received since the last ACK we sent. */
    public int unacknowledged() {
        return receiver.unacknowledged();
    }

    /** In-order bytes that {@link TcpOutput#deliver} has not taken yet. */
    public int undelivered() {
        return receiver.undelivered();
    }

    /**
     * Offers kept in-order data to {@link TcpOutput#deliver} again.
     *
     * @return event bits
     */
    public int drain(long now) {
        if (ended) {
            return 0;
        }
        receiver.drain(this, output);
        if (ended) {
            return 0;
        }
        if (state.isSynchronized() && receiver.updateDue(profile.mss())) {
            ackPending = true;
        }
        return finish(0, now);
    }

    /** FIN follows the queued data; receiving goes on. Before the handshake is complete it follows that. */
    public void shutdownOutput(long now) {
        if (ended || sender.finQueued()) {
            return;
        }
        switch (state) {
            case ESTABLISHED -> state = TcpState.FIN_WAIT_1;
            case CLOSE_WAIT -> state = TcpState.LAST_ACK;
            case SYN_SENT, SYN_RECEIVED -> {}
            case CLOSED, FIN_WAIT_1, FIN_WAIT_2, CLOSING, LAST_ACK, TIME_WAIT -> {
                return;
            }
        }
        sender.queueFin();
    }

    /**
     * The user is done with both directions: FIN follows the queued data; unread data, or data that arrives from now on, resets the
     * connection (RFC 9293 §3.6.1).
     *
     * @return event bits: {@link Events#CLOSED} if that ended it at once
     */
    public int close(long now) {
        if (ended) {
            return 0;
        }
        if (state == TcpState.SYN_SENT || receiver.undelivered() > 0) {
            abort(now);
            return Events.CLOSED;
        }
        userClosed = true;
        shutdownOutput(now);
        if (state == TcpState.FIN_WAIT_2) {
            stateTimer = now + profile.finWait2();
        }
        return 0;
    }

    /** Ends it at once: RST at the next {@link #transmit}, memory is given back now, no event follows. */
    public void abort(long now) {
        if (ended) {
            return;
        }
        // Nobody waits for a reset before our SYN was answered, or when both FINs are through.
        resetPending = state != TcpState.SYN_SENT && state != TcpState.TIME_WAIT && state != TcpState.CLOSED;
        end();
    }

    private void end() {
        state = TcpState.CLOSED;
        held = false;
        ended = true;
        stateTimer = NEVER;
        release();
    }

    /** Gives all memory back without a word to the peer; for owners that end. */
    public void release() {
        sender.clear();
        receiver.clear();
        ackTimer = NEVER;
    }

    /** The path carries no IP packets larger than {@code mss} + 40 (or 60): from ICMP, after the check of RFC 5927. */
    public void limitMss(int mss, long now) {
        sender.limitMss(Math.max(mss, SMALLEST_MSS) - (timestampsOk ? OptionsWriter.TIMESTAMPS_LENGTH : 0), now);
    }

    /** True if {@code sequence} is of something in flight: the check of RFC 5927 §4 on ICMP errors. */
    public boolean isOutstanding(int sequence) {
        long offset = sender.offset(sequence);
        return offset >= sender.una() && offset < sender.nxt();
    }

    // ---- Looking in

    /** Payload bytes of a full segment we send, options of every segment deducted. */
    public int sendMss() {
        return sender.mss();
    }

    public TcpState state() {
        return state;
    }

    public int localPort() {
        return localPort;
    }

    public int remotePort() {
        return remotePort;
    }

    /** Smoothed round-trip time in ns, 0 before the first sample. */
    public long roundTripTime() {
        return sender.rto.smoothed();
    }

    public TcpProfile profile() {
        return profile;
    }

    boolean ended() {
        return ended;
    }

    /** SND.NXT and RCV.NXT as the wire has them, for {@link TimeWaitTable}. */
    int sendNext() {
        return sender.sequence(sender.nxt());
    }

    int receiveNext() {
        return receiver.nextSequence();
    }

    boolean usesTimestamps() {
        return timestampsOk;
    }

    int recentTimestamp() {
        return recentTimestamp;
    }

    int timestampOffset() {
        return timestampOffset;
    }

    /** Everything it knows; allocates, not for every packet. */
    public Snapshot snapshot() {
        IntervalSet ahead = receiver.ahead();
        return new Snapshot(
                state,
                localPort,
                remotePort,
                sender.mss(),
                sender.una(),
                sender.nxt(),
                sender.end(),
                sender.window(),
                sender.congestion.window(),
                receiver.next(),
                receiver.edge(),
                receiver.undelivered(),
                ahead == null ? 0 : ahead.total(),
                (long) sender.ring.capacity() + receiver.memory(),
                sender.rto.smoothed(),
                sender.rto.timeout(),
                sender.retransmissions(),
                deadline());
    }
}
