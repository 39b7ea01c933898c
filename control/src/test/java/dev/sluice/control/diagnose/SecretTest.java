package dev.sluice.control.diagnose;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SecretTest {
    private record Settings(String name, Secret password) {}

    @Test
    void nothingPrintsASecret() {
        Secret secret = new Secret("canary");
        assertThat(secret.toString() + new Settings("x", secret) + Map.of("a", secret))
                .doesNotContain("canary");
        assertThat(secret.reveal()).isEqualTo("canary");
    }

    @Test
    void aUrlIsShownWithoutItsUser() {
        assertThat(Secret.withoutCredentials("http://me:canary@proxy.test:3128/ and https://b.test/x"))
                .isEqualTo("http://(secret)@proxy.test:3128/ and https://b.test/x");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://me:can/ary@proxy.test:3128",
                "http://me:can@ary@proxy.test:3128",
                "http://can:ary@proxy.test:3128",
                "socks5h://can?ary#@proxy.test:3128"
            })
    void noPasswordEscapesByItsCharacters(String url) {
        assertThat(Secret.withoutCredentials("proxy " + url + " is asked"))
                .doesNotContain("can", "ary")
                .contains("(secret)@proxy.test:3128 is asked");
    }

    @Test
    void aProxyWithoutASchemeIsShownWithoutItsUserToo() {
        assertThat(Secret.ofProxy("me:canary@proxy.test:3128")).isEqualTo("(secret)@proxy.test:3128");
        assertThat(Secret.ofProxy("proxy.test:3128")).isEqualTo("proxy.test:3128");
        assertThat(Secret.ofProxy("localhost,.corp.test")).isEqualTo("localhost,.corp.test");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "me:canary@proxy.test:3128",
                "--proxy-login=me:can@ary@proxy.test:3128",
                "'me:can/ary@proxy.test:3128"
            })
    void aPlaceWithoutASchemeIsShownWithoutItsUserWhereverItStands(String place) {
        assertThat(Secret.withoutCredentials("proxy " + place + " is asked"))
                .doesNotContain("can", "ary")
                .contains("(secret)@proxy.test:3128 is asked");
        assertThat(Secret.withoutCredentials("2001:db8::1 at http://a.test:1 by a@b, 1:2"))
                .isEqualTo("2001:db8::1 at http://a.test:1 by a@b, 1:2");
    }

    @Test
    void ofTheEnvironmentOnlyHarmlessValuesAreShown() {
        Map<String, Object> shown = Evidence.environment(
                Map.of("PATH", "/bin", "AWS_SECRET", "canary", "HTTP_PROXY", "http://u:canary@p", "XYZ", "canary"));
        assertThat(shown).containsEntry("PATH", "/bin").containsKeys("AWS_SECRET", "XYZ");
        assertThat(shown.toString()).doesNotContain("canary").contains("http://(secret)@p");
    }
}
