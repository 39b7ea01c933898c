package dev.sluice.net;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Points in time on {@link System#nanoTime}, made from what users say. */
final class Deadline {
    private static final Duration LONGEST = Duration.ofDays(10_000);

    private Deadline() {}

    /** The moment {@code timeout} from now; {@link Waiter#NEVER} for null. */
    static long after(@Nullable Duration timeout) {
        if (timeout == null || timeout.compareTo(LONGEST) > 0) {
            return Waiter.NEVER;
        }
        long deadline = System.nanoTime() + nanos(timeout);
        return deadline == Waiter.NEVER ? deadline - 1 : deadline;
    }

    /** {@code timeout} in nanoseconds, at least 0 and not longer than clocks can take. */
    static long nanos(Duration timeout) {
        return timeout.compareTo(LONGEST) > 0 ? LONGEST.toNanos() : timeout.isNegative() ? 0 : timeout.toNanos();
    }

    /** Takes {@code lock} before {@code deadline}; false if that passed. */
    static boolean lock(ReentrantLock lock, long deadline) throws NetException.Interrupted {
        if (lock.tryLock()) {
            return true;
        }
        try {
            if (deadline == Waiter.NEVER) {
                lock.lockInterruptibly();
                return true;
            }
            return lock.tryLock(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new NetException.Interrupted("interrupted while waiting for another user of the same socket");
        }
    }

    /** For people: {@code 5 s}, {@code 200 ms}. */
    static String text(@Nullable Duration timeout) {
        if (timeout == null) {
            return "a long time";
        }
        long millis = nanos(timeout) / 1_000_000;
        return millis % 1000 == 0 ? millis / 1000 + " s" : millis + " ms";
    }
}
