package dev.sluice.host;

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
import org.jspecify.annotations.Nullable;

/**
 * Tells when some files may have changed, however: written, renamed over, removed and made again, or because a symbolic link on the way to
 * them leads elsewhere. Folders are watched, so nothing polls; it costs a thread of the JDK (inotify) from the moment it starts. A file whose
 * folder is missing is waited for in the nearest folder that is there.
 */
public final class FileWatch implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("dev.sluice.host");
    /** What writers do together is often several events. */
    private static final long SETTLING_MILLIS = 20;

    private static final int MAX_LINKS = 16;
    private static final int MAX_FILES = 256;

    private final List<Path> files;
    private final Runnable changed;
    private final WatchService service;
    /** Folder → the names in it that count. Used by the watching thread only, once it runs. */
    private Map<Path, Set<Path>> names = Map.of();

    private final Map<Path, WatchKey> keys = new HashMap<>();

    private FileWatch(List<Path> files, Runnable changed) throws IOException {
        if (files.size() > MAX_FILES) {
            throw new IllegalArgumentException("more than " + MAX_FILES + " files to watch");
        }
        this.files = files.stream()
                .map(Path::toAbsolutePath)
                .map(Path::normalize)
                .distinct()
                .toList();
        this.changed = changed;
        this.service = FileSystems.getDefault().newWatchService();
    }

    /**
     * Starts watching; what changes from now on is told.
     *
     * @param changed called on a virtual thread, never twice at the same time; looks itself what has changed, if anything
     */
    public static FileWatch start(List<Path> files, Runnable changed) throws IOException {
        FileWatch watch = new FileWatch(files, changed);
        watch.register();
        Thread.ofVirtual().name("file-watch").start(watch::watch);
        return watch;
    }

    private void watch() {
        try {
            while (true) {
                WatchKey key = service.take();
                Thread.sleep(SETTLING_MILLIS);
                boolean concerned = false;
                do {
                    Path folder = (Path) key.watchable();
                    for (WatchEvent<?> event : key.pollEvents()) {
                        concerned |= concerns(folder, event);
                    }
                    if (!key.reset()) { // the folder has gone, or is no longer wanted
                        concerned |= keys.remove(folder, key);
                    }
                    key = service.poll();
                } while (key != null);
                if (concerned) {
                    register();
                    tell();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ClosedWatchServiceException e) {
            // closed
        }
    }

    private boolean concerns(Path folder, WatchEvent<?> event) {
        Set<Path> known = names.get(folder);
        return known != null
                && (event.kind() == StandardWatchEventKinds.OVERFLOW
                        || event.context() instanceof Path name && known.contains(name));
    }

    private void tell() {
        try {
            changed.run();
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "a changed file could not be taken in", e);
        }
    }

    /**
     * Watches the folders that matter now, and no others. What appears between the look and the watch would be missed, so it is looked again
     * until nothing new was found.
     */
    private void register() {
        Map<Path, Set<Path>> wanted = wanted();
        for (int i = 0; i < MAX_LINKS; i++) {
            watchFolders(wanted.keySet());
            Map<Path, Set<Path>> again = wanted();
            if (again.equals(wanted)) {
                break;
            }
            wanted = again;
        }
        names = wanted;
    }

    private Map<Path, Set<Path>> wanted() {
        Map<Path, Set<Path>> wanted = new HashMap<>();
        for (Path file : files) {
            follow(file, wanted);
        }
        return wanted;
    }

    private void watchFolders(Set<Path> wanted) {
        keys.entrySet().removeIf(entry -> {
            boolean unwanted = !wanted.contains(entry.getKey());
            if (unwanted) {
                entry.getValue().cancel();
            }
            return unwanted;
        });
        for (Path folder : wanted) {
            if (!keys.containsKey(folder)) {
                try {
                    keys.put(
                            folder,
                            folder.register(
                                    service,
                                    StandardWatchEventKinds.ENTRY_CREATE,
                                    StandardWatchEventKinds.ENTRY_MODIFY,
                                    StandardWatchEventKinds.ENTRY_DELETE));
                } catch (IOException e) {
                    LOG.log(
                            System.Logger.Level.WARNING,
                            "changes in {0} will not be seen, as it can''t be watched: {1}",
                            folder,
                            e.getMessage());
                }
            }
        }
    }

    /** Every name on the way to the file: each link it goes through, then the file itself or the first part of the path that is missing. */
    private static void follow(Path file, Map<Path, Set<Path>> wanted) {
        Path at = file;
        for (int i = 0; i < MAX_LINKS; i++) {
            Path link = firstLink(at);
            Path stop = link == null ? missing(at) : link;
            Path folder = stop.getParent();
            Path name = stop.getFileName();
            if (folder == null || name == null) {
                return;
            }
            wanted.computeIfAbsent(folder, _ -> new HashSet<>()).add(name);
            if (link == null) {
                return;
            }
            try {
                Path target = folder.resolve(Files.readSymbolicLink(link));
                at = (link.equals(at) ? target : target.resolve(link.relativize(at))).normalize();
            } catch (IOException e) {
                return; // it has just changed, which will be told
            }
        }
    }

    /** The first part of the path that is a link; null if none is. */
    private static @Nullable Path firstLink(Path path) {
        Path at = path.getRoot();
        for (Path part : path) {
            at = at == null ? part : at.resolve(part);
            if (Files.isSymbolicLink(at)) {
                return at;
            }
        }
        return null;
    }

    /** The path itself, if its folder is there; else the first part of it that is not. */
    private static Path missing(Path path) {
        Path at = path;
        Path folder = path.getParent();
        while (folder != null && !Files.isDirectory(folder)) {
            at = folder;
            folder = folder.getParent();
        }
        return at;
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
