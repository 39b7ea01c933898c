package dev.sluice.gateway.dns;

import static dev.sluice.gateway.dns.DnsBench.PATIENT;
import static dev.sluice.gateway.dns.DnsBench.a;
import static dev.sluice.gateway.dns.DnsBench.parse;
import static dev.sluice.gateway.dns.DnsBench.replyTo;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.TlsIdentity;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/** DNS over TLS (RFC 7858): who it is must be proved, and one connection carries many queries. */
@Timeout(60)
class TlsServersTest {
    private static final AtomicInteger CONNECTIONS = new AtomicInteger();

    private static @Nullable SSLServerSocket listener;
    private static @Nullable SSLContext trusting;

    @BeforeAll
    static void start(@TempDir Path directory) throws Exception {
        TlsIdentity identity = TlsIdentity.make(directory, "dns:dns.example");
        trusting = identity.trusting();
        listener = (SSLServerSocket)
                identity.serving().getServerSocketFactory().createServerSocket(0, 50, InetAddress.getLoopbackAddress());
        SSLServerSocket accepting = listener;
        Thread.ofVirtual().start(() -> {
            try {
                while (true) {
                    Socket client = accepting.accept();
                    CONNECTIONS.incrementAndGet();
                    Thread.ofVirtual().start(() -> serve(client));
                }
            } catch (IOException _) {
                // Closed.
            }
        });
    }

    @AfterAll
    static void stop() throws IOException {
        if (listener != null) {
            listener.close();
        }
    }

    private static void serve(Socket client) {
        try (client) {
            DataInputStream in = new DataInputStream(client.getInputStream());
            DataOutputStream out = new DataOutputStream(client.getOutputStream());
            while (true) {
                byte[] query = new byte[in.readUnsignedShort()];
                in.readFully(query);
                byte[] reply = replyTo(query, a(query, "192.0.2.1")).toWire();
                out.writeShort(reply.length);
                out.write(reply);
            }
        } catch (IOException _) {
            // The client has what it wanted, or did not trust us.
        }
    }

    private static DnsServer server(String name) {
        return new DnsServer(
                DnsServer.Protocol.TLS,
                new InetSocketAddress(
                        InetAddress.getLoopbackAddress(),
                        Objects.requireNonNull(listener).getLocalPort()),
                name,
                null,
                0);
    }

    private static StreamServers asking(@Nullable SSLSocketFactory factory) {
        return new StreamServers(
                () -> factory != null
                        ? factory
                        : Objects.requireNonNull(trusting).getSocketFactory(),
                new DnsCounters());
    }

    @Test
    void queriesToAServerThatProvesItsNameShareOneConnection() throws IOException {
        int before = CONNECTIONS.get();
        try (StreamServers servers = asking(null)) {
            for (int i = 0; i < 20; i++) {
                byte[] reply =
                        servers.ask(DnsMessage.query("n" + i + ".example", Type.A), server("dns.example"), PATIENT);
                assertThat(reply).isNotNull();
                if (reply != null) {
                    assertThat(parse(reply)
                                    .getSection(Section.ANSWER)
                                    .getFirst()
                                    .rdataToString())
                            .isEqualTo("192.0.2.1");
                }
            }
            assertThat(servers.open()).isEqualTo(1);
        }
        assertThat(CONNECTIONS.get()).isEqualTo(before + 1);
    }

    @Test
    void aServerOfAnotherNameIsNotAsked() {
        try (StreamServers servers = asking(null)) {
            assertThatThrownBy(
                            () -> servers.ask(DnsMessage.query("a.example", Type.A), server("other.example"), PATIENT))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("other.example");
        }
    }

    @Test
    void aServerThatNobodyVouchesForIsNotAsked() {
        try (StreamServers servers = asking(StreamServers.defaultTls())) {
            assertThatThrownBy(() -> servers.ask(DnsMessage.query("a.example", Type.A), server("dns.example"), PATIENT))
                    .isInstanceOf(IOException.class);
        }
    }
}
