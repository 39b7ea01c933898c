package dev.sluice.stack.tcp;

import dev.sluice.stack.share.Share;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The memory of all rings of one shard: blocks of power-of-two sizes under one budget. A returned block is kept and given out
 * first (LIFO), so that the next flow gets memory that is still in the caches; kept blocks count against the budget and are freed
 * when another size needs their place, or by {@link #trim} when nobody needed them for a while. Who may have how much is said by the
 * {@link BufferShare} that asks; undivided, one has all. Owned by one thread.
 */
public final class BufferPool implements AutoCloseable {
    /** Smallest block: 16 KiB. */
    public static final int MIN_BLOCK = 1 << 14;
    /** Largest block: 64 MiB. */
    public static final int MAX_BLOCK = 1 << 26;

    /**
     * Largest block for which {@link Laggards} give up theirs, and that may come of the last quarter of the budget: it holds a super-segment
     * wherever that begins. What more there is would only make somebody faster, and connections that stand still, each with as much as it may
     * hold, would leave nothing to those who have nothing.
     */
    static final int LARGEST_NEED = 1 << 17;

    /** Of blocks that are needed, a holder may have this many times what is free: nearly everything, if it is alone. */
    static final int NEED_FACTOR = 16;
    /** The same of larger blocks: two thirds, so that those who hold much leave room for their own next connections, too. */
    static final int SPEED_FACTOR = 2;

    private static final int MIN_LOG = 14;
    private static final int CLASSES = 26 - MIN_LOG + 1;

    private final NativeMemory memory;
    private final long budget;
    private final BufferShare whole;
    /** Those whose connections may hold something; the whole's first. */
    private final List<BufferShare> holders = new ArrayList<>();

    private final MemorySegment[][] kept = new MemorySegment[CLASSES][];
    private final int[] keptCount = new int[CLASSES];
    /** The fewest blocks kept at any time since the last {@link #trim}: so many were not needed. */
    private final int[] idle = new int[CLASSES];

    private long keptBytes;
    private long peak;
    private long refusals;
    private int owed;

    /** A pool that holds at most {@code budget} bytes, in use and kept together. */
    public BufferPool(NativeMemory memory, long budget) {
        this(memory, budget, new TcpCounters());
    }

    BufferPool(NativeMemory memory, long budget, TcpCounters counters) {
        this.memory = memory;
        this.budget = budget;
        this.whole = new BufferShare(this, Share.of(budget), counters);
        holders.add(whole);
        for (int i = 0; i < CLASSES; i++) {
            kept[i] = new MemorySegment[4];
        }
    }

    /** The undivided whole; its {@link BufferShare#share} is what parts are made of. */
    public BufferShare whole() {
        return whole;
    }

    void join(BufferShare holder) {
        holders.add(holder);
    }

    void leave(BufferShare holder) {
        holders.remove(holder);
    }

    /** A block of {@code size} bytes for who need not share. */
    @Nullable
    MemorySegment take(int size) {
        return take(size, whole);
    }

    /**
     * A block of {@code size} bytes, a power of two within {@link #MIN_BLOCK}–{@link #MAX_BLOCK}; null (counted) above the budget, or above what
     * the holder may have.
     */
    @Nullable
    MemorySegment take(int size, BufferShare holder) {
        MemorySegment block = holder.may(size) ? keptOrNew(size) : null;
        if (block == null && size <= LARGEST_NEED) {
            // As many of the smallest are enough.
            for (int n = size / MIN_BLOCK; block == null && n > 0 && giveUpOne(holder, size); n--) {
                block = holder.may(size) ? keptOrNew(size) : null;
            }
        }
        if (block == null) {
            refusals++;
            holder.share.refused();
            if (size <= LARGEST_NEED && !holder.may(size) && holder.share.isGuaranteed(size)) {
                owed = Math.max(owed, size);
            }
            return null;
        }
        holder.share.take(size);
        peak = Math.max(peak, inUse());
        return block;
    }

    /** A laggard makes room: of the holder's own, if it has its share; else of whoever holds most and has one. */
    private boolean giveUpOne(BufferShare holder, int size) {
        if (!holder.isEntitled(size)) {
            return holder.laggards.giveUpOne();
        }
        BufferShare most = null;
        for (int i = 0; i < holders.size(); i++) {
            BufferShare other = holders.get(i);
            if (other.laggards.hasOne() && (most == null || other.share.held() > most.share.held())) {
                most = other;
            }
        }
        return most != null && most.laggards.giveUpOne();
    }

    /**
     * The largest block that was refused to a holder within its guarantee since this was last asked, so that others hold too much; 0 if none
     * was.
     */
    public int takeOwed() {
        int size = owed;
        owed = 0;
        return size;
    }

    /** Whether {@link #takeOwed} would be more than 0. */
    public boolean owes() {
        return owed > 0;
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

    void give(MemorySegment block) {
        give(block, whole);
    }

    /** Takes a block back from who took it. */
    void give(MemorySegment block, BufferShare holder) {
        int size = (int) block.byteSize();
        int index = index(size);
        holder.share.give(size);
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
            while (inUse() + keptBytes + size > budget && keptCount[i] > 0) {
                freeOne(i);
            }
        }
        return inUse() + keptBytes + size <= budget;
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
        return whole.share.held();
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
