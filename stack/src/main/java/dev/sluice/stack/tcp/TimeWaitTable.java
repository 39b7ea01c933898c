package dev.sluice.stack.tcp;

import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Connections in TIME-WAIT, in compact form and bounded number: when full, the oldest is forgotten. Keys are 4-tuples as two
 * {@code long}s in any encoding that is the same each time (for IPv4: both addresses, both ports).
 *
 * <p>All stay equally long, so entries lie in a circle in order of expiry; one that starts its time anew moves to the end. Lookup
 * goes through chains of a hash table whose hash is keyed, as guests choose the ports.
 */
public final class TimeWaitTable {
    /** Result: no such connection. */
    public static final int ABSENT = -1;
    /** Result: the segment is dealt with, nothing to send. */
    public static final int IGNORE = 0;
    /** Result: a SYN that may open the connection anew; the old one is forgotten, {@link #reopenIss} has the lower bound. */
    public static final int REOPEN = -2;

    private static final int END = -1;
    private static final byte FREE = 0;
    private static final byte PLAIN = 1;
    private static final byte STAMPED = 2;
    /** Added to these: a SYN inside the window is answered as RFC 793 says. */
    private static final byte RFC_793 = 4;

    private static final long MILLIS = 1_000_000L;
    private static final long ANSWER_PERIOD = 1_000_000_000L;
    /** Answers to bare acknowledgments in a period, of the whole table. */
    private static final int MOST_ANSWERS = 100;

    private final TcpShard shard;
    private final int capacity;
    private final long[] high;
    private final long[] low;
    private final long[] expires;
    private final int[] sendNext;
    private final int[] receiveNext;
    private final int[] recentTimestamp;
    private final int[] timestampOffset;
    private final char[] window;
    private final byte[] kind;
    /** Next slot of the same bucket, or {@link #END}. */
    private final int[] chain;

    private final int[] buckets;
    /** Slot of the oldest entry, and how many slots from there are taken (some of them free again). */
    private int head;

    private int span;
    private int size;
    private long evicted;
    private int lastSendNext;
    private long timeWait;
    private int answers;
    private long answersSince;

    /** For at most {@code capacity} connections. */
    public TimeWaitTable(TcpShard shard, int capacity) {
        this.shard = shard;
        this.capacity = capacity;
        high = new long[capacity];
        low = new long[capacity];
        expires = new long[capacity];
        sendNext = new int[capacity];
        receiveNext = new int[capacity];
        recentTimestamp = new int[capacity];
        timestampOffset = new int[capacity];
        window = new char[capacity];
        kind = new byte[capacity];
        chain = new int[capacity];
        buckets = new int[Math.max(2, Integer.highestOneBit(capacity) << 1)];
        Arrays.fill(buckets, END);
    }

    /** Remembers a connection that reported {@link Tcb.Events#TIME_WAIT}. */
    public void add(long high, long low, Tcb tcb, long now) {
        int old = find(high, low);
        if (old != END) {
            remove(old);
        }
        timeWait = tcb.profile().timeWait();
        int slot = append(high, low, now + timeWait);
        sendNext[slot] = tcb.sendNext();
        receiveNext[slot] = tcb.receiveNext();
        recentTimestamp[slot] = tcb.timestamps.recent();
        timestampOffset[slot] = tcb.timestamps.offset();
        window[slot] = (char) tcb.fullWindow();
        int rules = tcb.profile().tuning().blindAttackDefence() ? 0 : RFC_793;
        kind[slot] = (byte) (rules | (tcb.timestamps.on() ? STAMPED : PLAIN));
    }

    /**
     * Answers a checked segment, if it belongs to a remembered connection (RFC 9293 §3.10.7.4, RFC 1337, RFC 6191).
     *
     * @return {@link #ABSENT}, {@link #IGNORE}, {@link #REOPEN}, or the length of the header of an ACK, or under
     *     RFC 793's rules of a reset, built at {@link TcpShard#HEADER_AT} of {@link TcpShard#header}
     */
    public int onSegment(long high, long low, MemorySegment s, long at, int length, long now) {
        int slot = size == 0 ? END : find(high, low);
        if (slot == END) {
            return ABSENT;
        }
        if (now - expires[slot] >= 0) {
            remove(slot);
            return ABSENT;
        }
        Segment segment = shard.segment();
        segment.read(s, at, length);
        if (segment.has(TcpHeader.RST)) {
            return IGNORE;
        }
        boolean stamped = isStamped(slot);
        if ((segment.flags & (TcpHeader.SYN | TcpHeader.ACK)) == TcpHeader.SYN) {
            boolean later = stamped && segment.hasTimestamps && segment.timestamp - recentTimestamp[slot] > 0;
            if (later || SeqNum.lt(receiveNext[slot], segment.sequence)) {
                lastSendNext = sendNext[slot];
                remove(slot);
                return REOPEN;
            }
        }
        if ((segment.flags & (TcpHeader.SYN | TcpHeader.ACK)) == 0) {
            return IGNORE;
        }
        if (segment.has(TcpHeader.SYN) && (kind[slot] & RFC_793) != 0 && isInWindow(slot)) {
            int reset = write(slot, segment, TcpHeader.RST | TcpHeader.ACK, now);
            shard.counters().resetsOut++;
            remove(slot);
            return reset;
        }
        if (segment.span() == 0 && (segment.sequence == receiveNext[slot] || !mayAnswer(now))) {
            return IGNORE;
        }
        if (segment.has(TcpHeader.FIN)) {
            slot = renew(slot, now + timeWait);
        }
        return write(slot, segment, TcpHeader.ACK, now);
    }

    private boolean isStamped(int slot) {
        return (kind[slot] & STAMPED) != 0;
    }

    /** Whether a SYN is where RFC 793 p. 71 resets; as the scale is forgotten, what is sure to be inside the window counts. */
    private boolean isInWindow(int slot) {
        return Integer.compareUnsigned(shard.segment().sequence - receiveNext[slot], window[slot]) < 0;
    }

    /** An answer to a bare acknowledgment could be answered in turn, for ever, so these have a limit (RFC 5961 §7). */
    private boolean mayAnswer(long now) {
        if (now - answersSince >= ANSWER_PERIOD) {
            answersSince = now;
            answers = 0;
        }
        if (answers >= MOST_ANSWERS) {
            shard.counters().challengeAcksSuppressed++;
            return false;
        }
        answers++;
        return true;
    }

    private int write(int slot, Segment segment, int flags, long now) {
        MemorySegment h = shard.header();
        long o = TcpShard.HEADER_AT + TcpHeader.MIN_LENGTH;
        if (isStamped(slot)) {
            int clock = (int) (now / MILLIS) + timestampOffset[slot];
            o = OptionsWriter.timestamps(h, o, clock, recentTimestamp[slot]);
        }
        int headerLength = (int) (o - TcpShard.HEADER_AT);
        TcpHeader.write(
                h,
                TcpShard.HEADER_AT,
                segment.destinationPort,
                segment.sourcePort,
                sendNext[slot],
                receiveNext[slot],
                headerLength,
                flags,
                (flags & TcpHeader.RST) == 0 ? window[slot] : 0);
        shard.counters().segmentsOut++;
        return headerLength;
    }

    /** After {@link #REOPEN}: {@code iss}, moved on if old segments of ours could still reach it (RFC 9293 §3.4.3). */
    public int reopenIss(int iss) {
        int lowest = lastSendNext + 65536;
        return SeqNum.lt(iss, lowest) ? lowest : iss;
    }

    /** Forgets what has expired. */
    public void expire(long now) {
        while (span > 0 && (kind[head] == FREE || now - expires[head] >= 0)) {
            dropHead();
        }
    }

    /** Whether a connection is in TIME-WAIT at {@code now}. */
    public boolean contains(long high, long low, long now) {
        int slot = find(high, low);
        return slot != END && now - expires[slot] < 0;
    }

    public int size() {
        return size;
    }

    /** Entries forgotten early, for lack of room. */
    public long evicted() {
        return evicted;
    }

    private int find(long high, long low) {
        for (int slot = buckets[bucket(high, low)]; slot != END; slot = chain[slot]) {
            if (this.high[slot] == high && this.low[slot] == low) {
                return slot;
            }
        }
        return END;
    }

    private int bucket(long high, long low) {
        return (int) shard.isn().hash(high, low) & (buckets.length - 1);
    }

    /** A new entry at the end of the circle, its place made by forgetting the oldest if need be. */
    private int append(long high, long low, long expiry) {
        if (span == capacity) {
            if (kind[head] != FREE) {
                evicted++;
            }
            dropHead();
        }
        int slot = (head + span) % capacity;
        span++;
        size++;
        this.high[slot] = high;
        this.low[slot] = low;
        expires[slot] = expiry;
        int bucket = bucket(high, low);
        chain[slot] = buckets[bucket];
        buckets[bucket] = slot;
        return slot;
    }

    /** The entry starts its time anew, so it becomes the last. */
    private int renew(int old, long expiry) {
        int send = sendNext[old];
        int receive = receiveNext[old];
        int recent = recentTimestamp[old];
        int offset = timestampOffset[old];
        char offered = window[old];
        byte what = kind[old];
        long h = high[old];
        long l = low[old];
        remove(old);
        int slot = append(h, l, expiry);
        sendNext[slot] = send;
        receiveNext[slot] = receive;
        recentTimestamp[slot] = recent;
        timestampOffset[slot] = offset;
        window[slot] = offered;
        kind[slot] = what;
        return slot;
    }

    private void dropHead() {
        if (kind[head] != FREE) {
            remove(head);
        }
        head = (head + 1) % capacity;
        span--;
    }

    private void remove(int slot) {
        int bucket = bucket(high[slot], low[slot]);
        if (buckets[bucket] == slot) {
            buckets[bucket] = chain[slot];
        } else {
            int before = buckets[bucket];
            while (chain[before] != slot) {
                before = chain[before];
            }
            chain[before] = chain[slot];
        }
        kind[slot] = FREE;
        size--;
    }
}
