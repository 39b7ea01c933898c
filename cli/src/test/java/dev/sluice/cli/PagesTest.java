package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cli.options.HelpText;
import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.options.UsageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every command line of ours that a page shows is one that its command understands; that most of them do what they say, integration tests show. */
class PagesTest {
    private static final Path ROOT = Path.of("..");
    /** What may stand before it: sudo, variables of the environment. */
    private static final String BEFORE = "(?:sudo |[A-Za-z_]+=\\S+ )*";
    /** In a block after the prompt, or as the code of a table's cell. */
    private static final Pattern LINE =
            Pattern.compile("^\\$ " + BEFORE + "\\./(sluice .*)$|`" + BEFORE + "\\./(sluice [^`]*)`");
    /** As the help lists them: letter, name. */
    private static final Pattern OPTION = Pattern.compile("^  (?:-(.),|   ) (--[a-z0-9-]+)", Pattern.MULTILINE);
    /** A shell's word: quoted in one of two ways, or neither. */
    private static final Pattern WORD = Pattern.compile("'([^']*)'|\"([^\"]*)\"|([^\\s'\"]+)");

    static Stream<Path> pages() throws IOException {
        List<Path> pages = new ArrayList<>(List.of(ROOT.resolve("README.md"), ROOT.resolve("bench/README.md")));
        try (Stream<Path> all = Files.list(ROOT.resolve("docs"))) {
            all.filter(page -> page.toString().endsWith(".md")).forEach(pages::add);
        }
        return pages.stream();
    }

    @ParameterizedTest
    @MethodSource("pages")
    void everyLineIsUnderstood(Path page) throws IOException {
        for (String line : Files.readAllLines(page)) {
            Matcher found = LINE.matcher(line);
            while (found.find()) {
                String shown = found.group(1) == null ? found.group(2) : found.group(1);
                if (!shown.contains("…") && !shown.matches(".* (COMMAND|ARGUMENT|DIR|PROGRAM|PID)\\b.*")) {
                    assertUnderstood(page + ": " + shown, words(shown));
                }
            }
        }
    }

    /** The other way round: each option stands in the first column of a table, and in a line that can be typed. */
    @Test
    void everyOptionIsExplainedAndShown() throws IOException {
        Set<String> explained = new TreeSet<>();
        Set<String> shown = new TreeSet<>();
        for (Path page : pages().toList()) {
            for (String line : Files.readAllLines(page)) {
                if (line.startsWith("| `")) {
                    addOptions(line.split(" \\| ")[0], explained);
                }
                Matcher found = LINE.matcher(line);
                while (found.find()) {
                    addOptions(found.group(), shown);
                }
            }
        }
        for (Syntax syntax : Sluice.syntaxes()) {
            Matcher option = OPTION.matcher(HelpText.of(syntax));
            while (option.find()) {
                String name = option.group(2);
                if (!Set.of("--help", "--version").contains(name)) {
                    assertThat(explained).as(syntax.name()).contains(name);
                    assertThat(shown).as(syntax.name()).containsAnyOf(name, "-" + option.group(1));
                }
            }
        }
    }

    private static void addOptions(String text, Set<String> all) {
        Pattern.compile("(?<![\\w-])--?[a-zA-Z][a-z0-9-]*")
                .matcher(text)
                .results()
                .forEach(option -> all.add(option.group()));
    }

    /** Up to where the shell's part begins, with something in the place of what the shell would put there. */
    private static List<String> words(String line) {
        String own = line.replace("\\|", "|").replaceAll("\\$\\([^)]*\\)|\\$!|\\$[a-z]+", "1");
        own = own.replaceAll("( [0-9]?[<>]| \\||;| &| # ?| {3,}#).*$", "");
        List<String> words = new ArrayList<>();
        Matcher word = WORD.matcher(own);
        while (word.find()) {
            words.add(word.group(1) != null ? word.group(1) : word.group(2) != null ? word.group(2) : word.group(3));
        }
        return words.subList(1, words.size());
    }

    private static void assertUnderstood(String where, List<String> words) {
        if (words.getFirst().startsWith("-")) {
            assertThat(words.getFirst()).as(where).isIn("--help", "--version");
            return;
        }
        Command command = Sluice.command(words.getFirst());
        assertThat(command).as(where).isNotNull();
        Syntax.Outcome outcome;
        try {
            outcome = command.syntax().parse(words.subList(1, words.size()));
        } catch (UsageException e) {
            throw new AssertionError(where + ": " + e.getMessage(), e);
        }
        assertThat(outcome).as(where).isNotNull();
    }
}
