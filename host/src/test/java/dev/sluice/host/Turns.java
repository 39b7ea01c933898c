package dev.sluice.host;

import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.loop.Work;
import java.util.ArrayDeque;
import java.util.Deque;

/** A loop whose turns the test takes, one after each nanosecond; timers are not for it. */
final class Turns implements Loop {
    private final Deque<Work> queue = new ArrayDeque<>();

    private long now;

    /** Runs what is queued now. */
    void turn() {
        now++;
        for (int n = queue.size(); n > 0; n--) {
            queue.removeFirst().runQueued();
        }
    }

    boolean isIdle() {
        return queue.isEmpty();
    }

    @Override
    public long now() {
        return now;
    }

    @Override
    public boolean isCurrent() {
        return true;
    }

    @Override
    public void execute(Runnable task) {
        task.run();
    }

    @Override
    public void schedule(Timer timer, long deadline) {
        throw new UnsupportedOperationException("no time here");
    }

    @Override
    public void cancel(Timer timer) {}

    @Override
    public void enqueue(Work work) {
        if (work.markQueued()) {
            queue.addLast(work);
        }
    }

    @Override
    public void atEndOfTurn(Runnable hook) {
        throw new UnsupportedOperationException("no hooks here");
    }
}
