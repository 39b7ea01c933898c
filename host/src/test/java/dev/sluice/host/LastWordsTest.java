package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.posix.Errno;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Connections with more under way than their reader has room for, and their resets. */
@Timeout(120)
class LastWordsTest {
    private static final Duration LONG = Duration.ofMinutes(10);
    private final MemorySegment memory = Arena.ofAuto().allocate(1 << 16, 8);

    @Test
    void whatWasWrittenArrivesAndThenTheReset() throws Exception {
        try (ServerSocket server = server()) {
            int fd = connect(server);
            try (Socket reader = server.accept()) {
                long written = fill(fd);
                var lastWords = new LastWords(1, LONG);
                lastWords.reset(fd);
                assertThat(readUntilReset(reader)).isEqualTo(written);
                assertThat(lastWords.lost()).isZero();
            }
        }
    }

    @Test
    void whoeverTakesNothingIsGivenUp() throws Exception {
        try (ServerSocket server = server()) {
            int fd = connect(server);
            try (Socket reader = server.accept()) {
                long written = fill(fd);
                var lastWords = new LastWords(1, Duration.ofMillis(20));
                lastWords.reset(fd);
                awaitEnd(reader.getPort());
                assertThat(readUntilReset(reader)).isLessThan(written);
                assertThat(lastWords.lost()).isOne();
            }
        }
    }

    @Test
    void beyondThoseThatMayWaitTheResetGoesOutAtOnce() throws Exception {
        try (ServerSocket server = server()) {
            var lastWords = new LastWords(1, LONG);
            int first = connect(server);
            try (Socket slow = server.accept()) {
                long written = fill(first);
                lastWords.reset(first);
                int second = connect(server);
                try (Socket other = server.accept()) {
                    long more = fill(second);
                    lastWords.reset(second);
                    assertThat(readUntilReset(other)).isLessThan(more);
                    assertThat(lastWords.lost()).isOne();
                }
                assertThat(readUntilReset(slow)).isEqualTo(written);
                assertThat(lastWords.lost()).isOne();
            }
        }
    }

    @Test
    void withNothingUnderWayTheResetGoesOutAtOnce() throws Exception {
        try (ServerSocket server = server()) {
            int fd = connect(server);
            try (Socket reader = server.accept()) {
                var lastWords = new LastWords(0, LONG);
                lastWords.reset(fd);
                assertThat(readUntilReset(reader)).isZero();
                assertThat(lastWords.lost()).isZero();
            }
        }
    }

    /** Its count of what is under way stays as it was. */
    @Test
    void aConnectionThatTheOtherSideHasResetIsNotWaitedFor() throws Exception {
        try (ServerSocket server = server()) {
            int fd = connect(server);
            try (Socket ignored = server.accept()) {
                fill(fd);
            } // with something unread, which is a reset
            while (Sockets.tcpState(fd) != Sockets.TCP_CLOSE) {
                Thread.sleep(1);
            }
            new LastWords(1, LONG).reset(fd);
            assertThat(Sockets.tcpState(fd)).as("of a closed descriptor").isNegative();
        }
    }

    private static ServerSocket server() throws IOException {
        ServerSocket server = new ServerSocket();
        server.setReceiveBufferSize(4096);
        server.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0));
        return server;
    }

    private int connect(ServerSocket server) {
        int fd = Sockets.socket(Sockets.AF_INET, Sockets.STREAM, 0);
        assertThat(fd).isPositive();
        int length = SocketAddress.writeV4(memory, 0, Ipv4Address.LOOPBACK.bits(), server.getLocalPort());
        assertThat(Sockets.connect(fd, memory, length)).isIn(0, -Errno.EINPROGRESS);
        return fd;
    }

    /** Writes until there is no room. */
    private long fill(int fd) throws InterruptedException {
        long total = 0;
        for (int refused = 0; refused < 5; ) {
            int n = Sockets.send(fd, memory, 0, memory.byteSize(), Sockets.MSG_NOSIGNAL);
            if (n > 0) {
                total += n;
            } else {
                assertThat(n).isEqualTo(-Errno.EAGAIN);
                refused++;
                Thread.sleep(1); // what the reader's kernel takes makes room here
            }
        }
        return total;
    }

    private static long readUntilReset(Socket reader) throws IOException {
        byte[] buffer = new byte[1 << 16];
        long total = 0;
        try {
            for (int n; (n = reader.getInputStream().read(buffer)) >= 0; ) {
                total += n;
            }
        } catch (SocketException e) {
            assertThat(e).hasMessageContaining("reset");
            return total;
        }
        throw new AssertionError("ended in order after " + total + " bytes");
    }

    /** Waits until the connection from a port of 127.0.0.1 is no more. */
    private static void awaitEnd(int port) throws Exception {
        String local = String.format("0100007F:%04X", port);
        while (Files.readAllLines(Path.of("/proc/net/tcp")).stream()
                .anyMatch(line -> line.strip().split("\\s+")[1].equals(local))) {
            Thread.sleep(1);
        }
    }
}
