package dev.sluice.net;

import dev.sluice.stack.tcp.TcpProfile;
import dev.sluice.wire.IpAddress;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One TCP connection, for any thread. Reading and writing wait, which on a virtual thread costs nothing; everything else returns at once.
 * Threads that read at the same time take turns, and so do those that write; one may read while another writes.
 *
 * <p>What is written goes through a bounded queue to the loop, and from there into the connection's send buffer; a writer waits while
 * both are full, which is as long as the peer does not read. What comes in waits in a bounded queue, then in the receive buffer; then the
 * peer is told to wait.
 */
public final class TcpConnection implements AutoCloseable {
    private final TcpSession session;
    private final IpAddress localAddress;
    private final int localPort;
    private final IpAddress remoteAddress;
    private final int remotePort;

    /** From the loop to readers, and back. */
    final ByteQueue incoming;

    final ByteQueue outgoing;
    private final Waiter readers = new Waiter();
    private final Waiter writers = new Waiter();
    private final ReentrantLock readLock = new ReentrantLock();
    private final ReentrantLock writeLock = new ReentrantLock();
    private final BooleanSupplier readable = this::isReadable;
    private final BooleanSupplier writable = this::isWritable;

    // Set by the loop.
    private volatile boolean established;
    /** All that the peer sent before its FIN is in {@link #incoming}. */
    private volatile boolean ended;
    /** The connection is no more; null while it is. */
    private volatile @Nullable Failure failure;
    /** After the failure: there is more to come for readers than {@link #incoming} has. */
    private volatile boolean resting;

    // Set by users.
    private volatile boolean outputShut;
    private volatile boolean closed;
    private volatile boolean aborted;
    private volatile @Nullable UrgentListener urgentListener;
    private volatile TcpProfile profile;
    private volatile byte trafficClass;
    /** 0 for the stack's own choice. */
    private volatile byte hopLimit;

    private volatile @Nullable Duration readTimeout;
    private volatile @Nullable Duration writeTimeout;

    TcpConnection(
            TcpSession session,
            TcpProfile profile,
            int queueBytes,
            IpAddress localAddress,
            int localPort,
            IpAddress remoteAddress,
            int remotePort) {
        this.session = session;
        this.profile = profile;
        this.incoming = new ByteQueue(queueBytes);
        this.outgoing = new ByteQueue(queueBytes);
        this.localAddress = localAddress;
        this.localPort = localPort;
        this.remoteAddress = remoteAddress;
        this.remotePort = remotePort;
    }

    // ---- for users

    /** Of this side, of the family that is spoken; ports are 1–65535. */
    public IpAddress localAddress() {
        return localAddress;
    }

    public int localPort() {
        return localPort;
    }

    /** Of the peer. */
    public IpAddress remoteAddress() {
        return remoteAddress;
    }

    public int remotePort() {
        return remotePort;
    }

    /**
     * How long a read may wait for its first byte.
     *
     * @param timeout null for ever, which is the default
     */
    public void readTimeout(@Nullable Duration timeout) {
        readTimeout = timeout;
    }

    /**
     * How long a write may wait for room without any.
     *
     * @param timeout null for ever, which is the default
     */
    public void writeTimeout(@Nullable Duration timeout) {
        writeTimeout = timeout;
    }

    /** Whether small writes leave at once instead of waiting for the acknowledgment of the one before (RFC 9293 MUST-17). */
    public void noDelay(boolean on) {
        change(p -> p.withNagle(!on));
    }

    /**
     * Whether what fills no segment waits for more: until {@link #write} fills it, this is switched off, the output ends, or a retransmission
     * timeout has passed, a fifth of a second at least. For an answer that is made of several writes, as a header and a file; stronger than
     * {@link #noDelay}. Of earlier writes, what has not left yet waits, too.
     */
    public void cork(boolean on) {
        change(p -> p.withCork(on));
    }

    /**
     * Asks a silent peer for a sign of life (RFC 9293 §3.8.4); off by default. After {@code probes} of them without an answer the
     * connection has timed out.
     *
     * @param idle silence before the first probe; zero for none
     * @param interval time between probes
     * @param probes unanswered ones that end the connection
     */
    public void keepAlive(Duration idle, Duration interval, int probes) {
        change(p -> p.withKeepAlive(idle.toNanos(), interval.toNanos(), probes));
    }

    /** Keep-alive with the values of RFC 1122: a first probe after two hours of silence, then eight more; or none. */
    public void keepAlive(boolean on) {
        keepAlive(on ? Duration.ofHours(2) : Duration.ZERO, Duration.ofSeconds(75), 9);
    }

    /** How long the peer may leave data unacknowledged before the connection has timed out (R2, RFC 9293 §3.8.3, RFC 5482); 15 minutes. */
    public void userTimeout(Duration time) {
        change(p -> p.withUserTimeout(time.toNanos()));
    }

    private synchronized void change(UnaryOperator<TcpProfile> change) {
        profile = change.apply(profile);
        session.kick();
    }

    /**
     * The differentiated services codepoint of its packets (RFC 2474), 0 by default.
     *
     * @param dscp 0–63
     */
    public void codepoint(int dscp) {
        if (dscp < 0 || dscp > 63) {
            throw new IllegalArgumentException("a codepoint is within 0…63, not " + dscp);
        }
        trafficClass = (byte) (dscp << 2);
    }

    /**
     * The TTL or hop limit of its packets; by default 64, or what an IPv6 router advertises.
     *
     * @param hops 1–255
     */
    public void hopLimit(int hops) {
        if (hops < 1 || hops > 255) {
            throw new IllegalArgumentException("a hop limit is within 1…255, not " + hops);
        }
        hopLimit = (byte) hops;
    }

    /**
     * What routers have said about the way to the peer while TCP goes on trying (soft errors of RFC 9293 §3.9.2.2), in words; null if
     * nothing.
     */
    public @Nullable String softError() {
        Failure told = session.softError;
        return told == null ? null : told.message();
    }

    /** Calls {@code listener} on the loop, where it must not wait, each time the peer announces urgent data (RFC 9293 §3.8.5). */
    public void onUrgent(@Nullable UrgentListener listener) {
        urgentListener = listener;
    }

    /** Hears of urgent data; what is urgent comes out of {@link #read} like everything else. */
    @FunctionalInterface
    public interface UrgentListener {
        /** @param left bytes from what was last read to the end of the urgent data */
        void onUrgent(long left);
    }

    /**
     * Reads what is there, waiting for at least one byte.
     *
     * @return bytes read, up to {@code length}; −1 when the peer has ended its side and everything was read; 0 only for a length of 0
     * @throws NetException.Reset if the peer reset the connection; what came before has been read by then
     * @throws NetException.TimedOut if nothing came within the read timeout, or the peer is gone
     * @throws NetException.Closed if this side was closed, now or meanwhile
     */
    public int read(byte[] target, int offset, int length) throws NetException {
        java.util.Objects.checkFromIndexSize(offset, length, target.length);
        if (length == 0) {
            return 0;
        }
        Duration timeout = readTimeout;
        long deadline = Deadline.after(timeout);
        if (!Deadline.lock(readLock, deadline)) {
            throw readTimedOut(timeout);
        }
        try {
            while (true) {
                if (closed) {
                    throw closedHere();
                }
                int n = incoming.read(target, offset, length);
                if (n > 0) {
                    session.onRead();
                    return n;
                }
                // In this order: the loop says how it ended after it has put in the last bytes, or that there are more.
                Failure end = failure;
                boolean more = resting;
                boolean over = ended;
                if (!incoming.isEmpty()) {
                    continue;
                }
                if (over) {
                    return -1;
                }
                if (end != null && !more) {
                    throw end.exception();
                }
                if (!readers.await(readable, deadline)) {
                    throw readTimedOut(timeout);
                }
            }
        } finally {
            readLock.unlock();
        }
    }

    /** As {@link #read(byte[], int, int)}, into the whole array. */
    public int read(byte[] target) throws NetException {
        return read(target, 0, target.length);
    }

    private boolean isReadable() {
        return closed || ended || (failure != null && !resting) || !incoming.isEmpty();
    }

    /** Bytes that {@link #read} would return without waiting. */
    public int available() {
        return closed ? 0 : incoming.size();
    }

    /**
     * Writes all of it, waiting for room as long as it takes. When this returns, the bytes are on their way, not yet with the peer. When it
     * fails, a part of them may be; {@link #channel} tells how much.
     *
     * @throws NetException.Reset if the peer reset the connection
     * @throws NetException.TimedOut if there was no room at all within the write timeout, or the peer is gone
     * @throws NetException.Closed if this side was closed or its output shut down, now or meanwhile
     */
    public void write(byte[] source, int offset, int length) throws NetException {
        write(ByteBuffer.wrap(source, offset, length));
    }

    /** As {@link #write(byte[], int, int)}, what remains of a buffer with an array; its position says what was taken, also after a failure. */
    void write(ByteBuffer source) throws NetException {
        Duration timeout = writeTimeout;
        long deadline = Deadline.after(timeout);
        if (!Deadline.lock(writeLock, deadline)) {
            throw writeTimedOut(timeout);
        }
        try {
            do {
                Failure end = failure;
                if (closed) {
                    throw closedHere();
                }
                if (end != null) {
                    throw end.exception();
                }
                if (outputShut) {
                    throw new NetException.Closed("the output to " + remote() + " was shut down");
                }
                int at = source.position();
                int n = outgoing.write(source.array(), source.arrayOffset() + at, source.remaining());
                if (n > 0) {
                    source.position(at + n);
                    session.kick();
                    deadline = Deadline.after(timeout);
                } else if (source.hasRemaining() && !writers.await(writable, deadline)) {
                    throw writeTimedOut(timeout);
                }
            } while (source.hasRemaining());
        } finally {
            writeLock.unlock();
        }
    }

    /** As {@link #write(byte[], int, int)}, the whole array. */
    public void write(byte[] source) throws NetException {
        write(source, 0, source.length);
    }

    private boolean isWritable() {
        return closed || outputShut || failure != null || outgoing.room() > 0;
    }

    /** Ends this side's stream after what was written (FIN); reading goes on. Never waits; idempotent. */
    public void shutdownOutput() {
        if (!outputShut) {
            outputShut = true;
            writers.wake();
            session.kick();
        }
    }

    /**
     * Is done with it: what was written is still delivered in the background, then the connection ends; at the latest with a reset when
     * the peer has taken nothing for the {@link #userTimeout}. If something the peer sent was
     * not read, or more comes, the peer gets a reset (RFC 9293 §3.6.1). Never waits; idempotent; threads that wait in here get
     * {@link NetException.Closed}.
     */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            readers.wake();
            writers.wake();
            session.kick();
        }
    }

    /** Ends it with a reset; nothing more is delivered. Never waits; idempotent. */
    public void abort() {
        aborted = true;
        close();
        session.kick();
    }

    /** True until it ended, on whichever side, or was closed here. */
    public boolean isOpen() {
        return !closed && failure == null;
    }

    /** The reading side as a stream; closing it closes the connection. */
    public InputStream inputStream() {
        return new InputStream() {
            @Override
            public int read() throws NetException {
                byte[] one = new byte[1];
                return TcpConnection.this.read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] target, int offset, int length) throws NetException {
                return TcpConnection.this.read(target, offset, length);
            }

            @Override
            public int available() {
                return TcpConnection.this.available();
            }

            @Override
            public void close() {
                TcpConnection.this.close();
            }
        };
    }

    /** The writing side as a stream without a buffer of its own; closing it closes the connection. */
    public OutputStream outputStream() {
        return new OutputStream() {
            @Override
            public void write(int b) throws NetException {
                TcpConnection.this.write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] source, int offset, int length) throws NetException {
                TcpConnection.this.write(source, offset, length);
            }

            @Override
            public void close() {
                TcpConnection.this.close();
            }
        };
    }

    /**
     * Both sides as a channel of blocking calls; closing it closes the connection. The position of a buffer always stands behind what was
     * taken from it, also if a write fails.
     */
    public ByteChannel channel() {
        return new ConnectionChannel(this);
    }

    @Override
    public String toString() {
        return Endpoint.text(localAddress, localPort) + " to " + remote();
    }

    private String remote() {
        return Endpoint.text(remoteAddress, remotePort);
    }

    private NetException closedHere() {
        Failure end = failure;
        return end != null && end.kind() == Failure.Kind.CLOSED
                ? end.exception()
                : new NetException.Closed("the connection to " + remote() + " was closed on this side");
    }

    private NetException readTimedOut(@Nullable Duration timeout) {
        return new NetException.TimedOut(remote() + " sent nothing for " + Deadline.text(timeout));
    }

    private NetException writeTimedOut(@Nullable Duration timeout) {
        return new NetException.TimedOut(
                remote() + " has taken nothing for " + Deadline.text(timeout) + ", and all buffers are full");
    }

    // ---- for connect

    /** Waits until the handshake is over; on failure or timeout the connection is gone. */
    void awaitEstablished(Duration timeout) throws NetException {
        boolean over;
        try {
            over = writers.await(() -> established || failure != null, Deadline.after(timeout));
        } catch (NetException.Interrupted e) {
            abort();
            throw e;
        }
        if (!over) {
            abort();
            Failure told = session.softError;
            throw told != null
                    ? told.exception()
                    : new NetException.TimedOut(remote() + " did not answer within " + Deadline.text(timeout));
        }
        Failure end = failure;
        if (end != null && !established) {
            throw end.exception();
        }
    }

    // ---- for the session, on the loop

    TcpProfile profile() {
        return profile;
    }

    int trafficClass() {
        return trafficClass & 0xff;
    }

    int hopLimit() {
        return hopLimit & 0xff;
    }

    void onUrgent(long left) {
        UrgentListener listener = urgentListener;
        if (listener != null) {
            listener.onUrgent(left);
        }
    }

    void onEstablished() {
        established = true;
        writers.wake();
    }

    void onData() {
        readers.wake();
    }

    void onRoom() {
        if (outgoing.room() >= outgoing.capacity() / 2) {
            writers.wake();
        }
    }

    void onEnd() {
        ended = true;
        readers.wake();
    }

    /** @param rest whether readers get yet more before they hear of it */
    void onFailure(Failure how, boolean rest) {
        resting = rest;
        if (failure == null) {
            failure = how;
        }
        readers.wake();
        writers.wake();
    }

    void onRestOver() {
        resting = false;
        readers.wake();
    }

    boolean hasSpoken() {
        return ended || !incoming.isEmpty();
    }

    boolean wantsClose() {
        return closed;
    }

    boolean isClosedHere() {
        return closed;
    }

    boolean wantsAbort() {
        return aborted;
    }

    boolean wantsShutdown() {
        return outputShut || closed;
    }
}
