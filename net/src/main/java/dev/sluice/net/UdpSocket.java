package dev.sluice.net;

import dev.sluice.wire.IpAddress;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A UDP port, for any thread. Datagrams that come in wait in a bounded queue; when it is full, new ones are dropped and counted. Those
 * that go out wait in one as well while the link is busy; when that is full, {@code send} waits.
 */
public final class UdpSocket implements AutoCloseable {
    /** Accounted to each waiting datagram on top of its payload. */
    private static final int OVERHEAD = 128;

    private final UdpEngine engine;
    private final int port;
    private final int capacity;
    /** The only one talked to; null for everybody. */
    private final @Nullable IpAddress peer;

    private final int peerPort;
    private final Queue<Datagram> incoming = new ConcurrentLinkedQueue<>();
    private final AtomicInteger incomingBytes = new AtomicInteger();
    private final Queue<Datagram> outgoing = new ConcurrentLinkedQueue<>();
    private final AtomicInteger outgoingBytes = new AtomicInteger();
    private final Waiter receivers = new Waiter();
    private final Waiter senders = new Waiter();
    private final ReentrantLock receiveLock = new ReentrantLock();
    private final ReentrantLock sendLock = new ReentrantLock();
    private final AtomicBoolean kicked = new AtomicBoolean();
    private final Runnable attention = this::attend;
    private volatile boolean closed;
    private volatile @Nullable Failure failure;
    /** What ICMP said about the peer; told once, and only where there is one peer. */
    private volatile @Nullable Failure error;

    private volatile long dropped;
    /** The loop's own: waits for room on the link. */
    boolean stalled;

    UdpSocket(UdpEngine engine, int port, int capacity, @Nullable IpAddress peer, int peerPort) {
        this.engine = engine;
        this.port = port;
        this.capacity = capacity;
        this.peer = peer;
        this.peerPort = peerPort;
    }

    /** 1–65535, also where the choice was the stack's. */
    public int port() {
        return port;
    }

    /** Datagrams dropped so far because nobody received fast enough. */
    public long dropped() {
        return dropped;
    }

    /** As {@link #receive(Duration)}, for ever. */
    public Datagram receive() throws NetException {
        return receiveBefore(Waiter.NEVER, null);
    }

    /**
     * Waits for a datagram.
     *
     * @throws NetException.TimedOut if none came within {@code timeout}
     * @throws NetException.Refused if this socket is connected and its peer's host said that nobody listens there
     * @throws NetException.Unreachable if this socket is connected and a router said that there is no way to the peer
     * @throws NetException.Closed if the socket or the stack was closed, now or meanwhile
     */
    public Datagram receive(Duration timeout) throws NetException {
        return receiveBefore(Deadline.after(timeout), timeout);
    }

    private Datagram receiveBefore(long deadline, @Nullable Duration timeout) throws NetException {
        if (!Deadline.lock(receiveLock, deadline)) {
            throw timedOut(timeout);
        }
        try {
            while (true) {
                checkOpen();
                Datagram datagram = incoming.poll();
                if (datagram != null) {
                    incomingBytes.addAndGet(-cost(datagram));
                    return datagram;
                }
                if (!receivers.await(() -> closed || error != null || !incoming.isEmpty(), deadline)) {
                    throw timedOut(timeout);
                }
            }
        } finally {
            receiveLock.unlock();
        }
    }

    private NetException timedOut(@Nullable Duration timeout) {
        return new NetException.TimedOut("no datagram came to port " + port + " within " + Deadline.text(timeout));
    }

    /**
     * Sends to the peer of a connected socket.
     *
     * @throws IllegalStateException if the socket is not connected
     */
    public void send(byte[] payload) throws NetException {
        IpAddress to = peer;
        if (to == null) {
            throw new IllegalStateException("port " + port + " has no peer; say where to send");
        }
        send(to, peerPort, payload);
    }

    /**
     * Sends one datagram, or queues it while the link is busy. Whether it arrives nobody knows.
     *
     * @param payload up to {@link Datagram#MAX_PAYLOAD} bytes, fragmented if longer than the MTU allows; copied
     * @throws NetException.Unreachable if there is no route
     * @throws NetException.Closed if the socket or the stack was closed, now or meanwhile
     */
    public void send(IpAddress address, int port, byte[] payload) throws NetException {
        if (port < 1 || port > 0xffff || payload.length > Datagram.MAX_PAYLOAD) {
            throw new IllegalArgumentException("a port is within 1…65535 and a payload at most " + Datagram.MAX_PAYLOAD
                    + " bytes, not " + port + " and " + payload.length);
        }
        Datagram datagram = new Datagram(address, port, payload.clone());
        Deadline.lock(sendLock, Waiter.NEVER);
        try {
            senders.await(() -> closed || outgoingBytes.get() < capacity, Waiter.NEVER);
            checkOpen();
            engine.checkRoute(address);
            outgoingBytes.addAndGet(cost(datagram));
            outgoing.add(datagram);
        } finally {
            sendLock.unlock();
        }
        kick();
    }

    private void checkOpen() throws NetException {
        Failure why = failure;
        if (why != null) {
            throw why.exception();
        }
        if (closed) {
            throw new NetException.Closed("the socket on UDP port " + port + " was closed");
        }
        Failure told = error;
        if (told != null) {
            error = null;
            throw told.exception();
        }
    }

    private static int cost(Datagram datagram) {
        return datagram.payload().length + OVERHEAD;
    }

    /** Gives the port back; what {@code send} has taken still leaves. Never waits; idempotent. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            receivers.wake();
            senders.wake();
            kick();
        }
    }

    @Override
    public String toString() {
        return "UDP port " + port;
    }

    private void kick() {
        if (kicked.compareAndSet(false, true)) {
            try {
                engine.loop.execute(attention);
            } catch (RejectedExecutionException e) {
                end(TcpEngine.STACK_CLOSED);
            }
        }
    }

    // ---- on the loop

    private void attend() {
        kicked.set(false);
        flush();
    }

    /** Sends what waits, as far as the link takes it. */
    void flush() {
        Datagram datagram;
        while ((datagram = outgoing.peek()) != null) {
            if (engine.congested()) {
                engine.stall(this);
                return;
            }
            outgoing.poll();
            outgoingBytes.addAndGet(-cost(datagram));
            engine.send(this, datagram);
        }
        senders.wake();
        if (closed) {
            engine.unbind(this);
        }
    }

    /** True if a datagram of this sender is for this socket. */
    boolean listensTo(long high, long low, int port) {
        IpAddress only = peer;
        return only == null || (only.low() == low && peerPort == port && only.high() == high);
    }

    /** Whether a datagram with {@code length} bytes of payload has room; counts it if not. */
    boolean admits(int length) {
        if (closed || incomingBytes.get() + length + OVERHEAD > capacity) {
            long before = dropped;
            dropped = before + 1;
            return false;
        }
        return true;
    }

    void onDatagram(Datagram datagram) {
        incomingBytes.addAndGet(cost(datagram));
        incoming.add(datagram);
        receivers.wake();
    }

    void onError(Failure what) {
        if (peer != null) {
            error = what;
            receivers.wake();
        }
    }

    void end(Failure why) {
        failure = why;
        closed = true;
        receivers.wake();
        senders.wake();
    }
}
