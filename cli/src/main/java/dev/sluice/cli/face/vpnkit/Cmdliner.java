package dev.sluice.cli.face.vpnkit;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A command line as OCaml's usual parser reads it: {@code --flag value} or {@code --flag=value}, any unambiguous prefix of a flag, flags
 * in any order, once each unless said otherwise.
 */
final class Cmdliner {
    /** The parser's exit code for a wrong command line. */
    static final int WRONG_USAGE = 124;

    /** What was wrong, in one line. */
    static final class Mistake extends Exception {
        private static final long serialVersionUID = 1;

        Mistake(String message) {
            super(message, null, false, false);
        }
    }

    /** Takes a value. */
    @FunctionalInterface
    interface Taker {
        /** @throws IllegalArgumentException with what was expected */
        void take(String value);
    }

    private record Flag(String name, boolean hasValue, boolean repeatable, Taker taker) {}

    /** By every name; sorted, as the names are listed where a prefix is ambiguous. */
    private final TreeMap<String, Flag> flags = new TreeMap<>();

    /** A flag without a value. */
    Cmdliner flag(String name, Runnable action) {
        flags.put(name, new Flag(name, false, false, _ -> action.run()));
        return this;
    }

    /** A flag with a value, at most once. */
    Cmdliner value(String name, Taker taker) {
        flags.put(name, new Flag(name, true, false, taker));
        return this;
    }

    /** A flag with a value, any number of times. */
    Cmdliner values(String name, Taker taker) {
        flags.put(name, new Flag(name, true, true, taker));
        return this;
    }

    /** Another name of a flag. */
    Cmdliner alias(String other, String name) {
        Flag flag = flags.get(name);
        if (flag != null) {
            flags.put(other, flag);
        }
        return this;
    }

    void parse(List<String> words) throws Mistake {
        Set<Flag> seen = new HashSet<>();
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i);
            if (!word.startsWith("--") || word.length() == 2) {
                throw new Mistake(
                        word.startsWith("-") && word.length() > 1 && !word.equals("--")
                                ? "unknown option '" + word + "'."
                                : "too many arguments, don't know what to do with '" + word + "'");
            }
            int equals = word.indexOf('=');
            Flag flag = find(equals < 0 ? word.substring(2) : word.substring(2, equals));
            if (!seen.add(flag) && !flag.repeatable) {
                throw new Mistake("option '--" + flag.name + "' cannot be repeated");
            }
            String value = "";
            if (flag.hasValue) {
                if (equals < 0 && i + 1 == words.size()) {
                    throw new Mistake("option '--" + flag.name + "' needs an argument");
                }
                value = equals < 0 ? words.get(++i) : word.substring(equals + 1);
            } else if (equals >= 0) {
                throw new Mistake("option '--" + flag.name + "' is a flag, it cannot take the argument '"
                        + word.substring(equals + 1) + "'");
            }
            try {
                flag.taker.take(value);
            } catch (IllegalArgumentException e) {
                throw new Mistake("option '--" + flag.name + "': invalid value '" + value + "', " + e.getMessage());
            }
        }
    }

    private Flag find(String name) throws Mistake {
        Flag exact = flags.get(name);
        if (exact != null) {
            return exact;
        }
        Map<String, Flag> candidates = flags.subMap(name, name + Character.MAX_VALUE);
        Set<Flag> different = new HashSet<>(candidates.values());
        if (name.isEmpty() || different.isEmpty()) {
            throw new Mistake("unknown option '--" + name + "'.");
        }
        if (different.size() > 1) {
            throw new Mistake("option '--" + name + "' ambiguous and could be either "
                    + candidates.keySet().stream().map(one -> "'--" + one + "'").collect(Collectors.joining(", ")));
        }
        return different.iterator().next();
    }
}
