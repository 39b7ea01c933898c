package dev.sluice.stack.tcp;

import java.lang.foreign.MemorySegment;

/**
 * The flow's outgoing bytes from the first unacknowledged to the last written: send queue and retransmission buffer in one. The
 * user reads its source straight into the free space ({@link Tcb#reserveSend}, the four {@code free…} methods, {@link #commit});
 * output takes payload from it by stream position, position 0 being the first byte after the SYN. A range that runs over the end
 * of the memory has a second part at {@link #wrapAt}.
 *
 * <p>Owns a block of its shard's pool only while it holds bytes or a reservation; the block is given back when everything is
 * acknowledged. So {@link #memory} may change in every call of the {@code Tcb}; never keep it.
 */
public final class SendRing {
    /** First block: what one read of a socket fills at most times. */
    static final int SMALLEST = 1 << 16;

    private final BufferShare source;
    private final int maximum;
    private MemorySegment memory = MemorySegment.NULL;
    /** Bytes of {@link #memory}, a power of two; 0 while none is owned. */
    private int capacity;
    /** What was held at most since it was last empty: the next block is of that size, so that a busy stream isn't copied to grow. */
    private int most;
    /** Position of the first byte held: nothing before it is needed any more. */
    private long start;
    /** Position after the last byte written. */
    private long end;

    SendRing(BufferShare source, int maximum) {
        this.source = source;
        this.maximum = maximum;
    }

    /** The memory that all offsets here refer to; {@link MemorySegment#NULL} while none is owned. */
    public MemorySegment memory() {
        return memory;
    }

    /** Bytes held: unacknowledged and unsent. */
    public int size() {
        return (int) (end - start);
    }

    /** Bytes that can be written without growing. */
    public int free() {
        return capacity - size();
    }

    public int capacity() {
        return capacity;
    }

    /** Position of the first unacknowledged byte. */
    public long start() {
        return start;
    }

    /** Position after the last byte written. */
    public long end() {
        return end;
    }

    /** Offset of the first free byte. */
    public long freeAt() {
        return capacity == 0 ? 0 : end & (capacity - 1);
    }

    /** Free bytes from {@link #freeAt} to the end of the memory or of the free space. */
    public int freeLength() {
        return (int) Math.min(free(), capacity - freeAt());
    }

    /** Free bytes that continue at {@link #wrapAt}. */
    public int freeWrapLength() {
        return free() - freeLength();
    }

    /** Adds the first {@code count} free bytes, just written by the caller, to the stream. */
    public void commit(int count) {
        if (count < 0 || count > free()) {
            throw new IllegalArgumentException("commit of " + count + " bytes with " + free() + " free");
        }
        if (start == end && count > 0) {
            most = 0; // it begins anew
        }
        end += count;
        most = Math.max(most, size());
    }

    /** Offset of the byte at {@code position}. */
    public long at(long position) {
        return capacity == 0 ? 0 : position & (capacity - 1);
    }

    /** How many of {@code length} bytes from {@code position} lie in the first part. */
    public int firstPart(long position, int length) {
        return (int) Math.min(length, capacity - at(position));
    }

    /** Where the second part of any range starts. */
    public long wrapAt() {
        return 0;
    }

    /**
     * Makes room for {@code wanted} more bytes, or for as many as maximum and share allow.
     *
     * @return bytes free
     */
    int reserve(int wanted) {
        long needed = Math.min(maximum, (long) size() + Math.max(wanted, 1));
        if (capacity == 0) {
            needed = Math.max(needed, most);
        }
        int target = needed <= SMALLEST ? SMALLEST : Integer.highestOneBit((int) needed - 1) << 1;
        // If the share has no block of that size, a smaller one may still be had.
        while (target > capacity && !grow(target)) {
            target >>= 1;
            if (target < SMALLEST) {
                break;
            }
        }
        return free();
    }

    private boolean grow(int size) {
        MemorySegment block = source.take(size);
        if (block == null) {
            return false;
        }
        MemorySegment old = memory;
        int held = size();
        if (held > 0) {
            int first = firstPart(start, held);
            place(block, size, start, old, at(start), first);
            place(block, size, start + first, old, 0, held - first);
        }
        if (capacity > 0) {
            source.give(old);
        }
        memory = block;
        capacity = size;
        return true;
    }

    private static void place(MemorySegment to, int size, long position, MemorySegment from, long at, int length) {
        long target = position & (size - 1);
        long first = Math.min(length, size - target);
        MemorySegment.copy(from, at, to, target, first);
        MemorySegment.copy(from, at + first, to, 0, length - first);
    }

    /** Forgets everything before {@code position}: it is acknowledged. */
    void release(long position) {
        start = position;
        if (start == end) {
            releaseMemory();
        }
    }

    /** Gives the memory back if no byte is held; also an unused reservation. */
    void trim() {
        if (start == end) {
            releaseMemory();
        }
    }

    /** Gives everything back, bytes held or not. */
    void clear() {
        start = end;
        releaseMemory();
    }

    private void releaseMemory() {
        if (capacity > 0) {
            source.give(memory);
            memory = MemorySegment.NULL;
            capacity = 0;
        }
    }
}
