package dev.sluice.stack.tcp;

import org.jspecify.annotations.Nullable;

/** What a {@link Sender} keeps only where its path has routers and other senders; on one hop there is none. */
final class SharedPath {
    /** How fast recovery spends what it may send. */
    final ProportionalRate rate = new ProportionalRate();
    /** Probes for losses at the end of a flight; null if that is not agreed. */
    @Nullable
    final TailProbe tail;
    /** Reports of congestion before this is acknowledged are of what was slowed down for already (RFC 3168 §6.1.2). */
    private long reductionEnd = 1;
    /** The next new data tells the peer that we have slowed down (CWR). */
    private boolean reduced;

    /** Where the last small segment ended, and what was queued when the first of what is in flight left. */
    private long smallEnd;

    private long burstEnd;

    private long peak;
    /** {@link #peak} is of the flight that ended here. */
    private long peakEnd;

    SharedPath(boolean probes) {
        tail = probes ? new TailProbe() : null;
    }

    /** We have slowed down, for whatever reason, with data before {@code nxt} under way. */
    void onReduction(long nxt) {
        reductionEnd = nxt;
        reduced = true;
    }

    /** True if the peer's report of congestion is about data sent since we last slowed down. */
    boolean isNews(long una) {
        return una > reductionEnd;
    }

    /** True until what was under way when we last slowed down is acknowledged. */
    boolean isReducing(long una) {
        return una < reductionEnd;
    }

    /** True if the next new data is to carry CWR. */
    boolean owesReport() {
        return reduced;
    }

    void onReported() {
        reduced = false;
    }

    /** New data has left: {@code una}–{@code nxt} is in flight. */
    void onSent(long una, long nxt) {
        if (nxt - una > peak || una >= peakEnd) {
            peak = nxt - una;
            peakEnd = nxt;
        }
    }

    /** Data has left: the first in flight of what is queued to {@code queued}, a small segment to {@code small}; 0 if it is not. */
    void onData(long queued, long small) {
        burstEnd = queued == 0 ? burstEnd : queued;
        smallEnd = small == 0 ? smallEnd : small;
    }

    long smallEnd() {
        return smallEnd;
    }

    long burstEnd() {
        return burstEnd;
    }

    /**
     * The most that was in flight in the round trip that is ending. Whether the window was in use is a question about that: what is in
     * flight when an acknowledgment comes is less by all that were before it (RFC 7661 §4.2).
     */
    long peak() {
        return peak;
    }

    void stopProbing() {
        if (tail != null) {
            tail.stop();
        }
    }
}
