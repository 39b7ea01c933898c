package dev.sluice.stack.tcp;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The memory of all rings of one shard: blocks of power-of-two sizes under one budget. A returned block is kept and given out
 * first (LIFO), so that the next flow gets memory that is still in the caches; kept blocks count against the budget and are freed
 * when another size needs their place, or by {@link #trim} when nobody needed them for a while. Owned by one thread.
 */
public final class BufferPool implements AutoCloseable {
    /** Smallest block: 16 KiB. */
    public static final int MIN_BLOCK = 1 << 14;
    /** Largest block: 64 MiB. */
    public static final int MAX_BLOCK = 1 << 26;

    /** Blocks that their holders can do without. */
    interface Reserve {
        /** Gives back the one that matters least; false if there is none. */
        boolean giveUpOne();
    }

    /**
     * Largest block for which the reserve is given up, as long as there is one, and that may come of the last quarter of the budget: it holds
     * a super-segment wherever that begins. What more there is would only make somebody faster, and connections that stand still, each
     * with as much as it may hold, would leave nothing to those who have nothing.
     */
    static final int LARGEST_NEED = 1 << 17;

    private static final int MIN_LOG = 14;
    private static final int CLASSES = 26 - MIN_LOG + 1;

    private final NativeMemory memory;
    private final long budget;
    private final MemorySegment[][] kept = new MemorySegment[CLASSES][];
    private final int[] keptCount = new int[CLASSES];
    /** The fewest blocks kept at any time since the last {@link #trim}: so many were not needed. */
    private final int[] idle = new int[CLASSES];

    private Reserve reserve = () -> false;
    private long inUse;
    private long keptBytes;
    private long peak;
    private long refusals;

    /** A pool that holds at most {@code budget} bytes, in use and kept together. */
    public BufferPool(NativeMemory memory, long budget) {
        this.memory = memory;
        this.budget = budget;
        for (int i = 0; i < CLASSES; i++) {
            kept[i] = new MemorySegment[4];
        }
    }

    /** Asked when a small block cannot be had otherwise. */
    void reserve(Reserve blocks) {
        reserve = blocks;
    }

    /** A block of {@code size} bytes, a power of two within {@link #MIN_BLOCK}–{@link #MAX_BLOCK}; null (counted) above the budget. */
    @Nullable
    MemorySegment take(int size) {
        if (size > LARGEST_NEED && inUse + size > budget - budget / 4) {
            refusals++;
            return null;
        }
        MemorySegment block = keptOrNew(size);
        if (block == null && size <= LARGEST_NEED) {
            // As many of the smallest are enough.
            for (int n = size / MIN_BLOCK; block == null && n > 0 && reserve.giveUpOne(); n--) {
                block = keptOrNew(size);
            }
        }
        if (block == null) {
            refusals++;
            return null;
        }
        inUse += size;
        peak = Math.max(peak, inUse);
        return block;
    }

    private @Nullable MemorySegment keptOrNew(int size) {
        int index = index(size);
        MemorySegment block = null;
        if (keptCount[index] > 0) {
            block = kept[index][--keptCount[index]];
            idle[index] = Math.min(idle[index], keptCount[index]);
            keptBytes -= size;
        } else if (makeRoom(size)) {
            try {
                block = memory.allocate(size);
            } catch (OutOfMemoryError e) {
                // The system's limit is below ours: the same answer, and flows wait for each other's memory.
                block = null;
            }
        }
        return block;
    }

    /** Takes a block back. */
    void give(MemorySegment block) {
        int size = (int) block.byteSize();
        int index = index(size);
        inUse -= size;
        keptBytes += size;
        MemorySegment[] stack = kept[index];
        int count = keptCount[index];
        if (count == stack.length) {
            stack = new MemorySegment[count * 2];
            System.arraycopy(kept[index], 0, stack, 0, count);
            kept[index] = stack;
        }
        stack[count] = block;
        keptCount[index] = count + 1;
    }

    private boolean makeRoom(int size) {
        for (int i = CLASSES - 1; i >= 0; i--) {
            while (inUse + keptBytes + size > budget && keptCount[i] > 0) {
                freeOne(i);
            }
        }
        return inUse + keptBytes + size <= budget;
    }

    private void freeOne(int index) {
        int last = --keptCount[index];
        MemorySegment block = kept[index][last];
        kept[index][last] = MemorySegment.NULL;
        idle[index] = Math.min(idle[index], last);
        keptBytes -= block.byteSize();
        memory.free(block);
    }

    /** Frees what nobody has needed since the last call; to be called now and then while {@link #kept} is not 0. */
    public void trim() {
        for (int i = 0; i < CLASSES; i++) {
            for (int n = idle[i]; n > 0; n--) {
                freeOne(i);
            }
            idle[i] = keptCount[i];
        }
    }

    private static int index(int size) {
        return Integer.numberOfTrailingZeros(size) - MIN_LOG;
    }

    /** Bytes that flows hold now. */
    public long inUse() {
        return inUse;
    }

    /** Bytes kept for the next flow. */
    public long kept() {
        return keptBytes;
    }

    /** Most bytes flows held at one time. */
    public long peak() {
        return peak;
    }

    /** Requests turned down for the budget. */
    public long refusals() {
        return refusals;
    }

    public long budget() {
        return budget;
    }

    /** Frees the kept blocks; those in use stay their flows'. */
    @Override
    public void close() {
        for (int i = 0; i < CLASSES; i++) {
            while (keptCount[i] > 0) {
                freeOne(i);
            }
        }
    }
}
