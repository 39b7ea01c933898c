package dev.sluice.stack.tcp;

import java.util.Arrays;

/**
 * Disjoint, sorted half-open ranges of stream offsets, at most {@link #LIMIT}: data received beyond a hole, or data the peer has
 * selectively acknowledged. Offsets, never sequence numbers, so order is plain order. No allocation once grown; a range that does
 * not fit is refused, which costs a retransmission and nothing else.
 */
final class IntervalSet {
    static final int LIMIT = 64;

    /** From and to of each range, alternating. */
    private long[] bounds = new long[16];

    private int size;
    private long total;

    int size() {
        return size;
    }

    boolean isEmpty() {
        return size == 0;
    }

    /** Offsets covered. */
    long total() {
        return total;
    }

    long from(int index) {
        return bounds[2 * index];
    }

    long to(int index) {
        return bounds[2 * index + 1];
    }

    /** End of the last range; only if not empty. */
    long end() {
        return bounds[2 * size - 1];
    }

    void clear() {
        size = 0;
        total = 0;
    }

    /** Index of the first range that ends after {@code offset}, or {@link #size}. */
    int firstEndingAfter(long offset) {
        int low = 0;
        int high = size;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (to(middle) > offset) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    boolean contains(long offset) {
        int i = firstEndingAfter(offset);
        return i < size && from(i) <= offset;
    }

    /** How much of {@code from}–{@code to} is covered. */
    long overlap(long from, long to) {
        long sum = 0;
        for (int i = firstEndingAfter(from); i < size && from(i) < to; i++) {
            sum += Math.min(to, to(i)) - Math.max(from, from(i));
        }
        return sum;
    }

    /** Covers {@code from}–{@code to}; false, without change, if that would make too many ranges. */
    boolean add(long from, long to) {
        // Ranges that touch are one: a range ending exactly at `from` is merged too.
        int first = firstEndingAfter(from - 1);
        int last = first;
        long low = from;
        long high = to;
        long covered = 0;
        while (last < size && from(last) <= to) {
            low = Math.min(low, from(last));
            high = Math.max(high, to(last));
            covered += to(last) - from(last);
            last++;
        }
        if (first == last) {
            if (size == LIMIT) {
                return false;
            }
            if (2 * size == bounds.length) {
                bounds = Arrays.copyOf(bounds, 2 * bounds.length);
            }
            System.arraycopy(bounds, 2 * first, bounds, 2 * first + 2, 2 * (size - first));
            size++;
        } else if (last - first > 1) {
            System.arraycopy(bounds, 2 * last, bounds, 2 * first + 2, 2 * (size - last));
            size -= last - first - 1;
        }
        bounds[2 * first] = low;
        bounds[2 * first + 1] = high;
        total += high - low - covered;
        return true;
    }

    /** Uncovers {@code from}–{@code to}; where that would make too many ranges, what lies after the gap is given up as well. */
    void remove(long from, long to) {
        int i = firstEndingAfter(from);
        if (i < size && from(i) < from && to(i) > to) {
            long right = to(i);
            total -= right - from;
            bounds[2 * i + 1] = from;
            add(to, right);
            return;
        }
        if (i < size && from(i) < from) {
            total -= to(i) - from;
            bounds[2 * i + 1] = from;
            i++;
        }
        int last = i;
        while (last < size && to(last) <= to) {
            total -= to(last) - from(last);
            last++;
        }
        if (last < size && from(last) < to) {
            total -= to - from(last);
            bounds[2 * last] = to;
        }
        if (last > i) {
            System.arraycopy(bounds, 2 * last, bounds, 2 * i, 2 * (size - last));
            size -= last - i;
        }
    }

    /** Forgets everything below {@code offset}. */
    void trimBelow(long offset) {
        int gone = firstEndingAfter(offset);
        for (int i = 0; i < gone; i++) {
            total -= to(i) - from(i);
        }
        if (gone > 0) {
            System.arraycopy(bounds, 2 * gone, bounds, 0, 2 * (size - gone));
            size -= gone;
        }
        if (size > 0 && bounds[0] < offset) {
            total -= offset - bounds[0];
            bounds[0] = offset;
        }
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("[");
        for (int i = 0; i < size; i++) {
            text.append(i == 0 ? "" : " ").append(from(i)).append('–').append(to(i));
        }
        return text.append(']').toString();
    }
}
