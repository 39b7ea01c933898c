package dev.sluice.cli;

import dev.sluice.cli.namespace.ChildNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import sun.misc.Signal;

/** What the process does on signals (signal(7)). */
final class Signals {
    private static final Map<String, Integer> PASSED_ON =
            Map.of("HUP", 1, "INT", 2, "USR2", 12, "TERM", 15, "CONT", 18, "WINCH", 28);

    private Signals() {}

    /**
     * Every signal that can be is the child's to decide on. What a terminal sends (Ctrl-C, a change of its size) reaches the whole
     * foreground process group, the child included, and is not sent twice.
     */
    static void passOn(ChildNamespace child) {
        PASSED_ON.forEach((name, number) -> handle(name, () -> {
            boolean fromTerminal = (number == 2 || number == 28) && inForeground();
            if (!fromTerminal) {
                child.signal(number);
            }
        }));
    }

    /** Ends a daemon cleanly on SIGTERM, SIGINT and SIGHUP: the latch opens. */
    static void onStop(CountDownLatch stop) {
        for (String name : new String[] {"TERM", "INT", "HUP"}) {
            handle(name, stop::countDown);
        }
    }

    private static void handle(String name, Runnable action) {
        try {
            Signal.handle(new Signal(name), _ -> action.run());
        } catch (IllegalArgumentException e) {
            // the JVM keeps some for itself, and some are unknown elsewhere; those keep their usual effect
            Console.detail("signal " + name + " is not handled: " + e.getMessage());
        }
    }

    /** Whether this process's group is the one in front on its terminal: fields 5 and 8 of proc_pid_stat(5). */
    private static boolean inForeground() {
        try {
            String stat = Files.readString(Path.of("/proc/self/stat"));
            String[] field = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return field[2].equals(field[5]);
        } catch (IOException e) {
            return false;
        }
    }
}
