package dev.sluice.stack.tcp;

/**
 * The tail loss probe of RFC 8985 §7: when nothing comes back for two round trips, one more segment makes the peer report what it has,
 * so that a loss at the end of a flight is repaired without a retransmission timeout. Says when; the {@link Sender} sends.
 */
final class TailProbe {
    private static final long SECOND = 1_000_000_000L;
    /** How long a peer may delay the acknowledgment of a single segment (TLP.max_ack_delay). */
    private static final long ACK_DELAY = 200_000_000L;

    /** A peer on the same machine may not run for some milliseconds, however short the round trip is. */
    private static final long LEAST_WAIT = 10_000_000L;

    /** When to probe (PTO). */
    private long timer = Sender.NEVER;
    /** The timer has run out; the probe is still to be sent. */
    private boolean due;
    /** The end of the probe under way (TLP.end_seq), or {@link LossRecovery#NONE}. */
    private long end = LossRecovery.NONE;
    /** That probe was a retransmission. */
    private boolean again;

    long timer() {
        return timer;
    }

    boolean isDue() {
        return due;
    }

    /**
     * @param open whether a probe is of use now
     * @param single whether one segment is in flight
     * @param rto when the retransmission timer runs out
     */
    void arm(boolean open, boolean single, long smoothedRtt, long rto, long now) {
        if (!open || end != LossRecovery.NONE) {
            timer = Sender.NEVER;
            return;
        }
        long wait = smoothedRtt == 0 ? SECOND : Math.max(LEAST_WAIT, 2 * smoothedRtt) + (single ? ACK_DELAY : 0);
        timer = Math.min(now + wait, rto);
    }

    /** True if the probe has become due just now. */
    boolean onTimer(long now) {
        if (timer == Sender.NEVER || now - timer < 0) {
            return false;
        }
        timer = Sender.NEVER;
        due = true;
        return true;
    }

    /** True once if a probe is due. */
    boolean takeDue() {
        boolean was = due;
        due = false;
        return was;
    }

    void sent(long end, boolean again) {
        this.end = end;
        this.again = again;
        timer = Sender.NEVER;
    }

    /**
     * An acknowledgment (§7.4.2).
     *
     * @param news whether it acknowledges or reports anything new
     * @param duplicate whether it reports that something came twice
     * @return true if the probe has repaired a loss, which is a sign of congestion like every other
     */
    boolean repaired(long ack, boolean news, boolean duplicate) {
        if (end == LossRecovery.NONE || ack < end) {
            return false;
        }
        if (!again || duplicate || !news) {
            end = LossRecovery.NONE;
            return false;
        }
        if (ack > end) {
            end = LossRecovery.NONE;
            return true;
        }
        return false;
    }

    /** Nothing is in flight; a probe's answer may still come. */
    void idle() {
        timer = Sender.NEVER;
        due = false;
    }

    /** Something else repairs now. */
    void stop() {
        idle();
        end = LossRecovery.NONE;
    }
}
