package dev.sluice.posix;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SeccompTest {
    @Test
    void aConfinedProcessIsRefusedWhatItDoesNotNeedAndGoesOnAsBefore() throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-XX:+UseSerialGC",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        ConfinedProgram.class.getName())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        Map<String, String> lines = new HashMap<>();
        output.lines()
                .filter(line -> line.indexOf(' ') > 0)
                .forEach(
                        line -> lines.put(line.substring(0, line.indexOf(' ')), line.substring(line.indexOf(' ') + 1)));
        for (String call : new String[] {
            "execve",
            "ptrace",
            "unshare",
            "mount",
            "personality",
            "kill",
            "fcntl",
            "io_uring_setup",
            "open_by_handle_at",
            "socket"
        }) {
            assertThat(lines.get(call)).as(output).endsWith(" -" + Errno.EPERM);
        }
        assertThat(lines.get("clone3")).as(output).isEqualTo("-" + Errno.EINVAL + " -" + Errno.ENOSYS);
        // refused by nobody else
        for (String call : new String[] {"execve", "ptrace", "unshare", "personality", "kill", "fcntl", "socket"}) {
            assertThat(lines.get(call)).as(output).doesNotStartWith("-" + Errno.EPERM + " ");
        }
        assertThat(lines.get("young")).as("as for older threads").isEqualTo("true");
        assertThat(lines.get("fetch")).as(output).isEqualTo("true -" + Errno.EPERM);
        assertThat(lines.get("program")).as(output).contains("Operation not permitted");
        assertThat(lines.get("filters")).as("of all threads").isEqualTo("[NoNewPrivs:1, Seccomp:2]");
        assertThat(lines.get("runtime")).as(output).isEqualTo("782 1.000");
        assertThat(lines.get("signal")).as(output).isEqualTo("0");
    }
}
