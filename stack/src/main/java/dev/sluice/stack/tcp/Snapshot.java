package dev.sluice.stack.tcp;

/**
 * What a {@link Tcb} knows at one moment, for people, tests and replay. Offsets count from the SYN of their direction (0), so data
 * begins at 1; they do not wrap.
 *
 * @param sendUnacknowledged SND.UNA
 * @param sendNext SND.NXT: nothing at or after it was ever sent
 * @param sendQueued end of the data the user has written
 * @param sendWindow the peer's window in bytes
 * @param congestionWindow bytes congestion control allows in flight
 * @param threshold ssthresh in bytes; 2³⁰ as long as nothing was lost
 * @param sacked bytes in flight that the peer has reported as received
 * @param receiveNext RCV.NXT
 * @param receiveEdge right edge of the largest window advertised
 * @param receiveBuffered in-order bytes the user has not taken
 * @param outOfOrder bytes held beyond a hole
 * @param memory bytes of ring memory owned
 * @param smoothedRtt ns; 0 before the first sample
 * @param rto ns, backed off, with what {@link TcpTuning#rtoSlop} adds
 * @param retransmissions segments sent again
 * @param sack whether selective acknowledgments were agreed on; likewise timestamps, window scaling and ECN
 * @param deadline as {@link Tcb#deadline}
 */
public record Snapshot(
        TcpState state,
        int localPort,
        int remotePort,
        int sendMss,
        long sendUnacknowledged,
        long sendNext,
        long sendQueued,
        long sendWindow,
        long congestionWindow,
        long threshold,
        Phase phase,
        long sacked,
        long receiveNext,
        long receiveEdge,
        long receiveBuffered,
        long outOfOrder,
        long memory,
        long smoothedRtt,
        long rto,
        long retransmissions,
        boolean sack,
        boolean timestamps,
        boolean windowScaling,
        boolean ecn,
        long deadline) {

    /** What the sender thinks of its path. */
    public enum Phase {
        /** All is well. */
        OPEN,
        /** Something came out of order, or is lost. */
        DISORDER,
        /** Slower, as the path has reported congestion. */
        REDUCED,
        /** Fast recovery. */
        RECOVERY,
        /** After a retransmission timeout. */
        LOSS
    }
}
