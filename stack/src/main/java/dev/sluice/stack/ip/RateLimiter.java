package dev.sluice.stack.ip;

/**
 * A token bucket. Give each receiver of errors its own: a shared one would tell anybody how many errors others get (RFC 1812 §4.3.2.8;
 * CVE-2020-25705).
 */
public final class RateLimiter {
    /** Nanoseconds of credit that one event costs. */
    private final long cost;
    /** Most credit that idleness can earn. */
    private final long most;

    private long credit;
    private long last;

    /**
     * @param perSecond events per second in the long run, 1–1,000,000
     * @param burst events at once after idleness, 1–1,000,000
     * @param now nanoseconds of the clock that {@link #allow} will use
     */
    public RateLimiter(int perSecond, int burst, long now) {
        if (perSecond < 1 || perSecond > 1_000_000 || burst < 1 || burst > 1_000_000) {
            throw new IllegalArgumentException(
                    "rate and burst must be within 1…1000000, not " + perSecond + " and " + burst);
        }
        this.cost = 1_000_000_000L / perSecond;
        this.most = cost * burst;
        this.credit = most;
        this.last = now;
    }

    /** True if one more event may happen now; it is then paid for. A clock that goes back earns nothing. */
    public boolean allow(long now) {
        long passed = now - last;
        if (passed > 0) {
            credit = Math.min(most, credit + Math.min(passed, most));
            last = now;
        }
        if (credit < cost) {
            return false;
        }
        credit -= cost;
        return true;
    }
}
