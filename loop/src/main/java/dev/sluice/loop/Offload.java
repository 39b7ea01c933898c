package dev.sluice.loop;

import java.util.concurrent.ThreadFactory;

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

    static boolean start(ThreadFactory threads, String name, Runnable task) {
        try {
            threads.newThread(task).start();
            return true;
        } catch (OutOfMemoryError e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "no thread for {0}: {1}; end some programs, or raise the limit (ulimit -u, pids.max)",
                    name,
                    e.getMessage());
            return false;
        }
    }
}
