package dev.sluice.link;

import dev.sluice.loop.EventLoop;
import dev.sluice.loop.Watch;
import dev.sluice.loop.Work;
import dev.sluice.posix.Epoll;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.wire.EthernetHeader;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Frames on a byte stream, each behind its length ({@link Framing}): a Unix or TCP connection, or a pair of pipes.
 *
 * <p>In: one large read(2) brings many frames; all complete ones are delivered as a batch whose memory stays valid until {@link
 * LinkHandler#onBatchEnd}, and the cut one at the end waits for its rest. What is more than a turn's share of frames waits there, too,
 * and nothing is read meanwhile. A length that can't be ends the link: nothing after it could be trusted.
 *
 * <p>Out: frames are finished in software ({@link Segmenter}) straight into a bounded buffer that goes out with one write(2) at the end
 * of the turn, or earlier if much has gathered. A reader that stalls fills the buffer and no more; then frames are dropped.
 */
public final class StreamLink extends DescriptorLink {
    /** Bytes read at once. */
    private static final int READ = 256 * 1024;
    /** Bytes read per turn before others have theirs. */
    private static final int TURN = 1024 * 1024;
    /** Frames delivered per turn: a little more than one read brings of full-sized ones; of the smallest it brings 14,000. */
    static final int TURN_FRAMES = 192;
    /** Bytes of output held at most. */
    static final int OUTPUT = 512 * 1024;

    /** Held output that does not wait for the end of the turn. */
    private static final int FLUSH = 128 * 1024;
    /** What one super-segment may take, cut to the smallest common MTU, with lengths and headers. */
    private static final int SUPER_SEGMENT = 80 * 1024;

    private static final int IN = Epoll.IN | Epoll.RDHUP | Epoll.EDGE;

    private final int inFd;
    private final int outFd;
    private final Framing framing;
    private final MemorySegment in;
    private int inStart;
    private int inEnd;
    /** The other side has announced its end: short reads no longer mean that nothing is left. */
    private boolean hangUp;
    /** Frames were read since the last {@link LinkHandler#onBatchEnd}. */
    private boolean inBatch;

    private final OutputBuffer out;
    private final Segmenter segmenter = new Segmenter();
    /** The medium took less than it was given; only readiness brings the next write. */
    private boolean blocked;

    private boolean congested;
    private @Nullable Watch watch;
    private @Nullable Watch outWatch;

    private final Work more = new Work() {
        @Override
        protected void run() {
            receive();
        }
    };

    private final Work flushing = new Work() {
        @Override
        protected void run() {
            flush();
        }
    };

    /**
     * @param inFd where frames are read, non-blocking; closed with the link
     * @param outFd where frames are written, non-blocking; the same as {@code inFd} for a socket
     * @param mtu largest IP packet to send; longer frames are accepted
     */
    public StreamLink(EventLoop loop, int inFd, int outFd, String name, int mtu, Framing framing)
            throws PosixException {
        super(loop, name, mtu);
        this.inFd = inFd;
        this.outFd = outFd;
        this.framing = framing;
        this.in = buffer(READ + framing.prefix + Framing.MAX_FRAME);
        this.out = new OutputBuffer(buffer(OUTPUT));
    }

    @Override
    public boolean offloads() {
        return false;
    }

    @Override
    public boolean keeps(MemorySegment memory) {
        return memory.equals(in);
    }

    @Override
    void watch() throws PosixException {
        watch = loop.watch(inFd, IN, this::onReady);
    }

    private void onReady(int events) {
        if ((events & Epoll.OUT) != 0) {
            onWritable();
        }
        if ((events & (Epoll.RDHUP | Epoll.HUP | Epoll.ERR)) != 0) {
            hangUp = true;
        }
        // With more to come the next turn's share is queued already, and a sender that goes on gets no second one.
        if ((events & ~Epoll.OUT) != 0 && !closed && !mayHoldMore) {
            receive();
        }
    }

    private void receive() {
        boolean drained = false;
        mayHoldMore = true;
        try {
            int budget = TURN;
            // Whole frames if the turn before ended with its share, or the handler threw; else at most a cut one.
            int frames = inEnd > inStart ? deliver(TURN_FRAMES) : TURN_FRAMES;
            while (!drained && frames > 0 && budget > 0 && !closed) {
                makeRoom();
                int n = Io.read(inFd, in, inEnd, READ);
                if (n == -Errno.EINTR) {
                    continue;
                }
                if (n <= 0) {
                    drained = true;
                    onNothing(n);
                } else {
                    inEnd += n;
                    budget -= n;
                    frames = deliver(frames);
                    drained = frames > 0 && n < READ && !hangUp;
                }
            }
        } finally {
            mayHoldMore = !drained;
            if (!drained && !closed) {
                loop.enqueue(more);
            }
        }
    }

    private void onNothing(int n) {
        if (n == 0) {
            int held = inEnd - inStart;
            end(held == 0 ? "disconnected" : "disconnected in the middle of a frame, " + held + " bytes into it");
        } else if (n != -Errno.EAGAIN) {
            end("the connection failed: " + Errno.text(-n));
        }
    }

    /** Room for a whole read, once no complete frame is held. */
    private void makeRoom() {
        if (inStart == inEnd) {
            inStart = 0;
            inEnd = 0;
        } else if (in.byteSize() - inEnd < READ) {
            // Less than one frame: moving it is cheap.
            MemorySegment.copy(in, inStart, in, 0, inEnd - inStart);
            inEnd -= inStart;
            inStart = 0;
        }
    }

    /** Hands on every complete frame, {@code limit} at most; how many fewer it were. Above zero, no complete one is held. */
    private int deliver(int limit) {
        try {
            return deliverFrames(limit);
        } finally {
            if (inBatch && !closed) {
                inBatch = false;
                handler.onBatchEnd(this);
            }
        }
    }

    private int deliverFrames(int limit) {
        int prefix = framing.prefix;
        int left = limit;
        while (left > 0 && inEnd - inStart >= prefix) {
            long length = framing.length(in, inStart);
            if (length < EthernetHeader.LENGTH || length > Framing.MAX_FRAME) {
                end(wrongLength(length));
                break;
            }
            if (inEnd - inStart - prefix < length) {
                break;
            }
            int at = inStart + prefix;
            // Past the frame before the handler sees it, so that one it throws on is not delivered again.
            inStart = at + (int) length;
            left--;
            counters.framesIn++;
            counters.bytesIn += length;
            inBatch = true;
            Frame frame = received.set(in, at, (int) length);
            UnfinishedChecksums.recognise(frame, mtu());
            deliver(frame);
            if (closed) {
                break;
            }
        }
        return left;
    }

    private String wrongLength(long length) {
        if (length < EthernetHeader.LENGTH) {
            return "announced a frame of " + length + " bytes, and Ethernet has no frames below "
                    + EthernetHeader.LENGTH;
        }
        return "announced a frame of " + length + " bytes, and " + Framing.MAX_FRAME
                + " is the limit; does it speak another protocol?";
    }

    @Override
    boolean transmit(Frame frame) {
        if (closed) {
            counters.droppedError++;
            return false;
        }
        if (!segmenter.begin(frame, mtu()) || segmenter.nextLength() > Framing.MAX_FRAME) {
            counters.droppedSize++;
            return false;
        }
        int prefix = framing.prefix;
        int length = segmenter.totalLength(prefix);
        int at = out.reserve(length);
        if (at < 0) {
            counters.droppedFull++;
            congested = true;
            if (!blocked) {
                loop.enqueue(
                        flushing); // perhaps all that is in the way is what it holds; perhaps nothing is, and this one
                // never fits
            }
            return false;
        }
        while (segmenter.remaining() > 0) {
            int n = segmenter.next(out.memory, at + prefix);
            framing.putLength(out.memory, at, n);
            at += prefix + n;
            counters.framesOut++;
            counters.bytesOut += n;
        }
        out.commit(length);
        if (out.room() < SUPER_SEGMENT) {
            congested = true;
        }
        if (!blocked) {
            if (out.pending() >= FLUSH) {
                flush();
            } else {
                loop.enqueue(flushing);
            }
        }
        return true;
    }

    @Override
    public void flush() {
        while (!closed && !blocked && out.pending() > 0) {
            int n = out.writeTo(outFd);
            if (n >= 0) {
                boolean partial = n < out.pending();
                out.consume(n);
                if (partial) {
                    block();
                }
            } else if (n == -Errno.EAGAIN) {
                block();
            } else if (n != -Errno.EINTR) {
                fail(n == -Errno.EPIPE ? "disconnected" : "the connection failed: " + Errno.text(-n));
                blocked = true;
            }
        }
        if (congested && out.pending() < OUTPUT / 2 && !closed) {
            congested = false;
            loop.enqueue(roomy);
        }
    }

    /** Tells of room from the loop, not from within the sender's own call. */
    private final Work roomy = new Work() {
        @Override
        protected void run() {
            if (!closed && !congested) {
                handler.onRoom(StreamLink.this);
            }
        }
    };

    /**
     * Waits for room. Interest in it is kept only while needed: a stream would otherwise wake us whenever its reader reads.
     */
    private void block() {
        blocked = true;
        Watch both = watch;
        if (inFd == outFd && both != null) {
            both.interest(IN | Epoll.OUT);
        } else if (outWatch == null) {
            try {
                outWatch = loop.watch(outFd, Epoll.OUT, _ -> onWritable());
            } catch (PosixException e) {
                fail("can't be watched: " + e.getMessage());
            }
        }
    }

    private void onWritable() {
        if (blocked && !closed) {
            blocked = false;
            flush();
            Watch both = watch;
            if (!blocked && !closed && inFd == outFd && both != null) {
                both.interest(IN);
            }
        }
    }

    @Override
    public boolean congested() {
        return congested;
    }

    @Override
    void release() {
        if (watch != null) {
            watch.close();
        }
        if (outWatch != null) {
            outWatch.close();
        }
        Io.close(inFd);
        if (outFd != inFd) {
            Io.close(outFd);
        }
    }
}
