package dev.sluice.host;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The parsed content of a small text file that others edit, as fresh as one look per second can tell. It is read when somebody asks,
 * never in the background, so an idle process does nothing. Any thread; never throws: what cannot be read counts as an empty file.
 */
final class WatchedFile<T extends Object> {
    private static final long CHECK_NANOS = 1_000_000_000L;
    /** A file written this recently may change again within one tick of its time stamp, so it is read again at the next look. */
    private static final long SETTLED_MILLIS = 2_000;

    /** What tells one content from another: rename gives a new key (inode), a write a new time or size. */
    private record Stamp(@Nullable Object key, FileTime modified, long size) {}

    private final Path path;
    private final int maxBytes;
    private final Function<String, T> parser;
    private final LongSupplier nanoClock;
    private final ReentrantLock lock = new ReentrantLock();
    /** Null until first asked: parsing even nothing would load classes that a short run may never need. */
    private volatile @Nullable T current;

    private volatile long nextCheck;
    private volatile boolean there;
    /** Of the content in {@code current}; null for none, or if it may still change unnoticed. Guarded by {@code lock}. */
    private @Nullable Stamp stamp;

    /**
     * @param maxBytes most bytes read; the rest of a longer file is ignored from the last whole line on
     * @param parser must not throw, whatever the text
     * @param nanoClock as {@link System#nanoTime}
     */
    WatchedFile(Path path, int maxBytes, Function<String, T> parser, LongSupplier nanoClock) {
        this.path = path;
        this.maxBytes = maxBytes;
        this.parser = parser;
        this.nanoClock = nanoClock;
    }

    /** True if {@link #current} would not look at the file now. */
    boolean isFresh() {
        return current != null && nanoClock.getAsLong() - nextCheck < 0;
    }

    /** Whether there was a file at the last look. */
    boolean isThere() {
        current();
        return there;
    }

    T current() {
        T known = current;
        if (known != null && nanoClock.getAsLong() - nextCheck < 0) {
            return known;
        }
        lock.lock();
        try {
            known = current;
            long now = nanoClock.getAsLong();
            if (known == null || now - nextCheck >= 0) {
                known = look(known);
                nextCheck = now + CHECK_NANOS;
                current = known;
            }
            return known;
        } finally {
            lock.unlock();
        }
    }

    private T look(@Nullable T known) {
        Stamp found = stat();
        there = found != null;
        if (known != null && found != null && found.equals(stamp)) {
            return known;
        }
        String text = found == null ? "" : read();
        boolean settled =
                found != null && System.currentTimeMillis() - found.modified().toMillis() > SETTLED_MILLIS;
        stamp = settled ? found : null;
        return parser.apply(text);
    }

    /** Null if there is no regular file: missing, dangling, a directory; a FIFO too, since opening it could block for ever. */
    private @Nullable Stamp stat() {
        try {
            BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
            return attributes.isRegularFile()
                    ? new Stamp(attributes.fileKey(), attributes.lastModifiedTime(), attributes.size())
                    : null;
        } catch (IOException | RuntimeException _) {
            return null;
        }
    }

    private String read() {
        try (InputStream in = Files.newInputStream(path)) {
            byte[] bytes = in.readNBytes(maxBytes + 1);
            int length = bytes.length;
            if (length > maxBytes) {
                length = maxBytes;
                while (length > 0 && bytes[length - 1] != '\n') {
                    length--;
                }
            }
            // Host names are ASCII; any other byte must only not disturb the lines around it.
            return new String(bytes, 0, length, StandardCharsets.ISO_8859_1);
        } catch (IOException | RuntimeException _) {
            return "";
        }
    }
}
