package dev.sluice.gateway;

import dev.sluice.gateway.arp.ArpResponder;
import dev.sluice.gateway.dhcp.DhcpServer;
import dev.sluice.gateway.dhcp.DhcpService;
import dev.sluice.gateway.dhcp.DhcpSettings;
import dev.sluice.gateway.dhcp.Lease;
import dev.sluice.gateway.dhcp.LeaseListener;
import dev.sluice.gateway.dhcp6.Dhcpv6Service;
import dev.sluice.gateway.dns.AddressLookup;
import dev.sluice.gateway.dns.DnsService;
import dev.sluice.gateway.dns.DnsSettings;
import dev.sluice.gateway.dns.DnsTcpService;
import dev.sluice.gateway.dns.DnsTypes;
import dev.sluice.gateway.dns.DnsUdpService;
import dev.sluice.gateway.event.Event;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Flow;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.SearchList;
import dev.sluice.gateway.flow.Shares;
import dev.sluice.gateway.forward.Forwards;
import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.gateway.forward.Guests;
import dev.sluice.gateway.icmp.EchoFlows;
import dev.sluice.gateway.mux.AgentLink;
import dev.sluice.gateway.mux.Generation;
import dev.sluice.gateway.ndp.NdpResponder;
import dev.sluice.gateway.proxy.HttpProxy;
import dev.sluice.gateway.tcp.TcpFlows;
import dev.sluice.gateway.tcp.TcpInbound;
import dev.sluice.gateway.udp.UdpFlows;
import dev.sluice.host.DatagramHost;
import dev.sluice.host.PipeSocket;
import dev.sluice.host.StreamHost;
import dev.sluice.host.StreamSocket;
import dev.sluice.host.VsockAddress;
import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.link.LocalPort;
import dev.sluice.link.Switch;
import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Offload;
import dev.sluice.loop.Timer;
import dev.sluice.stack.ip.Reassembler;
import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.stack.tcp.TcpShard;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Everything of one guest network that lives on its loop, wired by hand: the switch, the gateway's protocols behind it, and the flows.
 * {@link Gateway} is its door for other threads.
 */
final class GuestNetwork implements LocalPort {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.gateway");
    private static final int DNS_PORT = 53;
    private static final long SECOND = 1_000_000_000L;
    /** Shortest time between two questions for guests nobody has heard of, or not for a while. */
    private static final long ASK_INTERVAL = 100_000_000L;

    /** Connections of guests to services at a time; further ones are closed at once. */
    private static final int MAX_SERVED = 64;

    /** Buffers that no flow needed for this long go back to the system. */
    private static final long TRIM_INTERVAL = 1_000_000_000L;

    final Loop loop;
    final StreamHost streams;
    final AddressPlan plan;
    final Limits limits;
    final Shares shares;
    final Counters counters = new Counters();
    final Events events;
    final GuestTable guests;
    private final NeighbourGuard guard;
    final Switch fabric;
    final TcpFlows tcp;
    final TcpInbound inbound;
    final Forwards forwards;
    final UdpFlows udp;
    final EchoFlows echo;
    final DhcpService dhcp;
    final FlowPolicy policy;
    final DnsService dns;
    final HttpProxy proxy;
    final List<Runnable> hostNetworkListeners = new ArrayList<>();
    final TcpShard shard;
    final Reassembler reassembler;
    private final DnsTcpService dnsOverTcp;
    private final DnsUdpService dnsOverUdp;
    private final Semaphore served = new Semaphore(MAX_SERVED);
    private final Timer trim = Timer.of(this::trimBuffers);
    private final ArpResponder arp;
    private final Ipv4Input ipv4;
    /** When a guest was last asked for by ARP. */
    private long asked;
    /** Of the loop, since this was made. */
    private long turns;

    /** Null without IPv6. */
    private final @Nullable Ipv6Input ipv6;

    private final @Nullable NdpResponder ndp;
    private final List<BiConsumer<Link, String>> leaveListeners = new ArrayList<>();
    /** The ports of the gateway that lead elsewhere, in the order they were opened. */
    final Set<GatewayForward> gatewayForwards = new LinkedHashSet<>();

    GuestNetwork(
            Loop loop,
            StreamHost streams,
            DatagramHost datagrams,
            AddressPlan plan,
            Limits limits,
            FlowPolicy policy,
            DnsSettings dnsSettings,
            boolean nameServer,
            DhcpSettings dhcpSettings,
            NativeMemory memory,
            RandomGenerator random,
            LongSupplier stalls) {
        this.loop = loop;
        this.asked = loop.now() - ASK_INTERVAL;
        this.streams = streams;
        this.plan = plan;
        this.limits = limits;
        events = new Events(counters, stalls);
        guests = new GuestTable(plan, counters, events, limits.guests(), this::ask);
        guard = new NeighbourGuard(plan, guests);
        fabric = new Switch(plan.mac(), this);
        PacketSender sender = new PacketSender(plan, counters);
        ErrorSender errors = new ErrorSender(loop, plan, counters, sender);
        shard = new TcpShard(memory, limits.bufferBytes(), random);
        shares = new Shares(limits, shard.buffers().whole().share());
        arp = new ArpResponder(Arena.ofAuto(), plan, counters, this::onNeighbour);
        this.policy = policy;
        tcp = new TcpFlows(loop, streams, plan, shares, counters, events, policy, errors, shard, random.nextLong());
        inbound = new TcpInbound(tcp);
        udp = new UdpFlows(loop, datagrams, plan, shares, policy, sender, errors, counters, events);
        forwards = new Forwards(loop, datagrams, inbound, udp, new GuestNames());
        echo = new EchoFlows(loop, datagrams, plan, shares, policy, sender, errors, counters, events);
        reassembler = new Reassembler(
                Arena.ofAuto(),
                limits.reassemblyDatagrams(),
                limits.reassemblyBytes(),
                (s, at, length) -> reassemblyExpired(errors, s, at, length));
        dns = DnsService.ofHost(plan, dnsSettings, limits);
        SearchList search = new SearchList(plan, dns::searchDomains);
        dhcp = new DhcpService(
                Arena.ofAuto(),
                plan,
                new DhcpServer(plan, dhcpSettings, limits, search, this::usesAlready),
                counters,
                new DhcpLeases());
        FragmentInput fragments = new FragmentInput(loop, counters, reassembler);
        TransportInput transport =
                new TransportInput(counters, errors, tcp, udp, echo, new GuestErrors(guests, tcp, counters));
        ipv4 = new Ipv4Input(plan, counters, guests, errors, fragments, dhcp, transport);
        Ipv6Plan six = plan.ipv6();
        if (six == null) {
            ndp = null;
            ipv6 = null;
        } else {
            ndp = new NdpResponder(loop, plan, six, counters, fabric::links, search, this::onNeighbour6);
            Dhcpv6Service dhcp6 = new Dhcpv6Service(plan, six, limits, search, counters, new Leases());
            ipv6 = new Ipv6Input(plan, counters, guests, errors, fragments, ndp, dhcp6, transport);
        }
        proxy = new HttpProxy(loop, tcp, streams, plan, shares, new AddressLookup(dns));
        events.names(dns.seenNames()::of);
        dns.onLookups(this::looked, events::wantsLookups);
        dnsOverTcp = new DnsTcpService(dns);
        dnsOverUdp = new DnsUdpService(dns, loop, datagrams, new DnsReplies());
        if (nameServer) {
            udp.register(DNS_PORT, dnsOverUdp::onDatagram);
            tcp.service(DNS_PORT, this::openDns);
        }
        loop.atEndOfTurn(this::endTurn);
    }

    /** The host's way to the world is another one. */
    void hostNetworkChanged() {
        dns.networkChanged();
        hostNetworkListeners.forEach(Runnable::run);
    }

    /** Leads forwards to an agent through a socket of the host. */
    void agent(String path, Generation generation, String preamble) {
        forwards.agent(new AgentLink(loop, streams, path, generation, preamble));
    }

    /** Leads forwards to an agent at a port of a machine's vsock. */
    void agent(VsockAddress address, Generation generation) {
        forwards.agent(new AgentLink(loop, streams, address, generation));
    }

    /** Leads forwards to an agent that connects to a socket of the host. */
    void agentAt(String path) throws IOException {
        forwards.agent(AgentLink.listen(loop, streams, path));
    }

    /** The same at a port of vsock. */
    void agentAt(VsockAddress address) throws IOException {
        forwards.agent(AgentLink.listen(loop, streams, address));
    }

    /** Closes a port that {@link #forward} has opened; what is under way goes on. False if it is not there. */
    boolean unforward(GatewayForward forward) {
        if (!gatewayForwards.remove(forward)) {
            return false;
        }
        if (forward.udp()) {
            udp.unredirect(forward.port());
        } else {
            tcp.removeService(forward.port());
        }
        return true;
    }

    /** Opens a port of the gateway for guests. False if it leads there already. */
    boolean forward(GatewayForward forward) throws IOException {
        int port = forward.port();
        if (gatewayForwards.contains(forward)) {
            return false;
        }
        if (forward.udp() ? udp.isService(port) : tcp.isService(port)) {
            throw new IOException("port " + port + " of the gateway has a service already; choose another");
        }
        switch (forward.to()) {
            case GatewayForward.Address(var address, int hostPort) -> {
                if (forward.udp()) {
                    udp.redirect(port, address, hostPort);
                } else {
                    tcp.service(
                            port, (_, events) -> streams.connect(address, hostPort, StreamHost.DEFAULT_TTL, events));
                }
            }
            case GatewayForward.UnixSocket(String path) ->
                tcp.service(port, (_, events) -> streams.connect(path, events));
        }
        return gatewayForwards.add(forward);
    }

    /** Opens a port of the gateway for a service of this process. */
    void serve(int port, Gateway.GuestService service) throws IOException {
        if (tcp.isService(port)) {
            throw new IOException("port " + port + " of the gateway has a service already; choose another");
        }
        tcp.service(port, (guest, events) -> {
            PipeSocket pipe = new PipeSocket(loop, events);
            if (!served.tryAcquire()) {
                pipe.closeService();
                return pipe;
            }
            IpAddress address = guest.ipAddress();
            Runnable end = () -> {
                pipe.closeService();
                served.release();
            };
            boolean started = Offload.start("guest-service", () -> {
                try {
                    service.serve(address, pipe.serviceInput(), pipe.serviceOutput());
                } finally {
                    end.run();
                }
            });
            if (!started) {
                end.run();
            }
            return pipe;
        });
    }

    /** Finds guests for forwards. */
    private final class GuestNames implements Guests {
        @Override
        public @Nullable Guest only() {
            return guests.only();
        }

        @Override
        public @Nullable Guest find(IpAddress address) {
            return address instanceof Ipv4Address v4
                    ? findOrAsk(v4.bits())
                    : guests.find(address.high(), address.low());
        }

        @Override
        public @Nullable Guest named(String name) {
            for (Lease lease : dhcp.server().table().snapshot(loop.now())) {
                if (name.equalsIgnoreCase(lease.hostname()) && lease.state() == Lease.State.BOUND) {
                    return find(lease.address());
                }
            }
            return null;
        }
    }

    /** Answers of the name server, from the address that was asked: a guest's resolver hears no other. */
    private final class DnsReplies implements DnsUdpService.Reply {
        @Override
        public void send(Guest guest, long high, long low, int port, byte[] message) {
            send(guest, high, low, port, message, message.length);
        }

        @Override
        public void send(Guest guest, long high, long low, int port, byte[] buffer, int length) {
            udp.output().send(guest, high, low, DNS_PORT, port, buffer, length);
        }
    }

    private StreamSocket openDns(Guest guest, StreamSocket.Events events) {
        PipeSocket pipe = new PipeSocket(loop, events);
        if (!dnsOverTcp.open(guest.ipAddress(), pipe.serviceInput(), pipe.serviceOutput())) {
            pipe.closeService();
        }
        return pipe;
    }

    /** On any thread. */
    private void looked(IpAddress guest, String name, int type, byte[] reply, long nanos) {
        if (events.wantsLookups()) {
            events.looked(new Events.Lookup(
                    guest, name, DnsTypes.text(type), DnsTypes.answer(reply), Math.ceilDiv(nanos, 1000L)));
        }
    }

    /** What a guest got by DHCP: its frames go there, and its name leads there. */
    private final class DhcpLeases implements LeaseListener {
        @Override
        public void onLease(MacAddress mac, Ipv4Address address, Link link) {
            if (events.wants(Event.Kind.LEASE)) {
                events.publish(Event.Kind.LEASE, new Events.Neighbour(address, mac, link.name()));
            }
            long now = loop.now();
            Guest guest = guests.bind(address.bits(), mac.bits(), link, now);
            Lease lease = dhcp.server().table().lease(mac, now);
            if (lease != null) {
                if (!lease.reserved()) {
                    guest.leaseEnds = now + lease.secondsLeft() * SECOND;
                }
                dns.guestBound(address, lease.hostname(), lease.secondsLeft());
            }
        }

        @Override
        public void onRelease(MacAddress mac, Ipv4Address address) {
            guests.giveBack(address.high(), address.low(), mac.bits(), loop.now());
            dns.guestReleased(address);
        }
    }

    /** Whether a guest uses an address that the DHCP server has not given it: one that was configured by hand. */
    private boolean usesAlready(int address, long mac) {
        Guest guest = guests.find(address);
        return guest != null && guest.mac != mac && guests.isHeard(guest, loop.now());
    }

    /** A guest that has not sent any packet yet may still be the one a forward leads to. */
    private void onNeighbour(Link link, long mac, int address) {
        guests.sender(address, mac, link, loop.now());
    }

    /** What guests advertise makes nobody known, but shows that who is known is there. */
    private void onNeighbour6(Link link, long mac, long high, long low) {
        Guest guest = guests.find(high, low);
        if (guest != null) {
            guests.heard(guest, mac, link, loop.now());
        }
    }

    /** Asks a guest whether it is still there, where it was. */
    private void ask(Guest guest) {
        if (guest.isIpv4()) {
            arp.ask(guest.link, guest.mac, guest.address, loop.now());
        } else if (ndp != null) {
            ndp.ask(guest.link, guest.mac, guest.high, guest.low);
        }
    }

    /**
     * The guest at an address; null if none has been heard of. Then, and if it has been silent, it is asked for, so that the next time may
     * find it, or where it is now.
     */
    @Nullable
    Guest findOrAsk(int address) {
        Guest guest = guests.find(address);
        long now = loop.now();
        if ((guest == null || !guests.isHeard(guest, now)) && now - asked >= ASK_INTERVAL) {
            asked = now;
            for (Link link : fabric.links()) {
                arp.resolve(link, address, now);
            }
        }
        return guest;
    }

    /** What the DHCPv6 server gives is the guest's alone. */
    private final class Leases implements Dhcpv6Service.Bindings {
        @Override
        public void onLease(long mac, Ipv6Address address, Link link, int seconds) {
            long now = loop.now();
            guests.bind(address.high(), address.low(), mac, link, now).leaseEnds = now + seconds * SECOND;
        }

        @Override
        public void onReturn(long mac, Ipv6Address address) {
            guests.giveBack(address.high(), address.low(), mac, loop.now());
        }

        @Override
        public boolean isForeign(long mac, Ipv6Address address) {
            Guest guest = guests.find(address.high(), address.low());
            return guest != null && guest.mac != mac;
        }
    }

    /** A datagram's missing fragments never came: its sender is told (RFC 1122 §3.3.2). */
    private void reassemblyExpired(ErrorSender errors, MemorySegment packet, long at, int length) {
        counters.drop(Drop.FRAGMENT_TIMEOUT);
        Guest guest = guests.find(IpHeader.sourceHigh(packet, at), IpHeader.sourceLow(packet, at));
        if (guest != null) {
            errors.send(guest, IcmpHeader.TIME_EXCEEDED, 1, packet, at, length);
        }
    }

    /** Announces the gateway to a link that has just been attached. */
    void welcome(Link link) {
        arp.announce(link);
        if (ndp != null) {
            ndp.start(link);
        }
    }

    /** Visits every flow of every protocol. */
    void forEachFlow(Consumer<? super Flow> action) {
        tcp.forEach(action);
        inbound.forEach(action);
        udp.forEach(action);
        echo.forEach(action);
    }

    void onLeave(BiConsumer<Link, String> listener) {
        leaveListeners.add(listener);
    }

    @Override
    public void onFrame(Link from, Frame frame) {
        if (EthernetHeader.check(frame.head, frame.headAt, frame.headLength) != Flaw.NONE) {
            counters.drop(Drop.BAD_ETHERNET);
            return;
        }
        long now = loop.now();
        if (!take(from, frame, now) && !(PriorityTag.strip(frame) && take(from, frame, now))) {
            counters.drop(Drop.UNKNOWN_PROTOCOL);
        }
    }

    /** False if it is of a type that the gateway does not speak. */
    private boolean take(Link from, Frame frame, long now) {
        return switch (EthernetHeader.type(frame.head, frame.headAt)) {
            case EthernetHeader.TYPE_IPV4 -> {
                ipv4.onFrame(from, frame, now);
                yield true;
            }
            case EthernetHeader.TYPE_ARP -> {
                arp.onArp(
                        from,
                        EthernetHeader.source(frame.head, frame.headAt),
                        frame.head,
                        frame.headAt + EthernetHeader.LENGTH,
                        frame.headLength - EthernetHeader.LENGTH,
                        now);
                yield true;
            }
            case EthernetHeader.TYPE_IPV6 -> {
                if (ipv6 == null) {
                    yield false;
                }
                ipv6.onFrame(from, frame, now);
                yield true;
            }
            default -> false;
        };
    }

    @Override
    public boolean mayPass(Link from, Frame frame) {
        if (guard.mayPass(frame, loop.now())) {
            return true;
        }
        counters.drop(Drop.SPOOFED_NEIGHBOUR);
        return false;
    }

    @Override
    public boolean mayMove(long mac, Link from, Link to) {
        return guests.mayMove(mac, from, to, loop.now());
    }

    @Override
    public void onBatchEnd(Link from) {
        tcp.onBatchEnd();
    }

    @Override
    public void onRoom(Link link) {
        tcp.onRoom(link);
    }

    @Override
    public void onClosed(Link link, String reason) {
        LOG.log(System.Logger.Level.INFO, "{0} left: {1}", link.name(), reason);
        forget(link);
        for (BiConsumer<Link, String> listener : leaveListeners) {
            listener.accept(link, reason);
        }
    }

    private void forget(Link link) {
        tcp.linkClosed(link);
        List<Guest> gone = guests.on(link);
        udp.forget(gone);
        echo.forget(gone);
        guests.linkClosed(link);
        shares.linkClosed(link);
    }

    private void trimBuffers() {
        shard.buffers().trim();
    }

    /**
     * Where things stand that guests have said.
     *
     * @param turns of the loop so far; in each, what has come in is looked at
     * @param moved changes when something moves
     * @param frames whether some are at hand that nobody has looked at
     * @param streams how many may have bytes on their way to the host
     */
    record Sending(long turns, long moved, boolean frames, int streams) {}

    Sending sending() {
        long moved = counters.tcpBytesToHost + counters.tcpBytesToGuest;
        boolean frames = false;
        for (Link link : fabric.links()) {
            moved += link.counters().framesIn;
            frames |= link.mayHoldMore();
        }
        return new Sending(turns, moved, frames, tcp.owing() + inbound.owing());
    }

    private void endTurn() {
        turns++;
        tcp.endTurn();
        if (shard.buffers().kept() > 0 && !trim.isArmed()) {
            loop.schedule(trim, loop.now() + TRIM_INTERVAL);
        }
        fabric.flush();
    }

    void remove(Link link) {
        fabric.detach(link);
        forget(link);
    }

    void close() {
        events.close();
        forwards.close();
        inbound.close();
        if (ndp != null) {
            ndp.close();
        }
        tcp.close();
        udp.close();
        echo.close();
        dnsOverTcp.close();
        dnsOverUdp.close();
        dns.close();
        endTurn();
        for (Link link : fabric.links()) {
            fabric.detach(link);
        }
        shard.close();
    }
}
