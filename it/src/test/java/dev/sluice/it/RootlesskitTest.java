package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Dns;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Needs;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Debian's rootlesskit, run by an ordinary user who is only there for that, with Sluice as its network. */
class RootlesskitTest {
    private static final int USER = 65_533;

    private static Lab lab;
    private static Path bin;

    @BeforeAll
    static void open() throws IOException {
        Needs.lab("rootlesskit", "newuidmap", "curl", "dig", "dnsmasq", "iperf3", "ip");
        lab = Lab.open();
        lab.server(TestServers.class);
        Dns.start(lab);
        lab.server(5201, "iperf3", "-s");
        lab.server(5202, "iperf3", "-s", "-p", "5202"); // between two clients iperf3 does not listen for a moment
        bin = lab.folder().resolve("bin");
        lab.sluice("install-faces", bin.toString()).output();
        Path home = Files.createDirectory(lab.folder().resolve("home"));
        lab.onHost("chown", USER + ":" + USER, home.toString()).output();
        Files.writeString(
                lab.folder().resolve("passwd"),
                Files.readString(Path.of("/etc/passwd")) + "rootless:x:" + USER + ":" + USER + "::" + home
                        + ":/bin/sh\n");
        Files.writeString(lab.folder().resolve("subid"), "rootless:200000:65536\n");
        Files.writeString(lab.folder().resolve("as-user"), """
                #!/bin/sh
                # The user exists in this mount namespace only.
                set -e
                cd "$(dirname "$0")"
                [ -e tun ] || mknod -m 666 tun c 10 200
                [ -e /etc/subuid ] && [ -e /etc/subgid ] || touch /etc/subuid /etc/subgid
                mount --bind passwd /etc/passwd
                mount --bind subid /etc/subuid
                mount --bind subid /etc/subgid
                mount --bind tun /dev/net/tun
                exec setpriv --reuid=65533 --regid=65533 --clear-groups \\
                  env HOME="$PWD/home" XDG_RUNTIME_DIR="$PWD/home" USER=rootless "$@"
                """);
        Files.setPosixFilePermissions(lab.folder().resolve("as-user"), PosixFilePermissions.fromString("rwxr-xr-x"));
        Program possible = asUser("rootlesskit", "true");
        Needs.check(
                possible.exitCode() == 0,
                "needs user namespaces for ordinary users: " + possible.err().strip());
    }

    @AfterAll
    static void close() {
        if (lab != null) {
            lab.close();
        }
    }

    private static Program asUser(String... command) {
        return lab.onHost(
                Stream.concat(Stream.of(lab.folder().resolve("as-user").toString()), Stream.of(command))
                        .toArray(String[]::new));
    }

    private static Program rootlesskit(String driver, String publish, String script) {
        return asUser(
                "rootlesskit",
                "--net=slirp4netns",
                "--slirp4netns-binary=" + bin.resolve("slirp4netns"),
                "--mtu=65520",
                "--copy-up=/etc",
                "--disable-host-loopback",
                "--port-driver=" + driver,
                "-p",
                publish,
                "sh",
                "-c",
                script);
    }

    @Test
    void namesPagesAndBulkPassThroughSlirp4netns() {
        Program inside = rootlesskit(
                "builtin",
                "127.0.0.1:18271:80/tcp",
                "ip -o -4 addr show tap0; ip route; cat /etc/resolv.conf; dig +short www.example.test; curl -s http://"
                        + Lab.SERVER + "/bytes/7/5000000 | sha256sum; iperf3 -c " + Lab.SERVER
                        + " -n 20M >/dev/null && iperf3 -R -p 5202 -c " + Lab.SERVER
                        + " -n 20M >/dev/null && echo bulk");
        assertThat(inside.output())
                .contains("10.0.2.100/24", "default via 10.0.2.2", "nameserver 10.0.2.3")
                .contains("\n" + Lab.SERVER + "\n")
                .contains(TestServers.digest(7, 5_000_000))
                .contains("bulk");
        lab.awaitNothingLeft();
    }

    @ParameterizedTest
    @ValueSource(strings = {"slirp4netns", "builtin"})
    void aPublishedPortLeadsInside(String driver) {
        Program inside = rootlesskit(
                driver, "0.0.0.0:18270:80/tcp", "cd /etc && echo serving && exec busybox httpd -f -p 80 -h /etc");
        Await.until("the service inside answers", inside::toString, RootlesskitTest::answers);
        inside.close();
        lab.awaitNothingLeft();
    }

    private static boolean answers() {
        Program client = lab.onInternet("curl", "-sf", "http://" + Lab.HOST + ":18270/resolv.conf");
        return client.exitCode() == 0 && client.out().contains("10.0.2.3");
    }
}
