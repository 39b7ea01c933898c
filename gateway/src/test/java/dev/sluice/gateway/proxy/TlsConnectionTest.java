package dev.sluice.gateway.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.TlsIdentity;
import dev.sluice.host.HostError;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.EventLoop;
import dev.sluice.testkit.Async;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSocket;
import jdk.net.ExtendedSocketOptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Upstreams that are reached inside TLS. */
@Timeout(120)
class TlsConnectionTest {
    private static TlsIdentity identity;

    @BeforeAll
    static void keys(@TempDir Path directory) throws Exception {
        identity = TlsIdentity.make(directory, "ip:127.0.0.1");
    }

    /** Else its descriptor would be kept until the collector comes, or for ever where the upstream says nothing more. */
    @Test
    void whatHasSentItsEndIsClosedWithItsFlow() throws Exception {
        try (EventLoop loop = EventLoop.start("test");
                ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            CompletableFuture<Socket> accepted = Async.async(() -> {
                Socket plain = listener.accept();
                SSLSocket server =
                        (SSLSocket) identity.serving().getSocketFactory().createSocket(plain, "", 0, false);
                server.setUseClientMode(false);
                server.startHandshake();
                assertThat(server.getInputStream().read()).isEqualTo(-1);
                return plain;
            });
            TlsConnection connection = open(listener);
            StreamSocket ours = Async.on(loop, () -> connection.join(loop, StreamSocket.Events.NOBODY));
            Async.on(loop, () -> {
                ours.shutdownOutput();
                return true;
            });
            try (Socket plain = accepted.get(30, TimeUnit.SECONDS)) {
                Async.on(loop, () -> {
                    ours.close();
                    return true;
                });
                plain.setSoTimeout(30_000);
                assertThat(isClosed(plain)).isTrue();
            }
        }
    }

    private static <T> T handshaken(ServerSocket listener, Finish<T> then) throws Exception {
        SSLSocket server =
                (SSLSocket) identity.serving().getSocketFactory().createSocket(listener.accept(), "", 0, true);
        server.setUseClientMode(false);
        server.startHandshake();
        return then.with(server);
    }

    private interface Finish<T> {
        T with(SSLSocket server) throws Exception;
    }

    private static TlsConnection open(ServerSocket listener) throws IOException {
        return TlsConnection.open(
                identity.trusting().getSocketFactory(),
                new Upstream(Upstream.Kind.HTTPS, "127.0.0.1", listener.getLocalPort(), Optional.empty()),
                List.of(Ipv4Address.LOOPBACK),
                30_000);
    }

    @Test
    void aResetOfTheGuestIsNoEndInOrderForTheUpstream() throws Exception {
        try (EventLoop loop = EventLoop.start("test");
                ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            CompletableFuture<Integer> read = Async.async(
                    () -> handshaken(listener, server -> server.getInputStream().read()));
            TlsConnection connection = open(listener);
            StreamSocket ours = Async.on(loop, () -> connection.join(loop, StreamSocket.Events.NOBODY));
            Async.on(loop, () -> {
                ours.reset();
                return true;
            });
            assertThatThrownBy(() -> Async.get(read)).isInstanceOf(IOException.class);
        }
    }

    /** A guest that has a server of its own behind the upstream could else keep descriptors for ever, as many as it likes. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatAnUpstreamDoesNotTakeIsClosedWithItsFlow(boolean reset) throws Exception {
        try (EventLoop loop = EventLoop.start("test");
                ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            CompletableFuture<SSLSocket> accepted = Async.async(() -> handshaken(listener, server -> server));
            TlsConnection connection = open(listener);
            Semaphore room = new Semaphore(0);
            StreamSocket ours = Async.on(loop, () -> connection.join(loop, new Room(room)));
            MemorySegment bytes = Arena.ofAuto().allocate(16 << 10);
            try (SSLSocket server = Async.get(accepted)) {
                boolean more = true;
                while (more) {
                    int n = Async.on(loop, () -> ours.write(bytes, 0, 16 << 10, 0, 0));
                    more = n > 0 || room.tryAcquire(1, TimeUnit.SECONDS);
                }
                Async.on(loop, () -> {
                    if (reset) {
                        ours.reset();
                    } else {
                        ours.close();
                    }
                    return true;
                });
                while (!connection.carrier.isClosed()) {
                    Thread.onSpinWait();
                }
                assertThat(server.isClosed()).isFalse();
            }
        }
    }

    /** Tells of room in the pipe. */
    private record Room(Semaphore room) implements StreamSocket.Events {
        @Override
        public void onConnected() {}

        @Override
        public void onConnectFailed(HostError error) {}

        @Override
        public void onReadable() {}

        @Override
        public void onWritable() {
            room.release();
        }
    }

    @Test
    void anUpstreamIsAskedWhetherItIsThereAtThePaceOfTheGuest() throws Exception {
        try (EventLoop loop = EventLoop.start("test");
                ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            CompletableFuture<SSLSocket> accepted = Async.async(() -> handshaken(listener, server -> server));
            TlsConnection connection = open(listener);
            try (SSLSocket _ = Async.get(accepted)) {
                StreamSocket ours = Async.on(loop, () -> connection.join(loop, StreamSocket.Events.NOBODY));
                Async.on(loop, () -> {
                    ours.keepAlive(60);
                    ours.keepAlive(90); // the first call counts
                    return true;
                });
                assertThat(connection.carrier.getKeepAlive()).isTrue();
                assertThat(connection.carrier.getOption(ExtendedSocketOptions.TCP_KEEPIDLE))
                        .isEqualTo(60);
            }
        }
    }

    private static boolean isClosed(Socket socket) {
        try {
            return socket.getInputStream().read() < 0;
        } catch (SocketTimeoutException e) {
            return false;
        } catch (IOException e) {
            return true; // a reset is an end as good
        }
    }
}
