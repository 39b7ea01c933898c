package dev.sluice.link;

import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.SocketFile;
import dev.sluice.posix.Sockets;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A Unix socket bound to a path. What was at the path before is removed only if it is a socket that nobody listens on, and at the end
 * only what was put there. Any thread; blocking file system calls.
 */
final class SocketPath implements AutoCloseable {
    private final Path path;
    private final int fd;
    /** Device and inode, to recognise our own file. */
    private final @Nullable Object key;

    private boolean removed;

    private SocketPath(Path path, int fd, @Nullable Object key) {
        this.path = path;
        this.fd = fd;
        this.key = key;
    }

    /** The bound socket; not closed by {@link #close}. */
    int fd() {
        return fd;
    }

    /**
     * Binds a new socket, and listens if it is of a kind that has connections.
     *
     * @param url how the user wrote it, for messages
     * @param type {@link Sockets#STREAM}, {@link Sockets#SEQPACKET} or {@link Sockets#DGRAM}
     * @throws IOException with one line saying what is wrong and what to do; nothing has changed then
     */
    static SocketPath bind(LinkUrl url, String text, int type, int backlog) throws IOException {
        Path path = Path.of(text);
        checkDirectory(url, path);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SocketAddress.CAPACITY);
            int length = SocketAddress.writeUnix(address, 0, text);
            removeStale(url, path, type, address, length);
            int fd = Sockets.socket(Sockets.AF_UNIX, type, 0);
            if (fd < 0) {
                throw failure(url, "no socket can be made (" + Errno.text(-fd) + ")" + descriptorAdvice(-fd));
            }
            int result = Sockets.bind(fd, address, length);
            if (result >= 0 && type != Sockets.DGRAM) {
                result = Sockets.listen(fd, backlog); // at once, as until then it looks abandoned
            }
            if (result < 0) {
                Io.close(fd);
                throw failure(url, bindProblem(-result, path));
            }
            return new SocketPath(path, fd, SocketFile.key(path));
        }
    }

    private static void checkDirectory(LinkUrl url, Path path) throws IOException {
        Path directory = path.toAbsolutePath().getParent();
        if (directory == null) {
            throw failure(url, "'/' is a directory; name a socket in one");
        }
        if (!Files.exists(directory)) {
            throw failure(url, "the directory " + directory + " does not exist; create it or choose another path");
        }
        if (!Files.isDirectory(directory)) {
            throw failure(url, directory + " is not a directory; choose another path");
        }
        if (!Files.isWritable(directory)) {
            throw failure(url, "the directory " + directory + " is not writable for this user; choose another path");
        }
    }

    /**
     * Of processes that start together, each may find the same abandoned socket, and one have its own there already when another removes
     * what it found: so only the very file that was asked is removed. Without a lock there remain the moment between the last look and
     * the removal, and that between another's bind and its listen, in which its socket refuses like one that nobody has.
     */
    private static void removeStale(LinkUrl url, Path path, int type, MemorySegment address, int length)
            throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        boolean socket;
        try {
            socket = SocketFile.isSocket(path);
        } catch (IOException e) {
            throw failure(url, "the path can't be examined (" + e.getMessage() + "); choose another path");
        }
        if (!socket) {
            throw failure(
                    url, "the path exists and is not a socket, so it was left alone; remove it or choose another path");
        }
        Object key = SocketFile.key(path);
        switch (probe(type, address, length)) {
            case Errno.ECONNREFUSED -> {
                int result = SocketFile.remove(path, key);
                if (result < 0) {
                    throw failure(
                            url,
                            "a socket nobody listens on is in the way and can't be removed (" + Errno.text(-result)
                                    + "); remove it or choose another path");
                }
            }
            case Errno.ENOENT -> {}
            case Errno.EACCES -> throw failure(url, "the socket there belongs to another user; choose another path");
            default -> // EPERM, too: a datagram socket that is connected to somebody takes nothing from others
                // (unix(7))
                throw failure(
                        url, "the socket is already in use by another process; end that one or choose another path");
        }
    }

    /** The errno of connecting, 0 if that worked: only a socket without an owner refuses. */
    private static int probe(int type, MemorySegment address, int length) {
        int fd = Sockets.socket(Sockets.AF_UNIX, type, 0);
        if (fd < 0) {
            return -fd;
        }
        int result = Sockets.connect(fd, address, length);
        Io.close(fd);
        return -result;
    }

    private static String bindProblem(int errno, Path path) {
        return switch (errno) {
            case Errno.EADDRINUSE ->
                "the socket is already in use by another process; end that one or choose another path";
            case Errno.EACCES, Errno.EPERM ->
                "this user may not create " + path + " (" + Errno.text(errno) + "); choose another path";
            default -> Errno.text(errno) + "; choose another path";
        };
    }

    private static String descriptorAdvice(int errno) {
        return errno == Errno.EMFILE ? "; raise the limit of open files (ulimit -n)" : "";
    }

    static IOException failure(LinkUrl url, String why) {
        return new IOException("can't listen on " + url + ": " + why);
    }

    /** Removes the socket file if it is still the one made here. Idempotent. */
    @Override
    public synchronized void close() {
        if (!removed) {
            removed = true;
            SocketFile.remove(path, key);
        }
    }
}
