package dev.sluice.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class TimerWheelTest {
    private static final long TICK = 1 << 20;

    @Test
    void everyTimerFiresOnceNeverEarlyAndAtMostOneTickLate() {
        for (long seed = 0; seed < 200; seed++) {
            var random = new SplittableRandom(seed);
            long now = random.nextLong(1L << 40) - (1L << 39);
            var wheel = new TimerWheel(now);
            List<Probe> probes = new ArrayList<>();
            for (int step = 0; step < 300; step++) {
                switch (random.nextInt(4)) {
                    case 0, 1 -> {
                        var probe = new Probe();
                        probe.due = now + random.nextLong(1L << random.nextInt(1, 45));
                        wheel.schedule(probe, probe.due);
                        probes.add(probe);
                    }
                    case 2 -> {
                        Probe probe = probes.isEmpty() ? new Probe() : probes.get(random.nextInt(probes.size()));
                        if (probe.isArmed() && random.nextBoolean()) {
                            wheel.cancel(probe);
                            probe.cancelled = true;
                        } else if (probe.isArmed()) {
                            probe.due = now + random.nextLong(1L << random.nextInt(1, 40));
                            wheel.schedule(probe, probe.due);
                        }
                    }
                    default -> {
                        long wake = wheel.nextWake();
                        now = random.nextBoolean() && wake != Long.MAX_VALUE
                                ? Math.max(now, wake)
                                : now + random.nextLong(1L << random.nextInt(1, 40));
                        wheel.advance(now);
                        check(seed, probes, now);
                    }
                }
            }
            while (wheel.nextWake() != Long.MAX_VALUE) {
                now = Math.max(now, wheel.nextWake());
                wheel.advance(now);
                check(seed, probes, now);
            }
            for (Probe probe : probes) {
                assertThat(probe.fired).as("seed %d", seed).isEqualTo(probe.cancelled ? 0 : 1);
            }
        }
    }

    private static void check(long seed, List<Probe> probes, long now) {
        for (Probe probe : probes) {
            if (probe.fired > 0) {
                assertThat(probe.at).as("seed %d: early", seed).isGreaterThanOrEqualTo(probe.due);
            } else if (!probe.cancelled) {
                assertThat(now).as("seed %d: late", seed).isLessThan(probe.due + 2 * TICK);
            }
        }
    }

    @Test
    void aTimerThatArmsItselfForThePastDoesNotHangTheWheel() {
        var wheel = new TimerWheel(0);
        int[] fired = {0};
        Timer timer = new Timer() {
            @Override
            protected void onTimer(long now) {
                fired[0]++;
                wheel.schedule(this, now - 5);
            }
        };
        wheel.schedule(timer, 0);
        wheel.advance(10 * TICK);
        assertThat(fired[0]).isBetween(1, 10);
    }

    /** On a tick where only the lowest level turns, and on those where others are emptied into it. */
    @Test
    void aTimerThatThrowsHoldsUpNoOther() {
        for (long due : new long[] {1, 5, 63, 64, 65, 4096, 64 * 4096}) {
            var wheel = new TimerWheel(0);
            var probes = List.of(new Probe(), new Probe(), new Probe());
            for (Probe probe : probes) {
                probe.due = due * TICK - 1;
                probe.fails = true;
                wheel.schedule(probe, probe.due);
            }
            var later = new Probe();
            wheel.schedule(later, due * TICK);
            long now = due * TICK;
            for (Probe _ : probes) {
                assertThat(wheel.nextWake()).as("due %d", due).isLessThanOrEqualTo(now);
                assertThatThrownBy(() -> wheel.advance(now)).hasMessage("expected by the test");
            }
            wheel.advance(now);
            assertThat(probes).as("due %d", due).allMatch(probe -> probe.fired == 1);
            assertThat(later.fired).isZero();
            wheel.advance(now + TICK);
            assertThat(later.fired).isOne();
            assertThat(wheel.nextWake()).isEqualTo(Long.MAX_VALUE);
        }
    }

    @Test
    void nothingArmedMeansNoWakeUp() {
        var wheel = new TimerWheel(0);
        Timer timer = Timer.of(() -> {});
        wheel.schedule(timer, 1_000_000_000L);
        wheel.cancel(timer);
        assertThat(wheel.nextWake()).isEqualTo(Long.MAX_VALUE);
        assertThat(timer.isArmed()).isFalse();
    }

    private static final class Probe extends Timer {
        long due;
        long at;
        int fired;
        boolean cancelled;
        boolean fails;

        @Override
        protected void onTimer(long now) {
            at = now;
            fired++;
            if (fails) {
                throw new IllegalStateException("expected by the test");
            }
        }
    }
}
