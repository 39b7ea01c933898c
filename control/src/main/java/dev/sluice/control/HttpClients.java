package dev.sluice.control;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The clients that are served at a time, whatever they came by: so many, and each has its time for its part of an exchange. One more is
 * told so and turned away. Thread-safe.
 */
public final class HttpClients implements AutoCloseable {
    private final int limit;
    private final long patienceNanos;
    private final LongAdder cut = new LongAdder();
    private final LongAdder turnedAway = new LongAdder();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition emptied = lock.newCondition();
    private final Set<HttpConnection> connections = new HashSet<>();
    private boolean watched;
    private boolean closed;

    /** @param patience how long a client may take to send a request, and again to take its response, or a piece of one */
    public HttpClients(int limit, Duration patience) {
        this.limit = limit;
        this.patienceNanos = patience.toNanos();
    }

    /**
     * Serves one on this thread until it leaves, is cut, or is handed over. Its stream is closed then, unless it was handed over.
     *
     * @return whether it was; that is done by then
     */
    public boolean serve(HttpStream stream, HttpHandler handler) {
        HttpConnection admitted = admit(stream, handler);
        return admitted != null && run(admitted);
    }

    /** One that is to be {@link #run}, or {@link #ended}; null if it was turned away. */
    @Nullable
    HttpConnection admit(HttpStream stream, HttpHandler handler) {
        HttpConnection connection = new HttpConnection(stream, handler, patienceNanos);
        boolean room;
        lock.lock();
        try {
            room = !closed && connections.size() < limit;
            if (room) {
                connections.add(connection);
                if (!watched) {
                    watched = true;
                    Thread.ofVirtual().name("control-watch").start(this::watch);
                }
            }
        } finally {
            lock.unlock();
        }
        if (room) {
            return connection;
        }
        turnedAway.increment();
        turnAway(stream, handler.mistake(503, "too many clients at a time; try again in a moment"));
        return null;
    }

    /** A word instead of a closed door; a new socket takes it at once. */
    private static void turnAway(HttpStream stream, HttpResponse response) {
        try {
            stream.write(ByteBuffer.wrap(response.encode(true, true)));
        } catch (java.io.IOException _) {
            // Then without the word.
        } finally {
            stream.close();
        }
    }

    boolean run(HttpConnection connection) {
        HttpResponse.@Nullable Handover handover;
        try {
            handover = connection.run();
        } finally {
            ended(connection);
        }
        if (handover != null) {
            handover.then().run();
        }
        return handover != null;
    }

    void ended(HttpConnection connection) {
        lock.lock();
        try {
            connections.remove(connection);
            if (connections.isEmpty()) {
                emptied.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Cuts clients past their deadline, as long as there are any clients. */
    private void watch() {
        long pause = Math.max(1_000_000, patienceNanos / 8);
        lock.lock();
        try {
            while (!connections.isEmpty()) {
                long unused = emptied.awaitNanos(pause);
                long now = System.nanoTime();
                for (HttpConnection connection : connections) {
                    if (connection.isOverdue(now)) {
                        cut.increment();
                        connection.close();
                    }
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            watched = false;
            lock.unlock();
        }
    }

    /** Clients cut because they did not do their part in time. */
    public long cut() {
        return cut.sum();
    }

    /** Clients turned away because there were too many. */
    public long turnedAway() {
        return turnedAway.sum();
    }

    /** Clients there are now. */
    public int size() {
        lock.lock();
        try {
            return connections.size();
        } finally {
            lock.unlock();
        }
    }

    /** Cuts all, and takes no more. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            connections.forEach(HttpConnection::close);
        } finally {
            lock.unlock();
        }
    }
}
