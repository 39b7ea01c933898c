package dev.sluice.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.posix.Epoll;
import dev.sluice.posix.Io;
import java.lang.foreign.Arena;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class EventLoopTest {
    @Test
    void tasksFromOtherThreadsRunInOrderOnTheLoop() throws Exception {
        try (EventLoop loop = EventLoop.start("test")) {
            var seen = new StringBuilder();
            var done = new CompletableFuture<Boolean>();
            for (int i = 0; i < 10; i++) {
                int n = i;
                loop.execute(() -> seen.append(n));
            }
            loop.execute(() -> done.complete(loop.isCurrent()));
            assertThat(done.get(60, TimeUnit.SECONDS)).isTrue();
            assertThat(seen).hasToString("0123456789");
        }
    }

    @Test
    void aReadyDescriptorIsReported() throws Exception {
        int[] pipe = Io.pipe(Io.O_NONBLOCK);
        try (EventLoop loop = EventLoop.start("test");
                Arena arena = Arena.ofConfined()) {
            var first = new CompletableFuture<Integer>();
            loop.execute(() -> {
                try {
                    loop.watch(pipe[0], Epoll.IN, first::complete);
                } catch (Exception e) {
                    first.completeExceptionally(e);
                }
            });
            Io.write(pipe[1], arena.allocate(1), 0, 1);
            assertThat(first.get(60, TimeUnit.SECONDS) & Epoll.IN).isEqualTo(Epoll.IN);
        } finally {
            Io.close(pipe[0]);
            Io.close(pipe[1]);
        }
    }

    @Test
    void aFailingCallbackIsCountedAndTheLoopGoesOn() throws Exception {
        try (EventLoop loop = EventLoop.start("test")) {
            loop.execute(() -> {
                throw new IllegalStateException("expected by the test");
            });
            var done = new CompletableFuture<Long>();
            loop.execute(() -> done.complete(loop.failures()));
            assertThat(done.get(60, TimeUnit.SECONDS)).isEqualTo(1);
        }
    }

    @Test
    void aLackOfMemoryOrThreadsEndsACallbackAndNotTheLoop() throws Exception {
        try (EventLoop loop = EventLoop.start("test")) {
            loop.execute(() -> {
                throw new OutOfMemoryError("unable to create native thread: expected by the test");
            });
            var done = new CompletableFuture<Long>();
            loop.execute(() -> done.complete(loop.failures()));
            assertThat(done.get(60, TimeUnit.SECONDS)).isEqualTo(1);
        }
    }

    @Test
    void timersThatFailHoldUpNoOther() throws Exception {
        try (EventLoop loop = EventLoop.start("test")) {
            var failed = new AtomicInteger();
            var seen = new CompletableFuture<Integer>();
            loop.execute(() -> {
                long due = loop.now() + 5_000_000;
                for (int i = 0; i < 3; i++) {
                    loop.schedule(
                            Timer.of(() -> {
                                failed.incrementAndGet();
                                throw new IllegalStateException("expected by the test");
                            }),
                            due);
                }
                loop.schedule(Timer.of(() -> seen.complete(failed.get())), due + 20_000_000);
            });
            assertThat(seen.get(60, TimeUnit.SECONDS)).isEqualTo(3);
        }
    }

    @Test
    void workRunsAgainWithoutBlockingAndTimersFire() throws Exception {
        try (EventLoop loop = EventLoop.start("test")) {
            var done = new CompletableFuture<Integer>();
            loop.execute(() -> {
                Work work = new Work() {
                    int runs;

                    @Override
                    protected void run() {
                        if (++runs < 1000) {
                            loop.enqueue(this);
                        } else {
                            loop.schedule(Timer.of(() -> done.complete(runs)), loop.now() + 5_000_000);
                        }
                    }
                };
                loop.enqueue(work);
                loop.enqueue(work);
            });
            assertThat(done.get(60, TimeUnit.SECONDS)).isEqualTo(1000);
        }
    }

    @Test
    void aClosedLoopRefusesTasks() throws Exception {
        EventLoop loop = EventLoop.start("test");
        loop.close();
        assertThatThrownBy(() -> loop.execute(() -> {})).isInstanceOf(RejectedExecutionException.class);
    }

    /** Between the look whether it has ended and the mailbox, it may end. */
    @Test
    void whatIsAcceptedWhileItEndsIsRun() throws Exception {
        for (int round = 0; round < 50; round++) {
            EventLoop loop = EventLoop.start("test");
            AtomicInteger ran = new AtomicInteger();
            AtomicInteger accepted = new AtomicInteger();
            CountDownLatch posting = new CountDownLatch(1);
            Thread poster = Thread.ofPlatform().start(() -> {
                try {
                    while (true) {
                        loop.execute(ran::incrementAndGet);
                        accepted.incrementAndGet();
                        posting.countDown();
                    }
                } catch (RejectedExecutionException e) {
                    posting.countDown();
                }
            });
            posting.await();
            loop.close();
            poster.join();
            assertThat(ran.get()).as("tasks that ran, in round " + round).isEqualTo(accepted.get());
        }
    }
}
