package dev.sluice.cli.options;

import org.jspecify.annotations.Nullable;

/**
 * One option.
 *
 * @param letter its short name; 0 if it has none
 * @param name its long name, with the dashes
 * @param label what its value is called in texts; null for a flag, which has none
 * @param description for the help
 * @param value takes the value; for a flag, the empty string
 * @param kind how often it may stand
 */
record Option(char letter, String name, @Nullable String label, String description, Value value, Kind kind) {
    enum Kind {
        ONCE,
        REPEATABLE,
        /** At least once. */
        REQUIRED
    }

    /**
     * From how it is written in its declaration.
     *
     * @param names {@code --name} or {@code -n, --name}
     */
    static Option of(String names, @Nullable String label, String description, Value value, Kind kind) {
        boolean both = names.charAt(1) != '-';
        return new Option(
                both ? names.charAt(1) : 0, both ? names.substring(4) : names, label, description, value, kind);
    }

    /** Its name with its value, as a user would write them. */
    String usage() {
        return label == null ? name : name + " " + label;
    }
}
