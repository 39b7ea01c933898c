package dev.sluice.stack.tcp;

import java.util.function.Consumer;

/**
 * How a connection behaves; the protocol is the same in every profile. Immutable: {@code with…} makes another one. Begin with {@link
 * #guest} or {@link #lan}. Times are nanoseconds, sizes bytes. A new setting is a field with its getter and its {@code with…}.
 */
public final class TcpProfile implements Cloneable {
    /** The kinds of congestion control. */
    public enum Congestion {
        /** A link without routers: the peer's window is the only limit until a timeout shows real loss. */
        ONE_HOP,
        /** RFC 5681 and 6582. */
        NEW_RENO,
        /** RFC 9438. */
        CUBIC
    }

    /** Explicit congestion notification (RFC 3168). */
    public enum Ecn {
        /** Never. */
        OFF,
        /** If the peer asks for it. */
        ACCEPT,
        /** Asked for in our SYNs, too. */
        REQUEST
    }

    /** Largest {@link #superSegment}: IP's 65535 bytes less all headers. */
    public static final int MAX_SUPER_SEGMENT = 65535 - 96;

    private static final long MILLIS = 1_000_000L;
    private static final long SECONDS = 1_000_000_000L;

    // Written only before a profile is handed out; the first value is the one of both kinds of profile.

    private int mss;
    private int defaultMss = 536;
    private int superSegment;
    private int receiveWindow;
    private int sendBuffer;

    private Congestion congestionControl;
    private boolean nagle;
    private boolean cork;
    private boolean sack = true;
    private boolean duplicateSack;
    private boolean rack;
    private Ecn ecn = Ecn.OFF;
    private boolean timestamps = true;
    private boolean strictTimestamps;
    private long delayedAck;
    private long answerWait;

    private long rtoInitial = SECONDS;
    private long rtoMin = 200 * MILLIS;
    private long rtoMax;
    private long synTimeout;
    private long userTimeout;
    private long finWait2 = 60 * SECONDS;
    private long timeWait;
    private long keepAliveIdle;
    private long keepAliveInterval = 75 * SECONDS;
    private int keepAliveProbes = 9;
    private TcpTuning tuning = TcpTuning.DEFAULT;

    private TcpProfile(int mtu, Congestion congestionControl) {
        this.mss = mtu - 40;
        this.congestionControl = congestionControl;
    }

    /** For the guest side of a gateway: one lossless hop of IPv4 with {@code mtu}. */
    public static TcpProfile guest(int mtu) {
        TcpProfile p = new TcpProfile(mtu, Congestion.ONE_HOP);
        p.superSegment = MAX_SUPER_SEGMENT;
        p.receiveWindow = 4 << 20;
        p.sendBuffer = 4 << 20;
        p.rtoMax = 8 * SECONDS;
        p.synTimeout = 60 * SECONDS;
        p.userTimeout = 7200 * SECONDS;
        p.timeWait = 10 * SECONDS;
        return p.checked();
    }

    /** For a host on an IPv4 network with {@code mtu}. */
    public static TcpProfile lan(int mtu) {
        TcpProfile p = new TcpProfile(mtu, Congestion.CUBIC);
        p.receiveWindow = 1 << 20;
        p.sendBuffer = 1 << 20;
        p.nagle = true;
        p.duplicateSack = true;
        p.rack = true;
        p.ecn = Ecn.ACCEPT;
        p.strictTimestamps = true;
        p.delayedAck = 40 * MILLIS;
        p.rtoMax = 60 * SECONDS;
        p.synTimeout = 180 * SECONDS;
        p.userTimeout = 900 * SECONDS;
        p.timeWait = 60 * SECONDS;
        return p.checked();
    }

    private TcpProfile with(Consumer<TcpProfile> change) {
        try {
            TcpProfile other = (TcpProfile) clone();
            change.accept(other);
            return other.checked();
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    private TcpProfile checked() {
        require(mss >= 64 && mss <= 65495, "mss", mss);
        require(defaultMss >= 64 && defaultMss <= 1220, "defaultMss", defaultMss);
        require(superSegment >= 0 && superSegment <= MAX_SUPER_SEGMENT, "superSegment", superSegment);
        require(isPower(receiveWindow, 1 << 14), "receiveWindow", receiveWindow);
        require(isPower(sendBuffer, 1 << 16), "sendBuffer", sendBuffer);
        require(delayedAck >= 0 && delayedAck < 500 * MILLIS, "delayedAck", delayedAck);
        require(answerWait >= 0 && answerWait < 500 * MILLIS, "answerWait", answerWait);
        require(rtoMin > 0 && rtoMin <= rtoInitial, "rtoMin", rtoMin);
        require(rtoMax >= rtoInitial, "rtoMax", rtoMax);
        require(tuning.receiveLimit() <= receiveWindow, "receiveLimit", tuning.receiveLimit());
        require(synTimeout > 0 && userTimeout > 0 && finWait2 > 0 && timeWait > 0, "a timeout", 0);
        require(keepAliveIdle >= 0 && keepAliveInterval > 0, "keepAliveIdle", keepAliveIdle);
        require(keepAliveProbes > 0 && keepAliveProbes < 128, "keepAliveProbes", keepAliveProbes);
        return this;
    }

    private static boolean isPower(int size, int least) {
        return Integer.bitCount(size) == 1 && size >= least && size <= 1 << 26;
    }

    static void require(boolean condition, String name, long value) {
        if (!condition) {
            throw new IllegalArgumentException("TcpProfile: " + name + " cannot be " + value);
        }
    }

    // ---- Sizes

    /** Payload of the largest segment we can receive and our path can carry, without options: MTU − 40 over IPv4; 64–65495. */
    public int mss() {
        return mss;
    }

    /** What a peer without MSS option is assumed to receive: 536 over IPv4, 1220 over IPv6 (RFC 9293 §3.7.1). */
    public int defaultMss() {
        return defaultMss;
    }

    public TcpProfile withMss(int mss, int defaultMss) {
        return with(p -> {
            p.mss = mss;
            p.defaultMss = defaultMss;
        });
    }

    /**
     * Largest payload handed to {@link TcpOutput#segment} at once, which then is cut to the send MSS further down; 0 for one segment at a
     * time; at most {@link #MAX_SUPER_SEGMENT}.
     */
    public int superSegment() {
        return superSegment;
    }

    public TcpProfile withSuperSegment(int bytes) {
        return with(p -> p.superSegment = bytes);
    }

    /** Most bytes we hold for the user and ever offer the peer, a power of two within 16 KiB–64 MiB. */
    public int receiveWindow() {
        return receiveWindow;
    }

    /** Most bytes held in the send ring, a power of two within 64 KiB–64 MiB. */
    public int sendBuffer() {
        return sendBuffer;
    }

    public TcpProfile withBuffers(int receiveWindow, int sendBuffer) {
        return with(p -> {
            p.receiveWindow = receiveWindow;
            p.sendBuffer = sendBuffer;
        });
    }

    // ---- Features

    /** How the sending rate is limited. */
    public Congestion congestionControl() {
        return congestionControl;
    }

    public TcpProfile withCongestionControl(Congestion kind) {
        return with(p -> p.congestionControl = kind);
    }

    /** Whether a partial segment waits for the acknowledgment of the data before it (RFC 9293 §3.7.4). */
    public boolean nagle() {
        return nagle;
    }

    public TcpProfile withNagle(boolean on) {
        return with(p -> p.nagle = on);
    }

    /** Whether a partial segment waits for more data: until that fills it, an end, or a retransmission timeout at most. */
    public boolean cork() {
        return cork;
    }

    public TcpProfile withCork(boolean on) {
        return with(p -> p.cork = on);
    }

    /** Whether selective acknowledgments are used if the peer agrees (RFC 2018). */
    public boolean sack() {
        return sack;
    }

    public TcpProfile withSack(boolean on) {
        return with(p -> p.sack = on);
    }

    /** Whether data that came twice is reported by SACK (RFC 2883). */
    public boolean duplicateSack() {
        return duplicateSack;
    }

    public TcpProfile withDuplicateSack(boolean on) {
        return with(p -> p.duplicateSack = on);
    }

    /** Whether losses are found by time, with tail loss probes, if SACK is agreed (RFC 8985); else by counting. */
    public boolean rack() {
        return rack;
    }

    public TcpProfile withRack(boolean on) {
        return with(p -> p.rack = on);
    }

    public Ecn ecn() {
        return ecn;
    }

    public TcpProfile withEcn(Ecn ecn) {
        return with(p -> p.ecn = ecn);
    }

    /** Whether a segment without timestamp is dropped once they are agreed on (RFC 7323 §3.2). */
    public boolean strictTimestamps() {
        return strictTimestamps;
    }

    public TcpProfile withStrictTimestamps(boolean on) {
        return with(p -> p.strictTimestamps = on);
    }

    /** Whether timestamps are used if the peer agrees (RFC 7323). */
    public boolean timestamps() {
        return timestamps;
    }

    public TcpProfile withTimestamps(boolean on) {
        return with(p -> p.timestamps = on);
    }

    /** How long an acknowledgment may wait for company, below 500 ms; 0 sends it at the next {@link Tcb#transmit}. */
    public long delayedAck() {
        return delayedAck;
    }

    public TcpProfile withDelayedAck(long delay) {
        return with(p -> p.delayedAck = delay);
    }

    /**
     * How long an acknowledgment may wait for the answer that carries it, below 500 ms, on a connection where answers come in half that
     * time, three in a row; 0 for never. If whoever stands behind a held SYN is connected in that time, it is as near as one who has done so.
     */
    public long answerWait() {
        return answerWait;
    }

    public TcpProfile withAnswerWait(long time) {
        return with(p -> p.answerWait = time);
    }

    // ---- Times

    /** First retransmission timeout, before the round trip is known. */
    public long rtoInitial() {
        return rtoInitial;
    }

    /** Smallest retransmission timeout. */
    public long rtoMin() {
        return rtoMin;
    }

    /** Largest retransmission timeout, also between zero-window probes. */
    public long rtoMax() {
        return rtoMax;
    }

    public TcpProfile withRto(long initial, long min, long max) {
        return with(p -> {
            p.rtoInitial = initial;
            p.rtoMin = min;
            p.rtoMax = max;
        });
    }

    /** How long the handshake may take from our first SYN. */
    public long synTimeout() {
        return synTimeout;
    }

    /** R2 of RFC 9293 §3.8.3: how long the peer may leave us without any sign while we retransmit or probe. */
    public long userTimeout() {
        return userTimeout;
    }

    public TcpProfile withUserTimeout(long time) {
        return with(p -> p.userTimeout = time);
    }

    /** How long a connection that the user closed waits for the peer's FIN. */
    public long finWait2() {
        return finWait2;
    }

    /** 2 MSL. */
    public long timeWait() {
        return timeWait;
    }

    public TcpProfile withTimeouts(long synTimeout, long userTimeout, long finWait2, long timeWait) {
        return with(p -> {
            p.synTimeout = synTimeout;
            p.userTimeout = userTimeout;
            p.finWait2 = finWait2;
            p.timeWait = timeWait;
        });
    }

    /** Silence before the first keep-alive probe; 0 for never, the default (RFC 9293 §3.8.4). */
    public long keepAliveIdle() {
        return keepAliveIdle;
    }

    /** Time between keep-alive probes. */
    public long keepAliveInterval() {
        return keepAliveInterval;
    }

    /** Unanswered probes that end the connection. */
    public int keepAliveProbes() {
        return keepAliveProbes;
    }

    /** With keep-alive probes after {@code idle} of silence (0: none), {@code probes} of them, {@code interval} apart. */
    public TcpProfile withKeepAlive(long idle, long interval, int probes) {
        return with(p -> {
            p.keepAliveIdle = idle;
            p.keepAliveInterval = interval;
            p.keepAliveProbes = probes;
        });
    }

    /** What hardly anybody needs to change. */
    public TcpTuning tuning() {
        return tuning;
    }

    public TcpProfile with(TcpTuning tuning) {
        return with(p -> p.tuning = tuning);
    }

    @Override
    public String toString() {
        return "mss " + mss + ", super " + superSegment + ", buffers " + receiveWindow + "/" + sendBuffer + ", "
                + congestionControl + (nagle ? ", nagle" : "") + (sack ? ", sack" : "") + (rack ? ", rack" : "")
                + ", ecn " + ecn
                + (timestamps ? ", timestamps" : "") + ", delayed ACK " + delayedAck / MILLIS + " ms"
                + (answerWait > 0 ? ", waits " + answerWait / MILLIS + " ms for answers" : "");
    }
}
