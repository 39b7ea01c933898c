package dev.sluice.cli.namespace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

class NamespaceAdviceTest {
    @Test
    void theSettingThatForbidsIsNamed() {
        assertThat(advice(Map.of("kernel/unprivileged_userns_clone", "0")))
                .contains("sysctl -w kernel.unprivileged_userns_clone=1");
        assertThat(advice(Map.of("user/max_user_namespaces", "0"))).contains("sysctl -w user.max_user_namespaces=");
        assertThat(advice(Map.of("kernel/apparmor_restrict_unprivileged_userns", "1")))
                .contains("AppArmor")
                .contains("sysctl -w kernel.apparmor_restrict_unprivileged_userns=0");
        assertThat(advice(Map.of("kernel/unprivileged_userns_clone", "1", "user/max_user_namespaces", "100")))
                .contains("seccomp");
        assertThat(NamespaceAdvice.explain("unshare: Operation not permitted", false, Map.<String, String>of()::get))
                .contains("--cap-add");
    }

    @Test
    void aLimitOfNamespacesIsNamedAlsoToRoot() {
        assertThat(full(Map.of("user/max_user_namespaces", "2", "user/max_net_namespaces", "0")))
                .contains("allows 0 of one kind", "sysctl -w user.max_net_namespaces=15000");
        assertThat(full(Map.of("user/max_net_namespaces", "15000"))).contains("/proc/sys/user");
    }

    private static String full(Map<String, String> settings) {
        return NamespaceAdvice.explain("unshare failed: No space left on device", false, settings::get);
    }

    private static String advice(Map<String, String> settings) {
        return NamespaceAdvice.explain("unshare: Operation not permitted", true, settings::get);
    }

    @Test
    void aCommandIsLookedUpAsShellsDo() {
        assertThatCode(() -> Programs.checkCommand("sh", "/nowhere:/bin")).doesNotThrowAnyException();
        assertThatCode(() -> Programs.checkCommand("/bin/sh", "")).doesNotThrowAnyException();
        assertThatThrownBy(() -> Programs.checkCommand("sh", "/nowhere")).hasMessage("sh: command not found");
        assertThatThrownBy(() -> Programs.checkCommand("", "/bin")).hasMessage(": command not found");
        assertThatThrownBy(() -> Programs.checkCommand("/bin", "/bin")).hasMessage("/bin: not executable");
        assertThatThrownBy(() -> Programs.tool("no-such-tool", "the-package"))
                .hasMessageContaining("no-such-tool")
                .hasMessageContaining("the-package");
    }
}
