package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What docs/rfc9293.md and docs/testing.md claim: every requirement has a line, every named test exists. */
class Rfc9293Test {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Pattern TEST = Pattern.compile("`([A-Z][A-Za-z0-9]*Test)\\.([a-z][A-Za-z0-9]*)`");

    private static String document(String name) throws IOException {
        return Files.readString(ROOT.resolve("docs").resolve(name));
    }

    @Test
    void everyRequirementHasALine() throws IOException {
        String text = document("rfc9293.md");
        List<String> missing = new ArrayList<>();
        for (int i = 1; i <= 69; i++) {
            if (!text.contains("\n| MUST-" + i + " |")) {
                missing.add("MUST-" + i);
            }
        }
        for (int i = 1; i <= 31; i++) {
            if (!text.contains("\n| SHLD-" + i + " |")) {
                missing.add("SHLD-" + i);
            }
        }
        assertThat(missing).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"rfc9293.md, 90", "testing.md, 100"})
    void everyNamedTestExists(String name, int atLeast) throws IOException {
        Map<String, String> sources = new HashMap<>();
        try (Stream<Path> files = Files.walk(ROOT)) {
            for (Path file : files.filter(f -> f.toString().contains("/src/test/java/")
                            && f.getFileName().toString().endsWith("Test.java"))
                    .toList()) {
                sources.merge(
                        file.getFileName().toString().replace(".java", ""), Files.readString(file), String::concat);
            }
        }
        List<String> missing = new ArrayList<>();
        int named = 0;
        Matcher matcher = TEST.matcher(document(name));
        while (matcher.find()) {
            named++;
            String source = sources.getOrDefault(matcher.group(1), "");
            if (!Pattern.compile("\\bvoid " + matcher.group(2) + "\\(")
                    .matcher(source)
                    .find()) {
                missing.add(matcher.group());
            }
        }
        assertThat(missing).isEmpty();
        assertThat(named).isGreaterThan(atLeast);
    }
}
