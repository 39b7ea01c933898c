package dev.sluice.link;

import dev.sluice.link.tap.OpenTap;
import dev.sluice.loop.EventLoop;
import dev.sluice.loop.Timer;
import dev.sluice.loop.Watch;
import dev.sluice.loop.Work;
import dev.sluice.posix.Epoll;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Tun;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.VirtioNetHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A TAP interface, usually with a virtio-net header before every frame: the fast path. The kernel gives and takes super-segments of up to 64 KiB
 * with unfinished checksums, so neither payload checksums nor segmentation cost anything here.
 *
 * <p>Each turn reads at most a budget of frames, one read(2) each (a TAP has no call for several), into slots of the link's own memory.
 * With more than one, the frames of a batch stay valid until its end ({@link #keeps}); the first stays in the processor's cache where
 * frames come one at a time.
 */
public final class TapLink extends DescriptorLink {
    /** Frames read per turn unless told otherwise. */
    public static final int DEFAULT_BUDGET = 32;

    /** Frames kept until the end of a batch unless told otherwise: half a MiB of a fast sender becomes one write to its socket. */
    public static final int DEFAULT_SLOTS = 8;

    /** Largest frame that a TAP delivers, in bytes: a 65,535-byte IP packet behind an Ethernet header, with a little to spare. */
    private static final int MAX_FRAME = 65_550;

    /** Room for one frame and its header, in whole pages. */
    private static final int SLOT = 69_632;
    /** 802.1Q. */
    private static final int TAG = 4;
    /** How much of a large frame the kernel puts into the linear part of its buffer: no header reaches further. */
    private static final int HEADER_HINT = 256;

    /** EBADFD: the interface is gone (its namespace ended). */
    private static final int EBADFD = 77;

    private static final long RETRY_NANOS = 1_000_000;

    private final int fd;
    /** Bytes of the header before each frame: those of the virtio-net header, or none. */
    private final int prefix;

    private final int slots;
    private final int budget;
    private final boolean tcpOffload;
    private final boolean udpOffload;
    private final MemorySegment memory;
    private final MemorySegment header;
    private final MemorySegment iovecs;
    /** The same without the header. */
    private final MemorySegment bareIovecs;

    private final Segmenter segmenter = new Segmenter();
    /** Where frames are put together that the kernel can't cut; mapped on first use. */
    private @Nullable MemorySegment staging;

    private @Nullable Watch watch;
    private boolean congested;
    /** Frames were read since the last {@link LinkHandler#onBatchEnd}. */
    private boolean inBatch;

    private final Work more = new Work() {
        @Override
        protected void run() {
            receive();
        }
    };

    /** A TAP tells nobody when its queue has room again after ENOBUFS, so that is tried. */
    private final Timer retry = Timer.of(this::room);

    /** A link on {@code tap}, which it owns from now on. */
    public TapLink(EventLoop loop, OpenTap tap, int mtu) throws PosixException {
        this(loop, tap.fd(), tap.name(), mtu, tap.offloads());
    }

    /** A link with the default slots and budget. */
    public TapLink(EventLoop loop, int fd, String name, int mtu, int offloads) throws PosixException {
        this(loop, fd, name, mtu, offloads, DEFAULT_SLOTS, DEFAULT_BUDGET);
    }

    /**
     * @param fd non-blocking; closed with the link
     * @param mtu of the interface, in bytes
     * @param offloads mask of {@code Tun.TUN_F_*} that the kernel agreed to, with 12-byte virtio-net headers; or
     *     {@link OpenTap#NO_HEADER}
     * @param slots frames kept until the end of a batch, at least 1; each is 68 KiB of address space
     * @param budget frames read per turn, at least 1
     */
    public TapLink(EventLoop loop, int fd, String name, int mtu, int offloads, int slots, int budget)
            throws PosixException {
        super(loop, name, mtu);
        this.fd = fd;
        this.slots = slots;
        this.budget = budget;
        boolean bare = offloads == OpenTap.NO_HEADER;
        this.prefix = bare ? 0 : VirtioNetHeader.LENGTH;
        this.tcpOffload = !bare && (offloads & Tun.TUN_F_TSO4) != 0;
        this.udpOffload = !bare && (offloads & Tun.TUN_F_USO4) != 0;
        this.memory = buffer((long) SLOT * slots);
        Arena arena = Arena.ofAuto();
        this.header = arena.allocate(VirtioNetHeader.LENGTH, 8);
        this.iovecs = arena.allocate(4L * Io.IOVEC, 8);
        this.bareIovecs = iovecs.asSlice(Io.IOVEC);
        Io.putIovec(iovecs, 0, header, 0, VirtioNetHeader.LENGTH);
    }

    @Override
    public boolean offloads() {
        return tcpOffload;
    }

    @Override
    public boolean keeps(MemorySegment memory) {
        return slots > 1 && memory.equals(this.memory);
    }

    @Override
    void watch() throws PosixException {
        watch = loop.watch(fd, Epoll.IN, this::onReady);
    }

    private void onReady(int events) {
        receive();
    }

    private void receive() {
        mayHoldMore = true;
        try {
            int left = budget;
            boolean drained = false;
            while (left > 0 && !drained && !closed) {
                int wanted = slots > 1 ? Math.min(left, slots) : left;
                int got = receiveBatch(wanted);
                drained = got < wanted;
                left -= got;
            }
            mayHoldMore = !drained;
        } finally {
            // Edge-triggered: with frames left (budget used up, or the handler threw) nobody would call again.
            if (mayHoldMore && !closed) {
                loop.enqueue(more);
            }
        }
    }

    /** Reads and delivers up to {@code wanted} frames; fewer mean that there are no more for now. */
    private int receiveBatch(int wanted) {
        try {
            return receiveFrames(wanted);
        } finally {
            // Also after a handler that threw: the frames before were perhaps kept for this.
            if (inBatch && !closed) {
                inBatch = false;
                handler.onBatchEnd(this);
            }
        }
    }

    private int receiveFrames(int wanted) {
        int got = 0;
        long at = 0;
        while (got < wanted && !closed) {
            int n = Io.read(fd, memory, at, prefix + MAX_FRAME);
            if (n < 0) {
                if (n == -Errno.EINTR) {
                    continue;
                }
                onReadError(-n);
                return got;
            }
            if (n == 0) {
                end("the interface is gone");
                return got;
            }
            got++;
            inBatch = true;
            deliver(at, n);
            at = slots > 1 ? at + SLOT : 0;
        }
        return got;
    }

    private void deliver(long at, int n) {
        int length = n - prefix;
        if (length < EthernetHeader.LENGTH || prefix > 0 && VirtioNetHeader.check(memory, at, n) != Flaw.NONE) {
            counters.droppedSize++;
            return;
        }
        counters.framesIn++;
        counters.bytesIn += length;
        Frame frame = received.set(memory, at + prefix, length);
        int flags = prefix == 0 ? 0 : VirtioNetHeader.flags(memory, at);
        if (flags != 0) {
            frame.checksumTrusted = true;
            if ((flags & VirtioNetHeader.NEEDS_CHECKSUM) != 0) {
                frame.checksumStart = VirtioNetHeader.checksumStart(memory, at);
                frame.checksumOffset = VirtioNetHeader.checksumOffset(memory, at);
            }
            frame.gso = VirtioNetHeader.gsoType(memory, at);
            frame.gsoSize = VirtioNetHeader.gsoSize(memory, at);
        }
        deliver(frame);
    }

    private void onReadError(int errno) {
        switch (errno) {
            case Errno.EAGAIN -> {}
            // The interface is down: not an end, and asking again would spin.
            case Errno.EIO, Errno.ENETDOWN, Errno.ENOMEM, Errno.ENOBUFS -> counters.droppedError++;
            default -> end("the interface is gone (" + Errno.text(errno) + ")");
        }
    }

    @Override
    boolean transmit(Frame frame) {
        int length = frame.length();
        if (prefix == 0 || frame.gso != Frame.GSO_NONE && !takes(frame)) {
            return sendSegments(frame);
        }
        if (frame.headLength < EthernetHeader.LENGTH
                || frame.gso == Frame.GSO_NONE && length > mtu() + EthernetHeader.LENGTH + TAG) {
            counters.droppedSize++;
            return false;
        }
        boolean unfinished = frame.checksumStart != 0;
        VirtioNetHeader.write(
                header,
                0,
                unfinished ? VirtioNetHeader.NEEDS_CHECKSUM : 0,
                frame.gso,
                Math.min(frame.headLength, HEADER_HINT),
                frame.gsoSize,
                frame.checksumStart,
                frame.checksumOffset,
                0);
        int count = 2;
        Io.putIovec(iovecs, 1, frame.head, frame.headAt, frame.headLength);
        if (frame.bodyLength > 0) {
            Io.putIovec(iovecs, count++, frame.body, frame.bodyAt, frame.bodyLength);
        }
        if (frame.bodyWrapLength > 0) {
            Io.putIovec(iovecs, count++, frame.body, frame.bodyWrapAt, frame.bodyWrapLength);
        }
        return write(count, length);
    }

    /** Whether the kernel cuts this super-segment as it is: agreed on, with a checksum to finish, and of the interface's size. */
    private boolean takes(Frame frame) {
        return (frame.gso == Frame.GSO_UDP ? udpOffload : tcpOffload)
                && frame.checksumStart != 0
                && frame.gsoSize > 0
                && frame.gsoSize < mtu();
    }

    private boolean sendSegments(Frame frame) {
        if (closed || !segmenter.begin(frame, mtu())) {
            counters.droppedSize++;
            return false;
        }
        MemorySegment target = staging;
        if (target == null) {
            try {
                target = buffer(SLOT);
            } catch (PosixException e) {
                counters.droppedError++;
                return false;
            }
            staging = target;
        }
        VirtioNetHeader.writeNone(header, 0);
        boolean all = true;
        while (all && segmenter.remaining() > 0) {
            int length = segmenter.next(target, 0);
            Io.putIovec(iovecs, 1, target, 0, length);
            all = write(2, length);
        }
        return all;
    }

    private boolean write(int iovecCount, int length) {
        if (closed) {
            counters.droppedError++;
            return false;
        }
        int n = prefix == 0 ? Io.writev(fd, bareIovecs, iovecCount - 1) : Io.writev(fd, iovecs, iovecCount);
        if (n >= 0) {
            counters.framesOut++;
            counters.bytesOut += length;
            return true;
        }
        onWriteError(-n);
        return false;
    }

    private void onWriteError(int errno) {
        switch (errno) {
            case Errno.EAGAIN, Errno.ENOBUFS, Errno.ENOMEM -> {
                counters.droppedFull++;
                congested = true;
                if (!retry.isArmed()) {
                    loop.schedule(retry, loop.now() + RETRY_NANOS);
                }
            }
            case EBADFD, Errno.EBADF, Errno.ENODEV -> {
                counters.droppedError++;
                fail("the interface is gone (" + Errno.text(errno) + ")");
            }
            // EIO: the interface is down. EINVAL: the kernel did not like this one.
            default -> counters.droppedError++;
        }
    }

    private void room() {
        if (congested && !closed) {
            congested = false;
            handler.onRoom(this);
        }
    }

    @Override
    public boolean congested() {
        return congested;
    }

    /** Nothing to do: every frame goes out at once. */
    @Override
    public void flush() {}

    @Override
    void release() {
        loop.cancel(retry);
        if (watch != null) {
            watch.close();
        }
        Io.close(fd);
    }
}
