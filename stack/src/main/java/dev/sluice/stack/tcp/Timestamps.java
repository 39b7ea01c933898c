package dev.sluice.stack.tcp;

import java.lang.foreign.MemorySegment;

/** The timestamps option of one connection (RFC 7323): our clock for the peer, the peer's for the echo, and PAWS. */
final class Timestamps {
    private static final long MILLIS = 1_000_000L;
    /** After 24 days of silence a timestamp may have wrapped and proves nothing (RFC 7323 §5.5). */
    private static final long PAWS_AGE = 24 * 86_400_000L * MILLIS;

    private boolean on;
    private boolean strict;
    /** TS.Recent. */
    private int recent;
    /** Added to our clock, so that it does not tell how long we run. */
    private int offset;

    /** Before the handshake: whether we would like to. */
    void open(TcpProfile profile, int offset) {
        this.on = profile.timestamps();
        this.strict = profile.strictTimestamps();
        this.offset = offset;
    }

    /** From the peer's SYN. */
    void agree(Segment segment, boolean wanted) {
        on = wanted && segment.hasTimestamps;
        if (on) {
            recent = segment.timestamp;
        }
    }

    boolean on() {
        return on;
    }

    int recent() {
        return recent;
    }

    int offset() {
        return offset;
    }

    /** Option bytes in every segment. */
    int length() {
        return on ? OptionsWriter.TIMESTAMPS_LENGTH : 0;
    }

    /** True if the segment is from the past (RFC 7323 §5.2); {@code silence} is the time since the peer was last heard. */
    boolean refuses(Segment segment, long silence) {
        return on && segment.hasTimestamps && segment.timestamp - recent < 0 && silence < PAWS_AGE;
    }

    /** True if the segment lacks what both sides agreed to put into each (RFC 7323 §3.2). */
    boolean misses(Segment segment) {
        return on && strict && !segment.hasTimestamps;
    }

    /** From a segment that begins at or before Last.ACK.sent (RFC 7323 §4.3). */
    void remember(Segment segment) {
        if (on && segment.hasTimestamps) {
            recent = segment.timestamp;
        }
    }

    /** Time since we sent what the segment echoes, in ns; −1 if it does not tell. */
    long elapsed(Segment segment, long now) {
        return on && segment.hasTimestamps && segment.echo != 0 ? (clock(now) - segment.echo) * MILLIS : -1;
    }

    private int clock(long now) {
        return (int) (now / MILLIS) + offset;
    }

    /** Writes the option, if it is on; returns the offset after it. */
    long write(MemorySegment s, long at, boolean echo, long now) {
        return on ? OptionsWriter.timestamps(s, at, clock(now), echo ? recent : 0) : at;
    }
}
