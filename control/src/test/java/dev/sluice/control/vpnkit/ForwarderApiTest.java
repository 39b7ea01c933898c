package dev.sluice.control.vpnkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.control.HttpServer;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The HTTP API of VPNKit's Go programs, over its socket. */
class ForwarderApiTest {
    private static final String PORT =
            "{\"proto\":\"tcp\",\"out_ip\":\"127.0.0.1\",\"out_port\":%d,\"in_ip\":\"172.17.0.2\",\"in_port\":80%s}";

    @TempDir
    private Path folder;

    private final List<String> open = new ArrayList<>();
    private HttpServer server;
    private Path socket;

    @BeforeEach
    void start() throws IOException {
        socket = folder.resolve("s");
        server = HttpServer.onSocket(
                socket,
                new ForwarderApi(
                        new PortDoor() {
                            @Override
                            public PortSpec open(PortSpec spec) throws IOException {
                                if (spec instanceof PortSpec.Port port && port.port() == 81) {
                                    throw new PortRefusal(
                                            "Bind for 127.0.0.1:81 failed: port is already allocated",
                                            new IOException());
                                }
                                PortSpec opened = spec instanceof PortSpec.Port port && port.port() == 0
                                        ? spec.withPort(40_000)
                                        : spec;
                                open.add(opened.toString());
                                return opened;
                            }

                            @Override
                            public void close(PortSpec opened) {
                                open.remove(opened.toString());
                            }
                        },
                        () -> List.of("[1, tcp:127.0.0.1:80]")));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private String ask(String method, String path, String body) throws IOException {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            // as Go's client writes it
            channel.write(ByteBuffer.wrap((method + " " + path
                            + " HTTP/1.1\r\nHost: unix\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: "
                            + body.length() + "\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n"
                            + "Connection: close\r\n\r\n" + body)
                    .getBytes(StandardCharsets.UTF_8)));
            String answer = new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
            return answer.substring(9, 12) + " "
                    + answer.substring(answer.indexOf("\r\n\r\n") + 4)
                            .lines()
                            .map(String::strip)
                            .reduce("", String::concat);
        }
    }

    @Test
    void exposingListingAndUnexposing() throws IOException {
        assertThat(ask("GET", "/forwards/list", "")).isEqualTo("200 null");
        assertThat(ask("PUT", "/forwards/expose/port", PORT.formatted(8080, "")))
                .isEqualTo("200 ");
        assertThat(ask("POST", "/forwards/expose/port", PORT.formatted(8080, "")))
                .isEqualTo("200 ");
        assertThat(open).containsExactly("tcp:127.0.0.1:8080:tcp:172.17.0.2:80");
        assertThat(ask("GET", "/forwards/list", ""))
                .isEqualTo("200 [{\"proto\": \"tcp\",\"out_ip\": \"127.0.0.1\",\"out_port\": 8080,"
                        + "\"in_ip\": \"172.17.0.2\",\"in_port\": 80}]");
        assertThat(ask("DELETE", "/forwards/unexpose/port", PORT.formatted(8080, "")))
                .isEqualTo("200 ");
        assertThat(ask("DELETE", "/forwards/unexpose/port", PORT.formatted(8080, "")))
                .isEqualTo("200 ");
        assertThat(open).isEmpty();
    }

    @Test
    void aPortThatTheSystemChoseIsListedAndUnexposed() throws IOException {
        ask("PUT", "/forwards/expose/port", PORT.formatted(0, ",\"annotation\":\"x\""));
        assertThat(ask("GET", "/forwards/list", "")).contains("\"out_port\": 40000", "\"annotation\": \"x\"");
        ask("DELETE", "/forwards/unexpose/port", PORT.formatted(40_000, ""));
        assertThat(open).as("of another annotation").hasSize(1);
        ask("DELETE", "/forwards/unexpose/port", PORT.formatted(40_000, ",\"annotation\":\"x\""));
        assertThat(open).isEmpty();
    }

    /** As vpnkit-expose-port asks without -host-ip and -container-ip. */
    @Test
    void addressesThatAreLeftOutMeanEveryOneAndTheGuestItself() throws IOException {
        String body = "{\"proto\":\"tcp\",\"out_port\":8080,\"in_port\":80}";
        assertThat(ask("PUT", "/forwards/expose/port", body)).isEqualTo("200 ");
        assertThat(open).containsExactly("tcp:0.0.0.0:8080:tcp:127.0.0.1:80");
        assertThat(ask(
                        "PUT",
                        "/forwards/expose/port",
                        "{\"proto\":\"udp\",\"out_ip\":null,\"out_port\":53,\"in_ip\":\"\",\"in_port\":53}"))
                .isEqualTo("200 ");
        assertThat(ask("DELETE", "/forwards/unexpose/port", body)).isEqualTo("200 ");
        assertThat(open).containsExactly("udp:0.0.0.0:53:udp:127.0.0.1:53");
        assertThat(ask("PUT", "/forwards/expose/port", "{\"proto\":\"tcp\",\"out_ip\":5,\"out_port\":1,\"in_port\":1}"))
                .isEqualTo("400 {\"message\": \"out_ip must be a text, not 5\"}");
        assertThat(ask("PUT", "/forwards/expose/port", PORT.formatted(1, ",\"annotation\":[]")))
                .isEqualTo("400 {\"message\": \"annotation must be a text, not []\"}");
    }

    @Test
    void pipesAndIpv6() throws IOException {
        ask("PUT", "/forwards/expose/pipe", "{\"proto\":\"unix\",\"out_path\":\"/tmp/a\",\"in_path\":\"/tmp/b\"}");
        ask(
                "PUT",
                "/forwards/expose/port",
                "{\"proto\":\"UDP\",\"out_ip\":\"::1\",\"out_port\":53,\"in_ip\":\"::1\",\"in_port\":53}");
        assertThat(open).hasSize(2);
        assertThat(ask("GET", "/forwards/list", "")).contains("\"out_path\": \"/tmp/a\"", "\"out_ip\": \"::1\"");
    }

    @Test
    void whatIsWrongIsTold() throws IOException {
        assertThat(ask("PUT", "/forwards/expose/port", PORT.formatted(81, "")))
                .isEqualTo("400 {\"message\": \"Bind for 127.0.0.1:81 failed: port is already allocated\"}");
        assertThat(ask("PUT", "/forwards/expose/port", "{\"proto\":\"unix\"}"))
                .isEqualTo("400 \"exposed ports can only be TCP or UDP\"");
        assertThat(ask("PUT", "/forwards/expose/pipe", "{\"proto\":\"tcp\"}"))
                .isEqualTo("400 \"exposed pipes can only have proto=Unix\"");
        assertThat(ask("PUT", "/forwards/expose/port", PORT.formatted(70_000, "")))
                .startsWith("400 ")
                .contains("out_port");
        assertThat(ask("PUT", "/forwards/expose/port", "[")).startsWith("400 ");
        assertThat(ask(
                        "PUT",
                        "/forwards/expose/pipe",
                        "{\"proto\":\"unix\",\"out_path\":\"/a\",\"in_path\":\"/" + "b".repeat(1000) + "\"}"))
                .startsWith("400 ")
                .contains("107 bytes");
        assertThat(ask("GET", "/forwards/expose/port", "")).startsWith("405 ");
        assertThat(ask("GET", "/else", "")).startsWith("404 ");
        assertThat(ask("GET", "/forwards/dump", ""))
                .isEqualTo("200 Active channels:[1, tcp:127.0.0.1:80]End of state dump");
    }
}
