package dev.sluice.loop;

/** Something that can ask its loop for another go; intrusive, so asking allocates nothing. */
public abstract class Work {
    /** True from {@code enqueue} until just before {@link #run}. */
    boolean queued;
    /** The next in the queue, while queued. */
    @org.jspecify.annotations.Nullable
    Work next;

    /** Does a bounded amount; enqueues itself again if more is left. */
    protected abstract void run();

    /** For loops outside this package: marks as queued; false if it was. */
    public final boolean markQueued() {
        boolean was = queued;
        queued = true;
        return !was;
    }

    /** For loops outside this package: unmarks and runs. */
    public final void runQueued() {
        queued = false;
        run();
    }
}
