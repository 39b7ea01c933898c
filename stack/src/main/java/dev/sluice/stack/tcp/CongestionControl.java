package dev.sluice.stack.tcp;

/** How many bytes may be in flight; one per connection. The segment size comes with every call, as the path may lower it. */
sealed interface CongestionControl permits OneHop, NewReno, Cubic {
    /** Bytes that may be in flight now, at least one segment. */
    int window();

    /** What {@link #window} will be after fast recovery (ssthresh). */
    int threshold();

    /**
     * {@code acked} bytes were acknowledged outside of fast recovery; {@code flight} were outstanding at most in the round trip before.
     *
     * @param burst bytes by which slow start grows at most
     * @param rtt smoothed, in ns
     */
    void onAck(int acked, long flight, int mss, int burst, long now, long rtt);

    /** Fast retransmission begins with {@code flight} bytes outstanding, or the path reports congestion. */
    void onLoss(long flight, int mss);

    /** Everything outstanding at the beginning of fast recovery is acknowledged. */
    void onRecovered();

    /** The retransmission timer ran out; {@code again} if it did so before for the same data. */
    void onTimeout(long flight, boolean again, int mss);

    /** New data is about to be sent after a pause with nothing outstanding, longer than the retransmission timeout. */
    void onRestart(int mss);

    static CongestionControl of(TcpProfile.Congestion kind, int mss) {
        return switch (kind) {
            case ONE_HOP -> new OneHop();
            case NEW_RENO -> new NewReno(mss);
            case CUBIC -> new Cubic(mss);
        };
    }
}
