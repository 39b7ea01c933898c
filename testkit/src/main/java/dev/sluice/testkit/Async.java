package dev.sluice.testkit;

import dev.sluice.loop.Loop;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** What a test does beside itself, and waits for. */
public final class Async {
    /** Long enough for any step on any machine; no test waits this long when all is well. */
    private static final long SECONDS = 60;

    /** What a task gives, and the thread it comes from. */
    private static final class Running<T> extends CompletableFuture<T> {
        private final Thread thread;

        private Running(Callable<T> task) {
            thread = Thread.ofVirtual().unstarted(() -> Async.complete(this, task));
        }
    }

    private Async() {}

    /** Runs {@code task} on a virtual thread. */
    public static <T> CompletableFuture<T> async(Callable<T> task) {
        Running<T> result = new Running<>(task);
        result.thread.start();
        return result;
    }

    /**
     * Whether a task gets no further by itself: it is done, or waits for somebody. One whose thread has only not had its turn yet is
     * late, and a test must not take it for one that waits.
     */
    public static boolean isStopped(CompletableFuture<?> task) {
        if (task.isDone() || !(task instanceof Running<?> running)) {
            return true;
        }
        return switch (running.thread.getState()) {
            case WAITING, TIMED_WAITING, TERMINATED -> true;
            default -> false;
        };
    }

    /** Runs {@code task} on a loop; its result, or what it failed with. */
    public static <T> T on(Loop loop, Callable<T> task) throws Exception {
        CompletableFuture<T> result = new CompletableFuture<>();
        loop.execute(() -> complete(result, task));
        return get(result);
    }

    private static <T> void complete(CompletableFuture<T> result, Callable<T> task) {
        try {
            result.complete(task.call());
        } catch (Throwable t) {
            result.completeExceptionally(t);
        }
    }

    /** Its result, or what it failed with. */
    public static <T> T get(CompletableFuture<T> future) throws Exception {
        try {
            return future.get(SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw e;
        }
    }
}
