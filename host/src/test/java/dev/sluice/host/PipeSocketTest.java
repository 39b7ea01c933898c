package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.loop.EventLoop;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class PipeSocketTest {
    /** Echoes on the loop what the service writes, with its own small buffer, as a flow would. */
    private static final class Echo implements StreamSocket.Events {
        final CompletableFuture<Boolean> connected = new CompletableFuture<>();
        final MemorySegment buffer = Arena.ofAuto().allocate(1000);
        StreamSocket socket;
        int held;
        int sent;
        boolean ended;

        @Override
        public void onConnected() {
            connected.complete(true);
            pump();
        }

        @Override
        public void onConnectFailed(HostError error) {}

        @Override
        public void onReadable() {
            pump();
        }

        @Override
        public void onWritable() {
            pump();
        }

        private void pump() {
            while (!ended) {
                if (held == sent) {
                    int n = socket.read(buffer, 900, 100, 0, 700); // in two parts, the second one first in memory
                    if (n == StreamSocket.END) {
                        ended = true;
                        socket.shutdownOutput();
                        return;
                    }
                    if (n < 0) {
                        return;
                    }
                    sent = 0;
                    held = n;
                }
                int first = Math.max(0, Math.min(100, held) - sent);
                int n = first > 0
                        ? socket.write(buffer, 900 + sent, first, 0, Math.max(0, held - 100))
                        : socket.write(buffer, sent - 100, held - sent, 0, 0);
                if (n < 0) {
                    return;
                }
                sent += n;
            }
        }
    }

    @Test
    void megabytesPassBothWaysThroughSmallQueuesUnchanged() throws Exception {
        try (EventLoop loop = EventLoop.start("test")) {
            var echo = new Echo();
            var made = new CompletableFuture<PipeSocket>();
            loop.execute(() -> {
                PipeSocket socket = new PipeSocket(loop, echo);
                echo.socket = socket;
                made.complete(socket);
            });
            PipeSocket socket = made.get(60, TimeUnit.SECONDS);
            assertThat(echo.connected.get(60, TimeUnit.SECONDS)).isTrue();
            byte[] data = new byte[3_000_001];
            new SplittableRandom(7).nextBytes(data);
            var written = new CompletableFuture<Void>();
            Thread.startVirtualThread(() -> {
                try (var out = socket.serviceOutput()) {
                    out.write(data);
                    written.complete(null);
                } catch (IOException e) {
                    written.completeExceptionally(e);
                }
            });
            byte[] back = socket.serviceInput().readAllBytes();
            written.get(60, TimeUnit.SECONDS);
            assertThat(MessageDigest.getInstance("SHA-256").digest(back))
                    .isEqualTo(MessageDigest.getInstance("SHA-256").digest(data));
        }
    }

    @Test
    void aClosedGuestSideEndsTheServicesReadsAndFailsItsWrites() throws Exception {
        try (EventLoop loop = EventLoop.start("test")) {
            var echo = new Echo();
            var made = new CompletableFuture<PipeSocket>();
            loop.execute(() -> {
                PipeSocket socket = new PipeSocket(loop, echo);
                echo.socket = socket;
                socket.close();
                made.complete(socket);
            });
            PipeSocket socket = made.get(60, TimeUnit.SECONDS);
            assertThat(socket.serviceInput().read()).isEqualTo(-1);
            assertThatThrownBy(() -> socket.serviceOutput().write(1)).hasMessageContaining("closed the connection");
        }
    }

    @Test
    void whatAServiceWroteBeforeItBrokeOffIsReadAndThenItFailsWithoutAnEnd() throws Exception {
        assertThat(readAfter(PipeSocket::failService)).containsExactly(3, StreamSocket.FAILED, 1);
    }

    @Test
    void aServiceThatIsDoneEndsInOrderAndIsNotBroken() throws Exception {
        assertThat(readAfter(PipeSocket::closeService)).containsExactly(3, StreamSocket.END, 0);
        assertThat(readAfter(pipe -> {
                    pipe.closeService();
                    pipe.failService();
                }))
                .as("broken only after its end")
                .containsExactly(3, StreamSocket.END, 0);
    }

    /** What two reads give, and whether it is broken, after a service has written three bytes and ended. */
    private static List<Integer> readAfter(Consumer<PipeSocket> end) throws Exception {
        try (EventLoop loop = EventLoop.start("test")) {
            var made = new CompletableFuture<PipeSocket>();
            loop.execute(() -> made.complete(new PipeSocket(loop, StreamSocket.Events.NOBODY)));
            PipeSocket socket = made.get(60, TimeUnit.SECONDS);
            socket.serviceOutput().write(new byte[3]);
            end.accept(socket);
            var read = new CompletableFuture<List<Integer>>();
            MemorySegment memory = Arena.ofAuto().allocate(10);
            loop.execute(() -> read.complete(List.of(
                    socket.read(memory, 0, 10, 0, 0), socket.read(memory, 0, 10, 0, 0), socket.broken() ? 1 : 0)));
            return read.get(60, TimeUnit.SECONDS);
        }
    }

    /** The other side says nothing, and takes nothing: who waits for it is woken by closing what he waits at, from any thread. */
    @Test
    void closingAStreamWakesWhoeverWaitsAtIt() throws Exception {
        try (EventLoop loop = EventLoop.start("test")) {
            var made = new CompletableFuture<PipeSocket>();
            loop.execute(() -> made.complete(new PipeSocket(loop, StreamSocket.Events.NOBODY)));
            PipeSocket socket = made.get(60, TimeUnit.SECONDS);
            var in = socket.serviceInput();
            var out = socket.serviceOutput();
            var read = new CompletableFuture<Integer>();
            var written = new CompletableFuture<String>();
            Thread reader = Thread.startVirtualThread(() -> {
                try {
                    read.complete(in.read());
                } catch (IOException e) {
                    read.completeExceptionally(e);
                }
            });
            Thread writer = Thread.startVirtualThread(() -> {
                try {
                    out.write(new byte[1 << 20]);
                    written.complete("all");
                } catch (IOException e) {
                    written.complete(e.getMessage());
                }
            });
            while (reader.getState() != Thread.State.WAITING || writer.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            in.close();
            assertThat(read.get(60, TimeUnit.SECONDS)).isEqualTo(-1);
            out.close();
            assertThat(written.get(60, TimeUnit.SECONDS)).contains("closed the connection");
        }
    }
}
