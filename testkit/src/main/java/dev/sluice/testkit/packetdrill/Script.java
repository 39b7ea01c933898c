package dev.sluice.testkit.packetdrill;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A script as read.
 *
 * @param options the flags at its head, by name; a flag without value has ""
 * @param versions the releases it may have been written for, the likeliest first
 */
record Script(String name, Map<String, String> options, List<Version> versions, List<Event> events) {
    /** Something that happens, or is expected, at a time. */
    record Event(int line, When when, Action action) {}

    /**
     * When an event is due, in microseconds. {@code from} and {@code to} are equal but for ranges.
     */
    record When(Kind kind, long from, long to) {
        enum Kind {
            /** From the begin of the script. */
            ABSOLUTE,
            /** From the event before. */
            RELATIVE,
            /** At any time: {@code *}. */
            ANY
        }

        static final When NOW = new When(Kind.RELATIVE, 0, 0);
        static final When ANY_TIME = new When(Kind.ANY, 0, 0);
    }

    /** Whose defaults hold where a script does not say. */
    enum Dialect {
        LINUX,
        FREEBSD,
        /** Our own, for the LAN profile as it is. */
        SLUICE;

        /** By the name in {@code --dialect}; null if there is none. */
        static @Nullable Dialect named(String name) {
            for (Dialect dialect : values()) {
                if (dialect.name().equalsIgnoreCase(name)) {
                    return dialect;
                }
            }
            return null;
        }
    }
}
