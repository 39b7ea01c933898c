package dev.sluice.link.capture;

import dev.sluice.loop.LateLogger;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;

/** A capture into a file, by a thread of its own, until closed. */
public final class CaptureFile implements AutoCloseable {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.link");

    /** For the end of a capture to be taken, as by a pipe that nobody may read any more. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Path path;
    private final FileChannel file;
    private final CaptureSession session;
    private final Thread thread;
    private volatile boolean givenUp;

    private CaptureFile(Path path, FileChannel file, CaptureSession session) {
        this.path = path;
        this.file = file;
        this.session = session;
        this.thread = Thread.ofPlatform().name("capture").daemon().unstarted(this::write);
    }

    /** Makes sessions; called once the file is there. */
    public interface Opener {
        CaptureSession open() throws IOException;
    }

    /**
     * Starts a capture, replacing the file if it exists; pcapng if its name ends so, else pcap.
     *
     * @throws IOException with one line saying why the file can't be written
     */
    public static CaptureFile open(Path path, Opener sessions) throws IOException {
        FileChannel file;
        try {
            file = FileChannel.open(
                    path, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new IOException("can't write the capture file " + path + " (" + reason(e) + "); choose another", e);
        }
        try {
            CaptureFile capture = new CaptureFile(path, file, sessions.open());
            capture.thread.start();
            return capture;
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    private static String reason(IOException e) {
        return switch (e) {
            case NoSuchFileException _ -> "there is no such folder";
            case AccessDeniedException _ -> "permission denied";
            default -> String.valueOf(e.getMessage());
        };
    }

    private void write() {
        try {
            session.run(CaptureFormat.ofFile(path.toString()), file, 0);
        } catch (IOException e) {
            if (givenUp) {
                return; // close tells
            }
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the capture to " + path + " has ended: " + e.getMessage() + "; the network goes on without it");
            cutToWholeRecords();
        } finally {
            session.close();
        }
    }

    /** What is there can then still be read. */
    private void cutToWholeRecords() {
        try {
            file.truncate(session.wholeBytes());
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "{0} may end within a record: {1}", path, e.getMessage());
        }
    }

    public Path path() {
        return path;
    }

    /** Frames that are in the file, once it is closed. */
    public long frames() {
        return session.frames();
    }

    /** Frames that are missing in the file, once it is closed. */
    public long lost() {
        return session.lost();
    }

    /**
     * Writes what was recorded so far and closes the file; not to be called on the loop's thread, which should still run.
     *
     * @throws IOException if the end is lost, as it was not taken within five seconds
     */
    @Override
    public void close() throws IOException {
        close(PATIENCE);
    }

    void close(Duration patience) throws IOException {
        session.stop();
        try {
            givenUp = !thread.join(patience);
            file.close(); // ends a write that blocks
            if (givenUp) {
                thread.join(PATIENCE);
                throw new IOException(path + " takes no more; what came last is lost");
            }
        } catch (InterruptedException e) {
            givenUp = true;
            file.close();
            Thread.currentThread().interrupt();
        }
    }
}
