package dev.sluice.cli;

import dev.sluice.cli.settings.Settings;
import dev.sluice.cli.settings.SettingsException;
import dev.sluice.cli.settings.SettingsReader;
import dev.sluice.cli.view.FileTrouble;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The settings file of a command.
 *
 * @param path null if there is none
 */
record SettingsFile(@Nullable Path path, Settings settings) {
    static final SettingsFile NONE = new SettingsFile(null, Settings.NONE);

    /** Where it is looked for if nobody names one (XDG Base Directory Specification 0.8). */
    static @Nullable Path usual() {
        return usual(System.getenv("XDG_CONFIG_HOME"), System.getenv("HOME"));
    }

    static @Nullable Path usual(@Nullable String folder, @Nullable String home) {
        try {
            // a relative path there is to be ignored, says the specification
            if (folder != null && folder.startsWith("/")) {
                return Path.of(folder, "sluice", "config.yaml");
            }
            return home == null || home.isEmpty() ? null : Path.of(home, ".config", "sluice", "config.yaml");
        } catch (InvalidPathException e) {
            return null; // of bytes that the locale has no words for: none that could be opened
        }
    }

    /**
     * Reads it.
     *
     * @param named by the user, and must be there then; null for the usual one, if there is one
     * @throws Failure with all that is wrong in it
     */
    static SettingsFile read(@Nullable Path named) {
        Path path = named == null ? usual() : named;
        if (path == null || named == null && !Files.exists(path)) {
            return NONE;
        }
        try {
            return new SettingsFile(path, SettingsReader.file(path));
        } catch (SettingsException e) {
            throw Failure.usage(text(path, e));
        } catch (NoSuchFileException e) {
            throw Failure.usage("the settings file " + path + " is not there");
        } catch (IOException e) {
            throw Failure.unavailable("the settings file " + path + " can't be read: " + FileTrouble.reason(e)
                    + "; name a file that you may read");
        }
    }

    private static String text(Path path, SettingsException e) {
        int count = e.mistakes().size();
        return count == 1 ? String.valueOf(e.getMessage()) : path + " has " + count + " mistakes:\n" + e.getMessage();
    }
}
