package dev.sluice.link.capture;

import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Pcap;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.WritableByteChannel;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One reader's capture: what it reads, and the thread that does ({@link #run}, which blocks). Made on the loop; {@link #stop} from any
 * thread; {@link #close}, by whoever ran it, when that is over.
 */
public final class CaptureSession implements AutoCloseable {
    /** Memory between the loop and a live reader: half a second of a gigabit. */
    public static final int LIVE_BYTES = 4 << 20;
    /** Headers of every protocol known here. */
    public static final int MIN_SNAP_LENGTH = 64;

    /** For the DNS answers from which names are learnt. */
    private static final int NAMES_BYTES = 64 << 10;

    private static final int NAMES_SNAP_LENGTH = 1500;

    /** What a session needs to know of its network; asked on the session's thread, may block. */
    public interface Surroundings {
        /** Addresses that have names without anybody asking DNS. */
        Map<IpAddress, String> names();

        /** More about a link, for people. */
        String describe(String link);

        /**
         * Runs {@code task} on the loop, which ends a session.
         *
         * @throws IOException if the loop has ended
         */
        void leave(CaptureSession session, Runnable task) throws IOException;
    }

    private final Capture capture;
    private final Surroundings surroundings;
    private final Arena arena;
    private final RingReader reader;
    /** What a shared ring's reader wants of it; null for everything. */
    private final @Nullable Filter filter;

    private final boolean follows;
    private final @Nullable FrameRing own;
    private final FrameRing dns;
    private final boolean ownsDns;
    private final RingReader dnsReader;
    private final SeenNames names = new SeenNames();
    private volatile boolean stopping;
    private volatile @Nullable Thread runner;
    private volatile long frames;
    private volatile long lost;
    private volatile long wholeBytes;

    private CaptureSession(
            Capture capture,
            Surroundings surroundings,
            Arena arena,
            @Nullable FrameRing shared,
            @Nullable FrameRing sharedDns,
            Filter filter,
            int snapLength,
            boolean follows) {
        this.capture = capture;
        this.surroundings = surroundings;
        this.arena = arena;
        this.follows = follows;
        if (shared == null) {
            own = new FrameRing(arena, LIVE_BYTES, snapLength);
            this.filter = null;
            reader = new RingReader(own, arena, false);
            capture.add(filter, own);
        } else {
            own = null;
            this.filter = filter;
            reader = new RingReader(shared, arena, true);
        }
        ownsDns = sharedDns == null;
        if (sharedDns == null) {
            dns = new FrameRing(arena, NAMES_BYTES, NAMES_SNAP_LENGTH);
            capture.add(Rule.DNS.filter, dns);
        } else {
            dns = sharedDns;
        }
        dnsReader = new RingReader(dns, arena, true);
    }

    /**
     * Everything that passes from now on and matches {@code filter}; on the loop.
     *
     * @param snapLength bytes kept of each frame, 64 to 262,144; others count as the nearest of them
     */
    public static CaptureSession live(Capture capture, Surroundings surroundings, Filter filter, int snapLength) {
        int snap = Math.clamp(snapLength, MIN_SNAP_LENGTH, Pcap.MAX_SNAP_LENGTH);
        return new CaptureSession(
                capture, surroundings, Arena.ofShared(), null, capture.ring(Rule.DNS), filter, snap, true);
    }

    /** What a rule's ring holds, and with {@code follows} what comes; rings are kept from now on. On the loop. */
    public static CaptureSession of(
            Capture capture, Surroundings surroundings, Rule rule, Filter filter, boolean follows) {
        capture.keepRings();
        FrameRing ring = capture.ring(rule);
        if (ring == null) {
            throw new IllegalStateException("no ring " + rule.text());
        }
        return new CaptureSession(
                capture,
                surroundings,
                Arena.ofShared(),
                ring,
                capture.ring(Rule.DNS),
                filter,
                ring.snapLength(),
                follows);
    }

    /**
     * Writes the capture until there is nothing more to come, {@code count} frames have been written, {@link #stop}, or an interrupt.
     *
     * @param count of frames; 0 for no limit
     * @throws IOException if {@code out} takes no more
     */
    public void run(CaptureFormat format, WritableByteChannel out, long count) throws IOException {
        runner = Thread.currentThread();
        CaptureWriter writer = new CaptureWriter(format, out, capture, reader.snapLength(), surroundings::describe);
        try {
            writer.begin();
            surroundings.names().forEach(names::learn);
            writer.names(names.takeFresh());
            boolean last = false;
            while (!last) {
                last = stopping
                        || !follows
                        || Thread.currentThread()
                                .isInterrupted(); // looked at before the ring: what was there by then is still written
                drain(writer, count);
                writer.flush();
                count(writer);
                last |= count > 0 && writer.frames() >= count;
                if (!last) {
                    reader.await();
                }
            }
            writer.end(reader.lost());
        } finally {
            count(writer);
            runner = null;
        }
    }

    private void count(CaptureWriter writer) {
        frames = writer.frames();
        lost = reader.lost();
        wholeBytes = writer.wholeBytes();
    }

    private void drain(CaptureWriter writer, long count) throws IOException {
        boolean fresh = false;
        while (dnsReader.next()) {
            names.learn(dnsReader.record(), FrameRing.RECORD_HEADER, FrameRing.captured(dnsReader.record()));
            fresh = true;
        }
        if (fresh) {
            writer.names(names.takeFresh());
        }
        Facts facts = new Facts();
        while ((count == 0 || writer.frames() < count) && reader.next()) {
            if (filter != null) {
                facts.read(reader.record(), FrameRing.RECORD_HEADER, FrameRing.captured(reader.record()));
                if (!filter.matches(facts)) {
                    continue;
                }
            }
            writer.frame(reader.record(), reader.lost());
            if (writer.isFull()) {
                writer.flush();
                count(writer);
            }
        }
    }

    /** Lets {@link #run} write what is there and end. */
    public void stop() {
        stopping = true;
        Thread running = runner;
        if (running != null) {
            java.util.concurrent.locks.LockSupport.unpark(running);
        }
    }

    /** Frames written so far. */
    public long frames() {
        return frames;
    }

    /** Frames that passed and are missing so far, as the reader was too slow. */
    public long lost() {
        return lost;
    }

    /** Bytes written that end with a whole record. */
    long wholeBytes() {
        return wholeBytes;
    }

    /** Lets go of its memory, once the loop does not write there any more. Idempotent. */
    @Override
    public void close() {
        if (!arena.scope().isAlive()) {
            return;
        }
        // Whoever ends a capture is often interrupted for that; the loop must still be told before its memory goes.
        boolean interrupted = Thread.interrupted();
        boolean left = false;
        while (!left) {
            try {
                surroundings.leave(this, this::detach);
                left = true;
            } catch (IOException e) {
                left = !Thread.interrupted(); // else the loop has ended, and writes no more
                interrupted |= !left;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        arena.close();
    }

    /** On the loop. */
    private void detach() {
        if (own != null) {
            capture.remove(own);
        }
        if (ownsDns) {
            capture.remove(dns);
        }
    }
}
