package dev.sluice.gateway.flow;

import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.loop.Work;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** A loop whose clock the test moves; everything happens on the test's thread. */
public final class ManualLoop implements Loop {
    public static final long SECOND = 1_000_000_000L;
    private final List<Timer> timers = new ArrayList<>();
    private long now;

    public ManualLoop(long start) {
        now = start;
    }

    /** Moves the clock, firing what falls due in order. */
    public void advance(long nanos) {
        long end = now + nanos;
        while (true) {
            Timer due = timers.stream()
                    .filter(timer -> timer.deadline() - end <= 0)
                    .min(Comparator.comparingLong(timer -> timer.deadline() - now))
                    .orElse(null);
            if (due == null) {
                now = end;
                return;
            }
            timers.remove(due);
            now = due.deadline() - now > 0 ? due.deadline() : now;
            due.fire(now);
        }
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
        timers.remove(timer);
        timer.markArmed(deadline);
        timers.add(timer);
    }

    @Override
    public void cancel(Timer timer) {
        timers.remove(timer);
        timer.markDisarmed();
    }

    @Override
    public void enqueue(Work work) {
        work.runQueued();
    }

    @Override
    public void atEndOfTurn(Runnable hook) {
        throw new UnsupportedOperationException("no turns here");
    }
}
