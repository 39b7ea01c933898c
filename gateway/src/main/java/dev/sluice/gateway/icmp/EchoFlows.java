package dev.sluice.gateway.icmp;

import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Decisions;
import dev.sluice.gateway.flow.Destination;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Flow;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.IcmpErrors;
import dev.sluice.gateway.flow.Mappings;
import dev.sluice.gateway.flow.PacketOutput;
import dev.sluice.gateway.flow.Shares;
import dev.sluice.host.DatagramHost;
import dev.sluice.host.DatagramSocket;
import dev.sluice.host.HostError;
import dev.sluice.host.Opening;
import dev.sluice.host.PingSocket;
import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Loop;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Header;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Every ICMP message of the guests goes through here: echo requests are answered or sent on by the host, the rest is dropped. */
public final class EchoFlows {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.gateway.icmp");
    private static final long SECOND = 1_000_000_000L;
    /** How long to wait before the host is asked again after it refused ping sockets, and between two warnings. */
    private static final long RETRY_INTERVAL = 10 * SECOND;

    private static final int MAX_MESSAGE = 65_515;
    private static final int TIME_TO_LIVE = 64;

    final AddressPlan plan;
    final Counters counters;
    final PacketOutput output;
    final IcmpErrors errors;
    private final Events events;
    private final DatagramHost host;
    private final FlowPolicy policy;
    final Mappings<EchoFlow> mappings;
    /** Room for one answer of our own, made for the first. */
    @Nullable
    private MemorySegment answer;
    /** Set while the host sends no pings for us: not asked again before {@link #nextAttempt}. */
    private boolean unavailable;
    /** True once the remedy was logged; it is not repeated. */
    private boolean remedyTold;

    private long nextAttempt;
    private long nextWarning;
    private boolean closed;

    public EchoFlows(
            Loop loop,
            DatagramHost host,
            AddressPlan plan,
            Shares shares,
            FlowPolicy policy,
            PacketOutput output,
            IcmpErrors errors,
            Counters counters,
            Events events) {
        this.events = events;
        this.host = host;
        this.plan = plan;
        this.policy = policy;
        this.output = output;
        this.errors = errors;
        this.counters = counters;
        this.mappings = new Mappings<>(
                FlowPolicy.Protocol.PING,
                loop,
                shares,
                shares.limits().pingIdleSeconds() * SECOND,
                counters,
                Drop.PING_FLOW_EVICTED,
                events::closed);
        this.nextWarning = loop.now();
    }

    /**
     * A guest's ICMP message. The dispatcher has checked the IP header, the time to live (above 1) and that the source is the
     * guest's; a fragmented message comes whole. The message itself is checked here; of ICMPv6 only echo messages come.
     *
     * @param packet holds the IP header at {@code ipAt} and the message at {@code icmpAt}, during this call only
     * @param icmpLength ICMP header and data in bytes
     */
    public void onMessage(Guest guest, MemorySegment packet, long ipAt, long icmpAt, int icmpLength, long now) {
        if (icmpLength > MAX_MESSAGE || check(guest, packet, ipAt, icmpAt, icmpLength) != Flaw.NONE) {
            counters.drop(Drop.BAD_ICMP);
            return;
        }
        // Errors of a guest about our answers change nothing here (RFC 5508 §4.1 lets a translator drop what it cannot
        // map).
        if (IcmpHeader.type(packet, icmpAt) != request(guest) || IcmpHeader.code(packet, icmpAt) != 0) {
            counters.drop(Drop.UNKNOWN_PROTOCOL);
            return;
        }
        long high = IpHeader.destinationHigh(packet, ipAt);
        long low = IpHeader.destinationLow(packet, ipAt);
        switch (Destination.of(plan, high, low)) {
            case GATEWAY, HOST -> answer(guest, high, low, packet, ipAt, icmpAt, icmpLength);
            case WORLD -> translate(guest, high, low, packet, ipAt, icmpAt, icmpLength, now);
            case MULTICAST -> counters.drop(Drop.MULTICAST);
            case MARTIAN -> counters.drop(Drop.MARTIAN);
            case NEIGHBOUR -> {
                counters.drop(Drop.NO_SERVICE);
                refuse(guest, IcmpHeader.HOST_UNREACHABLE, packet, ipAt, icmpAt, icmpLength);
            }
        }
    }

    private static Flaw check(Guest guest, MemorySegment packet, long ipAt, long icmpAt, int icmpLength) {
        return guest.isIpv4()
                ? IcmpHeader.check(packet, icmpAt, icmpLength)
                : Icmpv6Header.check(packet, ipAt, icmpAt, icmpLength);
    }

    private static int request(Guest guest) {
        return guest.isIpv4() ? IcmpHeader.ECHO_REQUEST : Icmpv6Header.ECHO_REQUEST;
    }

    private static int reply(Guest guest) {
        return guest.isIpv4() ? IcmpHeader.ECHO_REPLY : Icmpv6Header.ECHO_REPLY;
    }

    static int protocol(Guest guest) {
        return guest.isIpv4() ? Ipv4Header.PROTOCOL_ICMP : Ipv6Header.ICMPV6;
    }

    private void answer(
            Guest guest,
            long sourceHigh,
            long sourceLow,
            MemorySegment packet,
            long ipAt,
            long icmpAt,
            int icmpLength) {
        MemorySegment room = answer;
        if (room == null) {
            room = Arena.ofAuto().allocate(PacketOutput.HEADROOM + MAX_MESSAGE, 8);
            answer = room;
        }
        MemorySegment.copy(packet, icmpAt, room, PacketOutput.HEADROOM, icmpLength);
        Bytes.put8(room, PacketOutput.HEADROOM, reply(guest));
        EchoChecksum.replaceWord(room, PacketOutput.HEADROOM, request(guest) << 8, reply(guest) << 8);
        int trafficClass = IpHeader.trafficClass(packet, ipAt);
        send(guest, sourceHigh, sourceLow, trafficClass, room, PacketOutput.HEADROOM, icmpLength);
    }

    /** Sends a message whose ICMPv4 checksum is right; that of ICMPv6 is made anew, as it covers the addresses. */
    boolean send(
            Guest guest,
            long sourceHigh,
            long sourceLow,
            int typeOfService,
            MemorySegment memory,
            long at,
            int length) {
        return output.send(
                guest,
                sourceHigh,
                sourceLow,
                protocol(guest),
                TIME_TO_LIVE,
                typeOfService,
                memory,
                at,
                length,
                guest.isIpv4() ? PacketOutput.COMPLETE : Icmpv6Header.CHECKSUM);
    }

    private void translate(
            Guest guest,
            long destinationHigh,
            long destinationLow,
            MemorySegment packet,
            long ipAt,
            long icmpAt,
            int icmpLength,
            long now) {
        int identifier = IcmpHeader.identifier(packet, icmpAt);
        EchoFlow flow = mappings.find(guest, identifier, now);
        if (flow == null) {
            flow = new EchoFlow(this, guest, identifier, now);
            mappings.add(flow, now);
        }
        Decisions decisions = flow.decisions;
        int decision = decisions.about(
                policy, FlowPolicy.Protocol.PING, guest, identifier, destinationHigh, destinationLow, 0);
        if (decisions.verdict(decision) != Decisions.Verdict.ALLOW) {
            counters.drop(Drop.PROHIBITED);
            refuse(guest, IcmpHeader.ADMINISTRATIVELY_PROHIBITED, packet, ipAt, icmpAt, icmpLength);
            return;
        }
        PingSocket socket = flow.socket;
        if (socket == null) {
            if (!unavailable || now - nextAttempt >= 0) {
                socket = open(flow, now);
            }
            if (socket == null) {
                if (unavailable) {
                    counters.drop(Drop.PING_UNAVAILABLE);
                    refuse(guest, IcmpHeader.ADMINISTRATIVELY_PROHIBITED, packet, ipAt, icmpAt, icmpLength);
                }
                return;
            }
        }
        long high = decisions.targetHigh(decision);
        long low = decisions.targetLow(decision);
        int errno = socket.send(
                high,
                low,
                Math.max(1, IpHeader.hopLimit(packet, ipAt) - 1),
                IpHeader.trafficClass(packet, ipAt),
                packet,
                icmpAt,
                icmpLength);
        if (errno == 0) {
            flow.traffic.bytesToHost += icmpLength - IcmpHeader.LENGTH;
            counters.pingsToHost++;
        } else {
            flow.report(
                    IcmpErrors.GATEWAY,
                    IcmpErrors.GATEWAY,
                    errno,
                    DatagramSocket.LOCAL,
                    0,
                    0,
                    packet,
                    ipAt,
                    (int) (icmpAt - ipAt) + icmpLength);
        }
    }

    private @Nullable PingSocket open(EchoFlow flow, long now) {
        return switch (host.openPing(!flow.guest().isIpv4(), flow)) {
            case Opening.Open<PingSocket>(PingSocket socket) -> {
                unavailable = false;
                flow.socket = socket;
                events.opened(flow, now);
                yield socket;
            }
            case Opening.Failed<PingSocket>(HostError error, String reason) -> {
                if (error == HostError.PROHIBITED) {
                    unavailable = true;
                    nextAttempt = now + RETRY_INTERVAL;
                    if (!remedyTold) {
                        remedyTold = true;
                        LOG.log(Level.WARNING, "guests cannot ping beyond this host: {0}", reason);
                    }
                } else {
                    counters.drop(error == HostError.NO_DESCRIPTORS ? Drop.NO_DESCRIPTORS : Drop.PING_UNAVAILABLE);
                    if (now - nextWarning >= 0) {
                        nextWarning = now + RETRY_INTERVAL;
                        LOG.log(Level.WARNING, "no host socket for a guest''s ping: {0}", reason);
                    }
                }
                yield null;
            }
        };
    }

    private void refuse(Guest guest, int code, MemorySegment packet, long ipAt, long icmpAt, int icmpLength) {
        errors.send(guest, IcmpHeader.DESTINATION_UNREACHABLE, code, packet, ipAt, (int) (icmpAt - ipAt) + icmpLength);
    }

    /** Visits every flow. */
    public void forEach(Consumer<? super Flow> action) {
        mappings.forEach(action);
    }

    /** Echo flows that exist now. */
    public int size() {
        return mappings.size();
    }

    /** Ends all echo flows of guests that are gone. */
    public void forget(Collection<Guest> guests) {
        mappings.forget(guests);
    }

    /** Has the policy asked again about every destination. */
    public void policyChanged() {
        mappings.forgetDecisions();
    }

    /** Ends everything. Idempotent. */
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        mappings.close();
    }
}
