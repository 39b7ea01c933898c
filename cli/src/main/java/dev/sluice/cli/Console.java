package dev.sluice.cli;

import dev.sluice.control.diagnose.LogTail;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.text.MessageFormat;
import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;

/** Short lines for people on standard error; also the back end of every {@link System.Logger} of this process. Thread-safe. */
public final class Console extends System.LoggerFinder {
    /** How long a line of a command itself, and the end of the program, wait for a standard error that takes nothing. */
    private static final long PATIENCE_MILLIS = 1000;

    private static final ErrorLines LINES = new ErrorLines(() -> System.err);
    private static volatile boolean verbose;
    private static volatile String program = Sluice.NAME;

    /** For the service loader. */
    public Console() {}

    /** Turns {@code -v} on: debug messages and stack traces. */
    static void beVerbose() {
        verbose = true;
    }

    /** What every line begins with: the program that this process stands in for. */
    static void speakAs(String name) {
        program = name;
    }

    static boolean verbose() {
        return verbose;
    }

    /** A line the user should see, before what is said next on other ways. */
    static void say(String line) {
        log(line);
        finish();
    }

    /** The same from a thread that must not wait, such as the loop's. */
    private static void log(String line) {
        LogTail.add(line);
        LINES.add(program + ": " + line);
    }

    /** Gives what was said time to be written. */
    static void finish() {
        LINES.await(PATIENCE_MILLIS);
    }

    /** A line for {@code -v}. */
    static void detail(String line) {
        if (verbose) {
            say(line);
        }
    }

    @Override
    public System.Logger getLogger(String name, Module module) {
        return new Lines(name);
    }

    /** Warnings and errors always; the rest with {@code -v}, named by the last part of its logger. */
    private record Lines(String name) implements System.Logger {
        @Override
        public String getName() {
            return name;
        }

        @Override
        public boolean isLoggable(Level level) {
            // the JDK has loggers too, and much to say
            boolean chatty = verbose && name.startsWith("dev.sluice.");
            return level != Level.OFF
                    && (level.compareTo(Level.WARNING) >= 0 || chatty && level.compareTo(Level.DEBUG) >= 0);
        }

        @Override
        public void log(
                Level level, @Nullable ResourceBundle bundle, @Nullable String message, @Nullable Throwable thrown) {
            if (isLoggable(level)) {
                Console.log(prefix(level) + message + (thrown == null ? "" : ": " + thrown));
                if (thrown != null && verbose) {
                    StringWriter trace = new StringWriter();
                    thrown.printStackTrace(new PrintWriter(trace));
                    LINES.add(trace.toString().stripTrailing());
                }
            }
        }

        @Override
        public void log(
                Level level, @Nullable ResourceBundle bundle, @Nullable String format, @Nullable Object... parameters) {
            if (isLoggable(level)) {
                Console.log(prefix(level)
                        + (format == null || parameters == null || parameters.length == 0
                                ? format
                                : MessageFormat.format(format, parameters)));
            }
        }

        private String prefix(Level level) {
            return level.compareTo(Level.WARNING) >= 0 ? "" : name.substring(name.lastIndexOf('.') + 1) + ": ";
        }
    }
}
