package dev.sluice.gateway.proxy;

import dev.sluice.gateway.http.BodyScan;
import dev.sluice.gateway.http.Framing;
import dev.sluice.gateway.tcp.GuestStream;
import dev.sluice.host.HostError;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.wire.IpAddress;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * What a guest's flow has in the place of a host socket while its connection is proxied. Heads go to and come from the session's thread;
 * bodies and tunnels go straight between the flow's memory and the upstream's socket, as they would without a proxy. Confined to the loop,
 * but for the methods that say otherwise.
 *
 * <p>Nothing is kept here: what the mode of a direction does not take stays in the guest's {@code Tcb}, or in the host's socket, and their
 * windows hold up the sender.
 */
final class GuestEnd implements StreamSocket {
    /** How long a guest may take to close after it was told everything. */
    private static final long LINGER = 10_000_000_000L;

    /** What becomes of the guest's bytes. */
    private enum Up {
        /** Nobody wants them yet. */
        WAIT,
        COLLECT,
        BODY,
        TUNNEL,
        /** Nobody wants them any more. */
        DISCARD
    }

    /** Where bytes for the guest come from, when all of the session's own have gone. */
    private enum Down {
        WAIT,
        BODY,
        TUNNEL,
        END
    }

    /** How a body went. */
    enum Outcome {
        WHOLE,
        /** It ended with its stream, as it may. */
        STREAM_ENDED,
        /** Its stream ended in the middle. */
        CUT_OFF,
        /** It is none, so that nobody knows where it ends. */
        BROKEN,
        /** Whoever it is for does not take it any more. */
        REFUSED
    }

    private final Loop loop;
    private final GuestStream stream;
    private Up up = Up.WAIT;
    private Down down = Down.WAIT;
    private @Nullable UpstreamEnd upstream;
    private @Nullable Collector collector;
    private final OwnBytes own = new OwnBytes();
    /** The last read gave some of them: what the upstream has is still to be seen. */
    private boolean gaveOwn;

    private @Nullable BodyScan upScan;
    /** How {@link #upScan} would go on, if the upstream takes all. */
    private @Nullable BodyScan upProbe;

    private @Nullable BodyScan downScan;
    /** The response's length is known: nothing behind it is read. */
    private boolean downCounted;

    private @Nullable CompletableFuture<Outcome> upDone;
    private @Nullable CompletableFuture<Outcome> downDone;
    /** The guest has ended its stream. */
    private boolean ended;
    /** The flow is over. */
    private volatile boolean gone;

    private @Nullable Timer linger;

    /** @param stream told in a later turn that it is connected */
    GuestEnd(Loop loop, GuestStream stream) {
        this.loop = loop;
        this.stream = stream;
        loop.execute(() -> {
            if (!gone) { // it may have been reset in the turn that it came
                stream.onConnected();
            }
        });
    }

    GuestStream stream() {
        return stream;
    }

    // ---- for the session's thread: any thread

    /** Runs it on the loop; if that has ended, nothing needs to be done. */
    void onLoop(Runnable task) {
        onLoop(task, () -> {});
    }

    /**
     * Runs it on the loop.
     *
     * @param otherwise done if it fails, or here if the loop has ended, so that nobody waits for what will never come
     */
    void onLoop(Runnable task, Runnable otherwise) {
        try {
            loop.execute(() -> {
                try {
                    task.run();
                } catch (Throwable e) {
                    otherwise.run();
                    throw e;
                }
            });
        } catch (RejectedExecutionException e) {
            gone = true; // the flows have been ended by the loop's last turns, and all that waited was told
            otherwise.run();
        }
    }

    /** Reads until {@code scan} is content. */
    Collector collect(Scan scan, int limit) {
        Collector made = new Collector(scan, limit);
        onLoop(
                () -> {
                    if (gone) {
                        made.end(Collector.End.STREAM_ENDED);
                        return;
                    }
                    collector = made;
                    up = Up.COLLECT;
                    stream.onWritable(); // whatever came meanwhile
                    if (ended && !made.isDone()) {
                        made.end(Collector.End.STREAM_ENDED);
                    }
                },
                () -> made.end(Collector.End.STREAM_ENDED));
        return made;
    }

    /** Waits no longer: what has come is what was taken. */
    void stopCollecting(Collector waiting) {
        onLoop(
                () -> {
                    if (!waiting.isDone()) {
                        waiting.stop();
                        up = gone || up != Up.COLLECT ? up : Up.WAIT;
                    }
                },
                waiting::stop);
    }

    /** Sends the session's own bytes; done when the flow has them all, or is over. */
    CompletableFuture<Boolean> send(byte[] bytes) {
        CompletableFuture<Boolean> done = new CompletableFuture<>();
        onLoop(
                () -> {
                    add(bytes);
                    own.whenTaken(() -> done.complete(!gone));
                },
                () -> done.complete(false));
        return done;
    }

    /** Whether nobody is there any more. */
    boolean isGone() {
        return gone;
    }

    /** The upstream of what comes next: it ends with the guest's connection. */
    void uses(UpstreamEnd next) {
        onLoop(() -> {
            if (gone) {
                next.resetNow();
            } else {
                upstream = next;
            }
        });
    }

    /** Moves the request's body to the upstream. */
    CompletableFuture<Outcome> relayUp(UpstreamEnd to, Framing framing) {
        CompletableFuture<Outcome> done = new CompletableFuture<>();
        onLoop(
                () -> {
                    upstream = to;
                    upDone = done;
                    if (gone) {
                        done.complete(Outcome.CUT_OFF);
                        return;
                    }
                    BodyScan scan = upScan == null ? new BodyScan() : upScan;
                    upScan = scan;
                    scan.begin(framing);
                    up = Up.BODY;
                    if (scan.isDone()) {
                        upEnded(Outcome.WHOLE);
                    } else {
                        stream.onWritable();
                        if (ended && !done.isDone()) {
                            upEnded(Outcome.CUT_OFF);
                        }
                    }
                },
                () -> done.complete(Outcome.CUT_OFF));
        return done;
    }

    /** Sends a head and moves the response's body to the guest. */
    CompletableFuture<Outcome> relayDown(UpstreamEnd from, byte[] head, Framing framing) {
        CompletableFuture<Outcome> done = new CompletableFuture<>();
        onLoop(
                () -> {
                    upstream = from;
                    downDone = done;
                    if (gone) {
                        done.complete(Outcome.REFUSED);
                        return;
                    }
                    BodyScan scan = downScan == null ? new BodyScan() : downScan;
                    downScan = scan;
                    scan.begin(framing);
                    downCounted = framing instanceof Framing.Length;
                    down = Down.BODY;
                    add(head);
                    if (scan.isDone()) {
                        own.whenTaken(() -> downEnded(Outcome.WHOLE));
                    }
                },
                () -> done.complete(Outcome.REFUSED));
        return done;
    }

    /** From now on everything goes both ways between the guest and {@code to}, at the pace of a flow; the session is over. */
    void tunnel(UpstreamEnd to, byte[] head) {
        onLoop(() -> {
            if (gone) {
                to.resetNow();
                return;
            }
            upstream = to;
            up = Up.TUNNEL;
            down = Down.TUNNEL;
            upScan = null;
            upProbe = null;
            downScan = null;
            upDone = null;
            downDone = null;
            collector = null;
            if (head.length > 0) {
                own.add(head);
            }
            stream.onWritable();
            if (gone) {
                return;
            }
            if (ended) {
                to.socket().shutdownOutput();
            }
            stream.onReadable();
        });
    }

    /** Says whom it talks to, for people. */
    void leadsTo(String name, @Nullable IpAddress host, int port) {
        onLoop(() -> stream.leadsTo(name, host, port));
    }

    /** Ends the guest's stream behind what it is still to get; what it says itself is of no interest any more. */
    void finish() {
        onLoop(this::finishNow);
    }

    /** Resets the guest's connection; any thread. */
    void reset(String reason) {
        onLoop(() -> {
            if (!gone) {
                stream.abort(reason);
            }
        });
    }

    // ---- on the loop

    /** Answers with these bytes and ends, without a session. */
    void refuse(byte[] bytes) {
        add(bytes);
        finishNow();
    }

    private void finishNow() {
        if (gone || down == Down.END) {
            return;
        }
        down = Down.END;
        up = Up.DISCARD;
        if (upstream != null) {
            upstream.closeNow();
        }
        stream.onWritable();
        stream.onReadable();
        if (!gone) {
            Timer timer = Timer.of(() -> {
                if (!gone) {
                    stream.abort("not-closed");
                }
            });
            linger = timer;
            loop.schedule(timer, loop.now() + LINGER);
        }
    }

    private void add(byte[] bytes) {
        if (!gone) {
            own.add(bytes);
            stream.onReadable();
        }
    }

    /** The upstream has something: true if that is for the guest. */
    boolean readable(UpstreamEnd from) {
        if (from != upstream || down != Down.BODY && down != Down.TUNNEL) {
            return false;
        }
        stream.onReadable();
        return true;
    }

    /** The upstream has room. */
    void writable(UpstreamEnd to) {
        if (to == upstream && (up == Up.BODY || up == Up.TUNNEL)) {
            stream.onWritable();
        }
    }

    private UpstreamEnd upstream() {
        if (upstream == null) {
            throw new IllegalStateException("no upstream");
        }
        return upstream;
    }

    // ---- what the flow does: bytes for the guest

    @Override
    public int read(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        if (gone) {
            return FAILED;
        }
        if (!own.isEmpty()) {
            int n = own.take(memory, at, length);
            if (n > 0) {
                gaveOwn = true;
                return n;
            }
        }
        gaveOwn = false;
        return switch (down) {
            case WAIT -> WOULD_BLOCK;
            case BODY -> readBody(memory, at, length, wrapAt, wrapLength);
            case TUNNEL -> upstream().socket().read(memory, at, length, wrapAt, wrapLength);
            case END -> END;
        };
    }

    private int readBody(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        BodyScan scan = downScan;
        if (scan == null || scan.isDone()) {
            return WOULD_BLOCK;
        }
        int first = length;
        int second = wrapLength;
        if (downCounted) {
            first = (int) Math.min(first, scan.ahead());
            second = (int) Math.min(second, scan.ahead() - first);
        }
        int n = upstream().socket().read(memory, at, first, wrapAt, second);
        if (n > 0) {
            first = Math.min(n, first);
            int taken = scan.take(memory, at, first);
            if (taken == first && n > first) {
                taken += scan.take(memory, wrapAt, n - first);
            }
            if (taken < n) {
                upstream().spoil();
            }
            if (scan.isDone() || scan.isBroken()) {
                downEnded(scan.isDone() ? Outcome.WHOLE : Outcome.BROKEN);
            }
            return taken == 0 ? WOULD_BLOCK : taken;
        }
        if (n != WOULD_BLOCK) {
            downEnded(n == END && scan.endsWithStream() ? Outcome.STREAM_ENDED : Outcome.CUT_OFF);
        }
        return WOULD_BLOCK;
    }

    private void downEnded(Outcome outcome) {
        down = Down.WAIT;
        if (outcome != Outcome.WHOLE) {
            upstream().spoil();
        }
        if (downDone != null) {
            downDone.complete(outcome);
        }
    }

    // ---- bytes of the guest

    @Override
    public int write(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        if (gone) {
            return FAILED;
        }
        return switch (up) {
            case WAIT -> WOULD_BLOCK;
            case COLLECT -> collect(memory, at, length, wrapAt, wrapLength);
            case BODY -> writeBody(memory, at, length, wrapAt, wrapLength);
            case TUNNEL -> upstream().socket().write(memory, at, length, wrapAt, wrapLength);
            case DISCARD -> length + wrapLength;
        };
    }

    @Override
    public int write(MemorySegment memory, long[] at, int[] lengths, int count) {
        BodyScan scan = upScan;
        if (gone
                || up != Up.TUNNEL
                        && (up != Up.BODY || scan == null || !upstream().isFlushed())) {
            return StreamSocket.super.write(memory, at, lengths, count);
        }
        if (up == Up.TUNNEL || scan == null) {
            return upstream().socket().write(memory, at, lengths, count);
        }
        int total = 0;
        for (int i = 0; i < count; i++) {
            total += lengths[i];
        }
        if (total > scan.ahead()) {
            return StreamSocket.super.write(memory, at, lengths, count);
        }
        int n = upstream().socket().write(memory, at, lengths, count);
        if (n > 0) {
            scan.pass(n);
            if (scan.isDone()) {
                upEnded(Outcome.WHOLE);
            }
        } else if (n != WOULD_BLOCK) {
            return writeBody(memory, at[0], lengths[0], 0, 0); // the same again, which says what it means
        }
        return n;
    }

    private int collect(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        Collector wanted = collector;
        if (wanted == null || wanted.isDone()) {
            return WOULD_BLOCK;
        }
        int n = wanted.offer(memory, at, length);
        if (n == length && wrapLength > 0 && !wanted.isDone()) {
            n += wanted.offer(memory, wrapAt, wrapLength);
        }
        return n == 0 ? WOULD_BLOCK : n;
    }

    private int writeBody(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        BodyScan scan = upScan;
        if (scan == null || scan.isDone() || !upstream().isFlushed()) {
            return WOULD_BLOCK;
        }
        BodyScan probe = upProbe == null ? new BodyScan() : upProbe;
        upProbe = probe;
        probe.copy(scan);
        int first = probe.take(memory, at, length);
        int second = first == length && wrapLength > 0 ? probe.take(memory, wrapAt, wrapLength) : 0;
        if (first == 0) {
            upEnded(Outcome.BROKEN);
            return WOULD_BLOCK;
        }
        int n = upstream().socket().write(memory, at, first, wrapAt, second);
        if (n == WOULD_BLOCK) {
            return WOULD_BLOCK;
        }
        if (n < 0) {
            up = Up.DISCARD;
            if (upDone != null) {
                upDone.complete(Outcome.REFUSED);
            }
            return length + wrapLength;
        }
        if (n == first + second) {
            scan.copy(probe);
        } else {
            scan.take(memory, at, Math.min(n, first));
            if (n > first) {
                scan.take(memory, wrapAt, n - first);
            }
        }
        if (scan.isDone() || scan.isBroken()) {
            upEnded(scan.isDone() ? Outcome.WHOLE : Outcome.BROKEN);
        }
        return n;
    }

    private void upEnded(Outcome outcome) {
        up = Up.WAIT;
        if (outcome != Outcome.WHOLE) {
            upstream().resetNow(); // half a request must not be taken for a whole one
        }
        if (upDone != null) {
            upDone.complete(outcome);
        }
    }

    @Override
    public void shutdownOutput() {
        ended = true;
        switch (up) {
            case COLLECT -> {
                if (collector != null) {
                    collector.end(Collector.End.STREAM_ENDED);
                }
            }
            case BODY -> upEnded(Outcome.CUT_OFF);
            case TUNNEL -> upstream().socket().shutdownOutput();
            case WAIT, DISCARD -> {}
        }
    }

    // ---- the rest

    @Override
    public int peek(MemorySegment memory, long at, int length) {
        throw new UnsupportedOperationException("a flow reads");
    }

    @Override
    public void skip(MemorySegment memory, long at, int length) {
        throw new UnsupportedOperationException("a flow reads");
    }

    @Override
    public boolean mayHoldMore() {
        return down != Down.TUNNEL || gaveOwn || upstream().socket().mayHoldMore();
    }

    @Override
    public boolean broken() {
        return gone || down == Down.TUNNEL && upstream().socket().broken();
    }

    @Override
    public @Nullable IpAddress localAddress() {
        return upstream == null ? null : upstream.socket().localAddress();
    }

    @Override
    public int localPort() {
        return upstream == null ? 0 : upstream.socket().localPort();
    }

    @Override
    public void close() {
        if (!gone) {
            gone = true;
            if (upstream != null) {
                upstream.closeNow();
            }
            cancel();
        }
    }

    @Override
    public void reset() {
        if (!gone) {
            gone = true;
            if (upstream != null) {
                upstream.resetNow();
            }
            cancel();
        }
    }

    /** Whoever waits for something waits no more. */
    private void cancel() {
        gone = true;
        if (linger != null) {
            loop.cancel(linger);
        }
        if (collector != null) {
            collector.end(Collector.End.STREAM_ENDED);
        }
        if (upDone != null) {
            upDone.complete(Outcome.CUT_OFF);
        }
        if (downDone != null) {
            downDone.complete(Outcome.REFUSED);
        }
        own.drop();
    }

    @Override
    public HostError error() {
        return up == Up.TUNNEL && upstream != null ? upstream.socket().error() : HostError.RESET;
    }
}
