package dev.sluice.proxy.source;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A small program that is asked something. */
final class Program {
    private static final int MAX_OUTPUT = 64 * 1024;
    private static final int MAX_SECONDS = 2;

    private Program() {}

    /** Where a program of that name is; null if nowhere. */
    static @Nullable Path find(String name, Map<String, String> environment) {
        for (String folder : environment.getOrDefault("PATH", "/usr/bin:/bin").split(":")) {
            Path place = Path.of(folder, name);
            if (!folder.isEmpty() && Files.isExecutable(place)) {
                return place;
            }
        }
        return null;
    }

    /** What it prints. */
    static String ask(Map<String, String> environment, Path program, String... arguments) throws IOException {
        List<String> words = new java.util.ArrayList<>(List.of(program.toString()));
        words.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(words)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().clear();
        builder.environment().putAll(environment);
        builder.environment().put("LC_ALL", "C.UTF-8");
        Process process = builder.start();
        try {
            // A program that hangs is ended from here, which also ends the reading.
            Thread watchdog = Thread.ofVirtual().start(() -> endLate(process));
            byte[] bytes;
            try (InputStream out = process.getInputStream()) {
                bytes = out.readNBytes(MAX_OUTPUT);
            }
            int code = process.waitFor();
            watchdog.interrupt();
            if (code != 0) {
                throw new IOException(String.join(" ", words) + " ended with " + code);
            }
            return new String(bytes, StandardCharsets.UTF_8);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for " + program, e);
        } finally {
            process.destroyForcibly();
        }
    }

    private static void endLate(Process process) {
        try {
            if (!process.waitFor(MAX_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
