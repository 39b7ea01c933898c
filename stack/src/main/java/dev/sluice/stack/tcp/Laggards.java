package dev.sluice.stack.tcp;

import org.jspecify.annotations.Nullable;

/**
 * The receive rings of one holder that hold nothing but pieces beyond holes, by when their connection last got on, the one that has not for
 * longest first. What they hold was reported at most, never acknowledged, so the peer still has it, and it may be given up for those who
 * have nothing (RFC 2018 §8). Else a peer could fill the pool with connections that each hold one segment and never get on.
 */
final class Laggards {
    @Nullable
    private ReceiveRing first;

    @Nullable
    private ReceiveRing last;

    /** Being written to: not given up. */
    @Nullable
    private ReceiveRing spared;

    private final TcpCounters counters;

    Laggards(TcpCounters counters) {
        this.counters = counters;
    }

    /** From now on {@code ring} is not given up, until this is called with null. */
    void spare(@Nullable ReceiveRing ring) {
        spared = ring;
    }

    /** {@code ring} holds nothing but pieces beyond holes; if its connection has just got on, or it is new here, it comes last. */
    void add(ReceiveRing ring, Receiver owner, boolean gotOn) {
        if (ring.laggard != null) {
            if (!gotOn) {
                return;
            }
            remove(ring);
        }
        ring.laggard = owner;
        ring.before = last;
        if (last == null) {
            first = ring;
        } else {
            last.after = ring;
        }
        last = ring;
    }

    /** {@code ring} holds something else or nothing; it need not be here. */
    void remove(ReceiveRing ring) {
        if (ring.laggard == null) {
            return;
        }
        ReceiveRing before = ring.before;
        ReceiveRing after = ring.after;
        if (before == null) {
            first = after;
        } else {
            before.after = after;
        }
        if (after == null) {
            last = before;
        } else {
            after.before = before;
        }
        ring.laggard = null;
        ring.before = null;
        ring.after = null;
    }

    /** Whether {@link #giveUpOne} would find one. */
    boolean hasOne() {
        return next() != null;
    }

    private @Nullable ReceiveRing next() {
        ReceiveRing ring = first;
        return ring != null && ring == spared ? ring.after : ring;
    }

    /** Gives back what the one holds that has not got on for longest; false if there is none. */
    boolean giveUpOne() {
        ReceiveRing ring = next();
        Receiver owner = ring == null ? null : ring.laggard;
        if (owner == null) {
            return false;
        }
        counters.outOfOrderGivenUp++;
        owner.clear();
        return true;
    }
}
