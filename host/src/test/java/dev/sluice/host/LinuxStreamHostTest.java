package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.loop.EventLoop;
import dev.sluice.posix.Errno;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LinuxStreamHostTest {
    private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();

    /** The whole number: the kernel answers one read of that file, which must not be one of a single byte. */
    @Test
    void whatIsRefusedBelowTheFirstOpenPortIsSaidWithThatPort() throws IOException {
        String first = Files.readAllLines(Path.of("/proc/sys/net/ipv4/ip_unprivileged_port_start"))
                .getFirst();
        assertThat(LinuxStreamHost.advice(Errno.EACCES, 80)).contains("(ports below " + first + " need", "choose 8080");
    }

    @Test
    void aRefusedConnectionSaysRefused() throws Exception {
        int port;
        try (var server = new ServerSocket(0, 1, LOOPBACK)) {
            port = server.getLocalPort();
        }
        try (EventLoop loop = EventLoop.start("test")) {
            var host = new LinuxStreamHost(loop);
            var events = new Recorder();
            loop.execute(() -> host.connect(Ipv4Address.LOOPBACK, port, StreamHost.DEFAULT_TTL, events));
            assertThat(events.next()).isEqualTo("failed REFUSED");
        }
    }

    /** Somebody has removed the socket's file, and another program listens there now. */
    @Test
    void aListenerRemovesItsOwnSocketFileAndNobodyElses(@TempDir Path directory) throws Exception {
        String path = directory.resolve("s").toString();
        try (EventLoop loop = EventLoop.start("test")) {
            var host = new LinuxStreamHost(loop);
            StreamListener first = on(loop, () -> host.listen(path, (_, _, _) -> StreamSocket.Events.NOBODY));
            Files.delete(Path.of(path));
            StreamListener second = on(loop, () -> host.listen(path, (_, _, _) -> StreamSocket.Events.NOBODY));
            on(loop, () -> close(first));
            assertThat(Files.exists(Path.of(path))).as("the other's").isTrue();
            on(loop, () -> close(second));
            assertThat(Files.exists(Path.of(path))).isFalse();
        }
    }

    private static boolean close(StreamListener listener) {
        listener.close();
        return true;
    }

    @Test
    void theKernelAsksAfterAnIdleStreamOnceItIsToldTo() throws Exception {
        try (var server = new ServerSocket(0, 1, LOOPBACK);
                EventLoop loop = EventLoop.start("test")) {
            var host = new LinuxStreamHost(loop);
            var events = new Recorder();
            var made = new CompletableFuture<StreamSocket>();
            loop.execute(() -> made.complete(
                    host.connect(Ipv4Address.LOOPBACK, server.getLocalPort(), StreamHost.DEFAULT_TTL, events)));
            StreamSocket socket = made.get(60, TimeUnit.SECONDS);
            assertThat(events.next()).isEqualTo("connected");
            int port = on(loop, socket::localPort);
            assertThat(timer(port, server.getLocalPort())).isEqualTo("00");
            on(loop, () -> {
                socket.keepAlive(60);
                return 0;
            });
            assertThat(timer(port, server.getLocalPort()))
                    .as("of keep-alive (proc_net(5))")
                    .isEqualTo("02");
        }
    }

    /**
     * Which timer of a connection between ports of 127.0.0.1 runs, as {@code /proc/net/tcp} has it. The near port alone may be that of
     * former connections to others, too, in TIME-WAIT.
     */
    private static String timer(int port, int remotePort) throws IOException {
        String local = String.format("0100007F:%04X", port);
        String remote = String.format("0100007F:%04X", remotePort);
        return Files.readAllLines(Path.of("/proc/net/tcp")).stream()
                .map(line -> line.strip().split("\\s+"))
                .filter(fields -> fields[1].equals(local) && fields[2].equals(remote))
                .map(fields -> fields[5].substring(0, 2))
                .findFirst()
                .orElse("there is no such connection");
    }

    /** There may be no vsock here at all, or a hypervisor that resets: the connection fails either way, and in a later turn. */
    @Test
    void aConnectionToAPortOfVsockThatNobodyServesFails() throws Exception {
        try (EventLoop loop = EventLoop.start("test")) {
            var host = new LinuxStreamHost(loop);
            var events = new Recorder();
            loop.execute(() -> host.connect(new VsockAddress(2, 1_000_000_007), events));
            assertThat(events.next()).startsWith("failed ");
        }
    }

    /** Needs vsock's own loopback, a module that few kernels have loaded. */
    @Test
    void bytesGoBothWaysThroughVsock() throws Exception {
        var here = new VsockAddress(
                1, 1_000_000_000 + (int) ProcessHandle.current().pid());
        try (EventLoop loop = EventLoop.start("test");
                Arena arena = Arena.ofShared()) {
            var host = new LinuxStreamHost(loop);
            var accepted = new CompletableFuture<StreamSocket>();
            var server = new Recorder();
            var client = new Recorder();
            var listener = new CompletableFuture<StreamListener>();
            var made = new CompletableFuture<StreamSocket>();
            loop.execute(() -> {
                try {
                    listener.complete(host.listen(new VsockAddress(-1, here.port()), (socket, _, _) -> {
                        accepted.complete(socket);
                        return server;
                    }));
                    made.complete(host.connect(here, client));
                } catch (IOException e) {
                    made.completeExceptionally(e);
                }
            });
            boolean loopback;
            try {
                made.get(60, TimeUnit.SECONDS);
                loopback = client.next().equals("connected");
            } catch (ExecutionException e) {
                loopback = false;
            }
            if (!loopback) {
                System.out.println("SKIPPED: vsock has no loopback here (modprobe vsock_loopback)");
                assumeTrue(false, "needs vsock_loopback");
            }
            StreamSocket near = made.get();
            StreamSocket far = accepted.get(60, TimeUnit.SECONDS);
            MemorySegment memory = arena.allocate(8);
            memory.setString(0, "abcdef");
            assertThat(on(loop, () -> near.write(memory, 0, 6, 0, 0))).isEqualTo(6);
            int n;
            while ((n = on(loop, () -> far.peek(memory, 0, 8))) == StreamSocket.WOULD_BLOCK) {
                server.next();
            }
            assertThat(n).isEqualTo(6);
            assertThat(on(loop, () -> {
                        far.skip(memory, 0, 4);
                        return far.read(memory, 0, 8, 0, 0);
                    }))
                    .isEqualTo(2);
            assertThat(memory.asSlice(0, 2).toArray(ValueLayout.JAVA_BYTE))
                    .asString()
                    .isEqualTo("ef");
            on(loop, () -> {
                near.close();
                far.close();
                listener.join().close();
                return 0;
            });
        }
    }

    /** Connecting to any file fails as connecting to a dead socket does; only such a socket gives way. */
    @Test
    void onlyASocketThatNobodyListensOnIsReplaced(@TempDir Path folder) throws Exception {
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        Path file = Files.writeString(folder.resolve("file"), "content");
        Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("dead"));
        Path dead = folder.resolve("dead");
        try (ServerSocketChannel left = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            left.bind(UnixDomainSocketAddress.of(dead));
        }
        try (EventLoop loop = EventLoop.start("test")) {
            var host = new LinuxStreamHost(loop);
            for (Path refused : List.of(pipe, file, link)) {
                var outcome = new CompletableFuture<String>();
                loop.execute(() -> {
                    try {
                        host.listen(refused.toString(), (_, _, _) -> new Recorder());
                        outcome.complete("listens");
                    } catch (IOException e) {
                        outcome.complete(e.getMessage());
                    }
                });
                assertThat(outcome.get(60, TimeUnit.SECONDS))
                        .contains("something is there that is in use, or no socket");
                assertThat(Files.exists(refused, LinkOption.NOFOLLOW_LINKS)).isTrue();
            }
            assertThat(dead).exists();
            var listens = new CompletableFuture<Boolean>();
            loop.execute(() -> {
                try {
                    host.listen(dead.toString(), (_, _, _) -> new Recorder()).close();
                    listens.complete(true);
                } catch (IOException e) {
                    listens.completeExceptionally(e);
                }
            });
            assertThat(listens.get(60, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void bytesGoBothWaysAndHalfCloseIsSeen() throws Exception {
        try (var server = new ServerSocket(0, 1, LOOPBACK);
                EventLoop loop = EventLoop.start("test");
                Arena arena = Arena.ofShared()) {
            var host = new LinuxStreamHost(loop);
            var events = new Recorder();
            var made = new CompletableFuture<StreamSocket>();
            loop.execute(() -> made.complete(
                    host.connect(Ipv4Address.LOOPBACK, server.getLocalPort(), StreamHost.DEFAULT_TTL, events)));
            StreamSocket socket = made.get(60, TimeUnit.SECONDS);
            try (Socket peer = server.accept()) {
                assertThat(events.next()).isEqualTo("connected");
                MemorySegment memory = arena.allocate(8);
                memory.setString(0, "abcdef");
                // The two parts are "ef" and "ab": written in that order.
                assertThat(on(loop, () -> socket.write(memory, 4, 2, 0, 2))).isEqualTo(4);
                assertThat(peer.getInputStream().readNBytes(4)).asString().isEqualTo("efab");
                peer.getOutputStream().write("xyz".getBytes());
                peer.shutdownOutput();
                int total = 0;
                int n;
                while ((n = on(loop, () -> socket.read(memory, 0, 2, 4, 1))) != StreamSocket.END) {
                    assertThat(n).isGreaterThanOrEqualTo(StreamSocket.WOULD_BLOCK);
                    if (n == StreamSocket.WOULD_BLOCK) {
                        events.next();
                    } else {
                        total += n;
                    }
                }
                assertThat(total).isEqualTo(3);
                on(loop, () -> {
                    socket.reset();
                    return 0;
                });
                assertThatThrownBy(() -> {
                            if (peer.getInputStream().read() < 0) {
                                throw new AssertionError("an orderly end instead of a reset");
                            }
                        })
                        .isInstanceOf(IOException.class);
            }
        }
    }

    /** Urgent data stops a read where it lies; the byte is part of the stream. */
    @Test
    void aShortReadBeforeUrgentDataSaysThatThereMayBeMore() throws Exception {
        try (var server = new ServerSocket(0, 1, LOOPBACK);
                EventLoop loop = EventLoop.start("test");
                Arena arena = Arena.ofShared()) {
            var host = new LinuxStreamHost(loop);
            var events = new Recorder();
            var made = new CompletableFuture<StreamSocket>();
            loop.execute(() -> made.complete(
                    host.connect(Ipv4Address.LOOPBACK, server.getLocalPort(), StreamHost.DEFAULT_TTL, events)));
            StreamSocket socket = made.get(60, TimeUnit.SECONDS);
            try (Socket peer = server.accept()) {
                assertThat(events.next()).isEqualTo("connected");
                assertThat(socket.mayHoldMore()).isFalse();
                peer.setTcpNoDelay(true);
                var sent = new CompletableFuture<Boolean>();
                loop.execute(() -> {
                    try {
                        peer.getOutputStream().write("abc".getBytes());
                        peer.sendUrgentData('X');
                        peer.getOutputStream().write("def".getBytes());
                        sent.complete(true);
                    } catch (IOException e) {
                        sent.completeExceptionally(e);
                    }
                });
                sent.get(60, TimeUnit.SECONDS);
                while (!events.next().equals("readable")) {
                    // room to write comes first
                }
                MemorySegment memory = arena.allocate(100);
                assertThat(on(loop, () -> socket.read(memory, 0, 100, 0, 0))).isEqualTo(3);
                assertThat(socket.mayHoldMore()).isTrue();
                assertThat(on(loop, () -> socket.read(memory, 3, 97, 0, 0))).isEqualTo(4);
                assertThat(memory.getString(0)).isEqualTo("abcXdef");
            }
        }
    }

    @Test
    void aPortInUseIsExplained() throws Exception {
        try (var server = new ServerSocket(0, 1, LOOPBACK);
                EventLoop loop = EventLoop.start("test")) {
            var host = new LinuxStreamHost(loop);
            var message = new CompletableFuture<String>();
            loop.execute(() -> {
                try {
                    host.listen(Ipv4Address.LOOPBACK, server.getLocalPort(), (s, a, p) -> new Recorder());
                    message.complete("listening");
                } catch (IOException e) {
                    message.complete(e.getMessage());
                }
            });
            assertThat(message.get(60, TimeUnit.SECONDS))
                    .contains("127.0.0.1:" + server.getLocalPort())
                    .contains("another program uses that port");
        }
    }

    @Test
    void acceptedConnectionsCarryThePeerAddress() throws Exception {
        try (EventLoop loop = EventLoop.start("test")) {
            var host = new LinuxStreamHost(loop);
            var port = new CompletableFuture<Integer>();
            var seen = new CompletableFuture<String>();
            loop.execute(() -> {
                try {
                    port.complete(host.listen(Ipv4Address.LOOPBACK, 0, (s, a, p) -> {
                                seen.complete(a + ":" + p);
                                return new Recorder();
                            })
                            .port());
                } catch (IOException e) {
                    port.completeExceptionally(e);
                }
            });
            try (var client = new Socket(LOOPBACK, port.get(60, TimeUnit.SECONDS))) {
                assertThat(seen.get(60, TimeUnit.SECONDS)).isEqualTo("127.0.0.1:" + client.getLocalPort());
            }
        }
    }

    private static <T> T on(EventLoop loop, Callable<T> action) throws Exception {
        var result = new CompletableFuture<T>();
        loop.execute(() -> {
            try {
                result.complete(action.call());
            } catch (Exception e) {
                result.completeExceptionally(e);
            }
        });
        return result.get(60, TimeUnit.SECONDS);
    }

    private static final class Recorder implements StreamSocket.Events {
        private final LinkedBlockingQueue<String> events = new LinkedBlockingQueue<>();

        String next() throws InterruptedException {
            String event = events.poll(60, TimeUnit.SECONDS);
            return event == null ? "nothing" : event;
        }

        @Override
        public void onConnected() {
            events.add("connected");
        }

        @Override
        public void onConnectFailed(HostError error) {
            events.add("failed " + error);
        }

        @Override
        public void onReadable() {
            events.add("readable");
        }

        @Override
        public void onWritable() {
            events.add("writable");
        }
    }
}
