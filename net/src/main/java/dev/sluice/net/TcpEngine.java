package dev.sluice.net;

import dev.sluice.link.Frame;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.net.ip.HostLink;
import dev.sluice.net.ip.Ipv4Interface;
import dev.sluice.net.ip.Neighbour;
import dev.sluice.stack.ip.IcmpQuote;
import dev.sluice.stack.tcp.Listening;
import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.stack.tcp.SendRing;
import dev.sluice.stack.tcp.SynCookies;
import dev.sluice.stack.tcp.TcpProfile;
import dev.sluice.stack.tcp.TcpShard;
import dev.sluice.stack.tcp.TimeWaitTable;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** TCP on the loop: finds, opens and ends sessions, and carries their segments to the link. Confined to the loop. */
final class TcpEngine {
    static final Failure STACK_CLOSED = new Failure(Failure.Kind.CLOSED, "the network stack was closed");

    /** Payload handed to a link at most between two looks at its {@code congested}: one super-segment. */
    private static final int BUDGET = 64 << 10;

    private static final int MOST_ROUNDS = 64;
    private static final int FIRST_EPHEMERAL = 49_152;
    private static final int LARGEST_MTU = 65_515;
    /** Reports of paths narrower than every host must take (RFC 791) are not believed. */
    private static final int LEAST_PATH_MTU = 576;
    /** Both ECN bits of the TOS byte (RFC 3168 §5). */
    private static final int CONGESTION_EXPERIENCED = 3;

    private static final int ECN_CAPABLE = 2;
    private static final long STARVED_RETRY = 50_000_000L;
    private static final long TIME_WAIT_SWEEP = 5_000_000_000L;

    final Loop loop;
    final TcpShard shard;
    final NetCounters counters;
    private final HostLink link;
    private final Ipv4Interface ip;
    private final NetLimits limits;
    private final TcpProfile profile;
    private final RandomGenerator random;
    private final TcpTable table;
    private final Map<Integer, TcpListener> listeners = new HashMap<>();
    private final TimeWaitTable timeWait;
    private final SynCookies cookies;
    private final Frame frame = new Frame();
    private @Nullable TcpSession touched;
    private final ArrayDeque<TcpSession> stalled = new ArrayDeque<>();
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
            Ipv4Interface ip,
            NetCounters counters,
            NetLimits limits,
            boolean nagle,
            RandomGenerator random) {
        this.loop = loop;
        this.link = link;
        this.ip = ip;
        this.counters = counters;
        this.limits = limits;
        this.random = random;
        this.shard = new TcpShard(NativeMemory.ofArenas(), limits.bufferBytes(), random);
        this.table = new TcpTable(random.nextInt());
        this.timeWait = new TimeWaitTable(shard, limits.timeWait());
        this.profile = TcpProfile.lan(Math.min(link.mtu(), LARGEST_MTU))
                .withBuffers(limits.connectionBuffer(), limits.connectionBuffer())
                .withSuperSegment(TcpProfile.MAX_SUPER_SEGMENT)
                .withNagle(nagle);
        this.cookies = new SynCookies(shard, profile);
    }

    int size() {
        return table.size();
    }

    void forEach(Consumer<TcpSession> action) {
        table.forEach(action);
    }

    // ---- opening

    /** Starts a connection; fails at once if there is no way to it. */
    TcpConnection connect(Ipv4Address address, int port) throws NetException {
        Neighbour way = ip.route(address.bits());
        if (way == null || way == ip.everybody() || address.isMulticast()) {
            throw new NetException.Unreachable(
                    "no route to " + address + (ip.address() == 0 ? ": this host has no address yet" : ""),
                    NetException.Unreachable.LOCAL);
        }
        if (table.size() >= limits.connections()) {
            throw new NetException.LimitReached("there are " + limits.connections()
                    + " connections already; close some, or open the stack with higher NetLimits");
        }
        int localPort = freePort(address.bits(), port);
        long now = loop.now();
        TcpSession session =
                new TcpSession(this, profile, limits.queueBytes(), ip.address(), localPort, address.bits(), port);
        session.iss = isn(address.bits(), port, localPort, now);
        table.add(session);
        session.tcb.openActive(session.iss, now, localPort, port);
        session.transmit(now);
        return session.connection;
    }

    /** A port of the dynamic range, chosen at random (RFC 6056 §3.3.1), that is not in use towards the peer. */
    private int freePort(int remoteAddress, int remotePort) throws NetException {
        int count = 0x10000 - FIRST_EPHEMERAL;
        int start = random.nextInt(count);
        for (int i = 0; i < count; i++) {
            int port = FIRST_EPHEMERAL + (start + i) % count;
            if (!listeners.containsKey(port) && table.find(remoteAddress, remotePort, port) == null) {
                return port;
            }
        }
        throw new NetException.AddressInUse(
                "all ports are in use towards " + new Ipv4Address(remoteAddress) + ":" + remotePort);
    }

    TcpListener listen(int port, int backlog) throws NetException {
        int chosen = port;
        if (port == 0) {
            chosen = FIRST_EPHEMERAL + random.nextInt(0x10000 - FIRST_EPHEMERAL);
            while (listeners.containsKey(chosen)) {
                chosen = chosen == 0xffff ? FIRST_EPHEMERAL : chosen + 1;
                if (listeners.size() >= 0x10000 - FIRST_EPHEMERAL) {
                    throw new NetException.AddressInUse("all ports for listening are in use");
                }
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

    private int isn(int remoteAddress, int remotePort, int localPort, long now) {
        return shard.isn().next(high(remoteAddress), low(remotePort, localPort), now);
    }

    private long high(int remoteAddress) {
        return (long) ip.address() << 32 | (remoteAddress & 0xffff_ffffL);
    }

    private static long low(int remotePort, int localPort) {
        return (long) remotePort << 16 | localPort;
    }

    // ---- in

    /** A segment to this host: header checked, checksum verified; {@code length} is of header and payload. */
    void onSegment(MemorySegment packet, long ipAt, long at, int length, long now) {
        boolean marked = (Ipv4Header.typeOfService(packet, ipAt) & CONGESTION_EXPERIENCED) == CONGESTION_EXPERIENCED;
        int remotePort = TcpHeader.sourcePort(packet, at);
        int localPort = TcpHeader.destinationPort(packet, at);
        int remote = Ipv4Header.source(packet, ipAt);
        TcpSession session = table.find(remote, remotePort, localPort);
        if (session != null) {
            session.onSegment(packet, at, length, marked, now);
            return;
        }
        int remembered = timeWait.onSegment(high(remote), low(remotePort, localPort), packet, at, length, now);
        if (remembered > 0) {
            bare(remote, remembered);
            return;
        }
        if (remembered == TimeWaitTable.IGNORE) {
            return;
        }
        TcpListener listener = remotePort == 0 ? null : listeners.get(localPort);
        if (listener == null) {
            refuse(remote, packet, at, length);
            return;
        }
        switch (Listening.on(TcpHeader.flags(packet, at))) {
            case OPEN ->
                onSyn(listener, remote, remotePort, remembered == TimeWaitTable.REOPEN, packet, at, length, now);
            case IGNORE -> counters.segmentsRefused++;
            case RESET -> {
                if (cookies.isCookie(high(remote), low(remotePort, localPort), packet, at, now)) {
                    onCookie(listener, remote, remotePort, packet, at, length, now);
                } else {
                    refuse(remote, packet, at, length);
                }
            }
        }
    }

    private void refuse(int remote, MemorySegment packet, long at, int length) {
        counters.segmentsRefused++;
        int reset = shard.writeReset(packet, at, length);
        if (reset > 0) {
            bare(remote, reset);
        }
    }

    private void onSyn(
            TcpListener listener,
            int remote,
            int remotePort,
            boolean reopens,
            MemorySegment packet,
            long at,
            int length,
            long now) {
        int localPort = listener.port();
        TcpListener.Admission admission =
                table.size() >= limits.connections() ? TcpListener.Admission.IGNORE : listener.admit(now);
        switch (admission) {
            case IGNORE -> counters.backlogDrops++; // silently: the peer tries again, and by then there may be room
            case COOKIE -> {
                counters.cookiesSent++;
                bare(remote, cookies.answer(high(remote), low(remotePort, localPort), packet, at, length, now));
            }
            case REMEMBER -> {
                int iss = isn(remote, remotePort, localPort, now);
                TcpSession opened = passive(listener, remote, remotePort, reopens ? timeWait.reopenIss(iss) : iss);
                listener.opening(opened);
                opened.tcb.openPassive(packet, at, length, opened.iss, now);
                opened.tcb.accept(now);
                touch(opened);
            }
        }
    }

    /** The end of a handshake of which we kept nothing. */
    private void onCookie(
            TcpListener listener, int remote, int remotePort, MemorySegment packet, long at, int length, long now) {
        if (table.size() >= limits.connections() || !listener.hasRoom()) {
            // The peer takes itself for connected, and only a reset tells it otherwise.
            counters.backlogDrops++;
            refuse(remote, packet, at, length);
            return;
        }
        counters.cookiesAccepted++;
        TcpSession opened = passive(listener, remote, remotePort, TcpHeader.acknowledgment(packet, at) - 1);
        cookies.open(opened.tcb, high(remote), low(remotePort, listener.port()), packet, at, length, now);
        opened.onSegment(packet, at, length, false, now);
    }

    private TcpSession passive(TcpListener listener, int remote, int remotePort, int iss) {
        TcpSession opened =
                new TcpSession(this, profile, limits.queueBytes(), ip.address(), listener.port(), remote, remotePort);
        opened.iss = iss;
        opened.listener = listener;
        table.add(opened);
        return opened;
    }

    /** An ICMP error about a segment of ours; the quote at {@code quoteAt} has been checked (RFC 5927). */
    void onError(int type, int code, int rest, MemorySegment s, long quoteAt) {
        int remote = Ipv4Header.destination(s, quoteAt);
        TcpSession session =
                table.find(remote, IcmpQuote.destinationPort(s, quoteAt), IcmpQuote.sourcePort(s, quoteAt));
        if (session == null) {
            return;
        }
        if (!session.tcb.isOutstanding(IcmpQuote.tcpSequence(s, quoteAt))) {
            counters.errorsIgnored++;
            return;
        }
        boolean unreachable = type == IcmpHeader.DESTINATION_UNREACHABLE;
        if (unreachable && code == IcmpHeader.FRAGMENTATION_NEEDED) {
            int mtu = rest & 0xffff;
            if (mtu < LEAST_PATH_MTU || mtu >= link.mtu()) {
                counters.errorsIgnored++; // RFC 5927 §7.2: a lie, or a router that does not say
                return;
            }
            session.tcb.limitMss(mtu - 40, loop.now());
            session.transmit(loop.now());
            return;
        }
        Failure told = new Failure(
                Failure.Kind.UNREACHABLE,
                new Ipv4Address(remote) + " is unreachable: " + Icmp.reason(type, code),
                code);
        boolean hard = unreachable
                && (code == IcmpHeader.PROTOCOL_UNREACHABLE
                        || code == IcmpHeader.PORT_UNREACHABLE
                        || isForbidden(code));
        if (hard && !session.isEstablished()) {
            session.finish(told);
        } else {
            // Once established, only TCP itself may end it (RFC 5927 §5.2); and a router may find its way again (RFC
            // 9293 MUST-56).
            session.softError = told;
        }
    }

    /** A firewall said so (RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1): it would say the same next time. */
    private static boolean isForbidden(int code) {
        return code == 9 || code == 10 || code == IcmpHeader.ADMINISTRATIVELY_PROHIBITED;
    }

    /** Handshakes through a neighbour that is not there end; what is established has patience. */
    void onUnreachable(Neighbour neighbour) {
        table.forEach(session -> {
            if (!session.isEstablished() && session.isVia(neighbour)) {
                session.finish(new Failure(
                        Failure.Kind.UNREACHABLE,
                        new Ipv4Address(session.remoteAddress) + " is unreachable: "
                                + new Ipv4Address(neighbour.address()) + " does not answer on this link"));
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

    void onRoom() {
        long now = loop.now();
        for (int n = stalled.size(); n > 0; n--) {
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
    Neighbour route(int destination) {
        return ip.route(destination);
    }

    void transmit(TcpSession session, long now) {
        int budget = Math.max(1, BUDGET - session.tcb.sendMss()); // it may be exceeded by one segment
        int rounds = MOST_ROUNDS;
        do {
            if (link.congested()) {
                if (!session.stalled) {
                    session.stalled = true;
                    stalled.add(session);
                }
                return;
            }
            session.tcb.transmit(now, budget);
        } while (session.tcb.wantsTransmit() && --rounds > 0);
    }

    /** Puts Ethernet and IPv4 in front of a segment of {@code session} and sends it. */
    void segment(TcpSession session, MemorySegment header, long at, int headerLength, long position, int length) {
        Neighbour to = session.nextHop();
        if (to == null) {
            counters.ip.noRoute++;
            return;
        }
        clearBody();
        if (length > 0) {
            SendRing ring = session.tcb.sendRing();
            frame.body = ring.memory();
            frame.bodyAt = ring.at(position);
            frame.bodyLength = ring.firstPart(position, length);
            frame.bodyWrapAt = ring.wrapAt();
            frame.bodyWrapLength = length - frame.bodyLength;
        }
        int service = session.connection.trafficClass() | (session.tcb.mayBeMarked() ? ECN_CAPABLE : 0);
        int hops = session.connection.hopLimit();
        send(to, session.remoteAddress, service, hops, header, at, headerLength, length, session.tcb.sendMss());
    }

    /** Sends the header that stands in the shard's scratch memory, without payload. */
    private void bare(int destination, int headerLength) {
        Neighbour to = ip.route(destination);
        if (to == null) {
            counters.ip.noRoute++;
            return;
        }
        clearBody();
        send(
                to,
                destination,
                0,
                Ipv4Interface.TTL,
                shard.header(),
                TcpShard.HEADER_AT,
                headerLength,
                0,
                Integer.MAX_VALUE);
    }

    private void clearBody() {
        frame.body = MemorySegment.NULL;
        frame.bodyLength = 0;
        frame.bodyWrapLength = 0;
    }

    private void send(
            Neighbour to,
            int destination,
            int service,
            int hops,
            MemorySegment header,
            long at,
            int headerLength,
            int length,
            int mss) {
        long ipAt = at - Ipv4Header.MIN_LENGTH;
        long ethernet = ipAt - EthernetHeader.LENGTH;
        int segment = headerLength + length;
        int source = ip.address();
        EthernetHeader.write(header, ethernet, 0, link.mac(), EthernetHeader.TYPE_IPV4);
        Ipv4Header.write(
                header,
                ipAt,
                service,
                Ipv4Header.MIN_LENGTH + segment,
                ip.nextIdentification(),
                Ipv4Header.DONT_FRAGMENT,
                hops,
                Ipv4Header.PROTOCOL_TCP,
                source,
                destination);
        Bytes.put16(
                header,
                at + TcpHeader.CHECKSUM,
                Checksum.fold(Checksum.pseudoHeader(source, destination, Ipv4Header.PROTOCOL_TCP, segment)));
        frame.head = header;
        frame.headAt = ethernet;
        frame.headLength = EthernetHeader.LENGTH + Ipv4Header.MIN_LENGTH + headerLength;
        frame.checksumStart = EthernetHeader.LENGTH + Ipv4Header.MIN_LENGTH;
        frame.checksumOffset = TcpHeader.CHECKSUM;
        frame.checksumTrusted = false;
        boolean large = length > mss;
        frame.gso = large ? Frame.GSO_TCP4 : Frame.GSO_NONE;
        frame.gsoSize = large ? mss : 0;
        ip.send(to, frame);
    }

    // ---- ends

    void remember(TcpSession session, long now) {
        timeWait.add(high(session.remoteAddress), low(session.remotePort, session.localPort), session.tcb, now);
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

    /** Resets all connections: the address they were made with is gone. */
    void abortAll(Failure why) {
        long now = loop.now();
        table.forEach(session -> session.abort(why, now));
    }

    void close() {
        long now = loop.now();
        for (TcpListener listener : new ArrayList<>(listeners.values())) {
            listeners.remove(listener.port());
            listener.end(STACK_CLOSED, now);
        }
        abortAll(STACK_CLOSED);
        loop.cancel(starvedTimer);
        loop.cancel(sweep);
    }

    /** Tells all users that it is over, where the loop is no more and nothing can be sent. */
    void abandon() {
        table.forEach(session -> session.connection.onFailure(STACK_CLOSED));
        listeners.values().forEach(TcpListener::abandon);
    }
}
