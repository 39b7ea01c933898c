package dev.sluice.it.lab;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A running program whose output is kept. Everything that waits has a deadline, and says with all output what it waited for. */
public final class Program implements AutoCloseable {
    /** Enough for the slowest machine; reached only by a program that hangs. */
    public static final Duration DEADLINE = Duration.ofSeconds(240);

    private final List<String> command;
    private final Process process;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final Thread outReader;
    private final Thread errReader;

    private Program(List<String> command, Process process) {
        this.command = command;
        this.process = process;
        this.outReader = keep(process.getInputStream(), out);
        this.errReader = keep(process.getErrorStream(), err);
    }

    /**
     * Starts one; its standard input is empty, or {@code input}.
     *
     * @param environment added to this process's, of which nothing about proxies is passed on: what sluice finds there, it follows
     */
    static Program start(List<String> command, Map<String, String> environment, @Nullable Path input) {
        try {
            ProcessBuilder builder = new ProcessBuilder(command);
            builder.environment()
                    .keySet()
                    .removeIf(name -> name.toLowerCase(Locale.ROOT).endsWith("_proxy"));
            builder.environment().putAll(environment);
            builder.redirectInput(input == null ? Path.of("/dev/null").toFile() : input.toFile());
            return new Program(command, builder.start());
        } catch (IOException e) {
            throw new AssertionError("can't start " + command, e);
        }
    }

    private static Thread keep(InputStream from, ByteArrayOutputStream to) {
        // a platform thread: reading a pipe holds on to its carrier, of which there are few
        return Thread.ofPlatform().daemon().name("output").start(() -> {
            byte[] chunk = new byte[8192];
            try (from) {
                for (int n; (n = from.read(chunk)) >= 0; ) {
                    synchronized (to) {
                        to.write(chunk, 0, n);
                    }
                }
            } catch (IOException e) {
                // the program was killed
            }
        });
    }

    /** Waits for its end; the exit code. */
    public int exitCode() {
        return exitCode(DEADLINE);
    }

    public int exitCode(Duration deadline) {
        try {
            if (!process.waitFor(deadline.toMillis(), TimeUnit.MILLISECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
                throw new AssertionError("not over after " + deadline + ": " + this);
            }
            outReader.join(2000); // a child that outlives it may hold the pipe
            errReader.join(2000);
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted while waiting for " + this, e);
        }
    }

    /** Waits for its end, which must be good; what it wrote to standard output. */
    public String output() {
        if (exitCode() != 0) {
            throw new AssertionError("failed: " + this);
        }
        return out();
    }

    /** Waits for its end, good or bad; what it wrote to standard output. */
    public String outputAtEnd() {
        exitCode();
        return out();
    }

    /** Waits for its end, good or bad; what it wrote to standard error. */
    public String errorsAtEnd() {
        exitCode();
        return err();
    }

    /** Standard output so far. */
    public String out() {
        synchronized (out) {
            return out.toString(StandardCharsets.UTF_8);
        }
    }

    /** Standard error so far. */
    public String err() {
        synchronized (err) {
            return err.toString(StandardCharsets.UTF_8);
        }
    }

    public long pid() {
        return process.pid();
    }

    public boolean alive() {
        return process.isAlive();
    }

    /** Sends a signal by name, as in {@code TERM}. */
    public void signal(String name) {
        start(List.of("kill", "-" + name, Long.toString(pid())), Map.of(), null).exitCode();
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        exitCode();
    }

    @Override
    public String toString() {
        return String.join(" ", command) + "\n--- exit code: " + (alive() ? "still running" : process.exitValue())
                + "\n--- out: " + tail(out()) + "\n--- err: " + tail(err());
    }

    private static String tail(String text) {
        return text.length() <= 4000 ? text : "…" + text.substring(text.length() - 4000);
    }
}
