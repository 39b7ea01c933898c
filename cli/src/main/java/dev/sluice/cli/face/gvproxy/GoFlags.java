package dev.sluice.cli.face.gvproxy;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Command lines as Go's package flag reads them: one dash or two, {@code -name value} or {@code -name=value}, flags before all else. */
final class GoFlags {
    /** Takes a value. */
    @FunctionalInterface
    interface Value {
        /** @throws IllegalArgumentException if it is none of this flag's */
        void take(String text);
    }

    private record Flag(String name, @Nullable String label, String text, Value value) {}

    /** The words are not of these flags; the message is Go's. */
    static final class Mistake extends Exception {
        private static final long serialVersionUID = 1L;

        Mistake(String message) {
            super(message, null, false, false);
        }
    }

    private final List<Flag> flags = new ArrayList<>();

    /** A flag with a value. */
    GoFlags value(String name, String label, String text, Value value) {
        flags.add(new Flag(name, label, text, value));
        return this;
    }

    /** A flag that is on when it stands alone. */
    GoFlags toggle(String name, String text, Consumer<Boolean> value) {
        flags.add(new Flag(name, null, text, word -> value.accept(truth(word))));
        return this;
    }

    private static boolean truth(String word) {
        return switch (word) {
            case "1", "t", "T", "true", "TRUE", "True" -> true;
            case "0", "f", "F", "false", "FALSE", "False" -> false;
            default -> throw new IllegalArgumentException("parse error");
        };
    }

    /**
     * Gives every value to its owner.
     *
     * @return false if help was asked for
     */
    boolean parse(List<String> words) throws Mistake {
        int i = 0;
        while (i < words.size()) {
            String word = words.get(i++);
            if (word.length() < 2 || word.charAt(0) != '-' || word.equals("--")) {
                break; // Go ignores what follows, and so do its programs that take no words
            }
            String body = word.substring(word.startsWith("--") ? 2 : 1);
            if (body.isEmpty() || body.charAt(0) == '-' || body.charAt(0) == '=') {
                throw new Mistake("bad flag syntax: " + word);
            }
            int equals = body.indexOf('=');
            String name = equals < 0 ? body : body.substring(0, equals);
            String value = equals < 0 ? null : body.substring(equals + 1);
            Flag flag = find(name);
            if (flag == null) {
                if (name.equals("help") || name.equals("h")) {
                    return false;
                }
                throw new Mistake("flag provided but not defined: -" + name);
            }
            if (flag.label == null) {
                take(flag, value == null ? "true" : value, value != null);
            } else if (value != null) {
                take(flag, value, true);
            } else if (i < words.size()) {
                take(flag, words.get(i++), true);
            } else {
                throw new Mistake("flag needs an argument: -" + name);
            }
        }
        return true;
    }

    private @Nullable Flag find(String name) {
        return flags.stream().filter(flag -> flag.name.equals(name)).findFirst().orElse(null);
    }

    private static void take(Flag flag, String value, boolean given) throws Mistake {
        try {
            flag.value.take(value);
        } catch (IllegalArgumentException e) {
            String kind = flag.label == null && given ? "boolean value" : "value";
            throw new Mistake("invalid " + kind + " \"" + value + "\" for flag -" + flag.name + ": " + e.getMessage());
        }
    }

    /** A whole number. */
    static int integer(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("parse error", e);
        }
    }

    /** All flags with what they do. */
    String usage(String program) {
        StringBuilder out = new StringBuilder("Usage of ").append(program).append(":\n");
        for (Flag flag : flags) {
            out.append("  -").append(flag.name).append(flag.label == null ? "" : " " + flag.label);
            out.append("\n    \t").append(flag.text).append('\n');
        }
        return out.toString();
    }
}
