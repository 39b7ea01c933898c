package dev.sluice.stack.tcp;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The receiving half of a connection: what has arrived, what is kept, what window is offered (RFC 9293 §3.4, §3.8.6). Offsets count
 * from the peer's SYN (offset 0), so the first data byte is at 1.
 */
final class Receiver {
    /** Result of {@link #receive}: data or the end came in order. */
    static final int ADVANCED = 1;
    /** Result of {@link #receive}: something is missing before or in what came; the peer must be told at once. */
    static final int INCOMPLETE = 2;

    private static final long NONE = -1;

    private final TcpShard shard;
    private final BufferShare memory;
    /** Largest ring, and bound of every offer. */
    private final int maximum;
    /** Most bytes offered: a little below {@link #maximum}, which leaves room for rounding up to the window's scale. */
    private int limit;
    /** {@link #limit} was asked for: it is buffered even where the window field cannot say so much. */
    private final boolean exactLimit;
    /** Windows lose the bits that {@link #scale} cuts off. */
    private final boolean roundsDown;

    /** The shift of the windows we send; {@link #disableScaling} makes it 0. */
    private int scale;

    private int irs;
    /** Offset of the next data byte: RCV.NXT unless the FIN is received. */
    private long next = 1;
    /** Right edge of the largest window offered; everything before it is accepted while there is memory. */
    private long edge = 1;
    /** Bytes beyond {@link #edge} for which there is room, but were no words. */
    private int hidden;

    /** RCV.NXT as last acknowledged (Last.ACK.sent of RFC 7323). */
    private long acknowledged;
    /** Offset of the peer's FIN once known, or {@link #NONE}. */
    private long fin = NONE;

    private boolean finReceived;

    @Nullable
    private ReceiveRing ring;

    Receiver(TcpShard shard, TcpProfile profile) {
        this(shard, profile, shard.buffers().whole());
    }

    Receiver(TcpShard shard, TcpProfile profile, BufferShare memory) {
        this.shard = shard;
        this.memory = memory;
        this.maximum = profile.receiveWindow();
        TcpTuning tuning = profile.tuning();
        this.exactLimit = tuning.receiveLimit() > 0;
        this.roundsDown = tuning.roundWindowsDown();
        this.limit = exactLimit ? tuning.receiveLimit() : maximum - (maximum >>> 5);
        while (limit >>> scale > 65535) {
            scale++;
        }
        if (tuning.windowShift() >= 0) {
            scale = tuning.windowShift();
        }
    }

    void open(int irs) {
        this.irs = irs;
    }

    /** The peer does not scale windows. */
    void disableScaling() {
        scale = 0;
        if (!exactLimit) {
            limit = Math.min(limit, 65535);
        }
    }

    /** How large the segments of both sides are at most. */
    void agreed(int mss, TcpTuning tuning) {
        if (exactLimit && tuning.wholeSegments()) {
            limit = Math.min((limit + mss - 1) / mss * mss, maximum);
        }
    }

    int scale() {
        return scale;
    }

    /** RCV.NXT as offset. */
    long next() {
        return finReceived ? next + 1 : next;
    }

    /** RCV.NXT on the wire. */
    int nextSequence() {
        return sequence(next());
    }

    int sequence(long offset) {
        return irs + (int) offset;
    }

    /** The offset nearest to RCV.NXT that has this sequence number. */
    long offset(int sequence) {
        long next = next();
        return next + SeqNum.diff(sequence, sequence(next));
    }

    /** Right edge of what is accepted: what was offered, and what the window field was too small to offer. */
    long edge() {
        return edge + hidden;
    }

    /** Both sides know each other: what the window field cannot say is accepted as well. */
    void opened() {
        hidden = exactLimit ? Math.max(0, limit - bound()) : 0;
    }

    long acknowledged() {
        return acknowledged;
    }

    /** Bytes received and not yet acknowledged. */
    int unacknowledged() {
        return (int) (next() - acknowledged);
    }

    void onAckSent() {
        acknowledged = next();
    }

    /** Offset of the first byte that the user has not taken. */
    long unread() {
        return next - undelivered();
    }

    boolean finReceived() {
        return finReceived;
    }

    int undelivered() {
        return ring == null ? 0 : ring.buffered();
    }

    /** Pieces beyond holes; null if there are none. What came with a SYN is not beyond one. */
    @Nullable
    IntervalSet ahead() {
        ReceiveRing held = ring;
        return held == null || held.ahead.isEmpty() || held.ahead.from(0) == next ? null : held.ahead;
    }

    /** The index in {@link #ahead} of the {@code n}th latest piece, or −1. */
    int latest(int n) {
        return ring == null ? -1 : ring.latest(n);
    }

    int memory() {
        return ring == null ? 0 : ring.capacity();
    }

    /**
     * Takes the part of a segment that lies within the window: {@code length} bytes from {@code offset}, not before RCV.NXT, and the FIN
     * after them if {@code withFin}.
     */
    int receive(Tcb tcb, TcpOutput output, MemorySegment s, long at, long offset, int length, boolean withFin) {
        if (withFin && fin == NONE && (ring == null || ring.ahead.isEmpty() || ring.ahead.end() <= offset + length)) {
            fin = offset + length;
        }
        if (fin != NONE) {
            // Data after a FIN contradicts it.
            length = Math.clamp(fin - offset, 0, length);
        }
        long before = next;
        int result = 0;
        if (length > 0) {
            result = offset == next ? inOrder(tcb, output, s, at, length) : beyondHole(s, at, offset, length);
        } else if (withFin && offset > next) {
            result = INCOMPLETE;
        }
        if (fin == next && !finReceived) {
            finReceived = true;
            result |= ADVANCED;
        }
        noteHeld(next != before);
        return result;
    }

    /**
     * Keeps what came with a SYN until both sides know each other (RFC 9293 §3.10.7.3). It is not acknowledged before {@link #takeKept},
     * so that it may be given up, or be refused for want of memory: the peer sends it again.
     */
    void keep(MemorySegment s, long at, int length, boolean withFin) {
        int room = (int) Math.min(length, edge - next);
        if (room > 0) {
            beyondHole(s, at, next, room);
            noteHeld(false);
        }
        if (withFin && room == length) {
            fin = next + length;
        }
    }

    /** True if data is kept that came with the SYN. */
    boolean keepsText() {
        return ring != null && ahead() == null && undelivered() == 0;
    }

    /** Both sides know each other: what was kept is in order now. True if there was anything. */
    boolean takeKept(Tcb tcb, TcpOutput output) {
        long before = next();
        ReceiveRing held = ring;
        if (held != null) {
            held.join();
            next = held.next();
            if (held.buffered() > 0) {
                memory.laggards.remove(held); // before the user, who may want memory, is called
            }
            drain(tcb, output);
        }
        if (fin == next) {
            finReceived = true;
        }
        return next() != before;
    }

    /** Whether what is held could be given up; {@code gotOn}: something came in order. */
    private void noteHeld(boolean gotOn) {
        ReceiveRing held = ring;
        if (held == null) {
            return;
        }
        if (held.buffered() == 0) {
            memory.laggards.add(held, this, gotOn);
        } else {
            memory.laggards.remove(held);
        }
    }

    private int inOrder(Tcb tcb, TcpOutput output, MemorySegment s, long at, int length) {
        int kept = 0;
        if (undelivered() == 0) {
            kept = Math.clamp(output.deliver(tcb, s, at, length, 0, 0), 0, length);
            if (tcb.ended()) {
                return 0;
            }
            if (ring != null) {
                ring.skip(kept);
            }
        }
        next += kept;
        if (kept < length) {
            kept += append(s, at + kept, length - kept);
        }
        int result = ADVANCED;
        if (kept < length) {
            shard.counters().dropsNoMemory++;
            result |= INCOMPLETE;
        }
        ReceiveRing held = ring;
        if (held != null) {
            boolean direct = held.buffered() == 0;
            if (!held.ahead.isEmpty()) {
                held.join();
                // The peer waits for news about the hole.
                result |= INCOMPLETE;
            }
            next = held.next();
            if (held.buffered() > 0) {
                memory.laggards.remove(held); // before the user, who may want memory, is called
            }
            if (direct && held.buffered() > 0) {
                drain(tcb, output);
            } else {
                releaseIfEmpty();
            }
        }
        return result;
    }

    /** True if everything that came in order was taken, nothing lies beyond a hole and no end is in sight. */
    boolean keepsNothing() {
        return ring == null && fin == NONE;
    }

    /**
     * Takes back what the user took last and could not use: the pieces after the first {@code used} bytes. Nothing may have been
     * received or acknowledged since. What there is no memory for counts as never received.
     */
    void giveBack(MemorySegment s, long[] at, int[] lengths, int count, int used) {
        int total = 0;
        for (int i = 0; i < count; i++) {
            total += lengths[i];
        }
        // What lies beyond a hole is not promised to the peer yet, and would stand at other places of the ring.
        clear();
        next -= total - used;
        ReceiveRing held = ring();
        int skip = used;
        for (int i = 0; i < count; i++) {
            int from = Math.min(skip, lengths[i]);
            skip -= from;
            int left = lengths[i] - from;
            if (append(s, at[i] + from, left) < left) {
                shard.counters().dropsNoMemory++;
                break;
            }
        }
        next = held.next();
        releaseIfEmpty();
    }

    private int beyondHole(MemorySegment s, long at, long offset, int length) {
        shard.counters().outOfOrderIn++;
        ReceiveRing held = ring();
        memory.laggards.spare(held);
        ReceiveRing.Insertion result = held.insert(offset, s, at, length, maximum);
        memory.laggards.spare(null);
        switch (result) {
            case KEPT -> {}
            case NO_MEMORY -> shard.counters().dropsNoMemory++;
            case TOO_MANY_HOLES -> shard.counters().dropsTooManyHoles++;
        }
        releaseIfEmpty();
        return INCOMPLETE;
    }

    private int append(MemorySegment s, long at, int length) {
        ReceiveRing held = ring();
        memory.laggards.spare(held);
        int count = held.append(s, at, length, maximum);
        memory.laggards.spare(null);
        return count;
    }

    private ReceiveRing ring() {
        ReceiveRing held = ring;
        if (held == null) {
            held = shard.takeReceiveRing(memory);
            held.open(next);
            ring = held;
        }
        return held;
    }

    /** Offers what is kept to the user. */
    void drain(Tcb tcb, TcpOutput output) {
        ReceiveRing held = ring;
        if (held == null || held.buffered() == 0) {
            return;
        }
        int first = held.firstPart();
        int all = held.buffered();
        int taken = Math.clamp(output.deliver(tcb, held.memory(), held.at(), first, 0, all - first), 0, all);
        if (ring != held) {
            return; // the user has ended it
        }
        held.take(taken);
        releaseIfEmpty();
        noteHeld(true);
    }

    private void releaseIfEmpty() {
        if (ring != null && ring.isEmpty()) {
            clear();
        }
    }

    /** Forgets everything kept and gives the memory back. */
    void clear() {
        ReceiveRing held = ring;
        if (held != null) {
            ring = null;
            shard.giveReceiveRing(held);
        }
    }

    /** What is left of the window that was offered. */
    long offered() {
        return edge - next();
    }

    /** The window field of the next segment, and the promise that goes with it. */
    int advertise(int mss) {
        long from = next();
        long target = target();
        // Receiver's side of silly window avoidance (RFC 9293 §3.8.6.2.2): nobody is made to send a small segment. A
        // window
        // that is not small may move in small steps.
        boolean worth = target - from >= Math.min(bound() / 2, mss);
        long wanted = worth ? Math.max(target, edge) : edge;
        long field = Math.max(0, wanted - from) >> scale;
        // Dropping the low bits would take back what was offered (RFC 7323 §2.4); rounding up needs memory for what it
        // offers.
        if (!roundsDown
                && from + (field << scale) < wanted
                && from + ((field + 1) << scale) <= next - undelivered() + maximum) {
            field++;
        }
        field = Math.min(field, 65535);
        edge = Math.max(edge, from + (field << scale));
        return (int) field;
    }

    /** The window field of a SYN, which is never scaled. */
    int advertiseInSyn() {
        int field = Math.min(limit, 65535);
        edge = Math.max(edge, next + field);
        return field;
    }

    /** Where the right edge could be now. Whoever holds more than its share offers no more before the user has taken what is kept. */
    private long target() {
        if (undelivered() > 0 && memory.isOver()) {
            return edge;
        }
        return next() + Math.min(Math.max(0, limit - undelivered()), bound());
    }

    /** The window field when nothing is held. */
    int fullWindow() {
        return (int) Math.min(65535, bound() + (roundsDown ? 0 : (1L << scale) - 1) >> scale);
    }

    /** The largest window. */
    private int bound() {
        return (int) Math.min(limit, 65535L << scale);
    }

    /** True if the user's reading has opened the window so far that the peer should hear of it without being asked. */
    boolean updateDue(int mss) {
        if (finReceived) {
            return false;
        }
        long gain = target() - edge;
        int bound = bound();
        return gain >= Math.min(bound / 2, 2 * mss) && (edge - next < bound / 2 || gain >= bound / 4);
    }
}
