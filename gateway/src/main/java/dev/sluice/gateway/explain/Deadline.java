package dev.sluice.gateway.explain;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Ends what takes too long. */
final class Deadline {
    private Deadline() {}

    /**
     * Does it on a thread of its own and waits.
     *
     * @param end makes it come back if it does not by itself; it is interrupted, too
     * @throws IOException what it threw, or that it took too long
     */
    static <T extends Object> T within(Duration patience, Callable<T> task, Runnable end) throws IOException {
        FutureTask<T> future = new FutureTask<>(task);
        Thread.ofVirtual().name("explain").start(future);
        try {
            return future.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            future.cancel(true);
            end.run();
            throw new TooLate("no answer within " + patience.toSeconds() + " seconds");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            future.cancel(true);
            end.run();
            throw new IOException("interrupted", e);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException io -> throw io;
                case RuntimeException fault -> throw fault;
                case null, default -> throw new IOException(e.getCause());
            }
        }
    }

    /** It took too long. */
    static final class TooLate extends IOException {
        private static final long serialVersionUID = 1L;

        TooLate(String message) {
            super(message);
        }
    }
}
