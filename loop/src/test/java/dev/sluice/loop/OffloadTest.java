package dev.sluice.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class OffloadTest {
    @Test
    void aTaskRunsOnAVirtualThreadOfThatName() throws Exception {
        var ran = new CompletableFuture<Thread>();
        assertThat(Offload.start("lookup", () -> ran.complete(Thread.currentThread())))
                .isTrue();
        Thread thread = ran.get(60, TimeUnit.SECONDS);
        assertThat(thread.isVirtual()).isTrue();
        assertThat(thread.getName()).isEqualTo("lookup");
    }

    /** The JDK queues before it looks for a thread. */
    @Test
    void aTaskThatRunsAllTheSameIsNotReportedAsRefused() {
        var runs = new AtomicInteger();
        assertThat(Offload.start(
                        task -> new Thread(task) {
                            @Override
                            public void start() {
                                task.run();
                                throw new OutOfMemoryError("unable to create native thread");
                            }
                        },
                        "lookup",
                        runs::incrementAndGet))
                .isTrue();
        assertThat(runs).hasValue(1);
    }

    @Test
    void aTaskThatWasReportedAsRefusedNeverRuns() {
        var runs = new AtomicInteger();
        var queued = new AtomicReference<Runnable>();
        assertThat(Offload.start(
                        task -> new Thread(task) {
                            @Override
                            public void start() {
                                queued.set(task);
                                throw new OutOfMemoryError("unable to create native thread");
                            }
                        },
                        "lookup",
                        runs::incrementAndGet))
                .isFalse();
        queued.get().run();
        assertThat(runs).hasValue(0);
    }

    @Test
    void whereThereIsNoThreadTheCallerIsTold() {
        assertThat(Offload.start(
                        task -> new Thread(task) {
                            @Override
                            public void start() {
                                throw new OutOfMemoryError("unable to create native thread");
                            }
                        },
                        "lookup",
                        () -> {}))
                .isFalse();
    }
}
