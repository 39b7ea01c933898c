package dev.sluice.control;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class ControlServerTest {
    private static final String GET = "GET /v1/status HTTP/1.1\r\nHost: x\r\n";

    @TempDir
    @Nullable
    Path directory;

    @Nullable
    private ControlServer server;

    @AfterEach
    void close() {
        if (server != null) {
            server.close();
        }
    }

    private Path socket() {
        return requireNonNull(directory).resolve("1.sock");
    }

    private ControlServer start(Duration patience, ControlBackend backend) throws ControlException {
        server = new ControlServer(backend);
        server.open(socket(), patience);
        return server;
    }

    private void start() throws ControlException {
        start(Duration.ofSeconds(30), StatusFixture::status);
    }

    @Test
    void aPlaceThatCanNotBeIsToldWithWhatToDo() {
        Path nowhere = socket().resolveSibling("none").resolve("s");
        assertThatThrownBy(() -> HttpServer.onSocket(nowhere, _ -> HttpResponse.json(List.of())))
                .isInstanceOf(ControlException.class)
                .hasMessageContaining("could not make the control socket " + nowhere)
                .hasMessageContaining("choose a place in a folder that is there");
    }

    private SocketChannel connect() throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket()));
        return channel;
    }

    private static void send(SocketChannel channel, String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(ISO_8859_1));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private static String readToEnd(SocketChannel channel) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        ByteBuffer buffer = ByteBuffer.allocate(8192);
        while (channel.read(buffer.clear()) >= 0) {
            all.write(buffer.array(), 0, buffer.position());
        }
        return all.toString(ISO_8859_1);
    }

    private String exchange(String request) throws IOException {
        try (SocketChannel channel = connect()) {
            send(channel, request);
            return readToEnd(channel);
        }
    }

    @Test
    void tellsTheStatusAsJson() throws Exception {
        start();
        String body = new ControlClient(socket()).get("/v1/status");
        assertThat(body)
                .contains("\"version\": \"0.1.0\"")
                .contains("\"gateway\": \"192.168.65.1\"")
                .contains("\"subnet\": \"192.168.65.0/24\"")
                .contains("\"mac\": \"02:50:00:00:00:01\"")
                .contains("\"name\": \"qemu:/tmp/\\\"vm\\\".sock#2\"")
                .contains("\"hostName\": \"täst\\u001b[31m\"")
                .contains("\"bytesToHost\": 1099511627776")
                .contains("\"bad-ipv4\": 3")
                .contains("\"dnsQueries\": 512");
    }

    @Test
    void theSocketIsForItsOwnerOnlyAndGoesWithTheServer() throws Exception {
        start();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())))
                .isEqualTo("rw-------");
        requireNonNull(server).close();
        assertThat(socket()).doesNotExist();
        assertThatThrownBy(() -> new ControlClient(socket()).get("/v1/status"))
                .isInstanceOf(ControlException.class)
                .hasMessageContaining("no sluice of yours is running here");
    }

    /** Another sluice was started at the same place, after somebody had removed the socket there. */
    @Test
    void aSocketThatAnotherHasPutInItsPlaceStays() throws Exception {
        start();
        Files.delete(socket());
        try (ControlServer other = new ControlServer(StatusFixture::status)) {
            other.open(socket());
            requireNonNull(server).close();
            assertThat(new ControlClient(socket()).get("/v1/status")).contains("0.1.0");
        }
        assertThat(socket()).doesNotExist();
    }

    @Test
    void aServerThatIsClosedOpensNothing() throws ControlException {
        ControlServer late = new ControlServer(StatusFixture::status);
        late.close();
        late.open(directory.resolve("late.sock"));
        assertThat(directory.resolve("late.sock")).doesNotExist();
    }

    @Test
    void aHandlerThatFailsAnswersSoAndTheServerGoesOn() throws Exception {
        try (HttpServer failing = HttpServer.onSocket(socket(), _ -> {
            throw new IllegalStateException("a fault");
        })) {
            for (int i = 0; i < 3; i++) {
                assertThat(exchange(GET + "Connection: close\r\n\r\n")).startsWith("HTTP/1.1 500 ");
            }
            assertThat(failing.clients().cut()).isZero();
        }
    }

    @Test
    void aConnectionServesSeveralRequestsAlsoPipelined() throws Exception {
        start();
        String answers = exchange(GET + "\r\n" + GET + "\r\n" + GET + "Connection: close\r\n\r\n");
        assertThat(answers.split("HTTP/1.1 200 OK", -1)).hasSize(4);
    }

    @Test
    void headHasTheHeadOfGet() throws Exception {
        start();
        String head = exchange("HEAD /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assertThat(head)
                .startsWith("HTTP/1.1 200 OK")
                .containsPattern("Content-Length: [1-9]")
                .endsWith("\r\n\r\n");
    }

    @ParameterizedTest
    @CsvSource({
        "GET /nowhere HTTP/1.1, 404",
        "GET /v1/status/ HTTP/1.1, 404",
        "GET /v1/../v1/status HTTP/1.1, 404",
        "POST /v1/status HTTP/1.1, 405",
        "BREW /v1/status HTTP/1.1, 405",
    })
    void whatIsNotThereIsAProblemDocumentAndTheConnectionGoesOn(String line, int status) throws Exception {
        start();
        String answers = exchange(line + "\r\nHost: x\r\n\r\n" + GET + "Connection: close\r\n\r\n");
        assertThat(answers)
                .startsWith("HTTP/1.1 " + status)
                .contains("Content-Type: application/problem+json")
                .contains("\"status\": " + status)
                .contains("HTTP/1.1 200 OK");
    }

    @Test
    void aWrongMethodIsToldTheRightOnes() throws Exception {
        start();
        assertThat(exchange("DELETE /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .contains("\r\nAllow: GET\r\n");
    }

    @Test
    void whatIsNoProperRequestIsRefusedAndEndsTheConnection() throws Exception {
        start();
        record Case(String request, int status) {}
        List<Case> cases = List.of(
                new Case("hello\r\n\r\n", 400),
                new Case("\r\n".repeat(5), 400), // fewer are skipped (RFC 9112 §2.2)
                new Case("GET  /v1/status HTTP/1.1\r\nHost: x\r\n\r\n", 400),
                new Case("GET /v1/status\r\nHost: x\r\n\r\n", 400),
                new Case("GET /v1/status HTTP/2.0\r\nHost: x\r\n\r\n", 505),
                new Case("GET ftp://x/v1/status HTTP/1.1\r\nHost: x\r\n\r\n", 400),
                new Case("GET /v1/status HTTP/1.1\r\n\r\n", 400),
                new Case(GET + "Host: y\r\n\r\n", 400),
                new Case(GET + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
                new Case(GET + "Content-Length: -1\r\n\r\n", 400),
                new Case(GET + "Content-Length: 99999999999999999999\r\n\r\n", 400),
                new Case(GET + "Content-Length: 1, 1\r\n\r\n", 400),
                new Case(GET + "Transfer-Encoding: gzip\r\n\r\n", 501),
                new Case(GET + "Expect: wonders\r\n\r\n", 417),
                new Case(GET + " folded: x\r\n\r\n", 400),
                new Case(GET + "Name : x\r\n\r\n", 400),
                new Case(GET + "No-Colon\r\n\r\n", 400),
                new Case(GET + ": x\r\n\r\n", 400),
                new Case(GET + "A: x\ny\r\n\r\n", 400),
                new Case(GET + "A: x\0y\r\n\r\n", 400),
                new Case(GET + "A: x\ry\r\n\r\n", 400),
                new Case(GET + "A: b\r\n".repeat(300) + "\r\n", 431),
                new Case(GET + "A: " + "b".repeat(HttpConnection.MAX_HEAD) + "\r\n\r\n", 431));
        for (Case each : cases) {
            // A second request tells whether the first really ended the connection; all is sent before anything is
            // read.
            try (SocketChannel channel = connect()) {
                send(channel, each.request() + GET + "\r\n");
                channel.shutdownOutput();
                assertThat(readToEnd(channel))
                        .as(each.request()
                                .substring(0, Math.min(80, each.request().length())))
                        .startsWith("HTTP/1.1 " + each.status())
                        .contains("Connection: close")
                        .doesNotContain("200 OK");
            }
        }
    }

    @Test
    void aHundredMegabyteBodyIsRefusedWithoutReadingItIntoMemory() throws Exception {
        start();
        long body = 100L << 20;
        try (SocketChannel channel = connect()) {
            send(channel, "POST /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: " + body + "\r\n\r\n");
            // A client that sends all before it listens must still get the answer.
            ByteBuffer chunk = ByteBuffer.allocate(1 << 20);
            for (long sent = 0; sent < body; ) {
                sent += channel.write(chunk.clear());
            }
            channel.shutdownOutput();
            assertThat(readToEnd(channel)).startsWith("HTTP/1.1 413").contains("application/problem+json");
        }
    }

    @Test
    void aBodyWithinTheLimitIsTakenAfterContinue() throws Exception {
        start();
        try (SocketChannel channel = connect()) {
            send(
                    channel,
                    "POST /v1/status HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: "
                            + HttpConnection.MAX_BODY + "\r\nConnection: close\r\n\r\n");
            ByteBuffer go = ByteBuffer.allocate("HTTP/1.1 100 Continue\r\n\r\n".length());
            while (go.hasRemaining() && channel.read(go) >= 0) {}
            send(channel, "x".repeat(HttpConnection.MAX_BODY));
            assertThat(readToEnd(channel)).startsWith("HTTP/1.1 405");
        }
    }

    @Test
    void aFaultBehindTheApiIsAProblemDocument() throws Exception {
        start(Duration.ofSeconds(30), () -> {
            throw new IllegalStateException("secret");
        });
        assertThat(exchange(GET + "Connection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 500")
                .contains("application/problem+json")
                .doesNotContain("secret");
        assertThatThrownBy(() -> new ControlClient(socket()).get("/v1/status"))
                .hasMessageContaining("answered 500 to GET /v1/status");
    }

    /** Of a process that is killed while it answers, half an answer must not be taken for the whole. */
    @Test
    void anAnswerThatBreaksOffIsNone() throws Exception {
        try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(socket()));
            Thread.ofVirtual().start(() -> {
                try (SocketChannel client = listener.accept()) {
                    client.read(ByteBuffer.allocate(4096));
                    send(client, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\": 1");
                } catch (IOException e) {
                    // the client sees it
                }
            });
            assertThatThrownBy(() -> new ControlClient(socket()).get("/v1/status"))
                    .isInstanceOf(ControlException.class)
                    .hasMessageContaining("broke off in the middle of its answer");
        }
    }

    @Test
    void silentAndStuckClientsDelayNobodyAndAreCut() throws Exception {
        start(Duration.ofMillis(1500), StatusFixture::status);
        try (SocketChannel silent = connect();
                SocketChannel half = connect();
                SocketChannel deaf = connect()) {
            send(half, "GET /v1/sta");
            deaf.configureBlocking(false);
            // Requests without end and no reading: the server's writes must run into the full socket.
            ByteBuffer requests = ByteBuffer.wrap((GET + "\r\n").repeat(50_000).getBytes(ISO_8859_1));
            deaf.write(requests);
            assertThat(new ControlClient(socket()).get("/v1/status")).contains("version");
            assertThat(readToEnd(silent)).isEmpty();
            assertThat(readToEnd(half)).isEmpty();
            deaf.configureBlocking(true);
            assertThatThrownBy(() -> {
                        while (true) {
                            deaf.write(ByteBuffer.wrap("x".getBytes(ISO_8859_1)));
                        }
                    })
                    .isInstanceOf(IOException.class);
        }
        assertThat(new ControlClient(socket()).get("/v1/status")).contains("version");
    }

    @Test
    void tooManyClientsAreTurnedAwayWithAWordAndComeBackLater() throws Exception {
        CountDownLatch open = new CountDownLatch(1);
        start(Duration.ofSeconds(60), () -> {
            try {
                open.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return StatusFixture.status();
        });
        List<SocketChannel> clients = new ArrayList<>();
        for (int i = 0; i < HttpServer.MAX_CONNECTIONS; i++) {
            SocketChannel client = connect();
            send(client, GET + "Connection: close\r\n\r\n");
            clients.add(client);
        }
        try (SocketChannel extra = connect()) {
            assertThat(readToEnd(extra)).startsWith("HTTP/1.1 503");
        }
        open.countDown();
        for (SocketChannel client : clients) {
            assertThat(readToEnd(client)).startsWith("HTTP/1.1 200");
            client.close();
        }
    }

    @Test
    void garbageNeverBreaksTheServer() throws Exception {
        start();
        long seed = System.nanoTime();
        Random random = new Random(seed);
        String valid = GET + "Content-Length: 3\r\nConnection: close\r\n\r\nabc";
        for (int i = 0; i < 300; i++) {
            byte[] bytes = valid.getBytes(ISO_8859_1);
            for (int flips = random.nextInt(4); flips >= 0; flips--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            try (SocketChannel channel = connect()) {
                channel.write(ByteBuffer.wrap(bytes));
                channel.shutdownOutput();
                assertThat(readToEnd(channel)).as("seed " + seed).matches("(?s)(HTTP/1\\.1 [1-5].*)?");
            }
        }
        assertThat(new ControlClient(socket()).get("/v1/status")).contains("version");
    }
}
