package dev.sluice.cli.face.slirp4netns;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Command lines as getopt_long(3) reads them, with its abbreviations and its messages. */
final class Getopt {
    /**
     * One option.
     *
     * @param letter 0 if it has only its long name
     * @param name without the dashes
     */
    record Option(char letter, String name, boolean hasValue) {}

    /** An option that was given; the value is empty for one that takes none. */
    record Given(Option option, String value) {}

    /** What a line consists of. */
    record Line(List<Given> options, List<String> operands) {}

    /** The words are no such line; the message is getopt's, without the program's name. */
    static final class Mistake extends Exception {
        private static final long serialVersionUID = 1L;

        Mistake(String message) {
            super(message, null, false, false);
        }
    }

    private final List<Option> options;
    private final List<Given> given = new ArrayList<>();
    private final List<String> operands = new ArrayList<>();
    private final List<String> words;
    private int next;

    private Getopt(List<Option> options, List<String> words) {
        this.options = options;
        this.words = words;
    }

    /** Options and operands may mix; {@code --} ends the options. */
    static Line parse(List<Option> options, List<String> words) throws Mistake {
        Getopt getopt = new Getopt(options, words);
        getopt.run();
        return new Line(getopt.given, getopt.operands);
    }

    private void run() throws Mistake {
        while (next < words.size()) {
            String word = words.get(next++);
            if (word.equals("--")) {
                operands.addAll(words.subList(next, words.size()));
                return;
            } else if (word.startsWith("--")) {
                longOption(word);
            } else if (word.length() > 1 && word.charAt(0) == '-') {
                letters(word);
            } else {
                operands.add(word);
            }
        }
    }

    private void longOption(String word) throws Mistake {
        int equals = word.indexOf('=');
        String name = word.substring(2, equals < 0 ? word.length() : equals);
        Option option = find(name);
        String value = equals < 0 ? null : word.substring(equals + 1);
        if (!option.hasValue && value != null) {
            throw new Mistake("option '--" + option.name + "' doesn't allow an argument");
        }
        if (option.hasValue && value == null) {
            value = nextWord();
            if (value == null) {
                throw new Mistake("option '--" + option.name + "' requires an argument");
            }
        }
        given.add(new Given(option, value == null ? "" : value));
    }

    /** By its name, or the beginning of exactly one name. */
    private Option find(String name) throws Mistake {
        List<Option> candidates = new ArrayList<>();
        for (Option option : options) {
            if (option.name.equals(name)) {
                return option;
            }
            if (option.name.startsWith(name)) {
                candidates.add(option);
            }
        }
        if (candidates.size() == 1) {
            return candidates.getFirst();
        }
        if (candidates.isEmpty()) {
            throw new Mistake("unrecognized option '--" + name + "'");
        }
        StringBuilder possibilities = new StringBuilder("option '--" + name + "' is ambiguous; possibilities:");
        candidates.forEach(
                option -> possibilities.append(" '--").append(option.name).append('\''));
        throw new Mistake(possibilities.toString());
    }

    private void letters(String word) throws Mistake {
        for (int i = 1; i < word.length(); i++) {
            char letter = word.charAt(i);
            Option option = options.stream()
                    .filter(o -> o.letter == letter)
                    .findFirst()
                    .orElseThrow(() -> new Mistake("invalid option -- '" + letter + "'"));
            if (!option.hasValue) {
                given.add(new Given(option, ""));
                continue;
            }
            String value = i + 1 < word.length() ? word.substring(i + 1) : nextWord();
            if (value == null) {
                throw new Mistake("option requires an argument -- '" + letter + "'");
            }
            given.add(new Given(option, value));
            return;
        }
    }

    private @Nullable String nextWord() {
        return next < words.size() ? words.get(next++) : null;
    }
}
