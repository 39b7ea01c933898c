package dev.sluice.link;

import dev.sluice.loop.EventLoop;
import dev.sluice.loop.Timer;
import dev.sluice.loop.Watch;
import dev.sluice.loop.Work;
import dev.sluice.posix.Epoll;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Message;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.EthernetHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Bare frames on a connected Unix socket that keeps borders: SOCK_SEQPACKET (BESS, User Mode Linux) or SOCK_DGRAM (vfkit, krunkit). Both
 * ways in batches, with one recvmmsg(2) or sendmmsg(2) each.
 *
 * <p>Outgoing frames are finished in software into a bounded buffer that is filled from its start and begins anew once all of it is
 * sent. While the peer does not read, it fills up; then frames are dropped.
 */
public final class PacketLink extends DescriptorLink {
    /** Frames received per call, and per turn four times that. */
    private static final int BATCH = 32;

    private static final int BATCHES_PER_TURN = 4;
    /** Room for one frame of {@link Framing#MAX_FRAME} bytes and one more, to notice longer ones; in whole pages. */
    private static final int SLOT = 69_632;

    private static final int OUTPUT = 512 * 1024;
    private static final int OUTPUT_FRAMES = 512;
    /** What one super-segment may need. */
    private static final int SUPER_SEGMENT = 80 * 1024;

    private static final int SUPER_SEGMENT_FRAMES = 128;
    private static final int FLUSH = 128 * 1024;
    /** After a lack of memory, the first time; then twice as long each time. */
    private static final long RETRY_NANOS = 2_000_000;

    private static final long LONGEST_RETRY_NANOS = 1_000_000_000L;
    private static final long PROBE_NANOS = 1_000_000_000L;
    private static final int IN = Epoll.IN | Epoll.RDHUP | Epoll.EDGE;

    private final int fd;
    /** Where a datagram peer is bound, to notice that it went away; null for SEQPACKET, which tells. */
    private final @Nullable MemorySegment peer;

    private final MemorySegment in;
    private final MemorySegment inVector;
    private final MemorySegment out;
    private final MemorySegment outVector;
    private final MemorySegment outIovecs;
    private final Segmenter segmenter = new Segmenter();
    private int outEnd;
    private int outCount;
    private boolean hangUp;
    private boolean blocked;
    private boolean congested;
    private @Nullable Watch watch;

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

    /** Tells of room from the loop, not from within the sender's own call. */
    private final Work roomy = new Work() {
        @Override
        protected void run() {
            if (!closed && !congested) {
                handler.onRoom(PacketLink.this);
            }
        }
    };

    /** A lack of memory is followed by no event; a reader that has stalled is, and costs nothing until then. */
    private final Timer retry = Timer.of(this::onWritable);

    private long retryNanos = RETRY_NANOS;

    private final Timer probe = Timer.of(this::probe);

    /**
     * @param fd a connected, non-blocking packet or datagram socket; closed with the link
     * @param peer for datagrams, the {@code sockaddr} it is connected to: a connected datagram socket is not told when its peer closes, so
     *     this is tried once a second; else null
     */
    public PacketLink(EventLoop loop, int fd, String name, int mtu, @Nullable MemorySegment peer)
            throws PosixException {
        super(loop, name, mtu);
        this.fd = fd;
        this.peer = peer;
        this.in = buffer((long) BATCH * SLOT);
        this.out = buffer(OUTPUT);
        Arena arena = Arena.ofAuto();
        this.inVector = arena.allocate((long) BATCH * Message.MULTI_HEADER, 8);
        MemorySegment inIovecs = buffer((long) BATCH * Io.IOVEC);
        for (int i = 0; i < BATCH; i++) {
            Io.putIovec(inIovecs, i, in, (long) i * SLOT, Framing.MAX_FRAME + 1);
            Message.putHeader(inVector, (long) i * Message.MULTI_HEADER, inIovecs, (long) i * Io.IOVEC, 1);
        }
        this.outVector = arena.allocate((long) OUTPUT_FRAMES * Message.MULTI_HEADER, 8);
        this.outIovecs = arena.allocate((long) OUTPUT_FRAMES * Io.IOVEC, 8);
        for (int i = 0; i < OUTPUT_FRAMES; i++) {
            Message.putHeader(outVector, (long) i * Message.MULTI_HEADER, outIovecs, (long) i * Io.IOVEC, 1);
        }
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
        watch = loop.watch(fd, IN, this::onReady);
        if (peer != null) {
            loop.schedule(probe, loop.now() + PROBE_NANOS);
        }
    }

    private void onReady(int events) {
        if ((events & Epoll.OUT) != 0) {
            onWritable();
        }
        if ((events & (Epoll.RDHUP | Epoll.HUP | Epoll.ERR)) != 0) {
            hangUp = true;
        }
        if ((events & ~Epoll.OUT) != 0 && !closed) {
            receive();
        }
    }

    private void receive() {
        boolean drained = false;
        mayHoldMore = true;
        try {
            for (int i = 0; i < BATCHES_PER_TURN && !drained && !closed; i++) {
                int n = Sockets.recvmmsg(fd, inVector, BATCH, 0);
                if (n == -Errno.EINTR) {
                    continue;
                }
                if (n < 0) {
                    drained = true;
                    if (n != -Errno.EAGAIN) {
                        end(n == -Errno.ECONNRESET ? "disconnected" : "the connection failed: " + Errno.text(-n));
                    }
                } else {
                    deliver(n);
                    drained = n < BATCH && !hangUp;
                }
            }
        } finally {
            mayHoldMore = !drained;
            if (!drained && !closed) {
                loop.enqueue(more);
            }
        }
    }

    private void deliver(int messages) {
        try {
            deliverFrames(messages);
        } finally {
            if (!closed) {
                handler.onBatchEnd(this);
            }
        }
    }

    private void deliverFrames(int messages) {
        for (int i = 0; i < messages && !closed; i++) {
            int length = Message.multiLength(inVector, i);
            if (length == 0 && hangUp) {
                end("disconnected");
            } else if (length < EthernetHeader.LENGTH || length > Framing.MAX_FRAME) {
                counters.droppedSize++;
            } else {
                counters.framesIn++;
                counters.bytesIn += length;
                Frame frame = received.set(in, (long) i * SLOT, length);
                UnfinishedChecksums.recognise(frame, mtu());
                deliver(frame);
            }
        }
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
        int length = segmenter.totalLength(0);
        if (OUTPUT - outEnd < length || OUTPUT_FRAMES - outCount < segmenter.remaining()) {
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
            int n = segmenter.next(out, outEnd);
            Io.putIovec(outIovecs, outCount++, out, outEnd, n);
            outEnd += n;
            counters.framesOut++;
            counters.bytesOut += n;
        }
        if (OUTPUT - outEnd < SUPER_SEGMENT || OUTPUT_FRAMES - outCount < SUPER_SEGMENT_FRAMES) {
            congested = true;
        }
        if (!blocked) {
            if (congested || outEnd >= FLUSH) {
                flush();
            } else {
                loop.enqueue(flushing);
            }
        }
        return true;
    }

    @Override
    public void flush() {
        while (!closed && !blocked && outCount > 0) {
            int n = Sockets.sendmmsg(fd, outVector, outCount, Sockets.MSG_NOSIGNAL);
            if (n > 0) {
                retryNanos = RETRY_NANOS;
                drop(n);
            } else {
                onSendError(-n);
            }
        }
        if (outCount == 0) {
            outEnd = 0;
            if (congested && !closed) {
                congested = false;
                loop.enqueue(roomy);
            }
        }
    }

    /** Takes the first {@code n} frames off the list; the memory they lay in is free again when the list is empty. */
    private void drop(int n) {
        outCount -= n;
        if (outCount > 0) {
            MemorySegment.copy(outIovecs, (long) n * Io.IOVEC, outIovecs, 0, (long) outCount * Io.IOVEC);
        }
    }

    private void onSendError(int errno) {
        switch (errno) {
            case Errno.EINTR -> {}
            case Errno.EAGAIN -> block();
            case 0, Errno.ENOBUFS, Errno.ENOMEM -> {
                block();
                loop.schedule(retry, loop.now() + retryNanos);
                retryNanos = Math.min(2 * retryNanos, LONGEST_RETRY_NANOS);
            }
            case Errno.EMSGSIZE -> {
                // Larger than the peer's socket can ever take.
                drop(1);
                counters.droppedSize++;
            }
            case Errno.EPIPE, Errno.ECONNREFUSED, Errno.ECONNRESET, Errno.ENOTCONN -> {
                fail("disconnected");
                blocked = true;
            }
            default -> {
                fail("the connection failed: " + Errno.text(errno));
                blocked = true;
            }
        }
    }

    private void block() {
        blocked = true;
        interest(IN | Epoll.OUT);
    }

    private void interest(int bits) {
        if (watch != null && watch.interest() != bits) {
            watch.interest(bits);
        }
    }

    private void onWritable() {
        if (blocked && !closed) {
            blocked = false;
            flush();
            if (!blocked && !closed) {
                loop.cancel(retry);
                interest(IN);
            }
        }
    }

    /** Connecting once more to the same peer changes nothing, and fails if it is gone. */
    private void probe() {
        MemorySegment address = peer;
        if (closed || address == null) {
            return;
        }
        int r = Sockets.connect(fd, address, (int) address.byteSize());
        if (r == -Errno.ECONNREFUSED || r == -Errno.ENOENT) {
            receive();
            end("disconnected");
        } else {
            loop.schedule(probe, loop.now() + PROBE_NANOS);
        }
    }

    @Override
    public boolean congested() {
        return congested;
    }

    @Override
    void release() {
        loop.cancel(retry);
        loop.cancel(probe);
        if (watch != null) {
            watch.close();
        }
        Io.close(fd);
    }
}
