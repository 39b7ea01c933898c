package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.loop.Work;
import org.junit.jupiter.api.Test;

class ScratchTest {
    private static final long NEVER = -1;

    private long now = 1;
    private final Scratch scratch = new Scratch(new Clock());

    @Test
    void aLoneStreamMayTakeAllHoweverOftenItComesInATurn() {
        assertThat(scratch.share(NEVER)).isEqualTo(Scratch.BYTES);
        assertThat(scratch.share(now)).isEqualTo(Scratch.BYTES);
        now++;
        assertThat(scratch.share(now - 1)).isEqualTo(Scratch.BYTES);
    }

    @Test
    void whoComesWhileOthersMoveGetsAShareAndSoDoTheyInTheNextTurn() {
        for (int i = 1; i <= 8; i++) {
            assertThat(scratch.share(NEVER)).isEqualTo(Scratch.BYTES / i);
        }
        now++;
        for (int i = 0; i < 8; i++) {
            assertThat(scratch.share(now - 1)).isEqualTo(Scratch.BYTES / 8);
        }
    }

    @Test
    void aShareIsNeverSoSmallThatManyStreamsCrawl() {
        for (int i = 0; i < 1000; i++) {
            assertThat(scratch.share(NEVER)).isGreaterThanOrEqualTo(256 << 10);
        }
    }

    @Test
    void whoStaysBehindAloneHasAllAgainAfterATurn() {
        for (int i = 0; i < 8; i++) {
            scratch.share(NEVER);
        }
        now++;
        assertThat(scratch.share(now - 1)).isEqualTo(Scratch.BYTES / 8);
        now++;
        assertThat(scratch.share(now - 1)).isEqualTo(Scratch.BYTES);
    }

    @Test
    void theMemoryIsMadeOnceAndWhole() {
        assertThat(scratch.memory().byteSize()).isEqualTo(Scratch.BYTES);
        assertThat(scratch.memory()).isSameAs(scratch.memory());
    }

    private final class Clock implements Loop {
        @Override
        public long now() {
            return now;
        }

        @Override
        public boolean isCurrent() {
            return true;
        }

        @Override
        public void execute(Runnable task) {
            throw new UnsupportedOperationException("only a clock");
        }

        @Override
        public void schedule(Timer timer, long deadline) {
            throw new UnsupportedOperationException("only a clock");
        }

        @Override
        public void cancel(Timer timer) {
            throw new UnsupportedOperationException("only a clock");
        }

        @Override
        public void enqueue(Work work) {
            throw new UnsupportedOperationException("only a clock");
        }

        @Override
        public void atEndOfTurn(Runnable hook) {
            throw new UnsupportedOperationException("only a clock");
        }
    }
}
