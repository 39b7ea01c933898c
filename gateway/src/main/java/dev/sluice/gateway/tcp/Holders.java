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
    private Held first;

    @Nullable
    private Held last;

    /** Its flow holds something, and it is not among these. */
    void add(Held held, long now) {
        held.note(now);
        held.listed = true;
        held.before = last;
        if (last == null) {
            first = held;
        } else {
            last.after = held;
        }
        last = held;
    }

    /** It is to be here no longer; it need not be. */
    void remove(Held held) {
        if (!held.listed) {
            return;
        }
        Held before = held.before;
        Held after = held.after;
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
        held.listed = false;
        held.before = null;
        held.after = null;
    }

    /** The flow that has stood still for longest, and for {@link #PATIENCE} at least; null if there is none. */
    @Nullable
    TcpFlow longestStill(long now) {
        Held held = first;
        while (held != null && now - held.since() >= PATIENCE) {
            if (held.standsStill()) {
                return held.flow;
            }
            remove(held);
            if (held.isAnything()) {
                add(held, now);
            }
            held = first;
        }
        return null;
    }
}
