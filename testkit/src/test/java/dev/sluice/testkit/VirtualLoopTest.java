package dev.sluice.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.loop.Timer;
import dev.sluice.loop.Work;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class VirtualLoopTest {
    private final VirtualLoop loop = new VirtualLoop(-1000);
    private final List<String> log = new ArrayList<>();

    private Timer timer(String name) {
        return Timer.of(() -> log.add(name + "@" + loop.now()));
    }

    @Test
    void timersFireInOrderOfTimeAndAtTheirTime() {
        Timer a = timer("a");
        Timer b = timer("b");
        Timer c = timer("c");
        loop.schedule(a, 300);
        loop.schedule(b, 200);
        loop.schedule(c, 200);
        loop.advance(1200);
        assertThat(log).containsExactly("b@200", "c@200");
        assertThat(a.isArmed()).isTrue();
        loop.advance(1000);
        assertThat(log).containsExactly("b@200", "c@200", "a@300");
        assertThat(loop.now()).isEqualTo(1200);
    }

    @Test
    void aMovedOrCancelledTimerFiresOnceOrNever() {
        Timer a = timer("a");
        Timer b = timer("b");
        loop.schedule(a, 10);
        loop.schedule(a, 20);
        loop.schedule(a, 5);
        loop.schedule(b, 5);
        loop.cancel(b);
        assertThat(loop.nextDeadline()).isEqualTo(5);
        loop.advance(2000);
        assertThat(log).containsExactly("a@5");
        assertThat(loop.nextDeadline()).isEqualTo(Long.MAX_VALUE);
        assertThat(loop.advanceToNextTimer()).isFalse();
    }

    @Test
    void aClockThatWrapsAroundDisturbsNobody() {
        VirtualLoop late = new VirtualLoop(Long.MAX_VALUE - 10);
        Timer before = Timer.of(() -> log.add("before"));
        Timer after = Timer.of(() -> log.add("after"));
        late.schedule(after, Long.MAX_VALUE - 10 + 1000);
        late.schedule(before, Long.MAX_VALUE);
        late.advance(999);
        assertThat(log).containsExactly("before");
        assertThat(late.isBusy()).isFalse();
        assertThat(late.advanceToNextTimer()).isTrue();
        assertThat(log).containsExactly("before", "after");
        assertThat(late.now() - (Long.MAX_VALUE - 10)).isEqualTo(1000);
    }

    @Test
    void aTurnRunsMailThenWorkThenTimersThenHooks() {
        loop.atEndOfTurn(() -> log.add("end"));
        Work work = new Work() {
            private int runs;

            @Override
            protected void run() {
                log.add("work");
                if (++runs < 2) {
                    loop.enqueue(this);
                }
            }
        };
        loop.enqueue(work);
        loop.enqueue(work);
        loop.schedule(timer("timer"), -1000);
        loop.execute(() -> log.add("mail"));
        loop.turn();
        assertThat(log).containsExactly("mail", "work", "timer@-1000", "end");
        assertThat(loop.isBusy()).isTrue();
        loop.settle();
        assertThat(log).endsWith("work", "end").hasSize(6);
        assertThat(loop.isBusy()).isFalse();
    }

    @Test
    void anEndlessLoopIsFound() {
        loop.enqueue(new Work() {
            @Override
            protected void run() {
                loop.enqueue(this);
            }
        });
        assertThatThrownBy(loop::settle).isInstanceOf(AssertionError.class);
    }

    @Test
    void mailMayComeFromAnyThread() throws Exception {
        Thread other = Thread.ofPlatform().start(() -> {
            loop.execute(() -> log.add(String.valueOf(loop.isCurrent())));
            loop.execute(() -> log.add("second"));
        });
        other.join();
        loop.settle();
        assertThat(log).containsExactly("true", "second");
    }
}
