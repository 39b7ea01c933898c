package dev.sluice.stack.tcp;

import dev.sluice.stack.share.Share;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What the connections of one holder, such as a guest, have of a {@link BufferPool}. How much they may have is its {@link Share}'s to say: a
 * holder that has that gets nothing, or less, and gives up its own {@link Laggards} first. Owned by the pool's thread.
 */
public final class BufferShare {
    final Share share;
    final Laggards laggards;
    private final BufferPool pool;

    BufferShare(BufferPool pool, Share share, TcpCounters counters) {
        this.pool = pool;
        this.share = share;
        this.laggards = new Laggards(counters);
    }

    /** The holder's first connection begins. */
    public void join() {
        pool.join(this);
    }

    /** The holder's last connection has ended, and holds nothing. */
    public void leave() {
        pool.leave(this);
    }

    /** The arithmetic of it, in bytes. */
    public Share share() {
        return share;
    }

    /** Whether it holds more than it would get now: then its connections take no more before they have given some back. */
    public boolean isOver() {
        return share.isOver(BufferPool.NEED_FACTOR);
    }

    /** Whether it is worth asking for a send ring's first block: the holder has not got its share, or can make room itself. */
    public boolean mayGetMore() {
        return isEntitled(SendRing.SMALLEST) || laggards.hasOne();
    }

    /** Whether only others could keep it from a small block. */
    boolean isEntitled(int size) {
        return share.isWhole() || share.isEntitled(size, BufferPool.NEED_FACTOR);
    }

    boolean may(int size) {
        boolean needed = size <= BufferPool.LARGEST_NEED;
        if (share.isWhole() && !needed) {
            return share.held() + size <= share.limit() - share.limit() / 4;
        }
        return share.may(size, needed ? BufferPool.NEED_FACTOR : BufferPool.SPEED_FACTOR);
    }

    /** As {@link BufferPool#take(int, BufferShare)}. */
    @Nullable
    MemorySegment take(int size) {
        return pool.take(size, this);
    }

    void give(MemorySegment block) {
        pool.give(block, this);
    }
}
