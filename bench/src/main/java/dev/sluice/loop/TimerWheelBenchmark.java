package dev.sluice.loop;

import dev.sluice.bench.parts.Part;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;

/** Timers of ten thousand connections: one is moved, as with a segment; one is armed and disarmed; time passes and some fire. */
public class TimerWheelBenchmark extends Part {
    private static final int TIMERS = 10_000;
    private static final long MILLIS = 1_000_000;

    private final TimerWheel wheel = new TimerWheel(0);
    private final Timer[] timers = new Timer[TIMERS];
    private final Timer idle = Timer.of(() -> {});
    private long now;
    private int next;

    @Setup
    public void arm() {
        for (int i = 0; i < TIMERS; i++) {
            timers[i] = new Repeating();
            wheel.schedule(timers[i], now + 200 * MILLIS + i * MILLIS / 10);
        }
    }

    private final class Repeating extends Timer {
        @Override
        protected void onTimer(long at) {
            wheel.schedule(this, at + 200 * MILLIS);
        }
    }

    @Benchmark
    public void move() {
        now += 10_000;
        next = next + 1 == TIMERS ? 0 : next + 1;
        wheel.schedule(timers[next], now + 200 * MILLIS);
    }

    @Benchmark
    public void armAndDisarm() {
        wheel.schedule(idle, now + 40 * MILLIS);
        wheel.cancel(idle);
    }

    /** A tick passes: some fifty timers fire and are armed again. */
    @Benchmark
    public long tick() {
        now += MILLIS;
        wheel.advance(now);
        return wheel.nextWake();
    }
}
