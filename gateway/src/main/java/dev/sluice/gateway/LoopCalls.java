package dev.sluice.gateway;

import dev.sluice.loop.EventLoop;
import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;

/** Calls of any thread into a gateway's loop; those from the loop itself run at once. */
record LoopCalls(EventLoop loop) implements OnLoop {
    @Override
    public <T> T call(Callable<T> task) throws IOException {
        if (loop.isCurrent()) {
            try {
                return task.call();
            } catch (IOException | RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IOException(e);
            }
        }
        CompletableFuture<T> result = new CompletableFuture<>();
        try {
            loop.execute(() -> {
                try {
                    result.complete(task.call());
                } catch (Throwable t) {
                    result.completeExceptionally(t);
                }
            });
            return result.get();
        } catch (RejectedExecutionException e) {
            throw new IOException("the gateway has been closed", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for the gateway", e);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException fault -> throw fault;
                case Error fault -> throw fault;
                case IOException failure -> throw failure;
                case null, default -> throw new IOException(e.getCause());
            }
        }
    }
}
