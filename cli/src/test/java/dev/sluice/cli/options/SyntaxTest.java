package dev.sluice.cli.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SyntaxTest {
    /** What the syntax gave to its owner, in order. */
    private final List<String> taken = new ArrayList<>();

    private Syntax syntax() {
        return new Syntax("tool go", "Goes.")
                .repeatable("-p, --port", "PORT", "A port.", text -> taken.add("port " + text))
                .option("--size", "N", "A size.", text -> taken.add("size " + Value.integer(text)))
                .flag("-v, --verbose", "Says more.", () -> taken.add("verbose"))
                .flag("-q, --quiet", "Says less.", () -> taken.add("quiet"))
                .optionalParameter("WORD", "A word.", text -> taken.add("word " + text));
    }

    private List<String> parse(Syntax syntax, String words) throws UsageException {
        assertThat(syntax.parse(words.isEmpty() ? List.of() : List.of(words.split(" "))))
                .isEqualTo(Syntax.Outcome.RUN);
        return taken;
    }

    @ParameterizedTest
    @ValueSource(strings = {"--port 80", "--port=80", "-p 80", "-p80", "-p=80"})
    void aValueMayBeWrittenInFiveWays(String words) throws UsageException {
        assertThat(parse(syntax(), words)).containsExactly("port 80");
    }

    @Test
    void flagsShareAWordAndItsLastLetterMayHaveAValue() throws UsageException {
        assertThat(parse(syntax(), "-vqp80")).containsExactly("verbose", "quiet", "port 80");
    }

    @Test
    void lettersAndTheirValueMayBeTwoWords() throws UsageException {
        assertThat(parse(syntax(), "-vp 80 x")).containsExactly("verbose", "port 80", "word x");
    }

    @Test
    void optionsMayFollowTheParameter() throws UsageException {
        assertThat(parse(syntax(), "x -p 1 --size 5")).containsExactly("word x", "port 1", "size 5");
    }

    @Test
    void aDoubleDashEndsTheOptions() throws UsageException {
        assertThat(parse(syntax(), "-v -- --port")).containsExactly("verbose", "word --port");
    }

    @Test
    void aSingleDashIsAWord() throws UsageException {
        assertThat(parse(syntax(), "-")).containsExactly("word -");
    }

    @Test
    void aValueMayStartWithADashOrBeEmpty() throws UsageException {
        assertThat(parse(syntax(), "--size -5 --port=")).containsExactly("size -5", "port ");
    }

    @Test
    void aFlagMayBeRepeated() throws UsageException {
        assertThat(parse(syntax(), "-v -v")).containsExactly("verbose", "verbose");
    }

    @Test
    void theRestOfTheLineIsLeftAlone() throws UsageException {
        Syntax syntax = new Syntax("tool", "")
                .flag("-v, --verbose", "", () -> taken.add("verbose"))
                .rest("COMMAND", "", taken::addAll);
        assertThat(parse(syntax, "-v ls -v -- --help")).containsExactly("verbose", "ls", "-v", "--", "--help");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--help", "-h", "-vh", "-v --help --nonsense", "x -h"})
    void helpEndsParsing(String words) throws UsageException {
        assertThat(syntax().parse(List.of(words.split(" ")))).isEqualTo(Syntax.Outcome.HELP);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--version", "-V", "-vV", "-V --nonsense"})
    void versionEndsParsing(String words) throws UsageException {
        assertThat(syntax().parse(List.of(words.split(" ")))).isEqualTo(Syntax.Outcome.VERSION);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --size                 | missing value: --size N
            --size -v              | missing value: --size N
            --size --port          | missing value: --size N
            --size -- 5            | missing value: --size N
            --size 1 --size=2      | --size may stand only once
            --size x               | invalid --size: 'x' is not a whole number, or too large
            --size 2147483648      | invalid --size: '2147483648' is not a whole number, or too large
            --verbose=yes          | --verbose takes no value, but has 'yes'
            --nope=5               | unknown option: '--nope'
            --verb                 | unknown option: '--verb'; did you mean --verbose?
            --quite                | unknown option: '--quite'; did you mean --quiet?
            --Port=80              | unknown option: '--Port'; did you mean --port?
            --no                   | unknown option: '--no'
            -x                     | unknown option: '-x'
            -vx                    | unknown option: '-x'
            -5                     | unknown option: '-5'
            a b c                  | unexpected argument: 'b'
            """)
    void aMistakeIsNamed(String words, String message) {
        assertThatThrownBy(() -> syntax().parse(List.of(words.split(" "))))
                .isInstanceOf(UsageException.class)
                .hasMessage(message);
    }

    @Test
    void whatMustBeThereIsMissed() {
        Syntax option = new Syntax("tool", "").required("--listen", "URL", "", _ -> {});
        assertThatThrownBy(() -> option.parse(List.of("x"))).hasMessage("missing option: --listen URL");
        Syntax word = new Syntax("tool", "").parameter("PID", "", _ -> {});
        assertThatThrownBy(() -> word.parse(List.of())).hasMessage("missing argument: PID");
        Syntax rest = new Syntax("tool", "").rest("COMMAND", "", _ -> {});
        assertThatThrownBy(() -> rest.parse(List.of("--"))).hasMessage("missing argument: COMMAND");
    }

    @Test
    void helpStandsInTwoColumnsOfAHundred() {
        Syntax syntax = new Syntax("tool go", "Goes where it is sent.")
                .required("-l, --listen", "URL", "Where guests connect.", _ -> {})
                .option("--a-very-long-name", "WITH-A-VALUE", "Under it.", _ -> {})
                .flag("--wrap", "word ".repeat(30).strip(), () -> {})
                .parameter("PID", "A process.", _ -> {})
                .footer("", "Examples:");
        assertThat(HelpText.of(syntax)).isEqualTo("""
                Usage: tool go --listen URL [OPTION]… PID
                Goes where it is sent.
                      PID           A process.
                  -l, --listen URL  Where guests connect.
                      --a-very-long-name WITH-A-VALUE
                                    Under it.
                      --wrap        word word word word word word word word word word word word word word word word
                                    word word word word word word word word word word word word word word
                  -h, --help        Show this help message and exit.
                  -V, --version     Print version information and exit.

                Examples:
                """);
    }

    @Test
    void whatWasGivenIsToldWithoutArgumentsOfCommandsAndUsersInUrls() throws UsageException {
        Syntax syntax = new Syntax("test", "")
                .option("--proxy", "URL", "", _ -> {})
                .flag("-v, --verbose", "", () -> {})
                .rest("COMMAND", "", _ -> {});
        syntax.parse(List.of("-v", "--proxy=http://me:canary@p", "curl", "-H", "canary"));
        assertThat(syntax.given())
                .containsEntry("command", "test")
                .containsEntry("--verbose", true)
                .containsEntry("--proxy", "http://(secret)@p")
                .containsEntry("COMMAND", "curl");
        assertThat(syntax.given().toString()).doesNotContain("canary");
    }
}
