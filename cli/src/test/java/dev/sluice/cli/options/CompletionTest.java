package dev.sluice.cli.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The script, as bash itself understands it. */
class CompletionTest {
    private static final List<Syntax> COMMANDS = List.of(
            new Syntax("tool run", "").option("--mtu", "N", "", _ -> {}).option("--mac", "A", "", _ -> {}),
            new Syntax("tool status", "").flag("--json", "", () -> {}),
            new Syntax("tool secret", "").hide());

    /** The words typed so far, the last one being completed ("_": empty), and what may follow. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            _                | run status --help --version
            r                | run
            s                | status
            run --m          | --mtu --mac
            run --json x --  | --mtu --mac --help --version
            status --j       | --json
            status _         | ''
            run --mtu _      | ''
            nothing --       | ''
            """)
    void bashCompletes(String typed, String expected) throws IOException, InterruptedException {
        assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "bash is not installed");
        String words = "tool " + typed.replace("_", "''");
        String script = Completion.bash(new Syntax("tool", ""), COMMANDS) + "COMP_WORDS=(" + words
                + "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _tool; echo \"${COMPREPLY[*]}\"";
        Process bash = new ProcessBuilder("/bin/bash", "-uc", script)
                .redirectErrorStream(true)
                .start();
        String out = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(bash.waitFor()).as(out).isZero();
        assertThat(out.strip()).isEqualTo(expected);
    }
}
