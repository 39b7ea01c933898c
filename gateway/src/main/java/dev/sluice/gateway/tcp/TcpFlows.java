package dev.sluice.gateway.tcp;

import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Flow;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.GuestShares;
import dev.sluice.gateway.flow.IcmpErrors;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.Shares;
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
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

    /** Flows whose guest is gone that may wait for their host at a time. */
    static final int MOST_DEPARTING = 256;

    /** Questions that a silent guest may leave unanswered: with those of every five minutes, as long as systems wait by themselves. */
    private static final int QUESTIONS = 26;

    private static final long SECOND = 1_000_000_000L;
    /** How long the ACK of a guest's request may wait for a near server's answer. */
    private static final long ANSWER_WAIT = 5_000_000;

    private static final int OPENING = TcpHeader.SYN | TcpHeader.ACK | TcpHeader.RST | TcpHeader.FIN;
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
    final Establishment establishment;
    final FlowTable table;
    private final TimeWaitTable timeWait;
    private final TcpProfile profile;
    private final TcpProfile profile6;
    private final TcpProfile published;
    private final TcpProfile published6;
    final Shares shares;
    /** Those that have flows. */
    private final Map<GuestShares, GuestFlows> guests = new IdentityHashMap<>();

    final SegmentSender sender;
    final Gathering gathering = new Gathering();
    final Batch batch = new Batch(gathering);
    private final Stalled stalled = new Stalled();
    /** Flows that have data to read and got no memory for it; in order, at most every flow once. */
    private final ArrayDeque<TcpFlow> hungry = new ArrayDeque<>();

    /** Flows whose guest is gone, while the host has not taken yet all that it said. */
    private final Set<TcpFlow> departing = new LinkedHashSet<>();

    private final Timer feeding = Timer.of(this::feed);
    /** Null if guests are never to be asked. */
    private final @Nullable SilentGuests silent;

    public TcpFlows(
            Loop loop,
            StreamHost host,
            AddressPlan plan,
            Shares shares,
            Counters counters,
            Events events,
            FlowPolicy policy,
            IcmpErrors errors,
            TcpShard shard,
            long hashKey) {
        this.loop = loop;
        this.host = host;
        this.plan = plan;
        this.shares = shares;
        this.limits = shares.limits();
        this.counters = counters;
        this.events = events;
        this.shard = shard;
        this.sender = new SegmentSender(plan, counters, shard);
        this.table = new FlowTable(hashKey);
        this.timeWait = new TimeWaitTable(shard, limits.tcpTimeWait());
        this.profile = profile(plan.mtu(), limits);
        this.profile6 = profile(plan.mtu() - (Ipv6Header.LENGTH - Ipv4Header.MIN_LENGTH), limits);
        this.published = asking(profile, limits.tcpKeepAliveSeconds());
        this.published6 = asking(profile6, limits.tcpKeepAliveSeconds());
        this.establishment = new Establishment(this, policy, errors);
        this.silent = limits.tcpKeepAliveSeconds() == 0 ? null : new SilentGuests(this);
    }

    private static TcpProfile profile(int mtu, Limits limits) {
        return TcpProfile.guest(mtu)
                .withBuffers(limits.flowBufferBytes(), limits.flowBufferBytes())
                .withAnswerWait(ANSWER_WAIT);
    }

    /** Serves a TCP port of the gateway's address. */
    public void service(int port, LocalService service) {
        establishment.services.put(port, service);
    }

    /** Has {@code interceptor} asked about every connection to the world. */
    public void interceptor(Interceptor interceptor) {
        establishment.interceptor = interceptor;
    }

    /** Serves a port no more; connections through it go on. */
    public void removeService(int port) {
        establishment.services.remove(port);
    }

    /** Whether a port of the gateway is in use. */
    public boolean isService(int port) {
        return establishment.services.containsKey(port);
    }

    /** One that asks a silent guest whether it is still there. */
    private static TcpProfile asking(TcpProfile profile, int seconds) {
        return seconds == 0 ? profile : profile.withKeepAlive(seconds * SECOND, seconds * SECOND, QUESTIONS);
    }

    /** How connections of a guest's behave. */
    TcpProfile profile(Guest guest) {
        return guest.isIpv4() ? profile : profile6;
    }

    /** How connections to a guest's published port behave. */
    TcpProfile publishedProfile(Guest guest) {
        return guest.isIpv4() ? published : published6;
    }

    public int size() {
        return table.size();
    }

    /** Flows whose host connection is pending. */
    public int halfOpen() {
        return establishment.halfOpen();
    }

    /**
     * Connects to where a guest may go: the world and the host, as far as the policy allows. Null if it may not.
     *
     * @param request by whom and where to, as if the guest had sent a SYN
     */
    public @Nullable StreamSocket connect(FlowPolicy.Request request, StreamSocket.Events owner) {
        return establishment.connect(request, owner);
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
                establishment.onSyn(
                        guest, packet, ipAt, at, length, guestPort, remoteHigh, remoteLow, remotePort, iss, now);
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

    /** A new flow is in the table, counted with its guest's. */
    void add(TcpFlow flow) {
        table.add(flow);
        flow.share.added();
        guests.put(flow.share.shares, flow.share);
        if (silent != null) {
            silent.watch();
        }
    }

    GuestFlows share(Guest guest) {
        GuestShares of = shares.of(guest);
        GuestFlows known = guests.get(of);
        return known == null ? new GuestFlows(of, shard) : known;
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
            awaitFeeding();
        }
    }

    private void awaitFeeding() {
        if (!feeding.isArmed()) {
            loop.schedule(feeding, loop.now() + FEEDING_INTERVAL);
        }
    }

    private void feed() {
        reclaim(loop.now());
        for (int n = hungry.size(); n > 0; n--) {
            TcpFlow flow = hungry.remove();
            flow.hungry = false;
            if (flow.isClosed()) {
                continue;
            }
            if (flow.share.buffers.mayGetMore()) {
                flow.resume();
            } else {
                awaitMemory(flow);
            }
        }
    }

    /** If somebody was refused what is guaranteed, the guest that holds most loses as much as that, where nothing moves. */
    private void reclaim(long now) {
        long owed = shard.buffers().takeOwed();
        GuestFlows most = null;
        if (owed > 0) {
            for (GuestFlows guest : guests.values()) {
                most = most == null || guest.holdsMoreThan(most) ? guest : most;
            }
        }
        while (owed > 0 && most != null) {
            TcpFlow still = most.holders.longestStill(now);
            if (still == null) {
                return; // all of it moves, and it gets no more before it has given back
            }
            long before = shard.buffers().inUse();
            still.evict(now);
            owed -= before - shard.buffers().inUse();
        }
    }

    // ---- batches
    // --------------------------------------------------------------------------------------------------------------

    /** A batch of frames has been read: acknowledges and sends what came of it. */
    public void onBatchEnd() {
        batch.end(loop.now());
        if (shard.buffers().owes()) {
            awaitFeeding();
        }
    }

    /** Nothing more is done this turn: acknowledges what waited for more of the same. */
    public void endTurn() {
        batch.endTurn(loop.now());
    }

    /** The host's side failed in the middle of a delivery, where the Tcb must not be disturbed. */
    void failLater(TcpFlow flow) {
        batch.failLater(flow);
        loop.execute(this::onBatchEnd);
    }

    // ---- life of a flow
    // -------------------------------------------------------------------------------------------------------

    void closed(TcpFlow flow) {
        if (!establishment.ended(flow)) {
            counters.tcpClosed++;
        }
        table.remove(flow);
        stalled.closed(flow);
        flow.share.removed();
    }

    /** Whether a flow may wait for its host when the guest is gone; one too many is reset, with what it has. */
    boolean mayDepart(TcpFlow flow) {
        if (departing.size() >= MOST_DEPARTING) {
            counters.drop(Drop.TCP_BUFFER_LIMIT);
            return false;
        }
        return departing.add(flow);
    }

    /** It holds nothing any more. */
    void released(TcpFlow flow) {
        flow.share.released(flow);
        if (flow.share.isEmpty()) {
            guests.remove(flow.share.shares);
        }
    }

    void departed(TcpFlow flow) {
        departing.remove(flow);
    }

    /** Visits the flows whose guest is gone. */
    void forEachDeparting(Consumer<TcpFlow> action) {
        List.copyOf(departing).forEach(action);
    }

    void remember(TcpFlow flow, long now) {
        timeWait.add(
                keyHigh(flow.guest, flow.remoteHigh, flow.remoteLow),
                keyLow(flow.guest, flow.remoteHigh, flow.remoteLow, flow.guestPort, flow.remotePort),
                flow.tcb,
                now);
    }

    /** The guest's link is gone: its flows end, the host's sides get what was acknowledged to the guest, and are reset. */
    public void linkClosed(Link link) {
        long now = loop.now();
        table.forEach(flow -> {
            if (flow.guest.link == link) {
                flow.linkGone(now);
            }
        });
    }

    /** How many flows may have something of their guests' that the host does not have yet. */
    public int owing() {
        int[] count = new int[1];
        table.forEach(flow -> count[0] += flow.owesHost() ? 1 : 0);
        return count[0] + departing.size();
    }

    /** Ends every flow: where the guest has said all, in order towards the host, which may still be sending it; else with a reset. */
    public void close() {
        long now = loop.now();
        table.forEach(flow -> flow.end(now));
        forEachDeparting(TcpFlow::departed);
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
                flow.tcb.transmit(now, 0); // there is room for an ACK, and a reset finds no other time
                stalled.add(flow);
                return;
            }
            flow.tcb.transmit(now, budget);
        } while (flow.tcb.wantsTransmit() && --rounds > 0);
    }

    /** A link has room again: those that waited for it go on, each in its turn. Who uses up the room waits behind the others for the next. */
    public void onRoom(Link link) {
        long now = loop.now();
        for (int n = stalled.size(); n > 0 && !link.congested(); n--) {
            TcpFlow flow = stalled.next();
            if (flow != null && !flow.isClosed()) {
                flow.transmit(now);
                flow.resume();
            }
        }
    }
}
