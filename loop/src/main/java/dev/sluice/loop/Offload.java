package dev.sluice.loop;

import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Threads for what blocks, started from a loop, which must not fall with them: where a system has no thread left (its {@code pids.max},
 * {@code ulimit -u}), the JDK throws {@link OutOfMemoryError} at whoever starts one.
 */
public final class Offload {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.loop");

    private Offload() {}

    /**
     * Runs {@code task} on a virtual thread of its own. Any thread may call.
     *
     * @return false if there is no thread to run it: then it never runs
     */
    public static boolean start(String name, Runnable task) {
        return start(Thread.ofVirtual().name(name).factory(), name, task);
    }

    /**
     * Runs {@code task} on a thread of {@code threads}: for what blocks in foreign calls, which takes a platform thread. Any thread may call.
     *
     * @param name what it is for
     * @return false if there is no thread to run it: then it never runs
     */
    public static boolean start(ThreadFactory threads, String name, Runnable task) {
        // What could not be started may be queued already, and found by another carrier: who is first decides.
        AtomicBoolean decided = new AtomicBoolean();
        try {
            threads.newThread(() -> {
                        if (decided.compareAndSet(false, true)) {
                            task.run();
                        }
                    })
                    .start();
            return true;
        } catch (OutOfMemoryError e) {
            boolean runs = !decided.compareAndSet(false, true);
            if (!runs) {
                complain(name, e);
            }
            return runs;
        }
    }

    private static void complain(String name, OutOfMemoryError e) {
        try {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "no thread for {0}: {1}; end some programs, or raise the limit (ulimit -u, pids.max)",
                    name,
                    e.getMessage());
        } catch (Throwable _) {
            // no memory for words either; the caller still has to hear of it
        }
    }
}
