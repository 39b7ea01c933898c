package dev.sluice.gateway.proxy;

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
    /** How long a guest may take to close after it has everything; to take it, it may need as long as any guest of any flow. */
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
        END,
        /** As a socket that was reset: what came before is the guest's yet. */
        BROKEN
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

    private @Nullable RequestBody request;
    private @Nullable ResponseBody response;
    /** The guest has ended its stream. */
    private boolean ended;
    /** That end is for the upstream, too, as soon as it has the whole request. */
    private boolean passesEnd;
    /** The flow is over. */
    private volatile boolean gone;

    private @Nullable Linger linger;

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

    /**
     * Moves the request's body to the upstream.
     *
     * @param passesEnd whether that hears of the guest's end behind it: a server that a guest has left then need not wait for somebody to
     *     speak to, as without a proxy
     */
    CompletableFuture<BodyOutcome> relayUp(UpstreamEnd to, Framing framing, boolean passesEnd) {
        CompletableFuture<BodyOutcome> done = new CompletableFuture<>();
        onLoop(
                () -> {
                    upstream = to;
                    if (gone) {
                        done.complete(BodyOutcome.CUT_OFF);
                        return;
                    }
                    RequestBody body = request == null ? new RequestBody() : request;
                    request = body;
                    this.passesEnd = passesEnd;
                    up = Up.BODY;
                    body.begin(framing, done);
                    settle(body);
                    if (up == Up.BODY) {
                        stream.onWritable();
                        if (ended && !done.isDone()) {
                            cutOff(body);
                        }
                    }
                    if (ended) {
                        passEnd();
                    }
                },
                () -> done.complete(BodyOutcome.CUT_OFF));
        return done;
    }

    /** Sends a head and moves the response's body to the guest. */
    CompletableFuture<BodyOutcome> relayDown(UpstreamEnd from, byte[] head, Framing framing) {
        CompletableFuture<BodyOutcome> done = new CompletableFuture<>();
        onLoop(
                () -> {
                    upstream = from;
                    if (gone) {
                        done.complete(BodyOutcome.REFUSED);
                        return;
                    }
                    ResponseBody body = response == null ? new ResponseBody() : response;
                    response = body;
                    body.begin(framing, done);
                    down = Down.BODY;
                    add(head);
                    if (body.isEmpty()) {
                        own.whenTaken(() -> {
                            body.end(BodyOutcome.WHOLE);
                            settle(body);
                        });
                    }
                },
                () -> done.complete(BodyOutcome.REFUSED));
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
            request = null;
            response = null;
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

    /** Breaks the guest's stream off behind what it is still to get, as its response has broken off. */
    void breakOff() {
        onLoop(() -> {
            if (!gone && down != Down.END) {
                down = Down.BROKEN;
                up = Up.DISCARD;
                if (upstream != null) {
                    upstream.closeNow();
                }
                stream.onWritable();
                stream.onReadable();
            }
        });
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
        if (gone || down == Down.END || down == Down.BROKEN) {
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
            Linger timer = new Linger();
            linger = timer;
            loop.schedule(timer, loop.now() + LINGER);
        }
    }

    /** Ends the flow of a guest that has everything and does not close. */
    private final class Linger extends Timer {
        /** The guest had everything when this was looked at last. */
        private boolean had;

        @Override
        protected void onTimer(long now) {
            if (had) {
                stream.abort("not-closed");
            } else {
                had = stream.hasAll();
                loop.schedule(this, now + LINGER);
            }
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
            case BROKEN -> FAILED;
        };
    }

    private int readBody(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        ResponseBody body = response;
        if (body == null) {
            return WOULD_BLOCK;
        }
        int n = body.read(upstream(), memory, at, length, wrapAt, wrapLength);
        settle(body);
        return n;
    }

    private void settle(ResponseBody body) {
        if (body.outcome() != null && down == Down.BODY) {
            down = Down.WAIT;
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
        if (gone || up != Up.BODY && up != Up.TUNNEL) {
            return StreamSocket.super.write(memory, at, lengths, count);
        }
        if (up == Up.TUNNEL) {
            return upstream().socket().write(memory, at, lengths, count);
        }
        int total = 0;
        for (int i = 0; i < count; i++) {
            total += lengths[i];
        }
        RequestBody body = request;
        if (body == null || !body.mayPass(upstream(), total)) {
            return StreamSocket.super.write(memory, at, lengths, count);
        }
        int n = body.pass(upstream(), memory, at, lengths, count);
        settle(body);
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
        RequestBody body = request;
        if (body == null) {
            return WOULD_BLOCK;
        }
        int n = body.write(upstream(), memory, at, length, wrapAt, wrapLength);
        settle(body);
        return n;
    }

    private void settle(RequestBody body) {
        if (body.outcome() != null && up == Up.BODY) {
            up = body.outcome() == BodyOutcome.REFUSED ? Up.DISCARD : Up.WAIT;
        }
    }

    private void passEnd() {
        if (passesEnd && up == Up.WAIT && request != null && request.outcome() == BodyOutcome.WHOLE) {
            upstream().endOutput();
        }
    }

    private void cutOff(RequestBody body) {
        up = Up.WAIT;
        body.breakOff(upstream(), BodyOutcome.CUT_OFF);
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
            case BODY -> {
                if (request != null) {
                    cutOff(request);
                }
            }
            case TUNNEL -> upstream().socket().shutdownOutput();
            case WAIT -> passEnd();
            case DISCARD -> {}
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
    public void keepAlive(int seconds) {
        if (upstream != null && up != Up.DISCARD) { // a server that thinks, or a download, as well as a tunnel
            upstream.socket().keepAlive(seconds);
        }
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
        if (request != null) {
            request.end(BodyOutcome.CUT_OFF);
        }
        if (response != null) {
            response.end(BodyOutcome.REFUSED);
        }
        own.drop();
    }

    @Override
    public HostError error() {
        return up == Up.TUNNEL && upstream != null ? upstream.socket().error() : HostError.RESET;
    }
}
