package dev.sluice.stack.share;

import org.jspecify.annotations.Nullable;

/** What one party holds, and may hold, of something bounded: the whole, a part of it, or a part of a part. */
public final class Share {
    /** A part is guaranteed the bound divided by this, as long as that leaves half of it for thresholds. */
    private static final int GUARANTEED = 64;

    /** The whole of all wholes, which has the bound; may be this. */
    private final Share all;
    /** What this is a part of; null if it is the whole. */
    private final @Nullable Share whole;

    private final long limit;
    /** Always the sum of what the parts hold, and of what was taken here. */
    private long held;
    /** Those made and not ended. */
    private int parts;

    private long refusals;

    private Share(@Nullable Share whole, long limit) {
        this.whole = whole;
        this.limit = limit;
        this.all = whole == null ? this : whole.all;
    }

    /** The whole of something of which there is {@code limit}. */
    public static Share of(long limit) {
        return new Share(null, limit);
    }

    /** A part of this, for one more party. */
    public Share part() {
        parts++;
        return new Share(this, limit);
    }

    /** The party is gone; what it still holds it gives back as before. */
    public void end() {
        if (whole != null) {
            whole.parts--;
        }
    }

    /** Whether {@code more} may be taken, by the bound and a threshold of {@code factor} times what is free, or the guarantee. */
    public boolean may(long more, int factor) {
        long kept = isWhole() || isGuaranteed(more) ? 0 : limit / GUARANTEED;
        return all.held + more <= limit - kept && isEntitled(more, factor);
    }

    /** The same as far as it is this party's: if there is nothing left, others have it. */
    public boolean isEntitled(long more, int factor) {
        return isWithin(more, factor) || isGuaranteed(more);
    }

    /** Whether {@code more} would still be within the minimum that nobody else can keep it from. */
    public boolean isGuaranteed(long more) {
        return held + more <= guaranteed();
    }

    /** Whether it holds more than its threshold, as others have come since it took that, and more than its minimum. */
    public boolean isOver(int factor) {
        return !isWithin(0, factor) && !isGuaranteed(0);
    }

    private boolean isWithin(long more, int factor) {
        for (Share s = this; s != null; s = s.whole) {
            if (s.held + more > s.allowance(more, factor)) {
                return false;
            }
        }
        return true;
    }

    /** What it may hold once {@code more} has been taken. */
    private long allowance(long more, int factor) {
        Share of = whole;
        if (of == null) {
            return limit;
        }
        long most = of.allowance(more, factor);
        boolean alone = of.whole != null && of.parts == 1;
        return alone ? most : factor * Math.max(0, most - of.held - more);
    }

    /** The minimum, at least one; of the whole, what all minimums come of. */
    public long guaranteed() {
        Share of = whole;
        if (of == null) {
            return limit / 2;
        }
        return Math.max(1, Math.min(limit / GUARANTEED, of.guaranteed() / Math.max(1, of.parts)));
    }

    /** Something was taken, whether or not it {@link #may} be. */
    public void take(long count) {
        for (Share s = this; s != null; s = s.whole) {
            s.held += count;
        }
    }

    /** Something that was taken here is given back. */
    public void give(long count) {
        for (Share s = this; s != null; s = s.whole) {
            s.held -= count;
        }
    }

    /** Something was asked for and not had. */
    public void refused() {
        refusals++;
    }

    /** How often {@link #refused} was called. */
    public long refusals() {
        return refusals;
    }

    /** What it and its parts hold. */
    public long held() {
        return held;
    }

    /** The bound, of which this is the whole or a part. */
    public long limit() {
        return limit;
    }

    /** What this is a part of; itself if it is the whole. */
    public Share whole() {
        return whole == null ? this : whole;
    }

    public boolean isWhole() {
        return whole == null;
    }
}
