package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

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

/**
 * rootlesskit with {@code --net=vpnkit}, run by an ordinary user who is only there for that. Debian builds its own without that driver;
 * what the driver says to the guests' socket is in {@link ServeVmnetTest}.
 */
class RootlesskitVpnkitTest {
    private static final int USER = 65_532;

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
        lab.sluice("install-faces", bin.toString(), "vpnkit").output();
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
                exec setpriv --reuid=65532 --regid=65532 --clear-groups \\
                  env HOME="$PWD/home" XDG_RUNTIME_DIR="$PWD/home" USER=rootless "$@"
                """);
        Files.setPosixFilePermissions(lab.folder().resolve("as-user"), PosixFilePermissions.fromString("rwxr-xr-x"));
        Program possible = asUser("rootlesskit", "true");
        Needs.check(
                possible.exitCode() == 0,
                "needs user namespaces for ordinary users: " + possible.err().strip());
        Program built = inside("true");
        Needs.check(
                built.exitCode() == 0 || !built.err().contains("not supported in this Debian package"),
                "needs a rootlesskit with its vpnkit driver; Debian's is built without");
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

    private static Program inside(String script, String... options) {
        return asUser(Stream.of(
                        Stream.of("rootlesskit", "--net=vpnkit", "--vpnkit-binary=" + bin.resolve("vpnkit")),
                        Stream.of(options),
                        Stream.of("--copy-up=/etc", "sh", "-c", script))
                .flatMap(all -> all)
                .toArray(String[]::new));
    }

    @Test
    void namesPagesAndBulkPass() {
        Program inside = inside("ip -o -4 addr show tap0; ip route; cat /etc/resolv.conf; dig +short www.example.test;"
                + " curl -s http://" + Lab.SERVER + "/bytes/7/5000000 | sha256sum; iperf3 -c " + Lab.SERVER
                + " -n 20M >/dev/null && iperf3 -R -p 5202 -c " + Lab.SERVER + " -n 20M >/dev/null && echo bulk;"
                + " ping -c 1 192.168.65.1 >/dev/null && echo pong");
        assertThat(inside.output())
                .contains("192.168.65.3/24", "default via 192.168.65.1", "nameserver 192.168.65.1")
                .contains("\n" + Lab.SERVER + "\n")
                .contains(TestServers.digest(7, 5_000_000))
                .contains("bulk", "pong");
        lab.awaitNothingLeft();
    }

    @Test
    void theHostsLoopbackIsOpenUnlessItIsClosed() {
        Program server = lab.onHost("sh", "-c", "cd /etc && exec busybox httpd -f -p 127.0.0.1:18273 -h /etc");
        String ask = "curl -s -m 5 -o /dev/null http://192.168.65.2:18273/hostname && echo reached";
        assertThat(inside(ask).output()).contains("reached");
        assertThat(inside(ask + "; true", "--disable-host-loopback").output()).doesNotContain("reached");
        server.close();
        lab.awaitNothingLeft();
    }
}
