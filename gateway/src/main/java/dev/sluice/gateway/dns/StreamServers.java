package dev.sluice.gateway.dns;

import dev.sluice.loop.Offload;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Servers spoken to over TCP or TLS: one connection each, many queries in flight, answered in any order (RFC 7766 §6.2.1.1), closed
 * when it has been idle. Blocks, so only on virtual threads.
 */
final class StreamServers implements AutoCloseable {
    /** How long a connection stays open unused. */
    static final Duration IDLE = Duration.ofSeconds(20);
    /** Queries in flight on one connection; more wait for their timeout. */
    private static final int MAX_IN_FLIGHT = 512;

    private final Supplier<SSLSocketFactory> tls;
    private final DnsCounters counters;
    private final Map<DnsServer, Connection> connections = new HashMap<>();
    private final ReentrantLock lock = new ReentrantLock();
    private boolean closed;

    /** @param tls asked when the first TLS connection is made */
    StreamServers(Supplier<SSLSocketFactory> tls, DnsCounters counters) {
        this.tls = tls;
        this.counters = counters;
    }

    /** With the JDK's own trust store, or what {@code javax.net.ssl.trustStore} names. */
    static SSLSocketFactory defaultTls() {
        return (SSLSocketFactory) SSLSocketFactory.getDefault();
    }

    /**
     * The reply as it came; null after the timeout.
     *
     * @throws IOException if there is no connection to be had, or it broke
     */
    byte @Nullable [] ask(DnsQuery query, DnsServer server, Duration timeout) throws IOException {
        long deadline = System.nanoTime() + timeout.toNanos();
        Connection connection = connection(server);
        boolean used = connection.used;
        try {
            return connection.ask(query, deadline);
        } catch (IOException e) {
            if (!used || deadline - System.nanoTime() < 0) {
                throw e;
            }
            // An idle connection may have been closed by the server meanwhile (RFC 7766 §6.2.4).
            return connection(server).ask(query, deadline);
        }
    }

    private Connection connection(DnsServer server) throws IOException {
        lock.lock();
        try {
            if (closed) {
                throw new IOException("closed");
            }
            Connection connection = connections.get(server);
            if (connection == null || connection.broken) {
                connection = new Connection(server);
                connections.put(server, connection);
            }
            return connection;
        } finally {
            lock.unlock();
        }
    }

    /** Makes new connections from now on; queries in flight on the old ones fail, and are asked again as after any broken connection. */
    void renew() {
        lock.lock();
        try {
            List.copyOf(connections.values()).forEach(c -> c.fail(new IOException("the network has changed")));
            connections.clear();
        } finally {
            lock.unlock();
        }
    }

    int open() {
        lock.lock();
        try {
            return connections.size();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            List.copyOf(connections.values())
                    .forEach(c -> c.fail(new IOException("the name server of this network has ended")));
            connections.clear();
        } finally {
            lock.unlock();
        }
    }

    private record Pending(DnsQuery query, CompletableFuture<byte[]> reply) {}

    private final class Connection {
        private final DnsServer server;
        private final Map<Integer, Pending> inFlight = new ConcurrentHashMap<>();
        private final ReentrantLock writing = new ReentrantLock();
        private volatile @Nullable Socket socket;
        private volatile boolean broken;
        /** Whether it has carried a reply. */
        private volatile boolean used;

        Connection(DnsServer server) {
            this.server = server;
        }

        byte @Nullable [] ask(DnsQuery query, long deadline) throws IOException {
            Pending pending = new Pending(query, new CompletableFuture<>());
            int id = register(pending);
            try {
                send(query, id, deadline);
                return pending.reply.get(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            } catch (TimeoutException _) {
                return null;
            } catch (ExecutionException e) {
                throw new IOException(
                        e.getCause() == null ? e.getMessage() : e.getCause().getMessage(), e);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                return null;
            } finally {
                inFlight.remove(id, pending);
            }
        }

        private int register(Pending pending) throws IOException {
            if (inFlight.size() >= MAX_IN_FLIGHT) {
                throw new IOException(MAX_IN_FLIGHT + " queries to it are unanswered");
            }
            int id;
            do {
                id = Forwarder.RANDOM.nextInt(1 << 16);
            } while (inFlight.putIfAbsent(id, pending) != null);
            return id;
        }

        private void send(DnsQuery query, int id, long deadline) throws IOException {
            byte[] message = query.message();
            byte[] framed = new byte[2 + message.length];
            DnsMessage.put16(framed, 0, message.length);
            System.arraycopy(message, 0, framed, 2, message.length);
            DnsMessage.put16(framed, 2, id);
            writing.lock();
            try {
                if (broken) {
                    throw new IOException("the connection has ended");
                }
                Socket open = socket;
                if (open == null) {
                    open = connect(Math.max(1, (int) ((deadline - System.nanoTime()) / 1_000_000)));
                    socket = open;
                    if (broken) {
                        throw new IOException("closed");
                    }
                    DataInputStream in = new DataInputStream(open.getInputStream());
                    if (!Offload.start("dns-server-read", () -> read(in))) {
                        throw new IOException("there is no thread to read its answers");
                    }
                }
                OutputStream out = open.getOutputStream();
                out.write(framed);
                out.flush();
            } catch (IOException e) {
                fail(e);
                throw e;
            } finally {
                writing.unlock();
            }
        }

        private Socket connect(int millis) throws IOException {
            Socket plain = new Socket();
            try {
                plain.setTcpNoDelay(true);
                plain.connect(server.address(), millis);
                plain.setSoTimeout(millis);
                Socket made = plain;
                if (server.protocol() == DnsServer.Protocol.TLS) {
                    String name = server.name();
                    String host = name == null ? server.address().getAddress().getHostAddress() : name;
                    SSLSocket secured = (SSLSocket)
                            tls.get().createSocket(plain, host, server.address().getPort(), true);
                    SSLParameters parameters = secured.getSSLParameters();
                    parameters.setEndpointIdentificationAlgorithm("HTTPS"); // host name and certificate must match
                    parameters.setApplicationProtocols(new String[] {"dot"}); // RFC 7858 §3.1, registered ALPN
                    secured.setSSLParameters(parameters);
                    secured.startHandshake();
                    made = secured;
                }
                made.setSoTimeout((int) IDLE.toMillis());
                return made;
            } catch (IOException | RuntimeException e) {
                plain.close();
                throw e instanceof IOException io ? io : new IOException(e);
            }
        }

        private void read(DataInputStream in) {
            try {
                while (true) {
                    byte[] reply = read(in, in.readUnsignedShort());
                    Pending pending = reply.length < 2 ? null : inFlight.get(DnsMessage.u16(reply, 0));
                    if (pending == null
                            || !Exchange.answers(pending.query, DnsMessage.u16(reply, 0), reply, reply.length)) {
                        counters.upstreamMismatches.increment();
                        continue;
                    }
                    used = true;
                    pending.reply.complete(reply);
                }
            } catch (IOException e) {
                fail(new IOException("the connection has ended: " + e.getMessage(), e));
            }
        }

        private static byte[] read(InputStream in, int length) throws IOException {
            byte[] message = in.readNBytes(length);
            if (message.length < length) {
                throw new IOException("cut off in the middle of a message");
            }
            return message;
        }

        /** Ends it: queries in flight fail, later ones take another. */
        private void fail(IOException why) {
            broken = true;
            lock.lock();
            try {
                connections.remove(server, this);
            } finally {
                lock.unlock();
            }
            inFlight.values().forEach(pending -> pending.reply.completeExceptionally(why));
            Socket open = socket;
            if (open != null) {
                try {
                    open.close();
                } catch (IOException _) {
                    // It is of no use any more.
                }
            }
        }
    }
}
