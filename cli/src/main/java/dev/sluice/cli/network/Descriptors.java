package dev.sluice.cli.network;

import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Poll;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Descriptors that whoever started us handed over by number. */
public final class Descriptors {
    private Descriptors() {}

    /**
     * Refuses a number that names no open descriptor.
     *
     * @throws IllegalArgumentException saying so
     */
    public static void check(String option, @Nullable Integer fd) {
        if (fd != null && (fd < 0 || !Files.exists(Path.of("/proc/self/fd/" + fd), LinkOption.NOFOLLOW_LINKS))) {
            throw new IllegalArgumentException(option + " " + fd
                    + ": no such open descriptor; open it for this process, as in " + option + " 3 … 3>file");
        }
    }

    /** Writes the byte {@code 1} and closes. */
    public static void writeReady(int fd) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocateFrom("1");
            int written = Io.write(fd, one, 0, 1);
            Io.close(fd);
            if (written != 1) {
                throw new IOException("--ready-fd " + fd + " can't be written to");
            }
        }
    }

    /** Calls back once, on a thread of its own, when the other end is closed. */
    public static void onHangUp(int fd, Runnable callback) {
        Thread.ofPlatform().daemon().name("exit-fd").start(() -> {
            int seen;
            do { // poll(2) is given up for a signal, as for the one that has the settings read again
                seen = Poll.await(fd, 0, -1);
            } while (seen == 0 || seen == -Errno.EINTR);
            callback.run();
        });
    }
}
