package dev.sluice.stack.tcp;

import org.jspecify.annotations.Nullable;

/**
 * What of the data in flight is lost and goes again: by counting ({@link Recovery}) or by time ({@link Rack}). Holds what both share: the
 * peer's selective acknowledgments, and whether a recovery is under way. Offsets as in {@link Sender}.
 */
abstract sealed class LossRecovery permits Recovery, Rack {
    /** No offset. */
    static final long NONE = -1;

    /** Duplicates, or segments beyond a hole, after which the hole counts as lost. */
    static final int DUPLICATES = 3;

    enum Kind {
        NONE,
        FAST,
        TIMEOUT
    }

    final TcpShard shard;
    Kind kind = Kind.NONE;
    /** SND.NXT when recovery began: it ends when this is acknowledged. */
    long end;
    /** What the peer reported beyond SND.UNA; null if nothing. */
    @Nullable
    IntervalSet sacked;
    /** The last segment reported that something has reached the peer twice (RFC 2883). */
    boolean duplicated;

    LossRecovery(TcpShard shard) {
        this.shard = shard;
    }

    final boolean active() {
        return kind != Kind.NONE;
    }

    final boolean fast() {
        return kind == Kind.FAST;
    }

    final boolean sackedAny() {
        return sacked != null;
    }

    /** Bytes that the peer reported beyond SND.UNA. */
    final long sackedTotal() {
        return sacked == null ? 0 : sacked.total();
    }

    /** Duplicate acknowledgments in a row, where they are counted. */
    int duplicates() {
        return 0;
    }

    abstract void beginFast(long una, long nxt);

    /** The retransmission timer ran out. */
    abstract void beginTimeout(long una, long nxt, long smoothedRtt, long now);

    /** All in flight was too large for the path. */
    abstract void loseAll(long una, long nxt);

    /**
     * SND.UNA moved to {@code una} by {@code acked}.
     *
     * @param tsElapsed ns since the echoed timestamp, or −1
     */
    abstract void onAdvance(long una, int acked, int mss, long tsElapsed, long now);

    /** An acknowledgment that told nothing new. */
    abstract void onDuplicate();

    /** {@code left}–{@code right} is newly reported, before it is added to {@link #sacked}. */
    abstract void onSacked(long left, long right, long tsElapsed, long now);

    /** The peer reports that something has reached it twice (RFC 2883). */
    abstract void onRepetition(long una, long nxt);

    /** Looks at what an acknowledgment or the timer has changed; true if a fast recovery is called for. */
    abstract boolean lossSeen(long una, long nxt, int mss, long smoothedRtt, long now);

    /** Of {@code una}–{@code nxt}, bytes thought to be on their way (RFC 6675's pipe). */
    abstract long pipe(long una, long nxt, int mss);

    /** A number that grows whenever more of what is in flight counts as lost. */
    abstract long lossMark(long una, int mss);

    /** Where the next retransmission begins, before {@code limit}; or {@link #NONE}. */
    abstract long next(long una, long limit, int mss);

    /** Where the lost range that begins at {@code from} ends, at most at {@code limit}. */
    abstract long endOfLoss(long from, long una, long limit, int mss);

    /** New data leaves. */
    abstract void onSent(long from, long to, long now);

    /** What {@link #next} named is on its way again. */
    abstract void onRetransmitted(long from, long to, long now);

    /** When {@link #lossSeen} must be asked without an acknowledgment, or {@link Sender#NEVER}. */
    abstract long timer();

    /** Reads the segment's SACK blocks; true if they report anything new. */
    final boolean readSack(Segment segment, Sender sender, long tsElapsed, long now) {
        duplicated = false;
        if (segment.sackBlocks == 0) {
            return false;
        }
        IntervalSet set = sacked;
        if (set == null) {
            set = shard.takeIntervals();
            sacked = set;
        }
        long before = set.total();
        for (int i = 0; i < segment.sackBlocks; i++) {
            long left = sender.offset(segment.sackLeft[i]);
            long right = sender.offset(segment.sackRight[i]);
            // A block at SND.UNA contradicts the acknowledgment; one below it reports a duplicate (RFC 2883).
            if (left > sender.una() && left < right && right <= sender.nxt()) {
                if (set.overlap(left, right) < right - left) {
                    onSacked(left, right, tsElapsed, now);
                    set.add(left, right);
                } else if (i == 0 && segment.sackBlocks > 1) {
                    duplicated = insideSecond(segment, sender, left, right);
                }
            } else if (i == 0 && left < right && right <= sender.una()) {
                duplicated = true;
            }
        }
        if (duplicated) {
            onRepetition(sender.una(), sender.nxt());
        }
        boolean news = set.total() > before;
        if (set.isEmpty()) {
            dropSacked();
        }
        return news;
    }

    private static boolean insideSecond(Segment segment, Sender sender, long left, long right) {
        return left >= sender.offset(segment.sackLeft[1]) && right <= sender.offset(segment.sackRight[1]);
    }

    final void dropSacked() {
        IntervalSet set = sacked;
        if (set != null) {
            sacked = null;
            shard.giveIntervals(set);
        }
    }

    final void trimSacked(long una) {
        IntervalSet set = sacked;
        if (set != null) {
            set.trimBelow(una);
            if (set.isEmpty()) {
                dropSacked();
            }
        }
    }

    void clear() {
        dropSacked();
        kind = Kind.NONE;
    }
}
