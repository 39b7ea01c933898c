package dev.sluice.testkit.packetdrill;

import dev.sluice.stack.tcp.Listening;
import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.stack.tcp.SynCookies;
import dev.sluice.stack.tcp.Tcb;
import dev.sluice.stack.tcp.TcpProfile;
import dev.sluice.stack.tcp.TcpShard;
import dev.sluice.stack.tcp.TcpState;
import dev.sluice.stack.tcp.TimeWaitTable;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The owner of the {@link Tcb}s under test, in virtual time: finds, opens and ends connections as {@code net.TcpEngine} does, and keeps
 * what they send until the script asks for it.
 */
final class Stack {
    private static final int MOST_ROUNDS = 10_000;

    /**
     * A segment that left, with its TCP header at 0, and the fields of its IP header that sockets set; {@code ect0} if routers may mark
     * its packet.
     */
    record Sent(long time, byte[] bytes, boolean ect0, int ttl, int trafficClass) {}

    final Settings settings;
    final TcpShard shard;
    final TimeWaitTable timeWait;
    final ArrayDeque<Sent> sent = new ArrayDeque<>();
    private final List<Connection> connections = new ArrayList<>();
    private final Map<Integer, Listener> listeners = new HashMap<>();
    /** Since when a connection has been in TIME-WAIT, and whether it had timestamps. */
    private record Rest(long since, boolean stamped) {}

    private final Map<Long, Rest> resting = new HashMap<>();
    private final int firstIss;
    private int opened;
    private long now;
    private int nextPort = 49_152;
    private long callDeadline = Long.MAX_VALUE;
    /** What the way to the peer is known to carry, headers deducted (RFC 1191 §6.1); later connections begin with it. */
    private int pathMss = Integer.MAX_VALUE;

    /** A stack whose clock shows {@code now}, and whose connections begin with sequence number {@code firstIss}, then others. */
    Stack(Settings settings, NativeMemory memory, int firstIss, long now) {
        this.settings = settings;
        this.firstIss = firstIss;
        this.now = now;
        // The secret is for numbers that we do not use here.
        this.shard = new TcpShard(memory, 1 << 28, new java.util.SplittableRandom(firstIss));
        this.timeWait = new TimeWaitTable(shard, 64);
    }

    long now() {
        return now;
    }

    long key(int remotePort, int localPort) {
        return (long) remotePort << 16 | localPort;
    }

    int freePort() {
        return nextPort++;
    }

    private int nextIss() {
        return firstIss + opened++ * 1_000_003;
    }

    // ---- Opening

    Connection connect(SocketOptions options, int localPort, int remotePort) {
        Connection connection = new Connection(this, options, localPort, remotePort);
        connections.add(connection);
        connection.tcb.limitMss(pathMss, now);
        connection.tcb.openActive(0, key(remotePort, localPort), nextIss(), now, localPort, remotePort);
        settle();
        return connection;
    }

    /** Null if there is a listener already. */
    @Nullable
    Listener listen(int port, SocketOptions options, int backlog) {
        Listener listener = new Listener(port, options, backlog);
        return listeners.putIfAbsent(port, listener) == null ? listener : null;
    }

    /** Ends a listener; what nobody will accept is reset. */
    void unlisten(Listener listener) {
        listeners.remove(listener.port, listener);
        List<Connection> orphans = new ArrayList<>(listener.opening);
        orphans.addAll(listener.silent);
        orphans.addAll(listener.ready);
        for (Connection orphan : orphans) {
            abort(orphan);
        }
        settle();
    }

    void abort(Connection connection) {
        if (!connection.over) {
            TcpState before = connection.tcb.state();
            connection.tcb.abort(now);
            connection.handle(Tcb.Events.CLOSED, before);
        }
    }

    boolean isUsed(int port) {
        return listeners.containsKey(port)
                || connections.stream().anyMatch(c -> c.localPort == port && !c.over)
                || timeWait.size() > 0;
    }

    /** A connection goes to TIME-WAIT. */
    void rest(Connection connection) {
        long key = key(connection.remotePort, connection.localPort);
        timeWait.add(0, key, connection.tcb, now);
        resting.put(key, new Rest(now, connection.tcb.snapshot().timestamps()));
    }

    boolean isResting(int localPort, int remotePort) {
        return timeWait.contains(0, key(remotePort, localPort), now);
    }

    /** Whether the settings let a new connection take the place of one in TIME-WAIT (RFC 6191, for the side that connects). */
    boolean mayReopen(int localPort, int remotePort) {
        Rest rest = resting.get(key(remotePort, localPort));
        return rest != null
                && rest.stamped()
                && settings.reopenAfter >= 0
                && now - rest.since() >= settings.reopenAfter;
    }

    /** What a connection would do by the settings, and ours cannot; "" for nothing. */
    String missing() {
        if (settings.asksForAccurateEcn && connections.stream().anyMatch(c -> c.state() == TcpState.SYN_SENT)) {
            return "accurate ECN";
        }
        return settings.ecnEverywhere && usesEcn() ? "ECN on control segments and retransmissions (ecn.plusplus)" : "";
    }

    /** Whether a connection has agreed on ECN or asks for it. */
    private boolean usesEcn() {
        return connections.stream()
                .anyMatch(c -> c.state() == TcpState.SYN_SENT
                        ? c.tcb.profile().ecn() == TcpProfile.Ecn.REQUEST
                        : c.tcb.snapshot().ecn());
    }

    /** A router says what the way to the peer carries. */
    void learnPath(Connection connection, int mss) {
        pathMss = mss;
        connection.tcb.limitMss(mss, now);
        settle();
    }

    void forgetPath() {
        pathMss = Integer.MAX_VALUE;
    }

    // ---- In

    @Nullable
    Connection find(int remotePort, int localPort) {
        for (Connection c : connections) {
            if (c.remotePort == remotePort && c.localPort == localPort && !c.over) {
                return c;
            }
        }
        return null;
    }

    /** A checked segment comes, its TCP header at 0; {@code marked} if routers have reported congestion on it. */
    void receive(byte[] bytes, boolean marked) {
        MemorySegment s = MemorySegment.ofArray(bytes);
        int remotePort = TcpHeader.sourcePort(s, 0);
        int localPort = TcpHeader.destinationPort(s, 0);
        int flags = TcpHeader.flags(s, 0);
        if (settings.dropSynFin && (flags & (TcpHeader.SYN | TcpHeader.FIN)) == (TcpHeader.SYN | TcpHeader.FIN)) {
            return;
        }
        Connection connection = find(remotePort, localPort);
        if (connection != null) {
            connection.onReceive(s, bytes.length);
            TcpState before = connection.tcb.state();
            connection.handle(connection.tcb.onSegment(s, 0, bytes.length, marked, now), before);
        } else {
            unconnected(s, bytes.length, remotePort, localPort, flags);
        }
        settle();
    }

    private void unconnected(MemorySegment s, int length, int remotePort, int localPort, int flags) {
        timeWait.expire(now);
        int remembered = timeWait.onSegment(0, key(remotePort, localPort), s, 0, length, now);
        if (remembered > 0) {
            answer(remembered);
            return;
        }
        if (remembered == TimeWaitTable.IGNORE) {
            return;
        }
        Listener listener = listeners.get(localPort);
        Listening verdict = listener == null ? Listening.RESET : Listening.on(flags);
        switch (verdict) {
            case IGNORE -> {}
            case RESET -> {
                SynCookies cookies = listener == null ? null : listener.cookies;
                long key = key(remotePort, localPort);
                if (listener != null && cookies != null && cookies.isCookie(0, key, s, 0, now) && listener.admits()) {
                    Connection opened = passive(listener, localPort, remotePort);
                    cookies.open(opened.tcb, 0, key, s, 0, length, now);
                    opened.onReceive(s, length);
                    opened.handle(opened.tcb.onSegment(s, 0, length, now), TcpState.SYN_RECEIVED);
                } else if (listener != null || !settings.blackhole) {
                    answer(shard.writeReset(s, 0, length));
                }
            }
            case OPEN -> {
                if (listener != null && settings.cookiesOnly) {
                    SynCookies cookies = listener.cookies;
                    if (cookies == null) {
                        cookies = new SynCookies(shard, settings.profile(listener.options));
                        listener.cookies = cookies;
                    }
                    answer(cookies.answer(0, key(remotePort, localPort), s, 0, length, now));
                } else if (listener != null && listener.admits()) {
                    int iss = nextIss();
                    if (remembered == TimeWaitTable.REOPEN) {
                        iss = timeWait.reopenIss(iss);
                    }
                    Connection opened = passive(listener, localPort, remotePort);
                    opened.tcb.openPassive(0, key(remotePort, localPort), s, 0, length, iss, now);
                    opened.tcb.accept(now);
                }
            }
        }
    }

    private Connection passive(Listener listener, int localPort, int remotePort) {
        Connection opened = new Connection(this, listener.options, localPort, remotePort);
        opened.listener = listener;
        listener.opening.add(opened);
        connections.add(opened);
        opened.tcb.limitMss(pathMss, now);
        return opened;
    }

    private void answer(int headerLength) {
        if (headerLength > 0) {
            byte[] bytes = new byte[headerLength];
            MemorySegment.copy(shard.header(), ValueLayout.JAVA_BYTE, TcpShard.HEADER_AT, bytes, 0, headerLength);
            emit(bytes, false, SocketOptions.DEFAULT_TTL, 0);
        }
    }

    // ---- Out and time

    void emit(byte[] bytes, boolean ect0, int ttl, int trafficClass) {
        sent.add(new Sent(now, bytes, ect0, ttl, trafficClass));
    }

    /** Lets every connection say what it has to say now. */
    void settle() {
        int rounds = 0;
        for (int i = 0; i < connections.size(); i++) {
            Connection connection = connections.get(i);
            do {
                connection.tcb.transmit(now, Integer.MAX_VALUE);
            } while (connection.tcb.wantsTransmit() && ++rounds < MOST_ROUNDS);
            connection.waiting.look(connection.tcb, now);
        }
        if (rounds >= MOST_ROUNDS) {
            throw new AssertionError("The stack does not stop to send");
        }
        connections.removeIf(c -> c.over);
    }

    /** A call that waits wants to be tried again at {@code time}; {@link Long#MAX_VALUE} for none. */
    void wakeAt(long time) {
        callDeadline = time;
    }

    /** When the earliest timer is due, or {@link Long#MAX_VALUE}. */
    long deadline() {
        long earliest = Long.MAX_VALUE;
        for (Connection connection : connections) {
            earliest = Math.min(earliest, connection.tcb.deadline());
        }
        for (Listener listener : listeners.values()) {
            earliest = Math.min(earliest, listener.deadline());
        }
        return Math.min(earliest, callDeadline);
    }

    /** Time passes to {@code time}, which is not after the next timer. */
    void moveTo(long time) {
        now = Math.max(now, time);
        callDeadline = callDeadline <= now ? Long.MAX_VALUE : callDeadline;
        for (Listener listener : listeners.values()) {
            listener.onTimer(now);
        }
        for (Connection connection : new ArrayList<>(connections)) {
            if (connection.tcb.deadline() <= now) {
                TcpState before = connection.tcb.state();
                connection.handle(connection.tcb.onTimer(now), before);
            }
        }
        settle();
    }

    /** Connections in {@code state}, as the system's tools count them. */
    int count(TcpState state) {
        timeWait.expire(now);
        int live = (int) connections.stream().filter(c -> c.state() == state).count();
        return live + (state == TcpState.TIME_WAIT ? timeWait.size() : 0);
    }

    /** Drops connections in {@code state}, as tcpdrop does: with a reset. */
    void drop(TcpState state) {
        if (state == TcpState.TIME_WAIT) {
            timeWait.expire(now + settings.profile(new SocketOptions(settings)).timeWait());
        }
        for (Connection connection : new ArrayList<>(connections)) {
            if (connection.state() == state) {
                abort(connection);
                connection.error = "ECONNABORTED";
            }
        }
        settle();
    }

    /** The states of all connections, for messages. */
    String describe() {
        return "; there are "
                + connections.stream().map(c -> c.state().toString()).toList() + " and " + timeWait.size()
                + " in TIME_WAIT";
    }

    int listening() {
        return listeners.size();
    }

    void close() {
        connections.forEach(c -> c.tcb.release());
        shard.close();
    }
}
