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

    /** BusyBox has programs of the same names. */
    @Test
    void toolsThatKnowTooLittleAreNamed() {
        assertThat(advice("unshare: unrecognized option: kill-child"))
                .contains("util-linux")
                .doesNotContain("forbid");
        assertThat(advice("unshare: unrecognized option '--kill-child'")).contains("util-linux");
        assertThat(NamespaceAdvice.network("ip: unrecognized option: batch; BusyBox v1.36.1 multi-call binary"))
                .contains("iproute2");
        assertThat(NamespaceAdvice.network("RTNETLINK answers: No such device")).endsWith("No such device");
        assertThat(NamespaceAdvice.network("")).endsWith("killed");
    }

    private static String advice(String error) {
        return NamespaceAdvice.explain(error, true, Map.<String, String>of()::get);
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
        // an empty entry is the working directory, the last one, too
        assertThatThrownBy(() -> Programs.checkCommand("pom.xml", "/nowhere:")).hasMessage("pom.xml: not executable");
        assertThatThrownBy(() -> Programs.checkCommand("sh", "/nowhere")).hasMessage("sh: command not found");
        assertThatThrownBy(() -> Programs.checkCommand("", "/bin")).hasMessage(": command not found");
        assertThatThrownBy(() -> Programs.checkCommand("/bin", "/bin")).hasMessage("/bin: not executable");
        assertThatThrownBy(() -> Programs.tool("no-such-tool", "the-package"))
                .hasMessageContaining("no-such-tool")
                .hasMessageContaining("the-package");
    }
}
