package dev.sluice.gateway.proxy;

import dev.sluice.host.HostError;
import dev.sluice.host.StreamSocket;
import dev.sluice.wire.IpAddress;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A connection to an upstream or a server. The session's thread speaks through {@link #send} and {@link #collect}; bodies and tunnels pass
 * by it, between the socket and {@link GuestEnd}. Confined to the loop, but for the methods that say otherwise.
 */
final class UpstreamEnd implements StreamSocket.Events {
    /** Memory that holds nothing between calls. */
    private final MemorySegment scratch;
    /** Whom bodies and tunnels are for. */
    private final GuestEnd guest;

    private @Nullable StreamSocket socket;
    /** Null when it stands, else why it does not. */
    private final CompletableFuture<@Nullable HostError> connected = new CompletableFuture<>();

    private @Nullable Collector collector;
    /** What is still to be written. */
    private byte @Nullable [] unsent;

    private int sent;
    private CompletableFuture<Boolean> sending = CompletableFuture.completedFuture(true);
    /** Its stream is to be ended behind what is still to be written. */
    private boolean ending;
    /** It has said what nobody asked for, or ended: not to be used again. */
    private volatile boolean stale;

    private boolean closed;
    /** See {@link #rest}. */
    private boolean resting;
    /** Done when it has ended, on whichever side. */
    private final CompletableFuture<Boolean> over = new CompletableFuture<>();
    /** Whom it talks to, for people. */
    private @Nullable IpAddress address;

    private int port;
    /** Some request was answered over it: then it may have been closed meanwhile without anybody's fault. */
    boolean used;

    private UpstreamEnd(MemorySegment scratch, GuestEnd guest) {
        this.scratch = scratch;
        this.guest = guest;
    }

    /** Begins a connection; on the loop. Null where no socket is to be had. */
    static @Nullable UpstreamEnd open(
            MemorySegment scratch, GuestEnd guest, Function<StreamSocket.Events, @Nullable StreamSocket> connect) {
        UpstreamEnd end = new UpstreamEnd(scratch, guest);
        end.socket = connect.apply(end);
        return end.socket == null ? null : end;
    }

    /** Says whom it talks to. */
    void place(IpAddress address, int port) {
        this.address = address;
        this.port = port;
    }

    @Nullable
    IpAddress address() {
        return address;
    }

    int port() {
        return port;
    }

    /** Any thread. */
    CompletableFuture<@Nullable HostError> connected() {
        return connected;
    }

    StreamSocket socket() {
        if (socket == null) {
            throw new IllegalStateException("not connected");
        }
        return socket;
    }

    // ---- for the session's thread

    /** Sends bytes, in order; true when the host's socket has them all. Any thread. */
    CompletableFuture<Boolean> send(byte[] bytes) {
        CompletableFuture<Boolean> done = new CompletableFuture<>();
        guest.onLoop(
                () -> {
                    resting = false;
                    unsent = bytes;
                    sent = 0;
                    sending = done;
                    flush();
                },
                () -> done.complete(false));
        return done;
    }

    /** Reads until {@code scan} is content. Any thread. */
    Collector collect(Scan scan, int limit) {
        Collector made = new Collector(scan, limit);
        guest.onLoop(
                () -> {
                    collector = made;
                    read();
                },
                () -> made.end(Collector.End.STREAM_ENDED));
        return made;
    }

    /** Whether nothing has come of it that would forbid to use it again. Any thread. */
    boolean isFresh() {
        return !stale;
    }

    /** Nothing is to come until the next request; what comes all the same ends it, and the result tells. Any thread. */
    CompletableFuture<Boolean> rest() {
        guest.onLoop(
                () -> {
                    resting = true;
                    lookWhileResting();
                },
                () -> over.complete(true));
        return over;
    }

    /** No further request may go over it. Any thread. */
    void spoil() {
        stale = true;
    }

    /** Any thread. */
    void close() {
        stale = true;
        guest.onLoop(this::closeNow);
    }

    // ---- on the loop

    private void flush() {
        byte[] bytes = unsent;
        if (bytes == null) {
            return;
        }
        while (sent < bytes.length) {
            int n = Math.min(bytes.length - sent, (int) scratch.byteSize());
            MemorySegment.copy(MemorySegment.ofArray(bytes), sent, scratch, 0, n);
            int result = closed ? StreamSocket.FAILED : socket().write(scratch, 0, n, 0, 0);
            if (result == StreamSocket.WOULD_BLOCK) {
                return;
            }
            if (result < 0) {
                unsent = null;
                sending.complete(false);
                return;
            }
            sent += result;
        }
        unsent = null;
        sending.complete(true);
        if (ending) {
            endOutput();
        }
    }

    /** Nothing more will be said to it. */
    void endOutput() {
        ending = true;
        if (unsent == null && !closed) {
            socket().shutdownOutput();
        }
    }

    /** Whether what was to be sent before a body has gone. */
    boolean isFlushed() {
        return unsent == null;
    }

    private void read() {
        Collector wanted = collector;
        while (wanted != null && !wanted.isDone()) {
            int n = closed ? StreamSocket.FAILED : socket().peek(scratch, 0, (int) scratch.byteSize());
            if (n == StreamSocket.WOULD_BLOCK) {
                return;
            }
            if (n < 0) {
                stale = true;
                wanted.end(Collector.End.STREAM_ENDED);
            } else {
                int taken = wanted.offer(scratch, 0, n);
                socket().skip(scratch, 0, taken);
            }
        }
        collector = null;
    }

    @Override
    public void onConnected() {
        connected.complete(null);
    }

    @Override
    public void onConnectFailed(HostError error) {
        closed = true;
        connected.complete(error);
    }

    @Override
    public void onReadable() {
        if (collector != null) {
            read();
        } else if (!guest.readable(this)) {
            lookWhileResting();
        }
    }

    /** Nobody waits for anything: then an end, or bytes that belong to nothing, are the end of it. */
    private void lookWhileResting() {
        if (resting && !closed && socket().peek(scratch, 0, 1) != StreamSocket.WOULD_BLOCK) {
            closeNow();
        }
    }

    @Override
    public void onWritable() {
        if (unsent != null) {
            flush();
        }
        if (unsent == null) {
            guest.writable(this);
        }
    }

    void resetNow() {
        end();
        if (socket != null) {
            socket.reset();
        }
    }

    void closeNow() {
        end();
        if (socket != null) {
            socket.close();
        }
    }

    private void end() {
        closed = true;
        stale = true;
        connected.complete(HostError.RESET);
        sending.complete(false);
        over.complete(true);
        if (collector != null) {
            collector.end(Collector.End.STREAM_ENDED);
            collector = null;
        }
    }
}
