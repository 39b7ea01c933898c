package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Needs;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import dev.sluice.it.lab.Threads;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code sluice run} as a process: what its command sees, how it ends, what stays. */
class RunCommandTest {
    @RegisterExtension
    static final Lab lab = Lab.needing("curl", "ip", "busybox");

    @BeforeAll
    static void startServers() {
        lab.server(TestServers.class);
    }

    @ParameterizedTest
    @CsvSource({"exit 0,0", "exit 7,7", "exit 255,255", "kill -TERM $$,143", "kill -KILL $$,137"})
    void theCommandsExitCodeIsPassedOn(String script, int code) {
        assertThat(lab.sluice("run", "--", "sh", "-c", script).exitCode()).isEqualTo(code);
    }

    @Test
    void aCommandThatIsNotThereIs127AndSaid() {
        Program run = lab.sluice("run", "--", "no-such-command");
        assertThat(run.exitCode()).isEqualTo(127);
        assertThat(run.err().lines()).singleElement().asString().contains("no-such-command: command not found");
    }

    @Test
    void aCommandThatIsNotExecutableIs126() throws IOException {
        Path file = Files.writeString(lab.folder().resolve("not-executable"), "x");
        assertThat(lab.sluice("run", "--", file.toString()).exitCode()).isEqualTo(126);
    }

    /** Whatever is being set up then: Ctrl-C is no failure of anything. */
    @Test
    void theKeyboardEndsItAtAnyMoment() {
        Program pressed = lab.onHost("python3", "-c", """
                import os, signal, subprocess, sys, time
                signal.signal(signal.SIGINT, signal.SIG_DFL)  # where tests are a background job, it is ignored
                for twentieths in (1, 2, 3, 4, 6, 9):
                    run = subprocess.Popen([sys.argv[1], 'run', '--', 'sleep', '1000'], stderr=subprocess.PIPE,
                                           start_new_session=True, text=True)
                    time.sleep(twentieths / 20)
                    while run.poll() is None:  # one press may come between two of those who would hear it
                        os.killpg(run.pid, signal.SIGINT)
                        try: run.wait(1)
                        except subprocess.TimeoutExpired: pass
                    print(run.returncode, ' '.join(run.stderr.read().split()))
                """, Lab.launcher().toString());
        // what the JDK may say where the first moment of a JVM is its last, is its own matter
        assertThat(pressed.output().lines())
                .hasSize(6)
                .allSatisfy(line -> assertThat(line)
                        .matches("(-2|130|1 Error occurred during initialization of VM)\\b.*")
                        .doesNotContain("cannot make", "cannot configure", "cannot set up"));
    }

    @Test
    void theCommandSeesOnlyItsOwnNetwork() {
        String seen = lab.sluice("run", "--", "sh", "-c", "ip -o -4 addr; ip route; cat /etc/resolv.conf")
                .output();
        assertThat(seen)
                .contains(
                        "inet 192.168.65.3/24",
                        "default via 192.168.65.1",
                        "nameserver 192.168.65.1",
                        "search example.test")
                .doesNotContain(Lab.HOST);
    }

    @Test
    void theCommandReachesAServerByTheHost() {
        assertThat(lab.sluice("run", "--", "curl", "-sf", "http://" + Lab.SERVER + "/bytes/3/10")
                        .output()
                        .length())
                .isPositive();
    }

    @Test
    void anOrdinaryUserNeedsNoRoot() {
        Program run = lab.sluiceAsOrdinaryUser(
                "run", "--", "sh", "-c", "id -u; curl -sf http://" + Lab.SERVER + "/bytes/3/1000 | sha256sum");
        assertThat(run.output()).contains(TestServers.digest(3, 1000));
    }

    @Test
    void standardInputIsTheCommands() throws IOException {
        Path input = Files.writeString(lab.folder().resolve("input"), "hello\n");
        Program run = lab.onHostReading(input, Lab.launcher().toString(), "run", "--", "cat");
        assertThat(run.output()).isEqualTo("hello\n");
    }

    @Test
    void nothingButTheCommandWritesToStandardOutput() {
        Program run = lab.sluice("run", "-v", "--", "echo", "x");
        assertThat(run.output()).isEqualTo("x\n");
    }

    /** An ordinary user's, whose published port needs a process inside the namespace: it is there before nothing can be started any more. */
    @Test
    void underSeccompSluiceIsConfinedAndTheCommandIsFree() {
        Program run = lab.sluiceAsOrdinaryUser(
                "run",
                "--seccomp",
                "-p",
                "127.0.0.1:18290:80",
                "--",
                "sh",
                "-c",
                "trap 'exit 3' TERM; grep ^Seccomp: /proc/self/status; curl -sf http://" + Lab.SERVER
                        + "/bytes/3/1000 | sha256sum; busybox httpd -p 80 -h /etc; echo ready; while :; do sleep 0.05; done");
        Await.until("the command serves", run::toString, () -> run.out().contains("ready") || !run.alive());
        assertThat(run.out()).as(run.toString()).contains("Seccomp:\t0\n", TestServers.digest(3, 1000));
        Await.until(
                "sluice is confined",
                run::toString,
                () -> Threads.status(lab, run, "Seccomp").equals(List.of("Seccomp: 2")));
        assertThat(lab.onHost("curl", "-sf", "http://127.0.0.1:18290/resolv.conf")
                        .output())
                .contains("nameserver 192.168.65.1");
        run.signal("TERM");
        assertThat(run.exitCode()).as(run.toString()).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"TERM", "HUP"})
    void aSignalIsPassedOn(String signal) {
        Program run = lab.sluice(
                "run",
                "--",
                "sh",
                "-c",
                "trap 'echo got " + signal + "; exit 3' " + signal + "; echo ready; while :; do sleep 0.05; done");
        Await.until("the command runs", run::toString, () -> run.out().contains("ready"));
        run.signal(signal);
        assertThat(run.exitCode()).isEqualTo(3);
        assertThat(run.out()).contains("got " + signal);
    }

    @Test
    void aKillOfSluiceEndsTheCommandToo() {
        Program run = lab.sluice("run", "--", "sh", "-c", "echo ready; sleep 1000 & sleep 1000");
        Await.until("the command runs", run::toString, () -> run.out().contains("ready"));
        run.signal("KILL");
        assertThat(run.exitCode()).isEqualTo(137);
        lab.awaitNothingLeft();
    }

    @Test
    void aProcessTheCommandLeavesBehindEndsWithIt() {
        assertThat(lab.sluice("run", "--", "sh", "-c", "setsid sleep 1000 & exit 0")
                        .exitCode())
                .isZero();
        lab.awaitNothingLeft();
    }

    @Test
    void theHostsLoopbackIsClosedUnlessAskedFor() {
        String url = "http://192.168.65.2:8123/";
        try (Program server = serverOnHost("127.0.0.1", 8123)) {
            assertThat(server.alive()).isTrue();
            assertThat(lab.sluice("run", "--host-loopback", "--", "curl", "-sf", "-o", "/dev/null", url)
                            .exitCode())
                    .isZero();
            // curl's exit code 7: refused
            assertThat(lab.sluice("run", "--", "curl", "-sf", "--max-time", "20", url)
                            .exitCode())
                    .isEqualTo(7);
        }
    }

    @Test
    void aPublishedPortLeadsIn() {
        try (Program run = lab.sluice("run", "-p", "18080:80", "--", "python3", "-m", "http.server", "80")) {
            Await.until(
                    "the server inside answers",
                    run::toString,
                    () -> lab.onHost("curl", "-sf", "-o", "/dev/null", "http://127.0.0.1:18080/")
                                    .exitCode()
                            == 0);
            assertThat(lab.onInternet("curl", "-sf", "-o", "/dev/null", "http://" + Lab.HOST + ":18080/")
                            .exitCode())
                    .isZero();
            run.signal("TERM");
            assertThat(run.exitCode()).isEqualTo(143);
        }
    }

    @Test
    void aPortThatIsTakenIsSaidAndNothingRuns() {
        try (Program server = serverOnHost("0.0.0.0", 18081)) {
            assertThat(server.alive()).isTrue();
            Program run = lab.sluice("run", "-p", "18081:80", "--", "echo", "ran");
            assertThat(run.exitCode()).isEqualTo(69);
            assertThat(run.out()).isEmpty();
            assertThat(run.err().lines()).singleElement().asString().contains("18081");
        }
    }

    /** Whatever of it fails. */
    @Test
    void anApiThatCanNotBeServedIsSaidAndNothingRuns() throws IOException {
        Path token = lab.folder().resolve("api-token");
        try (Program server = serverOnHost("127.0.0.1", 18082)) {
            assertThat(server.alive()).isTrue();
            assertNothingRuns("18082", "--api", "tcp:127.0.0.1:18082", "--api-token-file", token.toString());
        }
        Path bad = Files.createDirectory(lab.folder().resolve("no-token"));
        assertNothingRuns("" + bad, "--api", "tcp:127.0.0.1:18082", "--api-token-file", bad.toString());
        Path file = Files.writeString(lab.folder().resolve("no-socket"), "precious");
        assertNothingRuns("" + file, "--api", "unix:" + file);
        assertThat(file).hasContent("precious");
    }

    private static void assertNothingRuns(String said, String... options) {
        Path ran = lab.folder().resolve("ran");
        Program run =
                lab.sluice(Stream.of(Stream.of("run"), Stream.of(options), Stream.of("--", "touch", ran.toString()))
                        .flatMap(words -> words)
                        .toArray(String[]::new));
        assertThat(run.exitCode()).as(run.toString()).isEqualTo(69);
        assertThat(run.err().lines()).singleElement().asString().contains(said);
        assertThat(ran).doesNotExist();
    }

    private static Program serverOnHost(String address, int port) {
        Program server = lab.onHost("python3", "-m", "http.server", "--bind", address, "" + port);
        Await.until(
                "the server listens",
                server::toString,
                () -> lab.onHost("sh", "-c", "ss -Hltn sport = :" + port + " | grep -q .")
                                .exitCode()
                        == 0);
        return server;
    }

    @Test
    void anOverlappingSubnetIsAvoidedAndSaid() {
        lab.onHost("ip", "route", "add", "192.168.64.0/20", "via", Lab.ROUTER).output();
        try {
            Program run = lab.sluice("run", "--", "ip", "-o", "-4", "addr", "show", "tap0");
            assertThat(run.output()).contains("inet 192.168.165.3/24");
            assertThat(run.err().lines()).singleElement().asString().contains("192.168.64.0/20", "192.168.165.0/24");
        } finally {
            lab.onHost("ip", "route", "del", "192.168.64.0/20").output();
        }
    }

    @Test
    void aCaptureCanBeReadByTcpdump() {
        Needs.programs("tcpdump");
        Path file = lab.folder().resolve("run.pcap");
        assertThat(lab.sluice(
                                "run",
                                "--pcap",
                                file.toString(),
                                "--",
                                "curl",
                                "-sf",
                                "http://" + Lab.SERVER + "/bytes/1/9")
                        .exitCode())
                .isZero();
        assertThat(lab.onHost("tcpdump", "-n", "-r", file.toString(), "tcp port 80")
                        .output())
                .contains("192.168.65.3", "Flags [S]", "Flags [S.]", "GET /bytes/1/9");
    }

    @Test
    void aMissingDeviceIsSaidAndNothingRuns() {
        Program run = lab.onHost(
                "unshare", "-m", "sh", "-c", "mount -t tmpfs none /dev && exec " + Lab.launcher() + " run -- echo ran");
        assertThat(run.exitCode()).isEqualTo(69);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).contains("/dev/net/tun");
    }
}
