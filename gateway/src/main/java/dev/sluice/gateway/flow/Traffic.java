package dev.sluice.gateway.flow;

/**
 * What went through one flow. The data path increments two fields; rates are made of samples, which are taken when somebody asks.
 * Confined to the loop.
 */
public final class Traffic {
    /** Shortest time between two samples: a rate over less says little. */
    private static final long SAMPLE_INTERVAL = 1_000_000_000L;

    private static final double SECOND = 1e9;

    /** Of no other flow of the gateway. */
    public final long id;
    /** When it began, on the loop's clock. */
    public final long since;

    public long bytesToHost;
    public long bytesToGuest;

    private long sampledAt;
    private long sampledToHost;
    private long sampledToGuest;
    private long rateToHost;
    private long rateToGuest;

    public Traffic(Counters counters, long now) {
        this.id = ++counters.flows;
        this.since = now;
        this.sampledAt = now;
    }

    /** Makes the rates those since the sample before, if that is long enough ago. */
    public void sample(long now) {
        long elapsed = now - sampledAt;
        boolean first = sampledAt == since;
        if (elapsed >= SAMPLE_INTERVAL || first && elapsed > 0) {
            rateToHost = (long) ((bytesToHost - sampledToHost) * SECOND / elapsed);
            rateToGuest = (long) ((bytesToGuest - sampledToGuest) * SECOND / elapsed);
        }
        if (elapsed >= SAMPLE_INTERVAL) {
            sampledAt = now;
            sampledToHost = bytesToHost;
            sampledToGuest = bytesToGuest;
        }
    }

    /** Bytes per second between the last two samples. */
    public long rateToHost() {
        return rateToHost;
    }

    public long rateToGuest() {
        return rateToGuest;
    }

    public long ageMillis(long now) {
        return (now - since) / 1_000_000;
    }
}
