package dev.sluice.stack.tcp;

/**
 * Loss by counting: the rules of RFC 5681 and 6582 (duplicates), RFC 6675 (selective acknowledgments) and RFC 6298 (timeout). Nothing is
 * kept per segment: a position walks from SND.UNA to the end of what counts as lost and steps over what the peer holds; the bytes are
 * read again from the send ring.
 */
final class Recovery extends LossRecovery {
    private boolean sackOk;
    /** Everything lost before it has been sent again. */
    private long position;
    /** Duplicate acknowledgments in a row. */
    private int duplicates;

    Recovery(TcpShard shard) {
        super(shard);
    }

    @Override
    int duplicates() {
        return duplicates;
    }

    void open(boolean sackOk) {
        this.sackOk = sackOk;
    }

    @Override
    void beginFast(long una, long nxt) {
        begin(Kind.FAST, una, nxt);
    }

    /** All in flight counts as lost, but for what the peer still claims to hold. */
    @Override
    void beginTimeout(long una, long nxt, long smoothedRtt, long now) {
        loseAll(una, nxt);
    }

    @Override
    void loseAll(long una, long nxt) {
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

    @Override
    void onAdvance(long una, int acked, int mss, long tsElapsed, long now) {
        trimSacked(una);
        switch (kind) {
            case NONE -> duplicates = 0;
            case TIMEOUT -> position = Math.max(position, una);
            case FAST -> {
                if (sackOk) {
                    position = Math.max(position, una);
                } else if (una < end) {
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

    @Override
    void onDuplicate() {
        duplicates++;
    }

    @Override
    void onRepetition(long una, long nxt) {}

    @Override
    void onSacked(long left, long right, long tsElapsed, long now) {}

    @Override
    boolean lossSeen(long una, long nxt, int mss, long smoothedRtt, long now) {
        return kind == Kind.NONE && (duplicates >= DUPLICATES || sackMark(mss) > una);
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

    @Override
    long lossMark(long una, int mss) {
        return mark(una, mss);
    }

    @Override
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

    @Override
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

    @Override
    long endOfLoss(long from, long una, long limit, int mss) {
        long to = Math.min(limit, mark(una, mss));
        IntervalSet set = sacked;
        if (set != null) {
            int i = set.firstEndingAfter(from);
            to = i < set.size() ? Math.min(to, set.from(i)) : to;
        }
        return to;
    }

    @Override
    void onSent(long from, long to, long now) {}

    /** Everything lost before {@code to} is on its way again. */
    @Override
    void onRetransmitted(long from, long to, long now) {
        position = to;
    }

    @Override
    long timer() {
        return Sender.NEVER;
    }

    @Override
    void clear() {
        super.clear();
        duplicates = 0;
    }
}
