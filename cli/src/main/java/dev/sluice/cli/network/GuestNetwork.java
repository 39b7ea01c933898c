package dev.sluice.cli.network;

import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.forward.GatewayForward;
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
import dev.sluice.loop.LateLogger;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Resources;
import dev.sluice.posix.Seccomp;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/**
 * The pieces of one guest network, wired by hand: gateway, links, capture, {@link PublishedPorts}, {@link ControlDoors}. Made and used by a
 * command's thread; everything it starts ends with {@link #close}.
 */
public final class GuestNetwork implements AutoCloseable {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.cli.network");
    /** After a time without a byte nobody waits for the other side; a busy one gets as long as a slow line needs for what systems hold. */
    private static final Duration STILL = Duration.ofSeconds(2);

    private static final Duration MOST = Duration.ofSeconds(60);
    /** From then on, somebody may wonder. */
    private static final Duration QUIETLY = Duration.ofSeconds(1);

    private final Gateway gateway;
    private final @Nullable CaptureFile capture;
    /** Links of guests for whom this process is there. */
    private final Map<Link, Attendance> attended = new ConcurrentHashMap<>();

    private final PublishedPorts ports;
    private final ControlDoors control;

    private GuestNetwork(Gateway gateway, @Nullable CaptureFile capture) {
        this.gateway = gateway;
        this.capture = capture;
        this.ports = new PublishedPorts(gateway);
        this.control = new ControlDoors(gateway, ports);
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

    /** The ports of the host that lead to guests. */
    public PublishedPorts ports() {
        return ports;
    }

    /** Where this network is asked about itself, and steered. */
    public ControlDoors control() {
        return control;
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
        open(url, LinkServer.isConnection(url) ? new Attendance(over) : null);
    }

    /** The same of a place whose guests count. */
    public void listen(LinkUrl url, Attendance guests) throws IOException {
        open(url, guests);
    }

    private void open(LinkUrl url, @Nullable Attendance guests) throws IOException {
        gateway.listen(url, new Arrivals(guests));
    }

    /** Has the vmnet guest of this name get this hardware address. */
    public void choose(UUID guest, MacAddress mac) {
        gateway.loop().execute(() -> gateway.vmnet().choose(guest, mac));
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

    /**
     * Lets what guests said last still get to the world, once they are gone. The system of a process that ends goes on sending what it has left
     * to send; for a guest that is us, so that ends as late as this process does. A signal ends the wait.
     */
    public void awaitSent() {
        FutureTask<Integer> wait = new FutureTask<>(this::sendRest);
        Signals.onStop(() -> wait.cancel(true));
        wait.run();
        Thread.interrupted(); // the signal's: what follows takes its time
        try {
            int left = wait.isCancelled() ? gateway.flows().awaitSent(STILL, Duration.ZERO) : wait.get();
            if (left > 0) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        connections(left, " was", " were")
                                + " cut: the other side had not taken all that was said to it");
            }
        } catch (IOException | ExecutionException e) {
            LOG.log(System.Logger.Level.DEBUG, "no more is sent: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private int sendRest() throws IOException {
        int left = gateway.flows().awaitSent(STILL, QUIETLY);
        if (left > 0) {
            LOG.log(
                    System.Logger.Level.INFO,
                    connections(left, " has", " have") + " not taken all yet; Ctrl-C cuts what is left");
            left = gateway.flows().awaitSent(STILL, MOST);
        }
        return left;
    }

    private static String connections(int count, String one, String several) {
        return count + (count == 1 ? " connection" + one : " connections" + several);
    }

    /**
     * Finds out whether {@link #confine} will do.
     *
     * @param option by which it was asked for
     * @throws IOException saying why not
     */
    public static void checkConfinement(String option) throws IOException {
        try {
            Seccomp.check();
        } catch (PosixException e) {
            throw new IOException(
                    option + ": this system can't confine a process (" + e.getMessage() + "); do without", e);
        }
    }

    /**
     * Takes from this process, for good, what a network that is up has no need of ({@link Seccomp}). Nothing can be executed afterwards.
     *
     * @param publishing whether ports may be published later; the way into the namespace is then taken now
     */
    public void confine(boolean publishing) throws IOException {
        try {
            Seccomp.confine(ports.awaitShortcut(publishing));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while the namespace was entered");
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
        control.close();
        gateway.close();
        ports.close();
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
