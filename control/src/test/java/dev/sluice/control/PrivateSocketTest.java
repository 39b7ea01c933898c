package dev.sluice.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who may use a socket of this user's, and whose file it is. */
@Timeout(120)
class PrivateSocketTest {
    @TempDir
    private Path folder;

    private Path path;
    private ServerSocketChannel listener;
    private PrivateSocket socket;

    @BeforeEach
    void bind() throws IOException {
        path = folder.resolve("s.sock");
        listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        socket = PrivateSocket.bind(listener, path, 8);
    }

    @AfterEach
    void close() throws IOException {
        listener.close();
    }

    @Test
    void theFileIsClosedToOthersAndItsUserIsTrusted() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-------");
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(path));
                SocketChannel accepted = listener.accept()) {
            assertThat(client.isConnected()).isTrue();
            assertThat(socket.trusts(accepted)).isTrue();
        }
    }

    /** Before the file was closed, say. */
    @Test
    void aStrangerWhoGotInIsNotTrusted() throws Exception {
        if (!System.getProperty("user.name").equals("root")) {
            System.out.println("SKIPPED: only root can connect as somebody else");
            assumeTrue(false, "needs root");
        }
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-rw-rw-"));
        Process stranger = new ProcessBuilder(
                        "setpriv",
                        "--reuid=65534",
                        "--regid=65534",
                        "--clear-groups",
                        "perl",
                        "-MIO::Socket::UNIX",
                        "-e",
                        "$s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die; <$s>",
                        path.toString())
                .inheritIO()
                .start();
        try (SocketChannel accepted = listener.accept()) {
            assertThat(socket.trusts(accepted)).isFalse();
        }
        assertThat(stranger.waitFor()).isZero();
    }

    @Test
    void onlyItsOwnFileIsRemoved() throws IOException {
        Files.delete(path);
        Files.createFile(path);
        socket.remove();
        assertThat(path).exists();
        Files.delete(path);
        socket.remove();
        assertThat(path).doesNotExist();
    }

    @Test
    void itsFileIsRemoved() throws IOException {
        socket.remove();
        assertThat(path).doesNotExist();
    }
}
