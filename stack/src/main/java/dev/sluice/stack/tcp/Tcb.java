package dev.sluice.stack.tcp;

import java.lang.foreign.MemorySegment;

/** One TCP connection (RFC 9293). */
public final class Tcb {
    /** What a method tells its caller, as bits of its result. */
    public static final class Events {
        /** The handshake is complete. */
        public static final int ESTABLISHED = 1;
        /** The peer has sent FIN and everything before it was delivered. */
        public static final int REMOTE_CLOSED = 2;
        /** Bytes of the send ring were acknowledged: there is room. */
        public static final int SEND_SPACE = 4;
        /** Finished in order; after a last {@link Tcb#transmit} the caller drops the {@code Tcb}. */
        public static final int CLOSED = 8;
        /** The peer reset the connection (or refused it); the caller drops the {@code Tcb}. */
        public static final int RESET = 16;
        /** The peer is gone; after a last {@link Tcb#transmit} the caller drops the {@code Tcb}. */
        public static final int TIMED_OUT = 32;
        /** With {@link #CLOSED}: it must be remembered in a {@link TimeWaitTable}. */
        public static final int TIME_WAIT = 64;
        /** Any of these ends the {@code Tcb}. */
        public static final int ENDED = CLOSED | RESET | TIMED_OUT;

        private Events() {}
    }

    private final SendRing ring;
    private final TcpProfile profile;

    public Tcb(TcpShard shard, TcpProfile profile, TcpOutput output) {
        this.profile = profile;
        this.ring = new SendRing(shard.buffers(), profile.sendBuffer());
    }

    /**
     * Takes the SYN whose TCP header is at {@code at} ({@code length}: header and payload). Nothing is sent: the SYN is <em>held</em>
     * until {@link #accept} or {@link #abort}. Payload of the SYN is ignored; the peer sends it again.
     *
     * @return event bits
     */
    public int openPassive(MemorySegment s, long at, int length, int iss, long now) {
        return 0;
    }

    /** Answers the held SYN: SYN-ACK goes out at the next {@link #transmit}. */
    public void accept(long now) {}

    /** Starts a connection: SYN goes out at the next {@link #transmit}. */
    public int openActive(int iss, long now, int localPort, int remotePort) {
        return 0;
    }

    /**
     * Takes a checked segment of {@code length} bytes with its header at {@code at}, up to 64 KiB as a super-segment; its checksum was
     * verified. Sends nothing, marks what is to be sent.
     *
     * @return event bits
     */
    public int onSegment(MemorySegment s, long at, int length, long now) {
        return 0;
    }

    /**
     * Handles timers that have come due; harmless if none has.
     *
     * @return event bits
     */
    public int onTimer(long now) {
        return 0;
    }

    /** The earliest timer on the clock of {@code now}, or {@link Long#MAX_VALUE}. */
    public long deadline() {
        return Long.MAX_VALUE;
    }

    /**
     * Sends what may be sent now: SYN, RST, retransmissions and new data up to {@code budget} payload bytes together, FIN, and one ACK if
     * nothing else carried it. To be called at the end of each batch, after timers and after user calls.
     */
    public void transmit(long now, int budget) {}

    /** True if {@link #transmit} with a budget would send something now. */
    public boolean wantsTransmit() {
        return false;
    }

    /** In-order bytes received since the last ACK we sent. */
    public int unacknowledged() {
        return 0;
    }

    /** The outgoing bytes. Always the same object; it owns memory only while needed. */
    public SendRing sendRing() {
        return ring;
    }

    /**
     * Gets room for {@code wanted} bytes in the send ring, or for as many as the profile and the shard's budget allow. Unused room is given
     * back at the next {@link #transmit}.
     *
     * @return bytes that may be written and committed now; 0 if there are none, or output is shut down or the connection not open
     */
    public int reserveSend(int wanted) {
        return ring.reserve(wanted, 1 << 16);
    }

    /**
     * Offers kept in-order data to {@link TcpOutput#deliver} again.
     *
     * @return event bits
     */
    public int drain(long now) {
        return 0;
    }

    /** FIN follows the queued data; receiving goes on. */
    public void shutdownOutput(long now) {}

    /**
     * The user is done with both directions: FIN follows the queued data; unread data, or data that arrives from now on, resets the
     * connection (RFC 9293 §3.6.1).
     */
    public void close(long now) {}

    /** Ends it at once: RST at the next {@link #transmit}, memory is given back now, no event follows. */
    public void abort(long now) {}

    /** Gives all memory back without a word to the peer; for owners that end. */
    public void release() {}

    /** Payload bytes of a full segment we send, options of every segment deducted. */
    public int sendMss() {
        return profile.mss();
    }

    public TcpState state() {
        return TcpState.CLOSED;
    }

    public int localPort() {
        return 0;
    }

    public int remotePort() {
        return 0;
    }

    /** In-order bytes that {@link TcpOutput#deliver} has not taken yet. */
    public int undelivered() {
        return 0;
    }

    /** Smoothed round-trip time in ns, 0 before the first sample. */
    public long roundTripTime() {
        return 0;
    }

    public TcpProfile profile() {
        return profile;
    }

    public Snapshot snapshot() {
        return new Snapshot(state(), 0, 0, sendMss(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, deadline());
    }
}
