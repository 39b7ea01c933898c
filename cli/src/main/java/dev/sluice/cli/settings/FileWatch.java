package dev.sluice.cli.settings;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Tells when the content of a file may be another: written, replaced by rename, reached through a link that was flipped, deleted and
 * recreated, with its directory or alone. Sleeps in the kernel otherwise.
 */
final class FileWatch implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("dev.sluice.cli.settings");
    /** A writer that pauses for longer has finished, as far as anybody can tell. */
    private static final long SETTLING_MILLIS = 100;
    /** One that never pauses is looked at anyway. */
    private static final int MAX_SETTLINGS = 20;

    private static final int MAX_LINKS = 40;

    private final Path file;
    private final Runnable look;
    private final WatchService watcher;
    /** Directories that are watched, and the names in them that matter. On the watching thread. */
    private Map<Path, Set<String>> folders = Map.of();

    private final Map<Path, WatchKey> keys = new HashMap<>();

    private FileWatch(Path file, Runnable look) throws IOException {
        this.file = file.toAbsolutePath().normalize();
        this.look = look;
        this.watcher = file.getFileSystem().newWatchService();
    }

    /**
     * Watches from now on, and looks once, for what happened until then.
     *
     * @param look called on one thread, whenever there may be something new
     */
    static FileWatch start(Path file, Runnable look) throws IOException {
        FileWatch watch = new FileWatch(file, look);
        watch.register();
        Thread.ofVirtual().name("settings-file").start(watch::watch);
        return watch;
    }

    private void watch() {
        try {
            settle(); // somebody may be writing at this very moment
            look.run();
            while (true) {
                if (concerns(watcher.take())) {
                    settle();
                    register();
                    look.run();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ClosedWatchServiceException e) {
            // the network has ended
        }
    }

    /** Waits for the end of what has begun: files are written piece by piece. */
    private void settle() throws InterruptedException {
        for (int i = 0; i < MAX_SETTLINGS; i++) {
            WatchKey more = watcher.poll(SETTLING_MILLIS, TimeUnit.MILLISECONDS);
            if (more == null) {
                return;
            }
            concerns(more);
        }
    }

    /** Takes what a directory has to tell; whether it may be about the file. */
    private boolean concerns(WatchKey key) {
        Set<String> names = folders.getOrDefault((Path) key.watchable(), Set.of());
        boolean any = false;
        for (WatchEvent<?> event : key.pollEvents()) {
            any |= event.kind() == StandardWatchEventKinds.OVERFLOW
                    || event.context() instanceof Path name && names.contains(name.toString());
        }
        return !key.reset() || any;
    }

    /** Watches the directories that matter now, and no others. */
    private void register() {
        folders = folders(file);
        keys.values().removeIf(key -> {
            boolean stale = !key.isValid() || !folders.containsKey((Path) key.watchable());
            if (stale) {
                key.cancel();
            }
            return stale;
        });
        for (Path folder : folders.keySet()) {
            if (!keys.containsKey(folder)) {
                try {
                    keys.put(
                            folder,
                            folder.register(
                                    watcher,
                                    StandardWatchEventKinds.ENTRY_CREATE,
                                    StandardWatchEventKinds.ENTRY_MODIFY,
                                    StandardWatchEventKinds.ENTRY_DELETE));
                } catch (IOException e) {
                    LOG.log(
                            System.Logger.Level.DEBUG,
                            "changes in {0} will not be seen: {1}",
                            folder,
                            String.valueOf(e.getMessage()));
                }
            }
        }
    }

    /**
     * Where something can happen that leads to another content: the directory of the file and the one above it, that of each link on the way,
     * and, where the way ends early, the last directory there is.
     */
    static Map<Path, Set<String>> folders(Path file) {
        Map<Path, Set<String>> found = new HashMap<>();
        walk(file, found, new int[1]);
        return found;
    }

    private static void walk(Path path, Map<Path, Set<String>> found, int[] links) {
        Path at = path.getRoot();
        int count = path.getNameCount();
        for (int i = 0; i < count && at != null; i++) {
            Path name = path.getName(i);
            Path next = at.resolve(name);
            boolean link = Files.isSymbolicLink(next);
            if (link || i >= count - 2 || !Files.exists(next)) {
                found.computeIfAbsent(at, _ -> new HashSet<>()).add(name.toString());
            }
            Path target = link && ++links[0] <= MAX_LINKS ? target(next) : null;
            if (target != null) {
                Path rest = i + 1 < count ? target.resolve(path.subpath(i + 1, count)) : target;
                walk(rest.normalize(), found, links);
                return;
            }
            if (!Files.isDirectory(next)) {
                return;
            }
            at = next;
        }
    }

    private static @Nullable Path target(Path link) {
        try {
            Path folder = link.getParent();
            return folder == null ? null : folder.resolve(Files.readSymbolicLink(link));
        } catch (IOException e) {
            return null; // it was just replaced; that is told by an event
        }
    }

    @Override
    public void close() {
        try {
            watcher.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "the watch on the settings file could not be closed", e);
        }
    }
}
