package dev.sluice.host;

import dev.sluice.loop.LateLogger;
import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Tells when some files may have changed, however: written, renamed over, removed and made again, alone or with their folder, or because a
 * symbolic link on the way to them leads elsewhere. The only watcher of files there is.
 *
 * <p>Folders are watched, so nothing polls; it costs a thread of the JDK (inotify) from the moment it starts. Watched are a file's folder, the
 * one above (the folder may be renamed), that of each link on the way, and, where the way ends early, the last folder there is. A file is
 * written piece by piece: what has happened is told when nothing has happened to it for a while. Renaming a folder further up is not seen.
 */
public final class FileWatch implements AutoCloseable {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.host");
    /** A writer that pauses for longer has finished, as far as anybody can tell. */
    private static final long SETTLING_NANOS = 100_000_000L;
    /** One that never pauses is looked at anyway. */
    private static final long PATIENCE_NANOS = 2_000_000_000L;
    /** As many as Linux follows. */
    private static final int MAX_LINKS = 40;

    private static final int MAX_FILES = 256;
    private static final int MAX_LOOKS = 16;

    private final List<Path> files;
    private final Runnable look;
    private final WatchService service;
    /**
     * What is watched, and the names in it that count. By key, since that is what a folder is to the kernel, whatever it is called by now. Used
     * by the watching thread only, once it runs.
     */
    private Map<WatchKey, Set<Path>> watched = Map.of();

    private FileWatch(List<Path> files, Runnable look) throws IOException {
        if (files.size() > MAX_FILES) {
            throw new IllegalArgumentException("more than " + MAX_FILES + " files to watch");
        }
        this.files = files.stream().map(Path::toAbsolutePath).distinct().toList();
        this.look = look;
        this.service = FileSystems.getDefault().newWatchService();
    }

    /**
     * Watches from now on, and has them looked at once, for what happened until then.
     *
     * @param look called on one virtual thread whenever there may be something new, which it finds out itself
     */
    public static FileWatch start(List<Path> files, Runnable look) throws IOException {
        FileWatch watch = new FileWatch(files, look);
        watch.register();
        Thread.ofVirtual().name("file-watch").start(watch::watch);
        return watch;
    }

    private void watch() {
        try {
            while (true) {
                settle(); // at first as well: somebody may be writing at this very moment
                register();
                tell();
                WatchKey key = service.take();
                while (!concerns(key)) {
                    key = service.take();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ClosedWatchServiceException e) {
            // closed
        }
    }

    /** Waits for the end of what has begun. */
    private void settle() throws InterruptedException {
        long began = System.nanoTime();
        long quiet = began + SETTLING_NANOS;
        for (long now = began; quiet - now > 0; now = System.nanoTime()) {
            WatchKey more = service.poll(quiet - now, TimeUnit.NANOSECONDS);
            if (more != null && concerns(more)) {
                quiet = Math.min(System.nanoTime() + SETTLING_NANOS, began + PATIENCE_NANOS);
            }
        }
    }

    /** Takes what a folder has to tell; whether it may be about one of the files. */
    private boolean concerns(WatchKey key) {
        Set<Path> names = watched.get(key);
        boolean any = false;
        for (WatchEvent<?> event : key.pollEvents()) {
            any |= names != null
                    && (event.kind() == StandardWatchEventKinds.OVERFLOW
                            || event.context() instanceof Path name && names.contains(name));
        }
        boolean gone = !key.reset();
        return any || gone && names != null;
    }

    private void tell() {
        try {
            look.run();
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "a changed file could not be taken in", e);
        }
    }

    /**
     * Watches the folders that matter now, and no others. What appears between the look and the watch would be missed, so it is looked again
     * until nothing new was found.
     */
    private void register() {
        Map<Path, Set<Path>> wanted;
        Map<Path, Set<Path>> again = folders(files);
        int looks = 0;
        do {
            wanted = again;
            watched = watchFolders(wanted);
            again = folders(files);
        } while (!again.equals(wanted) && ++looks < MAX_LOOKS);
    }

    /** A folder that was watched already keeps its key, unless another is there by the same name. */
    private Map<WatchKey, Set<Path>> watchFolders(Map<Path, Set<Path>> wanted) {
        Map<WatchKey, Set<Path>> now = new HashMap<>();
        wanted.forEach((folder, names) -> {
            try {
                WatchKey key = folder.register(
                        service,
                        StandardWatchEventKinds.ENTRY_CREATE,
                        StandardWatchEventKinds.ENTRY_MODIFY,
                        StandardWatchEventKinds.ENTRY_DELETE);
                now.computeIfAbsent(key, _ -> new HashSet<>()).addAll(names);
            } catch (IOException e) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "changes in {0} will not be seen, as it can''t be watched: {1}",
                        folder,
                        String.valueOf(e.getMessage()));
            }
        });
        for (WatchKey key : watched.keySet()) {
            if (!now.containsKey(key)) {
                key.cancel();
            }
        }
        return now;
    }

    /** Where something can happen that leads to another content, and the names there that matter. */
    static Map<Path, Set<Path>> folders(List<Path> files) {
        Map<Path, Set<Path>> found = new HashMap<>();
        for (Path file : files) {
            walk(file, found, new int[1]);
        }
        return found;
    }

    /** Goes the way as the kernel does, so that each folder on it is known by a path without links. */
    private static void walk(Path path, Map<Path, Set<Path>> found, int[] links) {
        Path at = path.getRoot();
        int count = path.getNameCount();
        for (int i = 0; i < count && at != null; i++) {
            Path name = path.getName(i);
            switch (name.toString()) {
                case ".", "" -> {
                    continue;
                }
                case ".." -> {
                    at = at.getParent() == null ? at : at.getParent();
                    continue;
                }
                default -> {}
            }
            Path next = at.resolve(name);
            boolean link = Files.isSymbolicLink(next);
            if (link || i >= count - 2 || !Files.exists(next)) {
                found.computeIfAbsent(at, _ -> new HashSet<>()).add(name);
            }
            Path target = link && ++links[0] <= MAX_LINKS ? target(at, next) : null;
            if (target != null) {
                walk(i + 1 < count ? target.resolve(path.subpath(i + 1, count)) : target, found, links);
                return;
            }
            if (!Files.isDirectory(next)) {
                return;
            }
            at = next;
        }
    }

    private static @Nullable Path target(Path folder, Path link) {
        try {
            return folder.resolve(Files.readSymbolicLink(link));
        } catch (IOException e) {
            return null; // it was just replaced, which will be told
        }
    }

    @Override
    public void close() {
        try {
            service.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "a watch on files could not be closed", e);
        }
    }
}
