package dev.sluice.control;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.posix.Io;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ControlSocketsTest {
    /** Above every pid Linux gives out. */
    private static final String DEAD = "4194305.sock";

    @TempDir
    @Nullable
    Path temporary;

    private Path temporary() {
        return requireNonNull(temporary);
    }

    private static String mode(Path path) throws Exception {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    /** A socket file whose listener is gone. */
    private static Path stale(Path path) throws Exception {
        try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(path));
        }
        return path;
    }

    @Test
    void theDirectoryIsInTheRuntimeDirectoryAndClosedToOthers() throws Exception {
        Path directory =
                ControlSockets.directory(Map.of("XDG_RUNTIME_DIR", temporary().toString()), Path.of("/nowhere"));
        assertThat(directory).isEqualTo(temporary().resolve("sluice"));
        assertThat(mode(directory)).isEqualTo("rwx------");
    }

    @Test
    void withoutARuntimeDirectoryOfOursItIsATemporaryOneNamedByUser() throws Exception {
        int user = (Integer) Files.getAttribute(temporary(), "unix:uid");
        for (String runtime : new String[] {"", "/nowhere"}) {
            assertThat(ControlSockets.directory(Map.of("XDG_RUNTIME_DIR", runtime), temporary()))
                    .isEqualTo(temporary().resolve("sluice-" + user));
        }
        assertThat(mode(temporary().resolve("sluice-" + user))).isEqualTo("rwx------");
    }

    @Test
    void aDirectoryThatIsOpenToOthersIsRefusedWithAdvice() throws Exception {
        Path directory = Files.createDirectory(temporary().resolve("sluice"));
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        assertThatThrownBy(() -> ControlSockets.directory(
                        Map.of("XDG_RUNTIME_DIR", temporary().toString()), temporary()))
                .isInstanceOf(ControlException.class)
                .hasMessageContaining("chmod 700 " + directory);
    }

    @Test
    void aLinkInPlaceOfTheDirectoryIsRefused() throws Exception {
        Path elsewhere = Files.createDirectory(temporary().resolve("elsewhere"));
        Files.setPosixFilePermissions(elsewhere, PosixFilePermissions.fromString("rwx------"));
        Files.createSymbolicLink(temporary().resolve("sluice"), elsewhere);
        assertThatThrownBy(() -> ControlSockets.directory(
                        Map.of("XDG_RUNTIME_DIR", temporary().toString()), temporary()))
                .isInstanceOf(ControlException.class)
                .hasMessageContaining("is a link or a file");
    }

    @Test
    void instancesAreListedAndWhatKilledOnesLeftIsRemoved() throws Exception {
        Path dead = stale(temporary().resolve(DEAD));
        Path foreign = Files.createFile(temporary().resolve("notes.sock"));
        long pid = ProcessHandle.current().pid();
        Path own = temporary().resolve(pid + ".sock");
        try (ControlServer _ = server(own)) {
            assertThat(ControlSockets.running(temporary())).containsExactly(new ControlSockets.Instance(pid, own));
        }
        assertThat(dead).doesNotExist();
        assertThat(foreign).exists();
        assertThat(ControlSockets.running(temporary())).isEmpty();
    }

    @Test
    void aSocketNobodyListensOnIsReplaced() throws Exception {
        Path socket = stale(temporary().resolve("1.sock"));
        try (ControlServer _ = server(socket)) {
            assertThat(new ControlClient(socket).get("/v1/status")).contains("version");
        }
    }

    @Test
    void aSocketInUseIsLeftAlone() throws Exception {
        Path socket = temporary().resolve("1.sock");
        try (ControlServer _ = server(socket)) {
            assertThatThrownBy(() -> server(socket))
                    .isInstanceOf(ControlException.class)
                    .hasMessageContaining("somebody already listens on " + socket);
            assertThat(new ControlClient(socket).get("/v1/status")).contains("version");
        }
    }

    /** A stream's connection to it fails, though somebody has it open. */
    @ParameterizedTest
    @ValueSource(ints = {Sockets.SEQPACKET, Sockets.DGRAM})
    void aSocketOfAnotherTypeIsLeftAlone(int type) throws Exception {
        Path socket = temporary().resolve(DEAD);
        int fd = Sockets.socket(Sockets.AF_UNIX, type, 0);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SocketAddress.CAPACITY);
            assertThat(Sockets.bind(fd, address, SocketAddress.writeUnix(address, 0, socket.toString())))
                    .isZero();
            Sockets.listen(fd, 1);
            assertThatThrownBy(() -> server(socket))
                    .isInstanceOf(ControlException.class)
                    .hasMessageContaining("something is there that is in use: " + socket);
            assertThat(ControlSockets.running(temporary())).isEmpty();
            assertThat(socket).exists();
        } finally {
            Io.close(fd);
        }
    }

    @Test
    void aFileInTheWayIsLeftAlone() throws Exception {
        Path file = Files.writeString(temporary().resolve("1.sock"), "precious");
        assertThatThrownBy(() -> server(file))
                .isInstanceOf(ControlException.class)
                .hasMessageContaining("is no socket");
        assertThat(file).hasContent("precious");
    }

    @Test
    void anImpossiblePathIsExplained() {
        assertThatThrownBy(() -> server(temporary().resolve("x".repeat(120))))
                .isInstanceOf(ControlException.class)
                .hasMessageContaining("choose a shorter one");
        assertThatThrownBy(() -> server(temporary().resolve("no/such/1.sock")))
                .isInstanceOf(ControlException.class)
                .hasMessageContaining("could not make the control socket");
    }

    @Test
    void theClientSaysWhatIsWrongWithTheOtherEnd() throws Exception {
        Path socket = stale(temporary().resolve("1.sock"));
        assertThatThrownBy(() -> new ControlClient(socket).get("/v1/status"))
                .isInstanceOf(ControlException.class)
                .hasMessageContaining("is gone");
        Files.delete(socket);
        assertThatThrownBy(() -> new ControlClient(socket).get("/v1/status"))
                .hasMessageContaining("no sluice of yours is running here; start one with");
        try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(socket));
            assertThatThrownBy(() -> new ControlClient(socket, Duration.ofMillis(200)).get("/v1/status"))
                    .hasMessageContaining("does not answer within");
        }
        Files.delete(socket);
        for (String answer : new String[] {"", "220 ready\r\n\r\n", "HTTP/1.1 200 OK\r\n"}) {
            assertStrangerIsNamed(socket, answer);
        }
    }

    private static void assertStrangerIsNamed(Path socket, String answer) throws Exception {
        try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(socket));
            Thread stranger = Thread.ofVirtual().start(() -> {
                try (SocketChannel client = listener.accept()) {
                    client.read(ByteBuffer.allocate(4096));
                    client.write(ByteBuffer.wrap(answer.getBytes(US_ASCII)));
                } catch (java.io.IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            assertThatThrownBy(() -> new ControlClient(socket).get("/v1/status"))
                    .as(answer)
                    .isInstanceOf(ControlException.class)
                    .hasMessageContaining("does not answer like a sluice");
            stranger.join();
        }
        Files.delete(socket);
    }

    private static ControlServer server(Path socket) throws ControlException {
        ControlServer server = new ControlServer(StatusFixture::status);
        server.open(socket);
        return server;
    }
}
