package dev.sluice.stack.tcp;

/**
 * For a link without routers: no limit but the peer's window. A single loss is a full receive ring and slows nothing; a timeout means
 * that a whole burst found no place, so the next ones begin small, smaller with every further timeout, and double until the limit is
 * out of sight again.
 */
final class OneHop implements CongestionControl {
    private static final int UNLIMITED = Integer.MAX_VALUE;
    private static final int SMALL = 1 << 16;
    private static final int LARGE = 1 << 23;

    private int window = UNLIMITED;

    @Override
    public int window() {
        return window;
    }

    @Override
    public int threshold() {
        return window;
    }

    @Override
    public void onAck(int acked, long flight, int mss, int burst, long now, long rtt) {
        if (window != UNLIMITED) {
            window += Math.min(acked, window);
            if (window >= LARGE) {
                window = UNLIMITED;
            }
        }
    }

    @Override
    public void onLoss(long flight, int mss) {}

    @Override
    public void onRecovered() {}

    @Override
    public void onTimeout(long flight, boolean again, int mss) {
        window = Math.max(2 * mss, Math.min(window / 2, SMALL));
    }

    @Override
    public void onRestart(int mss) {}
}
