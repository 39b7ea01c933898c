package dev.sluice.cli.options;

import dev.sluice.control.diagnose.Secret;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What one command accepts, bound to the code that takes it. Made, read and thrown away by one thread. */
public final class Syntax {
    private static final String HELP = "--help";
    private static final String VERSION = "--version";

    /** What is left to do after parsing. */
    public enum Outcome {
        RUN,
        HELP,
        VERSION
    }

    /**
     * A positional parameter.
     *
     * @param label what it is called in texts
     * @param required whether it must be there
     * @param value takes it
     */
    record Parameter(String label, String description, boolean required, Value value) {}

    private final String name;
    private final String description;
    private final List<Option> options = new ArrayList<>();
    private @Nullable Parameter parameter;
    private @Nullable Consumer<List<String>> rest;
    private List<String> footer = List.of();
    private final Map<String, Object> given = new LinkedHashMap<>();
    private boolean several;
    private boolean hidden;

    /**
     * With only {@code --help} and {@code --version} so far.
     *
     * @param name of the program and command, as {@code sluice run}
     * @param description one or two sentences for the help
     */
    public Syntax(String name, String description) {
        this.name = name;
        this.description = description;
    }

    /**
     * An option without a value.
     *
     * @param names {@code --name} or {@code -n, --name}
     */
    public Syntax flag(String names, String text, Runnable action) {
        return add(Option.of(names, null, text, _ -> action.run(), Option.Kind.ONCE));
    }

    /**
     * An option with a value, at most once.
     *
     * @param names {@code --name} or {@code -n, --name}
     */
    public Syntax option(String names, String label, String text, Value value) {
        return add(Option.of(names, label, text, value, Option.Kind.ONCE));
    }

    /** As {@link #option}, any number of times. */
    public Syntax repeatable(String names, String label, String text, Value value) {
        return add(Option.of(names, label, text, value, Option.Kind.REPEATABLE));
    }

    /** As {@link #option}, once or more. */
    public Syntax required(String names, String label, String text, Value value) {
        return add(Option.of(names, label, text, value, Option.Kind.REQUIRED));
    }

    private Syntax add(Option option) {
        options.add(option);
        return this;
    }

    /** A word that must be there. */
    public Syntax parameter(String label, String text, Value value) {
        parameter = new Parameter(label, text, true, value);
        return this;
    }

    /** A word that may be there. */
    public Syntax optionalParameter(String label, String text, Value value) {
        parameter = new Parameter(label, text, false, value);
        return this;
    }

    /** Any number of words, with options between them. */
    public Syntax words(String label, String text, Value value) {
        parameter = new Parameter(label, text, false, value);
        several = true;
        return this;
    }

    /** From the first word that is no option on, everything as it is; at least that word. */
    public Syntax rest(String label, String text, Consumer<List<String>> words) {
        parameter = new Parameter(label, text, true, _ -> {});
        rest = words;
        return this;
    }

    /** Lines after the help, as they are. */
    public Syntax footer(String... lines) {
        footer = List.of(lines);
        return this;
    }

    /** Keeps it out of help and completion. */
    public Syntax hide() {
        hidden = true;
        return this;
    }

    /**
     * Gives every value to its owner.
     *
     * @return {@code HELP} or {@code VERSION} as soon as that option comes; then nothing after it was looked at
     * @throws UsageException if the words are not of this syntax; values before the mistake have been taken
     */
    public Outcome parse(List<String> words) throws UsageException {
        List<Option> seen = new ArrayList<>();
        List<String> extra = new ArrayList<>();
        boolean filled = false;
        boolean onlyParameters = false;
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i);
            if (!onlyParameters && word.equals("--")) {
                onlyParameters = true;
            } else if (!onlyParameters && word.length() > 1 && word.charAt(0) == '-') {
                if (word.equals(HELP) || word.equals("-h")) {
                    return Outcome.HELP;
                }
                if (word.equals(VERSION) || word.equals("-V")) {
                    return Outcome.VERSION;
                }
                if (word.charAt(1) == '-') {
                    i += longOption(word, i + 1 < words.size() ? words.get(i + 1) : null, seen);
                } else {
                    int used = letters(word, i + 1 < words.size() ? words.get(i + 1) : null, seen);
                    if (used < 0) {
                        return used == ASKED_HELP ? Outcome.HELP : Outcome.VERSION;
                    }
                    i += used;
                }
            } else if (rest != null) {
                rest.accept(List.copyOf(words.subList(i, words.size())));
                note(parameter == null ? "" : parameter.label, word);
                words.subList(i + 1, words.size()).forEach(each -> note("arguments", new Secret(each)));
                filled = true;
                break;
            } else if (parameter != null && (several || !filled)) {
                take(parameter.label, parameter.value, word);
                note(parameter.label, Secret.withoutCredentials(word));
                filled = true;
            } else {
                extra.add(word);
            }
        }
        checkWhole(seen, extra, filled);
        return Outcome.RUN;
    }

    private void checkWhole(List<Option> seen, List<String> extra, boolean filled) throws UsageException {
        for (Option option : options) {
            if (option.kind() == Option.Kind.REQUIRED && !seen.contains(option)) {
                throw new UsageException("missing option: " + option.usage());
            }
        }
        if (!extra.isEmpty()) {
            throw new UsageException("unexpected argument: '" + extra.getFirst() + "'");
        }
        if (parameter != null && parameter.required && !filled) {
            throw new UsageException("missing argument: " + parameter.label);
        }
    }

    /** Reads {@code --name}, {@code --name=VALUE}; how many of the next words it used. */
    private int longOption(String word, @Nullable String next, List<Option> seen) throws UsageException {
        int equals = word.indexOf('=');
        String optionName = equals < 0 ? word : word.substring(0, equals);
        for (Option option : options) {
            if (option.name().equals(optionName)) {
                if (option.label() == null && equals >= 0) {
                    throw new UsageException(
                            option.name() + " takes no value, but has '" + word.substring(equals + 1) + "'");
                }
                return apply(option, equals < 0 ? null : word.substring(equals + 1), next, seen);
            }
        }
        String near = Spelling.nearest(
                optionName, options().stream().map(Option::name).toList());
        throw new UsageException(
                "unknown option: '" + optionName + "'" + (near == null ? "" : "; did you mean " + near + "?"));
    }

    private static final int ASKED_HELP = -1;
    private static final int ASKED_VERSION = -2;

    /** Reads {@code -abc}: flags, of which the last may have a value; how many of the next words it used. */
    private int letters(String word, @Nullable String next, List<Option> seen) throws UsageException {
        for (int i = 1; i < word.length(); i++) {
            char letter = word.charAt(i);
            if (i > 1 && (letter == 'h' || letter == 'V')) {
                return letter == 'h' ? ASKED_HELP : ASKED_VERSION;
            }
            Option option = byLetter(letter);
            if (option == null) {
                throw new UsageException("unknown option: '-" + (i == 1 ? word.substring(1) : letter) + "'");
            }
            if (option.label() != null) {
                String attached = word.substring(i + 1);
                return apply(
                        option,
                        attached.isEmpty() ? null : attached.startsWith("=") ? attached.substring(1) : attached,
                        next,
                        seen);
            }
            apply(option, null, null, seen);
        }
        return 0;
    }

    private @Nullable Option byLetter(char letter) {
        for (Option option : options) {
            if (option.letter() == letter) {
                return option;
            }
        }
        return null;
    }

    private int apply(Option option, @Nullable String attached, @Nullable String next, List<Option> seen)
            throws UsageException {
        if (option.kind() == Option.Kind.ONCE && seen.contains(option) && option.label() != null) {
            throw new UsageException(option.name() + " may stand only once");
        }
        seen.add(option);
        if (option.label() == null) {
            option.value().take("");
            note(option.name(), true);
            return 0;
        }
        String value = attached != null ? attached : next;
        if (value == null || attached == null && namesAnOption(value)) {
            throw new UsageException("missing value: " + option.usage());
        }
        take(option.name(), option.value(), value);
        note(option.name(), Secret.withoutCredentials(value));
        return attached == null ? 1 : 0;
    }

    /** Whether this word is more likely an option than the value of the option before it. */
    private boolean namesAnOption(String word) {
        if (word.equals("--")) {
            return true;
        }
        for (Option option : options) {
            if (word.equals(option.name())
                    || word.length() == 2 && word.charAt(0) == '-' && word.charAt(1) == option.letter()) {
                return true;
            }
        }
        return false;
    }

    private void note(String what, Object value) {
        given.merge(what, value, (before, more) -> {
            List<Object> all = new ArrayList<>(before instanceof List<?> several ? several : List.of(before));
            all.add(more);
            return all;
        });
    }

    /**
     * What was parsed, by option and parameter, for people who look for a fault: texts, true for flags, lists of what stood several
     * times; arguments of a command to run are secrets.
     */
    public Map<String, Object> given() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("command", name);
        all.putAll(given);
        return all;
    }

    private static void take(String what, Value value, String text) throws UsageException {
        try {
            value.take(text);
        } catch (IllegalArgumentException e) {
            throw new UsageException("invalid " + what + ": " + e.getMessage());
        }
    }

    public String name() {
        return name;
    }

    public boolean isHidden() {
        return hidden;
    }

    String description() {
        return description;
    }

    /** All, those that every command has last. */
    List<Option> options() {
        List<Option> all = new ArrayList<>(options);
        all.add(Option.of("-h, --help", null, "Show this help message and exit.", _ -> {}, Option.Kind.ONCE));
        all.add(Option.of("-V, --version", null, "Print version information and exit.", _ -> {}, Option.Kind.ONCE));
        return all;
    }

    @Nullable
    Parameter parameter() {
        return parameter;
    }

    boolean takesRest() {
        return rest != null;
    }

    List<String> footer() {
        return footer;
    }
}
