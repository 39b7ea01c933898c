package dev.sluice.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Settings and ports of the gateway, over the API. */
class SettingsApiTest {
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
    void settingsAreShownWithTheirOriginsAndWithoutSecrets() throws Exception {
        String answer = client.get("/v1/settings");
        assertThat(answer)
                .contains("\"cache\": false", "\"dns.cache\": \"/etc/sluice.yaml:2:10\"", "(secret)", "can't change")
                .doesNotContain("canary");
        assertThat(client.get("/v1/status")).contains("\"file\": \"/etc/sluice.yaml\"", "network.mtu can't change");
    }

    @Test
    void aPatchIsHandedOnAndItsMistakesAreAConflict() throws Exception {
        client.ask("PATCH", "/v1/settings", "{\"dns\": {\"cache\": null}}");
        client.ask("POST", "/v1/settings/reload", "");
        assertThat(api.asked).containsExactly("patch {dns={cache=null}}", "reload");
        assertThat(Wire.problem(api.socket, "PATCH", "/v1/settings", "{\"network\": {\"mtu\": 600}}"))
                .isEqualTo(Map.of(
                        "type",
                        "about:blank",
                        "title",
                        "Conflict",
                        "status",
                        409L,
                        "detail",
                        ApiFixture.MISTAKE.text(),
                        "field",
                        "network.mtu"));
        for (String wrong : List.of("", "[]", "{", "5")) {
            assertThat(Wire.problem(api.socket, "PATCH", "/v1/settings", wrong).get("status"))
                    .isEqualTo(400L);
        }
    }

    @Test
    void theProxyIsShownChosenAndTriedWithoutItsPassword() throws Exception {
        assertThat(client.get("/v1/proxy")).contains("http://proxy.test:3128").doesNotContain("canary");
        assertThat(client.get("/v1/proxy/routes?url=https://web.test:8443/x"))
                .contains("\"way\": \"proxy\"", "\"way\": \"direct\"", "\"message\": \"no\"", "\"rule\": \"a list\"")
                .doesNotContain("canary");
        client.ask("PATCH", "/v1/proxy", "{\"use\": \"host\"}");
        assertThat(api.asked).containsExactly("routes https://web.test:8443/", "patch {proxy={use=host}}");
        assertThat(Wire.problem(api.socket, "GET", "/v1/proxy/routes?url=", "").get("status"))
                .isEqualTo(400L);
    }

    @Test
    void explanationsAreHandedOn() throws Exception {
        assertThat(client.get("/v1/explain?target=web.test&guest=192.168.65.3"))
                .contains("\"stage\": \"connect\"", "\"remedy\": \"check it\"");
        assertThat(api.asked).containsExactly("explain web.test for 192.168.65.3");
        for (String wrong : List.of("", "?target=x", "?target=a&guest=b", "?target=a&target=b")) {
            assertThat(Wire.problem(api.socket, "GET", "/v1/explain" + wrong, "")
                            .get("status"))
                    .isEqualTo(400L);
        }
    }

    @Test
    void portsOfTheGatewayAreListedOpenedAndClosed() throws Exception {
        assertThat(client.get("/v1/gateway-forwards")).contains("5432:127.0.0.1:5432", "\"protocol\": \"udp\"");
        client.ask("POST", "/v1/gateway-forwards", "{\"forwards\": [\"80:unix:/tmp/x\"]}");
        assertThat(client.ask("DELETE", "/v1/gateway-forwards?port=123/udp&port=9", ""))
                .contains("123:127.0.0.1:1123/udp")
                .doesNotContain("5432");
        assertThat(api.asked).containsExactly("add gateway [80:unix:/tmp/x]", "remove gateway 123:127.0.0.1:1123/udp");
        assertThatThrownBy(() -> client.ask("POST", "/v1/gateway-forwards", "{\"forwards\": [\"x\"]}"))
                .hasMessageContaining("PORT:ADDRESS:PORT");
        assertThatThrownBy(() -> client.ask("POST", "/v1/gateway-forwards", "{\"forwards\": [\"53:127.0.0.1:1\"]}"))
                .hasMessageContaining("has a service already");
        assertThatThrownBy(() -> client.ask("DELETE", "/v1/gateway-forwards?port=123", ""))
                .hasMessageContaining("leads anywhere");
        assertThatThrownBy(() -> client.ask("DELETE", "/v1/gateway-forwards?port=x", ""))
                .hasMessageContaining("no port");
        assertThatThrownBy(() -> client.ask("DELETE", "/v1/gateway-forwards", ""))
                .hasMessageContaining("which?");
    }
}
