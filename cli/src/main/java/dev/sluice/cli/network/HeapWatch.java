package dev.sluice.cli.network;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Has the old generation collected long before it is full. The serial collector leaves it alone until there is no room at all: flows that lived
 * for some seconds pile up there when they are over, and the process would grow to several times what it uses before the first collection.
 * A collection costs a pause for what is alive, not for what is garbage, so that the pauses get no longer by being more frequent.
 */
final class HeapWatch {
    private static final long INTERVAL_MILLIS = 20_000;
    /** Bytes below which the heap is let grow in any case. */
    static final long LEAST = 24L << 20;

    private static final AtomicBoolean STARTED = new AtomicBoolean();

    private static final AtomicLong COLLECTIONS = new AtomicLong();

    /** What the heap took after the last collection that was asked for. */
    private long after;

    HeapWatch(long committed) {
        after = committed;
    }

    /** Begins, for as long as the process lives; the second time, nothing happens. */
    static void start() {
        if (STARTED.getAndSet(true)) {
            return;
        }
        Runtime runtime = Runtime.getRuntime();
        HeapWatch watch = new HeapWatch(runtime.totalMemory());
        Thread thread = new Thread(null, () -> watch.run(runtime), "heap", 64 << 10);
        thread.setDaemon(true);
        thread.start();
    }

    private void run(Runtime runtime) {
        try {
            while (true) {
                Thread.sleep(INTERVAL_MILLIS);
                look(runtime.totalMemory(), () -> {
                    System.gc();
                    return runtime.totalMemory();
                });
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** @param collection has it collected; what it takes afterwards */
    void look(long committed, LongSupplier collection) {
        if (isDue(committed, after)) {
            after = collection.getAsLong();
            COLLECTIONS.incrementAndGet();
        }
    }

    /** How often it was collected. */
    static long collections() {
        return COLLECTIONS.get();
    }

    /**
     * Whether it has grown by half.
     *
     * @param committed bytes the heap takes now, garbage and free room included
     * @param after the same just after the last collection
     */
    static boolean isDue(long committed, long after) {
        return committed >= LEAST && committed >= after + after / 2;
    }
}
