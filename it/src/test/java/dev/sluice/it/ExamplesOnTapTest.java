package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.examples.Echo;
import dev.sluice.examples.FirstEcho;
import dev.sluice.examples.Load;
import dev.sluice.examples.TinyHttp;
import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What docs/stack.md shows, done by the programs it names: a bridge, TAPs on it, and hosts of our own behind them. */
class ExamplesOnTapTest {
    @RegisterExtension
    static final Lab lab = Lab.needing("nc", "curl", "ip", "ping");

    @BeforeAll
    static void makeInterfaces() {
        sh("ip link add br0 type bridge && ip addr add 10.0.0.1/24 dev br0 && ip link set br0 up"
                + " && ip addr add fd00:7::1/64 dev br0 nodad");
        for (String tap : new String[] {"tap0", "tap1", "tap2", "tap3"}) {
            sh("ip tuntap add " + tap + " mode tap user 65534 && ip link set " + tap + " master br0 up");
        }
    }

    private static String sh(String line) {
        return lab.onHost("sh", "-c", line).output();
    }

    private static Program example(Class<?> main, String... arguments) {
        return lab.onHost(commandLine(main, arguments));
    }

    private static String[] commandLine(Class<?> main, String... arguments) {
        String[] java = {
            Path.of(System.getProperty("java.home", ""), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "-Xmx128m",
            "-XX:TieredStopAtLevel=1",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path", ""),
            main.getName()
        };
        return Stream.concat(Stream.of(java), Stream.of(arguments)).toArray(String[]::new);
    }

    private static Program ready(Program program) {
        Await.until(
                "the example is ready", program::toString, () -> program.out().contains("ready:") || !program.alive());
        assertThat(program.alive()).as(program.toString()).isTrue();
        return program;
    }

    @Test
    void anOrdinaryUserOpensTheTapThatRootHasMadeForIt() {
        try (Program echo = ready(lab.asOrdinaryUser(commandLine(FirstEcho.class)))) {
            assertThat(echo.out()).isEqualTo("ready: echo on 10.0.0.2/24 port 9000\n");
            assertThat(sh("echo hello | nc -N 10.0.0.2 9000")).isEqualTo("hello\n");
        }
    }

    @Test
    void aTapOfSomebodyElseIsRefusedWithAdvice() {
        sh("ip tuntap add other0 mode tap user 0");
        Program echo = lab.asOrdinaryUser(commandLine(Echo.class, "--tap", "other0"));
        assertThat(echo.exitCode()).isEqualTo(1);
        assertThat(echo.err()).contains("ip tuntap add other0 mode tap user");
    }

    @Test
    void ncGetsBackWhatItSendsToTheEchoServer() throws Exception {
        byte[] random = new byte[3 << 20];
        new Random(4).nextBytes(random);
        Path sent = Files.write(lab.folder().resolve("sent"), random);
        Path got = lab.folder().resolve("got");
        try (Program echo = ready(example(Echo.class, "--tap", "tap0", "--address", "10.0.0.2/24"))) {
            assertThat(echo.out()).contains("10.0.0.2/24 port 9000");
            assertThat(sh("echo hello | nc -N 10.0.0.2 9000")).isEqualTo("hello\n");
            sh("nc -N 10.0.0.2 9000 <" + sent + " >" + got);
            assertThat(Files.mismatch(sent, got)).isEqualTo(-1);
            assertThat(sh("ping -c 2 -i 0.2 -W 20 10.0.0.2")).contains(" 0% packet loss");
            // Load is a third host on the same bridge.
            Program load = example(
                    Load.class,
                    "--tap",
                    "tap1",
                    "--address",
                    "10.0.0.3/24",
                    "--to",
                    "10.0.0.2:9000",
                    "--connections",
                    "20",
                    "--seconds",
                    "1");
            assertThat(load.output()).contains("messages", ", 0 connections failed");
        }
    }

    @Test
    void theKernelTalksToTheEchoServerOverIpv6() throws Exception {
        byte[] random = new byte[3 << 20];
        new Random(6).nextBytes(random);
        Path sent = Files.write(lab.folder().resolve("sent6"), random);
        Path got = lab.folder().resolve("got6");
        try (Program echo =
                ready(example(Echo.class, "--tap", "tap3", "--address", "10.0.0.7/24", "--ipv6", "fd00:7::7/64"))) {
            assertThat(echo.out()).contains("10.0.0.7/24 and fd00:7::7/64 port 9000");
            assertThat(sh("echo hello | nc -6 -N fd00:7::7 9000")).isEqualTo("hello\n");
            sh("nc -6 -N fd00:7::7 9000 <" + sent + " >" + got);
            assertThat(Files.mismatch(sent, got)).isEqualTo(-1);
            // Also in fragments, and by the address that every node of the link has.
            assertThat(sh("ping -6 -c 2 -i 0.2 -W 20 fd00:7::7")).contains(" 0% packet loss");
            assertThat(sh("ping -6 -c 2 -i 0.2 -W 20 -s 4000 fd00:7::7")).contains(" 0% packet loss");
            String linkLocal = sh("ip -6 neigh show dev br0; ping -6 -c 1 -W 20 ff02::1%br0 | grep -m1 'from fe80'");
            assertThat(linkLocal).contains("fe80");
            // What the kernel knows of us it has by neighbour discovery.
            assertThat(sh("ip -6 neigh show fd00:7::7 dev br0")).contains("lladdr");
            assertThat(sh("echo hello | nc -N 10.0.0.7 9000")).isEqualTo("hello\n");
        }
    }

    @Test
    void curlFetchesFromTheWebServer() {
        try (Program http = ready(example(TinyHttp.class, "--tap", "tap2", "--address", "10.0.0.4/24"))) {
            assertThat(http.out()).contains("ready: http://10.0.0.4/\n");
            assertThat(sh("curl -sf http://10.0.0.4/")).contains("hello");
            assertThat(sh("curl -sf http://10.0.0.4/bytes/5000000 http://10.0.0.4/bytes/7 | wc -c")
                            .strip())
                    .isEqualTo("5000007");
        }
    }
}
