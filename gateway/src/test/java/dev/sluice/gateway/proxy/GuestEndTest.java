package dev.sluice.gateway.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.http.Framing;
import dev.sluice.gateway.tcp.GuestStream;
import dev.sluice.host.HostError;
import dev.sluice.host.PipeSocket;
import dev.sluice.loop.EventLoop;
import dev.sluice.testkit.VirtualLoop;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Nobody waits for a loop that has ended, nor for a task that has failed on it. */
@Timeout(60)
class GuestEndTest {
    private static final Framing SOME = new Framing.Length(5);

    /** A flow that does nothing. */
    private static class Flow implements GuestStream {
        @Override
        public boolean hasAll() {
            return false;
        }

        @Override
        public Guest guest() {
            throw new UnsupportedOperationException();
        }

        @Override
        public int guestPort() {
            return 50_000;
        }

        @Override
        public IpAddress remote() {
            return Ipv4Address.LOOPBACK;
        }

        @Override
        public int remotePort() {
            return 80;
        }

        @Override
        public void leadsTo(String name, IpAddress host, int hostPort) {}

        @Override
        public void abort(String reason) {}

        @Override
        public void onConnected() {}

        @Override
        public void onConnectFailed(HostError error) {}

        @Override
        public void onReadable() {}

        @Override
        public void onWritable() {
            throw new IllegalStateException("as the test wants it");
        }
    }

    private static <T> T soon(CompletableFuture<T> future) throws Exception {
        return future.get(30, TimeUnit.SECONDS);
    }

    private static GuestEnd guestOf(EventLoop loop) throws Exception {
        CompletableFuture<GuestEnd> made = new CompletableFuture<>();
        loop.execute(() -> made.complete(new GuestEnd(loop, new Flow())));
        return soon(made);
    }

    @Test
    void afterTheLoopHasEndedEverythingIsOver() throws Exception {
        EventLoop loop = EventLoop.start("test");
        GuestEnd guest;
        UpstreamEnd upstream;
        try (loop) {
            guest = guestOf(loop);
            upstream = UpstreamEnd.open(Arena.ofAuto().allocate(64), guest, _ -> guest);
        }
        assertThat(soon(guest.send(new byte[1]))).isFalse();
        assertThat(guest.isGone()).isTrue();
        assertThat(soon(guest.collect(Scan.ANYTHING, 9).taken()).end()).isEqualTo(Collector.End.STREAM_ENDED);
        assertThat(soon(guest.relayUp(upstream, SOME, false))).isEqualTo(BodyOutcome.CUT_OFF);
        assertThat(soon(guest.relayDown(upstream, new byte[1], SOME))).isEqualTo(BodyOutcome.REFUSED);
        assertThat(soon(upstream.send(new byte[1]))).isFalse();
        assertThat(soon(upstream.collect(Scan.ANYTHING, 9).taken()).end()).isEqualTo(Collector.End.STREAM_ENDED);
        Collector waiting = new Collector(Scan.ANYTHING, 9);
        guest.stopCollecting(waiting);
        assertThat(soon(waiting.taken()).bytes()).isEmpty();
    }

    /** One that may read an answer of the last connection at a modem's pace, or stop while its user looks at it. */
    @Test
    void aGuestThatTakesItsTimeToReadIsNotCutOffAndOneThatDoesNotCloseIs() {
        VirtualLoop loop = new VirtualLoop(0);
        AtomicBoolean hasAll = new AtomicBoolean();
        AtomicReference<String> aborted = new AtomicReference<>();
        GuestEnd guest = new GuestEnd(loop, new Flow() {
            @Override
            public boolean hasAll() {
                return hasAll.get();
            }

            @Override
            public void abort(String reason) {
                aborted.set(reason);
            }

            @Override
            public void onWritable() {}
        });
        guest.finish();
        loop.advance(TimeUnit.HOURS.toNanos(1));
        assertThat(aborted.get()).isNull();
        hasAll.set(true);
        loop.advance(TimeUnit.SECONDS.toNanos(9)); // time to close it
        assertThat(aborted.get()).isNull();
        loop.advance(TimeUnit.SECONDS.toNanos(20));
        assertThat(aborted.get()).isEqualTo("not-closed");
    }

    private static GuestEnd quiet(VirtualLoop loop) {
        return new GuestEnd(loop, new Flow() {
            @Override
            public void onWritable() {}
        });
    }

    @Test
    void aGuestThatAsksWhetherItsServerIsThereHasItAskedAlsoOutsideOfTunnels() {
        VirtualLoop loop = new VirtualLoop(0);
        GuestEnd guest = quiet(loop);
        List<Integer> asked = new ArrayList<>();
        guest.keepAlive(50); // nobody is there yet
        guest.uses(UpstreamEnd.open(
                Arena.ofAuto().allocate(64), guest, events -> new PipeSocket(loop, events, asked::add)));
        loop.advance(1);
        guest.keepAlive(60);
        assertThat(asked).containsExactly(60);
    }

    @Test
    void whoHearsThatABodyWasBrokenOffFindsOutWhy() {
        VirtualLoop loop = new VirtualLoop(0);
        GuestEnd guest = quiet(loop);
        UpstreamEnd upstream =
                UpstreamEnd.open(Arena.ofAuto().allocate(64), guest, events -> new PipeSocket(loop, events));
        RequestBody body = new RequestBody();
        CompletableFuture<BodyOutcome> done = new CompletableFuture<>();
        body.begin(new Framing.Chunked(), done);
        CompletableFuture<BodyOutcome> known =
                upstream.collect(Scan.ANYTHING, 9).taken().thenApply(_ -> done.getNow(null));
        loop.advance(1);
        body.breakOff(upstream, BodyOutcome.BROKEN);
        assertThat(known.getNow(null)).isEqualTo(BodyOutcome.BROKEN);
    }

    @Test
    void whoeverWaitsForATaskThatFailsIsTold() throws Exception {
        try (EventLoop loop = EventLoop.start("test")) {
            GuestEnd guest = guestOf(loop);
            assertThat(soon(guest.collect(Scan.ANYTHING, 9).taken()).end()).isEqualTo(Collector.End.STREAM_ENDED);
            CompletableFuture<Boolean> told = new CompletableFuture<>();
            guest.onLoop(
                    () -> {
                        throw new StackOverflowError("as the test wants it");
                    },
                    () -> told.complete(true));
            assertThat(soon(told)).isTrue();
        }
    }
}
