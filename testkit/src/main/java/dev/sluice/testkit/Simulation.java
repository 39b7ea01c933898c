package dev.sluice.testkit;

import java.util.PriorityQueue;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Events in virtual time and one source of randomness: the same seed gives the same run, event for event. */
public final class Simulation {
    private record Event(long time, long order, Runnable action) implements Comparable<Event> {
        @Override
        public int compareTo(Event other) {
            return time != other.time ? Long.compare(time, other.time) : Long.compare(order, other.order);
        }
    }

    private final RandomGenerator random;
    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private long now;
    private long order;
    private long steps;

    /** A simulation that starts at {@code now} nanoseconds. */
    public Simulation(long seed, long now) {
        this.random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        this.now = now;
    }

    public RandomGenerator random() {
        return random;
    }

    public long now() {
        return now;
    }

    /** Events run so far. */
    public long steps() {
        return steps;
    }

    /** Runs {@code action} in {@code delay} nanoseconds; of events at one time, the first scheduled runs first. */
    public void after(long delay, Runnable action) {
        at(now + Math.max(0, delay), action);
    }

    /** Runs {@code action} at {@code time}, or now if that is past. */
    public void at(long time, Runnable action) {
        events.add(new Event(Math.max(time, now), order++, action));
    }

    /** Runs the next event; false if there is none. */
    public boolean step() {
        Event next = events.poll();
        if (next == null) {
            return false;
        }
        now = next.time;
        steps++;
        next.action.run();
        return true;
    }

    /** True in {@code permille} of 1000 cases. */
    public boolean chance(int permille) {
        return permille > 0 && random.nextInt(1000) < permille;
    }
}
