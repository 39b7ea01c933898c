package dev.sluice.link;

import dev.sluice.loop.EventLoop;
import dev.sluice.loop.Work;
import dev.sluice.posix.Memory;
import dev.sluice.posix.PosixException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What links on descriptors share: who listens, how they end, and when their memory may go. */
abstract sealed class DescriptorLink implements Link permits TapLink, StreamLink, PacketLink {
    final EventLoop loop;
    final LinkCounters counters = new LinkCounters();
    /** Reused for every frame that comes in. */
    final Frame received = new Frame();

    LinkHandler handler = LinkHandler.NOBODY;
    boolean closed;
    /** The medium was not seen empty since frames were last read of it. */
    boolean mayHoldMore;

    private @Nullable FrameTap tap;
    private final String name;
    private final int mtu;
    private final List<MemorySegment> buffers = new ArrayList<>();
    private @Nullable String failure;
    private @Nullable Runnable onEnd;

    /** Ends the link outside of whatever call noticed that it is broken. */
    private final Work failing = new Work() {
        @Override
        protected void run() {
            end(failure == null ? "failed" : failure);
        }
    };

    /** Callers further up the stack may still hold a received frame when a link closes, so its memory goes a little later. */
    private final Work freeing = new Work() {
        @Override
        protected void run() {
            buffers.forEach(Memory::unmap);
            buffers.clear();
        }
    };

    DescriptorLink(EventLoop loop, String name, int mtu) {
        this.loop = loop;
        this.name = name;
        this.mtu = mtu;
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final int mtu() {
        return mtu;
    }

    @Override
    public final LinkCounters counters() {
        return counters;
    }

    @Override
    public final void tap(@Nullable FrameTap tap) {
        this.tap = tap;
    }

    /** Hands a received frame on. */
    final void deliver(Frame frame) {
        FrameTap watcher = tap;
        if (watcher == null) {
            handler.onFrame(this, frame);
            return;
        }
        watcher.received(frame);
        try {
            handler.onFrame(this, frame);
        } finally {
            watcher.handled();
        }
    }

    @Override
    public final boolean send(Frame frame) {
        boolean sent = transmit(frame);
        FrameTap watcher = tap;
        if (watcher != null) {
            watcher.sent(frame, sent);
        }
        return sent;
    }

    /** As {@link #send}: copies or writes the frame; false if it was dropped. */
    abstract boolean transmit(Frame frame);

    /** Memory that takes pages only where touched, and is given back after the link has closed. */
    final MemorySegment buffer(long bytes) throws PosixException {
        MemorySegment buffer = Memory.map(bytes);
        buffers.add(buffer);
        return buffer;
    }

    @Override
    public final boolean mayHoldMore() {
        return mayHoldMore && !closed;
    }

    @Override
    public final void start(LinkHandler handler) {
        if (closed) {
            return;
        }
        this.handler = handler;
        try {
            watch();
        } catch (PosixException e) {
            fail("can't be watched: " + e.getMessage());
        }
    }

    /** Registers with the loop. */
    abstract void watch() throws PosixException;

    /** Ends watches and descriptors. */
    abstract void release();

    /** The medium broke while sending: ends the link in a moment, from the loop. */
    final void fail(String reason) {
        if (!closed && failure == null) {
            failure = reason;
            loop.enqueue(failing);
        }
    }

    /** Ends the link and tells its handler why. */
    final void end(String reason) {
        if (!closed) {
            LinkHandler told = handler;
            close();
            told.onClosed(this, reason);
        }
    }

    /** Runs {@code action} once when the link ends, however it does. */
    final void onEnd(Runnable action) {
        onEnd = action;
    }

    @Override
    public final void close() {
        if (!closed) {
            closed = true;
            handler = LinkHandler.NOBODY;
            release();
            loop.enqueue(freeing);
            if (onEnd != null) {
                onEnd.run();
            }
        }
    }

    @Override
    public final String toString() {
        return name;
    }
}
