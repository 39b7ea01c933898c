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

    private Async() {}

    /** Runs {@code task} on a virtual thread. */
    public static <T> CompletableFuture<T> async(Callable<T> task) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread.startVirtualThread(() -> complete(result, task));
        return result;
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
