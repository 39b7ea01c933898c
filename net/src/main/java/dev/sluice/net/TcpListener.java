package dev.sluice.net;

import dev.sluice.loop.Timer;
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
 *
 * <p>With {@link #deferAccept} those who have connected and said nothing are not handed out yet. They count as waiting; where they take the
 * last place, the one that has been silent for longest is handed out early, so that silence keeps nobody out.
 */
public final class TcpListener implements AutoCloseable {
    /** A handshake that takes longer is a sign of a flood. */
    private static final long STUCK = 1_000_000_000L;

    private static final Duration LONGEST_DEFERRAL = Duration.ofDays(1);

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

    /** The loop's own: connected and silent so far, oldest first; together with {@link #waiting} bounded by {@link #backlog}. */
    private final LinkedHashSet<TcpSession> silent = new LinkedHashSet<>();

    private final Timer patience = new Timer() {
        @Override
        protected void onTimer(long now) {
            while (!silent.isEmpty() && now - silent.getFirst().silentUntil >= 0) {
                handOut(silent.removeFirst());
            }
            awaitOldest();
        }
    };

    /** How long the silent are kept back, in ns; 0 for not at all. */
    private volatile long deferral;

    private volatile @Nullable Failure failure;
    private volatile boolean closed;

    TcpListener(TcpEngine engine, int port, int backlog) {
        this.engine = engine;
        this.port = port;
        this.backlog = backlog;
    }

    /** 1–65535, also where the choice was the stack's. */
    public int port() {
        return port;
    }

    /** As it was given. */
    public int backlog() {
        return backlog;
    }

    /**
     * From now on hands out connections only when the peer has sent something, ended its side, or been silent for {@code most}. For protocols
     * in which the client speaks first: no thread waits for one that says nothing.
     *
     * @param most zero for handing them out as soon as they are connected, the default; a day at most
     */
    public void deferAccept(Duration most) {
        if (most.isNegative() || most.compareTo(LONGEST_DEFERRAL) > 0) {
            throw new IllegalArgumentException("a connection can be deferred for a day at most, not for " + most);
        }
        deferral = most.toNanos();
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
            if (!silent.isEmpty()) {
                handOut(silent.removeFirst()); // the sender of this SYN tries again, and by then somebody may have
                // accepted
            }
            return Admission.IGNORE;
        }
        if (waiting.get() + silent.size() + opening.size() < backlog) {
            return Admission.REMEMBER;
        }
        Iterator<TcpSession> oldest = opening.iterator();
        boolean stuck = oldest.hasNext() && now - oldest.next().since >= STUCK;
        return stuck ? Admission.COOKIE : Admission.IGNORE;
    }

    /** Whether one more established connection may wait to be accepted. */
    boolean hasRoom() {
        return !closed && waiting.get() + silent.size() < backlog;
    }

    void opening(TcpSession session) {
        opening.add(session);
    }

    void onEstablished(TcpSession session, long now) {
        opening.remove(session);
        long most = deferral;
        if (most == 0 || closed || session.hasSpoken()) {
            handOut(session);
            return;
        }
        session.silentUntil = now + most;
        silent.add(session);
        if (!patience.isArmed()) {
            awaitOldest();
        }
    }

    /** The peer has sent something, or ended its side. */
    void onWord(TcpSession session) {
        if (silent.remove(session)) {
            handOut(session);
        }
    }

    private void awaitOldest() {
        if (silent.isEmpty()) {
            engine.loop.cancel(patience);
        } else {
            engine.loop.schedule(patience, silent.getFirst().silentUntil);
        }
    }

    private void handOut(TcpSession session) {
        session.listener = null;
        waiting.incrementAndGet();
        ready.add(session);
        acceptors.wake();
    }

    /** It has failed, or ended before it said anything. */
    void forget(TcpSession session) {
        opening.remove(session);
        silent.remove(session);
    }

    /** Ends it, and what nobody will accept; {@code why} is what acceptors are told. */
    void end(Failure why, long now) {
        failure = why;
        closed = true;
        acceptors.wake();
        for (TcpSession session : new ArrayDeque<>(opening)) {
            session.abort(why, now);
        }
        for (TcpSession session : new ArrayDeque<>(silent)) {
            session.abort(why, now);
        }
        engine.loop.cancel(patience);
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
