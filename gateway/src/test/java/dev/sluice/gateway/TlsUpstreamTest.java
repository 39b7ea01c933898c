package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.HttpWorld.Client;
import dev.sluice.gateway.HttpWorld.Peer;
import dev.sluice.gateway.HttpWorld.Server;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.gateway.proxy.Upstream;
import dev.sluice.net.NetException;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An upstream inside TLS whose connection breaks: the guest must see that, and no end in order (RFC 8446 §6.1, RFC 9112 §9.8). */
@Timeout(120)
class TlsUpstreamTest {
    /** How it breaks. */
    private enum Cut {
        /** TCP ends, and TLS has not said so. */
        WITHOUT_A_WORD {
            @Override
            void make(Socket plain) throws IOException {
                plain.shutdownOutput();
            }
        },
        WITHIN_A_RECORD {
            @Override
            void make(Socket plain) throws IOException {
                plain.getOutputStream().write(HexFormat.of().parseHex("1703030100" + "abcdef"));
                plain.shutdownOutput();
            }
        },
        BY_A_RESET {
            @Override
            void make(Socket plain) throws IOException {
                plain.setSoLinger(true, 0);
                plain.close();
            }
        };

        abstract void make(Socket plain) throws IOException;
    }

    private static TlsIdentity identity;
    private static SSLContext usual;

    private HttpWorld world;
    private Server proxy;
    private Client guest;

    @BeforeAll
    static void trust(@TempDir Path directory) throws Exception {
        identity = TlsIdentity.make(directory, "ip:127.0.0.1");
        usual = SSLContext.getDefault();
        SSLContext.setDefault(identity.trusting());
    }

    @AfterAll
    static void forget() {
        SSLContext.setDefault(usual);
    }

    @BeforeEach
    void open() throws Exception {
        world = new HttpWorld();
        proxy = new Server();
        guest = world.toProxy();
        Upstream upstream = new Upstream(Upstream.Kind.HTTPS, "127.0.0.1", proxy.port(), Optional.empty());
        world.routes(_ -> List.of(new Route.Via(upstream, "rule 1")));
    }

    @AfterEach
    void close() throws Exception {
        guest.close();
        proxy.close();
        world.close();
    }

    /** The upstream's side of TLS through a connection. */
    private static Peer secured(Peer plain) throws IOException {
        SSLSocket secured = (SSLSocket) identity.serving()
                .getSocketFactory()
                .createSocket(plain.socket, "127.0.0.1", plain.socket.getPort(), false);
        secured.setUseClientMode(false);
        return new Peer(secured);
    }

    @ParameterizedTest
    @EnumSource
    void aTunnelThatBreaksIsAResetAfterWhatCameThrough(Cut cut) throws Exception {
        guest.send("CONNECT www.example.com:443 HTTP/1.1\r\nHost: www.example.com:443\r\n\r\n");
        try (Peer plain = proxy.accept()) {
            Peer upstream = secured(plain);
            assertThat(upstream.head()).startsWith("CONNECT www.example.com:443 ");
            upstream.send("HTTP/1.1 200 OK\r\n\r\nhalf");
            assertThat(guest.head()).startsWith("HTTP/1.1 200 ");
            assertThat(guest.read(4)).isEqualTo("half");
            cut.make(plain.socket);
            assertThatThrownBy(() -> guest.rest()).isInstanceOf(NetException.Reset.class);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aResponseThatBreaksOffDoesNotLookWhole(Cut cut) throws Exception {
        guest.send("GET http://www.example.com/ HTTP/1.0\r\nHost: www.example.com\r\n\r\n");
        try (Peer plain = proxy.accept()) {
            Peer upstream = secured(plain);
            upstream.head();
            upstream.send("HTTP/1.0 200 OK\r\n\r\nhalf"); // it ends with the connection
            assertThat(guest.head()).contains(" 200 ");
            assertThat(guest.read(4)).isEqualTo("half");
            cut.make(plain.socket);
            assertThatThrownBy(() -> guest.rest()).isInstanceOf(NetException.Reset.class);
        }
    }

    @Test
    void anEndThatTlsHasAnnouncedIsOne() throws Exception {
        guest.send("GET http://www.example.com/ HTTP/1.0\r\nHost: www.example.com\r\n\r\n");
        try (Peer plain = proxy.accept()) {
            Peer upstream = secured(plain);
            upstream.head();
            upstream.send("HTTP/1.0 200 OK\r\n\r\nall of it");
            upstream.socket.shutdownOutput();
            assertThat(guest.head()).contains(" 200 ");
            assertThat(guest.rest()).isEqualTo("all of it");
        }
    }
}
