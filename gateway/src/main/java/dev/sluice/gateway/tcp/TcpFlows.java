package dev.sluice.gateway.tcp;

import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Destination;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Flow;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.IcmpErrors;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.host.HostError;
import dev.sluice.host.StreamHost;
import dev.sluice.host.StreamSocket;
import dev.sluice.link.Link;
import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.stack.ip.IcmpError;
import dev.sluice.stack.tcp.TcpProfile;
import dev.sluice.stack.tcp.TcpShard;
import dev.sluice.stack.tcp.TimeWaitTable;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** All TCP flows of one gateway: finds, opens and ends them, and carries their segments to the guests' links. */
public final class TcpFlows {
    /** A TCP service of the gateway itself, such as DNS. */
    public interface LocalService {
        /** Opens a stream for a guest's connection; its {@code onConnected} comes in a later turn. */
        StreamSocket open(Guest guest, GuestStream stream);
    }

    private static final System.Logger LOG = LateLogger.of("dev.sluice.gateway");
    /** When flows without memory ask again, in nanoseconds: others need about a round trip to give theirs back. */
    private static final long FEEDING_INTERVAL = 5_000_000;

    private static final long WARNING_INTERVAL = 10_000_000_000L;
    private static final int OPENING = TcpHeader.SYN | TcpHeader.ACK | TcpHeader.RST | TcpHeader.FIN;
    private static final int TTL = 64;
    /** Guests that send with a TTL below this are tracing a route: the host's packets get theirs. */
    private static final int TRACING_TTL = 32;
    /** What every path carries (RFC 791, RFC 8200 §5): nobody is believed who says less. */
    private static final int LEAST_MTU = 576;

    private static final int LEAST_MTU_6 = 1280;
    /** Payload handed to a link without offloads at most between two looks at its {@code congested}: one super-segment. */
    private static final int SOFTWARE_BUDGET = 64 << 10;

    final Loop loop;
    final TcpShard shard;
    final Counters counters;
    final Events events;
    final StreamHost host;
    final AddressPlan plan;
    final Limits limits;
    private final FlowPolicy policy;
    private final IcmpErrors errors;
    final FlowTable table;
    private final TimeWaitTable timeWait;
    private final TcpProfile profile;
    private final TcpProfile profile6;
    private final Map<Guest, GuestFlows> shares = new IdentityHashMap<>();
    private final Map<Integer, LocalService> services = new HashMap<>();
    private Interceptor interceptor = Interceptor.NONE;
    final SegmentSender sender;
    final Gathering gathering = new Gathering();
    final Batch batch = new Batch(gathering);
    private final MemorySegment scratch = Arena.ofAuto().allocate(256, 8);
    private int halfOpen;
    private final ArrayDeque<TcpFlow> stalled = new ArrayDeque<>();
    /** Flows that have data to read and got no memory for it; in order, at most every flow once. */
    private final ArrayDeque<TcpFlow> hungry = new ArrayDeque<>();

    private final Timer feeding = Timer.of(this::feed);
    private long lastWarning;

    public TcpFlows(
            Loop loop,
            StreamHost host,
            AddressPlan plan,
            Limits limits,
            Counters counters,
            Events events,
            FlowPolicy policy,
            IcmpErrors errors,
            TcpShard shard,
            long hashKey) {
        this.loop = loop;
        this.host = host;
        this.plan = plan;
        this.limits = limits;
        this.counters = counters;
        this.events = events;
        this.policy = policy;
        this.errors = errors;
        this.shard = shard;
        this.sender = new SegmentSender(plan, counters, shard);
        this.table = new FlowTable(hashKey);
        this.timeWait = new TimeWaitTable(shard, limits.tcpTimeWait());
        this.profile = TcpProfile.guest(plan.mtu()).withBuffers(limits.flowBufferBytes(), limits.flowBufferBytes());
        int longer = Ipv6Header.LENGTH - Ipv4Header.MIN_LENGTH;
        this.profile6 =
                TcpProfile.guest(plan.mtu() - longer).withBuffers(limits.flowBufferBytes(), limits.flowBufferBytes());
        this.lastWarning = loop.now() - WARNING_INTERVAL;
    }

    /** Serves a TCP port of the gateway's address. */
    public void service(int port, LocalService service) {
        services.put(port, service);
    }

    /** Has {@code interceptor} asked about every connection to the world. */
    public void interceptor(Interceptor interceptor) {
        this.interceptor = interceptor;
    }

    /** Serves a port no more; connections through it go on. */
    public void removeService(int port) {
        services.remove(port);
    }

    /** Whether a port of the gateway is in use. */
    public boolean isService(int port) {
        return services.containsKey(port);
    }

    TcpProfile profile(Guest guest) {
        return guest.isIpv4() ? profile : profile6;
    }

    public int size() {
        return table.size();
    }

    /** Flows whose host connection is pending. */
    public int halfOpen() {
        return halfOpen;
    }

    /** Visits every flow. */
    public void forEach(Consumer<? super Flow> action) {
        table.forEach(action::accept);
    }

    // ---- from guests
    // ----------------------------------------------------------------------------------------------------------

    /**
     * A segment from a guest: TCP header checked, checksum verified.
     *
     * @param packet memory with the IP header at {@code ipAt} and the TCP header at {@code at}
     * @param length TCP header and payload
     */
    public void onSegment(Guest guest, MemorySegment packet, long ipAt, long at, int length, long now) {
        int guestPort = TcpHeader.sourcePort(packet, at);
        int remotePort = TcpHeader.destinationPort(packet, at);
        long remoteHigh = IpHeader.destinationHigh(packet, ipAt);
        long remoteLow = IpHeader.destinationLow(packet, ipAt);
        TcpFlow flow = table.find(guest, guestPort, remoteHigh, remoteLow, remotePort);
        if (flow != null) {
            flow.onSegment(packet, at, length, now);
            return;
        }
        long keyHigh = keyHigh(guest, remoteHigh, remoteLow);
        long keyLow = keyLow(guest, remoteHigh, remoteLow, guestPort, remotePort);
        int remembered = timeWait.onSegment(keyHigh, keyLow, packet, at, length, now);
        if (remembered > 0) {
            sender.bare(guest, remoteHigh, remoteLow, remembered);
        } else if (remembered != TimeWaitTable.IGNORE) {
            int flags = TcpHeader.flags(packet, at);
            if ((flags & OPENING) == TcpHeader.SYN) {
                int iss = shard.isn().next(keyHigh, keyLow, now);
                if (remembered == TimeWaitTable.REOPEN) {
                    iss = timeWait.reopenIss(iss);
                }
                open(guest, packet, ipAt, at, length, guestPort, remoteHigh, remoteLow, remotePort, iss, now);
            } else {
                counters.drop(Drop.TCP_NO_FLOW);
                sender.refuse(guest, packet, ipAt, at, length);
            }
        }
    }

    /**
     * The four-tuple as two {@code long}s: of IPv4 itself, of IPv6 a keyed hash of 128 bits, in which two tuples meet by accident once
     * in an age and nobody can make them meet.
     */
    long keyHigh(Guest guest, long remoteHigh, long remoteLow) {
        return guest.isIpv4()
                ? (long) guest.address << 32 | remoteLow & 0xffff_ffffL
                : shard.isn().hash(guest.high, guest.low);
    }

    long keyLow(Guest guest, long remoteHigh, long remoteLow, int guestPort, int remotePort) {
        int ports = guestPort << 16 | remotePort;
        return guest.isIpv4() ? ports : shard.isn().hash(shard.isn().hash(remoteHigh, remoteLow), ports);
    }

    private void open(
            Guest guest,
            MemorySegment packet,
            long ipAt,
            long at,
            int length,
            int guestPort,
            long remoteHigh,
            long remoteLow,
            int remotePort,
            int iss,
            long now) {
        if (guestPort == 0 || remotePort == 0) {
            counters.drop(Drop.BAD_TCP);
            return;
        }
        GuestFlows share = share(guest);
        if (!share.mayOpen(table.size(), limits.tcpFlows())) {
            counters.drop(Drop.TCP_FLOW_LIMIT);
            sender.refuse(guest, packet, ipAt, at, length);
            return;
        }
        if (!share.mayHalfOpen(halfOpen, limits.tcpHalfOpen())) {
            counters.drop(Drop.TCP_HALF_OPEN_LIMIT);
            TcpFlow oldest = share.oldestHalfOpen();
            if (oldest == null) {
                return; // silently: the guest tries again, and by then there may be room
            }
            oldest.vanish(now); // whoever still wants it tries again
        }
        LocalService service = null;
        FlowPolicy.Decision decision;
        if (Destination.of(plan, remoteHigh, remoteLow) == Destination.GATEWAY) {
            service = services.get(remotePort);
            if (service == null) {
                counters.drop(Drop.NO_SERVICE);
                sender.refuse(guest, packet, ipAt, at, length);
                return;
            }
            decision = new FlowPolicy.Allow(plan.gateway(), remotePort);
        } else {
            decision = policy.decide(new FlowPolicy.Request(
                    FlowPolicy.Protocol.TCP,
                    guest.ipAddress(),
                    guestPort,
                    IpHeader.address(remoteHigh, remoteLow),
                    remotePort));
        }
        switch (decision) {
            case FlowPolicy.Reject() -> {
                counters.tcpRefused++;
                sender.refuse(guest, packet, ipAt, at, length);
            }
            case FlowPolicy.Prohibit() -> {
                counters.drop(Drop.PROHIBITED);
                errors.send(
                        guest,
                        IcmpHeader.DESTINATION_UNREACHABLE,
                        IcmpHeader.ADMINISTRATIVELY_PROHIBITED,
                        packet,
                        ipAt,
                        IpHeader.totalLength(packet, ipAt));
                sender.refuse(guest, packet, ipAt, at, length);
            }
            case FlowPolicy.Allow(var address, int port) -> {
                TcpFlow flow = halfOpen(guest, share, guestPort, remoteHigh, remoteLow, remotePort);
                hold(flow, packet, at, length, iss, now);
                int ttl = IpHeader.hopLimit(packet, ipAt);
                flow.host = service == null ? address : null;
                flow.hostPort = service == null ? port : 0;
                if (service == null
                        && interceptor.takes(remotePort)
                        && Destination.of(plan, remoteHigh, remoteLow) == Destination.WORLD) {
                    flow.attach(interceptor.open(flow, new FlowPolicy.Allow(address, port)));
                    return;
                }
                flow.otherLoopbackPort = address.equals(Ipv6Address.LOOPBACK) ? port : 0;
                flow.attach(
                        service != null
                                ? service.open(guest, flow)
                                : host.connect(
                                        address, port, ttl < TRACING_TTL ? ttl - 1 : StreamHost.DEFAULT_TTL, flow));
            }
            case FlowPolicy.Tunnel(String path, var address, int port) -> {
                TcpFlow flow = halfOpen(guest, share, guestPort, remoteHigh, remoteLow, remotePort);
                hold(flow, packet, at, length, iss, now);
                flow.attach(TunnelSocket.open(loop, host, path, address, port, flow));
            }
        }
    }

    /**
     * Connects to where a guest may go: the world and the host, as far as the policy allows. Null if it may not.
     *
     * @param request by whom and where to, as if the guest had sent a SYN
     */
    public @Nullable StreamSocket connect(FlowPolicy.Request request, StreamSocket.Events owner) {
        long high = request.destination().high();
        long low = request.destination().low();
        return switch (Destination.of(plan, high, low)) {
            case GATEWAY, NEIGHBOUR, MULTICAST, MARTIAN -> null;
            case HOST, WORLD ->
                switch (policy.decide(request)) {
                    case FlowPolicy.Reject _, FlowPolicy.Prohibit _ -> {
                        counters.drop(Drop.PROHIBITED);
                        yield null;
                    }
                    case FlowPolicy.Allow(var address, int port) ->
                        host.connect(address, port, StreamHost.DEFAULT_TTL, owner);
                    case FlowPolicy.Tunnel(String path, var address, int port) ->
                        TunnelSocket.open(loop, host, path, address, port, owner);
                };
        };
    }

    /** A new flow whose host connection is still to come. */
    private TcpFlow halfOpen(
            Guest guest, GuestFlows share, int guestPort, long remoteHigh, long remoteLow, int remotePort) {
        TcpFlow flow = new TcpFlow(this, guest, share, guestPort, remoteHigh, remoteLow, remotePort);
        share.addHalfOpen(flow);
        halfOpen++;
        add(flow);
        return flow;
    }

    /** The flow has the guest's SYN, and answers it once the host is connected. */
    private void hold(TcpFlow flow, MemorySegment packet, long at, int length, int iss, long now) {
        flow.synSequence = TcpHeader.sequence(packet, at);
        long keyHigh = keyHigh(flow.guest, flow.remoteHigh, flow.remoteLow);
        long keyLow = keyLow(flow.guest, flow.remoteHigh, flow.remoteLow, flow.guestPort, flow.remotePort);
        flow.tcb.openPassive(keyHigh, keyLow, packet, at, length, iss, now);
    }

    /** A new flow is in the table, counted with its guest's. */
    void add(TcpFlow flow) {
        table.add(flow);
        flow.share.added();
        shares.put(flow.guest, flow.share);
    }

    GuestFlows share(Guest guest) {
        GuestFlows share = shares.get(guest);
        return share == null ? new GuestFlows() : share;
    }

    /**
     * A guest's network says that a segment was too large for it.
     *
     * @param guest to whom the segment was
     * @param error that quotes the segment, from behind the guest's link
     * @return false if that is not believed (RFC 5927): no such flow, nothing in flight, or an MTU that can't be
     */
    public boolean onNarrowPath(Guest guest, IcmpError error, MemorySegment s, long now) {
        TcpFlow flow = table.find(
                guest,
                error.destinationPort(s),
                IpHeader.sourceHigh(s, error.packetAt),
                IpHeader.sourceLow(s, error.packetAt),
                error.sourcePort(s));
        boolean ipv4 = guest.isIpv4();
        int mtu = Math.min(plan.mtu(), guest.link.mtu());
        if (flow == null
                || !flow.tcb.isOutstanding(error.tcpSequence(s))
                || error.mtu < (ipv4 ? LEAST_MTU : LEAST_MTU_6)
                || error.mtu >= mtu) {
            return false;
        }
        flow.tcb.limitMss((int) error.mtu - IpHeader.length(ipv4) - TcpHeader.MIN_LENGTH, now);
        flow.transmit(now);
        return true;
    }

    // ---- memory
    // ---------------------------------------------------------------------------------------------------------------

    /** Lets a flow that got no memory and has none try again in a while. */
    void awaitMemory(TcpFlow flow) {
        if (!flow.hungry) {
            flow.hungry = true;
            hungry.add(flow);
            if (!feeding.isArmed()) {
                loop.schedule(feeding, loop.now() + FEEDING_INTERVAL);
            }
        }
    }

    private void feed() {
        for (int n = hungry.size(); n > 0; n--) {
            TcpFlow flow = hungry.remove();
            flow.hungry = false;
            if (!flow.isClosed()) {
                flow.resume();
            }
        }
    }

    // ---- batches
    // --------------------------------------------------------------------------------------------------------------

    /** A batch of frames has been read: acknowledges and sends what came of it. */
    public void onBatchEnd() {
        batch.end(loop.now());
    }

    /** Nothing more is done this turn: acknowledges what waited for more of the same. */
    public void endTurn() {
        batch.endTurn(loop.now());
    }

    /** The host's side failed in the middle of a delivery, where the Tcb must not be disturbed. */
    void abortLater(TcpFlow flow) {
        batch.abortLater(flow);
        loop.execute(this::onBatchEnd);
    }

    // ---- life of a flow
    // -------------------------------------------------------------------------------------------------------

    void connected(TcpFlow flow) {
        endHalfOpen(flow);
        counters.tcpOpened++;
        events.opened(flow, loop.now());
    }

    void connectFailed(TcpFlow flow, HostError error) {
        if (flow.isClosed()) {
            return;
        }
        if (error == HostError.REFUSED && flow.otherLoopbackPort != 0) {
            // Most servers on a loopback listen on the one of IPv4; the guest asked for the host, not for a family.
            int port = flow.otherLoopbackPort;
            flow.otherLoopbackPort = 0;
            flow.host = Ipv4Address.LOOPBACK;
            flow.attach(host.connect(Ipv4Address.LOOPBACK, port, StreamHost.DEFAULT_TTL, flow));
            return;
        }
        long now = loop.now();
        counters.tcpRefused++;
        events.closed(flow, error.name().toLowerCase(Locale.ROOT).replace('_', '-'), now);
        switch (error) {
            case REFUSED, RESET, ADDRESS_IN_USE, NO_SUCH_ADDRESS, OTHER, MESSAGE_TOO_LONG -> flow.abort(now);
            case NET_UNREACHABLE -> unreachable(flow, IcmpHeader.NET_UNREACHABLE, now);
            case HOST_UNREACHABLE -> unreachable(flow, IcmpHeader.HOST_UNREACHABLE, now);
            case PROHIBITED -> unreachable(flow, IcmpHeader.ADMINISTRATIVELY_PROHIBITED, now);
            case TIMED_OUT ->
                flow.vanish(now); // silence, as from the host itself: the guest's own timer has run as long
            case NO_DESCRIPTORS, NO_RESOURCES -> {
                counters.drop(Drop.NO_DESCRIPTORS);
                if (now - lastWarning >= WARNING_INTERVAL) {
                    lastWarning = now;
                    LOG.log(
                            System.Logger.Level.WARNING,
                            "out of descriptors: new connections wait until some are closed; raise the limit with ulimit -n");
                }
                flow.vanish(now); // the guest tries again in a second
            }
        }
    }

    /** Quotes the flow's SYN back to the guest, and forgets the flow. */
    private void unreachable(TcpFlow flow, int code, long now) {
        MemorySegment s = scratch;
        long at = Ipv6Header.LENGTH;
        long ip = IpHeader.writeBefore(
                s,
                at,
                TcpHeader.MIN_LENGTH,
                Ipv4Header.PROTOCOL_TCP,
                TTL,
                flow.guest.high,
                flow.guest.low,
                flow.remoteHigh,
                flow.remoteLow);
        TcpHeader.write(
                s, at, flow.guestPort, flow.remotePort, flow.synSequence, 0, TcpHeader.MIN_LENGTH, TcpHeader.SYN, 0);
        int length = (int) (at - ip) + TcpHeader.MIN_LENGTH;
        errors.send(flow.guest, IcmpHeader.DESTINATION_UNREACHABLE, code, s, ip, length);
        flow.vanish(now);
    }

    void closed(TcpFlow flow) {
        if (!endHalfOpen(flow)) {
            counters.tcpClosed++;
        }
        table.remove(flow);
        if (flow.stalled) {
            stalled.remove(flow);
        }
        flow.share.removed();
        if (flow.share.isEmpty()) {
            shares.remove(flow.guest);
        }
    }

    private boolean endHalfOpen(TcpFlow flow) {
        if (!flow.halfOpen) {
            return false;
        }
        flow.share.removeHalfOpen(flow);
        halfOpen--;
        return true;
    }

    void remember(TcpFlow flow, long now) {
        timeWait.add(
                keyHigh(flow.guest, flow.remoteHigh, flow.remoteLow),
                keyLow(flow.guest, flow.remoteHigh, flow.remoteLow, flow.guestPort, flow.remotePort),
                flow.tcb,
                now);
    }

    /** The guest's link is gone: its flows end, the host's sides are reset. */
    public void linkClosed(Link link) {
        long now = loop.now();
        table.forEach(flow -> {
            if (flow.guest.link == link) {
                flow.vanish(now);
            }
        });
    }

    /** Ends every flow with a reset to both sides. */
    public void close() {
        long now = loop.now();
        table.forEach(flow -> flow.abort(now));
    }

    // ---- to guests
    // ------------------------------------------------------------------------------------------------------------

    void transmit(TcpFlow flow, long now) {
        if (gathering.holds(flow)) {
            gathering.flush(); // before anything acknowledges it
        }
        Link link = flow.guest.link;
        if (link.offloads()) {
            flow.tcb.transmit(now, Integer.MAX_VALUE);
            return;
        }
        int budget = Math.max(1, SOFTWARE_BUDGET - flow.tcb.sendMss()); // it may be exceeded by one segment
        int rounds = 64;
        do {
            if (link.congested()) {
                if (!flow.stalled) {
                    flow.stalled = true;
                    stalled.add(flow);
                }
                return;
            }
            flow.tcb.transmit(now, budget);
        } while (flow.tcb.wantsTransmit() && --rounds > 0);
    }

    /** A link has room again: those that waited for it go on, each in its turn. Who uses up the room waits behind the others for the next. */
    public void onRoom(Link link) {
        long now = loop.now();
        for (int n = stalled.size(); n > 0 && !link.congested(); n--) {
            TcpFlow flow = stalled.remove();
            flow.stalled = false;
            if (!flow.isClosed()) {
                flow.transmit(now);
                flow.resume();
            }
        }
    }
}
