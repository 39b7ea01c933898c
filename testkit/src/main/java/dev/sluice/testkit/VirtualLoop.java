package dev.sluice.testkit;

import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.loop.Work;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * A loop in virtual time. The thread that made it is the loop's thread; {@link #execute} may be called from others. A turn is as in
 * earnest: mailbox, the work that was queued when the turn began, timers that are due, end-of-turn hooks. The clock may wrap around, as
 * that of the machine.
 */
public final class VirtualLoop implements Loop {
    /** More turns than this without time moving are a livelock. */
    private static final int MOST_TURNS = 1_000_000;

    private record Alarm(Timer timer, long deadline, long order) implements Comparable<Alarm> {
        @Override
        public int compareTo(Alarm other) {
            long later = deadline - other.deadline;
            return later != 0 ? Long.signum(later) : Long.compare(order, other.order);
        }

        boolean isCurrent() {
            return timer.isArmed() && timer.deadline() == deadline;
        }
    }

    private final Thread thread = Thread.currentThread();
    private final Object mailLock = new Object();
    private final ArrayDeque<Runnable> mail = new ArrayDeque<>();
    private final PriorityQueue<Alarm> alarms = new PriorityQueue<>();
    private final ArrayDeque<Work> work = new ArrayDeque<>();
    private final List<Runnable> hooks = new ArrayList<>();
    private long now;
    private long order;

    /** A loop whose clock shows {@code now} nanoseconds. */
    public VirtualLoop(long now) {
        this.now = now;
    }

    @Override
    public long now() {
        return now;
    }

    @Override
    public boolean isCurrent() {
        return Thread.currentThread() == thread;
    }

    @Override
    public void execute(Runnable task) {
        synchronized (mailLock) {
            mail.add(task);
        }
    }

    @Override
    public void schedule(Timer timer, long deadline) {
        timer.markArmed(deadline);
        alarms.add(new Alarm(timer, deadline, order++));
    }

    @Override
    public void cancel(Timer timer) {
        timer.markDisarmed();
    }

    @Override
    public void enqueue(Work item) {
        if (item.markQueued()) {
            work.add(item);
        }
    }

    @Override
    public void atEndOfTurn(Runnable hook) {
        hooks.add(hook);
    }

    /** Runs one turn at the present time. */
    public void turn() {
        for (int left = mailSize(); left > 0; left--) {
            takeMail().run();
        }
        for (int left = work.size(); left > 0; left--) {
            work.remove().runQueued();
        }
        // A timer that arms itself for the past again waits for the next turn.
        long bound = order;
        List<Alarm> later = new ArrayList<>();
        while (isDue(now)) {
            Alarm alarm = alarms.remove();
            if (alarm.order >= bound) {
                later.add(alarm);
            } else {
                alarm.timer.fire(now);
            }
        }
        alarms.addAll(later);
        hooks.forEach(Runnable::run);
    }

    private int mailSize() {
        synchronized (mailLock) {
            return mail.size();
        }
    }

    private Runnable takeMail() {
        synchronized (mailLock) {
            return mail.remove();
        }
    }

    /** True if a turn now would run something. */
    public boolean isBusy() {
        return mailSize() > 0 || !work.isEmpty() || isDue(now);
    }

    /** When the earliest timer fires, or {@link Long#MAX_VALUE}. */
    public long nextDeadline() {
        Alarm next = next();
        return next == null ? Long.MAX_VALUE : next.deadline;
    }

    private @Nullable Alarm next() {
        while (!alarms.isEmpty() && !alarms.peek().isCurrent()) {
            alarms.remove();
        }
        return alarms.peek();
    }

    /** Whether a timer fires at {@code time} or before. Times are compared as those of a clock that wraps around. */
    private boolean isDue(long time) {
        Alarm next = next();
        return next != null && next.deadline - time <= 0;
    }

    /** Runs turns, at least one, until nothing is left to do at the present time. */
    public void settle() {
        int turns = 0;
        do {
            turn();
            if (++turns > MOST_TURNS) {
                throw new AssertionError("The loop does not come to rest at " + now + " ns");
            }
        } while (isBusy());
    }

    /** Lets {@code nanos} pass, stopping at every timer on the way. */
    public void advance(long nanos) {
        long end = now + nanos;
        settle();
        while (isDue(end)) {
            moveTo(nextDeadline());
            settle();
        }
        now = end;
        settle();
    }

    /** Lets time pass until the next timer has fired; false if there is none. */
    public boolean advanceToNextTimer() {
        settle();
        Alarm next = next();
        if (next == null) {
            return false;
        }
        moveTo(next.deadline);
        settle();
        return true;
    }

    private void moveTo(long time) {
        now = time - now > 0 ? time : now;
    }
}
