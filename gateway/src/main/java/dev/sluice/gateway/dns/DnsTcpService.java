package dev.sluice.gateway.dns;

import dev.sluice.loop.Offload;
import dev.sluice.wire.IpAddress;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Connects guests' streams to port 53 with the name server. Any thread. */
public final class DnsTcpService implements AutoCloseable {
    /** Sessions of all guests together; one more is refused. */
    public static final int MAX_SESSIONS = 128;
    /** Sessions of one guest; one more is refused. */
    public static final int MAX_SESSIONS_PER_GUEST = 32;
    /** How long a session may stay without a message (RFC 7766 §6.2.3: a few seconds at least). */
    public static final Duration IDLE = Duration.ofSeconds(20);

    private final DnsService service;
    private final Duration idle;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition emptied = lock.newCondition();
    private final Set<DnsTcpSession> sessions = new HashSet<>();
    private boolean watched;
    private boolean closed;

    public DnsTcpService(DnsService service) {
        this(service, IDLE);
    }

    DnsTcpService(DnsService service, Duration idle) {
        this.service = service;
        this.idle = idle;
    }

    /**
     * Serves one stream on virtual threads of its own and returns at once. Both streams are closed at the end, from another thread than
     * those that may be blocked in them, and closing must wake those.
     *
     * @param in blocking; end of stream when the guest has sent FIN
     * @param out blocking
     * @return false if there are too many sessions, no threads, or this is closed: then nobody serves it
     */
    public boolean open(IpAddress guest, InputStream in, OutputStream out) {
        DnsTcpSession session = new DnsTcpSession(service, guest, in, out);
        lock.lock();
        try {
            long ofGuest = sessions.stream()
                    .filter(other -> other.guest().equals(guest))
                    .count();
            if (closed || sessions.size() >= MAX_SESSIONS || ofGuest >= MAX_SESSIONS_PER_GUEST) {
                service.counters().tcpSessionsRefused.increment();
                return false;
            }
            sessions.add(session);
            service.counters().tcpSessions.increment();
            if (!watched) {
                watched = Offload.start("dns-tcp-watch", this::watch);
            }
        } finally {
            lock.unlock();
        }
        boolean started = Offload.start("dns-tcp-read", session::read)
                && Offload.start("dns-tcp-write", () -> {
                    try {
                        session.write();
                    } finally {
                        ended(session);
                    }
                });
        if (!started) {
            service.counters().tcpSessionsRefused.increment();
            session.cut();
            ended(session);
        }
        return started;
    }

    private void ended(DnsTcpSession session) {
        lock.lock();
        try {
            sessions.remove(session);
            if (sessions.isEmpty()) {
                emptied.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Cuts idle sessions as long as there are any; streams of a guest have no timeout of their own. */
    private void watch() {
        long pause = Math.max(1_000_000, idle.toNanos() / 8);
        lock.lock();
        try {
            while (!sessions.isEmpty()) {
                long unused = emptied.awaitNanos(pause);
                long now = System.nanoTime();
                for (DnsTcpSession session : Set.copyOf(sessions)) {
                    if (session.isIdle(now, idle.toNanos())) {
                        session.cut();
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

    /** Ends all sessions; later ones are refused. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            Set.copyOf(sessions).forEach(DnsTcpSession::close);
        } finally {
            lock.unlock();
        }
    }
}
