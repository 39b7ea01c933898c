package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** How much memory a gateway takes, as the system counts it. */
class FootprintTest {
    private static final int FLOWS = 2000;
    private static final long MIB = 1 << 20;

    @Test
    void anIdleGatewayIsSmallAndSoIsAnIdleFlow() throws IOException {
        try (Lab lab = Lab.open("python3")) {
            lab.server(TestServers.class);
            Program guest = lab.inNew("--net");
            Program attach = lab.sluice("attach", "--configure", "--ready-fd", "1", "" + guest.pid());
            Await.until(
                    "the network works", attach::toString, () -> attach.out().equals("1") || !attach.alive());
            assertThat(attach.alive()).as(attach.toString()).isTrue();
            assertThat(resident(attach)).as("bytes of an idle gateway").isLessThan(80 * MIB);

            // the first flows pay for code that all share
            assertThat(connect(lab, guest, 10).out()).contains("connected");
            long before = resident(attach);
            Program flows = connect(lab, guest, FLOWS);
            assertThat(flows.out()).contains("connected");
            // They have just all spoken at once: idle flows are those whose buffers have gone back.
            Await.until(
                    FLOWS + " idle flows cost less than 20 MiB",
                    () -> (resident(attach) - before) + " bytes",
                    () -> resident(attach) - before < 20 * MIB);
            assertThat(flows.alive()).as(flows.toString()).isTrue();
        }
    }

    /** Whatever it does on the way: a flow, a lookup, and turns of the loop that take long because all is new. */
    @Test
    void theFlightRecorderIsNotLoadedUntilItIsUsed() throws IOException {
        try (Lab lab = Lab.open("curl")) {
            lab.server(TestServers.class);
            Path loaded = lab.folder().resolve("loaded");
            Program run = lab.onHost(
                    "env",
                    "SLUICE_JAVA_OPTS=-Xlog:class+init=info:file=" + loaded,
                    Lab.launcher().toString(),
                    "run",
                    "--",
                    "curl",
                    "-sf",
                    "http://" + Lab.SERVER + "/bytes/1/1000");
            assertThat(run.output()).isNotEmpty();
            assertThat(Files.readAllLines(loaded))
                    .anyMatch(line -> line.contains("'dev/sluice/gateway/Gateway'"))
                    .noneMatch(line -> line.contains("'jdk/jfr/internal/"));
        }
    }

    /** The JVM says nothing of a method that it does not find, so one that got another name would be compiled everywhere again. */
    @Test
    void theMethodsThatAreNotToBeCompiledIntoTheirCallersAreThere() throws IOException {
        Path home = Lab.launcher().getParent();
        String flags = Files.readString(home.resolve("tools/build.sh"));
        List<String> methods = Pattern.compile("[\\w.]+::\\w+")
                .matcher(flags)
                .results()
                .map(found -> found.group().replaceFirst("^dev\\.sluice\\.", ""))
                .toList();
        assertThat(methods).hasSizeGreaterThan(5).doesNotHaveDuplicates();
        for (String method : methods) {
            String[] parts = method.split("::");
            String module = parts[0].substring(0, parts[0].indexOf('.'));
            Path source = home.resolve(module + "/src/main/java/dev/sluice/" + parts[0].replace('.', '/') + ".java");
            assertThat(source).content().contains(" " + parts[1] + "(");
        }
    }

    /** No bar of time: whatever the start left to do may take as long as it likes on a busy machine, but it must end. */
    @Test
    void anIdleGatewaySleeps() throws IOException {
        try (Lab lab = Lab.open()) {
            Program guest = lab.inNew("--net");
            Program attach = lab.sluiceAttachedToMount(lab.folder().resolve("namespace"), guest);
            Await.until(
                    "the network works", attach::toString, () -> attach.out().equals("1"));
            Await.until("fewer than 2 wake-ups in a second", attach::toString, () -> wakeUpsIn(attach, 3) < 6);
        }
    }

    /** The threads themselves tell how nice they are, from within the namespace. */
    @Test
    void whoIsStartedNiceIsNiceWithAllItsThreads() throws IOException {
        try (Lab lab = Lab.open()) {
            Program run = lab.onHost(
                    "nice",
                    "-n",
                    "7",
                    Lab.launcher().toString(),
                    "run",
                    "--",
                    "sh",
                    "-c",
                    "echo ready; exec sleep 1000");
            Await.until("COMMAND runs", run::toString, () -> run.out().contains("ready"));
            List<String> nice = new ArrayList<>();
            try (var threads = Files.list(Path.of("/proc/" + run.pid() + "/task"))) {
                for (Path thread : threads.toList()) {
                    String stat = Files.readString(thread.resolve("stat"));
                    nice.add(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[16]);
                }
            }
            assertThat(nice).hasSizeGreaterThan(5);
            assertThat(Set.copyOf(nice)).as("one for all").hasSize(1).doesNotContain("0");
        }
    }

    /** How often the program's threads went to sleep, which is how often they had been awake, in some seconds. */
    private static long wakeUpsIn(Program program, int seconds) {
        long before = sleeps(program);
        try {
            Thread.sleep(seconds * 1000L);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        long after = sleeps(program);
        return before < 0 || after < 0 ? Long.MAX_VALUE : after - before;
    }

    private static long sleeps(Program program) {
        long sum = 0;
        try (var threads = Files.list(Path.of("/proc/" + program.pid() + "/task"))) {
            for (Path thread : threads.toList()) {
                for (String line : Files.readAllLines(thread.resolve("status"))) {
                    if (line.startsWith("voluntary_ctxt_switches:")) {
                        sum += Long.parseLong(
                                line.substring(line.indexOf(':') + 1).strip());
                    }
                }
            }
        } catch (IOException e) {
            // a thread ended while we looked: not idle yet
            return -1;
        }
        return sum;
    }

    private static Program connect(Lab lab, Program guest, int flows) {
        String script = """
                import resource, socket, sys, time
                resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
                held = [socket.create_connection(('%s', 7004), 60) for i in range(%d)]
                for s in held: s.sendall(b'x')
                for s in held: assert s.recv(1) == b'x'
                print('connected', flush=True)
                time.sleep(1000)
                """.formatted(Lab.SERVER, flows);
        Program client = lab.onHost("nsenter", "-t", "" + guest.pid(), "-n", "python3", "-c", script);
        Await.until(
                "all flows are open", client::toString, () -> client.out().contains("connected") || !client.alive());
        return client;
    }

    private static long resident(Program program) {
        try {
            String statm = Files.readString(Path.of("/proc/" + program.pid() + "/statm"));
            return Long.parseLong(statm.split(" ")[1]) * 4096;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
