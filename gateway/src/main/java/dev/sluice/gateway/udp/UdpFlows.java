package dev.sluice.gateway.udp;

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
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.Mappings;
import dev.sluice.gateway.flow.PacketOutput;
import dev.sluice.gateway.flow.Shares;
import dev.sluice.host.DatagramHost;
import dev.sluice.host.DatagramSocket;
import dev.sluice.host.HostError;
import dev.sluice.host.Opening;
import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Loop;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.UdpHeader;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Every UDP datagram of the guests goes through here: to the gateway's services, to forwards, or out through a mapping. */
public final class UdpFlows {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.gateway.udp");
    private static final long SECOND = 1_000_000_000L;
    private static final long WARNING_INTERVAL = 10 * SECOND;
    private static final long BROADCAST = DatagramHost.mapped(-1);

    final Loop loop;
    final DatagramHost host;
    final AddressPlan plan;
    final Counters counters;
    final Events events;
    final UdpOutput output;
    final UdpQuote quote;
    /** Asked about every new destination; first looks at {@link #redirects}, then at the {@link #others}. */
    private final FlowPolicy policy;

    private final FlowPolicy others;
    /** The gateway's ports that lead to places of the host. */
    private final BitSet redirected = new BitSet();

    private final Map<Integer, FlowPolicy.Allow> redirects = new HashMap<>();
    private final IcmpErrors errors;
    final Mappings<UdpMapping> mappings;
    private final LocalServices services = new LocalServices();
    private final UdpForwards forwards;
    private long nextWarning;
    private boolean closed;

    public UdpFlows(
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
        this.loop = loop;
        this.host = host;
        this.plan = plan;
        this.counters = counters;
        this.output = new UdpOutput(output);
        this.quote = new UdpQuote(plan, errors, counters);
        this.policy = this::decide;
        this.others = policy;
        this.errors = errors;
        Limits limits = shares.limits();
        long idle = limits.udpIdleSeconds() * SECOND;
        this.mappings = new Mappings<>(
                FlowPolicy.Protocol.UDP, loop, shares, idle, counters, Drop.UDP_FLOW_EVICTED, events::closed);
        this.forwards = new UdpForwards(this, limits.udpFlows(), idle);
        this.nextWarning = loop.now();
    }

    /** Leads datagrams for a port of the gateway to one place of the host, whatever the policy says of that. For set-up. */
    public void redirect(int port, IpAddress address, int hostPort) {
        redirected.set(port);
        redirects.put(port, new FlowPolicy.Allow(address, hostPort));
    }

    /** Ends {@link #redirect}; no mapping remembers it. */
    public void unredirect(int port) {
        redirected.clear(port);
        redirects.remove(port);
        mappings.forgetDecisions();
    }

    private FlowPolicy.Decision decide(FlowPolicy.Request request) {
        FlowPolicy.Allow redirect = redirects.get(request.destinationPort());
        IpAddress to = request.destination();
        return redirect != null && Destination.of(plan, to.high(), to.low()) == Destination.GATEWAY
                ? redirect
                : others.decide(request);
    }

    /**
     * A guest's datagram. The dispatcher has checked the IP header, the UDP length and checksum, the time to live (above 1) and
     * that the source is the guest's; a fragmented datagram comes whole.
     *
     * @param packet holds the IP header at {@code ipAt} and the datagram at {@code udpAt}, during this call only
     * @param udpLength UDP header and payload in bytes
     */
    public void onDatagram(Guest guest, MemorySegment packet, long ipAt, long udpAt, int udpLength, long now) {
        long high = IpHeader.destinationHigh(packet, ipAt);
        long low = IpHeader.destinationLow(packet, ipAt);
        int sourcePort = UdpHeader.sourcePort(packet, udpAt);
        int port = UdpHeader.destinationPort(packet, udpAt);
        if (udpLength < UdpHeader.LENGTH || sourcePort == 0 || port == 0) {
            counters.drop(Drop.BAD_UDP);
            return;
        }
        if (forwards.onDatagram(guest, sourcePort, high, low, port, packet, ipAt, udpAt, udpLength, now)) {
            return;
        }
        switch (Destination.of(plan, high, low)) {
            case GATEWAY -> {
                if (redirected.get(port)) {
                    translate(guest, sourcePort, high, low, port, packet, ipAt, udpAt, udpLength, now);
                } else {
                    serve(guest, sourcePort, high, low, port, packet, ipAt, udpAt, udpLength);
                }
            }
            case HOST, WORLD -> translate(guest, sourcePort, high, low, port, packet, ipAt, udpAt, udpLength, now);
            case MULTICAST -> {
                if (low != BROADCAST) { // hosts broadcast all day (DHCP, discovery); that tells nothing
                    counters.drop(Drop.MULTICAST);
                }
            }
            case MARTIAN -> counters.drop(Drop.MARTIAN);
            case NEIGHBOUR -> {
                counters.drop(Drop.NO_SERVICE);
                refuse(guest, IcmpHeader.HOST_UNREACHABLE, packet, ipAt, udpAt, udpLength);
            }
        }
    }

    private void serve(
            Guest guest,
            int sourcePort,
            long high,
            long low,
            int port,
            MemorySegment packet,
            long ipAt,
            long udpAt,
            int udpLength) {
        LocalDatagramService service = services.on(port);
        if (service == null) {
            counters.drop(Drop.NO_SERVICE);
            refuse(guest, IcmpHeader.PORT_UNREACHABLE, packet, ipAt, udpAt, udpLength);
        } else {
            service.onDatagram(
                    guest, sourcePort, high, low, packet, udpAt + UdpHeader.LENGTH, udpLength - UdpHeader.LENGTH);
        }
    }

    private void translate(
            Guest guest,
            int sourcePort,
            long high,
            long low,
            int port,
            MemorySegment packet,
            long ipAt,
            long udpAt,
            int udpLength,
            long now) {
        UdpMapping mapping = mappings.find(guest, sourcePort, now);
        if (mapping == null) {
            mapping = new UdpMapping(this, guest, sourcePort, now);
            mappings.add(mapping, now);
        }
        Decisions decisions = mapping.decisions;
        int decision = decisions.about(policy, FlowPolicy.Protocol.UDP, guest, sourcePort, high, low, port);
        switch (decisions.verdict(decision)) {
            case PROHIBIT -> {
                counters.drop(Drop.PROHIBITED);
                refuse(guest, IcmpHeader.ADMINISTRATIVELY_PROHIBITED, packet, ipAt, udpAt, udpLength);
            }
            case REJECT -> {
                counters.drop(Drop.PROHIBITED);
                refuse(guest, IcmpHeader.PORT_UNREACHABLE, packet, ipAt, udpAt, udpLength);
            }
            case ALLOW -> {
                boolean ipv4 = IpHeader.isIpv4(decisions.targetHigh(decision), decisions.targetLow(decision));
                DatagramSocket socket = ipv4 == guest.isIpv4() ? mapping.socket : mapping.other;
                if (socket == null) {
                    socket = open(mapping, ipv4, now);
                    if (socket == null) {
                        return;
                    }
                }
                boolean sent = socket.send(
                        decisions.targetHigh(decision),
                        decisions.targetLow(decision),
                        decisions.targetPort(decision),
                        Math.max(1, IpHeader.hopLimit(packet, ipAt) - 1),
                        IpHeader.trafficClass(packet, ipAt),
                        packet,
                        udpAt + UdpHeader.LENGTH,
                        udpLength - UdpHeader.LENGTH);
                mapping.traffic.bytesToHost += udpLength - UdpHeader.LENGTH;
                count(sent);
            }
        }
    }

    void count(boolean sent) {
        if (sent) {
            counters.udpDatagramsToHost++;
        } else {
            counters.drop(Drop.UDP_SEND_FAILED);
        }
    }

    private @Nullable DatagramSocket open(UdpMapping mapping, boolean ipv4, long now) {
        long any = ipv4 ? DatagramHost.mapped(0) : 0;
        return switch (host.openDatagram(0, any, 0, mapping)) {
            case Opening.Open<DatagramSocket>(DatagramSocket socket) -> {
                boolean first = !mapping.isOpen();
                if (ipv4 == mapping.guest().isIpv4()) {
                    mapping.socket = socket;
                } else {
                    mapping.other = socket;
                }
                if (first) {
                    counters.udpOpened++;
                    events.opened(mapping, now);
                }
                yield socket;
            }
            case Opening.Failed<DatagramSocket>(HostError error, String reason) -> {
                // The guest is told nothing: it tries again, and by then descriptors may be free.
                counters.drop(error == HostError.NO_DESCRIPTORS ? Drop.NO_DESCRIPTORS : Drop.UDP_SEND_FAILED);
                if (now - nextWarning >= 0) {
                    nextWarning = now + WARNING_INTERVAL;
                    LOG.log(Level.WARNING, "no host socket for a guest''s UDP: {0}", reason);
                }
                yield null;
            }
        };
    }

    private void refuse(Guest guest, int code, MemorySegment packet, long ipAt, long udpAt, int udpLength) {
        errors.send(guest, IcmpHeader.DESTINATION_UNREACHABLE, code, packet, ipAt, (int) (udpAt - ipAt) + udpLength);
    }

    /** How services of the gateway answer. */
    public UdpOutput output() {
        return output;
    }

    /**
     * Has {@code service} answer on a port of the gateway's address.
     *
     * @throws IllegalStateException if the port is taken
     */
    public void register(int port, LocalDatagramService service) {
        services.add(port, service);
    }

    public void unregister(int port) {
        services.remove(port);
    }

    /** Whether a port of the gateway is in use. */
    public boolean isService(int port) {
        return redirected.get(port) || services.on(port) != null;
    }

    /**
     * Opens a port of the host whose datagrams go to a guest.
     *
     * @param high the host address to listen on, with {@code low}, as in {@link DatagramHost}
     * @param port 1–65535, or 0 for any free one
     * @param guest the address of the guest it leads to
     * @param guests finds who has that address; null while nobody has it
     */
    public Opening<UdpForward> forward(
            long high, long low, int port, IpAddress guest, int guestPort, Supplier<? extends @Nullable Guest> guests) {
        return forwards.open(high, low, port, guest, guestPort, guests);
    }

    /** Visits every flow: mappings, and clients of forwards. */
    public void forEach(Consumer<? super Flow> action) {
        mappings.forEach(action);
        forwards.forEach(action);
    }

    /** Mappings that exist now. */
    public int size() {
        return mappings.size();
    }

    /** Ends all mappings of guests that are gone; their forwards stay, for when they come back. */
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
        forwards.close();
    }
}
