package dev.sluice.testkit;

import dev.sluice.link.Frame;
import dev.sluice.link.FrameTap;
import dev.sluice.link.Link;
import dev.sluice.link.LinkCounters;
import dev.sluice.link.LinkHandler;
import dev.sluice.link.Segmenter;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Work;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One end of a cable in memory: what is sent on it arrives at the other end in a later piece of work of the same loop, in order and in
 * batches. Confined to the loop.
 *
 * <p>With offloads, frames arrive as they were sent, super-segments and unfinished checksums included, as between two kernels on one
 * TAP; without, they are cut to the MTU and their checksums finished, as on a wire. The cable holds a bounded number of bytes; what
 * does not fit is dropped and counted, and {@link #congested} says so beforehand.
 */
public final class MemoryLink implements Link {
    /** Decides about each frame that is about to be sent; for tests that lose, see or count frames. */
    public interface Filter {
        /** True to let the frame pass. The frame and its memory are only lent. */
        boolean pass(Frame frame);
    }

    /** The two ends of one cable. */
    public record Pair(MemoryLink left, MemoryLink right) {}

    /** Bytes the cable holds in each direction. */
    public static final int CAPACITY = 1 << 20;
    /** What a super-segment may take when it is cut to the smallest common MTU. */
    private static final int SUPER_SEGMENT = 96 << 10;
    /** Frames per piece of work, so that the other end gets its turn. */
    private static final int BATCH = 64;

    private final Loop loop;
    private final String name;
    private final int mtu;
    private final boolean offloads;
    private final LinkCounters counters = new LinkCounters();
    private final Segmenter segmenter = new Segmenter();
    private final Frame received = new Frame();
    /** What the filter sees of a frame that was cut. */
    private final Frame cut = new Frame();
    /** What the other end has sent and this end has not yet taken. */
    private final FrameQueue arriving = new FrameQueue(CAPACITY);

    private @Nullable MemoryLink peer;
    private LinkHandler handler = LinkHandler.NOBODY;
    private Filter filter = frame -> true;
    private @Nullable FrameTap tap;
    private boolean started;
    private boolean closed;
    private boolean congested;

    private final Work delivery = new Work() {
        @Override
        protected void run() {
            deliver();
        }
    };

    private final Work roomy = new Work() {
        @Override
        protected void run() {
            if (!closed && !congested) {
                handler.onRoom(MemoryLink.this);
            }
        }
    };

    private final Work hangUp = new Work() {
        @Override
        protected void run() {
            LinkHandler told = handler;
            if (!closed) {
                close();
                told.onClosed(MemoryLink.this, "the other end of the cable was closed");
            }
        }
    };

    private MemoryLink(Loop loop, String name, int mtu, boolean offloads) {
        this.loop = loop;
        this.name = name;
        this.mtu = mtu;
        this.offloads = offloads;
    }

    /**
     * A new cable.
     *
     * @param loop that both ends live on
     * @param mtu largest IP packet, in bytes
     * @param offloads whether super-segments and unfinished checksums pass as they are
     */
    public static Pair pair(Loop loop, int mtu, boolean offloads) {
        MemoryLink left = new MemoryLink(loop, "memory-left", mtu, offloads);
        MemoryLink right = new MemoryLink(loop, "memory-right", mtu, offloads);
        left.peer = right;
        right.peer = left;
        return new Pair(left, right);
    }

    /** Looks at every frame this end sends, as it will arrive at the other end. */
    public void filter(Filter filter) {
        this.filter = filter;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int mtu() {
        return mtu;
    }

    @Override
    public boolean offloads() {
        return offloads;
    }

    @Override
    public boolean mayHoldMore() {
        return !closed && !arriving.isEmpty();
    }

    @Override
    public boolean keeps(MemorySegment memory) {
        return memory.equals(received.head);
    }

    @Override
    public void start(LinkHandler handler) {
        this.handler = handler;
        started = true;
        if (!arriving.isEmpty()) {
            loop.enqueue(delivery);
        }
    }

    @Override
    public void tap(@Nullable FrameTap tap) {
        this.tap = tap;
    }

    @Override
    public boolean send(Frame frame) {
        boolean sent = transmit(frame);
        if (tap != null) {
            tap.sent(frame, sent);
        }
        return sent;
    }

    private boolean transmit(Frame frame) {
        MemoryLink to = peer;
        if (closed || to == null || to.closed) {
            counters.droppedError++;
            return false;
        }
        boolean sent = offloads ? sendWhole(frame, to) : sendCut(frame, to);
        if (to.arriving.room() < SUPER_SEGMENT) {
            congested = true;
        }
        if (sent && to.started) {
            loop.enqueue(to.delivery);
        }
        return sent;
    }

    private boolean sendWhole(Frame frame, MemoryLink to) {
        int length = frame.length();
        if (frame.gso == Frame.GSO_NONE && length > mtu + 18) {
            counters.droppedSize++;
            return false;
        }
        long at = to.arriving.reserve(length);
        if (at < 0) {
            return full();
        }
        if (filter.pass(frame)) {
            to.arriving.copy(frame, at);
            to.arriving.commit(at, length, frame);
        }
        return sent(length);
    }

    private boolean sendCut(Frame frame, MemoryLink to) {
        if (!segmenter.begin(frame, mtu)) {
            counters.droppedSize++;
            return false;
        }
        if (segmenter.totalLength(FrameQueue.OVERHEAD) > to.arriving.room()) {
            return full();
        }
        boolean all = true;
        while (segmenter.remaining() > 0) {
            int length = segmenter.nextLength();
            long at = to.arriving.reserve(length);
            if (at < 0) {
                return full();
            }
            segmenter.next(to.arriving.memory(), at);
            if (filter.pass(cut.set(to.arriving.memory(), at, length))) {
                to.arriving.commit(at, length, null);
            }
            all &= sent(length);
        }
        return all;
    }

    private boolean full() {
        counters.droppedFull++;
        congested = true;
        return false;
    }

    private boolean sent(int length) {
        counters.framesOut++;
        counters.bytesOut += length;
        return true;
    }

    private void deliver() {
        int frames = 0;
        while (!closed && frames < BATCH && !arriving.isEmpty() && arriving.read(received)) {
            frames++;
            counters.framesIn++;
            counters.bytesIn += received.length();
            try {
                handOn();
            } catch (RuntimeException | Error e) {
                handler.onBatchEnd(this);
                arriving.release();
                loop.enqueue(delivery);
                throw e;
            }
        }
        if (closed) {
            return;
        }
        if (frames > 0) {
            handler.onBatchEnd(this);
        }
        arriving.release();
        if (!arriving.isEmpty() && !closed) {
            loop.enqueue(delivery);
        }
        MemoryLink from = peer;
        if (from != null && from.congested && arriving.room() >= CAPACITY / 2) {
            from.congested = false;
            loop.enqueue(from.roomy);
        }
    }

    private void handOn() {
        FrameTap watcher = tap;
        if (watcher != null) {
            watcher.received(received);
        }
        handler.onFrame(this, received);
        if (watcher != null) {
            watcher.handled();
        }
    }

    @Override
    public boolean congested() {
        return congested;
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            handler = LinkHandler.NOBODY;
            MemoryLink other = peer;
            if (other != null && !other.closed) {
                loop.enqueue(other.hangUp);
            }
        }
    }

    @Override
    public LinkCounters counters() {
        return counters;
    }

    /** Bytes on their way to this end. */
    public int arrivingBytes() {
        return arriving.used();
    }

    @Override
    public String toString() {
        return name;
    }
}
