package dev.sluice.loop;

import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;

/**
 * A logger that is looked for when it first has something to say. The JDK's search for whoever implements loggers goes through every module
 * and jar, which takes a program that starts longer than most of what it starts. Thread-safe; to be kept in a {@code static final} field.
 */
public final class LateLogger implements System.Logger {
    private final String name;
    private volatile System.@Nullable Logger found;

    private LateLogger(String name) {
        this.name = name;
    }

    /** The logger {@code name}, as {@link System#getLogger(String)} will give it. */
    public static System.Logger of(String name) {
        return new LateLogger(name);
    }

    private System.Logger found() {
        System.Logger logger = found;
        if (logger == null) {
            logger = System.getLogger(name);
            found = logger;
        }
        return logger;
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public boolean isLoggable(Level level) {
        return found().isLoggable(level);
    }

    @Override
    public void log(
            Level level, @Nullable ResourceBundle bundle, @Nullable String message, @Nullable Throwable thrown) {
        found().log(level, bundle, message, thrown);
    }

    @Override
    public void log(
            Level level, @Nullable ResourceBundle bundle, @Nullable String format, @Nullable Object... parameters) {
        found().log(level, bundle, format, parameters);
    }
}
