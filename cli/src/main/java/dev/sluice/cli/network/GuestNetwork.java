package dev.sluice.cli.network;

import dev.sluice.control.ApiDoor;
import dev.sluice.control.ApiToken;
import dev.sluice.control.ControlBackend;
import dev.sluice.control.ControlException;
import dev.sluice.control.ControlServer;
import dev.sluice.control.ControlSockets;
import dev.sluice.control.ProxyDoor;
import dev.sluice.control.SettingsDoor;
import dev.sluice.gateway.Captures;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.GatewayStatus;
import dev.sluice.gateway.dns.DnsDirectory;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.explain.Explained;
import dev.sluice.gateway.explain.Explainer;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.FlowInfo;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.forward.ForwardInfo;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.host.NamespaceSockets;
import dev.sluice.host.ResolvConf;
import dev.sluice.link.Framing;
import dev.sluice.link.Guests;
import dev.sluice.link.Link;
import dev.sluice.link.LinkServer;
import dev.sluice.link.LinkUrl;
import dev.sluice.link.StreamLink;
import dev.sluice.link.TapLink;
import dev.sluice.link.capture.CaptureFile;
import dev.sluice.link.tap.OpenTap;
import dev.sluice.link.vmnet.VmnetIdentity;
import dev.sluice.link.vmnet.VmnetTable;
import dev.sluice.loop.LateLogger;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Resources;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/**
 * The pieces of one guest network, wired by hand: gateway, links, capture, published ports, control socket. Made and used by a command's
 * thread; everything it starts ends with {@link #close}.
 */
public final class GuestNetwork implements AutoCloseable {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.cli.network");

    private final Gateway gateway;
    private final @Nullable CaptureFile capture;
    private final List<LinkServer> servers = new ArrayList<>();
    /** Used on the loop's thread only. */
    private final VmnetTable vmnet;
    /** Links of guests for whom this process is there. */
    private final Map<Link, Attendance> attended = new ConcurrentHashMap<>();

    private @Nullable ControlServer control;
    /** Where forwards lead that name no guest. */
    private volatile ForwardSpec.Target target = new ForwardSpec.Only();
    /** The way into the guest's namespace, until it was taken. */
    private @Nullable Namespace namespace;

    private @Nullable NamespaceSockets inside;
    private boolean closed;
    private volatile Map<String, Object> settings = Map.of();
    private volatile @Nullable SettingsDoor settingsDoor;
    private volatile @Nullable ProxyDoor proxyDoor;

    private GuestNetwork(Gateway gateway, @Nullable CaptureFile capture) {
        this.gateway = gateway;
        this.capture = capture;
        AddressPlan plan = gateway.plan();
        this.vmnet = new VmnetTable(
                plan.firstGuest(),
                plan.lastGuest(),
                Set.of(plan.gateway(), plan.host()),
                gateway.claims(),
                UUID::randomUUID);
    }

    /**
     * Starts the gateway.
     *
     * @param builder everything about the network
     * @param pcap where to write every frame; null for nowhere
     * @param forwards ports of the gateway that lead to places of the host
     * @throws IOException saying what failed and what to do; nothing is left behind
     */
    public static GuestNetwork start(Gateway.Builder builder, @Nullable Path pcap, List<GatewayForward> forwards)
            throws IOException {
        Resources.raiseDescriptorLimit();
        CaptureFile capture = null;
        Gateway gateway = null;
        try {
            gateway = builder.start();
            capture = pcap == null ? null : gateway.captures().file(pcap);
            for (GatewayForward forward : forwards) {
                gateway.forward(forward);
            }
            GuestNetwork network = new GuestNetwork(gateway, capture);
            HeapWatch.start();
            gateway.onLeave(network::left);
            return network;
        } catch (IOException | RuntimeException e) {
            if (gateway != null) {
                gateway.close();
            }
            if (capture != null) {
                capture.close();
            }
            throw e;
        }
    }

    /** Runs {@code starting}, as {@link #start} does, on a thread of its own. */
    public static Start startBeside(Callable<GuestNetwork> starting) {
        FutureTask<GuestNetwork> task = new FutureTask<>(starting);
        Thread.ofPlatform().name("start").start(task);
        return new Start(task);
    }

    /** A network that is being started; closing it before {@link #started} has returned closes the network, too. */
    public static final class Start implements AutoCloseable {
        private final FutureTask<GuestNetwork> task;
        private boolean taken;

        private Start(FutureTask<GuestNetwork> task) {
            this.task = task;
        }

        /** Waits for it; from then on it is the caller's. */
        public GuestNetwork started() throws IOException {
            try {
                GuestNetwork network = task.get();
                taken = true;
                return network;
            } catch (ExecutionException e) {
                switch (e.getCause()) {
                    case IOException io -> throw io;
                    case RuntimeException fault -> throw fault;
                    case null, default -> throw new IllegalStateException(e.getCause());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while starting the gateway");
            }
        }

        @Override
        public void close() throws IOException {
            if (!taken) {
                try {
                    started().close();
                } catch (IOException | RuntimeException e) {
                    // it never was; whoever closes without having taken it has an error of its own to tell
                    LOG.log(System.Logger.Level.DEBUG, "the gateway did not start: " + e.getMessage());
                }
            }
        }
    }

    /** Serves a TAP interface whose address is the plan's first; owns its descriptor from now on, also if this throws. */
    public void attach(OpenTap tap) throws IOException {
        attach(tap, gateway.plan().firstGuest());
    }

    /** As {@link #attach(OpenTap)}, where the interface has another address. */
    public void attach(OpenTap tap, Ipv4Address guest) throws IOException {
        Link link;
        try {
            link = new TapLink(gateway.loop(), tap, gateway.plan().mtu());
        } catch (IOException e) {
            Io.close(tap.fd());
            throw e;
        }
        gateway.attach(link);
        gateway.bind(guest, tap.mac(), link);
        Ipv6Plan six = gateway.plan().ipv6();
        if (six != null) {
            gateway.bind(six.firstGuest(), tap.mac(), link);
        }
    }

    /** How this process was started, for whoever has to find out what went wrong. */
    public void settings(Map<String, Object> settings) {
        this.settings = settings;
    }

    /** For what this class does not wire. */
    public Gateway gateway() {
        return gateway;
    }

    /**
     * Opens a place where guests connect.
     *
     * @param over called, on the loop's thread, when {@code url} is a connection rather than a place, and has ended
     */
    public void listen(LinkUrl url, Runnable over) throws IOException {
        open(url, url instanceof LinkUrl.Stdio ? new Attendance(over) : null);
    }

    /** The same of a place whose guests count. */
    public void listen(LinkUrl url, Attendance guests) throws IOException {
        open(url, guests);
    }

    private void open(LinkUrl url, @Nullable Attendance guests) throws IOException {
        servers.add(LinkServer.open(gateway.loop(), url, gateway.plan().mtu(), vmnet, new Arrivals(guests)));
    }

    /** Has the vmnet guest of this name get this hardware address. */
    public void choose(UUID guest, MacAddress mac) {
        gateway.loop().execute(() -> vmnet.choose(guest, mac));
    }

    /**
     * Serves the guest at the other end of a connected, non-blocking stream; owns the descriptor from now on.
     *
     * @param guests among which it counts; null for none
     */
    public void join(int fd, String name, Framing framing, @Nullable Attendance guests) {
        try {
            attach(new StreamLink(gateway.loop(), fd, fd, name, gateway.plan().mtu(), framing), null, guests);
        } catch (PosixException e) {
            Io.close(fd);
            LOG.log(System.Logger.Level.WARNING, name + " was turned away: " + e.getMessage());
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, String.valueOf(e.getMessage()));
        }
    }

    private void attach(Link link, @Nullable MacAddress mac, @Nullable Attendance guests) throws IOException {
        if (guests != null) {
            guests.came();
            attended.put(link, guests);
        }
        try {
            gateway.attach(link, mac);
        } catch (IOException | RuntimeException e) {
            gone(link);
            throw e;
        }
    }

    private void gone(Link link) {
        Attendance guests = attended.remove(link);
        if (guests != null) {
            guests.left();
        }
    }

    /** Brings the guests of one place to the gateway; on the loop's thread. */
    private final class Arrivals implements Guests {
        private final @Nullable Attendance guests;

        Arrivals(@Nullable Attendance guests) {
            this.guests = guests;
        }

        @Override
        public void onGuest(Link link, @Nullable VmnetIdentity identity) {
            LOG.log(
                    System.Logger.Level.DEBUG,
                    link.name() + " has connected" + (identity == null ? "" : " as " + identity.address()));
            try {
                attach(link, identity == null ? null : identity.mac(), guests);
            } catch (IOException e) {
                onProblem(link.name() + ": " + e.getMessage());
            }
        }

        @Override
        public void onProblem(String message) {
            LOG.log(System.Logger.Level.WARNING, message);
        }
    }

    private void left(Link link, String reason) {
        LOG.log(System.Logger.Level.WARNING, link.name() + " left: " + reason);
        gone(link);
    }

    /** Opens the guest's network namespace: a descriptor, the caller's. */
    public interface Namespace {
        int open() throws IOException;
    }

    /**
     * Says where published ports that name no guest lead.
     *
     * @param namespace the guest's: clients on this host reach its services without frames; null if there is none
     */
    public void publishTo(ForwardSpec.Target guest, @Nullable Namespace namespace) {
        target = guest;
        this.namespace = namespace;
    }

    /** Opens ports of the host; none or all. */
    public List<ForwardInfo> publish(List<ForwardSpec> forwards) throws IOException {
        if (forwards.isEmpty()) {
            return List.of();
        }
        openShortcut();
        List<ForwardSpec> specs =
                forwards.stream().map(spec -> spec.withDefault(target)).toList();
        List<ForwardInfo> open = gateway.ports().add(specs);
        for (int i = 0; i < open.size(); i++) {
            if (specs.get(i).listen() instanceof ForwardSpec.Port port && port.port() == 0) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "port " + open.get(i).listen() + " leads to the guest's port "
                                + open.get(i).guestPort());
            }
        }
        return open;
    }

    /**
     * Publishes the namespace's services by themselves.
     *
     * @throws IOException if the namespace cannot be looked into
     */
    public void publishAutomatically() throws IOException {
        openShortcut();
        NamespaceSockets sockets;
        synchronized (this) {
            sockets = inside;
        }
        try {
            if (sockets == null) {
                throw new IOException("there is no way into the namespace");
            }
            sockets.read("tcp");
            AutoPublish.start(sockets, gateway.ports(), target);
        } catch (IOException e) {
            throw new IOException("--publish-auto: the namespace's services can't be seen: " + e.getMessage(), e);
        }
    }

    /** With the first forward: a network without any needs no thread for it. */
    private synchronized void openShortcut() {
        Namespace way = namespace;
        if (way == null || closed) {
            return;
        }
        namespace = null;
        try {
            NamespaceSockets sockets = new NamespaceSockets(way.open());
            inside = sockets;
            gateway.shortcut(sockets);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "published ports go as frames: " + e.getMessage());
        }
    }

    /** As {@link #openControlSocket}, on a thread of its own: what that needs takes longer to load than many a command runs. */
    public void openControlSocketBeside() {
        Thread.ofPlatform().daemon().name("control-door").start(this::openControlSocket);
    }

    /** Starts answering {@code sluice status}; without it the network works as well, so a failure is only said. */
    public void openControlSocket() {
        try {
            server().open(ControlSockets.own());
        } catch (ControlException e) {
            LOG.log(System.Logger.Level.WARNING, "sluice status can't ask this process: " + e.getMessage());
        }
    }

    /**
     * Serves the control API at a further place.
     *
     * @param token what a client of a TCP port must know; null if there is none
     * @throws ControlException saying why not and what to do
     */
    public void openApi(ApiDoor door, @Nullable ApiToken token) throws ControlException {
        switch (door) {
            case ApiDoor.Socket(Path path) -> server().open(path);
            case ApiDoor.Port port -> {
                if (token == null) {
                    throw new IllegalArgumentException("a TCP port without a token would serve everybody");
                }
                int chosen = server().open(port, token);
                if (port.address().getPort() == 0) {
                    LOG.log(System.Logger.Level.WARNING, "the API is at http://127.0.0.1:" + chosen);
                }
            }
        }
    }

    private synchronized ControlServer server() throws ControlException {
        ControlServer server = control;
        if (server == null) {
            server = new ControlServer(new Backend());
            if (closed) {
                server.close();
            }
            control = server;
        }
        return server;
    }

    /** Says who knows the network's settings, for whoever asks over the control socket. */
    public void settings(SettingsDoor door) {
        settingsDoor = door;
    }

    /** Which way requests go. */
    public ProxyDoor proxy() {
        ProxyDoor door = proxyDoor;
        return door == null ? ProxyDoor.of(() -> gateway.proxy().policy()) : door;
    }

    /** Says which way requests go. */
    public void proxy(ProxyDoor door) {
        proxyDoor = door;
    }

    /** What the control socket shows and steers. */
    private final class Backend implements ControlBackend {
        @Override
        public GatewayStatus status() throws IOException {
            return gateway.status();
        }

        @Override
        public List<FlowInfo> flows() throws IOException {
            return gateway.flows().list();
        }

        @Override
        public Optional<FlowInfo> flow(long id) throws IOException {
            return gateway.flows().find(id);
        }

        @Override
        public Optional<FlowInfo> cutFlow(long id) throws IOException {
            return gateway.flows().cut(id);
        }

        @Override
        public DnsDirectory dns() {
            return gateway.dns().directory();
        }

        @Override
        public Events events() {
            return gateway.events();
        }

        @Override
        public Captures captures() {
            return gateway.captures();
        }

        @Override
        public Map<String, Object> settings() {
            return settings;
        }

        @Override
        public Explained explain(String target, @Nullable IpAddress guest) {
            return new Explainer(
                            gateway.plan(),
                            gateway.dns()::explain,
                            gateway::decide,
                            () -> gateway.proxy().policy(),
                            port -> gateway.proxy().transparentPorts().contains(port))
                    .explain(target, guest == null ? gateway.plan().firstGuest() : guest);
        }

        @Override
        public ProxyDoor proxy() {
            return GuestNetwork.this.proxy();
        }

        @Override
        public SettingsDoor settingsDoor() throws IOException {
            SettingsDoor door = settingsDoor;
            return door == null ? ControlBackend.super.settingsDoor() : door;
        }

        @Override
        public List<GatewayForward> gatewayForwards() throws IOException {
            return gateway.gatewayForwards();
        }

        @Override
        public void addGatewayForwards(List<GatewayForward> forwards) throws IOException {
            List<GatewayForward> before = gateway.gatewayForwards();
            try {
                for (GatewayForward forward : forwards) {
                    gateway.forward(forward);
                }
            } catch (IOException e) {
                for (GatewayForward forward : forwards) {
                    if (!before.contains(forward)) {
                        gateway.unforward(forward);
                    }
                }
                throw e;
            }
        }

        @Override
        public boolean removeGatewayForward(GatewayForward forward) throws IOException {
            return gateway.unforward(forward);
        }

        @Override
        public List<ForwardInfo> forwards() throws IOException {
            return gateway.ports().list();
        }

        @Override
        public List<ForwardInfo> addForwards(List<ForwardSpec> specs) throws IOException {
            return publish(specs);
        }

        @Override
        public List<ForwardInfo> removeForwards(List<ForwardSpec.Listen> places, boolean cut) throws IOException {
            return gateway.ports().remove(places, cut);
        }
    }

    /** What a guest without DHCP needs as its /etc/resolv.conf: our resolver, the host's search list. */
    public static String resolvConf(AddressPlan plan) {
        List<String> search = new ResolvConf(ResolvConf.PATH).config().search();
        Ipv6Plan six = plan.ipv6();
        return "nameserver " + plan.gateway() + "\n"
                + (six == null ? "" : "nameserver " + six.gateway() + "\n")
                + (search.isEmpty() ? "" : "search " + String.join(" ", search) + "\n");
    }

    @Override
    public void close() {
        ControlServer server;
        NamespaceSockets sockets;
        synchronized (this) {
            closed = true;
            server = control;
            sockets = inside;
        }
        SettingsDoor door = settingsDoor;
        if (door != null) {
            door.close();
        }
        if (server != null) {
            server.close();
        }
        ProxyDoor followed = proxyDoor;
        if (followed != null) {
            followed.close();
        }
        servers.forEach(LinkServer::close);
        gateway.close();
        if (sockets != null) {
            sockets.close();
        }
        if (capture != null) {
            try {
                capture.close();
                if (capture.lost() > 0) {
                    LOG.log(
                            System.Logger.Level.WARNING,
                            capture.lost() + " frames are missing in " + capture.path()
                                    + ": they came faster than they could be written");
                }
            } catch (IOException e) {
                LOG.log(System.Logger.Level.WARNING, "the capture may lack its end: " + e.getMessage());
            }
        }
    }
}
