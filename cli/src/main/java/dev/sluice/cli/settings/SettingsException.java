package dev.sluice.cli.settings;

import java.util.List;
import java.util.stream.Collectors;

/** Settings that cannot be taken: everything that is wrong with them. */
public final class SettingsException extends Exception {
    private static final long serialVersionUID = 1L;
    private final transient List<Mistake> mistakes;

    SettingsException(List<Mistake> mistakes) {
        super(mistakes.stream().map(Mistake::toString).collect(Collectors.joining("\n")), null, false, false);
        this.mistakes = List.copyOf(mistakes);
    }

    /** Never empty; in the order of the document. */
    public List<Mistake> mistakes() {
        return mistakes;
    }
}
