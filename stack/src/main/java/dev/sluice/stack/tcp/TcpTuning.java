package dev.sluice.stack.tcp;

import java.util.function.Consumer;

/**
 * What hardly anybody needs to change about a connection, but for imitating another stack or an old one. Immutable: begin with {@link
 * #DEFAULT}; {@code with…} makes another one.
 */
public final class TcpTuning implements Cloneable {
    /** Both kinds of profile have it. */
    public static final TcpTuning DEFAULT = new TcpTuning();

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

    /** RFC 5961's rules for resets and SYNs inside the window; otherwise those of RFC 793. */
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

    /** Added to every retransmission timeout but the first of a SYN. */
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
}
