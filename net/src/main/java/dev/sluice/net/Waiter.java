package dev.sluice.net;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Where one thread at a time waits for the loop. Waking costs the loop a volatile read if nobody waits, and no lock ever.
 *
 * <p>Nothing is missed: the waiting thread makes itself known before it looks at the condition a last time, the loop changes the
 * condition before it looks who waits, and all of these are volatile.
 */
final class Waiter {
    /** Deadline of those who wait for ever, on {@link System#nanoTime}. */
    static final long NEVER = Long.MAX_VALUE;

    private volatile @Nullable Thread thread;

    /**
     * Waits until {@code ready}; callers take turns by a lock of their own.
     *
     * @param deadline on {@link System#nanoTime}, or {@link #NEVER}
     * @return false if the deadline passed first
     * @throws NetException.Interrupted if the thread was interrupted; its status is set
     */
    boolean await(BooleanSupplier ready, long deadline) throws NetException.Interrupted {
        if (ready.getAsBoolean()) {
            return true;
        }
        thread = Thread.currentThread();
        try {
            while (!ready.getAsBoolean()) {
                if (Thread.currentThread().isInterrupted()) {
                    throw new NetException.Interrupted("interrupted while waiting for the network");
                }
                if (deadline == NEVER) {
                    LockSupport.park(this);
                } else {
                    long left = deadline - System.nanoTime();
                    if (left <= 0) {
                        return false;
                    }
                    LockSupport.parkNanos(this, left);
                }
            }
            return true;
        } finally {
            thread = null;
        }
    }

    /** Has the waiting thread look at its condition again. */
    void wake() {
        Thread waiting = thread;
        if (waiting != null) {
            LockSupport.unpark(waiting);
        }
    }
}
