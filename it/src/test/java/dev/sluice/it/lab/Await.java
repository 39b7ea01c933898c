package dev.sluice.it.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits until something is so, and fails at a deadline, which is far: nothing here depends on how fast the machine is. */
public final class Await {
    static final Duration PATIENCE = Duration.ofSeconds(120);

    private Await() {}

    /** @param state asked only on failure */
    public static void until(String what, Supplier<String> state, BooleanSupplier condition) {
        until(PATIENCE, what, state, condition);
    }

    public static void until(Duration patience, String what, Supplier<String> state, BooleanSupplier condition) {
        long deadline = System.nanoTime() + patience.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("waited in vain until " + what + ": " + state.get());
            }
            try {
                Thread.sleep(10);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted while waiting until " + what, e);
            }
        }
    }

    /**
     * Waits until {@code program}'s network namespace has a Unix socket at {@code path} that accepts connections. That its file is there
     * says less: it appears when the socket is bound, and refuses until it listens.
     */
    public static void listening(Program program, Path path) {
        until(path + " is listened on", program::toString, () -> {
            if (!program.alive()) {
                throw new AssertionError("ended instead of listening on " + path + ": " + program);
            }
            return isListening(program, path);
        });
    }

    /** The same of a TCP port, of whatever address. */
    public static void listening(Program program, int port) {
        until("port " + port + " is listened on", program::toString, () -> {
            if (!program.alive()) {
                throw new AssertionError("ended instead of listening on port " + port + ": " + program);
            }
            return isListening(program, port, "tcp") || isListening(program, port, "tcp6");
        });
    }

    private static boolean isListening(Program program, int port, String table) {
        String end = ":%04X".formatted(port);
        try (var sockets = Files.lines(Path.of("/proc/" + program.pid() + "/net/" + table))) {
            // sl local_address rem_address st (proc(5)); state 0A is one that listens
            return sockets.map(line -> line.strip().split("\\s+"))
                    .anyMatch(fields -> fields[1].endsWith(end) && fields[3].equals("0A"));
        } catch (IOException | java.io.UncheckedIOException e) {
            return false; // ended between two looks, or without IPv6
        }
    }

    private static boolean isListening(Program program, Path path) {
        try (var sockets = Files.lines(Path.of("/proc/" + program.pid() + "/net/unix"))) {
            // Num RefCount Protocol Flags Type St Inode Path (proc(5)); flag 0x10000 is a socket that listens
            return sockets.anyMatch(line -> line.endsWith(" " + path) && line.split("\\s+")[3].equals("00010000"));
        } catch (IOException | java.io.UncheckedIOException e) {
            return false; // ended between two looks, which the next one sees
        }
    }
}
