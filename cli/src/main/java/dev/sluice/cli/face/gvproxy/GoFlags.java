package dev.sluice.cli.face.gvproxy;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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

    private static final Pattern NUMBER =
            Pattern.compile("(?<sign>[+-]?)(?:0[xX](?<hex>[0-9a-fA-F]+)|0[bB](?<binary>[01]+)"
                    + "|0[oO]?(?<octal>[0-7]+)|(?<decimal>0|[1-9][0-9]*))");
    private static final Map<String, Integer> BASES = Map.of("hex", 16, "binary", 2, "octal", 8, "decimal", 10);

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
            boolean toggle = flag.label == null && given;
            throw new Mistake("invalid " + (toggle ? "boolean value" : "value") + " \"" + value + "\" for "
                    + (toggle ? "" : "flag ") + "-" + flag.name + ": " + e.getMessage());
        }
    }

    /** A whole number, decimal or with a prefix: {@code 0x} for 16, {@code 0o} or {@code 0} for 8, {@code 0b} for 2. */
    static int integer(String text) {
        Matcher number = NUMBER.matcher(text);
        if (!number.matches()) {
            throw new IllegalArgumentException("parse error");
        }
        for (Map.Entry<String, Integer> base : BASES.entrySet()) {
            String digits = number.group(base.getKey());
            if (digits != null) {
                BigInteger value = new BigInteger(number.group("sign") + digits, base.getValue());
                if (value.bitLength() > Integer.SIZE - 1) {
                    throw new IllegalArgumentException("value out of range");
                }
                return value.intValue();
            }
        }
        throw new IllegalStateException("a number without digits: " + text);
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
