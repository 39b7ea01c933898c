package dev.sluice.link.capture;

import dev.sluice.link.Frame;
import dev.sluice.wire.Pcap;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.LongSupplier;

/** A capture file that is being written; after {@link #create}, confined to the loop's thread. */
public final class CaptureFile implements AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger(CaptureFile.class.getName());
    private static final int BUFFER = 1 << 20;

    private final Path path;
    private final FileChannel channel;
    private final LongSupplier clock;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(BUFFER, 8);
    private final ByteBuffer bytes = buffer.asByteBuffer();
    /** Bytes of {@link #buffer} that wait for the next write. */
    private int filled;

    private boolean ended;

    private CaptureFile(Path path, FileChannel channel, LongSupplier clock) {
        this.path = path;
        this.channel = channel;
        this.clock = clock;
    }

    /**
     * Creates the file, or empties it.
     *
     * @param clock nanoseconds since 1970
     * @throws IOException saying what is wrong with the path
     */
    public static CaptureFile create(Path path, LongSupplier clock) throws IOException {
        FileChannel channel;
        try {
            channel = FileChannel.open(
                    path, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
        } catch (FileSystemException e) {
            String why = e.getReason() == null ? e.getClass().getSimpleName().replace("Exception", "") : e.getReason();
            throw new IOException("can't write the capture to " + path + " (" + why + "): choose another file", e);
        }
        CaptureFile file = new CaptureFile(path, channel, clock);
        Pcap.writeFileHeader(file.buffer, 0, Pcap.MAX_SNAP_LENGTH, Pcap.LINKTYPE_ETHERNET);
        file.filled = Pcap.FILE_HEADER_LENGTH;
        file.flush();
        return file;
    }

    /** Adds a frame; its bytes are copied before this returns. */
    public void add(Frame frame) {
        int length = frame.length();
        int captured = Math.min(length, Pcap.MAX_SNAP_LENGTH);
        if (filled + Pcap.RECORD_HEADER_LENGTH + captured > BUFFER) {
            flush();
        }
        if (ended) {
            return;
        }
        Pcap.writeRecordHeader(buffer, filled, clock.getAsLong(), captured, length);
        int end = filled + Pcap.RECORD_HEADER_LENGTH + captured;
        int at = filled + Pcap.RECORD_HEADER_LENGTH;
        at = copy(frame.head, frame.headAt, frame.headLength, at, end);
        at = copy(frame.body, frame.bodyAt, frame.bodyLength, at, end);
        filled = copy(frame.body, frame.bodyWrapAt, frame.bodyWrapLength, at, end);
    }

    private int copy(MemorySegment from, long fromAt, int length, int at, int end) {
        int n = Math.min(length, end - at);
        if (n > 0) {
            MemorySegment.copy(from, fromAt, buffer, at, n);
        }
        return at + Math.max(n, 0);
    }

    /** Writes what waits. */
    public void flush() {
        if (ended || filled == 0) {
            return;
        }
        try {
            bytes.limit(filled).position(0);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            ended = true;
            LOGGER.log(System.Logger.Level.WARNING, "the capture to " + path + " ends here: " + e.getMessage());
        }
        filled = 0;
    }

    /** Writes what waits, and closes the file. Idempotent. */
    @Override
    public void close() {
        flush();
        ended = true;
        try {
            channel.close();
        } catch (IOException e) {
            LOGGER.log(System.Logger.Level.WARNING, "the capture to " + path + " may lack its end: " + e.getMessage());
        }
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
