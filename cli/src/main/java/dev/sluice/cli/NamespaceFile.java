package dev.sluice.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/** Watches the file that names a namespace: {@code /run/netns/NAME} goes with {@code ip netns del}, {@code /proc/PID/ns/net} with the process. */
final class NamespaceFile {
    /** Neither kind of file tells inotify(7) of its end, so it is looked at. */
    private static final long EVERY_MILLIS = 250;

    private NamespaceFile() {}

    /** Calls back once, on a thread of its own, when {@code path} is gone or names another namespace. */
    static void onGone(Path path, Runnable callback) {
        Object identity = identity(path);
        Thread.ofVirtual().name("namespace-watch").start(() -> {
            try {
                while (identity != null && identity.equals(identity(path))) {
                    Thread.sleep(EVERY_MILLIS);
                }
                callback.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private static @Nullable Object identity(Path path) {
        try {
            return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        } catch (IOException e) {
            return null;
        }
    }
}
