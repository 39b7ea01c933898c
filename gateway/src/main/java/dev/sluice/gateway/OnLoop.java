package dev.sluice.gateway;

import java.io.IOException;
import java.util.concurrent.Callable;

/**
 * Runs tasks on the loop and waits for them. They throw {@link IOException} also where the loop has ended, or the thread is interrupted.
 */
interface OnLoop {
    <T> T call(Callable<T> task) throws IOException;

    /** Something to do that has no result. */
    @FunctionalInterface
    interface Task {
        void run() throws Exception;
    }

    /** The same for what has no result. */
    default void run(Task task) throws IOException {
        call(() -> {
            task.run();
            return true;
        });
    }
}
