package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code sluice ports} and {@code --publish-auto}: ports of a guest that runs. */
class PortsCommandTest {
    /**
     * Answers its port number to whoever comes, on the ports it is told on standard input; "-80" ends one. A number above 100000 means the
     * UDP port above that.
     */
    private static final String ANSWERERS = """
            import os, socket, sys, threading
            listeners = {}
            def serve(port, l):
                while True:
                    try: s = l.accept()[0]
                    except OSError: return
                    s.sendall(str(port).encode()); s.close()
            print('ready', flush=True)
            def echo(port, u):
                while True:
                    d, a = u.recvfrom(2000)
                    if d == b'stop': u.close(); return
                    u.sendto(str(port).encode() + b' got ' + d, a)
            # for writing as well: so it never ends, whether somebody writes or not
            for line in os.fdopen(os.open(sys.argv[2], os.O_RDWR)):
                port = int(line)
                if port > 100000:
                    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind((sys.argv[1], port - 100000))
                    threading.Thread(target=echo, args=(port - 100000, u), daemon=True).start()
                elif port < 0:
                    l = listeners.pop(-port); l.shutdown(socket.SHUT_RDWR); l.close()
                else:
                    l = socket.create_server((sys.argv[1], port)); listeners[port] = l
                    threading.Thread(target=serve, args=(port, l), daemon=True).start()
                print(port, flush=True)
            """;

    @RegisterExtension
    static final Lab lab = Lab.needing("python3", "nc", "perl");

    private Program guest;
    private String orders;

    @AfterEach
    void endGuest() {
        if (guest != null) {
            guest.close();
        }
    }

    private void start(boolean root, String address, String... options) {
        orders = lab.folder().resolve("orders").toString();
        lab.onHost("sh", "-c", "rm -f " + orders + "; mkfifo -m 666 " + orders).output();
        String[] line = new String[options.length + 7];
        line[0] = "run";
        System.arraycopy(options, 0, line, 1, options.length);
        String[] rest = {"--", "python3", "-c", ANSWERERS, address, orders};
        System.arraycopy(rest, 0, line, options.length + 1, rest.length);
        guest = root ? lab.sluice(line) : lab.sluiceAsOrdinaryUser(line);
        Await.until("the guest runs", guest::toString, () -> guest.out().contains("ready") || !guest.alive());
        assertThat(guest.alive()).as(guest.toString()).isTrue();
    }

    private void order(int port) {
        lab.onHost("sh", "-c", "echo " + port + " >" + orders).output();
        Await.until("it is done", guest::toString, () -> guest.out().contains("\n" + port + "\n"));
    }

    private static String answer(String host, int port) {
        return lab.onHost("nc", "-w", "5", host, "" + port).outputAtEnd();
    }

    private void awaitAnswer(String host, int port, String answer) {
        Await.until(
                host + ":" + port + " answers '" + answer + "'",
                () -> "'" + answer(host, port) + "' " + guest,
                () -> answer(host, port).equals(answer));
    }

    private Program ports(String... words) {
        String[] line = new String[words.length + 3];
        line[0] = "ports";
        line[1] = "--pid";
        line[2] = "" + guest.pid();
        System.arraycopy(words, 0, line, 3, words.length);
        Program ports = lab.sluice(line);
        Await.until("sluice ports has ended", ports::toString, () -> !ports.alive());
        return ports;
    }

    private void awaitControl() {
        Await.until(
                "the control socket answers",
                guest::toString,
                () -> ports("list").exitCode() == 0);
    }

    @Test
    void portsComeAndGoWhileTheGuestRuns() {
        start(true, "0.0.0.0");
        awaitControl();
        order(80);
        order(81);
        assertThat(ports("add", "18080-18081:80-81", "127.0.0.1:18082:80,proxy").output())
                .contains("tcp  18080", "→ 192.168.65.3:80", "with PROXY header");
        awaitAnswer("127.0.0.1", 18080, "80");
        awaitAnswer("::1", 18081, "81");
        assertThat(ports("--json").output()).contains("\"forward\": \"18081:192.168.65.3:81\"");
        assertThat(ports("remove", "18080-18081").output()).contains("18080", "18081");
        assertThat(answerable("127.0.0.1", 18080)).isFalse();
        assertThat(ports("list").output().lines()).singleElement().asString().contains("18082");
        assertThat(ports("remove", "18080").exitCode()).isEqualTo(69);
    }

    @Test
    void aPortThatIsTakenIsToldWithItsOwner() {
        Program server = lab.onHost("python3", "-m", "http.server", "18090");
        Await.until("the server listens", server::toString, () -> answerable("127.0.0.1", 18090));
        start(true, "0.0.0.0");
        awaitControl();
        Program add = ports("add", "18090:80");
        assertThat(add.exitCode()).isEqualTo(69);
        assertThat(add.err()).contains("port 18090 is already used by python3", "(pid " + server.pid() + ")");
        assertThat(add.err().lines()).hasSize(1);
        Program second = lab.sluice("run", "-p", "18090:80", "--", "true");
        assertThat(second.exitCode()).isEqualTo(69);
        assertThat(second.err()).contains("port 18090 is already used by python3 (pid ");
        server.close();
    }

    private static boolean answerable(String host, int port) {
        return lab.onHost("nc", "-z", host, "" + port).exitCode() == 0;
    }

    @Test
    void anAddressThatNoGuestCanHaveIsRefused() {
        Program run = lab.sluice("run", "-p", "18093:10.0.0.99:80", "--", "true");
        assertThat(run.exitCode()).isEqualTo(69);
        assertThat(run.err()).contains("no guest has 10.0.0.99", "192.168.65.0/24", "leave the address out");
    }

    @Test
    void anOrdinaryUserIsToldHowToGetALowPort() {
        Program run = lab.sluiceAsOrdinaryUser("run", "-p", "80:80", "--", "true");
        assertThat(run.exitCode()).isEqualTo(69);
        assertThat(run.err())
                .contains(
                        "ports below 1024 need",
                        "choose 8080",
                        "ip_unprivileged_port_start=80",
                        "CAP_NET_BIND_SERVICE");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void servicesArePublishedByThemselvesAsTheyComeAndGo(boolean root) {
        start(root, "127.0.0.1", "--publish-auto");
        order(18100);
        awaitAnswer("127.0.0.1", 18100, "18100");
        awaitAnswer("::1", 18100, "18100");
        assertThat(answerable(Lab.HOST, 18100)).isFalse();
        order(18101);
        awaitAnswer("127.0.0.1", 18101, "18101");
        order(-18100);
        Await.until("port 18100 is closed", guest::toString, () -> !answerable("127.0.0.1", 18100));
        awaitAnswer("127.0.0.1", 18101, "18101");
    }

    @Test
    void servicesArePublishedThoughTheProcessInTheNamespaceWasKilled() {
        start(false, "127.0.0.1", "--publish-auto");
        order(18110);
        awaitAnswer("127.0.0.1", 18110, "18110");
        ProcessHandle killed = inNamespace();
        killed.destroyForcibly();
        order(18111);
        awaitAnswer("127.0.0.1", 18111, "18111");
        assertThat(inNamespace()).isNotEqualTo(killed);
    }

    /** The process that makes sockets for an ordinary user's sluice. */
    private ProcessHandle inNamespace() {
        return ProcessHandle.of(guest.pid())
                .orElseThrow()
                .descendants()
                .filter(p -> p.info().command().orElse("").endsWith("/perl")) // the first that is tried
                .findFirst()
                .orElseThrow(() -> new AssertionError("no perl below " + guest));
    }

    private static String udpAnswer(int port, String what) {
        return udpAnswer("127.0.0.1", port, what);
    }

    private static String udpAnswer(String host, int port, String what) {
        return lab.onHost("python3", "-c", """
                import socket
                s = socket.socket(socket.AF_INET6 if ':' in '%1$s' else socket.AF_INET, socket.SOCK_DGRAM)
                s.settimeout(1)
                s.connect(('%1$s', %2$d))
                for attempt in range(60): # always of this one client, as another would count as one more
                    try:
                        s.send(b'%3$s')
                        print(s.recv(2000).decode())
                        break
                    except TimeoutError:
                        pass
                    except OSError:
                        print('nothing')
                        break
                """.formatted(host, port, what))
                .output()
                .strip();
    }

    @Test
    void aDatagramPortOfEveryAddressIsOfBothFamilies() {
        start(true, "0.0.0.0");
        awaitControl();
        order(105_300);
        assertThat(ports("add", "18210:5300/udp").output())
                .isEqualTo("udp  18210                        → 192.168.65.3:5300\n");
        for (String host : new String[] {"127.0.0.1", "::1"}) {
            Await.until(
                    host + " answers",
                    guest::toString,
                    () -> udpAnswer(host, 18_210, "x").equals("5300 got x"));
        }
        assertThat(ports("--json", "list").output()).contains("\"clients\": 2");
        assertThat(ports("remove", "18210/udp").exitCode()).isZero();
        assertThat(lab.onHost("ss", "-Hlun", "sport = :18210").output()).isBlank();

        Program taken = lab.onHost("python3", "-c", """
                import socket, time
                s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                s.bind(('::', 18211))
                print('ready', flush=True)
                time.sleep(1000)
                """);
        Await.until("the port is taken", taken::toString, () -> taken.out().contains("ready"));
        Program add = ports("add", "18211:5300/udp");
        assertThat(add.exitCode()).isEqualTo(69);
        assertThat(add.err()).contains("UDP port 18211 is already used by python3", "(pid " + taken.pid() + ")");
        assertThat(lab.onHost("ss", "-4Hlun", "sport = :18211").output())
                .as("nothing is half open")
                .isBlank();
        taken.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void datagramServicesArePublishedByThemselvesToo(boolean root) {
        start(root, "0.0.0.0", "--publish-auto");
        order(118_200);
        Await.until(
                "UDP port 18200 answers",
                guest::toString,
                () -> udpAnswer(18_200, "x").equals("18200 got x"));
        if (root) { // whose doors are its own
            awaitControl();
            assertThat(ports("list").output())
                    .contains("udp  127.0.0.1:18200", "(automatic)")
                    .doesNotContain("tcp ");
        }
        udpAnswer(18_200, "stop");
        Await.until(
                "UDP port 18200 is closed",
                guest::toString,
                () -> lab.onHost("ss", "-Hlun", "sport = :18200").output().isBlank());
    }

    @Test
    void aDatagramPortThatIsTakenIsToldWithItsOwner() {
        Program server = lab.onHost("nc", "-u", "-l", "127.0.0.1", "18091");
        Await.until(
                "the server is there",
                server::toString,
                () -> lab.onHost("sh", "-c", "ss -Hlun sport = :18091").output().contains("18091"));
        start(true, "0.0.0.0");
        awaitControl();
        Program add = ports("add", "127.0.0.1:18091:53/udp");
        assertThat(add.exitCode()).isEqualTo(69);
        assertThat(add.err()).contains("UDP port 18091 is already used by nc", "(pid " + server.pid() + ")");
        server.close();
    }

    @Test
    void tenThousandPortsOpenAndCloseOverTheControlSocket() {
        start(true, "0.0.0.0");
        awaitControl();
        order(80);
        assertThat(ports("add", "127.0.0.1:20000-29999:80").output().lines()).hasSize(10_000);
        awaitAnswer("127.0.0.1", 20000, "80");
        awaitAnswer("127.0.0.1", 29999, "80");
        assertThat(ports("remove", "20000-29999").output().lines()).hasSize(10_000);
        assertThat(answerable("127.0.0.1", 29999)).isFalse();
    }
}
