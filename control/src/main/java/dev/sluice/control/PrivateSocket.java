package dev.sluice.control;

import dev.sluice.posix.PosixException;
import dev.sluice.posix.SocketFile;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import jdk.net.ExtendedSocketOptions;
import org.jspecify.annotations.Nullable;

/**
 * A listening Unix-domain socket for this user and root. The mode of its file says so, but only from shortly after it was bound, so who
 * connects is looked at as well. In the end the file is removed only if it is still this socket's.
 */
public final class PrivateSocket {
    private final Path path;
    private final UserPrincipal owner;
    /** By which its file is known from another at the same place. */
    private final @Nullable Object key;

    private PrivateSocket(Path path, UserPrincipal owner, @Nullable Object key) {
        this.path = path;
        this.owner = owner;
        this.key = key;
    }

    /** Binds {@code listener} to a path where nothing is. */
    public static PrivateSocket bind(ServerSocketChannel listener, Path path, int backlog) throws IOException {
        listener.bind(UnixDomainSocketAddress.of(path), backlog);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
        return new PrivateSocket(path, Files.getOwner(path, LinkOption.NOFOLLOW_LINKS), SocketFile.key(path));
    }

    /** Whether a client is this user or root. May ask the system's user database, and so block. */
    public boolean trusts(SocketChannel client) {
        try {
            UserPrincipal peer =
                    client.getOption(ExtendedSocketOptions.SO_PEERCRED).user();
            return peer.equals(owner) || peer.getName().equals("root");
        } catch (UnsupportedOperationException _) {
            return true; // an operating system without the option
        } catch (IOException _) {
            return false;
        }
    }

    /** Removes the file, if it is this socket's. To be called while it still listens: afterwards another process might put its own there. */
    public void remove() throws IOException {
        int result = SocketFile.remove(path, key);
        if (result < 0) {
            throw new PosixException("unlink(" + path + ")", -result);
        }
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
