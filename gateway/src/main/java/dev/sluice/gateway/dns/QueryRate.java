package dev.sluice.gateway.dns;

import dev.sluice.wire.IpAddress;

/**
 * How many lookups per second one guest may have, beside how many at a time: a guest that asks without end would otherwise make the host's
 * servers turn the whole host away. Guests share one of {@link #BUCKETS} by their address, so memory is fixed whatever addresses come. Any
 * thread.
 */
final class QueryRate {
    private static final int BUCKETS = 1024;

    private final long nanosPerQuery;
    private final long burstNanos;
    /** When each bucket would be full again, had nobody asked since; guarded by itself. */
    private final long[] spentUntil = new long[BUCKETS];

    private final long start;

    /**
     * @param perSecond sustained
     * @param burst at once
     * @param now nanoseconds
     */
    QueryRate(int perSecond, int burst, long now) {
        this.nanosPerQuery = 1_000_000_000L / perSecond;
        this.burstNanos = burst * nanosPerQuery;
        this.start = now;
    }

    /** Takes one query; false if the guest has had its share. */
    boolean take(IpAddress guest, long now) {
        int hash = guest.hashCode() * 0x9E37_79B9;
        int bucket = hash >>> 22;
        long at = now - start;
        synchronized (spentUntil) {
            long spent = Math.max(spentUntil[bucket], at);
            if (spent - at > burstNanos - nanosPerQuery) {
                return false;
            }
            spentUntil[bucket] = spent + nanosPerQuery;
            return true;
        }
    }
}
