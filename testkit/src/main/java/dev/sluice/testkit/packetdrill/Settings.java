package dev.sluice.testkit.packetdrill;

import dev.sluice.stack.tcp.TcpProfile;
import dev.sluice.stack.tcp.TcpTuning;
import dev.sluice.testkit.packetdrill.Script.Dialect;

/** What a script's system settings say, for sockets made after. */
final class Settings {
    private static final long MILLIS = 1_000_000L;
    private static final long SECONDS = 1_000_000_000L;

    final Dialect dialect;
    final boolean ipv6;
    int mtu = 1500;
    /** Of what size are the packets in a row that come as one ({@code --mss}). */
    int packetMss = Integer.MAX_VALUE;

    boolean sack = true;
    boolean timestamps = true;
    boolean windowScaling = true;
    TcpProfile.Ecn ecn = TcpProfile.Ecn.ACCEPT;
    /** SYNs that ask for it before one that does not. */
    int ecnSyns = 1;
    /** Control segments and retransmissions, too, shall say that they may be marked, which ours never does. */
    boolean ecnEverywhere;
    /** SYNs ask for a kind of ECN that ours does not have (RFC 9768). */
    boolean asksForAccurateEcn;

    /** Largest buffer that may be asked for; the scale of windows covers it. 0 for the profile's. */
    long largestBuffer;

    int receiveSpace;
    int sendSpace;
    /** Closed ports answer nothing. */
    boolean blackhole;

    boolean insecureReset;
    boolean insecureSyn;
    /** Listeners remember nothing of a handshake (RFC 4987 §3.6). */
    boolean cookiesOnly;
    /** Segments with SYN and FIN get no answer. */
    boolean dropSynFin;

    /** How long after its end a connection with timestamps may be opened anew from here; −1 for never. */
    long reopenAfter = -1;

    boolean icmpMayReset = true;
    boolean dropOptions;
    boolean pathMtuDiscovery = true;
    int defaultMss;
    long rtoInitial;
    long rtoMin;
    long rtoSlop;
    long delayedAck;
    int quickAcks;
    TcpProfile.Congestion congestion = TcpProfile.Congestion.NEW_RENO;
    /** {@code TCP_MAXSEG} that was set is told before there is a connection. */
    final boolean tellsMaximumSegment;

    private final boolean roundsWindowsDown;
    private final boolean acknowledgesReaction;

    /** Losses are found by time, with probes. */
    boolean rack;

    boolean duplicateSack;
    long synTimeout;
    long keepAliveIdle = 7200 * SECONDS;
    long keepAliveInterval = 75 * SECONDS;
    int keepAliveProbes;
    boolean keepAliveAlways;

    Settings(Version version, boolean ipv6) {
        this.dialect = version.dialect;
        this.ipv6 = ipv6;
        largestBuffer = version.largestBuffer;
        delayedAck = version.delayedAckMillis * MILLIS;
        rtoInitial = version.rtoInitialMillis * MILLIS;
        duplicateSack = version.duplicateSack;
        tellsMaximumSegment = version.tellsMaximumSegment;
        roundsWindowsDown = version.roundsWindowsDown;
        acknowledgesReaction = version.acknowledgesReaction;
        defaultMss = ipv6 ? 1220 : 536;
        switch (dialect) {
            case LINUX -> {
                receiveSpace = 0;
                sendSpace = 4 << 20;
                rtoMin = 200 * MILLIS;
                quickAcks = 16;
                congestion = TcpProfile.Congestion.CUBIC;
                rack = true;
                synTimeout = 127 * SECONDS;
                keepAliveProbes = 9;
            }
            case SLUICE -> {
                receiveSpace = 0;
                sendSpace = 1 << 20;
                rtoMin = 200 * MILLIS;
                synTimeout = 180 * SECONDS;
                keepAliveProbes = 9;
            }
            case FREEBSD -> {
                receiveSpace = 1 << 16;
                sendSpace = 1 << 15;
                ecnSyns = 2;
                rtoMin = 30 * MILLIS;
                rtoSlop = 200 * MILLIS;
                synTimeout = 75 * SECONDS;
                keepAliveProbes = 8;
            }
        }
    }

    int mss() {
        return mtu - (ipv6 ? 60 : 40);
    }

    /** The buffer of a connection: FreeBSD makes it whole segments of {@code mss} bytes. */
    int connectedBuffer(int asked, int mss) {
        return dialect == Dialect.FREEBSD ? (asked + mss - 1) / mss * mss : asked;
    }

    /** The smallest shift by which a window covers the largest buffer. */
    private int windowShift(SocketOptions options) {
        if (largestBuffer == 0) {
            return -1;
        }
        // A buffer that was asked for does not grow on Linux, which holds twice as much, overhead included.
        boolean fixed = dialect == Dialect.LINUX && options.receiveBuffer > 0;
        long largestBuffer = fixed ? options.receiveBuffer : this.largestBuffer;
        int shift = 0;
        while (shift < 14 && 65535L << shift < largestBuffer) {
            shift++;
        }
        return shift;
    }

    /**
     * How connections of a socket behave.
     *
     * @throws IllegalArgumentException if our stack cannot be set up so
     */
    TcpProfile profile(SocketOptions options) {
        TcpProfile base = TcpProfile.lan(1500);
        int receive = options.receiveBuffer > 0 ? options.receiveBuffer : receiveSpace;
        boolean freebsd = dialect == Dialect.FREEBSD;
        boolean bare = options.noOptions;
        int mss = options.maximumSegment > 0 ? Math.min(options.maximumSegment, mss()) : mss();
        return base.withMss(mss, Math.min(defaultMss, 1220))
                .withBuffers(
                        Math.max(receive == 0 ? 1 << 20 : 1 << 14, powerOfTwo(freebsd ? receive + mss : receive)),
                        4 << 20)
                .withNagle(!options.noDelay)
                .withCork(options.cork)
                .withSack(sack && !bare)
                .withTimestamps(timestamps && !bare)
                .withStrictTimestamps(false)
                .withCongestionControl(congestion)
                .withRack(rack)
                .withEcn(ecn)
                .withDuplicateSack(duplicateSack)
                .withDelayedAck(delayedAck)
                .withRto(rtoInitial, Math.min(rtoMin, rtoInitial), Math.max(rtoInitial, base.rtoMax()))
                .withKeepAlive(
                        options.keepAlive || keepAliveAlways ? options.keepAliveIdle : 0,
                        options.keepAliveInterval,
                        options.keepAliveProbes)
                .withTimeouts(
                        options.synTimeout,
                        options.userTimeout > 0 ? options.userTimeout : base.userTimeout(),
                        options.finWait2,
                        base.timeWait())
                .with(TcpTuning.DEFAULT
                        .withReceiveLimit(receive)
                        .withWholeSegments(freebsd)
                        .withRoundWindowsDown(roundsWindowsDown)
                        .withTellMss(!bare)
                        .withWindowScaling(windowScaling && !bare)
                        .withWindowShift(windowShift(options))
                        .withBlindAttackDefence(!insecureReset && !insecureSyn)
                        .withQuickAcks(quickAcks)
                        .withRtoSlop(rtoSlop)
                        // Linux bounds the variation instead of the whole.
                        .withRtoMargin(dialect == Dialect.LINUX ? rtoMin : 0)
                        .withRepeatFin(freebsd)
                        .withTimeSynAck(!freebsd)
                        .withSmallSegments(
                                switch (dialect) {
                                    case LINUX -> TcpTuning.SmallSegments.MINSHALL;
                                    case FREEBSD -> TcpTuning.SmallSegments.BURST;
                                    case SLUICE -> TcpTuning.SmallSegments.STRICT;
                                })
                        .withKeepFinOfSyn(!freebsd)
                        .withResetUnread(!freebsd)
                        .withDelayFin(dialect == Dialect.LINUX)
                        .withEcnSyns(ecnSyns)
                        .withReportWhenResending(freebsd)
                        .withBareReports(freebsd)
                        .withAcknowledgeReaction(acknowledgesReaction)
                        .withSlowStartSegments(dialect == Dialect.LINUX ? 1000 : 2)
                        .withPlainSynAfter(dropOptions ? 3 : 0));
    }

    private static int powerOfTwo(int n) {
        return n <= 1 ? 1 : Integer.highestOneBit(n - 1) << 1;
    }
}
