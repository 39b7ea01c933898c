package dev.sluice.gateway.flow;

import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Flows found by an address-and-port key and kept in order of last use. Finding, adding, using and removing allocate nothing: the
 * entries carry their own links (a hash table with linear probing and backward-shift deletion, Knuth vol. 3 §6.4 algorithm R; a
 * doubly linked list for the order). The hash is seeded, so that a guest cannot choose ports that collide. Confined to the loop.
 */
public final class FlowTable<F extends FlowTable.Entry<F>> {

    /** What a flow inherits to live in a table; in one table at a time. */
    public abstract static class Entry<F extends Entry<F>> {
        private long high;
        private long low;
        private int port;
        /** When it was last used, on the loop's clock. */
        private long lastUsed;
        /** Used just before this one; null if this is the idlest. */
        private @Nullable F older;

        private @Nullable F newer;

        /** Sets the key; only while in no table. */
        protected Entry(long high, long low, int port) {
            this.high = high;
            this.low = low;
            this.port = port;
        }

        public final long high() {
            return high;
        }

        public final long low() {
            return low;
        }

        public final int port() {
            return port;
        }

        public final long lastUsed() {
            return lastUsed;
        }
    }

    private final int limit;
    private final long seed = ThreadLocalRandom.current().nextLong();
    /** Twice the limit or more, so that probes stay short; grows from small to that. */
    private @Nullable Entry<F>[] slots;

    private int size;
    private @Nullable F idlest;
    private @Nullable F latest;

    /** @param limit the most entries it may hold, at least 1 */
    public FlowTable(int limit) {
        this.limit = limit;
        this.slots = slots(Math.min(64, capacity(limit)));
    }

    private static int capacity(int entries) {
        return Integer.highestOneBit(Math.max(2, entries) * 2 - 1) * 2;
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static <F extends Entry<F>> @Nullable Entry<F>[] slots(int capacity) {
        return new @Nullable Entry[capacity];
    }

    public int size() {
        return size;
    }

    /** True if something must be removed before the next {@link #add}. */
    public boolean isFull() {
        return size >= limit;
    }

    @SuppressWarnings("unchecked")
    public @Nullable F find(long high, long low, int port) {
        int mask = slots.length - 1;
        for (int i = home(high, low, port); ; i = (i + 1) & mask) {
            Entry<F> entry = slots[i];
            if (entry == null) {
                return null;
            }
            if (entry.low == low && entry.port == port && entry.high == high) {
                return (F) entry;
            }
        }
    }

    /**
     * Adds an entry whose key is not in the table, as the one used last.
     *
     * @throws IllegalStateException if the table is full
     */
    public void add(F flow, long now) {
        if (isFull()) {
            throw new IllegalStateException("a table of " + limit + " flows is full");
        }
        if ((size + 1) * 2 > slots.length) {
            grow();
        }
        insert(flow);
        size++;
        append(flow, now);
    }

    private void insert(Entry<F> entry) {
        int mask = slots.length - 1;
        int i = home(entry.high, entry.low, entry.port);
        while (slots[i] != null) {
            i = (i + 1) & mask;
        }
        slots[i] = entry;
    }

    private void grow() {
        @Nullable Entry<F>[] old = slots;
        slots = slots(old.length * 2);
        for (Entry<F> entry : old) {
            if (entry != null) {
                insert(entry);
            }
        }
    }

    /** Marks as used now. */
    public void use(F flow, long now) {
        if (flow == latest) {
            Entry<F> entry = flow;
            entry.lastUsed = now;
            return;
        }
        unlink(flow);
        append(flow, now);
    }

    /** Removes an entry that is in the table. */
    public void remove(F flow) {
        Entry<F> entry = flow;
        int mask = slots.length - 1;
        int hole = home(entry.high, entry.low, entry.port);
        while (slots[hole] != entry) {
            if (slots[hole] == null) {
                throw new IllegalStateException("not in the table");
            }
            hole = (hole + 1) & mask;
        }
        // Whoever probed past the hole moves into it, so that no search ends early.
        for (int i = (hole + 1) & mask; ; i = (i + 1) & mask) {
            Entry<F> next = slots[i];
            if (next == null) {
                break;
            }
            int distance = (i - home(next.high, next.low, next.port)) & mask;
            if (distance >= ((i - hole) & mask)) {
                slots[hole] = next;
                hole = i;
            }
        }
        slots[hole] = null;
        size--;
        unlink(flow);
    }

    /** The one not used for longest; null if the table is empty. */
    public @Nullable F idlest() {
        return idlest;
    }

    /** The one used next after {@code flow}; null for the last. Read it before removing {@code flow}. */
    public @Nullable F newer(F flow) {
        Entry<F> entry = flow;
        return entry.newer;
    }

    /** Forgets all. */
    public void clear() {
        Arrays.fill(slots, null);
        size = 0;
        idlest = null;
        latest = null;
    }

    private void append(F flow, long now) {
        Entry<F> entry = flow;
        entry.lastUsed = now;
        entry.older = latest;
        entry.newer = null;
        if (latest == null) {
            idlest = flow;
        } else {
            ((Entry<F>) latest).newer = flow;
        }
        latest = flow;
    }

    private void unlink(F flow) {
        Entry<F> entry = flow;
        F older = entry.older;
        F newer = entry.newer;
        if (older == null) {
            idlest = newer;
        } else {
            ((Entry<F>) older).newer = newer;
        }
        if (newer == null) {
            latest = older;
        } else {
            ((Entry<F>) newer).older = older;
        }
    }

    /** Where a search starts. All bits of the port count, as some keys have more than a port in it. */
    int home(long high, long low, int port) {
        // Keyed before the first step, as whoever talks to a guest chooses much of a key; the last is of MurmurHash3.
        long h = (low ^ seed) * 0x9e37_79b9_7f4a_7c15L;
        h = (h ^ h >>> 32 ^ high) * 0xc2b2_ae3d_27d4_eb4fL;
        h = (h ^ h >>> 32 ^ port) * 0xff51_afd7_ed55_8ccdL;
        h = (h ^ h >>> 33) * 0xc4ce_b9fe_1a85_ec53L;
        return (int) (h ^ h >>> 33) & (slots.length - 1);
    }
}
