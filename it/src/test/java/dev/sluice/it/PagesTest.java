package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The examples of docs/api.md and docs/commands.md as they stand there, asked of a network that runs; {@link DaemonPagesTest} has those that go
 * on until they are ended, and other pages have tests of their own.
 */
class PagesTest {
    /** What is asked, rather than started. */
    private static final Pattern ASKING =
            Pattern.compile("./sluice (ports|status|top|flows|guests|dns|config|proxy|explain|diagnose)\\b.*");
    /** Ask the world beyond the lab; {@link ExplainTest} and {@link ProxyTest} ask the same of servers of their own. */
    private static final Pattern OUTSIDE = Pattern.compile(".*(example\\.com|proxy\\.corp\\.example).*");

    @RegisterExtension
    static final Lab lab = Lab.needing("curl", "python3");

    private Program guest;
    private String socket;

    @BeforeAll
    static void startServers() {
        lab.server(TestServers.class);
    }

    @BeforeEach
    void start() throws IOException {
        Path file = Files.writeString(lab.folder().resolve("config.yaml"), "dns: {records: [a.test=192.0.2.1]}\n");
        guest = lab.sluice("run", "--config", file.toString(), "--", "sh", "-c", "echo ready; sleep 1000");
        Await.until("the guest runs", guest::toString, () -> guest.out().contains("ready") || !guest.alive());
        String folder = lab.onHost("sh", "-c", "echo ${XDG_RUNTIME_DIR:+$XDG_RUNTIME_DIR/sluice}")
                .output()
                .strip();
        socket = (folder.isEmpty() ? "/tmp/sluice-0" : folder) + "/" + guest.pid() + ".sock";
        Await.listening(guest, Path.of(socket));
    }

    @AfterEach
    void endGuest() {
        guest.close();
    }

    /** Runs a line in the lab's folder, which stands for the reader's and for /tmp. */
    private Program shell(String line) {
        String own = line.replace("./sluice", Lab.launcher().toString()).replace("/tmp/token", lab.folder() + "/token");
        return lab.onHost("sh", "-c", "cd " + lab.folder() + "; socket=" + socket + "; " + own);
    }

    @Test
    void theApisPageIsTrue() throws IOException {
        List<Examples.Example> examples = Examples.of(Path.of("../docs/api.md"));
        assertThat(examples).hasSizeGreaterThan(10);
        assertThat(examples.getFirst().command()).startsWith("socket=$(ls ${XDG_RUNTIME_DIR:-/tmp}/sluice*/*.sock)");
        List<Program> begun = new ArrayList<>();
        for (Examples.Example example : examples.subList(1, examples.size())) {
            String command = example.command();
            if (command.endsWith(" &")) {
                Program other = shell("exec " + command.substring(0, command.length() - 2));
                begun.add(other);
                Await.listening(other, 8099);
            } else if (command.contains("/v1/events")) {
                try (Program events = shell("exec " + command)) {
                    Await.until(
                            "somebody listens",
                            events::toString,
                            () -> events.out().contains(": listening"));
                }
            } else {
                Program asked = shell(command.replace("curl -s ", "curl -s -w '\\n%{http_code}' "));
                String answer = asked.output();
                int end = answer.lastIndexOf('\n');
                if (example.output().isEmpty()) {
                    assertThat(answer.substring(end + 1)).as(asked.toString()).isEqualTo("200");
                } else {
                    assertThat(answer.substring(0, end).strip())
                            .isEqualTo(example.output().strip());
                }
            }
        }
        begun.forEach(Program::close);
    }

    @Test
    void theCommandsPageIsTrue() throws IOException {
        int asked = 0;
        for (String line : shown(Path.of("../docs/commands.md"))) {
            if (!ASKING.matcher(line).matches() || OUTSIDE.matcher(line).matches()) {
                continue;
            }
            asked++;
            if (line.startsWith("./sluice ports remove")) {
                // what the line before it in the page has removed already
                shell("./sluice ports add 8080:80 5353:53/udp 8100-8199:9100-9199 --pid " + guest.pid())
                        .exitCode();
            }
            boolean schema = line.startsWith("./sluice config schema")
                    || line.matches("./sluice config (check|show) config.yaml");
            String own =
                    line.replaceAll(" --pid 4242", "").replaceAll(" #.*", "").strip();
            Matcher command = Pattern.compile("(.*?)( [|>].*)?").matcher(own);
            assertThat(command.matches()).isTrue();
            String whole = command.group(1) + (schema ? "" : " --pid " + guest.pid());
            whole = whole.replaceAll("(status|diagnose)(.*) --pid ([0-9]+)", "$1$2 $3");
            if (line.contains("--watch")) {
                try (Program watching = shell("exec " + whole)) {
                    Await.until(
                            line + " shows something",
                            watching::toString,
                            () -> !watching.out().isBlank() || !watching.alive());
                    assertThat(watching.alive()).as(watching.toString()).isTrue();
                }
            } else {
                Program once = shell(whole);
                // nobody has such a flow here
                int expected = line.contains("flows cut") ? 69 : 0;
                assertThat(once.exitCode()).as(line + "\n" + once).isEqualTo(expected);
            }
        }
        assertThat(asked).isGreaterThan(50);
    }

    /** Of those that run something: what ends by itself and needs nobody outside. */
    @Test
    void theCommandsPagesRunsAreTrue() throws IOException {
        Pattern finite = Pattern.compile(
                "./sluice run .*-- (ip .*|bash|true|getent hosts (db\\.test|www\\.test|my\\.host|my\\.vm)|ping .*)");
        Files.writeString(lab.folder().resolve("my.yaml"), "network: {mtu: 1400}\n");
        Files.writeString(lab.folder().resolve("my-hosts"), "192.0.2.8 www.test\n");
        List<String> run = new ArrayList<>();
        for (String line : shown(Path.of("../docs/commands.md"))) {
            if (finite.matcher(line).matches()) {
                Program once = shell(line);
                assertThat(once.exitCode()).as(line + "\n" + once).isZero();
                run.add(line);
            }
        }
        assertThat(run).hasSizeGreaterThan(12);
    }

    /** Lines after a prompt, and the code in cells of tables, in the page's order. */
    static Set<String> shown(Path page) throws IOException {
        Set<String> lines = new LinkedHashSet<>();
        Pattern pattern = Pattern.compile("^\\$ (\\./sluice .*)$|\\| `(\\./sluice [^`]*)` \\|");
        for (String line : Files.readAllLines(page)) {
            Matcher found = pattern.matcher(line);
            while (found.find()) {
                lines.add((found.group(1) == null ? found.group(2) : found.group(1)).replace("\\|", "|"));
            }
        }
        return lines;
    }
}
