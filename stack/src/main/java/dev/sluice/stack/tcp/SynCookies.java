package dev.sluice.stack.tcp;

import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;

/**
 * Handshakes of which nothing is remembered (RFC 4987 §3.6): for listeners under a flood of SYNs. Our initial sequence number is a
 * keyed hash of addresses, ports, the peer's number and the minute, and holds the peer's segment size; with timestamps agreed, the low bits
 * of ours hold the window scale and SACK, else both are given up for that connection. The ACK that completes the handshake brings all
 * of it back.
 */
public final class SynCookies {
    /** Segment sizes that a cookie can hold; the largest not above the peer's is taken. */
    private static final int[] SIZES = {64, 536, 1220, 1360, 1440, 1460, 4312, 8960};

    private static final long MILLIS = 1_000_000L;
    /** How long a cookie counts, in units of {@link #UNIT}. */
    private static final int LIFE = 2;

    private static final long UNIT = 64_000_000_000L;
    private static final int HASH = 0xff_ffff;
    private static final long FIRST_HASH = 0x5157_4e31_5157_4e31L;
    private static final long SECOND_HASH = 0x2b7e_1516_28ae_d2a6L;

    /** Low bits of our timestamp: four of the scale (15: none), SACK, ECN. */
    private static final int OPTION_BITS = 0x3f;

    private static final int NO_SCALE = 15;
    private static final int SACK = 0x10;
    private static final int ECN = 0x20;

    private final TcpShard shard;
    private final TcpProfile profile;
    private final int scale;
    private final int window;
    /** When the last cookie was made; an ACK long after that can't be of one. */
    private long lastMade;

    private boolean made;

    public SynCookies(TcpShard shard, TcpProfile profile) {
        this.shard = shard;
        this.profile = profile;
        Receiver receiver = new Receiver(shard, profile);
        this.scale = receiver.scale();
        this.window = receiver.advertiseInSyn();
    }

    /**
     * Answers a checked SYN with a SYN-ACK built at {@link TcpShard#HEADER_AT} of {@link TcpShard#header}.
     *
     * @param high with {@code low}, the 4-tuple in the encoding that {@link #isCookie} is asked with
     * @return length of the SYN-ACK's header
     */
    public int answer(long high, long low, MemorySegment s, long at, int length, long now) {
        Segment segment = shard.segment();
        segment.read(s, at, length);
        int mss = segment.mss < 0 ? profile.defaultMss() : segment.mss;
        int size = 0;
        while (size + 1 < SIZES.length && SIZES[size + 1] <= mss) {
            size++;
        }
        int cookie = cookie(high, low, segment.sequence, size, unit(now));
        boolean stamped = profile.timestamps() && segment.hasTimestamps;
        boolean sack = stamped && profile.sack() && segment.sackPermitted;
        boolean scaled = stamped && segment.windowScale >= 0;
        boolean ecn = stamped
                && profile.ecn() != TcpProfile.Ecn.OFF
                && (segment.flags & (TcpHeader.ECE | TcpHeader.CWR)) == (TcpHeader.ECE | TcpHeader.CWR);
        MemorySegment header = shard.header();
        long o = OptionsWriter.mss(header, TcpShard.HEADER_AT + TcpHeader.MIN_LENGTH, profile.mss());
        if (sack) {
            o = OptionsWriter.sackPermitted(header, o);
        }
        if (stamped) {
            int bits = (scaled ? Math.min(segment.windowScale, 14) : NO_SCALE) | (sack ? SACK : 0) | (ecn ? ECN : 0);
            o = OptionsWriter.timestamps(
                    header, o, stamp(shard.timestampOffset(high, low), bits, now), segment.timestamp);
        }
        if (scaled) {
            o = OptionsWriter.windowScale(header, o, scale);
        }
        int headerLength = (int) (o - TcpShard.HEADER_AT);
        TcpHeader.write(
                header,
                TcpShard.HEADER_AT,
                segment.destinationPort,
                segment.sourcePort,
                cookie,
                segment.sequence + 1,
                headerLength,
                TcpHeader.SYN | TcpHeader.ACK | (ecn ? TcpHeader.ECE : 0),
                window);
        made = true;
        lastMade = now;
        shard.counters().segmentsOut++;
        shard.counters().cookiesSent++;
        return headerLength;
    }

    /** The clock that the connection will have, set back a little to carry the bits: later stamps are never smaller. */
    private static int stamp(int offset, int bits, long now) {
        int clock = (int) (now / MILLIS) + offset;
        int value = (clock & ~OPTION_BITS) | bits;
        return value - clock > 0 ? value - (OPTION_BITS + 1) : value;
    }

    /** True if the checked segment acknowledges a cookie of ours that still counts. */
    public boolean isCookie(long high, long low, MemorySegment s, long at, long now) {
        int flags = TcpHeader.flags(s, at) & (TcpHeader.SYN | TcpHeader.ACK | TcpHeader.RST);
        if (!made || now - lastMade > LIFE * UNIT || flags != TcpHeader.ACK) {
            return false;
        }
        return size(high, low, TcpHeader.sequence(s, at) - 1, TcpHeader.acknowledgment(s, at) - 1, now) >= 0;
    }

    /** Brings {@code tcb} to where the segment, for which {@link #isCookie} was true, can be its next: it completes the handshake. */
    public void open(Tcb tcb, long high, long low, MemorySegment s, long at, int length, long now) {
        Segment segment = shard.segment();
        segment.read(s, at, length);
        int cookie = segment.acknowledgment - 1;
        segment.mss = SIZES[Math.max(0, size(high, low, segment.sequence - 1, cookie, now))];
        segment.sequence--;
        segment.flags = TcpHeader.SYN;
        int bits = segment.echo;
        segment.sackPermitted = segment.hasTimestamps && (bits & SACK) != 0;
        segment.windowScale = segment.hasTimestamps && (bits & 0xf) != NO_SCALE ? bits & 0xf : -1;
        if (segment.hasTimestamps && (bits & ECN) != 0) {
            segment.flags |= TcpHeader.ECE | TcpHeader.CWR;
        }
        shard.counters().cookiesAccepted++;
        tcb.openFromCookie(high, low, segment, cookie, now);
    }

    /** The index of the segment size in {@code cookie}, or −1 if it is none of ours. */
    private int size(long high, long low, int peerIsn, int cookie, long now) {
        int rest = cookie - (int) hash(high, low, FIRST_HASH, 0) - peerIsn;
        long unit = unit(now);
        int age = (int) unit - (rest >>> 24) & 0xff;
        if (age > LIFE) {
            return -1;
        }
        int size = (rest - (int) hash(high, low, SECOND_HASH, unit - age)) & HASH;
        return size < SIZES.length ? size : -1;
    }

    private int cookie(long high, long low, int peerIsn, int size, long unit) {
        int held = (int) hash(high, low, SECOND_HASH, unit) + size & HASH;
        return (int) hash(high, low, FIRST_HASH, 0) + peerIsn + ((int) unit << 24 | held);
    }

    private long hash(long high, long low, long which, long unit) {
        return shard.isn().hash(high ^ which, low ^ unit << 32);
    }

    /** Of which a cookie holds the last eight bits, and its hash the others. */
    private static long unit(long now) {
        return Math.floorDiv(now, UNIT);
    }
}
