package dev.sluice.stack.tcp;

/**
 * How a connection behaves; the protocol is the same in every profile. Times are nanoseconds, sizes bytes.
 *
 * @param mss payload of the largest segment we can receive and our path can carry, without options: MTU − 40 over IPv4; 64–65495
 * @param defaultMss what a peer without MSS option is assumed to receive: 536 over IPv4, 1220 over IPv6 (RFC 9293 §3.7.1)
 * @param superSegment largest payload handed to {@link TcpOutput#segment} at once, which then is cut to the send MSS further
 *     down; 0 for one segment at a time; at most 65535 − 96
 * @param receiveWindow most bytes we hold for the user and ever offer the peer, a power of two within 16 KiB–64 MiB
 * @param sendBuffer most bytes held in the send ring, a power of two within 64 KiB–64 MiB
 * @param congestionControl how the sending rate is limited
 * @param nagle whether a partial segment waits for the acknowledgment of the data before it (RFC 9293 §3.7.4)
 * @param sack whether selective acknowledgments are used if the peer agrees (RFC 2018)
 * @param timestamps whether timestamps are used if the peer agrees (RFC 7323)
 * @param delayedAck how long an acknowledgment may wait for company, below 500 ms; 0 sends it at the next {@link Tcb#transmit}
 * @param rtoInitial first retransmission timeout, before the round trip is known
 * @param rtoMin smallest retransmission timeout
 * @param rtoMax largest retransmission timeout, also between zero-window probes
 * @param synTimeout how long the handshake may take from our first SYN
 * @param userTimeout R2 of RFC 9293 §3.8.3: how long the peer may leave us without any sign while we retransmit or probe
 * @param finWait2 how long a connection that the user closed waits for the peer's FIN
 * @param timeWait 2 MSL
 * @param keepAliveIdle silence before the first keep-alive probe; 0 for never, the default (RFC 9293 §3.8.4)
 * @param keepAliveInterval time between keep-alive probes
 * @param keepAliveProbes unanswered probes that end the connection
 * @param tuning what hardly anybody needs to change
 */
public record TcpProfile(
        int mss,
        int defaultMss,
        int superSegment,
        int receiveWindow,
        int sendBuffer,
        Congestion congestionControl,
        boolean nagle,
        boolean sack,
        boolean timestamps,
        long delayedAck,
        long rtoInitial,
        long rtoMin,
        long rtoMax,
        long synTimeout,
        long userTimeout,
        long finWait2,
        long timeWait,
        long keepAliveIdle,
        long keepAliveInterval,
        int keepAliveProbes,
        Tuning tuning) {

    /** The kinds of congestion control. */
    public enum Congestion {
        /** A link without routers: the peer's window is the only limit until a timeout shows real loss. */
        ONE_HOP,
        /** RFC 5681 and 6582. */
        NEW_RENO
    }

    /**
     * What hardly anybody needs to change, but for imitating another stack or an old one.
     *
     * @param receiveLimit most bytes ever offered, at most {@code receiveWindow}; 0 for a little below it
     * @param windowScaling whether the option is offered and accepted (RFC 7323)
     * @param windowShift the scale of the windows we offer, 0–14; −1 for the smallest that fits
     * @param blindAttackDefence RFC 5961's rules for resets and SYNs inside the window; otherwise those of RFC 793
     * @param quickAcks data segments at the begin of a connection that are acknowledged at once, as the peer is in slow start
     * @param rtoSlop added to every retransmission timeout but the first of a SYN
     * @param repeatFin whether acknowledgments carry our FIN until it is acknowledged
     * @param plainSynAfter SYNs with options before those with the MSS option only, for peers that cannot bear them; 0 for never
     */
    public record Tuning(
            int receiveLimit,
            boolean windowScaling,
            int windowShift,
            boolean blindAttackDefence,
            int quickAcks,
            long rtoSlop,
            boolean repeatFin,
            int plainSynAfter) {
        public static final Tuning DEFAULT = new Tuning(0, true, -1, true, 0, 0, false, 0);

        public Tuning {
            require(receiveLimit >= 0, "receiveLimit", receiveLimit);
            require(windowShift >= -1 && windowShift <= 14, "windowShift", windowShift);
            require(quickAcks >= 0 && quickAcks <= 100, "quickAcks", quickAcks);
            require(rtoSlop >= 0, "rtoSlop", rtoSlop);
        }
    }

    /** Largest {@link #superSegment}: IP's 65535 bytes less all headers. */
    public static final int MAX_SUPER_SEGMENT = 65535 - 96;

    private static final long MILLIS = 1_000_000L;
    private static final long SECONDS = 1_000_000_000L;

    public TcpProfile {
        require(mss >= 64 && mss <= 65495, "mss", mss);
        require(defaultMss >= 64 && defaultMss <= 1220, "defaultMss", defaultMss);
        require(superSegment >= 0 && superSegment <= MAX_SUPER_SEGMENT, "superSegment", superSegment);
        require(
                Integer.bitCount(receiveWindow) == 1 && receiveWindow >= 1 << 14 && receiveWindow <= 1 << 26,
                "receiveWindow",
                receiveWindow);
        require(
                Integer.bitCount(sendBuffer) == 1 && sendBuffer >= 1 << 16 && sendBuffer <= 1 << 26,
                "sendBuffer",
                sendBuffer);
        require(delayedAck >= 0 && delayedAck < 500 * MILLIS, "delayedAck", delayedAck);
        require(tuning.receiveLimit <= receiveWindow, "receiveLimit", tuning.receiveLimit);
        require(rtoMin > 0 && rtoMin <= rtoInitial && rtoInitial <= rtoMax, "rtoMin", rtoMin);
    }

    private static void require(boolean condition, String name, long value) {
        if (!condition) {
            throw new IllegalArgumentException("TcpProfile: " + name + " cannot be " + value);
        }
    }

    /** For the guest side of a gateway: one lossless hop of IPv4 with {@code mtu}. */
    public static TcpProfile guest(int mtu) {
        return new TcpProfile(
                mtu - 40,
                536,
                MAX_SUPER_SEGMENT,
                4 << 20,
                4 << 20,
                Congestion.ONE_HOP,
                false,
                true,
                true,
                0,
                SECONDS,
                200 * MILLIS,
                8 * SECONDS,
                60 * SECONDS,
                7200 * SECONDS,
                60 * SECONDS,
                10 * SECONDS,
                0,
                75 * SECONDS,
                9,
                Tuning.DEFAULT);
    }

    /** For a host on an IPv4 network with {@code mtu}. */
    public static TcpProfile lan(int mtu) {
        return new TcpProfile(
                mtu - 40,
                536,
                0,
                1 << 20,
                1 << 20,
                Congestion.NEW_RENO,
                true,
                true,
                true,
                40 * MILLIS,
                SECONDS,
                200 * MILLIS,
                60 * SECONDS,
                180 * SECONDS,
                900 * SECONDS,
                60 * SECONDS,
                60 * SECONDS,
                0,
                75 * SECONDS,
                9,
                Tuning.DEFAULT);
    }

    /** The same with other buffer sizes. */
    public TcpProfile withBuffers(int receiveWindow, int sendBuffer) {
        return new TcpProfile(
                mss,
                defaultMss,
                superSegment,
                receiveWindow,
                sendBuffer,
                congestionControl,
                nagle,
                sack,
                timestamps,
                delayedAck,
                rtoInitial,
                rtoMin,
                rtoMax,
                synTimeout,
                userTimeout,
                finWait2,
                timeWait,
                keepAliveIdle,
                keepAliveInterval,
                keepAliveProbes,
                tuning);
    }

    /** The same with other features. */
    public TcpProfile with(int superSegment, boolean nagle, boolean sack, boolean timestamps) {
        return new TcpProfile(
                mss,
                defaultMss,
                superSegment,
                receiveWindow,
                sendBuffer,
                congestionControl,
                nagle,
                sack,
                timestamps,
                delayedAck,
                rtoInitial,
                rtoMin,
                rtoMax,
                synTimeout,
                userTimeout,
                finWait2,
                timeWait,
                keepAliveIdle,
                keepAliveInterval,
                keepAliveProbes,
                tuning);
    }

    /** The same with keep-alive probes after {@code idle} of silence (0: none), {@code probes} of them, {@code interval} apart. */
    public TcpProfile withKeepAlive(long idle, long interval, int probes) {
        return new TcpProfile(
                mss,
                defaultMss,
                superSegment,
                receiveWindow,
                sendBuffer,
                congestionControl,
                nagle,
                sack,
                timestamps,
                delayedAck,
                rtoInitial,
                rtoMin,
                rtoMax,
                synTimeout,
                userTimeout,
                finWait2,
                timeWait,
                idle,
                interval,
                probes,
                tuning);
    }

    /** The same with another R2 and handshake limit. */
    public TcpProfile withTimeouts(long synTimeout, long userTimeout, long finWait2, long timeWait) {
        return new TcpProfile(
                mss,
                defaultMss,
                superSegment,
                receiveWindow,
                sendBuffer,
                congestionControl,
                nagle,
                sack,
                timestamps,
                delayedAck,
                rtoInitial,
                rtoMin,
                rtoMax,
                synTimeout,
                userTimeout,
                finWait2,
                timeWait,
                keepAliveIdle,
                keepAliveInterval,
                keepAliveProbes,
                tuning);
    }

    /** The same with another delay of acknowledgments, first and smallest timeout. */
    public TcpProfile withDelays(long delayedAck, long rtoInitial, long rtoMin) {
        return new TcpProfile(
                mss,
                defaultMss,
                superSegment,
                receiveWindow,
                sendBuffer,
                congestionControl,
                nagle,
                sack,
                timestamps,
                delayedAck,
                rtoInitial,
                rtoMin,
                rtoMax,
                synTimeout,
                userTimeout,
                finWait2,
                timeWait,
                keepAliveIdle,
                keepAliveInterval,
                keepAliveProbes,
                tuning);
    }

    /** The same for another path: the largest segment it carries, and what a silent peer is assumed to receive. */
    public TcpProfile withMss(int mss, int defaultMss) {
        return new TcpProfile(
                mss,
                defaultMss,
                superSegment,
                receiveWindow,
                sendBuffer,
                congestionControl,
                nagle,
                sack,
                timestamps,
                delayedAck,
                rtoInitial,
                rtoMin,
                rtoMax,
                synTimeout,
                userTimeout,
                finWait2,
                timeWait,
                keepAliveIdle,
                keepAliveInterval,
                keepAliveProbes,
                tuning);
    }

    /** The same, tuned. */
    public TcpProfile with(Tuning tuning) {
        return new TcpProfile(
                mss,
                defaultMss,
                superSegment,
                receiveWindow,
                sendBuffer,
                congestionControl,
                nagle,
                sack,
                timestamps,
                delayedAck,
                rtoInitial,
                rtoMin,
                rtoMax,
                synTimeout,
                userTimeout,
                finWait2,
                timeWait,
                keepAliveIdle,
                keepAliveInterval,
                keepAliveProbes,
                tuning);
    }
}
