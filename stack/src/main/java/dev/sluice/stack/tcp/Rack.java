package dev.sluice.stack.tcp;

import org.jspecify.annotations.Nullable;

/**
 * Loss by time (RACK, RFC 8985 §6): what left a while before something that has arrived is lost, be it new data or a retransmission.
 * The while is a quarter of the shortest round trip once the path was seen to reorder. Needs SACK. The tail loss probe (§7) is the
 * {@link Sender}'s, which knows its timer.
 */
final class Rack extends LossRecovery {
    /** The shortest round trip is looked for anew after this time. */
    private static final long MIN_RTT_AGE = 300_000_000_000L;
    /** Recoveries without a false retransmission after which the reordering window is small again (§6.2 step 4). */
    private static final int PERSISTENCE = 16;
    /** A millisecond, by which an echoed timestamp may be off. */
    private static final long TIMESTAMP_UNIT = 1_000_000L;

    /** When what is in flight left; null if nothing is. */
    private @Nullable SentRuns runs;
    /** Lost and not yet sent again; null if nothing is. */
    private @Nullable IntervalSet lost;

    /** Bytes that ever counted as lost. */
    private long everLost;

    /** Of all that has arrived, what left last: when (RACK.xmit_ts), and its end (RACK.end_seq). */
    private long newestAt;

    private long newestEnd;
    private boolean anyArrived;
    /** RACK.rtt: how long that took. */
    private long rtt;
    /** RACK.min_RTT, or 0 before the first. */
    private long minRtt;

    private long minRttAt;
    /** RACK.fack: the highest offset that has arrived. */
    private long highest;

    private boolean reordering;
    private int windowFactor = 1;
    private int persistence;
    /** The window grows once per round trip: not before this is acknowledged. */
    private long factorEnd = NONE;

    private long timer = Sender.NEVER;

    Rack(TcpShard shard) {
        super(shard);
    }

    @Override
    void onSent(long from, long to, long now) {
        SentRuns held = runs;
        if (held == null) {
            held = shard.takeRuns();
            runs = held;
        }
        held.append(from, to, now);
    }

    @Override
    void onRetransmitted(long from, long to, long now) {
        if (runs != null) {
            runs.resend(from, to, now);
        }
        IntervalSet set = lost;
        if (set != null) {
            set.trimBelow(to);
            dropLostIfEmpty();
        }
    }

    @Override
    void onAdvance(long una, int acked, int mss, long tsElapsed, long now) {
        arrived(una - acked, una, tsElapsed, now);
        trimSacked(una);
        if (lost != null) {
            lost.trimBelow(una);
            dropLostIfEmpty();
        }
        SentRuns held = runs;
        if (held != null) {
            held.trimBelow(una);
            if (held.size() == 0) {
                runs = null;
                timer = Sender.NEVER;
                shard.giveRuns(held);
            }
        }
        if (kind != Kind.NONE && una >= end) {
            if (kind == Kind.FAST && --persistence <= 0) {
                windowFactor = 1;
            }
            kind = Kind.NONE;
        }
    }

    @Override
    void onDuplicate() {}

    @Override
    void onSacked(long left, long right, long tsElapsed, long now) {
        arrived(left, right, tsElapsed, now);
        if (lost != null) {
            lost.remove(left, right);
            dropLostIfEmpty();
        }
    }

    /** Step 4 of §6.2: something was sent again needlessly, so more patience; once per round trip. */
    @Override
    void onRepetition(long una, long nxt) {
        if (una >= factorEnd) {
            factorEnd = nxt;
            windowFactor = Math.min(windowFactor + 1, 64);
            persistence = PERSISTENCE;
        }
    }

    /** Steps 1 to 3 of §6.2 for the part of {@code from}–{@code to} that the peer had not reported before. */
    private void arrived(long from, long to, long tsElapsed, long now) {
        SentRuns held = runs;
        if (held == null) {
            return;
        }
        IntervalSet known = sacked;
        for (int i = held.find(from); i < held.size() && held.from(i) < to; i++) {
            long left = Math.max(from, held.from(i));
            long right = Math.min(to, held.to(i));
            if (known != null && known.overlap(left, right) == right - left) {
                continue;
            }
            boolean again = held.again(i);
            long took = now - held.at(i);
            if (again && (tsElapsed > took + TIMESTAMP_UNIT || took < minRtt)) {
                continue; // an earlier transmission has arrived, not this one
            }
            if (minRtt == 0 || took <= minRtt || now - minRttAt > MIN_RTT_AGE) {
                minRtt = Math.max(1, took);
                minRttAt = now;
            }
            if (right > highest) {
                highest = right;
            } else if (!again) {
                reordering = true;
            }
            if (!anyArrived || isLater(held.at(i), right, newestAt, newestEnd)) {
                anyArrived = true;
                newestAt = held.at(i);
                newestEnd = right;
                rtt = took;
            }
        }
    }

    private static boolean isLater(long at, long end, long thanAt, long thanEnd) {
        return at - thanAt > 0 || (at == thanAt && end > thanEnd);
    }

    /** Step 4 of §6.2: how much later than what came after it something may arrive. */
    private long reorderingWindow(int mss, long smoothedRtt) {
        if (!reordering && (kind != Kind.NONE || sackedTotal() > (DUPLICATES - 1L) * mss)) {
            return 0;
        }
        return Math.min(windowFactor * minRtt / 4, smoothedRtt);
    }

    /** Step 5 of §6.2. */
    @Override
    boolean lossSeen(long una, long nxt, int mss, long smoothedRtt, long now) {
        timer = Sender.NEVER;
        if (sacked == null && kind == Kind.NONE) {
            return false; // in order, the common case: whatever left earlier has arrived
        }
        long window = reorderingWindow(mss, smoothedRtt);
        mark(una, window, false, now);
        return kind == Kind.NONE && lost != null;
    }

    /** Marks as lost what left long enough before the newest arrival; after a timeout, what left long enough ago. */
    private void mark(long una, long window, boolean timedOut, long now) {
        SentRuns held = runs;
        if (held == null || !(anyArrived || timedOut)) {
            return;
        }
        for (int i = held.find(una); i < held.size(); i++) {
            long from = Math.max(una, held.from(i));
            long to = held.to(i);
            if (!timedOut) {
                if (held.at(i) - newestAt > 0) {
                    continue;
                }
                if (held.at(i) == newestAt) {
                    to = Math.min(to, newestEnd);
                }
            }
            if (from >= to) {
                continue;
            }
            long left = held.at(i) + rtt + window - now;
            if (left <= 0) {
                lose(from, to);
            } else if (!timedOut && !isKnown(from, to)) {
                timer = Math.min(timer, now + left);
            }
        }
    }

    private boolean isKnown(long from, long to) {
        return sacked != null && sacked.overlap(from, to) == to - from;
    }

    /** {@code from}–{@code to} is lost, but for what the peer holds. */
    private void lose(long from, long to) {
        IntervalSet known = sacked;
        long at = from;
        if (known != null) {
            for (int i = known.firstEndingAfter(from); i < known.size() && known.from(i) < to; i++) {
                if (known.from(i) > at) {
                    addLost(at, known.from(i));
                }
                at = known.to(i);
            }
        }
        if (at < to) {
            addLost(at, to);
        }
    }

    private void addLost(long from, long to) {
        IntervalSet set = lost;
        if (set == null) {
            set = shard.takeIntervals();
            lost = set;
        }
        long before = set.total();
        set.add(from, to);
        everLost += set.total() - before;
    }

    @Override
    long lossMark(long una, int mss) {
        return everLost;
    }

    @Override
    void beginFast(long una, long nxt) {
        kind = Kind.FAST;
        end = nxt;
    }

    /** §6.3: what is first is lost, and everything that left as long ago as a round trip. */
    @Override
    void beginTimeout(long una, long nxt, long smoothedRtt, long now) {
        forgetReneged(una);
        kind = Kind.TIMEOUT;
        end = nxt;
        mark(una, reorderingWindow(1, smoothedRtt), true, now);
        SentRuns held = runs;
        if (held != null) {
            lose(una, held.to(held.find(una)));
        }
    }

    @Override
    void loseAll(long una, long nxt) {
        forgetReneged(una);
        kind = Kind.TIMEOUT;
        end = nxt;
        lose(una, nxt);
    }

    private void forgetReneged(long una) {
        if (sacked != null && sacked.contains(una)) {
            // The peer dropped what it had reported (RFC 2018 §8).
            dropSacked();
        }
    }

    @Override
    long pipe(long una, long nxt, int mss) {
        return Math.max(0, nxt - una - sackedTotal() - (lost == null ? 0 : lost.total()));
    }

    @Override
    long next(long una, long limit, int mss) {
        IntervalSet set = lost;
        return kind != Kind.NONE && set != null && set.from(0) < limit ? set.from(0) : NONE;
    }

    @Override
    long endOfLoss(long from, long una, long limit, int mss) {
        IntervalSet set = lost;
        return set == null ? from : Math.min(limit, set.to(0));
    }

    @Override
    long timer() {
        return timer;
    }

    private void dropLostIfEmpty() {
        IntervalSet set = lost;
        if (set != null && set.isEmpty()) {
            lost = null;
            shard.giveIntervals(set);
        }
    }

    @Override
    void clear() {
        super.clear();
        timer = Sender.NEVER;
        if (lost != null) {
            lost.clear();
            dropLostIfEmpty();
        }
        SentRuns held = runs;
        if (held != null) {
            runs = null;
            shard.giveRuns(held);
        }
    }
}
