package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Dns;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Needs;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import dev.sluice.it.lab.Threads;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Sluice called as {@code slirp4netns}: what each option does to a namespace, and that it does so under {@code --enable-seccomp}. */
class SlirpFaceTest {
    @RegisterExtension
    static final Lab lab = Lab.needing("curl", "ip", "busybox", "dnsmasq", "socat", "nc", "dig");

    private static Path slirp4netns;
    private Program guest;

    @BeforeAll
    static void installFaces() {
        lab.server(TestServers.class);
        Dns.start(lab);
        Path bin = lab.folder().resolve("bin");
        lab.sluice("install-faces", bin.toString()).output();
        slirp4netns = bin.resolve("slirp4netns");
    }

    @BeforeEach
    void makeNamespace() {
        guest = lab.inNew("--net", "--mount");
    }

    @AfterEach
    void endNamespace() {
        guest.close();
    }

    private Program inGuest(String... command) {
        return lab.onHost(Stream.concat(Stream.of("nsenter", "-t", "" + guest.pid(), "-n", "-m"), Stream.of(command))
                .toArray(String[]::new));
    }

    /** Starts the link, confined; it has written its sign of readiness to standard output when this returns. */
    private Program slirp(String... words) {
        return start(
                Stream.concat(Stream.of("--enable-seccomp"), Stream.of(words)).toArray(String[]::new));
    }

    private Program start(String... words) {
        Program program = lab.onHost(Stream.concat(Stream.of(slirp4netns.toString(), "-r", "1"), Stream.of(words))
                .toArray(String[]::new));
        Await.until("it is ready", program::toString, () -> program.out().endsWith("\n1") || !program.alive());
        assertThat(program.alive()).as(program.toString()).isTrue();
        return program;
    }

    private static void end(Program program) {
        program.signal("TERM");
        assertThat(program.exitCode()).as(program.toString()).isZero();
    }

    private String ask(Path socket, String request) {
        return lab.onHost("sh", "-c", "printf %s '" + request + "' | nc -NU " + socket)
                .output();
    }

    @Test
    void itIsFoundByItsNameAndSaysItsVersion() {
        assertThat(lab.onHost(slirp4netns.toString(), "--version").output()).startsWith("slirp4netns version ");
        assertThat(lab.sluice("as", "slirp4netns", "--version").output()).startsWith("slirp4netns version ");
        Program wrong = lab.onHost(slirp4netns.toString(), "--cidr=10.0.2.1/24", "" + guest.pid(), "tap0");
        assertThat(wrong.exitCode()).isEqualTo(1);
        assertThat(wrong.err())
                .isEqualTo("CIDR needs to be a network address like 10.0.2.0/24, not like 10.0.2.1/24\n");
    }

    @Test
    void aNamespaceIsConfiguredServedAndForwardedTo() throws IOException {
        Path socket = lab.folder().resolve("api.sock");
        Files.writeString(lab.folder().resolve("hello"), "hello from the host\n");
        Program onLoopback = lab.onHost(
                "busybox",
                "httpd",
                "-f",
                "-p",
                "127.0.0.1:8080",
                "-h",
                lab.folder().toString());
        Await.listening(onLoopback, 8080);
        Program slirp =
                slirp("--configure", "--mtu=65520", "--api-socket", socket.toString(), "" + guest.pid(), "tap0");
        assertThat(slirp.out()).contains("10.0.2.2", "10.0.2.3", "10.0.2.100", "65520", socket.toString());
        assertThat(inGuest("ip", "-o", "-4", "addr", "show", "tap0").output()).contains("10.0.2.100/24");
        assertThat(inGuest("ip", "route").output()).contains("default via 10.0.2.2 dev tap0");
        assertThat(inGuest("ip", "link", "show", "tap0").output()).contains("mtu 65520");
        assertThat(inGuest("ping", "-c", "1", "10.0.2.2").exitCode()).isZero();
        assertThat(inGuest("curl", "-sf", "http://" + Lab.SERVER + "/bytes/5/1000")
                        .exitCode())
                .isZero();
        assertThat(inGuest("dig", "+short", "@10.0.2.3", "www.example.test").output())
                .isEqualTo(Lab.SERVER + "\n");
        assertThat(inGuest("curl", "-sf", "http://10.0.2.2:8080/hello").output())
                .isEqualTo("hello from the host\n");

        Program inside = inGuest("socat", "TCP-LISTEN:80,fork,reuseaddr", "SYSTEM:echo $SOCAT_PEERADDR");
        assertThat(ask(
                        socket,
                        "{\"execute\":\"add_hostfwd\",\"arguments\":{\"proto\":\"tcp\",\"host_addr\":\"0.0.0.0\","
                                + "\"host_port\":18180,\"guest_port\":80}}"))
                .isEqualTo("{\"return\":{\"id\":1}}");
        Await.until("the service inside shows its client", () -> slirp + "\n" + inside, () -> {
            Program client = lab.onInternet("socat", "-u", "TCP:" + Lab.HOST + ":18180", "-");
            return client.exitCode() == 0 && client.out().equals(Lab.SERVER + "\n");
        });
        assertThat(ask(socket, "{\"execute\":\"list_hostfwd\"}")).contains("\"host_port\":18180");
        assertThat(ask(socket, "{\"execute\":\"remove_hostfwd\",\"arguments\":{\"id\":1}}"))
                .isEqualTo("{\"return\":{}}");
        assertThat(lab.onInternet("socat", "-u", "TCP:" + Lab.HOST + ":18180", "-")
                        .exitCode())
                .isNotZero();
        inside.close();
        onLoopback.close();
        end(slirp);
        assertThat(socket).doesNotExist();
    }

    @Test
    void itIsConfinedWhereThatIsAskedForAndOnlyThere() {
        Program confined = slirp("--configure", "" + guest.pid(), "tap0");
        assertThat(Threads.status(lab, confined, "Seccomp")).containsExactly("Seccomp: 2");
        assertThat(Threads.status(lab, confined, "NoNewPrivs")).containsExactly("NoNewPrivs: 1");
        assertThat(inGuest("sh", "-c", "curl -sf http://" + Lab.SERVER + "/bytes/5/30000000 | sha256sum")
                        .output())
                .startsWith(TestServers.digest(5, 30_000_000));
        assertThat(Threads.status(lab, confined, "Seccomp"))
                .as("of threads that came since")
                .containsExactly("Seccomp: 2");
        end(confined);
        Program free = start("--configure", "" + guest.pid(), "tap0");
        assertThat(Threads.status(lab, free, "Seccomp")).containsExactly("Seccomp: 0");
        end(free);
    }

    @Test
    void dhcpGivesTheOriginalsAddresses() throws IOException {
        Program slirp = slirp("--cidr=10.9.0.0/16", "" + guest.pid(), "tap0");
        Path script = lab.folder().resolve("udhcpc");
        Files.writeString(script, """
                #!/bin/sh
                [ "$1" = bound ] && echo "lease $ip/$mask $router $dns"
                """);
        script.toFile().setExecutable(true);
        inGuest("ip", "link", "set", "tap0", "up").output();
        assertThat(inGuest("busybox", "udhcpc", "-i", "tap0", "-n", "-q", "-f", "-t", "10", "-s", script.toString())
                        .output())
                .contains("lease 10.9.0.15/16 10.9.0.2 10.9.0.3");
        end(slirp);
    }

    @Test
    void whatIsDisabledIsClosedAndTheRestIsNot() {
        Program onLoopback = lab.onHost("socat", "TCP-LISTEN:8081,bind=127.0.0.1,fork", "SYSTEM:echo open");
        Await.listening(onLoopback, 8081);
        Program slirp = slirp(
                "-c",
                "--disable-host-loopback",
                "--disable-dns",
                "--enable-sandbox",
                "--macaddress=02:00:00:00:00:07",
                "--netns-type=path",
                "/proc/" + guest.pid() + "/ns/net",
                "tap7");
        assertThat(slirp.out()).doesNotContain("WARNING");
        assertThat(slirp.err().lines())
                .singleElement()
                .asString()
                .startsWith("WARNING: --enable-sandbox has no effect");
        assertThat(inGuest("ip", "link", "show", "tap7").output()).contains("02:00:00:00:00:07", "mtu 1500");
        assertThat(inGuest("socat", "-u", "TCP:10.0.2.2:8081", "-").exitCode()).isNotZero();
        assertThat(inGuest("dig", "+short", "+time=1", "+tries=1", "@10.0.2.3", "www.example.test")
                        .exitCode())
                .isNotZero();
        assertThat(inGuest("curl", "-sf", "http://" + Lab.SERVER + "/bytes/5/1000")
                        .exitCode())
                .isZero();
        onLoopback.close();
        end(slirp);
    }

    @Test
    void flowsLeaveFromTheOutboundAddress() {
        lab.onHost("ip", "addr", "add", "192.0.2.77/24", "dev", "up0").output();
        Program stream = lab.onInternet("socat", "TCP-LISTEN:9100,fork", "SYSTEM:echo $SOCAT_PEERADDR");
        Program datagrams = lab.onInternet("socat", "UDP-RECVFROM:9101,fork", "SYSTEM:echo $SOCAT_PEERADDR");
        Program slirp = slirp("-c", "--outbound-addr=192.0.2.77", "" + guest.pid(), "tap0");
        Await.until("the stream server shows its client", () -> slirp + "\n" + stream, () -> {
            Program client = inGuest("socat", "-u", "TCP:" + Lab.SERVER + ":9100", "-");
            return client.exitCode() == 0 && client.out().equals("192.0.2.77\n");
        });
        Await.until("the datagram server shows its client", () -> slirp + "\n" + datagrams, () -> {
            Program client = inGuest("sh", "-c", "echo x | socat -t 2 - UDP:" + Lab.SERVER + ":9101");
            return client.outputAtEnd().startsWith("192.0.2.77\n");
        });
        assertThat(inGuest("ping", "-c", "1", Lab.SERVER).exitCode()).isZero();
        stream.close();
        datagrams.close();
        end(slirp);
        lab.onHost("ip", "addr", "del", "192.0.2.77/24", "dev", "up0").output();
    }

    @Test
    void ipv6IsConfiguredWhereItIsAskedFor() {
        Program slirp = slirp("-c", "-6", "" + guest.pid(), "tap0");
        assertThat(inGuest("ip", "-o", "-6", "addr", "show", "tap0").output()).contains("fd00::100/64");
        assertThat(inGuest("ip", "-6", "route").output()).contains("default via fd00::2");
        Await.until(
                "the name server answers over IPv6",
                slirp::toString,
                () -> inGuest("dig", "+short", "+time=1", "+tries=1", "@fd00::3", "www.example.test")
                                .exitCode()
                        == 0);
        end(slirp);
    }

    @Test
    void itEndsWhenTheExitDescriptorIsClosed() {
        Path folder = lab.folder();
        Program outer = lab.onHost(
                "sh",
                "-c",
                "mkfifo " + folder + "/exit; (sleep 1000 >" + folder + "/exit & echo $! >" + folder
                        + "/holder); exec 4<" + folder + "/exit; exec " + slirp4netns
                        + " --enable-seccomp -c -r 1 -e 4 " + guest.pid()
                        + " tap0");
        Await.until("it is ready", outer::toString, () -> outer.out().endsWith("\n1"));
        lab.onHost("sh", "-c", "kill $(cat " + folder + "/holder)").output();
        assertThat(outer.exitCode()).isZero();
    }

    /** Whoever made the interface asked for neither offloads nor headers. */
    @Test
    void anInterfaceMayComeAsADescriptor() {
        Needs.programs("python3");
        Program slirp = lab.onHost("python3", "-c", """
                import ctypes, fcntl, os, struct, sys
                own = os.open("/proc/self/ns/net", os.O_RDONLY)
                setns = ctypes.CDLL(None, use_errno=True).setns
                assert setns(os.open("/proc/%s/ns/net" % sys.argv[2], os.O_RDONLY), 0) == 0
                tap = os.open("/dev/net/tun", os.O_RDWR)
                fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH22x", b"tap9", 0x1002))
                assert setns(own, 0) == 0
                os.dup2(tap, 9, inheritable=True)
                os.execv(sys.argv[1], [sys.argv[1], "-r", "1", "--mtu=1500", "--netns-type=tapfd", "9"])
                """, slirp4netns.toString(), "" + guest.pid());
        Await.until("it is ready", slirp::toString, () -> slirp.out().endsWith("\n1") || !slirp.alive());
        assertThat(slirp.alive()).as(slirp.toString()).isTrue();
        inGuest(
                        "sh",
                        "-c",
                        "ip addr add 10.0.2.100/24 dev tap9; ip link set tap9 up; ip route add default via 10.0.2.2")
                .output();
        assertThat(inGuest("sh", "-c", "curl -sf http://" + Lab.SERVER + "/bytes/5/3000000 | sha256sum")
                        .output())
                .startsWith(TestServers.digest(5, 3_000_000));
        end(slirp);
    }

    @Test
    void userModeLinuxMayConnectToASocket() {
        Path socket = lab.folder().resolve("uml.sock");
        Program slirp = slirp("--target-type=bess", socket.toString());
        assertThat(socket).exists();
        end(slirp);
        assertThat(socket).doesNotExist();
    }
}
