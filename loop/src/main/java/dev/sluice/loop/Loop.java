package dev.sluice.loop;

import java.util.concurrent.Executor;

/** A single thread with timers and a mailbox. All methods but {@link #execute} and {@link #isCurrent} only on that thread. */
public interface Loop extends Executor {
    /** Nanoseconds of a monotonic clock with arbitrary origin, read once per turn; compare by subtraction only. */
    long now();

    /** True on the loop's own thread. */
    boolean isCurrent();

    /**
     * Runs {@code task} on the loop's thread in a later turn, in order of calls. Callable from any thread.
     *
     * @throws java.util.concurrent.RejectedExecutionException if the loop has ended
     */
    @Override
    void execute(Runnable task);

    /** Arms {@code timer}, or moves it if armed; it fires once, at or after {@code deadline} (on the clock of {@link #now}). */
    void schedule(Timer timer, long deadline);

    /** Disarms; nothing happens if it was not armed. */
    void cancel(Timer timer);

    /** Queues {@code work} to run once in this turn or the next; nothing happens if it is queued already. */
    void enqueue(Work work);

    /** Adds a hook that runs at the end of every turn, in the order added. For set-up; hooks are never removed. */
    void atEndOfTurn(Runnable hook);
}
