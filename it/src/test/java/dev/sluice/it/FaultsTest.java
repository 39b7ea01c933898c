package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Dns;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What goes wrong around a running {@code sluice}: it says so, serves what it can, recovers, and leaks nothing. */
class FaultsTest {
    /** For the guest's scripts: waits until the test has made a file. */
    private static final String WAIT = """
            import os, socket, subprocess, sys, time
            def wait(name):
                while not os.path.exists(sys.argv[1] + '/' + name): time.sleep(0.01)
            """;

    @RegisterExtension
    static final Lab lab = Lab.needing("curl", "python3", "dig", "dnsmasq", "tcpdump");

    @BeforeAll
    static void startServers() {
        lab.server(TestServers.class);
    }

    private static void go(String name) throws IOException {
        Files.createFile(lab.folder().resolve(name));
    }

    private static void awaitSaid(Program program, String text) {
        Await.until(
                "the guest says " + text, program::toString, () -> program.out().contains(text) || !program.alive());
        assertThat(program.out()).as(program.toString()).contains(text);
    }

    private static long openFiles(Program program) {
        try (Stream<Path> all = Files.list(Path.of("/proc", Long.toString(program.pid()), "fd"))) {
            return all.count();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** A number of {@code sluice status --json}. */
    private static long status(Program sluice, String name) {
        String json =
                lab.sluice("status", "--json", Long.toString(sluice.pid())).output();
        Matcher number =
                Pattern.compile('"' + Pattern.quote(name) + "\": ?([0-9]+)").matcher(json);
        return number.find() ? Long.parseLong(number.group(1)) : 0;
    }

    @Test
    void withoutDescriptorsNewConnectionsFailAndComeBackWithThem() throws IOException {
        String guest = WAIT + """
                def connect(patience=20):
                    s = socket.create_connection(('%s', 7004), patience)
                    s.sendall(b'hello')
                    assert s.recv(5) == b'hello'
                    return s
                connect().close()
                print('ready', flush=True)
                wait('fill')
                held, failed = [], 0
                while len(held) < 400 and failed < 3:
                    try:
                        held.append(connect(4))
                    except OSError:
                        if len(held) > 20: failed += 1 # else this machine is only slow
                held[0].sendall(b'again')
                assert held[0].recv(5) == b'again'
                print('some failed' if failed > 0 and len(held) > 20 else ('held', len(held), failed), flush=True)
                wait('empty')
                for s in held: s.close()
                connect().close()
                print('works again', flush=True)
                wait('end')
                """.formatted(Lab.SERVER);
        Program run = lab.onHost(
                "sh",
                "-c",
                "ulimit -n 200; exec \"$0\" \"$@\"",
                Lab.launcher().toString(),
                "run",
                "--",
                "python3",
                "-c",
                guest,
                lab.folder().toString());
        awaitSaid(run, "ready");
        long before = openFiles(run);
        go("fill");
        awaitSaid(run, "some failed");
        assertThat(run.err()).contains("out of descriptors", "raise the limit with ulimit -n");
        assertThat(run.err()
                        .lines()
                        .filter(line -> line.contains("descriptors"))
                        .count())
                .as("it is not said again and again: " + run)
                .isLessThan(10);
        go("empty");
        awaitSaid(run, "works again");
        Await.until(
                "descriptors are given back",
                () -> openFiles(run) + " of " + before,
                () -> openFiles(run) <= before + 3);
        assertThat(status(run, "no-descriptors")).isPositive();
        go("end");
        assertThat(run.exitCode()).as(run.toString()).isZero();
    }

    @Test
    void withoutLocalPortsNewConnectionsFailAndItIsSaidWhatIsLacking() throws IOException {
        String guest = """
                import socket
                held = []
                while len(held) < 30:
                    try:
                        held.append(socket.create_connection(('%s', 7004), 20))
                    except OSError:
                        break
                held[0].sendall(b'again')
                print(len(held), held[0].recv(5), flush=True)
                """.formatted(Lab.SERVER);
        Program run = lab.onHost(
                "sh",
                "-c",
                "echo 50000 50009 >/proc/sys/net/ipv4/ip_local_port_range; exec \"$0\" \"$@\"",
                Lab.launcher().toString(),
                "run",
                "--",
                "python3",
                "-c",
                guest);
        try {
            assertThat(run.exitCode()).as(run.toString()).isZero();
            assertThat(run.out()).isEqualTo("10 b'again'\n");
            assertThat(run.err()).contains("out of local ports", "ip_local_port_range");
        } finally {
            lab.onHost("sh", "-c", "echo 32768 60999 >/proc/sys/net/ipv4/ip_local_port_range")
                    .exitCode();
        }
    }

    @Test
    void aResolverThatIsDownIsToldAtOnceAndUsedWhenItIsBack() throws IOException {
        Program run = lab.sluice("run", "--", "sh", "-c", """
                dig +tries=1 +time=20 www.example.test | grep status
                while [ ! -e %s/back ]; do sleep 0.02; done
                dig +tries=1 +time=20 +short www.example.test
                while [ ! -e %s/done ]; do sleep 0.02; done
                """.formatted(lab.folder(), lab.folder()));
        awaitSaid(run, "SERVFAIL");
        Program resolver = Dns.start(lab);
        go("back");
        awaitSaid(run, Lab.SERVER);
        assertThat(status(run, "upstreamFailures")).isPositive();
        go("done");
        assertThat(run.exitCode()).as(run.toString()).isZero();
        resolver.close();
    }

    /** A server sends as fast as it can to a guest that does not read: others are served, and memory stays bounded. */
    @Test
    void aFloodOfDatagramsHarmsNobodyElse() throws IOException {
        Program flood = lab.server(7020, "python3", "-c", """
                import socket
                tcp = socket.create_server(('', 7020))
                udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                udp.bind(('', 7020))
                while True:
                    data, peer = udp.recvfrom(100)
                    for _ in range(100000):
                        try: udp.sendto(bytes(1200), peer)
                        except OSError: pass
                    udp.sendto(b'over', peer)
                """);
        Program run = lab.sluice(
                "run",
                "--",
                "python3",
                "-c",
                WAIT + """
                        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                        udp.sendto(b'go', ('%s', 7020))
                        url = 'http://%s/bytes/5/5000000'
                        for _ in range(5):
                            print(subprocess.run('curl -sf ' + url + ' | sha256sum', shell=True, capture_output=True,
                                text=True).stdout[:64], flush=True)
                        print('served', flush=True)
                        wait('flooded')
                        """.formatted(Lab.SERVER, Lab.SERVER),
                lab.folder().toString());
        awaitSaid(run, "served");
        assertThat(run.out().lines().filter(TestServers.digest(5, 5_000_000)::equals))
                .hasSize(5);
        assertThat(status(run, "datagramsToGuest")).isPositive();
        assertThat(status(run, "resident")).as("bytes").isLessThan(200_000_000);
        go("flooded");
        assertThat(run.exitCode()).as(run.toString()).isZero();
        flood.close();
    }

    /** A laptop that sleeps, a process group that is stopped: what was sent meanwhile arrives afterwards, once. */
    @Test
    void afterAStopEverythingGoesOnWhereItWas() throws IOException {
        Program run = lab.sluice(
                "run",
                "--",
                "python3",
                "-c",
                WAIT + """
                        s = socket.create_connection(('%1$s', 7004), 30)
                        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                        u.connect(('%1$s', 7))
                        u.settimeout(30)
                        load = subprocess.Popen('curl -sf --limit-rate 20M http://%1$s/bytes/7/60000000 | sha256sum', shell=True,
                            stdout=subprocess.PIPE, text=True)
                        s.sendall(b'hello')
                        assert s.recv(5) == b'hello'
                        print('ready', flush=True)
                        wait('stopped')
                        s.sendall(b'while it was stopped')
                        u.send(b'a datagram, too')
                        print('sent', flush=True)
                        print(s.recv(100), u.recv(100), flush=True)
                        print(load.communicate()[0], flush=True)
                        socket.create_connection(('%1$s', 7004), 30).close()
                        s.sendall(b'more')
                        print(s.recv(100), flush=True)
                        """.formatted(Lab.SERVER),
                lab.folder().toString());
        awaitSaid(run, "ready");
        run.signal("STOP");
        go("stopped");
        awaitSaid(run, "sent");
        lab.onHost("sleep", "4").exitCode();
        run.signal("CONT");
        assertThat(run.exitCode()).as(run.toString()).isZero();
        assertThat(run.out())
                .contains(
                        "b'while it was stopped' b'a datagram, too'", TestServers.digest(7, 60_000_000), "\nb'more'\n");
    }

    @Test
    void aTunDeviceThatOnlyRootMayOpenIsSaidWithTheRemedy() {
        Program run = lab.onHost(
                "sh",
                "-c",
                "mknod -m 600 $0/tun-of-root c 10 200 && mount --bind $0/tun-of-root /dev/net/tun"
                        + " && exec setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=$0 XDG_RUNTIME_DIR= $1"
                        + " run -- echo ran",
                lab.folder().toString(),
                Lab.launcher().toString());
        assertThat(run.exitCode()).as(run.toString()).isEqualTo(69);
        assertThat(run.out()).isEmpty();
        assertThat(run.err().lines()).singleElement().asString().contains("/dev/net/tun", "chmod 666");
    }

    @Test
    void aFullDiskEndsTheCaptureOnlyAndWhatIsThereCanBeRead() throws IOException {
        Path disk = Files.createDirectory(lab.folder().resolve("small"));
        Program run = lab.onHost(
                "sh",
                "-c",
                "mount -t tmpfs -o size=400k none $0 && exec $1 run --pcap $0/full.pcap -- sh -c"
                        + " \"curl -sf http://%s/bytes/6/5000000 | sha256sum; tcpdump -qnr $0/full.pcap | wc -l\""
                                .formatted(Lab.SERVER),
                disk.toString(),
                Lab.launcher().toString());
        assertThat(run.output()).contains(TestServers.digest(6, 5_000_000));
        assertThat(run.out().lines().toList().getLast().strip())
                .as(run.toString())
                .isNotEqualTo("0");
        assertThat(run.err())
                .contains("full.pcap has ended: No space left on device; the network goes on without it")
                .doesNotContain("truncated");
    }
}
