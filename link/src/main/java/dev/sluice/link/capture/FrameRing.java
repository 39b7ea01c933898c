package dev.sluice.link.capture;

import dev.sluice.link.Frame;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The last frames of some kind, in native memory of fixed size: one writer, which overwrites the oldest and waits for nobody, and any
 * number of readers, which copy and then look whether what they copied was still there.
 *
 * <p>Positions only grow; their low bits say where in the memory they are. Records lie in one piece, aligned to eight bytes; where the
 * next does not fit before the end of the memory, a record of time −1 says to go on at its start. {@code oldest} is moved past a
 * record before its bytes are touched, {@code written} past one after they are complete: a record between the two is whole.
 */
final class FrameRing {
    static final int RECORD_HEADER = 32;
    private static final long TIME = 0;
    private static final long SEQUENCE = 8;
    private static final long CAPTURED = 16;
    private static final long ORIGINAL = 20;
    private static final long LINK = 24;
    private static final long DIRECTION = 26;
    private static final long REASON = 27;
    private static final long SEGMENT = 28;
    private static final long SKIP = -1;

    private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT;
    private static final ValueLayout.OfByte I8 = ValueLayout.JAVA_BYTE;

    private static final VarHandle OLDEST;
    private static final VarHandle WRITTEN;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            OLDEST = lookup.findVarHandle(FrameRing.class, "oldest", long.class);
            WRITTEN = lookup.findVarHandle(FrameRing.class, "written", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final MemorySegment memory;
    private final int size;
    private final int snapLength;

    /** Start of the oldest record that is whole. */
    @SuppressWarnings("unused") // through its handle
    private long oldest;
    /** End of the newest record that is whole. */
    @SuppressWarnings("unused") // through its handle
    private long written;

    /** The writer's own: where the next record goes. */
    private long end;
    /** The writer's own: as {@code oldest}. */
    private long first;

    private long sequence;
    /** Where the record of the frame being dealt with is; −1 if it is not here. */
    private long current = -1;
    /** A reader that found nothing and wants to be woken. */
    private volatile @Nullable Thread waiter;

    /**
     * @param size bytes, a power of two
     * @param snapLength bytes kept of each frame, at most; records never take more than half of the ring
     */
    FrameRing(Arena arena, int size, int snapLength) {
        if (Integer.bitCount(size) != 1 || size < 1024) {
            throw new IllegalArgumentException("a ring of " + size + " bytes");
        }
        this.memory = arena.allocate(size, 8);
        this.size = size;
        this.snapLength = Math.min(snapLength, size / 2 - RECORD_HEADER);
    }

    int size() {
        return size;
    }

    int snapLength() {
        return snapLength;
    }

    // ---- the writer
    // ---------------------------------------------------------------------------------------------------------

    /** Adds a frame; readers see it after {@link #publish}. */
    void append(Frame frame, long time, int link, int direction, int reason) {
        int length = frame.length();
        int captured = Math.min(length, snapLength);
        int need = RECORD_HEADER + (captured + 7 & ~7);
        int offset = offset(end);
        if (size - offset < need) {
            makeRoom(end + (size - offset) + need);
            memory.set(I64, offset + TIME, SKIP);
            end += size - offset;
            offset = 0;
        } else {
            makeRoom(end + need);
        }
        memory.set(I64, offset + TIME, time);
        memory.set(I64, offset + SEQUENCE, sequence++);
        memory.set(I32, offset + CAPTURED, captured);
        memory.set(I32, offset + ORIGINAL, length);
        memory.set(I16, offset + LINK, (short) link);
        memory.set(I8, offset + DIRECTION, (byte) direction);
        memory.set(I8, offset + REASON, (byte) reason);
        memory.set(I32, offset + SEGMENT, frame.gso == Frame.GSO_NONE ? 0 : frame.gsoSize);
        copy(frame, offset + RECORD_HEADER, captured);
        if (direction == Capture.INBOUND) {
            current = end; // what is sent meanwhile does not change which frame is being dealt with
        }
        end += need;
    }

    private void copy(Frame frame, long to, int captured) {
        int left = captured;
        int n = Math.min(left, frame.headLength);
        copy(frame.head, frame.headAt, to, n);
        left -= n;
        if (left > 0) {
            long at = to + n;
            n = Math.min(left, frame.bodyLength);
            copy(frame.body, frame.bodyAt, at, n);
            copy(frame.body, frame.bodyWrapAt, at + n, left - n);
        }
    }

    private void copy(MemorySegment from, long at, long to, int length) {
        if (length > 0) { // an empty part says nothing about where it lies
            MemorySegment.copy(from, at, memory, to, length);
        }
    }

    /** Gives up the oldest records until {@code upTo} is no more than a ring's size after the first. */
    private void makeRoom(long upTo) {
        long limit = upTo - size;
        if (first >= limit) {
            return;
        }
        while (first < limit) {
            first += recordSize(offset(first));
        }
        OLDEST.setRelease(this, first);
        VarHandle.storeStoreFence(); // before their bytes are touched
    }

    private int recordSize(int offset) {
        return memory.get(I64, offset + TIME) == SKIP
                ? size - offset
                : RECORD_HEADER + (memory.get(I32, offset + CAPTURED) + 7 & ~7);
    }

    /** Notes what became of the frame being dealt with, if it is here and not published yet. */
    void note(int reason) {
        if (current >= first) {
            memory.set(I8, offset(current) + REASON, (byte) reason);
        }
    }

    /** The next frame is another matter. */
    void forgetCurrent() {
        current = -1;
    }

    /** Shows readers what was added. */
    void publish() {
        if ((long) WRITTEN.get(this) != end) {
            WRITTEN.setRelease(this, end);
            Thread waiting = waiter;
            if (waiting != null) {
                waiter = null;
                LockSupport.unpark(waiting);
            }
        }
    }

    /** Frames added so far. */
    long frames() {
        return sequence;
    }

    private int offset(long position) {
        return (int) (position & size - 1);
    }

    // ---- readers
    // ------------------------------------------------------------------------------------------------------------

    long oldest() {
        return (long) OLDEST.getAcquire(this);
    }

    long written() {
        return (long) WRITTEN.getAcquire(this);
    }

    /**
     * Copies what is at {@code position}, which may be overwritten meanwhile: only if {@link #isStillThere} afterwards, it is a record.
     *
     * @return bytes until the next record; where {@code to} starts with −1 there is none
     */
    int copy(long position, MemorySegment to) {
        int offset = offset(position);
        long time = memory.get(I64, offset + TIME);
        to.set(I64, TIME, time);
        if (time == SKIP || size - offset < RECORD_HEADER) {
            return size - offset;
        }
        int captured = Math.clamp(memory.get(I32, offset + CAPTURED), 0, size - offset - RECORD_HEADER);
        int length = Math.min(RECORD_HEADER + (captured + 7 & ~7), size - offset);
        MemorySegment.copy(memory, offset, to, 0, Math.min(length, to.byteSize()));
        return length;
    }

    /** Whether what was copied from {@code position} until now is a whole record. */
    boolean isStillThere(long position) {
        VarHandle.loadLoadFence();
        return (long) OLDEST.getOpaque(this) <= position;
    }

    /** Asks to be woken by the next {@link #publish}; the latest one who asks is. */
    void wakeMe(Thread reader) {
        waiter = reader;
    }

    static boolean isSkip(MemorySegment record) {
        return record.get(I64, TIME) == SKIP;
    }

    static long time(MemorySegment record) {
        return record.get(I64, TIME);
    }

    static long sequence(MemorySegment record) {
        return record.get(I64, SEQUENCE);
    }

    static int captured(MemorySegment record) {
        return record.get(I32, CAPTURED);
    }

    static int original(MemorySegment record) {
        return record.get(I32, ORIGINAL);
    }

    static int link(MemorySegment record) {
        return record.get(I16, LINK) & 0xffff;
    }

    static int direction(MemorySegment record) {
        return record.get(I8, DIRECTION);
    }

    static int reason(MemorySegment record) {
        return record.get(I8, REASON) & 0xff;
    }

    /** Payload bytes of each segment the frame is cut into; 0 if it is one. */
    static int segment(MemorySegment record) {
        return record.get(I32, SEGMENT);
    }
}
