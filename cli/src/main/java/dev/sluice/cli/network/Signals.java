package dev.sluice.cli.network;

import dev.sluice.cli.namespace.ChildNamespace;
import dev.sluice.loop.LateLogger;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import sun.misc.Signal;

/** What the process does on signals (signal(7)). */
public final class Signals {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.cli.network");
    /** By name and number. SIGINT and SIGQUIT are missing: a terminal sends them to the command as well, and ChildNamespace ignores them. */
    private static final Map<String, Integer> PASSED_ON = Map.of("HUP", 1, "USR1", 10, "TERM", 15);

    private Signals() {}

    /** What to do with a signal is the command's to decide. */
    public static void passOn(ChildNamespace child) {
        PASSED_ON.forEach((name, number) -> handle(name, () -> child.signal(number)));
    }

    /** Ends a daemon cleanly on SIGTERM, SIGINT and SIGHUP: the latch opens. */
    public static void onStop(CountDownLatch stop) {
        onStop(stop::countDown);
    }

    /** The same, with another way to end. */
    public static void onStop(Runnable end) {
        for (String name : new String[] {"TERM", "INT", "HUP"}) {
            handle(name, end);
        }
    }

    /** On SIGHUP from now on {@code reload} is done, on a thread of its own, in the place of what {@link #onStop} does. */
    public static void onHangUp(Runnable reload) {
        handle("HUP", () -> Thread.ofVirtual().name("reload").start(reload));
    }

    private static void handle(String name, Runnable action) {
        try {
            Signal.handle(new Signal(name), _ -> action.run());
        } catch (IllegalArgumentException e) {
            // the JVM keeps some for itself, and some are unknown elsewhere; those keep their usual effect
            LOG.log(System.Logger.Level.DEBUG, "signal " + name + " is not handled: " + e.getMessage());
        }
    }
}
