package dev.sluice.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.wire.JsonReader;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ForwardsApiTest {
    @TempDir
    private Path directory;

    private ApiFixture api;
    private ControlClient client;

    @BeforeEach
    void start() throws ControlException {
        api = new ApiFixture(directory);
        client = api.client();
    }

    @AfterEach
    void stop() {
        api.close();
    }

    @Test
    void forwardsAreListed() throws Exception {
        assertThat(JsonReader.read(client.get("/v1/forwards")))
                .isEqualTo(Map.of(
                        "forwards",
                        List.of(Map.of(
                                "forward",
                                "8080:vm1:80",
                                "protocol",
                                "tcp",
                                "listen",
                                "8080",
                                "port",
                                8080L,
                                "guest",
                                "vm1",
                                "guestPort",
                                80L,
                                "proxy",
                                false,
                                "automatic",
                                false,
                                "clients",
                                7L))));
    }

    @Test
    void forwardsAreAddedAndRemoved() throws Exception {
        client.ask("POST", "/v1/forwards", "{\"forwards\": [\"8080:80\", \"5300-5301:53/udp\"]}");
        client.ask("DELETE", "/v1/forwards?listen=8080&listen=%5B%3A%3A1%5D%3A53%2Fudp&flows=cut", "");
        client.ask("DELETE", "/v1/forwards?listen=unix%3A%2Ftmp%2Fa&flows=drain", "");
        assertThat(api.asked)
                .containsExactly(
                        "add [8080:80, 5300:53/udp, 5301:53/udp]",
                        "remove [8080, [::1]:53/udp] cut",
                        "remove [unix:/tmp/a]");
    }

    /** A few hundred bytes that stand for millions of ports. */
    @Test
    void moreIsNotReadThanCanBe() throws Exception {
        client.ask("DELETE", "/v1/forwards?listen=80" + "&listen=1000-1999".repeat(100), "");
        assertThat(api.asked).hasSize(1);
        assertThatThrownBy(() -> client.ask(
                        "POST", "/v1/forwards", "{\"forwards\": [" + "\"1-20000\", ".repeat(1000) + "\"x\"]}"))
                .hasMessageContaining("more than 32768 ports");
        assertThatThrownBy(() -> client.ask("DELETE", "/v1/forwards?" + "listen=1-65535&".repeat(500) + "listen=x", ""))
                .hasMessageContaining("more than 131070 ports");
        assertThat(api.asked).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "POST   | /v1/forwards             | ``                        | it ends too early",
                "POST   | /v1/forwards             | []                        | must be an object",
                "POST   | /v1/forwards             | {}                        | must be there",
                "POST   | /v1/forwards             | {\"forwards\": \"80\"}    | must be a list",
                "POST   | /v1/forwards             | {\"forwards\": [80]}      | 'forwards[0]' must be a text",
                "POST   | /v1/forwards             | {\"forwards\": [\"x\"]}   | 'x'",
                "POST   | /v1/forwards             | {\"forwards\": [], \"forwords\": []} | 'forwords' means nothing here",
                "POST   | /v1/forwards             | {\"forwards\": [\"81\"]}  | port 81 is already used by nginx (pid 1234)",
                "DELETE | /v1/forwards             | ``                        | which?",
                "DELETE | /v1/forwards?listen=x    | ``                        | 'x'",
                "DELETE | /v1/forwards?listen=%zz  | ``                        | %",
                "DELETE | /v1/forwards?listen=80&flows=up | ``                 | flows=up",
                "DELETE | /v1/forwards?listen=80&x | ``                        | 'x' means nothing here",
                "DELETE | /v1/forwards?listen=9999 | ``                        | nothing is published there",
                "PUT    | /v1/forwards             | ``                        | use DELETE, GET, POST",
            })
    void aMistakeIsSaid(String method, String path, String body, String message) {
        assertThatThrownBy(() -> client.ask(method, path, body))
                .isInstanceOf(ControlException.class)
                .hasMessageContaining(message);
    }
}
