package dev.sluice.gateway.proxy;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** How a session waits for the loop. */
final class Waiting {
    private Waiting() {}

    /** What the loop says; null after so many seconds. */
    static <T> @Nullable T await(CompletableFuture<T> future, long seconds) {
        try {
            return future.get(seconds, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            return null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("sessions are not interrupted", e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    /** What the loop says, however long that takes. */
    static <T> T await(CompletableFuture<T> future) {
        return future.join();
    }
}
