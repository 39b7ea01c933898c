package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Dns;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import dev.sluice.it.lab.Threads;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code sluice attach}: a namespace that somebody else made gets a network, and loses it again. */
class AttachCommandTest {
    @RegisterExtension
    static final Lab lab = Lab.needing("curl", "ip", "busybox", "dnsmasq");

    private Program guest;

    @BeforeAll
    static void startServers() {
        lab.server(TestServers.class);
        Dns.start(lab);
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
        String[] line = new String[command.length + 5];
        line[0] = "nsenter";
        line[1] = "-t";
        line[2] = "" + guest.pid();
        line[3] = "-n";
        line[4] = "-m";
        System.arraycopy(command, 0, line, 5, command.length);
        return lab.onHost(line);
    }

    private Program attach(String... options) {
        String[] line = new String[options.length + 3];
        line[0] = "attach";
        line[1] = "--ready-fd";
        line[2] = "1";
        System.arraycopy(options, 0, line, 3, options.length);
        Program attach = lab.sluice(line);
        Await.until("the network works", attach::toString, () -> attach.out().equals("1") || !attach.alive());
        assertThat(attach.alive()).as(attach.toString()).isTrue();
        return attach;
    }

    @Test
    void aProcessNamespaceIsConfiguredAndServed() {
        Program attach = attach("--configure", Long.toString(guest.pid()));
        assertThat(inGuest("curl", "-sf", "http://" + Lab.SERVER + "/bytes/5/1000")
                        .exitCode())
                .isZero();
        assertThat(inGuest("ip", "-o", "-4", "addr", "show", "tap0").output()).contains("192.168.65.3/24");
        attach.signal("TERM");
        assertThat(attach.exitCode()).isZero();
        assertThat(inGuest("ip", "link", "show", "tap0").exitCode()).isNotZero();
    }

    @Test
    void underSeccompItServesPublishesAndSeesTheNamespaceGo() {
        Program attach = attach(
                "--configure", "--seccomp", "--publish-auto", "-p", "127.0.0.1:18291:80", Long.toString(guest.pid()));
        assertThat(Threads.status(lab, attach, "Seccomp")).containsExactly("Seccomp: 2");
        assertThat(inGuest("curl", "-sf", "http://" + Lab.SERVER + "/bytes/5/1000")
                        .exitCode())
                .isZero();
        Program inside = inGuest("busybox", "httpd", "-f", "-p", "80", "-h", "/etc");
        Await.until(
                "the published port answers",
                () -> attach + "\n" + inside,
                () -> lab.onHost("curl", "-sf", "http://127.0.0.1:18291/passwd").exitCode() == 0);
        Await.until(
                "so does the one that was published by itself",
                () -> attach + "\n" + inside,
                () -> lab.onHost("curl", "-sf", "http://127.0.0.1:80/passwd").exitCode() == 0);
        assertThat(lab.sluice("ports", "--pid", Long.toString(attach.pid())).output())
                .contains("18291");
        inside.close();
        guest.close();
        assertThat(attach.exitCode()).as(attach.toString()).isZero();
    }

    @Test
    void aNamespaceFileServesAsWell() {
        Program attach = attach(
                "--netns",
                "/proc/" + guest.pid() + "/ns/net",
                "--configure",
                "--tap",
                "eth0",
                "--mtu",
                "1400",
                "--mac",
                "02:00:00:00:00:07",
                "--cidr",
                "10.9.8.0/24");
        assertThat(inGuest("ip", "-o", "link", "show", "eth0").output()).contains("mtu 1400", "02:00:00:00:00:07");
        assertThat(inGuest("ip", "-o", "-4", "addr", "show", "eth0").output()).contains("10.9.8.3/24");
        assertThat(inGuest("curl", "-sf", "http://" + Lab.SERVER + "/bytes/5/1000")
                        .exitCode())
                .isZero();
        attach.signal("INT");
        assertThat(attach.exitCode()).isZero();
    }

    @Test
    void aGuestThatIsNotConfiguredCanUseDhcp() throws java.io.IOException {
        Program attach = attach(Long.toString(guest.pid()));
        Path script = lab.folder().resolve("udhcpc");
        Files.writeString(script, """
                #!/bin/sh
                [ "$1" = bound ] || exit 0
                ip addr add "$ip/$mask" dev "$interface"
                ip route add default via "$router"
                echo "lease $ip/$mask $router $dns $mtu"
                """);
        script.toFile().setExecutable(true);
        inGuest("ip", "link", "set", "tap0", "up").output();
        Program client = inGuest(
                "busybox", "udhcpc", "-i", "tap0", "-n", "-q", "-f", "-t", "10", "-O", "mtu", "-s", script.toString());
        assertThat(client.output()).contains("lease 192.168.65.", "/24 192.168.65.1 192.168.65.1 65520");
        assertThat(inGuest("curl", "-sf", "http://" + Lab.SERVER + "/bytes/5/1000")
                        .exitCode())
                .isZero();
        assertThat(inGuest("dig", "+short", "@192.168.65.1", "www.example.test").output())
                .isEqualTo(Lab.SERVER + "\n");
        attach.signal("TERM");
        assertThat(attach.exitCode()).isZero();
    }

    @Test
    void itEndsWithTheProcessItWasGiven() {
        Program attach = attach("--configure", Long.toString(guest.pid()));
        guest.close();
        assertThat(attach.exitCode()).isZero();
    }

    @Test
    void itEndsWhenTheNamespaceFileIsGone() {
        Program attach = attach("--configure", "--netns", "/proc/" + guest.pid() + "/ns/net");
        guest.close();
        assertThat(attach.exitCode()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"umount $1 && rm $1", "umount $1", "umount -l $1; mount --bind /proc/self/ns/net $1"})
    void itEndsWhenTheNamespaceIsNoLongerMounted(String end) {
        Path file = lab.folder().resolve("namespace");
        Program attach = lab.sluiceAttachedToMount(file, guest);
        Await.until("the network works", attach::toString, () -> attach.out().equals("1"));
        // each program of the lab has a mount namespace of its own
        lab.onHost("nsenter", "-t", "" + attach.pid(), "-m", "sh", "-c", end, "sh", file.toString())
                .output();
        assertThat(attach.exitCode()).isZero();
    }

    @Test
    void itEndsWhenTheExitDescriptorIsClosed() {
        Program outer = lab.onHost(
                "sh",
                "-c",
                "mkfifo " + lab.folder() + "/exit; (sleep 1000 >" + lab.folder() + "/exit & echo $! >" + lab.folder()
                        + "/holder); exec 7<" + lab.folder() + "/exit; exec " + Lab.launcher()
                        + " attach --configure --exit-fd 7 --ready-fd 1 " + guest.pid());
        Await.until("the network works", outer::toString, () -> outer.out().equals("1"));
        assertThat(outer.alive()).isTrue();
        lab.onHost("sh", "-c", "kill $(cat " + lab.folder() + "/holder)").output();
        assertThat(outer.exitCode()).isZero();
    }

    /** The runtime's own files have such numbers, too: what the caller forgot to open must not be taken for one of them. */
    @Test
    void descriptorsThatNobodyOpenedForItAreRefused() {
        for (String option : List.of("--ready-fd", "--exit-fd")) {
            for (int fd = 3; fd <= 6; fd++) {
                Program attach = lab.sluice("attach", "--configure", option, "" + fd, "" + guest.pid());
                assertThat(attach.errorsAtEnd()).contains(option + " " + fd + ": no such open descriptor");
                assertThat(attach.exitCode()).isEqualTo(2);
            }
        }
    }

    @Test
    void aKillLeavesNoInterface() {
        Program attach = attach("--configure", Long.toString(guest.pid()));
        attach.signal("KILL");
        assertThat(attach.exitCode()).isEqualTo(137);
        assertThat(inGuest("ip", "link", "show", "tap0").exitCode()).isNotZero();
    }

    @Test
    void aPublishedPortLeadsIntoTheNamespace() {
        Program attach = attach("--configure", "-p", "18090:80", Long.toString(guest.pid()));
        Program server = inGuest("python3", "-m", "http.server", "80");
        Await.until(
                "the server inside answers",
                () -> attach + "\n" + server,
                () -> lab.onInternet("curl", "-sf", "-o", "/dev/null", "http://" + Lab.HOST + ":18090/")
                                .exitCode()
                        == 0);
        server.close();
        attach.signal("TERM");
        assertThat(attach.exitCode()).isZero();
    }

    @Test
    void statusShowsTheGuestAndItsTraffic() {
        Program attach = attach("--configure", Long.toString(guest.pid()));
        assertThat(inGuest("curl", "-sf", "-o", "/dev/null", "http://" + Lab.SERVER + "/bytes/5/100000")
                        .exitCode())
                .isZero();
        Await.until(
                "status answers",
                attach::toString,
                () -> lab.sluice("status", "" + attach.pid()).exitCode() == 0);
        assertThat(lab.sluice("status", "" + attach.pid()).output()).contains("tap0", "192.168.65.3");
        assertThat(lab.sluice("status", "--json", "" + attach.pid()).output()).contains("\"192.168.65.3\"");
        attach.signal("TERM");
        assertThat(attach.exitCode()).isZero();
        assertThat(lab.sluice("status", "" + attach.pid()).exitCode()).isEqualTo(69);
    }

    @Test
    void whatCannotBeAttachedToIsSaidInOneLine() {
        for (String[] options : new String[][] {
            {"attach", "--netns", "/etc/passwd"},
            {"attach", "--netns", "/no/such/file"},
            {"attach", "999999999"},
            {"attach", "--netns", "/proc/self/ns/mnt"}
        }) {
            Program attach = lab.sluice(options);
            assertThat(attach.exitCode()).as(attach.toString()).isEqualTo(69);
            assertThat(attach.err().lines()).as(attach.toString()).hasSize(1);
        }
    }

    @Test
    void aNameThatIsTakenIsSaidAndTheInterfaceStays() {
        inGuest("ip", "link", "add", "taken", "type", "veth", "peer", "name", "other")
                .output();
        Program attach = lab.sluice("attach", "--configure", "--tap", "taken", "" + guest.pid());
        assertThat(attach.exitCode()).isEqualTo(69);
        assertThat(attach.err().lines()).singleElement().asString().contains("taken");
    }
}
