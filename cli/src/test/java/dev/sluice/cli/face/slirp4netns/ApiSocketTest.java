package dev.sluice.cli.face.slirp4netns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.cli.FreePorts;
import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.forward.ForwardSyntax;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** slirp4netns's API socket, asked as its callers ask. */
class ApiSocketTest {
    @TempDir
    private Path folder;

    private GuestNetwork network;
    private ApiSocket api;
    private Path socket;
    private int port;

    @BeforeEach
    void open() throws IOException {
        network = GuestNetwork.start(
                Gateway.builder().plan(AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, false)), null, List.of());
        api = new ApiSocket(network, Ipv4Address.parse("192.168.65.100"));
        socket = folder.resolve("api.sock");
        api.open(socket.toString());
        port = FreePorts.next();
    }

    @AfterEach
    void close() throws IOException {
        api.close();
        network.close();
    }

    private String ask(String request, boolean halfClose) throws IOException {
        return ask(socket, request, halfClose);
    }

    private static String ask(Path socket, String request, boolean halfClose) throws IOException {
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            client.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.UTF_8)));
            if (halfClose) {
                client.shutdownOutput();
            }
            ByteBuffer answer = ByteBuffer.allocate(100_000);
            while (client.read(answer) >= 0) {
                // until it closes
            }
            return new String(answer.array(), 0, answer.position(), StandardCharsets.UTF_8);
        }
    }

    private String ask(String request) throws IOException {
        return ask(request, true);
    }

    private String add(String proto, String more) {
        return "{\"execute\":\"add_hostfwd\",\"arguments\":{\"proto\":\"" + proto
                + "\",\"host_addr\":\"127.0.0.1\",\"host_port\":" + port + ",\"guest_port\":80" + more + "}}";
    }

    @Test
    void aForwardIsAddedListedAndRemoved() throws IOException {
        assertThat(ask(add("tcp", ",\"guest_addr\":\"192.168.65.7\"") + "\n")).isEqualTo("{\"return\":{\"id\":1}}");
        assertThat(ask(add("udp", ""))).isEqualTo("{\"return\":{\"id\":2}}");
        String first = "{\"id\":1,\"proto\":\"tcp\",\"host_addr\":\"127.0.0.1\",\"host_port\":" + port
                + ",\"guest_addr\":\"192.168.65.7\",\"guest_port\":80}";
        String second = "{\"id\":2,\"proto\":\"udp\",\"host_addr\":\"127.0.0.1\",\"host_port\":" + port
                + ",\"guest_addr\":\"192.168.65.100\",\"guest_port\":80}";
        String entries = "[" + first + "," + second + "]";
        assertThat(ask("{\"execute\":\"list_hostfwd\"}"))
                .isEqualTo("{\"entries\":" + entries + ",\"return\":{\"entries\":" + entries + "}}");
        assertThat(network.gateway().ports().list()).hasSize(2);
        assertThat(ask("{\"execute\":\"remove_hostfwd\",\"arguments\":{\"id\":1}}"))
                .isEqualTo("{\"return\":{}}");
        assertThat(network.gateway().ports().list())
                .singleElement()
                .satisfies(left -> assertThat(left.protocol()).isEqualTo("udp"));
        assertThat(ask("{\"execute\":\"remove_hostfwd\",\"arguments\":{\"id\":1}}"))
                .isEqualTo("{\"error\":{\"desc\":\"bad request: remove_hostfwd: bad arguments.id\"}}");
        assertThat(ask(add("tcp", ""))).as("numbers are never used again").isEqualTo("{\"return\":{\"id\":3}}");
    }

    @Test
    void aForwardWhosePortWasClosedByOtherMeansIsAddedAgain() throws IOException {
        assertThat(ask(add("tcp", ""))).isEqualTo("{\"return\":{\"id\":1}}");
        network.gateway().ports().remove(ForwardSyntax.listens("127.0.0.1:" + port), false);
        assertThat(ask(add("tcp", ""))).isEqualTo("{\"return\":{\"id\":2}}");
        assertThat(network.gateway().ports().list()).hasSize(1);
        assertThat(ask("{\"execute\":\"list_hostfwd\"}")).contains("\"id\":2,").doesNotContain("\"id\":1,");
        // and one that leads elsewhere by then is none of its own
        network.gateway().ports().remove(ForwardSyntax.listens("127.0.0.1:" + port), false);
        network.ports().publish(ForwardSyntax.parse("127.0.0.1:" + port + ":81"));
        assertThat(ask("{\"execute\":\"remove_hostfwd\",\"arguments\":{\"id\":2}}"))
                .isEqualTo("{\"return\":{}}");
        assertThat(network.gateway().ports().list()).hasSize(1);
    }

    @Test
    void aClientThatKeepsItsSideOpenIsAnsweredAsWell() throws IOException {
        assertThat(ask("{\"execute\":\"list_hostfwd\"}", false)).startsWith("{\"entries\":[]");
    }

    @Test
    void aRequestMayEndAsATextOfCDoes() throws IOException {
        assertThat(ask("{\"execute\":\"list_hostfwd\"}\0", false)).startsWith("{\"entries\":[]");
        assertThat(ask("{\"execute\":\"list_hostfwd\"}\0zz", false)).startsWith("{\"entries\":[]");
        assertThat(ask("zz\0", false)).isEqualTo("{\"error\":{\"desc\":\"bad request: cannot parse JSON\"}}");
    }

    @Test
    void whatIsNoJsonWhenPatienceEndsIsAnswered() throws IOException {
        try (ApiSocket hasty = new ApiSocket(network, Ipv4Address.parse("192.168.65.100"), Duration.ofMillis(200))) {
            Path place = folder.resolve("hasty.sock");
            hasty.open(place.toString());
            for (String request : List.of("zz", "{\"execute\":\"list", "")) {
                assertThat(ask(place, request, false))
                        .isEqualTo("{\"error\":{\"desc\":\"bad request: cannot parse JSON\"}}");
            }
        }
    }

    @Test
    void aPortThatIsTakenIsRefusedWithTheReason() throws IOException {
        try (ServerSocket taken = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            assertThat(taken.isBound()).isTrue();
            assertThat(ask(add("tcp", "")))
                    .startsWith("{\"error\":{\"desc\":\"bad request: add_hostfwd: slirp_add_hostfwd failed: ")
                    .contains(Integer.toString(port));
        }
        assertThat(ask(add("tcp", ""))).isEqualTo("{\"return\":{\"id\":1}}");
        assertThat(ask(add("tcp", ""))).as("twice").contains("slirp_add_hostfwd failed");
        assertThat(network.gateway().ports().list()).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '^', textBlock = """
            zz                                                                                 | cannot parse JSON
            {"execute":"list_hostfwd"}trailing                                                 | cannot parse JSON
            {"execute":"list                                                                   | cannot parse JSON
            {"a":1}                                                                            | no execute found
            []                                                                                 | no execute found
            {"execute":3}                                                                      | no execute found
            {"execute":"quit"}                                                                 | unknown execute
            {"execute":"add_hostfwd"}                                                          | add_hostfwd: bad arguments.proto
            {"execute":"add_hostfwd","arguments":{"proto":"sctp"}}                             | add_hostfwd: bad arguments.proto
            {"execute":"add_hostfwd","arguments":{"proto":"tcp","host_addr":"x"}}              | add_hostfwd: bad arguments.host_addr
            {"execute":"add_hostfwd","arguments":{"proto":"tcp","host_port":0}}                | add_hostfwd: bad arguments.host_port
            {"execute":"add_hostfwd","arguments":{"proto":"tcp","host_port":"80"}}             | add_hostfwd: bad arguments.host_port
            {"execute":"add_hostfwd","arguments":{"proto":"tcp","host_port":1,"guest_addr":7}} | add_hostfwd: bad arguments.guest_addr
            {"execute":"add_hostfwd","arguments":{"proto":"tcp","host_port":1,"guest_port":70000}} | add_hostfwd: bad arguments.guest_port
            {"execute":"remove_hostfwd"}                                                       | remove_hostfwd: bad arguments.id
            """)
    void whatIsWrongIsSaidInTheOriginalsShape(String request, String description) throws IOException {
        assertThat(ask(request)).isEqualTo("{\"error\":{\"desc\":\"bad request: " + description + "\"}}");
        assertThat(network.gateway().ports().list()).isEmpty();
    }

    @Test
    void aRequestThatIsTooLongIsRefused() throws IOException {
        assertThat(ask(" ".repeat(4096))).isEqualTo("{\"error\":{\"desc\":\"bad request: too large message\"}}");
    }

    @Test
    void itsFileIsForItsUserAlone() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-------");
    }

    @Test
    void whatOthersHavePutInItsPlaceStaysThere() throws IOException {
        Files.delete(socket);
        Files.createFile(socket);
        api.close();
        assertThat(socket).exists();
    }

    @Test
    void theSocketGoesWithTheNetworkAndReplacesOnlySockets() throws IOException {
        try (ApiSocket again = new ApiSocket(network, Ipv4Address.parse("192.168.65.100"))) {
            again.open(socket.toString()); // left by one that was killed, for all we can see
            assertThat(ask("{\"execute\":\"list_hostfwd\"}")).startsWith("{\"entries\"");
        }
        assertThat(socket).doesNotExist();
        Path file = Files.createFile(folder.resolve("file"));
        try (ApiSocket other = new ApiSocket(network, Ipv4Address.parse("192.168.65.100"))) {
            assertThatThrownBy(() -> other.open(file.toString())).isInstanceOf(IOException.class);
            assertThatThrownBy(() -> other.open("/tmp/" + "x".repeat(120)))
                    .hasMessage("the specified API socket path is too long (>= 108)");
        }
        assertThat(file).exists();
    }
}
