package dev.sluice.gateway.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.host.HostError;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.EventLoop;
import dev.sluice.testkit.Async;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Upstreams that are reached inside TLS. */
@Timeout(120)
class TlsConnectionTest {
    private static final char[] PASSWORD = "not-secret".toCharArray();
    private static SSLContext context;

    @BeforeAll
    static void keys(@TempDir Path directory) throws Exception {
        Path store = directory.resolve("keys");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "proxy",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=proxy.example",
                        "-ext",
                        "SAN=ip:127.0.0.1",
                        "-keystore",
                        store.toString(),
                        "-storepass",
                        new String(PASSWORD))
                .redirectErrorStream(true)
                .start();
        String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(keytool.waitFor()).as(said).isZero();
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD);
        }
        KeyManagerFactory own = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        own.init(keys, PASSWORD);
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(keys);
        context = SSLContext.getInstance("TLS");
        context.init(own.getKeyManagers(), trust.getTrustManagers(), null);
    }

    private static final class Ignoring implements StreamSocket.Events {
        @Override
        public void onConnected() {}

        @Override
        public void onConnectFailed(HostError error) {}

        @Override
        public void onReadable() {}

        @Override
        public void onWritable() {}
    }

    /** Else its descriptor would be kept until the collector comes, or for ever where the upstream says nothing more. */
    @Test
    void whatHasSentItsEndIsClosedWithItsFlow() throws Exception {
        try (EventLoop loop = EventLoop.start("test");
                ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            CompletableFuture<Socket> accepted = Async.async(() -> {
                Socket plain = listener.accept();
                SSLSocket server = (SSLSocket) context.getSocketFactory().createSocket(plain, "", 0, false);
                server.setUseClientMode(false);
                server.startHandshake();
                assertThat(server.getInputStream().read()).isEqualTo(-1);
                return plain;
            });
            TlsConnection connection = TlsConnection.open(
                    context.getSocketFactory(),
                    new Upstream(Upstream.Kind.HTTPS, "127.0.0.1", listener.getLocalPort(), Optional.empty()),
                    List.of(Ipv4Address.LOOPBACK),
                    30_000);
            StreamSocket ours = Async.on(loop, () -> connection.join(loop, new Ignoring()));
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
