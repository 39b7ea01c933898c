package dev.sluice.gateway.event;

import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Tells once a second what the counters of drops and stalls have gained, while somebody wants to know. Never on the loop. */
final class Summaries {
    private static final long INTERVAL_MILLIS = 1000;

    private final Events events;
    private final Counters counters;
    private final LongSupplier stalls;
    private @Nullable Thread thread;

    Summaries(Events events, Counters counters, LongSupplier stalls) {
        this.events = events;
        this.counters = counters;
        this.stalls = stalls;
    }

    /** Starts or ends telling. */
    synchronized void run(boolean wanted) {
        Thread running = thread;
        if (wanted && running == null) {
            thread = Thread.ofVirtual().name("event-summaries").start(this::tell);
        } else if (!wanted && running != null) {
            thread = null;
            running.interrupt();
        }
    }

    private void tell() {
        Map<Drop, Long> before = drops();
        long stallsBefore = stalls.getAsLong();
        try {
            while (true) {
                Thread.sleep(INTERVAL_MILLIS);
                Map<Drop, Long> now = drops();
                Map<String, Long> gained = new TreeMap<>();
                now.forEach((reason, count) -> {
                    long more = count - before.getOrDefault(reason, 0L);
                    if (more > 0) {
                        gained.put(reason.text(), more);
                    }
                });
                before.putAll(now);
                if (!gained.isEmpty()) {
                    events.publish(Event.Kind.DROPS, new Events.Drops(gained));
                }
                long stallsNow = stalls.getAsLong();
                if (stallsNow > stallsBefore) {
                    events.publish(Event.Kind.STALL, new Events.Stalls(stallsNow - stallsBefore));
                    stallsBefore = stallsNow;
                }
            }
        } catch (InterruptedException _) {
            // nobody listens any more
        }
    }

    private Map<Drop, Long> drops() {
        Map<Drop, Long> all = new EnumMap<>(Drop.class);
        for (Drop reason : Drop.values()) {
            all.put(reason, counters.dropped(reason));
        }
        return all;
    }
}
