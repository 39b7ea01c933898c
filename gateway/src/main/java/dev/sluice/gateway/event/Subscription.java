package dev.sluice.gateway.event;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Somebody who listens, with a queue of their own. {@link #next} on one thread; events come from any. */
public final class Subscription implements AutoCloseable {
    private final Events events;
    private final int kinds;
    private final int limit;
    private final ConcurrentLinkedQueue<Event> queue = new ConcurrentLinkedQueue<>();
    /** At least as many as are in the queue. */
    private final AtomicInteger queued = new AtomicInteger();
    /** The thread that waits in {@link #next}, to be woken once. */
    private final AtomicReference<@Nullable Thread> waiter = new AtomicReference<>();

    private volatile boolean cut;

    Subscription(Events events, Set<Event.Kind> kinds, int limit) {
        this.events = events;
        this.limit = limit;
        int bits = 0;
        for (Event.Kind kind : kinds) {
            bits |= Events.bit(kind);
        }
        this.kinds = bits;
    }

    int kinds() {
        return kinds;
    }

    /** Queues an event, or ends the subscription if there is no room. Does not block. */
    void offer(Event event) {
        if (cut) {
            return;
        }
        if (queued.incrementAndGet() > limit) {
            cut = true;
            events.cut(this);
        } else {
            queue.add(event);
        }
        Thread thread = waiter.getAndSet(null);
        if (thread != null) {
            LockSupport.unpark(thread);
        }
    }

    /** True if it has ended because its events were not taken in time. */
    public boolean isCut() {
        return cut;
    }

    /** The next event; null if there was none for so long, or it {@link #isCut}. */
    public @Nullable Event next(Duration patience) throws InterruptedException {
        long deadline = System.nanoTime() + patience.toNanos();
        while (true) {
            if (cut) {
                return null;
            }
            // before looking: what comes after that will wake
            waiter.set(Thread.currentThread());
            Event event = queue.poll();
            if (event != null) {
                waiter.set(null);
                queued.decrementAndGet();
                return event;
            }
            long left = deadline - System.nanoTime();
            if (left <= 0 || cut) {
                waiter.set(null);
                return null;
            }
            LockSupport.parkNanos(this, left);
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
    }

    @Override
    public void close() {
        events.remove(this);
        queue.clear();
    }
}
