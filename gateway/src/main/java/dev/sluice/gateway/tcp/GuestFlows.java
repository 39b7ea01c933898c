package dev.sluice.gateway.tcp;

import org.jspecify.annotations.Nullable;

/**
 * One guest's share of the TCP flows: how many it has, and those whose host connection is pending, in order of age.
 *
 * <p>Shares are dynamic thresholds (Choudhury and Hahne, IEEE/ACM ToN 6(2), 1998): a guest may hold as much as is still free, times a
 * factor. A guest alone gets most of a limit, several greedy ones get equal parts, and something always stays free for the next.
 */
final class GuestFlows {
    /** A guest may have this many times the free flows. */
    private static final int FLOW_FACTOR = 4;

    private int flows;
    private int halfOpen;
    private @Nullable TcpFlow oldest;
    private @Nullable TcpFlow newest;

    /** False if this guest has its share of {@code limit}, {@code total} of which are taken. */
    boolean mayOpen(int total, int limit) {
        return flows < (long) FLOW_FACTOR * (limit - total);
    }

    /** False if this guest has its share of pending connections. */
    boolean mayHalfOpen(int total, int limit) {
        return halfOpen < limit - total;
    }

    /** The pending connection that has waited longest. */
    @Nullable
    TcpFlow oldestHalfOpen() {
        return oldest;
    }

    void added() {
        flows++;
    }

    void removed() {
        flows--;
    }

    boolean isEmpty() {
        return flows == 0;
    }

    void addHalfOpen(TcpFlow flow) {
        halfOpen++;
        flow.halfOpen = true;
        flow.olderHalfOpen = newest;
        if (newest == null) {
            oldest = flow;
        } else {
            newest.newerHalfOpen = flow;
        }
        newest = flow;
    }

    void removeHalfOpen(TcpFlow flow) {
        halfOpen--;
        flow.halfOpen = false;
        TcpFlow older = flow.olderHalfOpen;
        TcpFlow newer = flow.newerHalfOpen;
        if (older == null) {
            oldest = newer;
        } else {
            older.newerHalfOpen = newer;
        }
        if (newer == null) {
            newest = older;
        } else {
            newer.olderHalfOpen = older;
        }
        flow.olderHalfOpen = null;
        flow.newerHalfOpen = null;
    }
}
