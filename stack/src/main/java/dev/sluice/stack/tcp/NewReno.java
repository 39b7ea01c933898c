package dev.sluice.stack.tcp;

/**
 * Slow start, congestion avoidance and fast recovery (RFC 5681, 6582), counting bytes (RFC 3465) with an initial window of ten
 * segments (RFC 6928). Bytes that have left the network are deducted by the caller (RFC 6675's pipe), so recovery needs no inflation.
 */
final class NewReno implements CongestionControl {
    private static final int LARGEST = 1 << 30;

    private int window;
    private int threshold = LARGEST;
    /** Bytes acknowledged in congestion avoidance since the window last grew. */
    private int counted;

    NewReno(int mss) {
        this.window = initial(mss);
    }

    static int initial(int mss) {
        return Math.min(10 * mss, Math.max(2 * mss, 14600));
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
        // A window that was not in use says nothing about the path (RFC 7661 in its simplest form).
        // So it is never more than twice what was in flight.
        if (2 * flight <= window) {
            return;
        }
        if (window < threshold) {
            window = Math.min(LARGEST, window + Math.min(acked, burst));
            return;
        }
        counted += acked;
        if (counted >= window) {
            counted -= window;
            window = Math.min(LARGEST, window + mss);
        }
    }

    @Override
    public void onLoss(long flight, int mss) {
        threshold = Math.clamp(flight / 2, 2 * mss, LARGEST);
        window = threshold;
        counted = 0;
    }

    @Override
    public void onRecovered() {
        window = threshold;
    }

    @Override
    public void onTimeout(long flight, boolean again, int mss) {
        if (!again) {
            threshold = Math.clamp(flight / 2, 2 * mss, LARGEST);
        }
        window = mss;
        counted = 0;
    }

    @Override
    public void onRestart(int mss) {
        window = Math.min(window, initial(mss));
    }
}
