package dev.sluice.examples;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.loop.EventLoop;
import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpServer;
import dev.sluice.testkit.MemoryLink;
import dev.sluice.wire.Ipv4Address;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The examples between two hosts on a cable in memory. */
@Timeout(120)
class ExamplesTest {
    private static final Ipv4Address SERVER = Ipv4Address.parse("10.0.0.2");
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private EventLoop loop;
    private NetStack client;
    private NetStack server;

    @BeforeEach
    void open() throws Exception {
        loop = EventLoop.start("examples");
        MemoryLink.Pair cable = MemoryLink.pair(loop, 1500, true);
        client = NetStack.open(loop, cable.left(), NetConfig.of("10.0.0.1/24").with(ConflictDetection.none()));
        server = NetStack.open(loop, cable.right(), NetConfig.of("10.0.0.2/24").with(ConflictDetection.none()));
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
        loop.close();
    }

    @Test
    void echoSendsBackWhatItGets() throws Exception {
        try (TcpServer echo = Echo.serve(server);
                TcpConnection connection = client.tcp().connect(SERVER, echo.port(), PATIENCE)) {
            connection.write("hello".getBytes(US_ASCII));
            connection.shutdownOutput();
            assertThat(connection.inputStream().readAllBytes())
                    .asString(US_ASCII)
                    .isEqualTo("hello");
        }
    }

    @Test
    void theWebServerAnswersSeveralRequestsOnAConnection() throws Exception {
        try (TcpServer http = TinyHttp.serve(server);
                TcpConnection connection = client.tcp().connect(SERVER, http.port(), PATIENCE)) {
            connection.write(("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /bytes/100000 HTTP/1.1\r\n\r\n"
                            + "GET /nowhere HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\n\r\n")
                    .getBytes(US_ASCII));
            String all = new String(connection.inputStream().readAllBytes(), US_ASCII);
            assertThat(all)
                    .startsWith("HTTP/1.1 200 OK\r\n")
                    .contains("hello from")
                    .contains("\r\nContent-Length: 100000\r\n");
            assertThat(all)
                    .contains("HTTP/1.1 404 Not Found")
                    .endsWith("Content-Length: 0\r\n\r\n")
                    .contains(" 405 ");
            assertThat(all.length()).isGreaterThan(100_000);
        }
    }

    @Test
    void theWebServerEndsConnectionsWithEndlessHeaders() throws Exception {
        try (TcpServer http = TinyHttp.serve(server);
                TcpConnection connection = client.tcp().connect(SERVER, http.port(), PATIENCE)) {
            assertThatThrownBy(() -> {
                        while (true) {
                            connection.write("X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n"
                                    .repeat(100)
                                    .getBytes(US_ASCII));
                        }
                    })
                    .isInstanceOf(NetException.class);
        }
    }

    @Test
    void loadCountsWhatComesBack() throws Exception {
        try (TcpServer echo = Echo.serve(server)) {
            Load.Report report = Load.run(client, SERVER, echo.port(), 20, 1000, Duration.ofMillis(300));
            assertThat(report.failed()).isZero();
            assertThat(report.messages()).isGreaterThanOrEqualTo(20);
            assertThat(report.bytes()).isEqualTo(report.messages() * 1000);
            assertThat(report.toString()).contains("messages", "Mbit/s", "0 connections failed");
        }
    }

    @Test
    void loadSaysWhyConnectionsFailed() throws Exception {
        Load.Report report = Load.run(client, SERVER, 7, 3, 1000, Duration.ofMillis(10));
        assertThat(report.toString()).contains("3 connections failed: 10.0.0.2:7 refused the connection");
        try (TcpServer rude =
                server.tcp().serve(8, 8, connection -> connection.inputStream().read())) {
            report = Load.run(client, SERVER, rude.port(), 1, 1, Duration.ofMillis(10));
            assertThat(report.failed()).isEqualTo(1);
            assertThat(report.messages()).isZero();
        }
    }

    @Test
    void whatCannotBeDoneIsSaidInOneLine() throws Exception {
        assertThat(Main.run()).startsWith("which example? FirstEcho; or Echo, TinyHttp or Load");
        assertThat(Main.run("Ecko", "--tap", "x")).startsWith("which example?");
        assertThat(Main.run("Echo", "--adress", "10.0.0.9/24"))
                .isEqualTo("there is no option --adress; there are " + Station.USAGE);
        assertThat(Main.run("Load", "--conections", "7")).contains("--bytes, --connections, --seconds, --to");
        assertThat(Main.run("Echo", "--connections", "7")).contains("there is no option --connections");
        assertThat(Main.run("Echo", "--mtu", "abc")).isEqualTo("--mtu needs a number from 1, not 'abc'");
        assertThat(Main.run("Echo", "--help")).contains("--address ADDRESS/PREFIX");
    }

    @Test
    void aCommandLineThatMakesNoSenseSaysWhatWould() {
        assertThatThrownBy(() -> Station.parse("--tap")).hasMessageContaining("--address");
        assertThatThrownBy(() -> Station.parse("tap0", "x")).hasMessageContaining("expected --name value");
        assertThat(Station.parse("--tap", "t", "--mtu", "9000").number("mtu", 1500))
                .isEqualTo(9000);
    }
}
