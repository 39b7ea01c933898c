package dev.sluice.net.ip;

import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;

/**
 * Makes an address ours (RFC 5227, RFC 4862 §5.4): probes for it, and if nobody objects, announces it. One at a time. Confined to the loop.
 *
 * <p>States: idle, <em>probing</em> (the address may not be used yet; an objection ends the claim), <em>announcing</em> (it is ours).
 */
final class AddressClaim {
    private static final long ANNOUNCE_INTERVAL = 2_000_000_000L;

    private enum Phase {
        IDLE,
        PROBING,
        ANNOUNCING
    }

    private final Loop loop;
    private final NeighbourProtocol protocol;
    private Phase phase = Phase.IDLE;
    private long high;
    private long low;
    private int left;
    private int announcements;
    private long interval;
    private Claimed claimed = success -> {};

    private final Timer timer = new Timer() {
        @Override
        protected void onTimer(long now) {
            step(now);
        }
    };

    AddressClaim(Loop loop, NeighbourProtocol protocol) {
        this.loop = loop;
        this.protocol = protocol;
    }

    /**
     * Starts.
     *
     * @param interval ns between probes and after the last
     * @param claimed told once, later, unless {@link #cancel} comes first
     */
    void start(long high, long low, int probes, long interval, int announcements, Claimed claimed) {
        this.high = high;
        this.low = low;
        this.left = probes;
        this.interval = interval;
        this.announcements = announcements;
        this.claimed = claimed;
        phase = Phase.PROBING;
        loop.schedule(timer, loop.now());
    }

    void cancel() {
        phase = Phase.IDLE;
        loop.cancel(timer);
    }

    /** Whether an address is under question. */
    boolean isProbing() {
        return phase == Phase.PROBING;
    }

    /** Whether this address is under question. */
    boolean isProbing(long high, long low) {
        return phase == Phase.PROBING && this.low == low && this.high == high;
    }

    /** Somebody else has the address, or asks for it at the same time. */
    void objection() {
        if (phase == Phase.PROBING) {
            cancel();
            claimed.done(false);
        }
    }

    private void step(long now) {
        switch (phase) {
            case IDLE -> {}
            case PROBING -> {
                if (left > 0) {
                    left--;
                    protocol.probe(high, low);
                    loop.schedule(timer, now + interval);
                    return;
                }
                phase = Phase.ANNOUNCING;
                left = announcements;
                step(now);
                claimed.done(true);
            }
            case ANNOUNCING -> {
                if (left > 0) {
                    left--;
                    protocol.announce(high, low);
                }
                if (left > 0) {
                    loop.schedule(timer, now + ANNOUNCE_INTERVAL);
                } else {
                    phase = Phase.IDLE;
                }
            }
        }
    }
}
