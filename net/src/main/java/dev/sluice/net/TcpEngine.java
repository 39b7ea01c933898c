package dev.sluice.net;

import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.net.ip.HostLink;
import dev.sluice.net.ip.IpInterface;
import dev.sluice.net.ip.Ipv6Interface;
import dev.sluice.net.ip.LocalAddress;
import dev.sluice.net.ip.Neighbour;
import dev.sluice.stack.ip.IcmpError;
import dev.sluice.stack.tcp.Listening;
import dev.sluice.stack.tcp.SynCookies;
import dev.sluice.stack.tcp.TcpProfile;
import dev.sluice.stack.tcp.TcpShard;
import dev.sluice.stack.tcp.TimeWaitTable;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** TCP on the loop: finds, opens and ends sessions, and carries their segments to the link. Confined to the loop. */
final class TcpEngine {
    static final Failure STACK_CLOSED = new Failure(Failure.Kind.CLOSED, "the network stack was closed");

    /** Payload handed to a link at most between two looks at its {@code congested}: one super-segment. */
    private static final int BUDGET = 64 << 10;

    private static final int MOST_ROUNDS = 64;
    private static final int LARGEST_MTU = 65_515;
    /** Reports of IPv4 paths narrower than every host must take (RFC 791) are not believed. */
    private static final int LEAST_PATH_MTU = 576;
    /** What a peer over IPv6 that does not say is assumed to receive (RFC 9293 MUST-15). */
    private static final int DEFAULT_MSS_6 = 1220;

    private static final int HEADERS = Ipv4Header.MIN_LENGTH + TcpHeader.MIN_LENGTH;
    private static final int HEADERS_6 = Ipv6Header.LENGTH + TcpHeader.MIN_LENGTH;
    /** Both ECN bits of the TOS byte (RFC 3168 §5). */
    private static final int CONGESTION_EXPERIENCED = 3;

    private static final long STARVED_RETRY = 50_000_000L;
    private static final long TIME_WAIT_SWEEP = 5_000_000_000L;

    final Loop loop;
    final TcpShard shard;
    final NetCounters counters;
    private final HostLink link;
    private final IpInterface ip;
    private final NetLimits limits;
    private final TcpProfile profile;
    private TcpProfile profile6;
    private final EphemeralPorts ports;
    private final TcpTable table;
    private final Map<Integer, TcpListener> listeners = new HashMap<>();
    private final TimeWaitTable timeWait;
    private final SynCookies cookies;
    private SynCookies cookies6;
    private final SegmentSender sender;
    private final PathMtus paths = new PathMtus();
    private @Nullable TcpSession touched;
    private final ArrayDeque<TcpSession> stalled = new ArrayDeque<>();
    /** Those that have ended but for what their users have yet to read; each keeps some of the buffers, which bounds them. */
    private final Set<TcpSession> resting = new HashSet<>();

    private final ArrayDeque<TcpSession> starved = new ArrayDeque<>();

    private final Timer starvedTimer = new Timer() {
        @Override
        protected void onTimer(long now) {
            for (int n = starved.size(); n > 0; n--) {
                TcpSession session = starved.remove();
                session.starved = false;
                session.pump(now);
            }
        }
    };

    private final Timer sweep = new Timer() {
        @Override
        protected void onTimer(long now) {
            timeWait.expire(now);
            if (timeWait.size() > 0) {
                loop.schedule(this, now + TIME_WAIT_SWEEP);
            }
        }
    };

    TcpEngine(
            Loop loop,
            HostLink link,
            IpInterface ip,
            TcpShard shard,
            NetCounters counters,
            NetLimits limits,
            boolean nagle,
            RandomGenerator random) {
        this.loop = loop;
        this.link = link;
        this.ip = ip;
        this.counters = counters;
        this.limits = limits;
        this.ports = new EphemeralPorts(random);
        this.shard = shard;
        this.sender = new SegmentSender(link, ip, shard, counters);
        this.table = new TcpTable(random.nextLong());
        this.timeWait = new TimeWaitTable(shard, limits.timeWait());
        this.profile = TcpProfile.lan(Math.min(link.mtu(), LARGEST_MTU))
                .withBuffers(limits.connectionBuffer(), limits.connectionBuffer())
                .withSuperSegment(TcpProfile.MAX_SUPER_SEGMENT)
                .withNagle(nagle);
        this.cookies = new SynCookies(shard, profile);
        this.profile6 = profile;
        this.cookies6 = cookies;
        mtu6(link.mtu());
    }

    /** The MTU of IPv6 packets out, for connections from now on; those there are go on with what they have agreed. */
    void mtu6(int mtu) {
        profile6 = profile.withMss(Math.clamp(mtu, Ipv6Interface.LEAST_MTU, LARGEST_MTU) - HEADERS_6, DEFAULT_MSS_6);
        cookies6 = new SynCookies(shard, profile6);
    }

    int size() {
        return table.size();
    }

    void forEach(Consumer<TcpSession> action) {
        table.forEach(action);
    }

    // ---- opening

    /** Starts a connection; fails at once if there is no way to it. */
    TcpConnection connect(IpAddress address, int port) throws NetException {
        long high = address.high();
        long low = address.low();
        Neighbour way = ip.route(high, low);
        LocalAddress own = ip.source(high, low);
        if (way == null || own == null || !ip.isUnicast(high, low)) {
            throw new NetException.Unreachable(
                    "no route to " + address + because(ip.noRoute(address)), NetException.Unreachable.LOCAL);
        }
        if (table.size() >= limits.connections()) {
            throw new NetException.LimitReached("there are " + limits.connections()
                    + " connections already; close some, or open the stack with higher NetLimits");
        }
        int localPort = freePort(own, address, port);
        long now = loop.now();
        TcpSession session = new TcpSession(
                this, profile(own.isIpv4()), limits.queueBytes(), own.high, own.low, localPort, high, low, port);
        long keyHigh = keyHigh(own.high, own.low, high, low);
        long keyLow = keyLow(own.high, own.low, high, low, port, localPort);
        session.iss = shard.isn().next(keyHigh, keyLow, now);
        table.add(session);
        limit(session, now);
        session.tcb.openActive(keyHigh, keyLow, session.iss, now, localPort, port);
        session.transmit(now);
        return session.connection;
    }

    static String because(@Nullable String why) {
        return why == null ? "" : ": " + why;
    }

    private TcpProfile profile(boolean ipv4) {
        return ipv4 ? profile : profile6;
    }

    /** A port that is not in use towards the peer. */
    private int freePort(LocalAddress own, IpAddress remote, int remotePort) throws NetException {
        long high = remote.high();
        long low = remote.low();
        int port = ports.choose(
                p -> !listeners.containsKey(p) && table.find(own.high, own.low, p, high, low, remotePort) == null);
        if (port < 0) {
            throw new NetException.AddressInUse("all ports are in use towards " + Endpoint.text(remote, remotePort));
        }
        return port;
    }

    TcpListener listen(int port, int backlog) throws NetException {
        int chosen = port;
        if (port == 0) {
            chosen = ports.choose(p -> !listeners.containsKey(p));
            if (chosen < 0) {
                throw new NetException.AddressInUse("all ports for listening are in use");
            }
        } else if (listeners.containsKey(port)) {
            throw new NetException.AddressInUse("port " + port + " has a listener already; close it first");
        }
        TcpListener listener = new TcpListener(this, chosen, backlog);
        listeners.put(chosen, listener);
        return listener;
    }

    void unlisten(TcpListener listener) {
        if (listeners.remove(listener.port(), listener)) {
            listener.end(
                    new Failure(Failure.Kind.CLOSED, "the listener on port " + listener.port() + " was closed"),
                    loop.now());
        }
    }

    /**
     * The four-tuple as two {@code long}s: of IPv4 itself, of IPv6 a keyed hash of 128 bits, in which two tuples meet by accident once
     * in an age and nobody can make them meet.
     */
    private long keyHigh(long localHigh, long localLow, long remoteHigh, long remoteLow) {
        return IpHeader.isIpv4(localHigh, localLow)
                ? localLow << 32 | remoteLow & 0xffff_ffffL
                : shard.isn().hash(localHigh, localLow);
    }

    private long keyLow(long localHigh, long localLow, long remoteHigh, long remoteLow, int remotePort, int localPort) {
        long ports = (long) remotePort << 16 | localPort;
        return IpHeader.isIpv4(localHigh, localLow)
                ? ports
                : shard.isn().hash(shard.isn().hash(remoteHigh, remoteLow), ports);
    }

    // ---- in

    /** A segment to this host: header checked, checksum verified; {@code length} is of header and payload. */
    void onSegment(MemorySegment packet, long ipAt, long at, int length, long now) {
        boolean marked = (IpHeader.trafficClass(packet, ipAt) & CONGESTION_EXPERIENCED) == CONGESTION_EXPERIENCED;
        int remotePort = TcpHeader.sourcePort(packet, at);
        int localPort = TcpHeader.destinationPort(packet, at);
        long remoteHigh = IpHeader.sourceHigh(packet, ipAt);
        long remoteLow = IpHeader.sourceLow(packet, ipAt);
        long localHigh = IpHeader.destinationHigh(packet, ipAt);
        long localLow = IpHeader.destinationLow(packet, ipAt);
        TcpSession session = table.find(localHigh, localLow, localPort, remoteHigh, remoteLow, remotePort);
        if (session != null) {
            session.onSegment(packet, at, length, marked, now);
            return;
        }
        long keyHigh = keyHigh(localHigh, localLow, remoteHigh, remoteLow);
        long keyLow = keyLow(localHigh, localLow, remoteHigh, remoteLow, remotePort, localPort);
        int remembered = timeWait.onSegment(keyHigh, keyLow, packet, at, length, now);
        if (remembered > 0) {
            sender.answer(packet, ipAt, remembered);
            return;
        }
        if (remembered == TimeWaitTable.IGNORE) {
            return;
        }
        TcpListener listener = remotePort == 0 ? null : listeners.get(localPort);
        if (listener == null) {
            sender.refuse(packet, ipAt, at, length);
            return;
        }
        switch (Listening.on(TcpHeader.flags(packet, at))) {
            case OPEN -> {
                boolean reopens = remembered == TimeWaitTable.REOPEN;
                onSyn(listener, keyHigh, keyLow, reopens, packet, ipAt, at, length, now);
            }
            case IGNORE -> counters.segmentsRefused++;
            case RESET -> {
                if (cookies(packet, ipAt).isCookie(keyHigh, keyLow, packet, at, now)) {
                    onCookie(listener, keyHigh, keyLow, packet, ipAt, at, length, now);
                } else {
                    sender.refuse(packet, ipAt, at, length);
                }
            }
        }
    }

    private SynCookies cookies(MemorySegment packet, long ipAt) {
        return IpHeader.isIpv4(packet, ipAt) ? cookies : cookies6;
    }

    private void onSyn(
            TcpListener listener,
            long keyHigh,
            long keyLow,
            boolean reopens,
            MemorySegment packet,
            long ipAt,
            long at,
            int length,
            long now) {
        TcpListener.Admission admission =
                table.size() >= limits.connections() ? TcpListener.Admission.IGNORE : listener.admit(now);
        switch (admission) {
            case IGNORE -> counters.backlogDrops++; // silently: the peer tries again, and by then there may be room
            case COOKIE -> {
                counters.cookiesSent++;
                int n = cookies(packet, ipAt).answer(keyHigh, keyLow, packet, at, length, now);
                sender.answer(packet, ipAt, n);
            }
            case REMEMBER -> {
                int iss = shard.isn().next(keyHigh, keyLow, now);
                TcpSession opened = passive(listener, packet, ipAt, at, reopens ? timeWait.reopenIss(iss) : iss);
                listener.opening(opened);
                opened.tcb.openPassive(keyHigh, keyLow, packet, at, length, opened.iss, now);
                opened.tcb.accept(now);
                touch(opened);
            }
        }
    }

    /** The end of a handshake of which we kept nothing. */
    private void onCookie(
            TcpListener listener,
            long keyHigh,
            long keyLow,
            MemorySegment packet,
            long ipAt,
            long at,
            int length,
            long now) {
        if (table.size() >= limits.connections() || !listener.hasRoom()) {
            // The peer takes itself for connected, and only a reset tells it otherwise.
            counters.backlogDrops++;
            sender.refuse(packet, ipAt, at, length);
            return;
        }
        counters.cookiesAccepted++;
        TcpSession opened = passive(listener, packet, ipAt, at, TcpHeader.acknowledgment(packet, at) - 1);
        cookies(packet, ipAt).open(opened.tcb, keyHigh, keyLow, packet, at, length, now);
        opened.onSegment(packet, at, length, false, now);
    }

    private TcpSession passive(TcpListener listener, MemorySegment packet, long ipAt, long at, int iss) {
        TcpSession opened = new TcpSession(
                this,
                profile(IpHeader.isIpv4(packet, ipAt)),
                limits.queueBytes(),
                IpHeader.destinationHigh(packet, ipAt),
                IpHeader.destinationLow(packet, ipAt),
                listener.port(),
                IpHeader.sourceHigh(packet, ipAt),
                IpHeader.sourceLow(packet, ipAt),
                TcpHeader.sourcePort(packet, at));
        opened.iss = iss;
        opened.listener = listener;
        table.add(opened);
        limit(opened, loop.now());
        return opened;
    }

    /** What connections before it have learnt of the way holds for this one. */
    private void limit(TcpSession session, long now) {
        int mtu = paths.of(session.remoteHigh, session.remoteLow, link.mtu(), now);
        if (mtu < link.mtu()) {
            session.tcb.limitMss(mtu - (session.isIpv4() ? HEADERS : HEADERS_6), now);
        }
    }

    /** An ICMP error about a segment of ours (RFC 5927). */
    void onError(IcmpError error, MemorySegment s) {
        TcpSession session = table.find(
                IpHeader.sourceHigh(s, error.packetAt),
                IpHeader.sourceLow(s, error.packetAt),
                error.sourcePort(s),
                IpHeader.destinationHigh(s, error.packetAt),
                IpHeader.destinationLow(s, error.packetAt),
                error.destinationPort(s));
        if (session == null) {
            return;
        }
        if (!session.tcb.isOutstanding(error.tcpSequence(s))) {
            counters.errorsIgnored++;
            return;
        }
        if (error.mtu >= 0) {
            boolean ipv4 = session.isIpv4();
            int least = ipv4 ? LEAST_PATH_MTU : Ipv6Interface.LEAST_MTU;
            if (error.mtu < least || error.mtu >= link.mtu()) {
                counters.errorsIgnored++; // RFC 5927 §7.2, RFC 8201 §4: a lie, or a router that does not say
                return;
            }
            paths.learn(session.remoteHigh, session.remoteLow, (int) error.mtu, loop.now());
            session.tcb.limitMss((int) error.mtu - (ipv4 ? HEADERS : HEADERS_6), loop.now());
            session.transmit(loop.now());
            return;
        }
        Failure told = new Failure(
                Failure.Kind.UNREACHABLE,
                session.remoteAddress() + " is unreachable: " + Icmp.reason(error.type, error.code),
                error.code);
        if (error.hard && !session.isEstablished()) {
            session.finish(told);
        } else {
            // Once established, only TCP itself may end it (RFC 5927 §5.2); and a router may find its way again (RFC
            // 9293 MUST-56).
            session.softError = told;
        }
    }

    /** Handshakes through a neighbour that is not there end; what is established has patience. */
    void onUnreachable(Neighbour neighbour) {
        table.forEach(session -> {
            if (!session.isEstablished() && session.isVia(neighbour)) {
                session.finish(new Failure(
                        Failure.Kind.UNREACHABLE,
                        session.remoteAddress() + " is unreachable: " + neighbour.address()
                                + " does not answer on this link"));
            }
        });
    }

    // ---- batches and room

    /** Remembers a session that has something to send when the batch of frames has been read. */
    void touch(TcpSession session) {
        if (!session.touched) {
            session.touched = true;
            session.nextTouched = touched;
            touched = session;
        }
    }

    void onBatchEnd() {
        long now = loop.now();
        while (touched != null) {
            TcpSession session = touched;
            touched = session.nextTouched;
            session.nextTouched = null;
            session.touched = false;
            session.pump(now);
        }
    }

    /** Those that wait go on, each in its turn: who uses up the room waits behind the others for the next. */
    void onRoom() {
        long now = loop.now();
        for (int n = stalled.size(); n > 0 && !link.congested(); n--) {
            TcpSession session = stalled.remove();
            session.stalled = false;
            session.pump(now);
        }
    }

    /** There is no memory for what {@code session} has to send: it is asked again soon. */
    void starve(TcpSession session) {
        if (!session.starved) {
            session.starved = true;
            starved.add(session);
            if (!starvedTimer.isArmed()) {
                loop.schedule(starvedTimer, loop.now() + STARVED_RETRY);
            }
        }
    }

    // ---- out

    @Nullable
    Neighbour route(long high, long low) {
        return ip.route(high, low);
    }

    void transmit(TcpSession session, long now) {
        int budget = Math.max(1, BUDGET - session.tcb.sendMss()); // it may be exceeded by one segment
        int rounds = MOST_ROUNDS;
        do {
            if (link.congested()) {
                session.tcb.transmit(now, 0); // there is room for an ACK, and a reset finds no other time
                if (!session.stalled) {
                    session.stalled = true;
                    stalled.add(session);
                }
                return;
            }
            session.tcb.transmit(now, budget);
        } while (session.tcb.wantsTransmit() && --rounds > 0);
    }

    void segment(TcpSession session, MemorySegment header, long at, int headerLength, long position, int length) {
        sender.segment(session, header, at, headerLength, position, length);
    }

    // ---- ends

    void remember(TcpSession session, long now) {
        timeWait.add(
                keyHigh(session.localHigh, session.localLow, session.remoteHigh, session.remoteLow),
                keyLow(
                        session.localHigh,
                        session.localLow,
                        session.remoteHigh,
                        session.remoteLow,
                        session.remotePort,
                        session.localPort),
                session.tcb,
                now);
        if (!sweep.isArmed()) {
            loop.schedule(sweep, now + TIME_WAIT_SWEEP);
        }
    }

    void forget(TcpSession session) {
        table.remove(session);
        if (session.isEstablished()) {
            counters.connectionsClosed++;
        }
    }

    void rests(TcpSession session) {
        resting.add(session);
    }

    void restOver(TcpSession session) {
        resting.remove(session);
    }

    /** Resets all connections of an address of ours, which is gone. */
    void abortAll(IpAddress address, Failure why) {
        long now = loop.now();
        long high = address.high();
        long low = address.low();
        table.forEach(session -> {
            if (session.localLow == low && session.localHigh == high) {
                session.abort(why, now);
            }
        });
    }

    private void abortAll(Failure why) {
        long now = loop.now();
        table.forEach(session -> session.abort(why, now));
        new ArrayList<>(resting).forEach(session -> session.abort(why, now));
    }

    /** Ends everything; {@code why} is what users are told. */
    void close(Failure why) {
        long now = loop.now();
        for (TcpListener listener : new ArrayList<>(listeners.values())) {
            listeners.remove(listener.port());
            listener.end(why, now);
        }
        abortAll(why);
        loop.cancel(starvedTimer);
        loop.cancel(sweep);
    }

    /** Tells all users that it is over, where the loop is no more and nothing can be sent. */
    void abandon() {
        table.forEach(session -> session.connection.onFailure(STACK_CLOSED, false));
        resting.forEach(session -> session.connection.onRestOver());
        listeners.values().forEach(TcpListener::abandon);
    }
}
