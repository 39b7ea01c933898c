package dev.sluice.stack.tcp;

/** Plain counters of one shard, written on its thread only; a reader elsewhere may be a little behind. */
public final class TcpCounters {
    TcpCounters() {}

    public long segmentsIn;
    public long segmentsOut;
    public long bytesIn;
    public long bytesOut;
    /** Segments sent again, of any cause. */
    public long retransmits;
    /** Times the retransmission timer ran out. */
    public long timeouts;

    public long fastRetransmits;
    /** Probes for a loss at the end of a flight (RFC 8985 §7). */
    public long tailProbes;
    /** Times the window was reduced because the path reported congestion (RFC 3168). */
    public long congestionEchoes;
    /** Segments that arrived with a report of congestion. */
    public long congestionMarksIn;

    public long zeroWindowProbes;
    public long keepAliveProbes;
    public long duplicateAcksIn;
    public long outOfOrderIn;
    /** Acknowledgments that challenge a suspicious segment (RFC 5961). */
    public long challengeAcks;
    /** The same that the rate limit held back. */
    public long challengeAcksSuppressed;
    /** Segments outside the window. */
    public long dropsOutsideWindow;
    /** Segments with an old timestamp (RFC 7323 §5). */
    public long dropsPaws;
    /** Segments whose acknowledgment was of something never sent or long past. */
    public long dropsBadAck;
    /** Segments with flags that mean nothing in their state. */
    public long dropsBadFlags;
    /** Data that found no memory and was left unacknowledged. */
    public long dropsNoMemory;
    /** Connections whose data beyond a hole was given up for others, for lack of memory. */
    public long outOfOrderGivenUp;
    /** Data beyond too many holes. */
    public long dropsTooManyHoles;

    /** SYNs answered without remembering them, and such handshakes completed. */
    public long cookiesSent;

    public long cookiesAccepted;

    public long resetsIn;
    public long resetsOut;
}
