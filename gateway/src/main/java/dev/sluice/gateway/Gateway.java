package dev.sluice.gateway;

import dev.sluice.gateway.dhcp.DhcpSettings;
import dev.sluice.gateway.dns.AddressLookup;
import dev.sluice.gateway.dns.DnsNames;
import dev.sluice.gateway.dns.DnsService;
import dev.sluice.gateway.dns.DnsSettings;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.gateway.mux.Generation;
import dev.sluice.gateway.proxy.ProxySettings;
import dev.sluice.host.LinuxDatagramHost;
import dev.sluice.host.LinuxStreamHost;
import dev.sluice.host.NamespaceSockets;
import dev.sluice.host.NetworkWatch;
import dev.sluice.host.Outbound;
import dev.sluice.host.VsockAddress;
import dev.sluice.link.Guests;
import dev.sluice.link.Link;
import dev.sluice.link.LinkServer;
import dev.sluice.link.LinkUrl;
import dev.sluice.link.vmnet.VmnetTable;
import dev.sluice.loop.EventLoop;
import dev.sluice.posix.KernelRandom;
import dev.sluice.posix.PosixException;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A guest network whose flows become sockets of this process. Attach links to it, or have it {@link #listen} for guests; they find a
 * router, DHCP, DNS and the world.
 *
 * <pre>{@code
 * try (Gateway gateway = Gateway.builder().start()) {
 *     gateway.listen(LinkUrl.parse("qemu:/tmp/vm.sock"));
 *     gateway.publishTcp(Ipv4Address.LOOPBACK, 2222, null, 22);
 *     …
 * }
 * }</pre>
 *
 * <p>Methods may be called from any thread; they wait for the loop, and throw {@link IOException} if it has ended or the thread is
 * interrupted. {@link #close} not from the loop's own. docs/gateway.md is the tutorial.
 */
public final class Gateway implements AutoCloseable {
    private final EventLoop loop;
    private final OnLoop onLoop;
    private final GuestNetwork network;
    private final Ports ports;
    private final Flows flows;
    private final Captures captures;
    /** Used on the loop's thread only. */
    private final VmnetTable vmnet;

    private final List<LinkServer> servers = new CopyOnWriteArrayList<>();
    /** Null where the kernel tells nothing. */
    private final @Nullable NetworkWatch watch;

    private final long started = System.nanoTime();

    private Gateway(EventLoop loop, OnLoop onLoop, GuestNetwork network, @Nullable NetworkWatch watch) {
        this.loop = loop;
        this.onLoop = onLoop;
        this.network = network;
        this.watch = watch;
        this.ports = new Ports(network.forwards, network.events, onLoop);
        this.flows = new Flows(network, onLoop);
        this.captures = new Captures(network, onLoop);
        AddressPlan plan = network.plan;
        this.vmnet = new VmnetTable(
                plan.firstGuest(),
                plan.lastGuest(),
                Set.of(plan.gateway(), plan.host()),
                network.dhcp.claims(loop::now),
                UUID::randomUUID);
    }

    /** What a gateway is made from; every part has a default. */
    public static final class Builder {
        private AddressPlan plan = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
        private Limits limits = Limits.defaults();
        private @Nullable FlowPolicy policy;
        private DnsSettings dns = DnsSettings.defaults();
        private boolean nameServer = true;
        private @Nullable DhcpSettings dhcp;
        private Outbound outbound = Outbound.ANY;
        private ProxySettings proxy = ProxySettings.NONE;

        private Builder() {}

        /** The addresses; by default 192.168.65.0/24 with an MTU of 1500, the host's loopback open, and no IPv6. */
        public Builder plan(AddressPlan plan) {
            this.plan = plan;
            return this;
        }

        /** What guests may make grow, and how far; {@link Limits#defaults} by default. */
        public Builder limits(Limits limits) {
            this.limits = limits;
            return this;
        }

        /** Replaces the plan's own policy ({@link FlowPolicy#of}). */
        public Builder policy(FlowPolicy policy) {
            this.policy = policy;
            return this;
        }

        /** The names of host, gateway and others that nothing overrides. */
        public Builder names(DnsNames names) {
            dns = dns.withNames(names);
            return this;
        }

        /** All about the name server; by default it answers as a program of this host would be told. Takes the place of {@link #names}. */
        public Builder dns(DnsSettings dns) {
            this.dns = dns;
            return this;
        }

        /** Whether the gateway is a name server; if not, its port 53 is closed like any other. */
        public Builder nameServer(boolean wanted) {
            this.nameServer = wanted;
            return this;
        }

        /** Replaces what DHCP says beside the plan ({@link DhcpSettings#alone}). */
        public Builder dhcp(DhcpSettings dhcp) {
            this.dhcp = dhcp;
            return this;
        }

        /** From which of the host's addresses flows leave. */
        public Builder outbound(Outbound outbound) {
            this.outbound = outbound;
            return this;
        }

        /** The HTTP proxy for guests; without it there is none. */
        public Builder proxy(ProxySettings proxy) {
            this.proxy = proxy;
            return this;
        }

        /**
         * Starts the gateway's loop.
         *
         * @throws IOException if the system gives no epoll instance or descriptors
         */
        public Gateway start() throws IOException {
            EventLoop loop = EventLoop.start("sluice-loop");
            OnLoop onLoop = new LoopCalls(loop);
            try {
                GuestNetwork network = onLoop.call(() -> new GuestNetwork(
                        loop,
                        new LinuxStreamHost(loop, outbound),
                        new LinuxDatagramHost(loop, outbound),
                        plan,
                        limits,
                        policy == null ? FlowPolicy.of(plan) : policy,
                        dns,
                        nameServer,
                        dhcp == null ? DhcpSettings.alone(plan) : dhcp,
                        new MappedMemory(),
                        new KernelRandom(),
                        loop::stalls));
                if (proxy != ProxySettings.NONE) {
                    onLoop.run(() -> network.proxy.settings(proxy));
                }
                NetworkWatch watch = onLoop.call(() -> watch(loop, network));
                return new Gateway(loop, onLoop, network, watch);
            } catch (IOException | RuntimeException e) {
                loop.close();
                throw e;
            }
        }
    }

    private static @Nullable NetworkWatch watch(EventLoop loop, GuestNetwork network) {
        try {
            return new NetworkWatch(loop, network::hostNetworkChanged);
        } catch (PosixException e) {
            System.getLogger(Gateway.class.getName())
                    .log(System.Logger.Level.DEBUG, "changes of the host's network are not noticed: " + e.getMessage());
            return null;
        }
    }

    /** A gateway in the making, with a default for everything. */
    public static Builder builder() {
        return new Builder();
    }

    /** The addresses, as it was started with. */
    public AddressPlan plan() {
        return network.plan;
    }

    /** The loop that links of this gateway must be made on. */
    public EventLoop loop() {
        return loop;
    }

    /**
     * Takes the guests that connect where {@code url} says, several or one as its kind has it. Those that can't be taken are told of in
     * the log of {@code dev.sluice.link}.
     *
     * @return what ends that when closed, as the gateway's own end does; guests that are there stay
     * @throws IOException with one line saying why that place can't be had, and what to do
     */
    public Closeable listen(LinkUrl url) throws IOException {
        return listen(url, (link, identity) -> {
            try {
                attach(link, identity == null ? null : identity.mac());
            } catch (IOException e) {
                System.getLogger("dev.sluice.link").log(System.Logger.Level.WARNING, e.getMessage());
            }
        });
    }

    /** As {@link #listen(LinkUrl)}, for who wants to know who comes: {@code guests} attaches them, or turns them away. */
    public Closeable listen(LinkUrl url, Guests guests) throws IOException {
        LinkServer server;
        try {
            server = LinkServer.open(loop, url, plan().mtu(), vmnet, guests);
        } catch (RejectedExecutionException e) {
            throw new IOException("the gateway has been closed", e);
        }
        servers.add(server);
        return () -> {
            servers.remove(server);
            server.close();
        };
    }

    /** How many places are listened at. */
    int listeners() {
        return servers.size();
    }

    /** Connects a guest's link, made on {@link #loop}; the gateway starts it, and owns it from now on. */
    public void attach(Link link) throws IOException {
        attach(link, null);
    }

    /**
     * Connects a guest's link.
     *
     * @param assigned the hardware address the guest was given with the link, or null if it chooses itself
     * @throws IOException if there are too many links; the link has been closed
     */
    public void attach(Link link, @Nullable MacAddress assigned) throws IOException {
        onLoop.run(() -> {
            if (!network.fabric.attach(link, assigned)) {
                throw new IOException("this gateway has all the guests it can take; " + link.name() + " was refused");
            }
            network.welcome(link);
        });
    }

    /** Disconnects a link and ends the flows of its guests. */
    public void detach(Link link) throws IOException {
        onLoop.run(() -> network.remove(link));
    }

    /** Tells of a guest that was configured by other means than DHCP: frames for its address go to {@code mac} on {@code link}. */
    public void bind(IpAddress address, MacAddress mac, Link link) throws IOException {
        long high = address.high();
        long low = address.low();
        onLoop.call(() -> network.guests.bind(high, low, mac.bits(), link, loop.now()));
    }

    /**
     * Ties an address to a hardware address: DHCP gives it to that guest and to no other.
     *
     * @throws IOException if another guest has it, or there are too many such ties
     */
    public void reserve(Ipv4Address address, MacAddress mac) throws IOException {
        onLoop.run(() -> {
            if (!network.dhcp.server().reserve(mac, address, loop.now())) {
                throw new IOException(address + " can't be reserved for " + mac
                        + ": it is no guest's address, another's, or there are too many reservations");
            }
        });
    }

    /**
     * Tells guests another domain and search list by DHCP, from now on; those that have a lease learn of it when they renew it.
     *
     * @throws IllegalArgumentException if one is no domain name; then nothing changes
     */
    public void guestNames(String domain, List<String> searchDomains) throws IOException {
        onLoop.run(() -> network.dhcp.server().names(domain, searchDomains));
    }

    /** Who is who among guests that speak vmnet, for those who listen by themselves; to be used on the loop only. */
    public VmnetTable vmnet() {
        return vmnet;
    }

    /** Tells {@code listener}, on the loop's thread, of every link that goes away by itself, and why. */
    public void onLeave(BiConsumer<Link, String> listener) throws IOException {
        onLoop.run(() -> network.onLeave(listener));
    }

    /** Has {@code listener} told, on the loop's thread, when the host's network has become another one: a VPN came or went. */
    public void onHostNetworkChange(Runnable listener) throws IOException {
        onLoop.call(() -> network.hostNetworkListeners.add(listener));
    }

    /** The name server: records and zones of its own, where it asks, and how it finds a name. Any thread, at any time. */
    public DnsService dns() {
        return network.dns;
    }

    /** The addresses of names, as guests are told them. Any thread; blocks. */
    public AddressLookup names() {
        return new AddressLookup(network.dns);
    }

    /** The HTTP proxy's settings. */
    public ProxySettings proxy() {
        return network.proxy.settings();
    }

    /**
     * Gives the HTTP proxy other settings: they hold for what comes, and what is under way goes on.
     *
     * @throws IOException if the gateway uses one of the ports itself; then nothing has changed
     */
    public void proxy(ProxySettings settings) throws IOException {
        onLoop.run(() -> network.proxy.settings(settings));
    }

    /** The conversations of guests, live. */
    public Flows flows() {
        return flows;
    }

    /** What the policy says of a flow; for those who explain it. */
    public FlowPolicy.Decision decide(FlowPolicy.Request request) throws IOException {
        return onLoop.call(() -> network.policy.decide(request));
    }

    /** What happens, for whoever listens. */
    public Events events() {
        return network.events;
    }

    /** The published ports: places on the host that lead to guests. */
    public Ports ports() {
        return ports;
    }

    /** What passes, for people and their tools. */
    public Captures captures() {
        return captures;
    }

    /**
     * Opens a port of the gateway that leads guests to a place of the host.
     *
     * @return false if it leads there already
     * @throws IOException if the gateway uses that port itself
     */
    public boolean forward(GatewayForward forward) throws IOException {
        return onLoop.call(() -> network.forward(forward));
    }

    /** What answers guests at a port of the gateway. */
    @FunctionalInterface
    public interface GuestService {
        /**
         * Serves one connection, blocking, on a virtual thread of its own; the connection ends when this returns.
         *
         * @param in until the guest has no more to say
         * @param out closing it is the end of what the guest gets
         */
        void serve(IpAddress guest, InputStream in, OutputStream out);
    }

    /**
     * Opens a TCP port of the gateway for a service of this process.
     *
     * @throws IOException if the gateway uses that port itself
     */
    public void serve(int port, GuestService service) throws IOException {
        onLoop.run(() -> network.serve(port, service));
    }

    /**
     * Closes a port that {@link #forward} has opened; connections through it go on.
     *
     * @return false if there is no such forward
     */
    public boolean unforward(GatewayForward forward) throws IOException {
        return onLoop.call(() -> network.unforward(forward));
    }

    /** The ports of the gateway that lead elsewhere. */
    public List<GatewayForward> gatewayForwards() throws IOException {
        return onLoop.call(() -> List.copyOf(network.gatewayForwards));
    }

    /**
     * Tells of an agent in the guest, by which forwards reach what frames cannot.
     *
     * @param path of the socket that leads to it
     * @param preamble what that socket wants to hear first, such as {@link dev.sluice.gateway.mux.AgentLink#VSOCK_PREAMBLE}; empty for nothing
     */
    public void agent(String path, Generation generation, String preamble) throws IOException {
        onLoop.run(() -> network.agent(path, generation, preamble));
    }

    /**
     * Waits for an agent of the guest's (a vpnkit-forwarder) to connect, by which forwards reach what frames cannot.
     *
     * @param path of the socket to make for it
     * @throws IOException saying why it can't be made
     */
    public void agentAt(String path) throws IOException {
        onLoop.run(() -> network.agentAt(path));
    }

    /** As {@link #agent(String, Generation, String)}, where the hypervisor has given the guest a vsock of this machine's. */
    public void agent(VsockAddress address, Generation generation) throws IOException {
        onLoop.run(() -> network.agent(address, generation));
    }

    /** As {@link #agentAt(String)}, at a port of this machine's vsock. */
    public void agentAt(VsockAddress address) throws IOException {
        onLoop.run(() -> network.agentAt(address));
    }

    /** What goes through the agent's multiplexer now, for people. */
    public List<String> agentChannels() throws IOException {
        return onLoop.call(() -> network.forwards.agentChannels());
    }

    /**
     * Publishes a guest's TCP port on the host.
     *
     * @param address of the host to listen on; 0.0.0.0 for all
     * @param port of the host, 0–65535; 0 lets the system choose
     * @param guestPort 1–65535
     * @param guest whose port it leads to; null for "the only guest there is"
     * @return what ends it when closed
     * @throws IOException if the port is not to be had, with the reason and what to do
     */
    public Forward publishTcp(Ipv4Address address, int port, @Nullable Ipv4Address guest, int guestPort)
            throws IOException {
        return publish(new ForwardSpec.Port(address, port, false), guest, guestPort);
    }

    /** Publishes a guest's UDP port on the host, as {@link #publishTcp}, but the guest must be named. */
    public Forward publishUdp(Ipv4Address address, int port, Ipv4Address guest, int guestPort) throws IOException {
        return publish(new ForwardSpec.Port(address, port, true), guest, guestPort);
    }

    private Forward publish(ForwardSpec.Port at, @Nullable Ipv4Address guest, int guestPort) throws IOException {
        ForwardSpec.Target target = guest == null ? new ForwardSpec.Only() : new ForwardSpec.Address(guest);
        int port = ports.add(List.of(new ForwardSpec(at, target, guestPort, false)))
                .getFirst()
                .port();
        ForwardSpec.Port made = new ForwardSpec.Port(at.address(), port, at.udp());
        return new Forward(port, () -> ports.remove(List.of(made), false));
    }

    /**
     * Joins clients on this host to services in the guests' namespace directly, without frames, where the guest could not be shown the
     * client's address anyway (loopback).
     *
     * @param inside sockets of that namespace; remains the caller's
     */
    public void shortcut(NamespaceSockets inside) throws IOException {
        onLoop.run(() -> network.inbound.shortcut(new LinuxStreamHost(loop, inside)));
    }

    /** A published port, until closed. */
    public static final class Forward implements AutoCloseable {
        private final int port;
        private final Callable<?> end;

        private Forward(int port, Callable<?> end) {
            this.port = port;
            this.end = end;
        }

        /** The host's port. */
        public int port() {
            return port;
        }

        /** Stops listening; what is under way goes on. Harmless after the gateway has closed. */
        @Override
        public void close() throws IOException {
            try {
                end.call();
            } catch (IOException e) {
                throw e;
            } catch (Exception e) {
                throw new IOException(e);
            }
        }
    }

    /** What it is and does now. */
    public GatewayStatus status() throws IOException {
        return StatusReport.withMemory(onLoop.call(() -> StatusReport.of(network, loop, started)));
    }

    /**
     * Ends all flows, those whose guest had more to say with a reset ({@link Flows#awaitSent} lets it come to an end), closes the links and the
     * loop. Idempotent.
     */
    @Override
    public void close() {
        servers.forEach(LinkServer::close);
        try {
            onLoop.run(() -> {
                if (watch != null) {
                    watch.close();
                }
                network.close();
            });
        } catch (IOException e) {
            // The loop has ended already.
        } finally {
            loop.close();
        }
    }
}
