package dev.sluice.gateway.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.TlsIdentity;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.EventLoop;
import dev.sluice.testkit.Async;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

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
            TlsConnection connection = TlsConnection.open(
                    identity.trusting().getSocketFactory(),
                    new Upstream(Upstream.Kind.HTTPS, "127.0.0.1", listener.getLocalPort(), Optional.empty()),
                    List.of(Ipv4Address.LOOPBACK),
                    30_000);
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
