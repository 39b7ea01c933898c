package dev.sluice.cli.settings;

import java.util.ArrayList;
import java.util.List;

/** Collects what is wrong. Used by one thread. */
final class Mistakes {
    /** More are counted, not kept: nobody reads them all. */
    static final int KEPT = 100;

    private final List<Mistake> all = new ArrayList<>();

    void add(Where where, String key, String message) {
        if (all.size() < KEPT) {
            all.add(new Mistake(where, key, message));
        }
    }

    boolean isEmpty() {
        return all.isEmpty();
    }

    /** What the first says; empty if there is none. */
    String first() {
        return all.isEmpty() ? "" : all.getFirst().message();
    }

    /** @throws SettingsException if there are any */
    void raise() throws SettingsException {
        if (!all.isEmpty()) {
            throw new SettingsException(all);
        }
    }
}
