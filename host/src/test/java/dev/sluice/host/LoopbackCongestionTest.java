package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.loop.EventLoop;
import dev.sluice.posix.Io;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LoopbackCongestionTest {
    @ParameterizedTest
    @ValueSource(strings = {"bbr", "bbr2"})
    void onTheLoopbackNothingIsSentByTheClock(String systems) {
        assertThat(chosen(systems, Ipv4Address.LOOPBACK)).isEqualTo("reno");
        assertThat(chosen(systems, Ipv4Address.parse("127.1.2.3"))).isEqualTo("reno");
        assertThat(chosen(systems, Ipv6Address.LOOPBACK)).isEqualTo("reno");
    }

    @ParameterizedTest
    @CsvSource({"bbr, 192.0.2.1", "cubic, 127.0.0.1", "reno, 127.0.0.1", "'', 127.0.0.1"})
    void elsewhereAndWithOtherSettingsTheSystemsChoiceStays(String systems, String peer) throws Exception {
        assertThat(chosen(systems, Ipv4Address.parse(peer))).isEqualTo(systemsChoice());
    }

    /** A guest's own address, from inside its namespace. */
    @Test
    void norIsItWhereEveryConnectionStaysOnTheMachine() throws Exception {
        Ipv4Address guest = Ipv4Address.parse("192.168.65.3");
        assertThat(chosen("bbr", guest, true)).isEqualTo("reno");
        assertThat(chosen("cubic", guest, true)).isEqualTo(systemsChoice());
    }

    @Test
    void bothEndsOfAConnectionOnTheLoopbackAreOfThatKind() throws Exception {
        String expected = systemsChoice().startsWith("bbr") ? "reno" : systemsChoice();
        try (EventLoop loop = EventLoop.start("test");
                ServerSocket server = new ServerSocket(0)) {
            var host = new LinuxStreamHost(loop);
            CompletableFuture<String> accepted = new CompletableFuture<>();
            CompletableFuture<String> connected = new CompletableFuture<>();
            CompletableFuture<Integer> port = new CompletableFuture<>();
            loop.execute(() -> {
                try {
                    StreamListener listener = host.listen(Ipv4Address.LOOPBACK, 0, (socket, _, _) -> {
                        accepted.complete(congestion(((LinuxStreamSocket) socket).fd));
                        socket.close();
                        return StreamSocket.Events.NOBODY;
                    });
                    port.complete(listener.port());
                } catch (Exception e) {
                    port.completeExceptionally(e);
                }
                StreamSocket out = host.connect(
                        Ipv4Address.LOOPBACK,
                        server.getLocalPort(),
                        StreamHost.DEFAULT_TTL,
                        StreamSocket.Events.NOBODY);
                connected.complete(congestion(((LinuxStreamSocket) out).fd));
                out.close();
            });
            assertThat(connected.get(60, TimeUnit.SECONDS)).isEqualTo(expected);
            try (Socket client = new Socket("127.0.0.1", port.get(60, TimeUnit.SECONDS))) {
                assertThat(client.isConnected()).isTrue();
                assertThat(accepted.get(60, TimeUnit.SECONDS)).isEqualTo(expected);
            }
        }
    }

    private static String chosen(String systems, IpAddress peer) {
        return chosen(systems, peer, false);
    }

    private static String chosen(String systems, IpAddress peer, boolean always) {
        int fd = Sockets.socket(Sockets.AF_INET, Sockets.STREAM, 0);
        assertThat(fd).isNotNegative();
        try {
            new LoopbackCongestion(systems, always).choose(fd, peer);
            return congestion(fd);
        } finally {
            Io.close(fd);
        }
    }

    private static String congestion(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocate(16);
            assertThat(Sockets.option(fd, Sockets.IPPROTO_TCP, Sockets.TCP_CONGESTION, name, 0, 16))
                    .isPositive();
            return name.getString(0);
        }
    }

    private static String systemsChoice() throws Exception {
        return Files.readAllLines(Path.of("/proc/sys/net/ipv4/tcp_congestion_control"))
                .getFirst();
    }
}
