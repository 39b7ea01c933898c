package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.Rootless;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Debian's Podman, run by an ordinary user who is only there for that, with Sluice in the place of slirp4netns and an image of busybox. */
class PodmanTest {
    private static final String IMAGE = """
            set -e
            cd "$1"
            mkdir -p image/bin image/etc image/tmp
            cp "$(command -v busybox)" image/bin/busybox
            for name in cat httpd ip nslookup ping sh sha256sum wget; do ln -s busybox image/bin/$name; done
            tar -C image -cf image.tar .
            """;

    @RegisterExtension
    static final Lab lab = Lab.needing(Rootless.needs("podman", "crun", "tar"));

    private static Rootless rootless;

    @BeforeAll
    static void makeImage() throws IOException {
        rootless = new Rootless(lab);
        Files.writeString(lab.folder().resolve("home/containers.conf"), """
                [containers]
                cgroups = "disabled"
                [engine]
                cgroup_manager = "cgroupfs"
                events_logger = "file"
                network_cmd_path = "%s"
                runtime = "crun"
                """.formatted(rootless.program("slirp4netns")));
        lab.onHost("sh", "-c", IMAGE, "sh", lab.folder().toString()).output();
        podman("import", lab.folder().resolve("image.tar").toString(), "box").output();
    }

    /** Podman leaves a process behind that holds its namespaces open for the next command. */
    @AfterEach
    void endPause() {
        lab.onHost("sh", "-c", "kill -9 $(cat " + lab.folder() + "/home/libpod/tmp/pause.pid)")
                .exitCode();
    }

    private static Program podman(String... words) {
        Path configuration = lab.folder().resolve("home/containers.conf");
        return rootless.asUser(Stream.concat(
                        Stream.of("env", "STORAGE_DRIVER=vfs", "CONTAINERS_CONF=" + configuration, "podman"),
                        Stream.of(words))
                .toArray(String[]::new));
    }

    @ParameterizedTest
    @ValueSource(strings = {"rootlesskit", "slirp4netns"})
    void aContainerReachesTheWorldAndIsReached(String handler) {
        Program container = podman(
                "run",
                "--rm",
                "--name=" + handler,
                "--network=slirp4netns:port_handler=" + handler,
                "--publish=18300:80",
                "box",
                "sh",
                "-c",
                "ip -o -4 addr show tap0; nslookup www.example.test; ping -c 1 10.0.2.2; wget -q -O - http://"
                        + Lab.SERVER + "/bytes/7/1000000 | sha256sum; echo ready; exec httpd -f -p 80 -h /etc");
        Await.until(
                "the container serves",
                container::toString,
                () -> container.out().contains("ready") || !container.alive());
        assertThat(lab.onHost(
                                "sh",
                                "-c",
                                "grep -h '^Seccomp:' /proc/$(pgrep -f '[D]sluice.program="
                                        + rootless.program("slirp4netns") + "')/task/*/status | sort -u")
                        .output())
                .as("Podman asks for it, having read the help")
                .isEqualTo("Seccomp:\t2\n");
        assertThat(container.out())
                .as(container.toString())
                .contains("10.0.2.100/24", Lab.SERVER, "1 packets received", TestServers.digest(7, 1_000_000));
        Await.until("its published port answers", container::toString, () -> {
            Program client = lab.onInternet("curl", "-sf", "http://" + Lab.HOST + ":18300/resolv.conf");
            return client.exitCode() == 0 && client.out().contains("10.0.2.3");
        });
        podman("rm", "--force", "--time=0", handler).output();
        container.exitCode();
    }
}
