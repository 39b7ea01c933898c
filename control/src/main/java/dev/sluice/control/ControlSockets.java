package dev.sluice.control;

import dev.sluice.posix.SocketFile;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.Charset;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where control sockets are: {@code PID.sock} in {@code $XDG_RUNTIME_DIR/sluice}, or without that in {@code /tmp/sluice-UID}. The
 * directory must belong to this user, be no link, and be closed to others; otherwise somebody else could stand in for Sluice.
 */
public final class ControlSockets {
    private static final String SUFFIX = ".sock";
    /** Longest path a Unix socket can have on every system we know: 108 bytes with the final zero on Linux. */
    private static final int MAX_PATH_BYTES = 107;

    private static final FileAttribute<Set<PosixFilePermission>> PRIVATE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    /** A Sluice that runs now, as this user. */
    public record Instance(long pid, Path socket) {}

    private ControlSockets() {}

    /**
     * The socket of this process, in a directory that is there and safe afterwards.
     *
     * @throws ControlException if the directory cannot be made, or is not safe
     */
    public static Path own() throws ControlException {
        return of(ProcessHandle.current().pid());
    }

    /** The socket of process {@code pid}, whether it runs or not. */
    public static Path of(long pid) throws ControlException {
        return directory(System.getenv(), Path.of("/tmp")).resolve(pid + SUFFIX);
    }

    /** All instances that answer, by pid; what killed ones left behind is removed. */
    public static List<Instance> running() throws ControlException {
        return running(directory(System.getenv(), Path.of("/tmp")));
    }

    static List<Instance> running(Path directory) throws ControlException {
        List<Instance> found = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
            for (Path entry : entries) {
                long pid = pid(entry);
                if (pid < 0) {
                    continue;
                }
                IOException refusal = refusal(entry);
                if (refusal == null) {
                    found.add(new Instance(pid, entry));
                } else if (isAbandoned(entry, refusal) && ProcessHandle.of(pid).isEmpty()) {
                    Files.deleteIfExists(entry);
                }
            }
        } catch (IOException e) {
            throw new ControlException("could not look for instances in " + directory + ": " + reason(e), e);
        }
        found.sort(Comparator.comparingLong(Instance::pid));
        return found;
    }

    private static long pid(Path entry) {
        String name = entry.getFileName().toString();
        String digits = name.substring(0, name.length() - SUFFIX.length());
        return digits.matches("[1-9][0-9]{0,9}") ? Long.parseLong(digits) : -1;
    }

    /** The directory for this environment, made if it is missing and checked in any case. */
    static Path directory(Map<String, String> environment, Path temporary) throws ControlException {
        try {
            long user = user(temporary);
            String runtime = environment.getOrDefault("XDG_RUNTIME_DIR", "");
            // After su or sudo the variable may still name another user's directory.
            Path directory = !runtime.isEmpty() && isOurs(Path.of(runtime), user)
                    ? Path.of(runtime, "sluice")
                    : temporary.resolve("sluice-" + user);
            try {
                Files.createDirectory(directory, PRIVATE);
            } catch (FileAlreadyExistsException _) {
                check(directory, user);
            }
            return directory;
        } catch (IOException e) {
            throw e instanceof ControlException ours
                    ? ours
                    : new ControlException("could not make a directory for the control socket: " + reason(e), e);
        }
    }

    private static void check(Path directory, long user) throws IOException {
        boolean isDirectory = Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS);
        int mode = (Integer) Files.getAttribute(directory, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        if (!isDirectory || uid(directory, LinkOption.NOFOLLOW_LINKS) != user) {
            throw new ControlException("the directory for control sockets, " + directory + ", "
                    + (isDirectory ? "belongs to another user" : "is a link or a file")
                    + "; remove it, or set XDG_RUNTIME_DIR to a directory of yours");
        }
        if ((mode & 077) != 0) {
            throw new ControlException("the directory for control sockets, " + directory
                    + ", is open to others; close it with: chmod 700 " + directory);
        }
    }

    private static boolean isOurs(Path directory, long user) {
        try {
            return Files.isDirectory(directory) && uid(directory) == user;
        } catch (IOException _) {
            return false;
        }
    }

    /** The id of the user we run as, by the owner of something we own. */
    private static long user(Path temporary) throws IOException {
        Path self = Path.of("/proc/self");
        if (Files.exists(self)) {
            return uid(self);
        }
        Path probe = Files.createTempFile(temporary, "sluice", "");
        try {
            return uid(probe);
        } finally {
            Files.delete(probe);
        }
    }

    private static long uid(Path path, LinkOption... options) throws IOException {
        return Integer.toUnsignedLong((Integer) Files.getAttribute(path, "unix:uid", options));
    }

    /** Makes sure that {@code socket} can be bound: removes one that nobody listens on, refuses whatever else is there. */
    static void makeRoom(Path socket) throws ControlException {
        int length = socket.toString().getBytes(Charset.defaultCharset()).length;
        if (length > MAX_PATH_BYTES) {
            throw new ControlException("the path of the control socket, " + socket + ", has " + length
                    + " bytes; a socket's path may have " + MAX_PATH_BYTES + ": choose a shorter one");
        }
        if (!Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        IOException refusal = refusal(socket);
        if (refusal == null) {
            throw new ControlException("somebody already listens on " + socket
                    + "; stop that instance, or choose another path for the control socket");
        }
        try {
            if (!SocketFile.isSocket(socket)) {
                throw new ControlException(
                        socket + " exists and is no socket; remove it, or choose another path for the control socket");
            }
            if (!isAbandoned(socket, refusal)) {
                throw new ControlException("something is there that is in use: " + socket + " (" + reason(refusal)
                        + "); stop it, or choose another path for the control socket");
            }
            Files.delete(socket);
        } catch (ControlException e) {
            throw e;
        } catch (IOException e) {
            throw new ControlException("could not replace the old control socket " + socket + ": " + reason(e), e);
        }
    }

    /** Why a connection is not to be had; null if somebody listens. */
    private static @Nullable IOException refusal(Path socket) {
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.connect(UnixDomainSocketAddress.of(socket));
            return null;
        } catch (IOException e) {
            return e;
        }
    }

    /** A socket that nobody has open any more; every other refusal (its type, a permission, no descriptors left) says nothing about that. */
    private static boolean isAbandoned(Path socket, IOException refusal) throws IOException {
        return refusal instanceof ConnectException && SocketFile.isSocket(socket);
    }

    /** An exception's cause in a few words; the JDK's messages repeat the path or are none at all. */
    static String reason(IOException e) {
        return switch (e) {
            case AccessDeniedException _ -> "permission denied";
            case NoSuchFileException missing -> missing.getFile() + " does not exist";
            case ConnectException refused when refused.getMessage() == null -> "connection refused";
            case FileSystemException other when other.getReason() != null -> other.getFile() + ": " + other.getReason();
            default -> {
                @Nullable String message = e.getMessage();
                yield message == null ? e.getClass().getSimpleName() : message;
            }
        };
    }
}
