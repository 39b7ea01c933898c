package dev.sluice.control;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The settings of a process, as the API shows and changes them. Any thread. */
public interface SettingsDoor extends AutoCloseable {
    /**
     * What holds.
     *
     * @param file from which the lowest layer comes; null if there is none
     * @param settings by section and key; what is secret is not shown
     * @param origins where each was said, by its whole name
     * @param problem why the last change was not taken; null if it was
     */
    record State(
            @Nullable String file,
            Map<String, Object> settings,
            Map<String, String> origins,
            @Nullable Problem problem) {}

    /** @param timeMillis since 1970 */
    record Problem(long timeMillis, List<Flaw> mistakes) {}

    /**
     * Something that is wrong.
     *
     * @param where file, line and column, an option, or the API
     * @param key it is about; empty for all
     * @param message what is wrong, and what is allowed
     * @param text all of it in one line
     */
    record Flaw(String where, String key, String message, String text) {}

    /** Why nothing was changed. */
    final class Refused extends Exception {
        private static final long serialVersionUID = 1L;
        private final transient List<Flaw> mistakes;

        /** With what is wrong. */
        public Refused(List<Flaw> mistakes) {
            super(String.join("; ", mistakes.stream().map(Flaw::text).toList()), null, false, false);
            this.mistakes = List.copyOf(mistakes);
        }

        /** Never empty. */
        public List<Flaw> mistakes() {
            return mistakes;
        }
    }

    State state();

    /**
     * Changes what the API says over file and command line, by a merge patch (RFC 7396); null takes back what it said.
     *
     * @throws Refused with all that is wrong; nothing was changed
     */
    State patch(Map<?, ?> changes) throws Refused;

    /**
     * Reads the file again.
     *
     * @throws Refused with all that is wrong; nothing was changed
     */
    State reload() throws Refused;

    /** Follows no file any more. */
    @Override
    default void close() {}
}
