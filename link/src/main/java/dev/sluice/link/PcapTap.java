package dev.sluice.link;

import dev.sluice.wire.Pcap;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Records what passes over links to a capture file. Frames are copied, up to the snap length, into a bounded ring on the loop's thread and
 * written by a thread of its own: the data path never waits for a disk. What the ring can't hold is dropped from the capture and
 * counted. Super-segments are recorded as they are, before segmentation and checksums, as tcpdump shows them too.
 *
 * <p>The ring is a single-producer, single-consumer byte queue: {@code written} and {@code drained} only grow, and their difference is
 * never more than the ring's size.
 */
public final class PcapTap implements AutoCloseable {
    /** All of any frame. */
    public static final int WHOLE_FRAMES = Pcap.MAX_SNAP_LENGTH;

    static final int RING = 4 * 1024 * 1024;
    private static final long NAP_NANOS = 20_000_000;
    private static final System.Logger LOG = System.getLogger("dev.sluice.link");

    private final Path path;
    private final FileChannel file;
    private final int snapLength;
    private final MemorySegment ring;
    private final MemorySegment record;
    private final AtomicLong written = new AtomicLong();
    private final AtomicLong drained = new AtomicLong();
    private final AtomicLong frames = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();
    /** Wall clock minus {@link System#nanoTime}, in nanoseconds. */
    private final long epoch = System.currentTimeMillis() * 1_000_000L - System.nanoTime();

    private final Thread writer;
    private volatile boolean ending;
    private volatile boolean broken;

    private PcapTap(Path path, FileChannel file, int snapLength) {
        this.path = path;
        this.file = file;
        this.snapLength = snapLength;
        Arena arena = Arena.ofAuto();
        this.ring = arena.allocate(RING, 8);
        this.record = arena.allocate(Pcap.FILE_HEADER_LENGTH, 8);
        this.writer = Thread.ofPlatform().name("capture").daemon().unstarted(this::write);
    }

    /**
     * Starts a capture, replacing the file if it exists.
     *
     * @param snapLength bytes kept of each frame, 64–262,144
     * @throws IOException with one line saying why the file can't be written
     */
    public static PcapTap open(Path path, int snapLength) throws IOException {
        int snap = Math.clamp(snapLength, 64, Pcap.MAX_SNAP_LENGTH);
        FileChannel file;
        try {
            file = FileChannel.open(
                    path, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new IOException(
                    "can't write the capture file " + path + " (" + e.getMessage() + "); choose another", e);
        }
        try {
            PcapTap tap = new PcapTap(path, file, snap);
            Pcap.writeFileHeader(tap.record, 0, snap, Pcap.LINKTYPE_ETHERNET);
            file.write(tap.record.asSlice(0, Pcap.FILE_HEADER_LENGTH).asByteBuffer());
            tap.writer.start();
            return tap;
        } catch (IOException e) {
            file.close();
            throw new IOException(
                    "can't write the capture file " + path + " (" + e.getMessage() + "); choose another", e);
        }
    }

    /** A link that does what {@code link} does and has its frames recorded, both ways. */
    public Link tap(Link link) {
        return new TappedLink(link, this);
    }

    /** Frames recorded. */
    public long frames() {
        return frames.get();
    }

    /** Frames that are missing in the file. */
    public long dropped() {
        return dropped.get();
    }

    /** Records one frame; from one thread only, the loop's. */
    void record(Frame frame) {
        int length = frame.length();
        int captured = Math.min(length, snapLength);
        int size = Pcap.RECORD_HEADER_LENGTH + captured;
        long at = written.getPlain();
        if (broken || RING - (at - drained.getAcquire()) < size) {
            dropped.lazySet(dropped.getPlain() + 1);
            return;
        }
        Pcap.writeRecordHeader(record, 0, epoch + System.nanoTime(), captured, length);
        put(at, record, 0, Pcap.RECORD_HEADER_LENGTH);
        at += Pcap.RECORD_HEADER_LENGTH;
        int left = captured;
        int n = Math.min(left, frame.headLength);
        put(at, frame.head, frame.headAt, n);
        at += n;
        left -= n;
        n = Math.min(left, frame.bodyLength);
        put(at, frame.body, frame.bodyAt, n);
        at += n;
        left -= n;
        put(at, frame.body, frame.bodyWrapAt, left);
        written.setRelease(at + left);
        frames.lazySet(frames.getPlain() + 1);
    }

    private void put(long position, MemorySegment from, long at, int length) {
        if (length == 0) {
            return; // an empty part says nothing about where it lies
        }
        int offset = (int) (position % RING);
        int first = Math.min(length, RING - offset);
        MemorySegment.copy(from, at, ring, offset, first);
        if (first < length) {
            MemorySegment.copy(from, at + first, ring, 0, length - first);
        }
    }

    /** The writer: polls, so that the data path need not wake it. */
    private void write() {
        while (true) {
            boolean last = ending;
            drain();
            if (last || broken) {
                return;
            }
            LockSupport.parkNanos(NAP_NANOS);
        }
    }

    private void drain() {
        long from = drained.getPlain();
        long to = written.getAcquire();
        try {
            while (from < to) {
                int offset = (int) (from % RING);
                int n = (int) Math.min(to - from, RING - offset);
                from += file.write(ring.asSlice(offset, n).asByteBuffer());
                drained.setRelease(from);
            }
        } catch (IOException e) {
            broken = true;
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the capture to " + path + " has ended: " + e.getMessage() + "; the network goes on without it");
        }
    }

    /** Writes what was recorded so far and closes the file. No frame is recorded after; not to be called on the loop's thread. */
    @Override
    public void close() throws IOException {
        ending = true;
        LockSupport.unpark(writer);
        try {
            writer.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        broken = true;
        file.close();
    }
}
