package dev.sluice.cli.settings;

/**
 * Something that is wrong with settings.
 *
 * @param where it stands
 * @param key it is about, as {@code dns.servers[0]}; empty for the document as a whole
 * @param message what is wrong, and what is allowed
 */
public record Mistake(Where where, String key, String message) {
    /** One line. */
    @Override
    public String toString() {
        return where + ": " + (key.isEmpty() ? "" : key + " ") + message;
    }
}
