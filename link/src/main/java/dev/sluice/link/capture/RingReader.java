package dev.sluice.link.capture;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;

/** One reader's way through a {@link FrameRing}: copies a record at a time, and counts those that were overwritten before. One thread. */
final class RingReader {
    /** A reader that has just emptied the ring lets some more come before it looks again: waking it costs the writer a system call. */
    private static final long NAP_NANOS = 1_000_000;
    /** A wake-up may be missed, as the writer pays no fence for it. */
    private static final long PATIENCE_NANOS = 100_000_000;

    private final FrameRing ring;
    private final MemorySegment record;
    private long at;
    /** Sequence number of the next record; −1 while unknown. */
    private long expected;

    private long lost;
    private boolean napped;

    /** @param fromOldest whether what the ring holds comes first; then frames lost before do not count */
    RingReader(FrameRing ring, Arena arena, boolean fromOldest) {
        this.ring = ring;
        this.record = arena.allocate(FrameRing.RECORD_HEADER + (ring.snapLength() + 7L & ~7L), 8);
        this.at = fromOldest ? ring.oldest() : ring.written();
        this.expected = at == 0 ? 0 : -1;
    }

    /** Goes to the next record; false if there is none yet. */
    boolean next() {
        while (true) {
            long end = ring.written();
            at = Math.max(at, ring.oldest());
            if (at >= end) {
                return false;
            }
            int length = ring.copy(at, record);
            if (!ring.isStillThere(at)) {
                continue;
            }
            at += length;
            if (!FrameRing.isSkip(record)) {
                long sequence = FrameRing.sequence(record);
                lost += expected < 0 ? 0 : sequence - expected;
                expected = sequence + 1;
                napped = false;
                return true;
            }
        }
    }

    /** Waits until there may be more; some milliseconds early or late. */
    void await() {
        if (!napped) {
            napped = true;
            LockSupport.parkNanos(NAP_NANOS);
            return;
        }
        ring.wakeMe(Thread.currentThread());
        if (at >= ring.written()) {
            LockSupport.parkNanos(PATIENCE_NANOS);
        }
    }

    /** The current record: a header and its bytes. */
    MemorySegment record() {
        return record;
    }

    int snapLength() {
        return ring.snapLength();
    }

    /** Frames that were overwritten before they were read. */
    long lost() {
        return lost;
    }
}
