package dev.sluice.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
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
