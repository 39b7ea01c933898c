package dev.sluice.cli.face.gvproxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cli.FreePorts;
import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.control.HttpClients;
import dev.sluice.control.HttpServer;
import dev.sluice.control.HttpStream;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.forward.ForwardSyntax;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.JsonReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** gvproxy's HTTP API: requests in, answers out; forwards are real. */
class ApiTest {
    private static final Api.Program PROGRAM = new Api.Program(true);

    @TempDir
    private Path folder;

    private GuestNetwork network;
    private final Zones zones = new Zones();
    private Api api;
    private int port;

    @BeforeEach
    void start() throws Exception {
        Configuration configuration = new Configuration();
        configuration.complete();
        configuration.zones().forEach(zones::add);
        network = GuestNetwork.start(Gateway.builder().plan(configuration.plan()), null, List.of());
        api = new Api(new Exposures(network), zones, new Api.Network() {
            @Override
            public Map<String, Object> leases() {
                return Map.of("192.168.127.1", "5a:94:ef:e4:0c:dd");
            }

            @Override
            public Map<String, Object> cam() {
                return Map.of("5a:94:ef:e4:0c:ee", 1);
            }

            @Override
            public Map<String, Object> stats() {
                return Map.of("BytesSent", 1L);
            }
        });
        port = FreePorts.next();
    }

    @AfterEach
    void stop() {
        network.close();
    }

    private Api.Text post(Api.Caller caller, String path, String body) {
        return (Api.Text) api.handle(caller, "POST", path, "", body.replace("PORT", Integer.toString(port)));
    }

    private Api.Text get(Api.Caller caller, String path) {
        return (Api.Text) api.handle(caller, "GET", path, "", "");
    }

    private static Api.Guest guest(String address) {
        return new Api.Guest(Ipv4Address.parse(address));
    }

    @Test
    void aForwardIsExposedListedAndUnexposed() throws IOException {
        assertThat(post(PROGRAM, "/services/forwarder/expose", """
                {"local":"127.0.0.1:PORT","remote":"192.168.127.2:6443","protocol":"tcp"}"""))
                .isEqualTo(new Api.Text(200, "text/plain; charset=utf-8", ""));
        assertThat(post(PROGRAM, "/services/forwarder/expose", """
                {"local":"127.0.0.1:PORT","remote":"192.168.127.2:53","Protocol":"udp"}""").status()).isEqualTo(200);
        assertThat(JsonReader.read(get(PROGRAM, "/services/forwarder/all").body()))
                .isEqualTo(List.of(
                        Map.of("local", "127.0.0.1:" + port, "remote", "192.168.127.2:6443", "protocol", "tcp"),
                        Map.of("local", "127.0.0.1:" + port, "remote", "192.168.127.2:53", "protocol", "udp")));
        assertThat(network.gateway().ports().list()).hasSize(2);
        assertThat(post(PROGRAM, "/services/forwarder/expose", """
                {"local":"127.0.0.1:PORT","remote":"192.168.127.2:6443"}"""))
                .isEqualTo(new Api.Text(500, "text/plain; charset=utf-8", "proxy already running\n"));
        assertThat(post(PROGRAM, "/services/forwarder/unexpose", """
                {"local":"127.0.0.1:PORT"}""").status()).isEqualTo(200);
        assertThat(post(PROGRAM, "/services/forwarder/unexpose", """
                {"local":"127.0.0.1:PORT","protocol":"tcp"}"""))
                .isEqualTo(new Api.Text(500, "text/plain; charset=utf-8", "proxy not found\n"));
        assertThat(network.gateway().ports().list()).hasSize(1);
    }

    @Test
    void aForwardWhosePortWasClosedByOtherMeansIsExposedAgain() throws IOException {
        String first = """
                {"local":"127.0.0.1:PORT","remote":"192.168.127.2:6443"}""";
        assertThat(post(PROGRAM, "/services/forwarder/expose", first).status()).isEqualTo(200);
        network.gateway().ports().remove(ForwardSyntax.listens("127.0.0.1:" + port), false);
        assertThat(post(PROGRAM, "/services/forwarder/expose", first).status()).isEqualTo(200);
        assertThat(network.gateway().ports().list()).hasSize(1);
        // and one that leads elsewhere by then is none of its own
        network.gateway().ports().remove(ForwardSyntax.listens("127.0.0.1:" + port), false);
        network.ports().publish(ForwardSyntax.parse("127.0.0.1:" + port + ":80"));
        assertThat(post(PROGRAM, "/services/forwarder/unexpose", first).status())
                .isEqualTo(200);
        assertThat(network.gateway().ports().list()).hasSize(1);
    }

    @Test
    void aSocketLeadsToAGuestsPortInThePlaceOfAnOlderOne() throws IOException {
        Path socket = folder.resolve("s");
        assertThat(post(
                                PROGRAM,
                                "/services/forwarder/expose",
                                "{\"local\":\"" + socket
                                        + "\",\"remote\":\"tcp://192.168.127.2:80\",\"protocol\":\"unix\"}")
                        .status())
                .isEqualTo(200);
        assertThat(Files.exists(socket)).isTrue();
        assertThat(post(PROGRAM, "/services/forwarder/unexpose", "{\"local\":\"" + socket + "\",\"protocol\":\"unix\"}")
                        .status())
                .isEqualTo(200);
        Path file = Files.createFile(folder.resolve("file"));
        assertThat(post(
                                PROGRAM,
                                "/services/forwarder/expose",
                                "{\"local\":\"" + file
                                        + "\",\"remote\":\"tcp://192.168.127.2:80\",\"protocol\":\"unix\"}")
                        .status())
                .isEqualTo(500);
        assertThat(file).exists();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ssh-tunnel://192.168.127.2:22/run/s?key=/k         | names no user
            ssh-tunnel://-oX@192.168.127.2:22/run/s?key=/k     | names no user
            ssh-tunnel://core@192.168.127.2:22?key=/k          | must contain a path to a socket file
            ssh-tunnel://core@192.168.127.2:22/run/s           | key not provided
            ssh-tunnel://core@192.168.127.2/run/s?key=/k&passphrase=x | a passphrase is not taken
            ssh-tunnel://core@192.168.127.2:99999/run/s?key=/k | 1…65535
            ssh-tunnel://core@guest/run/s?key=/k               | 'guest'
            ssh-tunnel://core@192.168.127.2/a:b?key=/k         | colon
            ssh-tunnel://core@192.168.127.2/run/s?key=/no/such | the key /no/such can't be read
            """)
    void whatIsWrongWithASocketThroughSshIsSaid(String remote, String message) throws IOException {
        assertThat(post(
                                PROGRAM,
                                "/services/forwarder/expose",
                                "{\"local\":\"" + folder.resolve("s") + "\",\"remote\":\"" + remote
                                        + "\",\"protocol\":\"unix\"}")
                        .body())
                .contains(message);
        assertThat(network.gateway().ports().list()).isEmpty();
        assertThat(get(PROGRAM, "/services/forwarder/all").body()).isEqualTo("[]\n");
    }

    @Test
    void aSocketThroughSshIsForProgramsAndRead() throws IOException {
        SshRemote remote = SshRemote.parse(new Exposures.Exposure(
                "/tmp/p.sock", "ssh-tunnel://core@192.168.127.2/run/user/1000/p.sock?key=%2Ftmp%2Fk%20y", "unix"));
        assertThat(remote)
                .isEqualTo(new SshRemote(
                        Ipv4Address.parse("192.168.127.2"),
                        22,
                        new Configuration.SshForward("/tmp/p.sock", "/run/user/1000/p.sock", "core", "/tmp/k y")));
        assertThat(post(
                                guest("192.168.127.2"),
                                "/services/forwarder/expose",
                                "{\"local\":\"/tmp/x\",\"remote\":\"ssh-tunnel://a@192.168.127.2/s?key=/k\",\"protocol\":\"unix\"}")
                        .status())
                .isEqualTo(400);
    }

    @Test
    void aGuestSeesAndChangesItsOwnForwardsOnly() {
        assertThat(post(PROGRAM, "/services/forwarder/expose", """
                {"local":"127.0.0.1:PORT","remote":"192.168.127.9:1"}""").status()).isEqualTo(200);
        Api.Guest guest = guest("192.168.127.2");
        assertThat(JsonReader.read(get(guest, "/services/forwarder/all").body()))
                .isEqualTo(List.of());
        assertThat(post(guest, "/services/forwarder/unexpose", "{\"local\":\"127.0.0.1:PORT\"}")
                        .body())
                .isEqualTo("proxy not found\n");
        assertThat(post(guest, "/services/forwarder/expose", """
                {"local":"127.0.0.1:0","remote":"192.168.127.9:1"}""").status()).isEqualTo(400);
        assertThat(post(guest, "/services/forwarder/expose", """
                {"local":"/tmp/x","remote":"tcp://192.168.127.2:1","protocol":"unix"}""").status()).isEqualTo(400);
        assertThat(post(guest, "/services/forwarder/expose", """
                {"local":"127.0.0.1:0","remote":":80"}""").status()).isEqualTo(200);
        assertThat(get(guest, "/services/forwarder/all").body()).contains(":80").doesNotContain("192.168.127.9");
        for (String path : List.of("/services/dns/all", "/leases", "/stats", "/cam", "/connect", "/tunnel")) {
            assertThat(get(guest, path).status()).as(path).isEqualTo(404);
        }
        assertThat(post(guest, "/services/forwarder/unexpose", "{\"local\":\"127.0.0.1:0\"}")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void zonesAreShownAndAddedToTheFront() {
        assertThat(get(PROGRAM, "/services/dns/all").body()).contains("containers.internal.", "\"DefaultIP\"");
        assertThat(post(PROGRAM, "/services/dns/add", """
                {"Name":"docker.internal.","Records":[{"Name":"host","IP":"192.168.127.77"}]}""").status()).isEqualTo(200);
        assertThat(zones.addresses("host.docker.internal"))
                .as("the newest counts")
                .containsExactly(Ipv4Address.parse("192.168.127.77"));
        assertThat(zones.addresses("gateway.docker.internal")).containsExactly(Ipv4Address.parse("192.168.127.1"));
        assertThat(post(PROGRAM, "/services/dns/add", """
                {"Name":"crc.testing.","Records":[{"Regexp":"^a.*b$","IP":"192.168.127.5"}],"DefaultIP":"192.168.127.2"}""").status()).isEqualTo(200);
        assertThat(zones.addresses("axb.crc.testing")).containsExactly(Ipv4Address.parse("192.168.127.5"));
        assertThat(zones.addresses("other.crc.testing")).containsExactly(Ipv4Address.parse("192.168.127.2"));
        assertThat(post(PROGRAM, "/services/dns/add", """
                {"Name":"crc.testing.","Records":[{"Name":"n","IP":"192.168.127.6"}]}""").status()).isEqualTo(200);
        assertThat(zones.addresses("axb.crc.testing")).containsExactly(Ipv4Address.parse("192.168.127.5"));
        assertThat(zones.addresses("other.crc.testing"))
                .as("the new zone has no default")
                .isEmpty();
        assertThat(zones.addresses("nothing.containers.internal")).isEmpty();
        assertThat(zones.addresses("example.com")).isNull();
    }

    @Test
    void theRestOfItIsThere() {
        assertThat(get(PROGRAM, "/leases").body()).contains("192.168.127.1");
        assertThat(get(PROGRAM, "/services/dhcp/leases").body()).contains("5a:94:ef:e4:0c:dd");
        assertThat(get(PROGRAM, "/cam").body()).contains("5a:94:ef:e4:0c:ee");
        assertThat(get(PROGRAM, "/stats").body()).contains("BytesSent");
        assertThat(api.handle(PROGRAM, "POST", "/connect", "", "")).isEqualTo(new Api.Link());
        assertThat(get(new Api.Program(false), "/connect").status()).isEqualTo(404);
        assertThat(api.handle(PROGRAM, "POST", "/tunnel", "ip=192.168.127.2&port=22", ""))
                .isEqualTo(new Api.Tunnel(Ipv4Address.parse("192.168.127.2"), 22));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '^', textBlock = """
            GET  | /services/forwarder/expose   |                                                          | 400
            POST | /services/forwarder/expose   | nothing                                                  | 400
            POST | /services/forwarder/expose   | []                                                       | 400
            POST | /services/forwarder/expose   | {"local":5}                                              | 400
            POST | /services/forwarder/expose   | {"local":":80x","remote":"192.168.127.2:1"}              | 400
            POST | /services/forwarder/expose   | {"local":"x:80","remote":"192.168.127.2:1"}              | 400
            POST | /services/forwarder/expose   | {"local":":8080","remote":":80"}                         | 400
            POST | /services/forwarder/expose   | {"local":":8080","remote":"192.168.127.2:0"}             | 400
            POST | /services/forwarder/expose   | {"local":":8080","remote":"a:1","protocol":"sctp"}       | 400
            POST | /services/forwarder/expose   | {"local":"/s","remote":"ssh-tunnel://a","protocol":"unix"} | 400
            POST | /services/forwarder/expose   | {"local":"/s","remote":"ssh-tunnel://u@1.2.3.4/s?key=/no/such","protocol":"unix"} | 500
            POST | /services/dns/add            | {"Name":"a.","Records":[{"Name":"x","IP":"y"}]}          | 400
            POST | /services/dns/add            | {"Name":"","Records":[]}                                 | 400
            POST | /services/dns/add            | {"Name":"a.","Records":[{"Regexp":"(","IP":"1.1.1.1"}]}  | 400
            POST | /tunnel                      |                                                          | 500
            GET  | /tunnel                      |                                                          | 500
            GET  | /nothing                     |                                                          | 404
            """)
    void whatIsWrongHasItsStatusAndAText(String method, String path, String body, int status) {
        Api.Text answer = (Api.Text) api.handle(PROGRAM, method, path, "", body == null ? "" : body);
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.type()).startsWith("text/plain");
        assertThat(answer.body()).endsWith("\n").isNotBlank();
    }

    @Test
    void oneConnectionCarriesSeveralRequestsAndNothingIsReadBeyondTheLast() throws IOException {
        ByteArrayInputStream in = new ByteArrayInputStream(("GET /cam HTTP/1.1\r\nHost: x\r\n\r\n"
                        + "POST /services/dns/add HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n"
                        + "{\"Name\":\"new.\"}" + "POST /connect HTTP/1.1\r\nHost: x\r\n\r\n" + "frames")
                .getBytes(StandardCharsets.US_ASCII));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        List<Api.Answer> handedOver = new ArrayList<>();
        try (HttpClients clients = new HttpClients(1, HttpServer.PATIENCE)) {
            assertThat(clients.serve(
                            HttpStream.of(in, out),
                            new ApiHandler(api, PROGRAM, answer -> () -> handedOver.add(answer))))
                    .isTrue();
        }
        assertThat(handedOver).containsExactly(new Api.Link());
        assertThat(new String(in.readAllBytes(), StandardCharsets.US_ASCII)).isEqualTo("frames");
        assertThat(out.toString(StandardCharsets.US_ASCII).split("HTTP/1.1 200 OK", -1))
                .hasSize(3);
        assertThat(zones.all()).extracting(Zones.Zone::name).contains("new.");
    }

    /** Many guests at a time must not fill the heap with what they send. */
    @Test
    void aGuestsRequestIsSmall() throws IOException {
        for (Api.Caller caller : List.of(guest("192.168.127.2"), PROGRAM)) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            String body = "[" + "{\"\":0},".repeat(4000) + "0]";
            try (HttpClients clients = new HttpClients(1, HttpServer.PATIENCE)) {
                clients.serve(
                        HttpStream.of(
                                new ByteArrayInputStream(("POST /services/forwarder/expose HTTP/1.1\r\nHost: x\r\n"
                                                + "Content-Length: " + body.length() + "\r\n\r\n" + body)
                                        .getBytes(StandardCharsets.US_ASCII)),
                                out),
                        new ApiHandler(api, caller, _ -> () -> {}));
            }
            assertThat(out.toString(StandardCharsets.US_ASCII))
                    .startsWith(caller == PROGRAM ? "HTTP/1.1 400" : "HTTP/1.1 413");
        }
    }

    /** A guest that says nothing holds its place for a while and no longer; what it gets is text, as gvproxy's. */
    @Test
    void whoSaysNothingIsCutAndWhoSaysNonsenseIsToldInText() throws Exception {
        try (HttpClients clients = new HttpClients(1, Duration.ofMillis(200))) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            CountDownLatch woken = new CountDownLatch(1);
            HttpStream stream = new HttpStream() {
                private final HttpStream real = HttpStream.of(new ByteArrayInputStream(new byte[0]), out);

                @Override
                public int read(ByteBuffer to) throws IOException {
                    try {
                        woken.await();
                    } catch (InterruptedException e) {
                        throw new IOException(e);
                    }
                    return -1;
                }

                @Override
                public void write(ByteBuffer from) throws IOException {
                    real.write(from);
                }

                @Override
                public void shutdownOutput() {}

                @Override
                public void close() {
                    woken.countDown();
                }
            };
            assertThat(clients.serve(stream, new ApiHandler(api, guest("192.168.127.2"), _ -> () -> {})))
                    .isFalse();
            assertThat(clients.cut()).isOne();
            assertThat(clients.size()).isZero();
        }
        try (HttpClients clients = new HttpClients(1, HttpServer.PATIENCE)) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            clients.serve(
                    HttpStream.of(
                            new ByteArrayInputStream("nonsense\r\n\r\n".getBytes(StandardCharsets.US_ASCII)), out),
                    new ApiHandler(api, PROGRAM, _ -> () -> {}));
            assertThat(out.toString(StandardCharsets.US_ASCII))
                    .startsWith("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain")
                    .contains("the request line is not");
        }
    }
}
