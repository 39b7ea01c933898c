package dev.sluice.host;

import dev.sluice.loop.Loop;
import dev.sluice.posix.Memory;
import dev.sluice.posix.PosixException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What the {@link Joint}s of one loop share: memory to move bytes through, and the bytes that a turn of the loop may move. Confined to
 * the loop.
 *
 * <p>A lone stream goes faster the more is moved at a time, because reader and writer beside it are woken less often; but while bytes move
 * everything else on the loop waits. So one joint alone may move as much as the memory holds, and many share that.
 */
public final class Scratch {
    /** Of the memory; physical pages are taken only as far as it is used. */
    public static final int BYTES = 4 << 20;

    private static final int SMALLEST_SHARE = 256 << 10;

    private final Loop loop;
    private @Nullable MemorySegment memory;
    private long turn;
    /** Directions that have moved in this turn, and in the one before it that had any. */
    private int movers;

    private int moversBefore;

    public Scratch(Loop loop) {
        this.loop = loop;
    }

    /** {@value #BYTES} bytes, page-aligned. Holds nothing between calls, so others on the loop may use it, too. */
    public MemorySegment memory() {
        MemorySegment made = memory;
        if (made == null) {
            made = allocate();
            memory = made;
        }
        return made;
    }

    private static MemorySegment allocate() {
        try {
            return Memory.map(BYTES, Arena.ofAuto());
        } catch (PosixException e) {
            throw new OutOfMemoryError(e.getMessage());
        }
    }

    /**
     * Begins a move of one direction of a joint.
     *
     * @param lastTurn when that direction moved last, on the loop's clock
     * @return how many bytes it may take now, {@value #SMALLEST_SHARE}–{@value #BYTES}
     */
    int share(long lastTurn) {
        long now = loop.now();
        if (now != turn) {
            turn = now;
            moversBefore = movers;
            movers = 0;
        }
        if (lastTurn != now || movers == 0) {
            movers++;
        }
        return Math.max(SMALLEST_SHARE, BYTES / Math.max(movers, moversBefore));
    }
}
