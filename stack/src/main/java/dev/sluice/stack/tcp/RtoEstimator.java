package dev.sluice.stack.tcp;

/** Retransmission timeout after RFC 6298, with the profile's bounds; kept in microseconds to be small. */
final class RtoEstimator {
    private static final int NANOS = 1000;
    /** The clock granularity G of the RFC. */
    private static final int GRANULARITY = 1000;

    /** SRTT; 0 before the first sample. */
    private int smoothed;
    /** RTTVAR. */
    private int variation;
    /** RTO, doubled by each timeout until the next sample (Karn). */
    private int timeout;

    RtoEstimator(TcpProfile profile) {
        timeout = micros(profile.rtoInitial());
    }

    private static int micros(long nanos) {
        return (int) Math.min(nanos / NANOS, Integer.MAX_VALUE / 2);
    }

    /** A round trip of {@code nanos} was measured on data sent once (or by timestamps). */
    void sample(long nanos, TcpProfile profile) {
        int r = Math.max(1, (int) Math.min(Math.max(nanos, 0) / NANOS, micros(profile.rtoMax())));
        if (smoothed == 0) {
            smoothed = r;
            variation = r / 2;
        } else {
            variation += (Math.abs(smoothed - r) - variation) / 4;
            smoothed = Math.max(1, smoothed + (r - smoothed) / 8);
        }
        forgetBackOff(profile);
    }

    /** The timeout as the samples so far would have it. */
    void forgetBackOff(TcpProfile profile) {
        if (smoothed != 0) {
            long margin = Math.max(micros(profile.tuning().rtoMargin()), Math.max(GRANULARITY, 4L * variation));
            long wanted = smoothed + margin;
            timeout = Math.clamp(wanted, micros(profile.rtoMin()), micros(profile.rtoMax()));
        }
    }

    /** The timer ran out (RFC 6298 §5.5). */
    void backOff(TcpProfile profile) {
        timeout = Math.min(micros(profile.rtoMax()), timeout * 2);
    }

    /** True before the first sample and the first timeout. */
    boolean isInitial(TcpProfile profile) {
        return smoothed == 0 && timeout == micros(profile.rtoInitial());
    }

    /** RTO in ns. */
    long timeout() {
        return (long) timeout * NANOS;
    }

    /** SRTT in ns; 0 before the first sample. */
    long smoothed() {
        return (long) smoothed * NANOS;
    }
}
