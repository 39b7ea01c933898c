package dev.sluice.stack.tcp;

import java.util.function.Consumer;

/**
 * What hardly anybody needs to change about a connection, but for imitating another stack or an old one. Immutable: begin with {@link
 * #DEFAULT}; {@code with…} makes another one.
 */
public final class TcpTuning implements Cloneable {
    /** Both kinds of profile have it. */
    public static final TcpTuning DEFAULT = new TcpTuning();

    /** When Nagle's algorithm lets a small segment go although data is in flight. */
    public enum SmallSegments {
        /** Never (RFC 9293 §3.7.4). */
        STRICT,
        /** If no small one is in flight (Minshall's variant). */
        MINSHALL,
        /** If it was written before the first of what is in flight left. */
        BURST
    }

    // Written only before an object is handed out.

    private int receiveLimit;
    private boolean wholeSegments;
    private boolean windowScaling = true;
    private int windowShift = -1;
    private boolean blindAttackDefence = true;
    private int quickAcks;
    private long rtoSlop;
    private long rtoMargin;
    private boolean repeatFin;
    private boolean delayFin;
    private boolean reportWhenResending;
    private int plainSynAfter;
    private int ecnSyns = 1;
    private boolean tellMss = true;
    private boolean keepFinOfSyn = true;
    private boolean resetUnread = true;
    private boolean roundWindowsDown;
    private boolean bareReports;
    private boolean acknowledgeReaction;
    private int slowStartSegments = 2;
    private SmallSegments smallSegments = SmallSegments.STRICT;
    private boolean timeSynAck = true;

    private TcpTuning() {}

    private TcpTuning with(Consumer<TcpTuning> change) {
        try {
            TcpTuning other = (TcpTuning) clone();
            change.accept(other);
            return other.checked();
        } catch (CloneNotSupportedException e) {
            throw new AssertionError(e);
        }
    }

    private TcpTuning checked() {
        TcpProfile.require(receiveLimit >= 0, "receiveLimit", receiveLimit);
        TcpProfile.require(windowShift >= -1 && windowShift <= 14, "windowShift", windowShift);
        TcpProfile.require(quickAcks >= 0 && quickAcks <= 100, "quickAcks", quickAcks);
        TcpProfile.require(rtoSlop >= 0, "rtoSlop", rtoSlop);
        TcpProfile.require(rtoMargin >= 0, "rtoMargin", rtoMargin);
        TcpProfile.require(ecnSyns >= 0 && ecnSyns <= 100, "ecnSyns", ecnSyns);
        TcpProfile.require(slowStartSegments >= 1 && slowStartSegments <= 1000, "slowStartSegments", slowStartSegments);
        return this;
    }

    /** Most bytes ever offered, at most {@link TcpProfile#receiveWindow}; 0 for a little below it. */
    public int receiveLimit() {
        return receiveLimit;
    }

    public TcpTuning withReceiveLimit(int bytes) {
        return with(t -> t.receiveLimit = bytes);
    }

    /** Whether {@link #receiveLimit} is made whole segments as soon as their size is agreed on. */
    public boolean wholeSegments() {
        return wholeSegments;
    }

    public TcpTuning withWholeSegments(boolean on) {
        return with(t -> t.wholeSegments = on);
    }

    /** Whether the option is offered and accepted (RFC 7323). */
    public boolean windowScaling() {
        return windowScaling;
    }

    public TcpTuning withWindowScaling(boolean on) {
        return with(t -> t.windowScaling = on);
    }

    /** The scale of the windows we offer, 0–14; −1 for the smallest that fits. */
    public int windowShift() {
        return windowShift;
    }

    public TcpTuning withWindowShift(int shift) {
        return with(t -> t.windowShift = shift);
    }

    /** RFC 5961's rules for resets and SYNs inside the window; otherwise those of RFC 793, for SYNs in TIME-WAIT, too. */
    public boolean blindAttackDefence() {
        return blindAttackDefence;
    }

    public TcpTuning withBlindAttackDefence(boolean on) {
        return with(t -> t.blindAttackDefence = on);
    }

    /** Data segments at the begin of a connection that are acknowledged at once, as the peer is in slow start; 0–100. */
    public int quickAcks() {
        return quickAcks;
    }

    public TcpTuning withQuickAcks(int segments) {
        return with(t -> t.quickAcks = segments);
    }

    /** Added to every retransmission timeout but the first before there is a sample. */
    public long rtoSlop() {
        return rtoSlop;
    }

    public TcpTuning withRtoSlop(long time) {
        return with(t -> t.rtoSlop = time);
    }

    /**
     * What a measured retransmission timeout is at least above the smoothed round trip, whose variation may be smaller; 0 for the granularity
     * of RFC 6298 §2.3.
     */
    public long rtoMargin() {
        return rtoMargin;
    }

    public TcpTuning withRtoMargin(long time) {
        return with(t -> t.rtoMargin = time);
    }

    /** Whether acknowledgments carry our FIN until it is acknowledged. */
    public boolean repeatFin() {
        return repeatFin;
    }

    public TcpTuning withRepeatFin(boolean on) {
        return with(t -> t.repeatFin = on);
    }

    /** Whether a FIN that follows earlier data is acknowledged after the delay of data; else at once. */
    public boolean delayFin() {
        return delayFin;
    }

    public TcpTuning withDelayFin(boolean on) {
        return with(t -> t.delayFin = on);
    }

    /**
     * Whether a retransmission, too, may tell the peer that we have slowed down (CWR); else only new data does, as RFC 3168 §6.1.2 has
     * it.
     */
    public boolean reportWhenResending() {
        return reportWhenResending;
    }

    public TcpTuning withReportWhenResending(boolean on) {
        return with(t -> t.reportWhenResending = on);
    }

    /** SYNs with options before those with the MSS option only, for peers that cannot bear them; 0 for never. */
    public int plainSynAfter() {
        return plainSynAfter;
    }

    public TcpTuning withPlainSynAfter(int syns) {
        return with(t -> t.plainSynAfter = syns);
    }

    /** SYNs that ask for ECN before one that does not, for paths that drop those (RFC 3168 §6.1.1.1); 0–100. */
    public int ecnSyns() {
        return ecnSyns;
    }

    public TcpTuning withEcnSyns(int syns) {
        return with(t -> t.ecnSyns = syns);
    }

    /** Whether SYNs tell the largest segment (RFC 9293 §3.7.1); a peer that is not told takes 536 bytes, or 1220. */
    public boolean tellMss() {
        return tellMss;
    }

    public TcpTuning withTellMss(boolean on) {
        return with(t -> t.tellMss = on);
    }

    /**
     * Whether a FIN in the SYN of a peer that opens at the same time is kept until both sides know each other, as RFC 9293 §3.10.7.3 says;
     * else it is forgotten, and the peer sends it again.
     */
    public boolean keepFinOfSyn() {
        return keepFinOfSyn;
    }

    public TcpTuning withKeepFinOfSyn(boolean on) {
        return with(t -> t.keepFinOfSyn = on);
    }

    /** Whether a close with unread data resets the connection (RFC 9293 SHLD-3); else FIN is sent, and the data is forgotten. */
    public boolean resetUnread() {
        return resetUnread;
    }

    public TcpTuning withResetUnread(boolean on) {
        return with(t -> t.resetUnread = on);
    }

    /**
     * Whether windows lose the bits that their scale cuts off, even if that takes back what was offered (RFC 7323 §2.4); else they are rounded
     * up while there is memory for it.
     */
    public boolean roundWindowsDown() {
        return roundWindowsDown;
    }

    public TcpTuning withRoundWindowsDown(boolean on) {
        return with(t -> t.roundWindowsDown = on);
    }

    /** Whether marks and the peer's word that it has slowed down (CWR) count in segments without data, too (RFC 3168 §6.1.3 is about data). */
    public boolean bareReports() {
        return bareReports;
    }

    public TcpTuning withBareReports(boolean on) {
        return with(t -> t.bareReports = on);
    }

    /** Whether the peer's word that it has slowed down (CWR) is acknowledged at once, which no RFC asks for. */
    public boolean acknowledgeReaction() {
        return acknowledgeReaction;
    }

    public TcpTuning withAcknowledgeReaction(boolean on) {
        return with(t -> t.acknowledgeReaction = on);
    }

    /** Segments by which slow start grows at most for one acknowledgment: 2 by RFC 3465 §2.2, more by RFC 9406 §4.2; 1–1000. */
    public int slowStartSegments() {
        return slowStartSegments;
    }

    public TcpTuning withSlowStartSegments(int segments) {
        return with(t -> t.slowStartSegments = segments);
    }

    /** What Nagle's algorithm makes wait. */
    public SmallSegments smallSegments() {
        return smallSegments;
    }

    public TcpTuning withSmallSegments(SmallSegments mode) {
        return with(t -> t.smallSegments = mode);
    }

    /** Whether the answer to a SYN-ACK without timestamps is a sample of the round trip (RFC 6298 §2). */
    public boolean timeSynAck() {
        return timeSynAck;
    }

    public TcpTuning withTimeSynAck(boolean on) {
        return with(t -> t.timeSynAck = on);
    }
}
