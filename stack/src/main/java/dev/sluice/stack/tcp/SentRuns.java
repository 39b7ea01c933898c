package dev.sluice.stack.tcp;

import java.util.Arrays;

/**
 * When each byte in flight last left: adjacent runs of offsets that left at the same moment. What a connection transmits in one turn is
 * one run, so runs are few; more than {@link #LIMIT} share the later of their times, which only makes losses seen later.
 */
final class SentRuns {
    static final int LIMIT = 512;

    /** Each run begins where the one before ends; the first at {@link #base}. */
    private long[] end = new long[16];

    private long[] at = new long[16];
    private boolean[] again = new boolean[16];
    private int size;
    private long base;

    int size() {
        return size;
    }

    long from(int run) {
        return run == 0 ? base : end[run - 1];
    }

    long to(int run) {
        return end[run];
    }

    /** When it last left. */
    long at(int run) {
        return at[run];
    }

    /** Whether it left more than once. */
    boolean again(int run) {
        return again[run];
    }

    void clear() {
        size = 0;
    }

    /** The first run that ends after {@code offset}, or {@link #size}. */
    int find(long offset) {
        int low = 0;
        int high = size;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (end[middle] > offset) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    /** New data left, after everything before. */
    void append(long from, long to, long now) {
        if (size == 0) {
            base = from;
        } else if ((at[size - 1] == now && !again[size - 1]) || size >= LIMIT) {
            end[size - 1] = to;
            at[size - 1] = now;
            return;
        }
        insert(size, to, now, false);
    }

    /** {@code from}–{@code to}, all of it in here, left again. */
    void resend(long from, long to, long now) {
        int first = find(from);
        if (first == size) {
            return;
        }
        if (size + 2 > LIMIT) {
            for (int i = first; i < size && from(i) < to; i++) {
                at[i] = now;
                again[i] = true;
            }
            return;
        }
        if (from(first) < from) {
            insert(first, from, at[first], again[first]);
            first++;
        }
        int last = find(to - 1);
        if (end[last] > to) {
            insert(last, to, at[last], again[last]);
        }
        // One run in place of those between.
        if (last > first) {
            remove(first, last - first);
        }
        at[first] = now;
        again[first] = true;
        if (first > 0 && at[first - 1] == now && again[first - 1]) {
            remove(first - 1, 1);
        }
    }

    /** Everything before {@code offset} is with the peer. */
    void trimBelow(long offset) {
        int gone = find(offset);
        if (gone > 0) {
            remove(0, gone);
        }
        base = Math.max(base, offset);
    }

    private void insert(int index, long to, long time, boolean repeated) {
        if (size == end.length) {
            end = Arrays.copyOf(end, 2 * size);
            at = Arrays.copyOf(at, 2 * size);
            again = Arrays.copyOf(again, 2 * size);
        }
        System.arraycopy(end, index, end, index + 1, size - index);
        System.arraycopy(at, index, at, index + 1, size - index);
        System.arraycopy(again, index, again, index + 1, size - index);
        end[index] = to;
        at[index] = time;
        again[index] = repeated;
        size++;
    }

    private void remove(int index, int count) {
        System.arraycopy(end, index + count, end, index, size - index - count);
        System.arraycopy(at, index + count, at, index, size - index - count);
        System.arraycopy(again, index + count, again, index, size - index - count);
        size -= count;
    }
}
