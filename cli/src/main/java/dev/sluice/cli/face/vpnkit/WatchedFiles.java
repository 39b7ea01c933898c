package dev.sluice.cli.face.vpnkit;

import dev.sluice.cli.view.FileTrouble;
import dev.sluice.host.FileWatch;
import dev.sluice.loop.LateLogger;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Settings files, read at once and whenever they have another content; a file that is gone is an empty one. */
final class WatchedFiles implements AutoCloseable {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.cli.vpnkit");
    /** Longer files are no settings. */
    private static final int MAX_BYTES = 1 << 20;

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
                LOG.log(System.Logger.Level.WARNING, "{0} can''t be read: {1}", path, FileTrouble.reason(e));
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
    private @Nullable FileWatch watch;

    /** Adds a file and reads it; to be called before {@link #start}. */
    void add(String path, Reader reader) {
        if (!path.isEmpty()) {
            Watched watched = new Watched(Path.of(path).toAbsolutePath(), reader);
            files.add(watched);
            watched.read();
        }
    }

    /** Follows them from now on. */
    void start() throws IOException {
        if (!files.isEmpty()) {
            watch = FileWatch.start(
                    files.stream().map(watched -> watched.path).toList(), () -> files.forEach(Watched::read));
        }
    }

    @Override
    public void close() {
        if (watch != null) {
            watch.close();
        }
    }
}
