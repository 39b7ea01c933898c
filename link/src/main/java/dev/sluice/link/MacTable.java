package dev.sluice.link;

import org.jspecify.annotations.Nullable;

/**
 * Which port a hardware address was last seen on: a bounded hash table with open addressing, linear probing and deletion by shifting
 * back (Knuth, TAOCP 3, §6.4 algorithm R), so that it holds no tombstones and looking up allocates nothing. Zero is no address.
 *
 * <p>A port may hold a quota of addresses and loses its own oldest beyond that: a guest that invents addresses pushes out only its own.
 * If the table as a whole is full, the oldest of all goes.
 */
final class MacTable {
    private final int capacity;
    private final int quota;
    private final int mask;
    private final long[] addresses;
    private final @Nullable SwitchPort[] ports;
    /** When each was learnt, in learnings. */
    private final long[] learnt;

    private int size;
    private long clock;
    private long evictions;

    /** @param quota addresses per port */
    MacTable(int capacity, int quota) {
        this.capacity = capacity;
        this.quota = quota;
        int slots = Integer.highestOneBit(Math.max(2, capacity * 2 - 1)) << 1;
        mask = slots - 1;
        addresses = new long[slots];
        ports = new @Nullable SwitchPort[slots];
        learnt = new long[slots];
    }

    int size() {
        return size;
    }

    /** Addresses forgotten to make room. */
    long evictions() {
        return evictions;
    }

    @Nullable
    SwitchPort get(long address) {
        return ports[find(address)];
    }

    /** Notes that {@code address} is on {@code port} now; the port it was on before, or null. */
    @Nullable
    SwitchPort put(long address, SwitchPort port) {
        int slot = find(address);
        SwitchPort before = ports[slot];
        if (before != port) {
            if (before != null) {
                before.addresses--;
            } else {
                if (size >= capacity) {
                    evict(null);
                } else if (port.addresses >= quota) {
                    evict(port);
                }
                slot = find(address);
                size++;
            }
            port.addresses++;
            addresses[slot] = address;
            ports[slot] = port;
        }
        learnt[slot] = ++clock;
        return before;
    }

    /** Forgets all that is on {@code port}. */
    void removeAll(SwitchPort port) {
        int slot = 0;
        while (port.addresses > 0 && slot <= mask) {
            if (ports[slot] == port) {
                // Something else may have moved here, so look again.
                delete(slot);
            } else {
                slot++;
            }
        }
    }

    /** Drops the oldest entry of {@code port}, or of all. A scan: only who invents addresses pays for it. */
    private void evict(@Nullable SwitchPort port) {
        int oldest = -1;
        for (int i = 0; i <= mask; i++) {
            SwitchPort holder = ports[i];
            if (holder != null && (port == null || holder == port) && (oldest < 0 || learnt[i] < learnt[oldest])) {
                oldest = i;
            }
        }
        if (oldest >= 0) {
            SwitchPort holder = ports[oldest];
            if (holder != null && holder.lastSource == addresses[oldest]) {
                // Learn it anew with the next frame.
                holder.lastSource = SwitchPort.UNKNOWN;
            }
            delete(oldest);
            evictions++;
        }
    }

    /** The slot that holds {@code address}, or the empty one where it belongs. */
    private int find(long address) {
        int slot = slot(address);
        while (addresses[slot] != address && addresses[slot] != 0) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private int slot(long address) {
        return (int) (address * 0x9e37_79b9_7f4a_7c15L >>> 40) & mask;
    }

    private void delete(int slot) {
        SwitchPort holder = ports[slot];
        if (holder != null) {
            holder.addresses--;
        }
        size--;
        int hole = slot;
        int next = slot;
        while (true) {
            next = next + 1 & mask;
            if (addresses[next] == 0) {
                break;
            }
            int home = slot(addresses[next]);
            // An entry may fill the hole if its home is not between the hole and itself, cyclically.
            if ((next - home & mask) >= (next - hole & mask)) {
                addresses[hole] = addresses[next];
                ports[hole] = ports[next];
                learnt[hole] = learnt[next];
                hole = next;
            }
        }
        addresses[hole] = 0;
        ports[hole] = null;
        learnt[hole] = 0;
    }
}
