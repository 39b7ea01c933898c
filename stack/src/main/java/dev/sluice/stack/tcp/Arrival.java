package dev.sluice.stack.tcp;

import dev.sluice.wire.TcpHeader;

/**
 * SEGMENT ARRIVES of RFC 9293 §3.10.7, with RFC 5961 and RFC 7323: one per shard, working on the shard's {@link Segment} and the
 * connection it belongs to. Changes state, sends nothing.
 */
final class Arrival {
    private final Segment segment;
    private final TcpCounters counters;

    Arrival(Segment segment, TcpCounters counters) {
        this.segment = segment;
        this.counters = counters;
    }

    int process(Tcb tcb, long now) {
        counters.segmentsIn++;
        counters.bytesIn += segment.length;
        if (tcb.state == TcpState.SYN_SENT) {
            return inSynSent(tcb, now);
        }
        return tcb.held ? whileHeld(tcb, now) : inOthers(tcb, now);
    }

    /** §3.10.7.3. */
    private int inSynSent(Tcb tcb, long now) {
        boolean ack = segment.has(TcpHeader.ACK);
        if (ack && (segment.acknowledgment != tcb.sender.sequence(1) || !tcb.synSent)) {
            counters.dropsBadAck++;
            if (!segment.has(TcpHeader.RST)) {
                tcb.strayReset(segment.acknowledgment);
            }
            return 0;
        }
        if (segment.has(TcpHeader.RST)) {
            if (!ack) {
                counters.dropsBadFlags++;
                return 0;
            }
            return tcb.resetByPeer();
        }
        if (!segment.has(TcpHeader.SYN)) {
            counters.dropsBadFlags++;
            return 0;
        }
        tcb.readSyn(segment, now);
        tcb.acks.now();
        if (!ack) {
            // Both sides opened at once: our SYN goes again with an ACK for theirs.
            tcb.state = TcpState.SYN_RECEIVED;
            tcb.synPending = true;
            tcb.receiver.opened();
            tcb.receiver.keep(segment.memory, segment.at, segment.length, keepsFin(tcb));
            return 0;
        }
        int events = tcb.sender.onAck(1, 0, segment, -1, tcb.userClosed, now) | established(tcb);
        return segment.length > 0 || segment.has(TcpHeader.FIN) ? events | onText(tcb, 1, now) : events;
    }

    private boolean keepsFin(Tcb tcb) {
        return segment.has(TcpHeader.FIN) && tcb.profile().tuning().keepFinOfSyn();
    }

    private static int established(Tcb tcb) {
        tcb.state = tcb.sender.finQueued() ? TcpState.FIN_WAIT_1 : TcpState.ESTABLISHED;
        tcb.synPending = false;
        tcb.receiver.opened();
        return Tcb.Events.ESTABLISHED;
    }

    /** The user has not decided yet; the peer has seen nothing of us. */
    private int whileHeld(Tcb tcb, long now) {
        if (segment.has(TcpHeader.RST)) {
            if (segment.sequence == tcb.receiver.nextSequence()) {
                return tcb.resetByPeer();
            }
            counters.dropsOutsideWindow++;
        } else if ((segment.flags & (TcpHeader.SYN | TcpHeader.ACK)) == TcpHeader.SYN) {
            // The same SYN again, or a new attempt after the peer gave up the old one: the latest counts.
            tcb.sender.forgetSyn();
            tcb.readSyn(segment, now);
        } else {
            counters.dropsBadFlags++;
        }
        return 0;
    }

    /** §3.10.7.4, from SYN-RECEIVED on. */
    private int inOthers(Tcb tcb, long now) {
        int flags = segment.flags;
        long from = tcb.receiver.offset(segment.sequence);
        if (completesSimultaneousOpen(tcb, from)) {
            // This SYN was counted before; its ACK is news.
            flags &= ~TcpHeader.SYN;
            from = 1;
        }
        if ((flags & TcpHeader.RST) != 0) {
            return onReset(tcb, from, now);
        }
        if (tcb.timestamps.misses(segment)) {
            counters.dropsPaws++;
            return 0;
        }
        if (tcb.timestamps.refuses(segment, now - tcb.lastHeard)) {
            counters.dropsPaws++;
            refuse(tcb, now);
            return 0;
        }
        if (!acceptable(tcb.receiver, from)) {
            counters.dropsOutsideWindow++;
            refuse(tcb, now);
            return 0;
        }
        if ((flags & TcpHeader.SYN) != 0) {
            counters.dropsBadFlags++;
            if (!tcb.profile().tuning().blindAttackDefence()) {
                tcb.abort(now); // RFC 793 p. 71
                return Tcb.Events.RESET;
            }
            tcb.acks.challenge(now);
            return 0;
        }
        if ((flags & TcpHeader.ACK) == 0) {
            counters.dropsBadFlags++;
            return 0;
        }
        Sender sender = tcb.sender;
        long ack = sender.offset(segment.acknowledgment);
        int events = 0;
        boolean opened = tcb.state == TcpState.SYN_RECEIVED;
        if (opened) {
            if (ack != 1 || !tcb.synSent) {
                counters.dropsBadAck++;
                tcb.strayReset(segment.acknowledgment);
                return 0;
            }
            events = established(tcb);
        }
        if (ack > sender.nxt() || ack < sender.una() - sender.largestWindow()) {
            counters.dropsBadAck++;
            tcb.acks.challenge(now);
            return 0;
        }
        tcb.heard(now);
        if (from <= tcb.receiver.acknowledged()) {
            tcb.timestamps.remember(segment);
        }
        if (ack >= sender.una()) {
            events |= sender.onAck(ack, from, segment, tcb.timestamps.elapsed(segment, now), tcb.userClosed, now);
            if (tcb.ecnOn && segment.has(TcpHeader.ECE)) {
                sender.onCongestionEcho();
            }
            if (sender.finAcknowledged()) {
                onOurFinAcknowledged(tcb, now);
            }
        }
        if (tcb.ecnOn && (segment.marked || segment.has(TcpHeader.CWR))) {
            onReport(tcb, tcb.profile().tuning());
        }
        if (segment.urgentPointer > 0 && receivesText(tcb.state)) {
            events |= tcb.onUrgent(from + segment.urgentPointer);
        }
        if (segment.length > 0 || segment.has(TcpHeader.FIN)) {
            events |= onText(tcb, from, now);
        }
        if (opened && !tcb.ended()) {
            takeKept(tcb, now);
        }
        return events;
    }

    /** What came with the peer's SYN has its turn. */
    private static void takeKept(Tcb tcb, long now) {
        if (tcb.receiver.takeKept(tcb, tcb.output) && !tcb.ended()) {
            boolean end = tcb.receiver.finReceived();
            tcb.acks.onData(1, end ? 0 : tcb.profile().delayedAck(), now);
            if (end) {
                onRemoteFin(tcb, now);
            }
        }
    }

    private boolean completesSimultaneousOpen(Tcb tcb, long from) {
        int flags = segment.flags & (TcpHeader.SYN | TcpHeader.ACK | TcpHeader.RST);
        return tcb.state == TcpState.SYN_RECEIVED
                && !tcb.passive
                && flags == (TcpHeader.SYN | TcpHeader.ACK)
                && from == 0
                && segment.acknowledgment == tcb.sender.sequence(1);
    }

    /**
     * The first check of §3.10.7.4, a little wider: a segment without payload may stand at the very edge (a peer that has filled our window
     * acknowledges from there), and at a closed window the next byte is let in to be cut off later, so that its acknowledgment counts.
     */
    private boolean acceptable(Receiver receiver, long from) {
        long next = receiver.next();
        int span = segment.span();
        if (span == 0) {
            return from >= next && (from <= receiver.edge() || from == next);
        }
        return from + span > next && (from < receiver.edge() || from == next);
    }

    /** Answers a segment that is not acceptable: always if it carries something, else within the limit of challenges. */
    private void refuse(Tcb tcb, long now) {
        if (tcb.state == TcpState.SYN_RECEIVED && segment.has(TcpHeader.SYN)) {
            // Our SYN-ACK was lost.
            tcb.synPending = true;
        } else if (segment.length > 0 || segment.has(TcpHeader.FIN)) {
            long from = tcb.receiver.offset(segment.sequence);
            if (tcb.profile().duplicateSack() && from > 0 && from + segment.length <= tcb.receiver.next()) {
                tcb.acks.onDuplicate(segment.sequence, segment.sequence + segment.length);
            }
            tcb.acks.now();
        } else {
            tcb.acks.challenge(now);
        }
        if (tcb.state == TcpState.TIME_WAIT && segment.has(TcpHeader.FIN)) {
            tcb.enterTimeWait(now);
        }
    }

    /** RFC 5961 §3.2: only the number we expect next resets. */
    private int onReset(Tcb tcb, long from, long now) {
        Receiver receiver = tcb.receiver;
        long next = receiver.next();
        // A peer uses the acknowledgment number of what it answers, which may have been under way when its FIN came.
        boolean crossed =
                receiver.finReceived() && tcb.state != TcpState.LAST_ACK && tcb.sender.una() < tcb.sender.nxt();
        boolean exact = from == next || from == receiver.acknowledged() || (from == next - 1 && crossed);
        boolean inside = from > next && from < receiver.edge();
        boolean believed = exact || (inside && !tcb.profile().tuning().blindAttackDefence());
        // TIME-WAIT is not cut short by a reset (RFC 1337).
        if (believed && tcb.state != TcpState.TIME_WAIT) {
            return tcb.resetByPeer();
        }
        if (inside) {
            tcb.acks.challenge(now);
        } else {
            counters.dropsOutsideWindow++;
        }
        return 0;
    }

    private static void onOurFinAcknowledged(Tcb tcb, long now) {
        switch (tcb.state) {
            case FIN_WAIT_1 -> tcb.enterFinWait2(now);
            case CLOSING -> tcb.enterTimeWait(now);
            case LAST_ACK -> tcb.state = TcpState.CLOSED;
            case CLOSED, SYN_SENT, SYN_RECEIVED, ESTABLISHED, FIN_WAIT_2, CLOSE_WAIT, TIME_WAIT -> {}
        }
    }

    private static boolean receivesText(TcpState state) {
        return state == TcpState.ESTABLISHED || state == TcpState.FIN_WAIT_1 || state == TcpState.FIN_WAIT_2;
    }

    /** RFC 3168 §6.1.3: what arrives marked is reported until the peer says that it has slowed down. */
    private void noteMarks(Tcb tcb) {
        if (segment.has(TcpHeader.CWR)) {
            tcb.congestionEcho = false;
        }
        if (segment.marked) {
            counters.congestionMarksIn++;
            tcb.congestionEcho = true;
        }
    }

    /** What other stacks do with a mark, or with the peer's word that it has slowed down. */
    private void onReport(Tcb tcb, TcpTuning tuning) {
        if (segment.length == 0 && tuning.bareReports()) {
            noteMarks(tcb);
        }
        if (segment.has(TcpHeader.CWR) && tuning.acknowledgeReaction()) {
            tcb.acks.now();
        }
    }

    /** The first part of the segment that we have already, before {@code offset} or beyond a hole (RFC 2883 §4). */
    private void noteDuplicate(Tcb tcb, long from, long offset) {
        if (offset > from) {
            if (from > 0) {
                tcb.acks.onDuplicate(segment.sequence, segment.sequence + (int) (offset - from));
            }
            return;
        }
        IntervalSet ahead = tcb.receiver.ahead();
        long end = from + segment.length;
        int i = ahead == null ? 0 : ahead.firstEndingAfter(from);
        if (ahead != null && i < ahead.size() && ahead.from(i) < end) {
            int left = tcb.receiver.sequence(Math.max(from, ahead.from(i)));
            tcb.acks.onDuplicate(left, tcb.receiver.sequence(Math.min(end, ahead.to(i))));
        }
    }

    /** Payload and FIN of an acceptable segment. */
    private int onText(Tcb tcb, long from, long now) {
        if (!receivesText(tcb.state)) {
            return 0;
        }
        if (tcb.ecnOn) {
            noteMarks(tcb);
        }
        Receiver receiver = tcb.receiver;
        int skip = (int) Math.max(0, receiver.next() - from);
        long offset = from + skip;
        if (tcb.profile().duplicateSack()) {
            noteDuplicate(tcb, from, offset);
        }
        int length = segment.length - skip;
        boolean fin = segment.has(TcpHeader.FIN);
        long room = Math.max(0, receiver.edge() - offset);
        if (length > room) {
            counters.dropsOutsideWindow++;
            length = (int) room;
            fin = false;
            tcb.acks.now();
        }
        if (tcb.userClosed && length > 0) {
            // Nobody will read it, and the peer must know (RFC 9293 SHLD-3).
            return tcb.refuseText(segment.acknowledgment);
        }
        int segments = length > tcb.profile().mss() ? 2 : 1;
        boolean whole = segment.has(TcpHeader.PSH);
        // The segment is not looked at after this: what the user does in a delivery may bring another one.
        int result = receiver.receive(tcb, tcb.output, segment.memory, segment.at + skip, offset, length, fin);
        if (tcb.ended()) {
            return 0;
        }
        if ((result & Receiver.INCOMPLETE) != 0) {
            tcb.acks.onHole();
        }
        if ((result & Receiver.ADVANCED) != 0) {
            if (mayWait(tcb, offset, length)) {
                tcb.acks.onBareFin(delay(tcb, true), now);
            } else {
                tcb.acks.onData(segments, receiver.finReceived() ? 0 : delay(tcb, whole), now);
            }
        }
        if (receiver.finReceived()) {
            onRemoteFin(tcb, now);
        }
        return 0;
    }

    /**
     * How long the acknowledgment of a lone segment may wait. For an answer only if one can come, to a peer that has said all it wants to say
     * for now ({@code whole}: Nagle's algorithm may hold the rest back), and may say more.
     */
    private static long delay(Tcb tcb, boolean whole) {
        TcpProfile profile = tcb.profile();
        boolean answer =
                whole && tcb.acks.answersSoon() && !tcb.sender.finQueued() && tcb.receiver.offered() >= profile.mss();
        return answer ? Math.max(profile.answerWait(), profile.delayedAck()) : profile.delayedAck();
    }

    /** A FIN after data of which the peer knows that it came, or which the other side's is likely to answer. */
    private static boolean mayWait(Tcb tcb, long offset, int length) {
        return length == 0
                && offset > 1
                && tcb.state == TcpState.ESTABLISHED
                && (tcb.profile().tuning().delayFin()
                        || delay(tcb, true) > tcb.profile().delayedAck());
    }

    private static void onRemoteFin(Tcb tcb, long now) {
        switch (tcb.state) {
            case ESTABLISHED -> tcb.state = TcpState.CLOSE_WAIT;
            case FIN_WAIT_1 -> tcb.state = TcpState.CLOSING;
            case FIN_WAIT_2 -> tcb.enterTimeWait(now);
            case CLOSED, SYN_SENT, SYN_RECEIVED, CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT -> {}
        }
    }
}
