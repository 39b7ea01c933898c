package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Dns;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Published ports of {@code run}: from the host itself (the shortcut) and from elsewhere (frames). */
class InboundTest {
    /** In the guest: 80 digests what it gets to its end, 81 sends the rest of its first line, 82 resets, 83 tells who comes, 84 what comes first. */
    private static final String SERVICES = """
            import hashlib, os, socket, struct, sys, threading
            def digest(s):
                h = hashlib.sha256()
                while d := s.recv(65536): h.update(d)
                s.sendall((h.hexdigest() + '\\n').encode())
            def send(s):
                seed, size = s.makefile().readline().split()
                left, block = int(size), (seed * 8192)[:8192].encode()
                while left > 0: left -= s.send(block[:left])
                print('sent', flush=True)
            def reset(s):
                s.recv(1)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            def who(s):
                s.sendall((s.getpeername()[0] + '\\n').encode())
                try:
                    while s.recv(100): pass
                    print('end', flush=True)
                except ConnectionResetError:
                    print('reset', flush=True)
            def serve(port, action):
                l = socket.create_server((sys.argv[1], port), backlog=1000)
                def one(s):
                    with s: action(s)
                while True: threading.Thread(target=one, args=(l.accept()[0],), daemon=True).start()
            def header(s):
                got = b''
                while len(got) < 28 and (d := s.recv(28 - len(got))): got += d
                s.sendall((got.hex() + '\\n').encode())
            for port, action in ((80, digest), (81, send), (82, reset), (83, who), (84, header)):
                threading.Thread(target=serve, args=(port, action)).start()
            print('ready', flush=True)
            """;

    @RegisterExtension
    static final Lab lab = Lab.needing("curl", "nc", "python3", "perl", "dnsmasq");

    private Program guest;

    @BeforeAll
    static void startServers() {
        Dns.start(lab);
    }

    @AfterEach
    void endGuest() {
        if (guest != null) {
            guest.close();
        }
    }

    /** Starts the services in a guest, at {@code address} inside, published at ports 18080 and up. */
    private void start(boolean root, String address) {
        String[] line = {
            "run",
            "-p",
            "18080:80",
            "-p",
            "18081:81",
            "-p",
            "18082:82",
            "-p",
            "18083:83",
            "-p",
            "18084:84,proxy",
            "--",
            "python3",
            "-c",
            SERVICES,
            address
        };
        guest = root ? lab.sluice(line) : lab.sluiceAsOrdinaryUser(line);
        Await.until("the services listen", guest::toString, () -> guest.out().contains("ready") || !guest.alive());
        Await.until(
                "they answer",
                guest::toString,
                () -> lab.onHost("nc", "-N", "127.0.0.1", "18083").outputAtEnd().contains("."));
    }

    private Path file(String name, int seed, long size) throws IOException {
        Path file = lab.folder().resolve(name);
        try (OutputStream out = Files.newOutputStream(file)) {
            TestServers.write(seed, size, out);
        }
        return file;
    }

    private static String python(String script) {
        return lab.onHost("python3", "-c", script).output().strip();
    }

    @ParameterizedTest
    @CsvSource({"true, 0.0.0.0", "true, 127.0.0.1", "true, 192.168.65.3", "false, 0.0.0.0", "false, 127.0.0.1"})
    void aServiceIsReachedWhereverItListens(boolean root, String address) throws IOException {
        start(root, address);
        Path file = file("up-" + root + address, 31, 5_000_000);
        assertThat(lab.onHostReading(file, "nc", "-N", "127.0.0.1", "18080")
                        .output()
                        .strip())
                .isEqualTo(TestServers.digest(31, 5_000_000));
    }

    @Test
    void aHundredMegabytesGoInUnharmed() throws IOException {
        start(true, "0.0.0.0");
        Path file = file("large", 32, 100_000_000);
        assertThat(lab.onHostReading(file, "nc", "-N", "127.0.0.1", "18080")
                        .output()
                        .strip())
                .isEqualTo(TestServers.digest(32, 100_000_000));
        Files.delete(file);
    }

    @Test
    void aHundredMegabytesComeOutUnharmed() {
        start(true, "0.0.0.0");
        String expected = lab.onHost("sh", "-c", "yes | tr -d '\\n' | head -c 100000000 | sha256sum")
                .output();
        assertThat(lab.onHost("sh", "-c", "echo y 100000000 | nc 127.0.0.1 18081 | sha256sum")
                        .output())
                .isEqualTo(expected);
    }

    /** The client ends its half at once; the answer comes long after, and whole. */
    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", Lab.HOST})
    void aClientThatClosesItsHalfStillGetsTheAnswer(String host) {
        start(true, "0.0.0.0");
        assertThat(lab.onHost("sh", "-c", "echo y 20000000 | nc -N " + host + " 18081 | wc -c")
                        .output()
                        .strip())
                .isEqualTo("20000000");
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", Lab.HOST})
    void aResetOfTheServiceReachesTheClient(String host) {
        start(true, "0.0.0.0");
        assertThat(python("""
                import socket
                s = socket.create_connection(('%s', 18082), 20)
                s.sendall(b'x')
                try:
                    print('end' if s.recv(1) == b'' else 'data')
                except ConnectionResetError:
                    print('reset')
                """.formatted(host))).isEqualTo("reset");
    }

    @ParameterizedTest
    @CsvSource({"true, 127.0.0.1", "true, " + Lab.HOST, "false, 127.0.0.1", "false, " + Lab.HOST})
    void aResetOfTheClientReachesTheService(boolean root, String host) {
        start(root, "0.0.0.0");
        python("""
                import socket, struct
                s = socket.create_connection(('%s', 18083), 20)
                s.recv(1)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                s.close()
                """.formatted(host));
        Await.until("the service sees it", guest::toString, () -> guest.out().contains("reset"));
    }

    /** A reset that follows the client's end, when no read can tell of it any more. */
    @Test
    void aResetAfterTheEndReachesTheServiceToo() {
        start(true, "0.0.0.0");
        python("""
                import socket, struct
                s = socket.create_connection(('127.0.0.1', 18081), 20)
                s.sendall(b'y 1000000000000\\n')
                s.shutdown(socket.SHUT_WR)
                s.recv(1)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                s.close()
                """);
        Await.until(
                "the service sees it",
                guest::toString,
                () -> guest.err().contains("ConnectionResetError")
                        || guest.err().contains("BrokenPipeError"));
    }

    /** The service writes without end, the client does not read: what is on the way stays bounded, and others are served. */
    @Test
    void aClientThatDoesNotReadStopsTheServiceAndNobodyElse() throws IOException {
        start(true, "0.0.0.0");
        Path file = file("beside", 33, 30_000_000);
        assertThat(python("""
                import socket, subprocess
                stalled = socket.create_connection(('127.0.0.1', 18081), 20)
                stalled.sendall(b'y 300000000\\n')
                print(subprocess.run('nc -N 127.0.0.1 18080 <%s', shell=True, capture_output=True, text=True).stdout)
                """.formatted(file))).isEqualTo(TestServers.digest(33, 30_000_000));
        assertThat(guest.out()).as("the service is not through with 300 MB").doesNotContain("sent");
    }

    @Test
    void twoHundredClientsAtATimeAllGetTheirs() {
        start(true, "0.0.0.0");
        assertThat(lab.onHost(
                                "sh",
                                "-c",
                                "for i in $(seq 200); do echo y 300000 | nc 127.0.0.1 18081 | wc -c & done; wait")
                        .output()
                        .lines())
                .hasSize(200)
                .containsOnly("300000");
    }

    @Test
    void whereNobodyListensTheClientIsReset() {
        guest = lab.sluice("run", "-p", "18090:90", "--", "sh", "-c", "echo ready; sleep 1000");
        Await.until("the guest runs", guest::toString, () -> guest.out().contains("ready"));
        assertThat(python("""
                import socket
                try:
                    s = socket.create_connection(('127.0.0.1', 18090), 20)
                    print('end' if s.recv(1) == b'' else 'data')
                except ConnectionResetError:
                    print('reset')
                """)).isEqualTo("reset");
    }

    /** BBR would send by a clock, which helps nobody where nothing leaves the machine. */
    @Test
    void theConnectionToAServiceInTheGuestIsNotPaced() {
        String script = """
                import socket, subprocess
                l = socket.create_server(('0.0.0.0', 90))
                print('ready', flush=True)
                s = l.accept()[0]
                print('options', subprocess.run(['ss', '-tinH', 'dport = :90'], capture_output=True, text=True).stdout, flush=True)
                s.recv(1)
                """;
        guest = lab.sluice("run", "-p", "18090:90", "--", "python3", "-c", script);
        Await.until("the guest runs", guest::toString, () -> guest.out().contains("ready"));
        try (Program client = lab.onHost("sh", "-c", "sleep 1000 | nc 127.0.0.1 18090")) {
            Await.until(
                    "it is connected",
                    () -> guest + "; " + client,
                    () -> guest.out().contains("wscale"));
        }
        String systems = lab.onHost("cat", "/proc/sys/net/ipv4/tcp_congestion_control")
                .output()
                .strip();
        assertThat(guest.out()).containsPattern("\\b" + (systems.startsWith("bbr") ? "reno" : systems) + " wscale");
    }

    /** PROXY protocol, version 2: signature, PROXY over TCP/IPv4, 12 bytes: both addresses, both ports. */
    @Test
    void aProxyHeaderSaysWhoReallyComes() {
        start(true, "0.0.0.0");
        assertThat(lab.onHost("nc", "-N", "-p", "40404", "127.0.0.1", "18084").output())
                .isEqualTo("0d0a0d0a000d0a515549540a" + "2111000c" + "7f000001" + "7f000001" + "9dd4" + "46a4" + "\n");
        assertThat(lab.onInternet("nc", "-N", "-p", "40405", Lab.HOST, "18084").output())
                .isEqualTo("0d0a0d0a000d0a515549540a" + "2111000c" + "c633640a" + "c0000201" + "9dd5" + "46a4" + "\n");
    }

    /** Removing a forward closes its port at once; what goes through it goes on to its end, or is reset if that is wanted. */
    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", Lab.HOST})
    void connectionsThroughARemovedForwardGoOnUnlessCut(String host) throws IOException {
        start(true, "0.0.0.0");
        for (boolean cut : new boolean[] {false, true}) {
            Path go = lab.folder().resolve("go-" + host + cut);
            Program client = lab.onHost("python3", "-c", """
                    import os, socket, sys, time
                    s = socket.create_connection(('%s', 18080), 20)
                    s.sendall(b'first ')
                    print('connected', flush=True)
                    while not os.path.exists('%s'): time.sleep(0.01)
                    try:
                        s.sendall(b'second')
                        s.shutdown(socket.SHUT_WR)
                        print(s.makefile().read().strip() or 'end')
                    except ConnectionResetError:
                        print('reset')
                    """.formatted(host, go));
            Await.until("it is connected", client::toString, () -> client.out().contains("connected"));
            String pid = "" + guest.pid();
            assertThat(lab.sluice("ports", "remove", cut ? "--cut" : "--drain", "--pid", pid, "18080")
                            .output())
                    .contains("18080");
            assertThat(lab.onHost("nc", "-z", host, "18080").exitCode()).isNotZero();
            Files.createFile(go);
            assertThat(client.output().lines().toList().getLast())
                    .isEqualTo(cut ? "reset" : "92088ec140fc553e4b1ede202edccb65a807bbf8a38d765a3ad38013c0f13688");
            lab.sluice("ports", "add", "--pid", pid, "18080:80").output();
        }
    }

    /** Who comes from elsewhere is seen under the own address; who comes from the host itself, as somebody in the namespace. */
    @Test
    void theServiceSeesWhoComesFromElsewhere() {
        start(true, "0.0.0.0");
        assertThat(lab.onInternet("nc", "-N", Lab.HOST, "18083").output().strip())
                .isEqualTo(Lab.SERVER);
        assertThat(List.of("192.168.65.3", "192.168.65.1"))
                .contains(lab.onHost("nc", "-N", "127.0.0.1", "18083").output().strip());
    }
}
