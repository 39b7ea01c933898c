package dev.sluice.stack.tcp;

import java.lang.foreign.MemorySegment;

/**
 * Connections in TIME-WAIT, in compact form and bounded number: when full, the oldest is forgotten. Keys are 4-tuples as two
 * {@code long}s in any encoding that is the same each time (for IPv4: both addresses, both ports).
 */
public final class TimeWaitTable {
    /** Result: no such connection. */
    public static final int ABSENT = -1;
    /** Result: the segment is dealt with, nothing to send. */
    public static final int IGNORE = 0;
    /** Result: a SYN that may open the connection anew; it was forgotten, use {@link #reopenIss} as lower bound. */
    public static final int REOPEN = -2;

    public TimeWaitTable(TcpShard shard, int capacity) {}

    /** Remembers a connection that reported {@link Tcb.Events#TIME_WAIT}. */
    public void add(long high, long low, Tcb tcb, long now) {}

    /**
     * Answers a checked segment, if it belongs to a remembered connection.
     *
     * @return {@link #ABSENT}, {@link #IGNORE}, {@link #REOPEN}, or the length of an ACK's header built at {@link
     *     TcpShard#HEADER_AT} of {@link TcpShard#header}
     */
    public int onSegment(long high, long low, MemorySegment s, long at, int length, long now) {
        return ABSENT;
    }

    /** After {@link #REOPEN}: an initial sequence number that no old segment of ours can reach. */
    public int reopenIss(int iss) {
        return iss;
    }

    /** Forgets what has expired. */
    public void expire(long now) {}

    public int size() {
        return 0;
    }
}
