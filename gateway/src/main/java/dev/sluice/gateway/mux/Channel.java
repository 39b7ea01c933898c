package dev.sluice.gateway.mux;

import dev.sluice.host.HostError;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.Timer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** One stream through a {@link Multiplexer}. Confined to the loop. */
public final class Channel implements StreamSocket {
    /** Bytes that the other side may send ahead of what was read here. */
    public static final int WINDOW = 65_536;

    /** The same for a channel that is opened when there are many. */
    static final int SMALL_WINDOW = 16_384;

    /** Control frames that wait to be sent, in this order. */
    static final int OPEN = 1;

    static final int ALLOW = 2;
    static final int SHUTDOWN = 4;
    static final int CLOSE = 8;

    /** How long the other side may take to connect: as long as Linux tries by itself. */
    static final long PATIENCE = 127_000_000_000L;

    private static final int SMALLEST_BUFFER = 4096;
    private static final byte[] EMPTY = {};

    private final Multiplexer mux;
    final int id;
    private final MuxTarget target;
    private Events events;
    private final int window;

    /** Bits of control frames that wait, and whether it stands in the multiplexer's queue for them. */
    int pending;

    boolean queued;
    /** Stands in the multiplexer's queue of those that wait for room. */
    boolean waiting;

    /** The other side has let it be known that the channel stands. */
    boolean connected;

    /** Wanted to send more than the other side's window. */
    private boolean blocked;

    private long sent;
    private long allowed;
    /** Bytes that came, were read, and may come. */
    private long received;

    private long consumed;
    private long advertised;

    /** What came and was not read, in a circle; empty when nothing is there. */
    private byte[] bytes = EMPTY;

    private int start;
    private int size;

    /** Armed from the opening until the other side is heard. */
    private final Timer patience = Timer.of(this::late);

    private boolean shutdown;
    private boolean closed;
    /** The other side has ended its stream. */
    private boolean ended;
    /** The other side has closed the channel. */
    boolean remoteClosed;
    /** Our Close was queued: nothing is said after it. */
    private boolean closeSaid;

    private boolean broken;

    Channel(Multiplexer mux, int id, MuxTarget target, int window, Events events) {
        this.mux = mux;
        this.id = id;
        this.target = target;
        this.window = window;
        this.events = events;
    }

    /** What it is connected to, or is to be. */
    public MuxTarget target() {
        return target;
    }

    /** Lets the other side, which has opened it, begin. */
    public void accept(Events events) {
        this.events = events;
        connected = true;
        mux.control(this, ALLOW);
    }

    /** Bytes that {@link #write} would take now. */
    public int writable() {
        return closed || shutdown || broken || remoteClosed ? 0 : (int) Math.min(allowed - sent, mux.room());
    }

    /** Memory for one datagram; holds nothing between calls. */
    MemorySegment scratch() {
        return mux.scratch();
    }

    /** How far the other side may send from now on. */
    long advertise() {
        advertised = consumed + window;
        return advertised;
    }

    // ---- What comes

    void onWindow(long value) {
        if (value > allowed) {
            allowed = value;
        }
        heard();
        if (blocked && !closed) {
            blocked = false;
            events.onWritable();
        }
    }

    private void heard() {
        if (!connected && !closed) {
            connected = true;
            mux.loop.cancel(patience);
            events.onConnected();
        }
    }

    /** Has been asked for; nobody waits for an agent for ever. */
    void opening() {
        mux.loop.schedule(patience, mux.loop.now() + PATIENCE);
    }

    private void late() {
        if (!connected && !closed) {
            close();
            events.onConnectFailed(HostError.TIMED_OUT);
        }
    }

    /** Announces Data; false if it is more than was allowed. */
    boolean mayReceive(long length) {
        return length <= advertised - received;
    }

    void onData(MemorySegment memory, long at, int length) {
        received += length;
        if (closed) {
            return; // crossed our Close
        }
        grow(length);
        for (int done = 0; done < length; ) {
            int to = (start + size) % bytes.length;
            int part = Math.min(length - done, bytes.length - to);
            MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at + done, bytes, to, part);
            size += part;
            done += part;
        }
        heard();
        if (!closed) {
            events.onReadable();
        }
    }

    private void grow(int length) {
        int needed = size + length;
        if (bytes.length >= needed) {
            return;
        }
        byte[] larger = needed <= SMALLEST_BUFFER
                ? new byte[SMALLEST_BUFFER]
                : window == WINDOW ? mux.buffer() : new byte[window];
        copyOut(larger);
        release();
        bytes = larger;
        start = 0;
    }

    private void copyOut(byte[] to) {
        int first = Math.min(size, bytes.length - start);
        System.arraycopy(bytes, start, to, 0, first);
        System.arraycopy(bytes, 0, to, first, size - first);
    }

    private void release() {
        if (bytes.length == WINDOW) {
            mux.release(bytes);
        }
        bytes = EMPTY;
        start = 0;
    }

    void onShutdown() {
        ended = true;
        heard();
        if (!closed) {
            events.onReadable();
        }
    }

    /**
     * The other side is done with both directions. Who had ended its stream here learns that as an end. Else there is nobody any more for
     * what is still to be said, as at a socket that was closed or reset: nothing can be written, and there is no end in order but one
     * that came before by Shutdown, which is how all agents say so.
     */
    void onClose() {
        remoteClosed = true;
        ended |= shutdown;
        broken |= !shutdown;
        if (closed) {
            return;
        }
        if (!connected) {
            close();
            events.onConnectFailed(HostError.REFUSED);
            return;
        }
        answerCloseOnceRead();
        events.onReadable();
        if (!closed && blocked) {
            blocked = false;
            events.onWritable(); // the next write fails
        }
    }

    /** Nothing can follow in either direction, so the number need not wait for whoever has the channel here to be done with it. */
    private void answerCloseOnceRead() {
        if (remoteClosed && size == 0) {
            sayClose();
        }
    }

    private void sayClose() {
        if (!closeSaid) {
            closeSaid = true;
            mux.control(this, CLOSE);
        }
    }

    void onRoom() {
        waiting = false;
        if (!closed) {
            events.onWritable();
        }
    }

    /** It is not to be, and the other side never hears of it. */
    void refuse() {
        broken = true;
        closed = true;
    }

    /** Tells that it was refused. */
    void fail() {
        events.onConnectFailed(HostError.NO_RESOURCES);
    }

    /** The carrier is gone. */
    void onBroken() {
        broken = true;
        if (closed) {
            return;
        }
        if (connected) {
            events.onReadable();
        } else {
            closed = true;
            mux.loop.cancel(patience);
            events.onConnectFailed(HostError.RESET);
        }
    }

    // ---- The socket

    @Override
    public int read(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        int n = peek(memory, at, length);
        if (n == length && wrapLength > 0 && size > n) {
            int more = Math.min(wrapLength, size - n);
            copy(n, memory, wrapAt, more);
            n += more;
        }
        take(n);
        return n;
    }

    @Override
    public int peek(MemorySegment memory, long at, int length) {
        if (closed) {
            return FAILED;
        }
        if (size == 0) {
            return ended ? END : broken ? FAILED : WOULD_BLOCK;
        }
        int n = Math.min(length, size);
        copy(0, memory, at, n);
        return n;
    }

    private void copy(int from, MemorySegment memory, long at, int length) {
        int first = (start + from) % bytes.length;
        int part = Math.min(length, bytes.length - first);
        MemorySegment.copy(bytes, first, memory, ValueLayout.JAVA_BYTE, at, part);
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, at + part, length - part);
    }

    @Override
    public void skip(MemorySegment memory, long at, int length) {
        take(Math.min(length, size));
    }

    private void take(int length) {
        if (length <= 0) {
            return;
        }
        size -= length;
        start = (start + length) % bytes.length;
        consumed += length;
        if (size == 0) {
            release();
        }
        if (!ended && !closed && !remoteClosed && advertised - consumed < window / 2) {
            mux.control(this, ALLOW);
        }
        answerCloseOnceRead();
    }

    @Override
    public int write(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        if (closed || shutdown || broken || remoteClosed) {
            return FAILED;
        }
        int most = (int) Math.min(length + wrapLength, allowed - sent);
        int n = most <= 0 ? 0 : mux.data(this, memory, at, Math.min(length, most), wrapAt, Math.max(0, most - length));
        sent += n;
        if (n == most && n < length + wrapLength) {
            blocked = true;
        }
        return n == 0 ? WOULD_BLOCK : n;
    }

    @Override
    public boolean mayHoldMore() {
        return ended || broken;
    }

    @Override
    public boolean broken() {
        return broken;
    }

    @Override
    public void shutdownOutput() {
        if (!shutdown && !closed && !broken && !remoteClosed) {
            shutdown = true;
            mux.control(this, SHUTDOWN);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            size = 0;
            release();
            mux.loop.cancel(patience);
            sayClose();
        }
    }

    /** The protocol knows no reset. */
    @Override
    public void reset() {
        close();
    }

    boolean isClosed() {
        return closed;
    }

    @Override
    public HostError error() {
        return HostError.RESET;
    }

    @Override
    public String toString() {
        return Arrays.asList(
                        Integer.toUnsignedString(id),
                        target.toString(),
                        "sent " + sent + " of " + allowed,
                        "received " + received + " of " + advertised,
                        (connected ? "" : "opening ")
                                + (shutdown ? "shut down " : "")
                                + (ended ? "ended " : "")
                                + (closed ? "closed " : "")
                                + (remoteClosed ? "closed by peer" : ""))
                .toString();
    }
}
