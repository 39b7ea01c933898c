package dev.sluice.cli.network;

import java.util.concurrent.atomic.AtomicBoolean;

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

    /** What the heap took after the last collection that was asked for. */
    private long after;

    private HeapWatch(long committed) {
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
                if (isDue(runtime.totalMemory(), after)) {
                    System.gc();
                    after = runtime.totalMemory();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
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
