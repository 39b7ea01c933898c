package dev.sluice.net;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A bounded stream of bytes from one thread at a time to one other, without locks: the loop is always one of the two and never waits.
 *
 * <p>A chain of chunks. The producer fills the last one and hangs a new one behind it; the consumer follows. What either side may touch
 * is said by {@code Chunk.written} and {@code Chunk.next}, both volatile and written by the producer only. A queue that never held a
 * byte owns no chunk, an empty one at most two; the bound is on bytes, chunks are small while little is on its way.
 */
final class ByteQueue {
    private static final int SMALL = 2 << 10;
    private static final int LARGE = 32 << 10;

    private static final class Chunk {
        final byte[] bytes;
        /** Bytes that are valid; only grows. */
        volatile int written;
        /** The chunk that follows, set when this one is full. */
        volatile @Nullable Chunk next;
        /** Bytes taken; the consumer's own. */
        int taken;

        Chunk(int size) {
            bytes = new byte[size];
        }
    }

    private final int capacity;
    private final AtomicReference<@Nullable Chunk> spare = new AtomicReference<>();

    /** The producer's: the chunk it fills. */
    private Chunk last;
    /** The consumer's: the chunk it reads. */
    private Chunk first;
    /** Bytes ever put in; written by the producer. */
    private volatile long produced;
    /** Bytes ever taken out; written by the consumer. */
    private volatile long consumed;

    ByteQueue(int capacity) {
        this.capacity = capacity;
        this.last = new Chunk(0);
        this.first = last;
    }

    int size() {
        // In this order a third thread, too, never sees less than nothing.
        long taken = consumed;
        return (int) (produced - taken);
    }

    boolean isEmpty() {
        return size() == 0;
    }

    int room() {
        return Math.max(0, capacity - size());
    }

    int capacity() {
        return capacity;
    }

    // ---- producer

    /** Puts in as much as there is room for and returns how much. */
    int write(MemorySegment source, long at, int length) {
        int total = Math.min(length, room());
        int done = 0;
        while (done < total) {
            Chunk chunk = writable(total - done);
            int written = chunk.written;
            int n = Math.min(total - done, chunk.bytes.length - written);
            MemorySegment.copy(source, ValueLayout.JAVA_BYTE, at + done, chunk.bytes, written, n);
            chunk.written = written + n;
            done += n;
        }
        produce(done);
        return done;
    }

    /** Puts in as much as there is room for and returns how much. */
    int write(byte[] source, int offset, int length) {
        int total = Math.min(length, room());
        int done = 0;
        while (done < total) {
            Chunk chunk = writable(total - done);
            int written = chunk.written;
            int n = Math.min(total - done, chunk.bytes.length - written);
            System.arraycopy(source, offset + done, chunk.bytes, written, n);
            chunk.written = written + n;
            done += n;
        }
        produce(done);
        return done;
    }

    private Chunk writable(int wanted) {
        Chunk chunk = last;
        int size = chunk.bytes.length;
        if (chunk.written < size) {
            return chunk;
        }
        int larger = Math.min(LARGE, Math.max(SMALL, Math.max(size, wanted)));
        Chunk next = spare.getAndSet(null);
        if (next == null || next.bytes.length < larger) {
            next = new Chunk(larger);
        } else {
            next.written = 0;
            next.taken = 0;
            next.next = null;
        }
        last = next;
        chunk.next = next;
        return next;
    }

    private void produce(int count) {
        if (count > 0) {
            long total = produced;
            produced = total + count;
        }
    }

    // ---- consumer

    /** Takes out up to {@code length} bytes and returns how many. */
    int read(byte[] target, int offset, int length) {
        int total = Math.min(length, size());
        int done = 0;
        while (done < total) {
            Chunk chunk = readable();
            int n = Math.min(total - done, chunk.written - chunk.taken);
            System.arraycopy(chunk.bytes, chunk.taken, target, offset + done, n);
            chunk.taken += n;
            done += n;
        }
        consume(done);
        return done;
    }

    /** Takes out up to {@code length} bytes and returns how many. */
    int read(MemorySegment target, long at, int length) {
        int total = Math.min(length, size());
        int done = 0;
        while (done < total) {
            Chunk chunk = readable();
            int n = Math.min(total - done, chunk.written - chunk.taken);
            MemorySegment.copy(chunk.bytes, chunk.taken, target, ValueLayout.JAVA_BYTE, at + done, n);
            chunk.taken += n;
            done += n;
        }
        consume(done);
        return done;
    }

    /** The chunk with the next byte; there is one, because {@link #size} said so. */
    private Chunk readable() {
        Chunk chunk = first;
        while (chunk.taken == chunk.written) {
            Chunk next = chunk.next;
            if (next == null) {
                throw new IllegalStateException("the producer has announced bytes it did not write");
            }
            first = next;
            if (chunk.bytes.length > 0) {
                spare.set(chunk);
            }
            chunk = next;
        }
        return chunk;
    }

    private void consume(int count) {
        if (count > 0) {
            long total = consumed;
            consumed = total + count;
        }
    }
}
