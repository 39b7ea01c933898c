package dev.sluice.cli.face.vpnkit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Settings files, read at once and whenever they change, are replaced, or come to be. Directories are watched, so nothing is missed
 * and nothing polls.
 */
final class WatchedFiles implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("dev.sluice.cli.vpnkit");
    /** Longer files are no settings. */
    private static final int MAX_BYTES = 1 << 20;
    /** What writers do together is often several events. */
    private static final long SETTLING_MILLIS = 20;

    /** Takes a file's content. */
    @FunctionalInterface
    interface Reader {
        /**
         * Takes it, or leaves all as it was.
         *
         * @param text empty if there is no file
         * @throws IllegalArgumentException saying what is wrong with it
         */
        void read(String text) throws IOException;
    }

    private static final class Watched {
        final Path path;
        final Reader reader;

        @Nullable
        String last;

        Watched(Path path, Reader reader) {
            this.path = path;
            this.reader = reader;
        }

        void read() {
            String text = "";
            try {
                if (Files.size(path) > MAX_BYTES) {
                    throw new IOException("it has more than " + MAX_BYTES + " bytes");
                }
                text = Files.readString(path, StandardCharsets.UTF_8);
            } catch (NoSuchFileException e) {
                LOG.log(System.Logger.Level.DEBUG, "{0} is not there (yet)", path);
            } catch (IOException e) {
                LOG.log(System.Logger.Level.WARNING, "{0} can't be read: {1}", path, e.getMessage());
                return;
            }
            if (text.equals(last)) {
                return;
            }
            last = text;
            try {
                reader.read(text);
            } catch (IllegalArgumentException | IOException e) {
                LOG.log(System.Logger.Level.WARNING, "{0}: {1}; what was set before remains", path, e.getMessage());
            }
        }
    }

    private final List<Watched> files = new ArrayList<>();
    private @Nullable WatchService service;

    /** Adds a file and reads it; to be called before {@link #start}. */
    void add(String path, Reader reader) {
        if (!path.isEmpty()) {
            Watched watched = new Watched(Path.of(path).toAbsolutePath(), reader);
            files.add(watched);
            watched.read();
        }
    }

    /** Watches from now on. */
    void start() throws IOException {
        if (files.isEmpty()) {
            return;
        }
        WatchService watcher = FileSystems.getDefault().newWatchService();
        service = watcher;
        for (Watched watched : files) {
            Path folder = Objects.requireNonNull(watched.path.getParent());
            try {
                folder.register(
                        watcher,
                        StandardWatchEventKinds.ENTRY_CREATE,
                        StandardWatchEventKinds.ENTRY_MODIFY,
                        StandardWatchEventKinds.ENTRY_DELETE);
            } catch (IOException e) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "changes of {0} will not be seen, as its directory can't be watched: {1}",
                        watched.path,
                        e.getMessage());
            }
        }
        files.forEach(Watched::read); // what changed in between
        Thread.ofVirtual().name("vpnkit-files").start(() -> watch(watcher));
    }

    private void watch(WatchService watcher) {
        try {
            while (true) {
                WatchKey key = watcher.take();
                Thread.sleep(SETTLING_MILLIS);
                Path folder = (Path) key.watchable();
                List<WatchEvent<?>> events = key.pollEvents();
                for (Watched watched : files) {
                    if (events.stream().anyMatch(event -> concerns(event, folder, watched.path))) {
                        watched.read();
                    }
                }
                key.reset();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ClosedWatchServiceException e) {
            // the network has ended
        }
    }

    /** Whether it is about that file, or may be. */
    private static boolean concerns(WatchEvent<?> event, Path folder, Path file) {
        return folder.equals(file.getParent())
                && (event.kind() == StandardWatchEventKinds.OVERFLOW
                        || event.context() instanceof Path name && name.equals(file.getFileName()));
    }

    @Override
    public void close() {
        if (service != null) {
            try {
                service.close();
            } catch (IOException e) {
                LOG.log(System.Logger.Level.DEBUG, "the watch on files could not be closed", e);
            }
        }
    }
}
