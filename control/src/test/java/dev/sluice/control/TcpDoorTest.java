package dev.sluice.control;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The API over TCP: for who knows the token, and nobody else. */
@Timeout(60)
class TcpDoorTest {
    @TempDir
    private Path directory;

    private ApiFixture api;
    private Path file;
    private int port;

    @BeforeEach
    void start() throws ControlException {
        api = new ApiFixture(directory);
        file = directory.resolve("token");
        port = api.server.open((ApiDoor.Port) ApiDoor.parse("tcp:127.0.0.1:0"), ApiToken.fromFile(file));
    }

    @AfterEach
    void stop() {
        api.close();
    }

    private String exchange(String fields, String body) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream()
                    .write(("GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + fields + "\r\n" + body)
                            .getBytes(US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), US_ASCII);
        }
    }

    @Test
    void whoKnowsTheTokenIsServed() throws Exception {
        String token = Files.readString(file).strip();
        assertThat(exchange("Authorization: Bearer " + token + "\r\n", "")).startsWith("HTTP/1.1 200");
        assertThat(exchange("authorization: bearer  " + token + " \r\n", "")).startsWith("HTTP/1.1 200");
    }

    @Test
    void whoDoesNotIsToldHow() throws Exception {
        String token = Files.readString(file).strip();
        for (String fields : new String[] {
            "",
            "Authorization: Bearer\r\n",
            "Authorization: Bearer x\r\n",
            "Authorization: Bearer " + token.substring(1) + "\r\n",
            "Authorization: Bearer " + token + "x\r\n",
            "Authorization: Basic " + token + "\r\n",
            "Authorization: " + token + "\r\n",
        }) {
            assertThat(exchange(fields, ""))
                    .startsWith("HTTP/1.1 401")
                    .contains("WWW-Authenticate: Bearer", "application/problem+json", "Connection: close")
                    .doesNotContain(token);
        }
    }

    @Test
    void twoTokensAreNone() throws Exception {
        String token = "Authorization: Bearer " + Files.readString(file).strip() + "\r\n";
        assertThat(exchange("Authorization: Bearer x\r\n" + token, "")).startsWith("HTTP/1.1 400");
    }

    @Test
    void aBodyIsNotReadOfWhoHasNoToken() throws Exception {
        assertThat(exchange("Content-Length: 1000000\r\n", "")).startsWith("HTTP/1.1 401");
    }

    @Test
    void aNewTokenIsLongAndForItsOwnerOnly() throws Exception {
        assertThat(Files.readString(file)).matches("[0-9a-f]{48}\n");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        ApiToken again = ApiToken.fromFile(file);
        assertThat(again.matches(Files.readString(file).strip())).isTrue();
        assertThat(again.toString()).doesNotContain(Files.readString(file).strip());
    }

    @Test
    void aTokenThatOthersCanReadOrGuessIsRefused() throws Exception {
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        assertThatThrownBy(() -> ApiToken.fromFile(file)).hasMessageContaining("chmod 600 " + file);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        for (String bad : new String[] {"", "short", "with a space in the middle", "x".repeat(2000)}) {
            Files.writeString(file, bad);
            assertThatThrownBy(() -> ApiToken.fromFile(file)).isInstanceOf(ControlException.class);
        }
        assertThatThrownBy(() -> ApiToken.fromFile(directory.resolve("no/such/token")))
                .hasMessageContaining("can't be written");
    }

    @Test
    void aTokenThatNobodyMayReadIsReadByRootAlone() throws Exception {
        String token = Files.readString(file).strip();
        Files.setPosixFilePermissions(file, Set.of());
        if (Files.isReadable(file)) {
            assertThat(ApiToken.fromFile(file).matches(token)).isTrue();
        } else {
            assertThatThrownBy(() -> ApiToken.fromFile(file)).hasMessageContaining("can't be read from " + file);
        }
    }

    @Test
    void aPortInUseIsTold() {
        assertThatThrownBy(() ->
                        api.server.open((ApiDoor.Port) ApiDoor.parse("tcp:127.0.0.1:" + port), ApiToken.fromFile(file)))
                .isInstanceOf(ControlException.class)
                .hasMessageContaining("127.0.0.1:" + port)
                .hasMessageContaining("choose another port");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "tcp:0.0.0.0:80",
                "tcp:192.0.2.1:80",
                "tcp:127.0.0.1",
                "tcp::80",
                "tcp:127.0.0.1:65536",
                "tcp:127.0.0.1:x",
                "tcp:example.com:80",
                "unix:",
                "http://127.0.0.1:80",
                "",
            })
    void aPlaceThatIsNoneOrNotOfThisMachineAloneIsRefused(String place) {
        assertThatThrownBy(() -> ApiDoor.parse(place))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'" + place + "'");
    }
}
