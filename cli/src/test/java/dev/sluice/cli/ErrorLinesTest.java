package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ErrorLinesTest {
    private static final long LONG = 60_000;

    @Test
    void linesAreWrittenInTheirOrder() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ErrorLines lines = new ErrorLines(() -> new PrintStream(out, true));
        List<String> said =
                IntStream.range(0, ErrorLines.MOST).mapToObj(i -> "line " + i).toList();
        said.forEach(lines::add);
        lines.await(LONG);
        assertThat(out.toString(StandardCharsets.UTF_8).lines()).containsExactlyElementsOf(said);
    }

    @Test
    void whoSpeaksToNobodyDoesNotWaitAndTheLinesLostAreCounted() throws InterruptedException {
        BlockedStream blocked = new BlockedStream();
        ErrorLines lines = new ErrorLines(() -> new PrintStream(blocked, true));
        lines.add("first");
        assertThat(blocked.reached.await(LONG, TimeUnit.MILLISECONDS)).isTrue();
        for (int i = 0; i < ErrorLines.MOST + 7; i++) {
            lines.add("line " + i);
        }
        lines.await(1);
        assertThat(blocked.taken.size()).as("nothing was taken").isZero();

        blocked.free.countDown();
        lines.await(LONG);
        List<String> written =
                blocked.taken.toString(StandardCharsets.UTF_8).lines().toList();
        assertThat(written).hasSize(ErrorLines.MOST + 2).startsWith("first", "line 0");
        assertThat(written.getLast()).startsWith("7 lines were left out here");
    }

    @Test
    void afterAPauseLinesAreWrittenAgain() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ErrorLines lines = new ErrorLines(() -> new PrintStream(out, true));
        lines.add("one");
        lines.await(LONG);
        lines.add("two");
        lines.await(LONG);
        assertThat(out.toString(StandardCharsets.UTF_8).lines()).containsExactly("one", "two");
    }

    /** Takes nothing until it is told to. */
    private static final class BlockedStream extends OutputStream {
        final ByteArrayOutputStream taken = new ByteArrayOutputStream();
        final CountDownLatch reached = new CountDownLatch(1);
        final CountDownLatch free = new CountDownLatch(1);

        @Override
        public void write(int b) {
            reached.countDown();
            try {
                free.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            taken.write(b);
        }
    }
}
