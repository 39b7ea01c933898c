package dev.sluice.net;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A TCP port that takes connections, for any thread; threads that accept at the same time each get connections of their own.
 *
 * <p>At most {@code backlog} connections are in the handshake or wait to be accepted. When all wait to be accepted, a new SYN gets no
 * answer, so that its sender tries again; so an established connection is never thrown away for want of room. When handshakes take up the
 * rest and the oldest is stuck for a second, as under a flood of SYNs, further ones are answered by SYN cookies, which need no memory.
 */
public final class TcpListener implements AutoCloseable {
    /** A handshake that takes longer is a sign of a flood. */
    private static final long STUCK = 1_000_000_000L;

    /** What is to be done with a SYN. */
    enum Admission {
        REMEMBER,
        COOKIE,
        IGNORE
    }

    private final TcpEngine engine;
    private final int port;
    private final int backlog;
    private final ReentrantLock acceptLock = new ReentrantLock();
    private final Waiter acceptors = new Waiter();
    /** From the loop to acceptors; bounded by {@link #backlog}. */
    private final Queue<TcpSession> ready = new ConcurrentLinkedQueue<>();

    private final AtomicInteger waiting = new AtomicInteger();
    /** The loop's own: sessions whose handshake is under way, oldest first. */
    private final LinkedHashSet<TcpSession> opening = new LinkedHashSet<>();

    private volatile @Nullable Failure failure;
    private volatile boolean closed;

    TcpListener(TcpEngine engine, int port, int backlog) {
        this.engine = engine;
        this.port = port;
        this.backlog = backlog;
    }

    public int port() {
        return port;
    }

    public int backlog() {
        return backlog;
    }

    /**
     * Waits for the next connection, for ever.
     *
     * @throws NetException.Closed if the listener or the stack was closed, now or meanwhile
     */
    public TcpConnection accept() throws NetException {
        return acceptBefore(Waiter.NEVER, null);
    }

    /**
     * Waits for the next connection.
     *
     * @throws NetException.TimedOut if none came within {@code timeout}
     * @throws NetException.Closed if the listener or the stack was closed, now or meanwhile
     */
    public TcpConnection accept(Duration timeout) throws NetException {
        return acceptBefore(Deadline.after(timeout), timeout);
    }

    private TcpConnection acceptBefore(long deadline, @Nullable Duration timeout) throws NetException {
        if (!Deadline.lock(acceptLock, deadline)) {
            throw timedOut(timeout);
        }
        try {
            while (true) {
                if (closed) {
                    throw closedHere();
                }
                TcpSession session = ready.poll();
                if (session != null) {
                    waiting.decrementAndGet();
                    return session.connection;
                }
                if (!acceptors.await(() -> closed || !ready.isEmpty(), deadline)) {
                    throw timedOut(timeout);
                }
            }
        } finally {
            acceptLock.unlock();
        }
    }

    private NetException timedOut(@Nullable Duration timeout) {
        return new NetException.TimedOut("nobody connected to port " + port + " within " + Deadline.text(timeout));
    }

    private NetException closedHere() {
        Failure why = failure;
        return why != null ? why.exception() : new NetException.Closed("the listener on port " + port + " was closed");
    }

    /**
     * Stops listening; connections not yet accepted are reset, accepted ones go on. Never waits; idempotent; threads that wait in {@code
     * accept} get {@link NetException.Closed}.
     */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            acceptors.wake();
            try {
                engine.loop.execute(() -> engine.unlisten(this));
            } catch (RejectedExecutionException e) {
                // The loop has ended, and with it everything on it.
            }
        }
    }

    @Override
    public String toString() {
        return "port " + port;
    }

    // ---- on the loop

    Admission admit(long now) {
        if (!hasRoom()) {
            return Admission.IGNORE;
        }
        if (waiting.get() + opening.size() < backlog) {
            return Admission.REMEMBER;
        }
        Iterator<TcpSession> oldest = opening.iterator();
        boolean stuck = oldest.hasNext() && now - oldest.next().since >= STUCK;
        return stuck ? Admission.COOKIE : Admission.IGNORE;
    }

    /** Whether one more established connection may wait to be accepted. */
    boolean hasRoom() {
        return !closed && waiting.get() < backlog;
    }

    void opening(TcpSession session) {
        opening.add(session);
    }

    void onEstablished(TcpSession session) {
        opening.remove(session);
        session.listener = null;
        waiting.incrementAndGet();
        ready.add(session);
        acceptors.wake();
    }

    /** A handshake has failed. */
    void forget(TcpSession session) {
        opening.remove(session);
    }

    /** Ends it, and what nobody will accept; {@code why} is what acceptors are told. */
    void end(Failure why, long now) {
        failure = why;
        closed = true;
        acceptors.wake();
        for (TcpSession session : new ArrayDeque<>(opening)) {
            session.abort(why, now);
        }
        TcpSession session;
        while ((session = ready.poll()) != null) {
            waiting.decrementAndGet();
            session.abort(why, now);
        }
    }

    /** Tells acceptors that it is over, where the loop is no more. */
    void abandon() {
        failure = TcpEngine.STACK_CLOSED;
        closed = true;
        acceptors.wake();
    }
}
