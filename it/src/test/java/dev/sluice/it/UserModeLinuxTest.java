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
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * User Mode Linux, a kernel that is a program: its card is a SEQPACKET socket with one frame a packet, and its client of 9P2000 is
 * Linux' own, the one that VPNKit's guests mount the port files with. Its file system is that of this machine, read only.
 */
class UserModeLinuxTest {
    private static final int LENGTH = 3_000_000;

    /** Process 1: brings up {@code vec0} by DHCP and shows that the world is there. */
    private static final String INIT = """
            #!/bin/sh
            export PATH=/usr/sbin:/usr/bin:/sbin:/bin
            mount -t proc none /proc; mount -t sysfs none /sys; mount -t tmpfs none /mnt
            ip link set lo up; ip link set vec0 up
            cat >/mnt/dhcp <<'END'
            #!/bin/sh
            [ $1 = bound ] || exit 0
            ip addr add $ip/$mask dev $interface; ip route add default via $router
            echo nameserver $dns >/mnt/resolv.conf
            echo "@lease $ip $router $dns"
            END
            chmod +x /mnt/dhcp
            busybox udhcpc -i vec0 -n -q -f -t 30 -T 2 -s /mnt/dhcp
            mount --bind /mnt/resolv.conf /etc/resolv.conf
            echo "@page $(curl -sf http://%s/bytes/7/%d | sha256sum)"
            echo "@name $(getent ahostsv4 www.example.test | head -n 1)"
            """.formatted(Lab.SERVER, LENGTH);

    private static final String END = """
            echo @done
            exec busybox poweroff -f
            """;

    /** Mounts the port files, and makes forwards as VPNKit's own client does: write the line, go back, read the answer. */
    private static final String PORT_FILES = """
            for m in fs/netfs/netfs fs/fscache/fscache net/9p/9pnet net/9p/9pnet_fd fs/9p/9p; do
              insmod /usr/lib/uml/modules/$(uname -r)/kernel/$m.ko
            done
            mkdir /mnt/port /mnt/state
            mount -t 9p -o trans=tcp,port=5640,version=9p2000%1$s 192.168.65.2 /mnt/port
            mount -t 9p -o trans=tcp,port=5641,version=9p2000%1$s 192.168.65.2 /mnt/state
            python3 - <<'END'
            import os, time
            def forward(name, spec):
                os.mkdir('/mnt/port/' + name)
                f = os.open('/mnt/port/%%s/ctl' %% name, os.O_RDWR)
                os.write(f, spec.encode())
                os.lseek(f, 0, os.SEEK_SET)
                print('@answer', os.read(f, 4096).decode().split('\\n')[0], flush=True)
                return f
            print('@before', sorted(os.listdir('/mnt/port')), open('/mnt/port/README').read(20))
            spec = 'tcp:127.0.0.1:18999:tcp:192.168.65.3:80'
            all = [forward('one', spec), forward('two', spec), forward('three', 'nonsense')]
            print('@while', sorted(os.listdir('/mnt/port')), flush=True)
            print('@connections', open('/mnt/state/connections').read().split('\\n')[0])
            print('@capture', open('/mnt/state/capture/all.pcap', 'rb').read(4).hex(), flush=True)
            while not os.path.exists('%2$s'): time.sleep(0.05)
            for f in all: os.close(f)
            print('@after', sorted(os.listdir('/mnt/port')), flush=True)
            END
            umount /mnt/port /mnt/state && echo @unmounted
            """;

    @RegisterExtension
    static final Lab lab =
            Lab.needing("linux.uml", "busybox", "curl", "dnsmasq", "getent", "insmod", "ss", "python3", "socat");

    @BeforeAll
    static void startServers() {
        lab.server(TestServers.class);
        Dns.start(lab);
    }

    /** Boots one whose card is at {@code socket}; it runs the script after its network is up, and ends. */
    private static Program boot(Path socket, String mac, String script) throws IOException {
        Path init = Files.writeString(lab.folder().resolve("init"), INIT + script + END);
        assertThat(init.toFile().setExecutable(true)).isTrue();
        return lab.onHost(
                "linux.uml",
                "mem=96M",
                "root=/dev/root",
                "rootfstype=hostfs",
                "rootflags=/",
                "ro",
                "init=" + init,
                "con=null",
                "con0=fd:0,fd:1",
                "quiet",
                "uml_dir=" + lab.folder().resolve("uml"),
                "vec0:transport=bess,dst=" + socket + ",mac=" + mac);
    }

    private static void assertWorks(Program machine, String lease) {
        assertThat(machine.outputAtEnd())
                .contains("@lease " + lease, "@page " + TestServers.digest(7, LENGTH), "@name " + Lab.SERVER, "@done");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            as slirp4netns --target-type=bess SOCKET       | 52:54:00:00:00:07 | 10.0.2.15 10.0.2.2 10.0.2.3
            as gvproxy -listen-bess unixpacket://SOCKET    | 5a:94:ef:e4:0c:ee | 192.168.127.2 192.168.127.1 192.168.127.1
            """)
    void aMachineBehindAFaceReachesTheWorld(String line, String mac, String lease) throws IOException {
        Path socket = lab.folder().resolve("card" + lease.substring(0, 3));
        try (Program face = lab.sluice(line.replace("SOCKET", socket.toString()).split(" "))) {
            Await.listening(face, socket);
            try (Program machine = boot(socket, mac, "")) {
                assertWorks(machine, lease);
            }
            face.signal("TERM"); // gvproxy has ended with its guest
            assertThat(face.exitCode()).as(face.toString()).isZero();
            assertThat(socket).doesNotExist();
        }
    }

    @ParameterizedTest
    @CsvSource({"'', one", "u, two"})
    void linuxMountsThePortFilesAndMakesForwards(String dialect, String name) throws IOException {
        Path card = lab.folder().resolve("card" + name);
        Path ports = lab.folder().resolve("ports" + name);
        Path go = lab.folder().resolve("go" + name);
        String script = PORT_FILES.formatted(dialect.isEmpty() ? "" : "." + dialect, go);
        Path state = lab.folder().resolve("state" + name);
        try (Program vpnkit = lab.sluice(
                        "as",
                        "vpnkit",
                        "--ethernet",
                        ports + ".ethernet",
                        "--port",
                        ports.toString(),
                        "--introspection",
                        state.toString());
                Program serve = lab.serve("-l", "bess:" + card);
                Program door = door(5640, ports);
                Program second = door(5641, state)) {
            Await.listening(vpnkit, ports);
            Await.listening(serve, card);
            Await.listening(vpnkit, state);
            Await.listening(door, 5640);
            Await.listening(second, 5641);
            try (Program machine = boot(card, "52:54:00:00:00:09", script)) {
                Await.until(
                        "the forwards are there",
                        machine::toString,
                        () -> machine.out().contains("@capture") || !machine.alive());
                assertThat(listens()).as(machine.toString()).isTrue();
                Files.createFile(go);
                assertWorks(machine, "192.168.65.3 192.168.65.1 192.168.65.1");
                assertThat(machine.out().replace("\r", ""))
                        .contains("@before ['README'] Forwards from this m\n")
                        .contains("@answer OK tcp:127.0.0.1:18999:tcp:192.168.65.3:80\n")
                        .contains("@answer ERROR Bind for 127.0.0.1:18999 failed: port is already allocated\n")
                        .contains("@answer ERROR Failed to parse request [nonsense], expected tcp:<local ip>:")
                        .contains("@while ['README', 'one', 'three', 'two']\n")
                        .containsPattern("@connections tcp:127\\.0\\.0\\.1:18999 .*\n@capture 4d3cb2a1\n")
                        .contains("@after ['README']\n@unmounted\n");
            }
            assertThat(listens()).isFalse();
        }
    }

    /** Of the guest: an ssh server, and a socket that says hello to whoever connects, until it is told to end. */
    private static final String SSH_SERVER = """
            mount -t tmpfs none /run
            mkdir -m 755 /run/sshd
            ssh-keygen -q -t ed25519 -N '' -f /mnt/host-key
            /usr/sbin/sshd -f /dev/null -h /mnt/host-key -o AuthorizedKeysFile=%1$s/key.pub -o StrictModes=no -o UsePAM=no
            socat UNIX-LISTEN:/mnt/service,fork 'SYSTEM:echo hello from the guest' &
            echo @serves
            while [ ! -e %1$s/enough ]; do sleep 0.05; done
            """;

    /** What {@code podman machine} has gvproxy do: a socket here that leads to one in the guest, by ssh. */
    @Test
    void aSocketOfTheGuestComesThroughItsSshServer() throws IOException {
        Needs.programs("ssh", "sshd", "ssh-keygen");
        Path folder = lab.folder();
        Path card = folder.resolve("card-ssh");
        Path here = folder.resolve("service");
        Path exposed = folder.resolve("exposed");
        lab.onHost("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder + "/key")
                .output();
        try (Program gvproxy = lab.sluice(
                "as",
                "gvproxy",
                "-listen-bess",
                "unixpacket://" + card,
                "-ssh-port",
                "2300",
                "-listen",
                "unix://" + folder + "/gvproxy-api",
                "-forward-sock",
                here.toString(),
                "-forward-dest",
                "/mnt/service",
                "-forward-user",
                "root",
                "-forward-identity",
                folder + "/key")) {
            Await.listening(gvproxy, card);
            try (Program machine = boot(card, "5a:94:ef:e4:0c:ee", SSH_SERVER.formatted(folder))) {
                Await.until(
                        "the guest's socket answers here",
                        () -> gvproxy + "\n" + machine,
                        () -> lab.onHost("socat", "-u", "UNIX:" + here, "-")
                                .outputAtEnd()
                                .equals("hello from the guest\n"));
                lab.onHost(
                                "curl",
                                "-sSf",
                                "--unix-socket",
                                folder + "/gvproxy-api",
                                "http://x/services/forwarder/expose",
                                "-d",
                                "{\"protocol\":\"unix\",\"local\":\"" + exposed + "\",\"remote\":"
                                        + "\"ssh-tunnel://root@192.168.127.2/mnt/service?key=" + folder + "/key\"}")
                        .output();
                Await.until(
                        "the exposed socket answers, too",
                        () -> gvproxy + "\n" + machine,
                        () -> lab.onHost("socat", "-u", "UNIX:" + exposed, "-")
                                .outputAtEnd()
                                .equals("hello from the guest\n"));
                Files.createFile(folder.resolve("enough"));
                assertWorks(machine, "192.168.127.2");
            }
            gvproxy.signal("TERM");
            assertThat(gvproxy.exitCode()).as(gvproxy.toString()).isZero();
            assertThat(here).doesNotExist();
            assertThat(exposed).doesNotExist();
        }
    }

    private static Program door(int port, Path socket) {
        return lab.onHost("socat", "TCP-LISTEN:" + port + ",bind=127.0.0.1,reuseaddr,fork", "UNIX:" + socket);
    }

    /** Looked up rather than tried: without a guest behind it, whoever connects is reset at once. */
    private static boolean listens() {
        return !lab.onHost("ss", "-Hltn", "sport = :18999").output().isBlank();
    }
}
