package dev.sluice.control.diagnose;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EvidenceTest {
    /** The kernel answers one read of such a file, and no more: it must not be one of a single byte. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "/proc/sys/net/ipv4/ip_unprivileged_port_start",
                "/proc/sys/net/ipv4/ping_group_range",
                "/proc/sys/user/max_user_namespaces"
            })
    void settingsOfTheKernelAreWhole(String file) throws IOException {
        String line = Files.readAllLines(Path.of(file)).getFirst();
        assertThat(Evidence.machine()).contains("== " + file + " ==\n" + line + "\n");
    }
}
