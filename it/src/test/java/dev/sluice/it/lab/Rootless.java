package dev.sluice.it.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;

/**
 * rootlesskit and such, run on a lab's host by an ordinary user who is only there for that and whose programs of other names are Sluice, with
 * servers on the Internet: pages, names, and iperf3 on ports 5201 and 5202, since between two clients it does not listen for a moment.
 */
public final class Rootless {
    private static final int USER = 65_533;

    private final Lab lab;
    private final Path bin;

    /** Skips the test where it can't be done. */
    public Rootless(Lab lab) throws IOException {
        this.lab = lab;
        this.bin = lab.folder().resolve("bin");
        lab.server(TestServers.class);
        Dns.start(lab);
        lab.server(5201, "iperf3", "-s");
        lab.server(5202, "iperf3", "-s", "-p", "5202");
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
                mount --bind home /mnt # names in it are short enough for sockets
                [ -e /sys/fs/cgroup/cgroup.controllers ] || mount -t cgroup2 none /sys/fs/cgroup
                exec setpriv --reuid=%1$d --regid=%1$d --clear-groups \\
                  env HOME="$PWD/home" XDG_RUNTIME_DIR=/mnt USER=rootless "$@"
                """.formatted(USER));
        Files.setPosixFilePermissions(lab.folder().resolve("as-user"), PosixFilePermissions.fromString("rwxr-xr-x"));
        Program possible = asUser("rootlesskit", "true");
        Needs.check(
                possible.exitCode() == 0,
                "needs user namespaces for ordinary users: " + possible.err().strip());
    }

    /** The programs that the lab has to need: those of all such tests, and more. */
    public static String[] needs(String... more) {
        return Stream.concat(
                        Stream.of("rootlesskit", "newuidmap", "curl", "dig", "dnsmasq", "iperf3", "ip", "busybox"),
                        Stream.of(more))
                .toArray(String[]::new);
    }

    /** Sluice under another name. */
    public Path program(String name) {
        return bin.resolve(name);
    }

    /** Starts a program as that user. */
    public Program asUser(String... command) {
        return lab.onHost(
                Stream.concat(Stream.of(lab.folder().resolve("as-user").toString()), Stream.of(command))
                        .toArray(String[]::new));
    }
}
