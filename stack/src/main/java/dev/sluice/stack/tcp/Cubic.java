package dev.sluice.stack.tcp;

/**
 * CUBIC (RFC 9438): in congestion avoidance the window is a cubic function of the time since the last reduction, flat around the size at
 * which that happened, and never below what Reno would have (§4.3). Slow start is that of RFC 5681, with the initial window of RFC 6928.
 * Windows are bytes; the cubic itself is computed in segments and seconds, as the RFC writes it.
 */
final class Cubic implements CongestionControl {
    private static final int LARGEST = 1 << 30;
    private static final double C = 0.4;
    private static final double BETA = 0.7;
    /** Growth that makes Reno with {@link #BETA} as strong as Reno with one half (§4.3). */
    private static final double ALPHA = 3 * (1 - BETA) / (1 + BETA);

    private static final double SECOND = 1e9;
    private static final long NONE = Long.MIN_VALUE;

    private int window;
    private int threshold = LARGEST;
    /** W_max in bytes: the window before the last reduction. */
    private double origin;
    /** The window just before the last reduction (cwnd_prior). */
    private double prior;
    /** When this stage of congestion avoidance began, or {@link #NONE}. */
    private long epoch = NONE;
    /** K: seconds until the cubic reaches {@link #origin}. */
    private double climb;
    /** W_est in bytes: the window Reno would have. */
    private double reno;
    /** The window as it would be without rounding. */
    private double exact;
    /** A timeout, not a loss, preceded this stage. */
    private boolean afterTimeout;
    /** When the window was last not in use. */
    private long idleSince = NONE;

    Cubic(int mss) {
        window = NewReno.initial(mss);
    }

    @Override
    public int window() {
        return window;
    }

    @Override
    public int threshold() {
        return threshold;
    }

    @Override
    public void onAck(int acked, long flight, int mss, int burst, long now, long rtt) {
        if (2 * flight <= window) {
            // A window that is not in use does not grow, and its time does not count (§5.8).
            // So it is never more than twice what was in flight.
            if (idleSince == NONE) {
                idleSince = now;
            }
            return;
        }
        if (idleSince != NONE) {
            epoch = epoch == NONE ? NONE : epoch + (now - idleSince);
            idleSince = NONE;
        }
        if (window < threshold) {
            window = Math.min(LARGEST, window + Math.min(acked, burst));
            return;
        }
        if (epoch == NONE) {
            begin(now, mss);
        }
        double seconds = (now - epoch) / SECOND;
        reno += (reno >= prior ? 1 : ALPHA) * acked * mss / exact;
        double soon = Math.clamp(cubic(seconds + rtt / SECOND, mss), exact, 1.5 * exact);
        exact = cubic(seconds, mss) < reno ? Math.max(exact, reno) : exact + (soon - exact) * acked / exact;
        exact = Math.min(exact, LARGEST);
        window = (int) exact;
    }

    private void begin(long now, int mss) {
        epoch = now;
        exact = window;
        reno = window;
        if (afterTimeout || origin < window) {
            // §4.8: the cubic starts where slow start has ended.
            origin = window;
            climb = 0;
        } else {
            climb = Math.cbrt((origin - window) / mss / C);
        }
        afterTimeout = false;
    }

    private double cubic(double seconds, int mss) {
        double t = seconds - climb;
        return C * t * t * t * mss + origin;
    }

    private void reduce(long flight, int mss) {
        prior = window;
        // Fast convergence: a window that did not come up to the last one leaves room for others (§4.7).
        origin = window < origin ? window * (1 + BETA) / 2 : window;
        threshold = (int) Math.clamp(flight * BETA, 2 * mss, LARGEST);
        epoch = NONE;
        idleSince = NONE;
    }

    @Override
    public void onLoss(long flight, int mss) {
        reduce(flight, mss);
        afterTimeout = false;
        window = threshold;
    }

    @Override
    public void onRecovered() {
        window = threshold;
    }

    @Override
    public void onTimeout(long flight, boolean again, int mss) {
        if (!again) {
            reduce(flight, mss);
        }
        afterTimeout = true;
        epoch = NONE;
        window = mss;
    }

    @Override
    public void onRestart(int mss) {
        window = Math.min(window, NewReno.initial(mss));
        epoch = NONE;
    }
}
