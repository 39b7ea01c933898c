package dev.sluice.stack.tcp;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Received bytes that the user has not taken: an in-order part ({@link #start}–{@link #next}) and pieces beyond holes ({@link
 * #ahead}). A byte at stream offset o lies at o modulo the capacity, so pieces become in-order without being moved. A connection has
 * one only while it holds such bytes; the objects are pooled by the shard, the memory comes of its holder's {@link BufferShare}.
 */
final class ReceiveRing {
    /** Smallest block: lost and reordered segments come in small numbers. */
    private static final int SMALLEST = BufferPool.MIN_BLOCK;
    /** SACK blocks in a segment. */
    static final int MOST_BLOCKS = 4;

    /** Where memory comes from while it serves a connection. */
    BufferShare source;

    private MemorySegment memory = MemorySegment.NULL;
    private int capacity;
    /** Offset of the first byte not taken. */
    private long start;
    /** Offset after the last in-order byte: RCV.NXT, a FIN not counted. */
    private long next;

    /** Whose it is while it is one of the {@link Laggards}, and its neighbours there. */
    @Nullable
    Receiver laggard;

    @Nullable
    ReceiveRing before;

    @Nullable
    ReceiveRing after;

    final IntervalSet ahead = new IntervalSet();
    /** Places of the latest pieces beyond holes, the newest first: SACK repeats them in this order (RFC 2018 §4). */
    private final long[] latest = new long[MOST_BLOCKS];

    ReceiveRing(BufferShare source) {
        this.source = source;
    }

    void open(long at) {
        start = at;
        next = at;
    }

    long next() {
        return next;
    }

    /** In-order bytes held. */
    int buffered() {
        return (int) (next - start);
    }

    boolean isEmpty() {
        return next == start && ahead.isEmpty();
    }

    int capacity() {
        return capacity;
    }

    MemorySegment memory() {
        return memory;
    }

    /** Offset in {@link #memory} of the first in-order byte. */
    long at() {
        return start & (capacity - 1);
    }

    /** In-order bytes before the memory wraps. */
    int firstPart() {
        return (int) Math.min(buffered(), capacity - at());
    }

    /** The user took {@code count} in-order bytes. */
    void take(int count) {
        start += count;
    }

    /** {@code count} in-order bytes went to the user directly; only while none are held. */
    void skip(int count) {
        start += count;
        next += count;
    }

    /** Appends in-order bytes, as many as maximum and share allow; returns how many. */
    int append(MemorySegment s, long at, int length, int maximum) {
        int count = length;
        if (!ensure(next + count, maximum)) {
            count = (int) Math.max(0, Math.min(count, start + capacity - next));
        }
        if (count > 0) {
            put(memory, capacity, next, s, at, count);
            next += count;
        }
        return count;
    }

    /** What became of bytes beyond a hole. */
    enum Insertion {
        KEPT,
        NO_MEMORY,
        TOO_MANY_HOLES
    }

    /** Keeps bytes beyond a hole, all or none. */
    Insertion insert(long offset, MemorySegment s, long at, int length, int maximum) {
        if (!ensure(offset + length, maximum)) {
            return Insertion.NO_MEMORY;
        }
        if (!ahead.add(offset, offset + length)) {
            return Insertion.TOO_MANY_HOLES;
        }
        put(memory, capacity, offset, s, at, length);
        remember(offset);
        return Insertion.KEPT;
    }

    /** The piece around {@code offset} is the newest; it is listed once. */
    private void remember(long offset) {
        int piece = ahead.firstEndingAfter(offset);
        int i = 0;
        while (i < MOST_BLOCKS - 1 && ahead.firstEndingAfter(latest[i]) != piece) {
            i++;
        }
        System.arraycopy(latest, 0, latest, 1, i);
        latest[0] = offset;
    }

    /** The index in {@link #ahead} of the piece that was the {@code n}th latest, or −1 if it is no longer beyond a hole. */
    int latest(int n) {
        int i = ahead.firstEndingAfter(latest[n]);
        return i < ahead.size() && ahead.from(i) <= latest[n] ? i : -1;
    }

    /** Moves the in-order end over pieces that are no longer beyond a hole. */
    void join() {
        while (!ahead.isEmpty() && ahead.from(0) <= next) {
            next = Math.max(next, ahead.to(0));
            ahead.trimBelow(next);
        }
    }

    private boolean ensure(long end, int maximum) {
        long needed = end - start;
        if (needed <= capacity) {
            return true;
        }
        if (needed > maximum) {
            return false;
        }
        int size = Math.max(SMALLEST, Integer.highestOneBit((int) needed - 1) << 1);
        MemorySegment block = source.take(size);
        if (block == null) {
            return false;
        }
        if (capacity > 0) {
            move(start, next, block, size);
            for (int i = 0; i < ahead.size(); i++) {
                move(ahead.from(i), ahead.to(i), block, size);
            }
            source.give(memory);
        }
        memory = block;
        capacity = size;
        return true;
    }

    private void move(long from, long to, MemorySegment block, int size) {
        long at = from & (capacity - 1);
        int first = (int) Math.min(to - from, capacity - at);
        put(block, size, from, memory, at, first);
        put(block, size, from + first, memory, 0, (int) (to - from) - first);
    }

    private static void put(MemorySegment to, int size, long offset, MemorySegment from, long at, int length) {
        long target = offset & (size - 1);
        long first = Math.min(length, size - target);
        MemorySegment.copy(from, at, to, target, first);
        MemorySegment.copy(from, at + first, to, 0, length - first);
    }

    /** Gives the memory back; the object may then serve another connection. */
    void clear() {
        if (capacity > 0) {
            source.give(memory);
            memory = MemorySegment.NULL;
            capacity = 0;
        }
        ahead.clear();
        Arrays.fill(latest, 0);
        start = next;
    }

    /** The ring's shortest description, for messages. */
    @Override
    public String toString() {
        return start + "–" + next + " " + ahead;
    }
}
