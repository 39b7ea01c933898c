package dev.sluice.posix;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/** What stands at a path where a Unix socket shall be. */
public final class SocketFile {
    private static final int S_IFMT = 0170000;
    private static final int S_IFSOCK = 0140000;

    private SocketFile() {}

    /**
     * Whether a socket stands there: no link to one, and no other file, as connecting to any file fails like connecting to a socket that
     * nobody listens on (connect(2), ECONNREFUSED).
     */
    public static boolean isSocket(Path path) throws IOException {
        try {
            int mode = (Integer) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
            return (mode & S_IFMT) == S_IFSOCK;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** By what a file is known from another that stands at the same place later: device and inode; null if there is none. */
    public static @Nullable Object key(Path path) {
        try {
            return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .fileKey();
        } catch (IOException e) {
            return null;
        }
    }

    /**
     * Removes what stands there if it is still what {@link #key} told, and not what somebody else has put in its place. Best while its socket
     * still listens, as until then nobody takes it for abandoned.
     *
     * @param key null for what was never there
     * @return 0, also if it is another or gone; else negated errno
     */
    public static int remove(Path path, @Nullable Object key) {
        int result = key != null && key.equals(key(path)) ? Io.unlink(path.toString()) : 0;
        return result == -Errno.ENOENT ? 0 : result;
    }
}
