package dev.sluice.stack.tcp;

import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

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
        /**
         * The peer reset the connection (or refused it); after a last {@link Tcb#transmit} the caller drops the {@code Tcb}, or first
         * takes the rest ({@link TcpOutput#wantsRest}).
         */
        public static final int RESET = 16;
        /** The peer is gone; then as after {@link #RESET}. */
        public static final int TIMED_OUT = 32;
        /** With {@link #CLOSED}: it must be remembered in a {@link TimeWaitTable}. */
        public static final int TIME_WAIT = 64;
        /** The peer has sent more urgent data: {@link Tcb#urgentLeft} (RFC 9293 §3.8.5). */
        public static final int URGENT = 128;
        /** Any of these ends the {@code Tcb}. */
        public static final int ENDED = CLOSED | RESET | TIMED_OUT;

        private Events() {}
    }

    private static final long NEVER = Sender.NEVER;
    /** Smallest MSS option believed; below it headers would outweigh data many times over (CVE-2019-11479). */
    private static final int SMALLEST_MSS = 64;

    // What is not private here is for Arrival and SegmentWriter, which are this class's other halves.
    final TcpOutput output;
    final Sender sender;
    final Receiver receiver;
    final AckPolicy acks;
    final Timestamps timestamps = new Timestamps();
    private final TcpShard shard;
    private TcpProfile profile;

    TcpState state = TcpState.CLOSED;
    private char localPort;
    private char remotePort;

    /** The SYN waits for {@link #accept}. */
    boolean held;
    /** It began with the peer's SYN. */
    boolean passive;

    boolean synPending;
    boolean synSent;
    /** The user wants no more data, and waits for nothing: {@link #close}, {@link #orphan}. */
    boolean userClosed;

    boolean sackOk;
    boolean scaleOk;
    /** Both sides speak ECN. */
    boolean ecnOn;
    /** Every acknowledgment reports congestion until the peer has reacted. */
    boolean congestionEcho;
    /** Null until either side uses urgent data. */
    private @Nullable Urgent urgent;
    /** What is being emitted may be marked instead of dropped. */
    private boolean markable;

    private boolean remoteClosedTold;
    /** No event will follow; memory is given back. */
    private boolean ended;

    private boolean resetPending;
    /** A reset that does not end us: it answers an acknowledgment of what we never sent. */
    private boolean strayResetPending;

    private boolean keepAlivePending;
    /** Keep-alive probes since the peer was heard. */
    private byte keepAlives;

    private int strayResetSequence;
    /** When the last acceptable segment came. */
    long lastHeard;
    /** FIN-WAIT-2 or TIME-WAIT. */
    private long stateTimer = NEVER;

    /** A connection that need not share the shard's buffers with anybody. */
    public Tcb(TcpShard shard, TcpProfile profile, TcpOutput output) {
        this(shard, profile, output, shard.buffers().whole());
    }

    /** @param memory of which its buffers are */
    public Tcb(TcpShard shard, TcpProfile profile, TcpOutput output, BufferShare memory) {
        this.shard = shard;
        this.profile = profile;
        this.output = output;
        this.sender = new Sender(shard, profile, memory);
        this.receiver = new Receiver(shard, profile, memory);
        this.acks = new AckPolicy(shard);
    }

    // ---- Opening

    /**
     * Takes the SYN whose TCP header is at {@code at} ({@code length}: header and payload). Nothing is sent: the SYN is <em>held</em>
     * until {@link #accept} or {@link #abort}. Payload and FIN of the SYN are ignored; the peer sends them again.
     *
     * @param high with {@code low} the four-tuple, in any encoding that is the same each time (as for {@link IsnGenerator#next})
     * @return event bits; always 0 now
     */
    public int openPassive(long high, long low, MemorySegment s, long at, int length, int iss, long now) {
        Segment segment = shard.segment();
        segment.read(s, at, length);
        start(high, low, iss, now, segment.destinationPort, segment.sourcePort);
        passive = true;
        held = true;
        state = TcpState.SYN_RECEIVED;
        readSyn(segment, now);
        return 0;
    }

    /** Answers the held SYN: SYN-ACK goes out at the next {@link #transmit}. */
    public void accept(long now) {
        if (held) {
            held = false;
            synPending = true;
            if (now - lastHeard < soon()) {
                acks.expectAnswers();
            }
            lastHeard = now;
        }
    }

    /** How quickly an answer must come to be waited for. */
    private long soon() {
        return profile.answerWait() / 2;
    }

    /**
     * Starts a connection: SYN goes out at the next {@link #transmit}.
     *
     * @param high with {@code low} the four-tuple, as for {@link #openPassive}
     * @return event bits; always 0 now
     */
    public int openActive(long high, long low, int iss, long now, int localPort, int remotePort) {
        start(high, low, iss, now, localPort, remotePort);
        state = TcpState.SYN_SENT;
        synPending = true;
        scaleOk = profile.tuning().windowScaling();
        sackOk = profile.sack();
        return 0;
    }

    /** A handshake of which only its last segment is known: {@code syn} is what the first must have been. */
    void openFromCookie(long high, long low, Segment syn, int iss, long now) {
        start(high, low, iss, now, syn.destinationPort, syn.sourcePort);
        passive = true;
        state = TcpState.SYN_RECEIVED;
        synSent = true;
        readSyn(syn, now);
        sender.onCookieReturned(now);
        receiver.advertiseInSyn();
        receiver.onAckSent();
    }

    private void start(long high, long low, int iss, long now, int localPort, int remotePort) {
        if (state != TcpState.CLOSED || ended) {
            throw new IllegalStateException("A Tcb opens once");
        }
        this.localPort = (char) localPort;
        this.remotePort = (char) remotePort;
        sender.open(iss);
        timestamps.open(profile, shard.timestampOffset(high, low));
        acks.open(profile.tuning().quickAcks());
        lastHeard = now;
    }

    /** Learns from the peer's SYN, with or without ACK. */
    void readSyn(Segment segment, long now) {
        receiver.open(segment.sequence);
        timestamps.agree(segment, profile.timestamps());
        agreeOnEcn(segment);
        sackOk = segment.sackPermitted && profile.sack();
        scaleOk = segment.windowScale >= 0 && profile.tuning().windowScaling();
        if (!scaleOk) {
            receiver.disableScaling();
        }
        int theirs = segment.mss < 0 ? profile.defaultMss() : Math.max(segment.mss, SMALLEST_MSS);
        int agreed = Math.min(theirs, sender.pathMss());
        receiver.agreed(agreed, profile.tuning());
        int mss = agreed - timestamps.length();
        sender.negotiated(mss, scaleOk ? Math.min(segment.windowScale, 14) : 0, sackOk, segment.window);
        heard(now);
    }

    /** RFC 3168 §6.1.1: a SYN asks with both bits, a SYN-ACK agrees with one. */
    private void agreeOnEcn(Segment segment) {
        int bits = segment.flags & (TcpHeader.ECE | TcpHeader.CWR);
        boolean ack = segment.has(TcpHeader.ACK);
        ecnOn = ack
                ? ecnAsked() && bits == TcpHeader.ECE
                : profile.ecn() != TcpProfile.Ecn.OFF && bits == (TcpHeader.ECE | TcpHeader.CWR);
    }

    private boolean ecnAsked() {
        return profile.ecn() == TcpProfile.Ecn.REQUEST;
    }

    // ---- Segments in

    /**
     * Takes a checked segment of {@code length} bytes with its header at {@code at}, up to 64 KiB as a super-segment; its checksum was
     * verified. Sends nothing, marks what is to be sent.
     *
     * @return event bits
     */
    public int onSegment(MemorySegment s, long at, int length, long now) {
        return onSegment(s, at, length, false, now);
    }

    /**
     * The same for owners that look at the IP header.
     *
     * @param marked whether the path reports congestion: the codepoint CE (RFC 3168 §5)
     */
    public int onSegment(MemorySegment s, long at, int length, boolean marked, long now) {
        if (state == TcpState.CLOSED) {
            return 0;
        }
        shard.segment().read(s, at, length);
        shard.segment().marked = marked;
        int events = shard.arrival().process(this, now);
        return ended ? events : finish(events);
    }

    void heard(long now) {
        lastHeard = now;
        keepAlives = 0;
    }

    int resetByPeer() {
        shard.counters().resetsIn++;
        endByPeer();
        return Events.RESET;
    }

    void strayReset(int sequence) {
        strayResetPending = true;
        strayResetSequence = sequence;
    }

    /**
     * What came is for a user who is gone: ends it with the reset that a closed port would give. The number that the peer acknowledges
     * is the one it expects, even if our FIN was lost (RFC 5961 §3.2).
     */
    int refuseText(int acknowledgment) {
        end();
        strayReset(acknowledgment);
        return Events.CLOSED;
    }

    void enterFinWait2(long now) {
        state = TcpState.FIN_WAIT_2;
        if (userClosed) {
            stateTimer = now + profile.finWait2();
        }
    }

    void enterTimeWait(long now) {
        state = TcpState.TIME_WAIT;
        stateTimer = now + profile.timeWait();
    }

    /** Ends every call that may have changed something: tells what is now complete. */
    private int finish(int events) {
        if (receiver.undelivered() == 0) {
            if (receiver.finReceived() && !remoteClosedTold) {
                remoteClosedTold = true;
                events |= Events.REMOTE_CLOSED;
            }
            if (state == TcpState.TIME_WAIT || state == TcpState.CLOSED) {
                ended = true;
                release();
                return events | (state == TcpState.TIME_WAIT ? Events.CLOSED | Events.TIME_WAIT : Events.CLOSED);
            }
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
        acks.onTimer(now);
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
        return finish(0);
    }

    /** Asks the peer once whether it still knows the connection, at the next {@link #transmit}, as keep-alive does; not while its ACK is due anyway. */
    public void ask() {
        keepAlivePending = state.isSynchronized() && sender.timer() == NEVER;
    }

    private static boolean due(long deadline, long now) {
        return deadline != NEVER && now - deadline >= 0;
    }

    private int timedOut() {
        endByPeer();
        resetPending = true;
        return Events.TIMED_OUT;
    }

    /** The earliest timer on the clock of {@code now}, or {@link Long#MAX_VALUE}. */
    public long deadline() {
        if (ended) {
            return stateTimer;
        }
        return Math.min(Math.min(sender.timer(), acks.timer()), Math.min(stateTimer, keepAliveDeadline()));
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
            shard.writer().reset(this, strayResetSequence);
        }
        if (resetPending) {
            resetPending = false;
            // A held SYN is refused as RFC 9293 §3.10.7.1 says.
            int sequence = synSent ? sender.sequence(sender.acceptableOffset()) : 0;
            shard.writer().resetAndAck(this, sequence, receiver.nextSequence(), now);
        }
        if (held || state == TcpState.CLOSED) {
            return;
        }
        if (synPending) {
            synPending = false;
            boolean again = synSent;
            sender.onSynSent(now, again);
            if (passive && !timestamps.on() && !profile.tuning().timeSynAck()) {
                sender.forgetSynTime();
            }
            synSent = true;
            boolean answer = state == TcpState.SYN_RECEIVED;
            // A path that drops SYNs which ask for ECN gets one that does not (RFC 3168 §6.1.1.1).
            boolean asks =
                    ecnAsked() && sender.retransmissions() < profile.tuning().ecnSyns();
            int ecn = answer ? (ecnOn ? TcpHeader.ECE : 0) : asks ? TcpHeader.ECE | TcpHeader.CWR : 0;
            shard.writer().syn(this, answer, ecn, now);
        }
        if (state.isSynchronized() && !ended) {
            transmitStream(now, budget);
        }
        if (acks.pending() && state != TcpState.SYN_SENT && state != TcpState.CLOSED) {
            emitAck(now);
        }
    }

    private void transmitStream(long now, int budget) {
        if (acks.pending() && receiver.ahead() != null) {
            // Only a segment without payload has room for SACK.
            for (int i = acks.copies(sackOk); i > 0 && !ended; i--) {
                emitAck(now);
            }
        }
        if (keepAlivePending && !ended) {
            keepAlivePending = false;
            shard.counters().keepAliveProbes++;
            emitProbe(now);
        }
        if (!ended) {
            sender.probeTail(this, now);
        }
        if (!ended) {
            int left = sender.retransmit(this, now, budget);
            if (!ended) {
                sender.send(this, now, left);
            }
            if (!ended) {
                sender.ring.trim();
            }
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
        return (acks.pending() && state != TcpState.SYN_SENT)
                || synPending
                || keepAlivePending
                || (state.isSynchronized() && !ended && sender.wantsTransmit());
    }

    /** A segment of data that was never sent before. */
    void emitNew(long from, int length, int flags, long now) {
        markable = ecnOn && length > 0;
        emitData(from, length, flags, now);
        markable = false;
    }

    /**
     * For use within {@link TcpOutput#segment}: true if the segment's IP packet is to say that routers may mark it, ECT(0), instead of
     * dropping it. Not so for retransmissions, bare acknowledgments and the handshake (RFC 3168 §6.1).
     */
    public boolean mayBeMarked() {
        return markable;
    }

    /** A segment of the stream, which the sender has counted already. CWR says nothing to who has not agreed on ECN. */
    void emitData(long from, int length, int flags, long now) {
        acks.onAnswer(now - lastHeard, soon());
        shard.writer().data(this, from, length, ecnOn ? flags : flags & ~TcpHeader.CWR, now);
    }

    /** An old sequence number makes the peer answer with what it has and wants. */
    void emitProbe(long now) {
        shard.writer().ack(this, sender.una() - 1, now);
    }

    private void emitAck(long now) {
        if (profile.tuning().repeatFin() && sender.finInFlight() && !acks.challenging()) {
            emitData(sender.end(), 0, TcpHeader.FIN, now);
            return;
        }
        shard.writer().ack(this, sender.acceptableOffset(), now);
    }

    /** What is being sent acknowledges everything received. */
    void onAckSent() {
        receiver.onAckSent();
        acks.onSent();
    }

    // ---- User calls

    /**
     * From now on behaves as {@code profile} says: Nagle, delays, timeouts, keep-alive. What the handshake settled or is sized once
     * (options, segment sizes, windows, buffers, congestion control) stays.
     */
    public void adopt(TcpProfile profile) {
        this.profile = profile;
        sender.adopt(profile);
    }

    /** The outgoing bytes. Always the same object; it owns memory only while needed. */
    public SendRing sendRing() {
        return sender.ring;
    }

    /**
     * Gets room for {@code wanted} bytes in the send ring, or for as many as the profile and its share of the budget allow. Unused room is given
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

    /** When the last segment came that was acceptable; a keep-alive probe is not. */
    public long lastHeard() {
        return lastHeard;
    }

    /** In-order bytes received since the last ACK we sent. */
    public int unacknowledged() {
        return receiver.unacknowledged();
    }

    /** Bytes that the peer may send yet beyond those that have come in order: what is left of the window it knows. */
    public long offered() {
        return receiver.offered();
    }

    /** In-order bytes that {@link TcpOutput#deliver} has not taken yet. */
    public int undelivered() {
        return receiver.undelivered();
    }

    /** True if nothing received is kept here: all that came was taken, nothing is missing before any of it, and no FIN has come. */
    public boolean keepsNothing() {
        return receiver.keepsNothing();
    }

    /**
     * Takes back what {@link TcpOutput#deliver} said was taken, for an owner that gathers segments and then finds that it cannot use
     * them all: the {@code count} pieces of {@code memory}, which must be the last that were delivered, after their first {@code
     * used} bytes. Each must have come while {@link #keepsNothing} was true, with no {@link #transmit} since and no call of the
     * {@code Tcb} under way. They are offered again by {@link #drain}; pieces beyond a hole that came meanwhile are forgotten.
     */
    public void giveBack(MemorySegment memory, long[] at, int[] lengths, int count, int used) {
        if (!ended) {
            receiver.giveBack(memory, at, lengths, count, used);
        }
    }

    /**
     * Offers kept in-order data to {@link TcpOutput#deliver} again.
     *
     * @return event bits
     */
    public int drain(long now) {
        receiver.drain(this, output); // after the end, too: see TcpOutput.wantsRest
        if (ended) {
            return 0;
        }
        if (state.isSynchronized() && receiver.updateDue(profile.mss())) {
            acks.now();
        }
        return finish(0);
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
        boolean unread = receiver.undelivered() > 0 || (state == TcpState.SYN_RECEIVED && receiver.keepsText());
        if (state == TcpState.SYN_SENT || (unread && profile.tuning().resetUnread())) {
            abort(now);
            return Events.CLOSED;
        }
        if (unread) {
            receiver.clear();
        }
        orphan();
        shutdownOutput(now);
        if (state == TcpState.FIN_WAIT_2) {
            stateTimer = now + profile.finWait2();
        }
        return 0;
    }

    /**
     * The user is done with both directions, as {@link #close} has it, but has yet to hand over the last of what is to be sent. From now on a
     * peer that answers, but takes nothing of it for the user timeout, is given up, too. One that has a user may keep its window shut for
     * ever (RFC 9293 §3.8.6.1).
     */
    public void orphan() {
        userClosed = true;
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
        endSilently();
        release();
    }

    /** As {@link #end}; what the peer knows to have come stays, if the user wants it. */
    private void endByPeer() {
        boolean kept = receiver.undelivered() > 0 && output.wantsRest(this);
        endSilently();
        sender.clear();
        if (!kept) {
            receiver.clear();
        }
    }

    private void endSilently() {
        state = TcpState.CLOSED;
        held = false;
        ended = true;
        stateTimer = NEVER;
    }

    /** All that is in the send ring now is urgent (RFC 9293 §3.8.5); new programs should not use that (SHLD-13). */
    public void markUrgent() {
        urgent().mark(sender.end());
    }

    private Urgent urgent() {
        Urgent known = urgent;
        if (known == null) {
            known = new Urgent();
            urgent = known;
        }
        return known;
    }

    /** The urgent pointer of a segment that begins at {@code offset} of our stream; 0 for none. */
    int urgentPointer(long offset) {
        return urgent == null ? 0 : urgent.pointer(offset);
    }

    /** The peer's urgent data ends at {@code offset} of its stream. */
    int onUrgent(long offset) {
        return urgent().onPointer(offset, receiver.unread()) ? Events.URGENT : 0;
    }

    /** Bytes up to the end of the peer's urgent data that {@link TcpOutput#deliver} has not taken yet. */
    public long urgentLeft() {
        return urgent == null ? 0 : urgent.left(receiver.unread());
    }

    /** Gives back the memory of what is still to be sent or acknowledged, as nobody will take it; {@link #drain} may go on. */
    public void releaseSends() {
        sender.clear();
    }

    /** Gives all memory back without a word to the peer; for owners that end. */
    public void release() {
        sender.clear();
        receiver.clear();
    }

    /** The path carries no IP packets larger than {@code mss} + 40 (or 60): from ICMP, after the check of RFC 5927. */
    public void limitMss(int mss, long now) {
        int options = state == TcpState.SYN_SENT ? 0 : timestamps.length();
        sender.limitMss(Math.max(mss, SMALLEST_MSS) - options, now);
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

    /** SND.NXT as the wire has it, for {@link TimeWaitTable}. */
    int sendNext() {
        return sender.sequence(sender.nxt());
    }

    /** The window field of segments when nothing is held. */
    int fullWindow() {
        return receiver.fullWindow();
    }

    /** RCV.NXT, as the wire has it. */
    public int receiveNext() {
        return receiver.nextSequence();
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
                sender.congestion.threshold(),
                sender.phase(),
                sender.sackedTotal(),
                receiver.next(),
                receiver.edge(),
                receiver.undelivered(),
                ahead == null ? 0 : ahead.total(),
                (long) sender.ring.capacity() + receiver.memory(),
                sender.rto.smoothed(),
                sender.timeout(),
                sender.retransmissions(),
                sackOk,
                timestamps.on(),
                scaleOk,
                ecnOn,
                deadline());
    }
}
