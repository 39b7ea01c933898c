package dev.sluice.gateway.tcp;

import org.jspecify.annotations.Nullable;

/**
 * The flows of one guest that hold buffers, by when they were last seen to get on, the longest ago first. A flow comes in at the end when it
 * begins to hold something, and nobody looks at it again unless memory is short: then those that have got on in the meantime, which is to say
 * that what they held is all gone, go back to the end (the second chance of the clock algorithm), and those that hold nothing leave. So no
 * packet pays for the order, and a look costs a flow at most one step in {@link #PATIENCE}.
 */
final class Holders {
    /** How long a flow may hold the same bytes before it counts as standing still, in nanoseconds. */
    static final long PATIENCE = 10_000_000_000L;

    @Nullable
    private TcpFlow first;

    @Nullable
    private TcpFlow last;

    /** {@code flow} holds something, and is not among these. */
    void add(TcpFlow flow, long now) {
        flow.noteHeld(now);
        flow.holder = true;
        flow.holderBefore = last;
        if (last == null) {
            first = flow;
        } else {
            last.holderAfter = flow;
        }
        last = flow;
    }

    /** {@code flow} is to be here no longer; it need not be. */
    void remove(TcpFlow flow) {
        if (!flow.holder) {
            return;
        }
        TcpFlow before = flow.holderBefore;
        TcpFlow after = flow.holderAfter;
        if (before == null) {
            first = after;
        } else {
            before.holderAfter = after;
        }
        if (after == null) {
            last = before;
        } else {
            after.holderBefore = before;
        }
        flow.holder = false;
        flow.holderBefore = null;
        flow.holderAfter = null;
    }

    /** The flow that has stood still for longest, and for {@link #PATIENCE} at least; null if there is none. */
    @Nullable
    TcpFlow longestStill(long now) {
        TcpFlow flow = first;
        while (flow != null && now - flow.heldSince() >= PATIENCE) {
            if (flow.standsStill()) {
                return flow;
            }
            remove(flow);
            if (flow.holdsSomething()) {
                add(flow, now);
            }
            flow = first;
        }
        return null;
    }
}
