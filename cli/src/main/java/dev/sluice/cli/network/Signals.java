package dev.sluice.cli.network;

import dev.sluice.cli.namespace.ChildNamespace;
import dev.sluice.loop.LateLogger;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/** What the process does on signals (signal(7)). */
public final class Signals {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.cli.network");
    /** By name and number. SIGINT and SIGQUIT are missing: a terminal sends them to the command as well, and ChildNamespace ignores them. */
    private static final Map<String, Integer> PASSED_ON = Map.of("HUP", 1, "USR1", 10, "TERM", 15);

    private Signals() {}

    /** What to do with a signal is the command's to decide. */
    public static void passOn(ChildNamespace child) {
        PASSED_ON.forEach((name, number) -> handle(name, _ -> child.signal(number)));
    }

    /** Ends a daemon cleanly on SIGTERM, SIGINT and SIGHUP: the latch opens. Whoever sends a second one does not want to wait for that. */
    public static void onStop(CountDownLatch stop) {
        onStop(stop::countDown);
    }

    /** The same, with another way to end. */
    public static void onStop(Runnable end) {
        Stop stop = new Stop(end, number -> Runtime.getRuntime().halt(128 + number), System::nanoTime);
        for (String name : new String[] {"TERM", "INT", "HUP"}) {
            handle(name, signal -> stop.on(signal.getNumber()));
        }
    }

    /** What comes of signals to stop: the first asks for an end, a second one, of whatever kind, is it. Thread-safe. */
    static final class Stop {
        /** One wish to stop may come twice, as timeout(1) and some shells signal the process and then its group. */
        static final long ECHO_NANOS = 500_000_000;

        private final Runnable end;
        private final IntConsumer halt;
        private final LongSupplier clock;
        private boolean asked;
        private long askedAt;

        Stop(Runnable end, IntConsumer halt, LongSupplier clock) {
            this.end = end;
            this.halt = halt;
            this.clock = clock;
        }

        void on(int number) {
            if (isFirst()) {
                end.run();
            } else if (clock.getAsLong() - askedAt > ECHO_NANOS) {
                halt.accept(number);
            }
        }

        private synchronized boolean isFirst() {
            if (asked) {
                return false;
            }
            asked = true;
            askedAt = clock.getAsLong();
            return true;
        }
    }

    /** On SIGHUP from now on {@code reload} is done, on a thread of its own, in the place of what {@link #onStop} does. */
    public static void onHangUp(Runnable reload) {
        handle("HUP", _ -> Thread.ofVirtual().name("reload").start(reload));
    }

    private static void handle(String name, SignalHandler action) {
        try {
            Signal.handle(new Signal(name), action);
        } catch (IllegalArgumentException e) {
            // the JVM keeps some for itself, and some are unknown elsewhere; those keep their usual effect
            LOG.log(System.Logger.Level.DEBUG, "signal " + name + " is not handled: " + e.getMessage());
        }
    }
}
