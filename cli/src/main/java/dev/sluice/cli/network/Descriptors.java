package dev.sluice.cli.network;

import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Poll;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.stream.Stream;
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
        if (fd != null && (fd < 0 || !Files.exists(open(fd), LinkOption.NOFOLLOW_LINKS))) {
            throw missing(option, fd, "", "3>file");
        }
    }

    /**
     * Refuses a number that nothing can be written to. The runtime has files of its own open to read, under the numbers that callers like
     * to use: one that the caller forgot to open is perhaps there all the same.
     */
    public static void checkReady(String option, @Nullable Integer fd) {
        check(option, fd);
        if (fd != null && !isWritable(fd)) {
            throw missing(option, fd, " that can be written to", "3>file");
        }
    }

    /** Refuses a number that has no other end to be closed: a file, which may be one of the runtime's own. */
    public static void checkExit(String option, @Nullable Integer fd) {
        check(option, fd);
        if (fd != null && Files.isRegularFile(open(fd))) {
            throw missing(option, fd, " whose other end could be closed (a pipe or a socket)", "3<pipe");
        }
    }

    private static IllegalArgumentException missing(String option, int fd, String kind, String redirection) {
        return new IllegalArgumentException(option + " " + fd + ": no such open descriptor" + kind
                + "; open it for this process, as in " + option + " 3 … " + redirection);
    }

    private static Path open(int fd) {
        return Path.of("/proc/self/fd/" + fd);
    }

    /** By the access mode among its flags, in octal (proc_pid_fdinfo(5)): 0 is O_RDONLY. */
    private static boolean isWritable(int fd) {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/fdinfo/" + fd))) {
            return lines.filter(line -> line.startsWith("flags:"))
                    .anyMatch(line -> (line.charAt(line.length() - 1) & 3) != 0);
        } catch (IOException | UncheckedIOException e) {
            return true; // where nobody tells, the write will
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
