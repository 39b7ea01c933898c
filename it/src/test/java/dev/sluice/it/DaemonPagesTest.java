package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The examples of docs/commands.md and docs/capture.md that go on until somebody ends them, as they stand there. */
class DaemonPagesTest {
    private static final Path COMMANDS = Path.of("../docs/commands.md");
    private static final Path CAPTURE = Path.of("../docs/capture.md");

    /** Gives every example something to show: lookups, pings, refused connections, one that waits for an answer. */
    private static final String TRAFFIC = """
            import socket, subprocess
            print('ready', flush=True)
            while True:
                try: socket.gethostbyname('www.example.test')
                except OSError: pass
                for port in (1, 443):
                    try: socket.create_connection(('%1$s', port), 5).close()
                    except OSError: pass
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.sendto(b'x', ('192.168.65.1', 9999))
                s.close()
                subprocess.run(['ping', '-c', '1', '-w', '5', '192.168.65.1'], stdout=subprocess.DEVNULL)
            """;

    @RegisterExtension
    static final Lab lab = Lab.needing("python3", "ping", "tshark", "tcpdump", "nc", "jq");

    private Program inside;

    @BeforeAll
    static void startServers() {
        lab.server(TestServers.class);
    }

    @BeforeEach
    void makeNamespace() {
        inside = lab.inNew("--net");
    }

    @AfterEach
    void endNamespace() {
        inside.close();
    }

    private static List<String> lines(Path page, Predicate<String> which) throws IOException {
        return PagesTest.shown(page).stream().filter(which).toList();
    }

    /** Starts a line in the lab's folder, which stands for the reader's and for /tmp and /run. */
    private static Program shell(String line) {
        return lab.onHost(
                "sh",
                "-c",
                "cd " + lab.folder() + "; exec "
                        + line.replace("./sluice", Lab.launcher().toString())
                                .replaceAll("(/tmp|/run)/(vm|sluice-port-helper)", lab.folder() + "/$2"));
    }

    private static void end(String line, Program program) {
        program.signal("TERM");
        assertThat(program.exitCode()).as(line + "\n" + program).isZero();
    }

    private boolean has(String tap) {
        return lab.onHost("nsenter", "-t", "" + inside.pid(), "-n", "ip", "link", "show", "up", "dev", tap)
                .outputAtEnd()
                .contains(tap);
    }

    @Test
    void attachGivesANamespaceItsInterface() throws IOException {
        List<String> lines = lines(COMMANDS, line -> line.startsWith("./sluice attach "));
        assertThat(lines).hasSize(7);
        lab.onHost("mkfifo", lab.folder() + "/pipe").output();
        for (String line : lines) {
            String tap = line.contains("--tap eth0") ? "eth0" : "tap0";
            Program attach = shell(line.replaceAll("4242|\\$!", "" + inside.pid())
                    .replace("/run/netns/blue", "/proc/" + inside.pid() + "/ns/net"));
            Program keeper = line.contains("<pipe")
                    ? lab.onHost("sh", "-c", "exec sleep 1000 >" + lab.folder() + "/pipe")
                    : null;
            Await.until(line, attach::toString, () -> has(tap) || !attach.alive());
            assertThat(attach.alive()).as(line + "\n" + attach).isTrue();
            if (line.contains("3>ready")) {
                Await.until(
                        "its readiness is written",
                        attach::toString,
                        () -> lab.onHost("cat", lab.folder() + "/ready")
                                .output()
                                .equals("1"));
            }
            if (keeper != null) {
                keeper.close(); // the other end of the pipe
                assertThat(attach.exitCode()).as(line + "\n" + attach).isZero();
            } else {
                end(line, attach);
            }
            Await.until("the interface is gone", attach::toString, () -> !has(tap));
        }
    }

    @Test
    void serveListensForGuests() throws IOException {
        List<String> lines = lines(COMMANDS, line -> line.startsWith("./sluice serve "));
        assertThat(lines).hasSize(5);
        for (String line : lines) {
            Program serve = shell(line);
            Await.listening(serve, lab.folder().resolve("vm.sock"));
            end(line, serve);
            assertThat(lab.folder().resolve("vm.sock")).doesNotExist();
        }
    }

    @Test
    void theHelperBindsPort80() throws IOException {
        String helper = "sudo ./sluice port-helper --owner $(id -u) &";
        assertThat(Files.readString(COMMANDS)).contains("$ " + helper);
        List<String> lines = lines(COMMANDS, line -> line.contains("--port-helper /run/sluice-port-helper.sock"));
        assertThat(lines).hasSize(1);
        Program helping =
                shell(helper.replace("sudo ", "").replace(" &", "") + " --socket /run/sluice-port-helper.sock");
        Await.listening(helping, lab.folder().resolve("sluice-port-helper.sock"));
        Program run = shell(lines.getFirst());
        Await.until(
                "port 80 leads to it",
                run::toString,
                () -> lab.onHost("curl", "-s", "http://127.0.0.1/")
                                .outputAtEnd()
                                .contains("Directory listing")
                        || !run.alive());
        assertThat(run.alive()).as(run.toString()).isTrue();
        run.signal("TERM");
        run.exitCode();
        helping.signal("TERM");
        helping.exitCode();
        assertThat(lab.folder().resolve("sluice-port-helper.sock")).doesNotExist();
    }

    @Test
    void eventsAndFramesAreShownAsTheyCome() throws IOException {
        List<String> events = lines(COMMANDS, line -> line.startsWith("./sluice events"));
        List<String> captures =
                lines(CAPTURE, line -> line.startsWith("./sluice capture") && !line.contains("wireshark"));
        assertThat(events).hasSizeGreaterThan(3);
        assertThat(captures).hasSizeGreaterThan(7);
        try (Program traffic =
                lab.sluice("run", "--capture-rings", "--", "python3", "-c", TRAFFIC.formatted(Lab.SERVER))) {
            Await.until(
                    "there is traffic", traffic::toString, () -> traffic.out().contains("ready") || !traffic.alive());
            Await.until(
                    "the control socket answers",
                    traffic::toString,
                    () -> lab.sluice("status", "" + traffic.pid()).exitCode() == 0);
            for (String line : events) {
                try (Program shown = shell(line.replace("./sluice events", "./sluice events --pid " + traffic.pid()))) {
                    boolean filtered = line.contains("|"); // jq keeps what it has until its input ends
                    Await.until(line, shown::toString, () -> !shown.out().isBlank() || filtered || !shown.alive());
                    assertThat(shown.alive()).as(line + "\n" + shown).isTrue();
                }
            }
            for (String line : captures) {
                // one frame is enough where the page goes on for ever
                boolean ends =
                        line.matches(".*( -c | --count ).*") || line.contains("--ring") && !line.contains(" -f ");
                String own = line.replaceFirst("capture( 4242)?", "capture " + traffic.pid() + (ends ? "" : " -c 1"))
                        .replace("not host 192.168.65.3", "not host 192.168.65.77"); // the reader's other guest
                Program once = lab.onHost(
                        "bash",
                        "-c",
                        "set -o pipefail; cd " + lab.folder() + "; "
                                + own.replace("./sluice", Lab.launcher().toString()));
                assertThat(once.exitCode()).as(own + "\n" + once).isZero();
            }
        }
    }
}
