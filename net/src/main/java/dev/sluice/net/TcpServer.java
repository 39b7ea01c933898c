package dev.sluice.net;

import dev.sluice.loop.LateLogger;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A listener with its connections and a virtual thread for each: a scope that they can't leave. Closing it resets the connections that are
 * still open and interrupts their threads. There are at most as many as {@link NetLimits#connections}.
 */
public final class TcpServer implements AutoCloseable {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.net");

    /** What is done with a connection; it is closed afterwards, whatever happens. */
    @FunctionalInterface
    public interface Handler {
        /**
         * Does it, on a virtual thread of its own, and may wait. What an {@link IOException} says is logged for those who look closely; an
         * unchecked exception is logged as a warning and resets the connection.
         *
         * @throws InterruptedException when the server is closed meanwhile
         */
        void serve(TcpConnection connection) throws IOException, InterruptedException;
    }

    private final TcpListener listener;
    private final Handler handler;
    private final Map<TcpConnection, Thread> open = new ConcurrentHashMap<>();
    private final Thread acceptor;
    private volatile boolean closed;

    TcpServer(TcpListener listener, Handler handler) {
        this.listener = listener;
        this.handler = handler;
        this.acceptor = Thread.ofVirtual().name("accept-" + listener.port()).start(this::acceptAll);
    }

    /** 1–65535, also where the choice was the stack's. */
    public int port() {
        return listener.port();
    }

    /** Connections being served now. */
    public int connections() {
        return open.size();
    }

    private void acceptAll() {
        try {
            while (true) {
                TcpConnection connection = listener.accept();
                Thread thread = Thread.ofVirtual().name(connection.toString()).unstarted(() -> serve(connection));
                open.put(connection, thread);
                thread.start();
                if (closed) {
                    end(connection, thread); // it came just when the others were ended
                }
            }
        } catch (NetException e) {
            // The listener, the stack or this server was closed.
        }
    }

    private void serve(TcpConnection connection) {
        // Not a try with resources: that would close in order before a failed handler's connection can be reset.
        try {
            handler.serve(connection);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, () -> connection + ": " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the server was closed
        } catch (RuntimeException e) {
            connection.abort();
            LOG.log(System.Logger.Level.WARNING, () -> connection + ": its handler failed", e);
        } finally {
            connection.close();
            open.remove(connection);
        }
    }

    private static void end(TcpConnection connection, Thread thread) {
        connection.abort();
        thread.interrupt();
    }

    /** Stops listening and ends every connection. Never waits; idempotent. */
    @Override
    public void close() {
        closed = true;
        listener.close();
        open.forEach(TcpServer::end);
    }

    /** Waits until the server was closed and all its threads have ended. */
    public void join() throws InterruptedException {
        acceptor.join();
        for (Thread thread : open.values()) {
            thread.join();
        }
    }

    @Override
    public String toString() {
        return listener.toString();
    }
}
