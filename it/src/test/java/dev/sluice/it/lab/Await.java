package dev.sluice.it.lab;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits until something is so, and fails at a deadline, which is far: nothing here depends on how fast the machine is. */
public final class Await {
    private Await() {}

    /** @param state asked only on failure */
    public static void until(String what, Supplier<String> state, BooleanSupplier condition) {
        until(Duration.ofSeconds(60), what, state, condition);
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
}
