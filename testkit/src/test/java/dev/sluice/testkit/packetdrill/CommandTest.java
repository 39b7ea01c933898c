package dev.sluice.testkit.packetdrill;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CommandTest {
    private static final String PASSES = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";
    private static final String FAILS = PASSES + "+0 close(9) = 0\n";
    private static final String UNSUPPORTED = PASSES + "+0 fork() = 0\n";

    @TempDir
    Path folder;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int run(String... arguments) {
        return Main.run(
                arguments,
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8));
    }

    private String lastLine() {
        return out.toString(StandardCharsets.UTF_8).lines().reduce("", (a, b) -> b);
    }

    @Test
    void foldersAreSearchedAndTheLastLineCounts() throws Exception {
        Files.createDirectories(folder.resolve("deep/er"));
        Files.writeString(folder.resolve("deep/a.pkt"), PASSES);
        Files.writeString(folder.resolve("deep/er/b.pkt"), UNSUPPORTED);
        Files.writeString(folder.resolve("README.md"), "nothing");
        assertThat(run(folder.toString())).isZero();
        assertThat(lastLine()).isEqualTo("1 passed, 0 failed, 1 unsupported");
    }

    @Test
    void failuresSayWhereWhatAndGiveStatusOne() throws Exception {
        Path script = Files.writeString(folder.resolve("f.pkt"), FAILS);
        assertThat(run(script.toString())).isEqualTo(1);
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("""
                        %s:2: close() gave another result
                          expected: close(9) = 0
                          seen:     -1 EBADF
                        0 passed, 1 failed, 0 unsupported
                        """.formatted(script));
    }

    @Test
    void resultsGoToJson() throws Exception {
        Files.writeString(folder.resolve("a.pkt"), PASSES);
        Files.writeString(folder.resolve("b.pkt"), FAILS);
        Path json = folder.resolve("out.json");
        assertThat(run("--json", json.toString(), folder.toString())).isEqualTo(1);
        assertThat(Files.readString(json))
                .contains("\"passed\": 1", "\"failed\": 1", "\"unsupported\": 0")
                .contains("\"line\": 2", "\"expected\": \"close(9) = 0\"", "\"seen\": \"-1 EBADF\"");
    }

    @Test
    void manyScriptsRunAtOnceAndAreToldInTheirOrder() throws Exception {
        StringBuilder expected = new StringBuilder();
        for (int i = 100; i < 400; i++) {
            Path script = folder.resolve(i + ".pkt");
            switch (i % 4) {
                case 0 -> Files.writeString(script, PASSES);
                case 1 -> Files.writeString(script, UNSUPPORTED);
                case 2 -> Files.writeString(script, FAILS);
                default -> Files.write(script, new byte[i]);
            }
            expected.append(i % 4 == 0 ? "" : i + ".pkt ");
        }
        assertThat(run(folder.toString())).isEqualTo(1);
        assertThat(lastLine()).isEqualTo("75 passed, 150 failed, 75 unsupported");
        StringBuilder told = new StringBuilder();
        out.toString(StandardCharsets.UTF_8)
                .lines()
                .filter(line -> line.contains(".pkt:"))
                .forEach(line -> told.append(line, line.indexOf(".pkt:") - 3, line.indexOf(".pkt:"))
                        .append(".pkt "));
        assertThat(told).hasToString(expected.toString());
    }

    @Test
    void aScriptThatIsTooLargeIsCountedAndTheOthersRun() throws Exception {
        Files.write(folder.resolve("a.pkt"), " ".repeat(10 << 20).getBytes(StandardCharsets.UTF_8));
        Files.writeString(folder.resolve("b.pkt"), PASSES);
        Files.writeString(folder.resolve("c.pkt"), "");
        assertThat(run(folder.toString())).isEqualTo(1);
        assertThat(lastLine()).isEqualTo("1 passed, 1 failed, 1 unsupported");
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("a.pkt:1: unsupported: a script of more than");
    }

    @Test
    void symbolsAreDefinedOnTheCommandLine() throws Exception {
        Path script = Files.writeString(folder.resolve("a.pkt"), "0 socket(KIND, SOCK_STREAM, NUMBER) = 3\n");
        assertThat(run("--define=KIND=AF_INET", "--define=NUMBER=IPPROTO_TCP", script.toString()))
                .isZero();
        assertThat(lastLine()).isEqualTo("1 passed, 0 failed, 0 unsupported");
    }

    @Test
    void mistakesGiveStatusTwo() {
        assertThat(run()).isEqualTo(2);
        assertThat(run("--frob", "x")).isEqualTo(2);
        assertThat(run("--dialect", "hpux", "x")).isEqualTo(2);
        assertThat(run("--json")).isEqualTo(2);
        assertThat(run(folder.resolve("nothing.pkt").toString())).isEqualTo(2);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("nothing.pkt does not exist");
        assertThat(run("--help")).isZero();
    }
}
