package dev.sluice.stack.tcp;

import org.jspecify.annotations.Nullable;

/**
 * What of the data in flight is lost, by the rules of RFC 5681 and 6582 (duplicates), RFC 6675 (selective acknowledgments) and RFC 6298
 * (timeout). Nothing is kept per segment: a position walks from SND.UNA to the end of what counts as lost and steps over what the peer
 * holds; the bytes are read again from the send ring.
 */
final class Recovery {
    /** No offset. */
    static final long NONE = -1;

    private static final int DUPLICATES = 3;

    private enum Kind {
        NONE,
        FAST,
        TIMEOUT
    }

    private final TcpShard shard;
    private Kind kind = Kind.NONE;
    private boolean sackOk;
    /** SND.NXT when recovery began: it ends when this is acknowledged. */
    private long end;
    /** Everything lost before it has been sent again. */
    private long position;
    /** Duplicate acknowledgments in a row. */
    private int duplicates;
    /** What the peer reported beyond SND.UNA; null if nothing. */
    @Nullable
    private IntervalSet sacked;

    Recovery(TcpShard shard) {
        this.shard = shard;
    }

    void open(boolean sackOk) {
        this.sackOk = sackOk;
    }

    boolean active() {
        return kind != Kind.NONE;
    }

    void beginFast(long una, long nxt) {
        begin(Kind.FAST, una, nxt);
    }

    /** All in flight counts as lost, but for what the peer still claims to hold. */
    void beginTimeout(long una, long nxt) {
        duplicates = 0;
        if (sacked != null && sacked.contains(una)) {
            // The peer dropped what it had reported (RFC 2018 §8).
            dropSacked();
        }
        begin(Kind.TIMEOUT, una, nxt);
    }

    private void begin(Kind kind, long una, long nxt) {
        this.kind = kind;
        end = nxt;
        position = una;
    }

    /** SND.UNA moved by {@code acked}; tells congestion control. */
    void onAdvance(long una, int acked, long flight, int mss, CongestionControl congestion) {
        IntervalSet set = sacked;
        if (set != null) {
            set.trimBelow(una);
            if (set.isEmpty()) {
                dropSacked();
            }
        }
        switch (kind) {
            case NONE -> {
                duplicates = 0;
                congestion.onAck(acked, flight, mss);
            }
            case TIMEOUT -> {
                position = Math.max(position, una);
                congestion.onAck(acked, flight, mss);
            }
            case FAST -> {
                if (una >= end) {
                    congestion.onRecovered();
                } else if (sackOk) {
                    position = Math.max(position, una);
                } else {
                    // RFC 6582 §3.2 step 3: what now is first is lost too; some duplicates told of what is now
                    // acknowledged.
                    position = una;
                    duplicates = Math.max(0, duplicates - acked / mss);
                }
            }
        }
        if (kind != Kind.NONE && una >= end) {
            kind = Kind.NONE;
            duplicates = 0;
        }
    }

    void onDuplicate() {
        duplicates++;
    }

    /** True if fast retransmission is called for. */
    boolean lossSeen(long una, int mss) {
        return kind == Kind.NONE && (duplicates >= DUPLICATES || sackMark(mss) > una);
    }

    /** Reads the segment's SACK blocks; true if they report anything new. */
    boolean readSack(Segment segment, Sender sender) {
        if (!sackOk || segment.sackBlocks == 0) {
            return false;
        }
        IntervalSet set = sacked;
        if (set == null) {
            set = shard.takeIntervals();
        }
        long before = set.total();
        for (int i = 0; i < segment.sackBlocks; i++) {
            long left = sender.offset(segment.sackLeft[i]);
            long right = sender.offset(segment.sackRight[i]);
            // A block at SND.UNA contradicts the acknowledgment; one below it reports a duplicate (RFC 2883).
            if (left > sender.una() && left < right && right <= sender.nxt()) {
                set.add(left, right);
            }
        }
        boolean news = set.total() > before;
        if (set.isEmpty()) {
            shard.giveIntervals(set);
        } else {
            sacked = set;
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

    /** Everything the peer does not hold before this offset is lost (RFC 6675 §4, IsLost); 0 if nothing is. */
    private long sackMark(int mss) {
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
    private long mark(long una, int mss) {
        return switch (kind) {
            case NONE -> una;
            case TIMEOUT -> end;
            // The first segment is lost by the rule that began recovery, or because a partial acknowledgment ends at
            // it.
            case FAST -> Math.min(end, Math.max(una + mss, sackMark(mss)));
        };
    }

    /** Of {@code una}–{@code nxt}, bytes thought to be on their way (RFC 6675's pipe). */
    long pipe(long una, long nxt, int mss) {
        long out = nxt - una;
        IntervalSet set = sacked;
        if (set != null) {
            out -= set.total();
        } else if (!sackOk) {
            out -= (long) duplicates * mss;
        }
        if (kind != Kind.NONE) {
            long from = Math.max(una, position);
            long mark = mark(una, mss);
            if (from < mark) {
                out -= mark - from - (set == null ? 0 : set.overlap(from, mark));
            }
        }
        return Math.max(0, out);
    }

    /** Where the next retransmission begins, before {@code limit}; or {@link #NONE}. */
    long next(long una, long limit, int mss) {
        if (kind == Kind.NONE) {
            return NONE;
        }
        long from = Math.max(una, position);
        IntervalSet set = sacked;
        if (set != null) {
            int i = set.firstEndingAfter(from);
            if (i < set.size() && set.from(i) <= from) {
                from = set.to(i);
            }
        }
        return from < Math.min(limit, mark(una, mss)) ? from : NONE;
    }

    /** Where the lost range that begins at {@code from} ends, at most at {@code limit}. */
    long endOfLoss(long from, long una, long limit, int mss) {
        long to = Math.min(limit, mark(una, mss));
        IntervalSet set = sacked;
        if (set != null) {
            int i = set.firstEndingAfter(from);
            to = i < set.size() ? Math.min(to, set.from(i)) : to;
        }
        return to;
    }

    /** Everything lost before {@code offset} is on its way again. */
    void onRetransmitted(long offset) {
        position = offset;
    }

    void clear() {
        dropSacked();
        kind = Kind.NONE;
        duplicates = 0;
    }
}
