package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.sluice.loop.EventLoop;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Joined TCP connections of this host's loopback that have much to say. */
@Timeout(120)
class SpliceTest {
    private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();
    private static final int MUCH = 24 << 20;

    private final byte[] pattern = new byte[MUCH];
    private EventLoop loop;
    private LinuxStreamHost host;
    private Scratch scratch;
    private ServerSocket service;
    private int port;
    /** Most pipes that were open whenever something had moved; the loop's. */
    private int mostPipes;

    private int open;

    @BeforeEach
    void start() throws Exception {
        new Random(20).nextBytes(pattern);
        service = new ServerSocket(0, 64, LOOPBACK);
        loop = EventLoop.start("splice");
        host = new LinuxStreamHost(loop);
        scratch = new Scratch(loop);
        port = on(() -> host.listen(Ipv4Address.LOOPBACK, 0, (socket, _, _) -> new Pair(socket).client())
                .port());
    }

    @AfterEach
    void stop() throws Exception {
        try {
            on(() -> {
                scratch.close();
                return 0;
            });
            assertThat(on(scratch::pipes))
                    .as("pipes left, if nothing is joined any more")
                    .isZero();
        } finally {
            loop.close();
            service.close();
        }
    }

    @Test
    void muchGoesBothWaysAsItWas() throws Exception {
        try (Socket client = new Socket(LOOPBACK, port);
                Socket served = service.accept()) {
            CompletableFuture<byte[]> there = reading(served);
            CompletableFuture<byte[]> back = reading(client);
            CompletableFuture<Void> answer = writing(served);
            writing(client).get(60, TimeUnit.SECONDS);
            answer.get(60, TimeUnit.SECONDS);
            assertThat(there.get(60, TimeUnit.SECONDS)).isEqualTo(pattern);
            assertThat(back.get(60, TimeUnit.SECONDS)).isEqualTo(pattern);
        }
        awaitNobody();
        assertThat(on(() -> mostPipes)).as("it went through pipes").isPositive();
    }

    @Test
    void aSlowReaderGetsEverythingAndThenTheEnd() throws Exception {
        try (SocketChannel client = connected();
                Socket served = service.accept()) {
            int said = saidUntilFull(client, served);
            client.configureBlocking(true);
            CompletableFuture<byte[]> there = reading(served);
            client.write(ByteBuffer.wrap(pattern, said, MUCH - said));
            client.shutdownOutput();
            assertThat(there.get(60, TimeUnit.SECONDS)).isEqualTo(pattern);
        }
        awaitNobody();
    }

    @Test
    void moreSlowReadersThanPipesGetEverything() throws Exception {
        List<SocketChannel> clients = new ArrayList<>();
        List<Socket> served = new ArrayList<>();
        List<Integer> said = new ArrayList<>();
        // Whether the last piece is spliced or copied is the scheduler's choice.
        int streams = 0;
        for (; streams < 4 * Scratch.PIPES && on(scratch::pipesRefused) == 0; streams++) {
            int i = streams;
            clients.add(connected());
            served.add(service.accept());
            said.add(saidUntilFull(clients.get(i), served.get(i)));
        }
        assertThat(on(scratch::pipesRefused)).isPositive();
        assertThat(on(() -> mostPipes)).isEqualTo(Scratch.PIPES);
        for (int i = 0; i < streams; i++) {
            CompletableFuture<byte[]> there = reading(served.get(i));
            clients.get(i).shutdownOutput();
            byte[] got = there.get(60, TimeUnit.SECONDS);
            assertThat(got).hasSize(said.get(i));
            assertThat(got).isEqualTo(Arrays.copyOf(pattern, got.length));
            clients.get(i).close();
            served.get(i).close();
        }
        awaitNobody();
    }

    @Test
    void pipesOfConnectionsThatBreakAreGivenBack() throws Exception {
        for (int i = 0; i < Scratch.PIPES + 1; i++) {
            try (SocketChannel client = connected();
                    Socket served = service.accept()) {
                saidUntilFull(client, served);
                served.setSoLinger(true, 0);
            }
            awaitNobody();
            assertThat(on(scratch::pipes)).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void whoBreaksWhileBothDirectionsHoldAPipeGivesBothBack() throws Exception {
        int both = 0;
        // Whether the last piece is spliced or copied is the scheduler's choice.
        for (int i = 0; i < 64 && both < 8; i++) {
            try (SocketChannel client = connected();
                    Socket served = service.accept()) {
                client.setOption(StandardSocketOptions.SO_RCVBUF, 64 << 10);
                writing(served); // until it breaks
                saidUntilFull(client, served);
                both += on(scratch::pipesHeld) == 2 ? 1 : 0;
                served.setSoLinger(true, 0);
                served.close();
                assertThat(readUntilBroken(client)).isTrue();
            }
            awaitNobody();
            assertThat(on(scratch::pipes)).isLessThanOrEqualTo(1);
        }
        assertThat(both).as("connections of which both directions held one").isEqualTo(8);
    }

    /** Whether the stream ends with a reset, and what comes before it is what was said. */
    private boolean readUntilBroken(SocketChannel client) {
        ByteBuffer got = ByteBuffer.allocate(MUCH + 1);
        try {
            while (client.read(got) >= 0) {
                assertThat(got.hasRemaining()).isTrue();
            }
            return false;
        } catch (IOException e) {
            byte[] all = Arrays.copyOf(got.array(), got.position());
            assertThat(all).isEqualTo(Arrays.copyOf(pattern, all.length));
            return true;
        }
    }

    @Test
    void urgentDataInTheMidstStopsNothing() throws Exception {
        try (Socket client = new Socket(LOOPBACK, port);
                Socket served = service.accept()) {
            CompletableFuture<byte[]> there = reading(served);
            OutputStream out = client.getOutputStream();
            out.write(pattern, 0, MUCH / 2);
            client.sendUrgentData(7);
            out.write(pattern, MUCH / 2, MUCH / 2);
            client.shutdownOutput();
            byte[] got = there.get(60, TimeUnit.SECONDS);
            assertThat(got.length).as("all, with or without the urgent byte").isBetween(MUCH, MUCH + 1);
            assertThat(Arrays.mismatch(got, pattern)).isIn(-1, MUCH / 2);
        }
        awaitNobody();
    }

    @Test
    void onceCompiledNothingIsAllocatedForWhatGoesThroughPipes() throws Exception {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (Socket client = new Socket(LOOPBACK, port);
                Socket served = service.accept()) {
            // as long as it takes to compile: then the measuring is all that is left of it
            long allocated = Long.MAX_VALUE;
            long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (allocated > 10_000 && System.nanoTime() - until < 0) {
                long before = on(threads::getCurrentThreadAllocatedBytes);
                CompletableFuture<Void> written = CompletableFuture.runAsync(
                        () -> assertThatCode(() -> client.getOutputStream().write(pattern))
                                .doesNotThrowAnyException(),
                        Thread::startVirtualThread);
                assertThat(served.getInputStream().readNBytes(MUCH)).hasSize(MUCH);
                written.get(60, TimeUnit.SECONDS);
                allocated = on(threads::getCurrentThreadAllocatedBytes) - before;
            }
            assertThat(allocated).as("bytes for 24 MB").isLessThanOrEqualTo(10_000);
            assertThat(on(() -> mostPipes)).isPositive();
        }
        awaitNobody();
    }

    @Test
    void whereTheSystemCannotSpliceItIsCopied() throws Exception {
        on(() -> host.splices = false);
        muchIsSaid();
        assertThat(on(() -> mostPipes)).isZero();
    }

    private void muchIsSaid() throws Exception {
        try (Socket client = new Socket(LOOPBACK, port);
                Socket served = service.accept()) {
            CompletableFuture<byte[]> there = reading(served);
            writing(client).get(60, TimeUnit.SECONDS);
            assertThat(there.get(60, TimeUnit.SECONDS)).isEqualTo(pattern);
        }
        awaitNobody();
    }

    private SocketChannel connected() throws IOException {
        return SocketChannel.open(new InetSocketAddress(LOOPBACK, port));
    }

    /** Says as much of the pattern as everybody on the way keeps while nobody reads; how much that was. */
    private int saidUntilFull(SocketChannel client, Socket served) throws Exception {
        served.setReceiveBufferSize(64 << 10);
        client.configureBlocking(false);
        ByteBuffer all = ByteBuffer.wrap(pattern);
        all.limit(MUCH - 1);
        int turns = 0;
        while (turns < 3) { // the loop has had its turn, and left room for nothing
            turns = client.write(all) > 0 ? 0 : turns + 1;
            on(() -> 0);
        }
        client.configureBlocking(true);
        return all.position();
    }

    private CompletableFuture<Void> writing(Socket to) {
        return CompletableFuture.runAsync(
                () -> {
                    try {
                        to.getOutputStream().write(pattern);
                        to.shutdownOutput();
                    } catch (IOException e) {
                        throw new IllegalStateException(e);
                    }
                },
                Thread::startVirtualThread);
    }

    private static CompletableFuture<byte[]> reading(Socket from) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return from.getInputStream().readAllBytes(); // not closed: that would end the writing, too
                    } catch (IOException e) {
                        throw new IllegalStateException(e);
                    }
                },
                Thread::startVirtualThread);
    }

    /** Until both sides have learned that the other is gone. */
    private void awaitNobody() throws Exception {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (on(() -> open) > 0) {
            assertThat(System.nanoTime()).as("a joint never ended").isLessThan(until);
            Thread.onSpinWait();
        }
    }

    private <T> T on(Callable<T> task) throws IOException, ExecutionException, InterruptedException {
        CompletableFuture<T> result = new CompletableFuture<>();
        loop.execute(() -> {
            try {
                result.complete(task.call());
            } catch (Exception e) {
                result.completeExceptionally(e);
            }
        });
        return result.get();
    }

    private final class Pair extends Joined {
        Pair(StreamSocket accepted) {
            super(scratch);
            open++;
            client.socket(accepted);
            service.socket(host.connect(
                    Ipv4Address.LOOPBACK, SpliceTest.this.service.getLocalPort(), StreamHost.DEFAULT_TTL, service));
        }

        @Override
        protected void moved(int toService, int toClient) {
            mostPipes = Math.max(mostPipes, scratch.pipes());
        }

        @Override
        protected void ended() {
            open--;
        }
    }
}
