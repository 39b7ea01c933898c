package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A log line that takes parameters is a pattern of {@link java.text.MessageFormat}: a single apostrophe there hides what follows it. */
class LogPatternsTest {
    private static final Path ROOT = Path.of("..");
    /** A text in the source, of one piece or several. */
    private static final Pattern TEXT =
            Pattern.compile("\"(?:[^\"\\\\\n]|\\\\.)*+\"(?:\\s*\\+\\s*\"(?:[^\"\\\\\n]|\\\\.)*+\")*+");

    @Test
    void everyApostropheOfAPatternIsDoubled() throws IOException {
        List<String> patterns = new ArrayList<>();
        try (Stream<Path> modules = Files.list(ROOT)) {
            for (Path sources : modules.map(module -> module.resolve("src/main/java"))
                    .filter(Files::isDirectory)
                    .toList()) {
                try (Stream<Path> all = Files.walk(sources)) {
                    for (Path file : all.filter(each -> each.toString().endsWith(".java"))
                            .toList()) {
                        TEXT.matcher(Files.readString(file))
                                .results()
                                .map(MatchResult::group)
                                .filter(text -> text.contains("{0}"))
                                .forEach(text -> patterns.add(file.getFileName() + ": " + text));
                    }
                }
            }
        }
        assertThat(patterns)
                .hasSizeGreaterThan(30)
                .allSatisfy(pattern -> assertThat(pattern.replace("''", "")).doesNotContain("'"));
    }
}
