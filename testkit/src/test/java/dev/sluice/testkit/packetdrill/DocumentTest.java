package dev.sluice.testkit.packetdrill;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The examples of docs/packetdrill.md. */
class DocumentTest {
    private static final Pattern EXAMPLE = Pattern.compile("```packetdrill\n(.*?)```", Pattern.DOTALL);

    @Test
    void theExamplesPass() throws Exception {
        Path document = Path.of("..", "docs", "packetdrill.md");
        Matcher examples = EXAMPLE.matcher(Files.readString(document));
        int count = 0;
        while (examples.find()) {
            String name = "example " + ++count;
            assertThat(new Suite(null, Map.of()).run(name, examples.group(1))).isEqualTo(Verdict.passed(name));
        }
        assertThat(count).isEqualTo(3);
    }
}
