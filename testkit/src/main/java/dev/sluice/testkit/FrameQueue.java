package dev.sluice.testkit;

import dev.sluice.link.Frame;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A bounded queue of frames in one piece of native memory used as a ring; every frame lies in one piece. Confined to one thread. */
final class FrameQueue {
    /** Accounted to each frame on top of its bytes, for what the end of the ring wastes. */
    static final int OVERHEAD = 64;

    private static final int FRAMES = 4096;

    private final MemorySegment memory;
    private final int capacity;
    /** Where the next frame may start, and bytes in use from the oldest frame on, gaps included. */
    private int tail;

    private int used;
    private final int[] starts = new int[FRAMES];
    private final int[] lengths = new int[FRAMES];
    /** Bytes to give back with each frame: it and the gap before it. */
    private final int[] costs = new int[FRAMES];

    private final long[] offloads = new long[FRAMES];
    /** Next frame to read, next to release, next to write; they only grow. */
    private int read;

    private int released;
    private int written;
    private int reservedCost;

    FrameQueue(int capacity) {
        this.capacity = capacity;
        this.memory = Arena.ofAuto().allocate(capacity, 64);
    }

    MemorySegment memory() {
        return memory;
    }

    boolean isEmpty() {
        return read == written;
    }

    /** Bytes held, with what each frame wastes. */
    int used() {
        return used;
    }

    /** Bytes that can surely be reserved, {@link #OVERHEAD} counted for each frame. */
    int room() {
        // A frame that does not fit before the end of the memory wastes that end once per round.
        return written - released >= FRAMES ? 0 : Math.max(0, capacity - used - (96 << 10));
    }

    /** Where {@code length} bytes may be written, or −1. */
    long reserve(int length) {
        if (written - released >= FRAMES) {
            return -1;
        }
        int size = (length + OVERHEAD - 1) & -8;
        int at = tail;
        int cost = size;
        if (at + size > capacity) {
            cost += capacity - at;
            at = 0;
        }
        if (used + cost > capacity) {
            return -1;
        }
        reservedCost = cost;
        return at;
    }

    void copy(Frame frame, long at) {
        MemorySegment.copy(frame.head, frame.headAt, memory, at, frame.headLength);
        long next = at + frame.headLength;
        if (frame.bodyLength > 0) {
            MemorySegment.copy(frame.body, frame.bodyAt, memory, next, frame.bodyLength);
        }
        if (frame.bodyWrapLength > 0) {
            MemorySegment.copy(frame.body, frame.bodyWrapAt, memory, next + frame.bodyLength, frame.bodyWrapLength);
        }
    }

    /** Adds the frame just written at what {@link #reserve} gave; {@code offload} tells what is left to finish, null for nothing. */
    void commit(long at, int length, @Nullable Frame offload) {
        int i = written++ & FRAMES - 1;
        starts[i] = (int) at;
        lengths[i] = length;
        costs[i] = reservedCost;
        offloads[i] = offload == null
                ? 0
                : (long) offload.checksumStart << 40
                        | (long) offload.checksumOffset << 24
                        | (long) offload.gso << 16
                        | (offload.gsoSize & 0xffff);
        used += reservedCost;
        tail = (int) at + ((length + OVERHEAD - 1) & -8);
    }

    /** Describes the next frame in {@code frame}; its memory stays until {@link #release}. */
    boolean read(Frame frame) {
        if (isEmpty()) {
            return false;
        }
        int i = read++ & FRAMES - 1;
        frame.set(memory, starts[i], lengths[i]);
        long offload = offloads[i];
        if (offload != 0) {
            frame.checksumStart = (int) (offload >>> 40);
            frame.checksumOffset = (int) (offload >>> 24) & 0xffff;
            frame.gso = (int) (offload >>> 16) & 0xff;
            frame.gsoSize = (int) offload & 0xffff;
            frame.checksumTrusted = frame.checksumStart != 0;
        }
        return true;
    }

    /** Gives back the memory of all frames read. */
    void release() {
        while (released != read) {
            used -= costs[released++ & FRAMES - 1];
        }
    }
}
