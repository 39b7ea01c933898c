package dev.sluice.control.diagnose;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

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
        assertThat(Secret.withoutCredentials("http://me:canary@proxy.test:3128/ and https://b.test/x@y"))
                .isEqualTo("http://(secret)@proxy.test:3128/ and https://b.test/x@y");
    }

    @Test
    void ofTheEnvironmentOnlyHarmlessValuesAreShown() {
        Map<String, Object> shown = Evidence.environment(
                Map.of("PATH", "/bin", "AWS_SECRET", "canary", "HTTP_PROXY", "http://u:canary@p", "XYZ", "canary"));
        assertThat(shown).containsEntry("PATH", "/bin").containsKeys("AWS_SECRET", "XYZ");
        assertThat(shown.toString()).doesNotContain("canary").contains("http://(secret)@p");
    }
}
