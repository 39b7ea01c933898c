package dev.sluice.net;

import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.link.LinkHandler;
import dev.sluice.loop.EventLoop;
import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Loop;
import dev.sluice.net.dhcp.Lease;
import dev.sluice.net.ip.HostLink;
import dev.sluice.net.ip.IpInterface;
import dev.sluice.net.ip.Ipv4Interface;
import dev.sluice.net.ip.Neighbour;
import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.stack.tcp.TcpShard;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A TCP/IP host on a link: addresses of both families, ICMP, UDP and TCP, behind calls that wait as those of sockets do. Made for virtual threads;
 * usable from any thread but the loop's own, where they throw {@link IllegalStateException}. An interrupt ends waiting with {@link
 * NetException.Interrupted}. See the package's theory of operation, and docs/stack.md for a tutorial.
 *
 * <pre>{@code
 * OpenTap tap = …;
 * try (NetStack net = NetStack.open(loop -> new TapLink(loop, tap, 1500), NetConfig.of("10.0.0.2/24"));
 *         TcpServer echo = net.tcp().serve(9000, 64, c -> c.inputStream().transferTo(c.outputStream()))) {
 *     echo.join();
 * }
 * }</pre>
 */
public final class NetStack implements AutoCloseable {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.net");

    /** Makes the link of a stack that has a loop to itself. */
    @FunctionalInterface
    public interface LinkOpener {
        /**
         * Makes it; the stack owns it from then on.
         *
         * @param loop that the link is to live on; ended by the stack, also if this fails
         */
        Link open(EventLoop loop) throws IOException;
    }

    private final Loop loop;
    /** Ends with the stack; null if the loop is somebody else's. */
    private @Nullable EventLoop owned;

    private final NetConfig config;
    private final NetCounters counters;
    private final HostLink link;
    private final HostAddresses addresses;
    private final IpInterface ip;
    private final TcpEngine tcpEngine;
    private final UdpEngine udpEngine;
    private final Icmp icmp;
    private final IcmpEngine icmpEngine;
    private final Tcp tcp;
    private final Udp udp;
    private final PacketInput input;
    private final CompletableFuture<Boolean> gone = new CompletableFuture<>();
    /** Why nothing works any more; null while it does. */
    private volatile @Nullable Failure closed;

    private NetStack(Loop loop, Link link, NetConfig config) {
        RandomGenerator random = new SecureRandom();
        NetLimits limits = config.limits();
        this.loop = loop;
        this.config = config;
        TcpShard shard = new TcpShard(NativeMemory.ofArenas(), limits.bufferBytes(), random);
        this.counters = new NetCounters(shard.counters());
        this.link = new HostLink(loop, link, config.mac().bits(), counters.ip);
        this.addresses = new HostAddresses(loop, this.link, config, counters.ip, random, new Users());
        this.ip = addresses.ip();
        this.tcpEngine = new TcpEngine(loop, this.link, ip, shard, counters, limits, config.nagle(), random);
        this.udpEngine = new UdpEngine(loop, this.link, ip, counters, limits, random);
        this.icmp = new Icmp(this, ip, limits, random);
        this.icmpEngine = new IcmpEngine(ip, counters, tcpEngine, udpEngine, icmp);
        this.tcp = new Tcp(this, tcpEngine);
        this.udp = new Udp(this, udpEngine);
        this.input = new PacketInput(
                loop,
                config.mac().bits(),
                ip,
                counters,
                limits,
                icmpEngine,
                new TransportInput(counters, tcpEngine, udpEngine, icmpEngine),
                addresses::onDhcp);
    }

    /**
     * Opens a host on {@code link} and waits until it has its addresses.
     *
     * @param loop that {@code link} lives on; not closed with the stack, and to be closed after it: a loop that ends tells nobody, and who
     *     waits in here waits until the stack is closed
     * @param link not started yet; belongs to the stack from now on, also if this fails
     * @throws NetException.AddressInUse if somebody else on the link has the address
     * @throws NetException.TimedOut if no DHCP server gave an address in time
     */
    public static NetStack open(Loop loop, Link link, NetConfig config) throws NetException {
        if (loop.isCurrent()) {
            throw new IllegalStateException("NetStack.open waits for its loop, so it cannot be called on it");
        }
        NetStack stack = begin(loop, link, config);
        try {
            await(stack.addresses.ready(), stack.addresses.patience());
            await(stack.addresses.ready6(), null);
        } catch (NetException | RuntimeException | Error e) {
            stack.close();
            throw e;
        }
        return stack;
    }

    private static NetStack begin(Loop loop, Link link, NetConfig config) throws NetException {
        try {
            return on(loop, () -> {
                try {
                    NetStack stack = new NetStack(loop, link, config);
                    link.start(stack.new Handler());
                    stack.addresses.start();
                    return stack;
                } catch (RuntimeException | Error e) {
                    link.close();
                    throw e;
                }
            });
        } catch (NetException.Interrupted e) {
            submit(loop, link::close);
            throw e;
        }
    }

    /**
     * Opens a host with a loop of its own, which ends with it: {@code NetStack.open(loop -> new TapLink(loop, tap, 1500), config)}.
     *
     * @throws IOException if the link can't be opened, or as {@link #open(Loop, Link, NetConfig)} says
     */
    public static NetStack open(LinkOpener opener, NetConfig config) throws IOException {
        EventLoop loop = EventLoop.start("net");
        try {
            NetStack stack = open(loop, opener.open(loop), config);
            stack.owned = loop;
            return stack;
        } catch (IOException | RuntimeException | Error e) {
            loop.close();
            throw e;
        }
    }

    // ---- for users

    /** Connections: to connect, to listen, to serve. */
    public Tcp tcp() {
        return tcp;
    }

    /** Datagrams. */
    public Udp udp() {
        return udp;
    }

    /** Pings of others; those of others are answered by the stack itself. */
    public Icmp icmp() {
        return icmp;
    }

    /** The IPv4 address with its network's prefix length; null while there is none, as after a lost lease. */
    public @Nullable Ipv4Cidr address() {
        Ipv4Interface.Settings settings = ip.four.settings();
        return settings == null ? null : settings.address();
    }

    /**
     * The IPv6 addresses with their networks' prefix lengths, the link-local one first; what routers advertise comes and goes. Empty
     * without IPv6.
     */
    public List<Ipv6Cidr> ipv6Addresses() {
        return ip.six.settings().addresses();
    }

    /** The next hop to other IPv6 networks; null for none. */
    public @Nullable Ipv6Address ipv6Gateway() {
        return ip.six.settings().router();
    }

    /** Name servers that routers (RFC 8106) or a DHCPv6 server have told of; this stack asks none itself. */
    public List<Ipv6Address> nameServers() {
        return ip.six.settings().nameServers();
    }

    /** Domains to look names up in, from the same. */
    public List<String> searchDomains() {
        return ip.six.settings().searchDomains();
    }

    /** The next hop to other IPv4 networks; null for none. */
    public @Nullable Ipv4Address gateway() {
        Ipv4Interface.Settings settings = ip.four.settings();
        return settings == null ? null : settings.gateway();
    }

    /** Its hardware address, as configured or random; the same for its whole life. */
    public MacAddress mac() {
        return config.mac();
    }

    /** What DHCP gave; null without DHCP and while there is no lease. */
    public @Nullable Lease lease() {
        return addresses.lease();
    }

    /** What has passed, failed and been dropped so far; live, so the same object each time. */
    public NetCounters counters() {
        return counters;
    }

    /** False once it was closed, or its link has ended: then every call throws {@link NetException.Closed}. */
    public boolean isOpen() {
        return closed == null;
    }

    /**
     * Ends everything: connections are reset, a lease is given back, the link is closed, and every thread that waits in here gets {@link
     * NetException.Closed}. Waits for the loop unless called on it. Idempotent.
     */
    @Override
    public void close() {
        if (closed == null) {
            closed = TcpEngine.STACK_CLOSED;
        }
        if (loop.isCurrent()) {
            end(TcpEngine.STACK_CLOSED, true);
            return;
        }
        try {
            loop.execute(() -> end(TcpEngine.STACK_CLOSED, true));
            gone.join();
        } catch (RejectedExecutionException e) {
            // The loop has ended; nobody else touches what is ours any more.
            tcpEngine.abandon();
            udpEngine.close(TcpEngine.STACK_CLOSED);
            gone.complete(true);
        }
        EventLoop own = owned;
        if (own != null) {
            own.close();
        }
    }

    // ---- between threads

    Loop loop() {
        return loop;
    }

    private static void submit(Loop loop, Runnable task) throws NetException {
        try {
            loop.execute(task);
        } catch (RejectedExecutionException e) {
            throw new NetException.Closed("the loop of this network stack has ended");
        }
    }

    IcmpEngine icmpEngine() {
        return icmpEngine;
    }

    NetException.Unreachable noRoute(IpAddress to) {
        return new NetException.Unreachable(
                "no route to " + to + TcpEngine.because(ip.noRoute(to)), NetException.Unreachable.LOCAL);
    }

    /** Runs {@code task} on the loop and waits for its result. */
    <T> T call(Callable<T> task) throws NetException {
        if (loop.isCurrent()) {
            throw new IllegalStateException("this call waits for the loop, so it cannot be made on it");
        }
        return on(loop, () -> {
            Failure over = closed;
            if (over != null) {
                throw over.exception();
            }
            return task.call();
        });
    }

    /**
     * Runs {@code task} on {@code loop} and waits for its result. Either an interrupt or the loop comes first: then the task is never run, or
     * its result is waited for all the same, so that nothing is made that nobody has.
     */
    private static <T> T on(Loop loop, Callable<T> task) throws NetException {
        CompletableFuture<T> result = new CompletableFuture<>();
        AtomicBoolean decided = new AtomicBoolean();
        submit(loop, () -> {
            if (decided.getAndSet(true)) {
                return;
            }
            try {
                result.complete(task.call());
            } catch (Throwable t) {
                result.completeExceptionally(t);
            }
        });
        try {
            return await(result, null);
        } catch (NetException.Interrupted e) {
            if (!decided.getAndSet(true)) {
                throw e;
            }
            result.handle((_, _) -> true).join(); // the loop is at it, and waits for nobody
            return await(result, null);
        }
    }

    <T> T await(CompletableFuture<T> result) throws NetException {
        return await(result, null);
    }

    private static <T> T await(CompletableFuture<T> result, @Nullable Duration patience) throws NetException {
        try {
            return patience == null ? result.get() : result.get(Deadline.nanos(patience), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new NetException.Interrupted("interrupted while waiting for the network");
        } catch (TimeoutException e) {
            throw new NetException.TimedOut("no DHCP server gave an address within " + Deadline.text(patience)
                    + "; is there one on this link?");
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            switch (cause) {
                case NetException net -> throw net;
                case RuntimeException runtime -> throw runtime;
                case Error error -> throw error;
                case null, default -> throw new IllegalStateException(cause);
            }
        }
    }

    // ---- on the loop

    private void end(Failure why, boolean release) {
        if (gone.isDone()) {
            return;
        }
        closed = why;
        tcpEngine.close(why);
        udpEngine.close(why);
        icmp.close(why);
        input.close();
        addresses.close(why, release);
        link.close();
        tcpEngine.shard.close();
        gone.complete(true);
    }

    private final class Handler implements LinkHandler {
        /** Neither protocol takes all the room for ever. */
        private boolean datagramsFirst;

        @Override
        public void onFrame(Link from, Frame frame) {
            input.onFrame(frame, loop.now());
        }

        @Override
        public void onBatchEnd(Link from) {
            tcpEngine.onBatchEnd();
        }

        @Override
        public void onRoom(Link from) {
            datagramsFirst = !datagramsFirst;
            if (datagramsFirst) {
                udpEngine.onRoom();
            }
            tcpEngine.onRoom();
            udpEngine.onRoom();
        }

        @Override
        public void onClosed(Link from, String reason) {
            end(new Failure(Failure.Kind.CLOSED, "the link " + from.name() + " ended: " + reason), false);
        }
    }

    /** Those that the addresses are for. */
    private final class Users implements HostAddresses.Users {
        @Override
        public void onUnreachable(Neighbour neighbour) {
            tcpEngine.onUnreachable(neighbour);
            icmp.onUnreachable(neighbour);
        }

        @Override
        public void onLost(IpAddress address, String reason) {
            tcpEngine.abortAll(
                    address,
                    new Failure(Failure.Kind.UNREACHABLE, "this host has lost its address " + address + ": " + reason));
        }

        @Override
        public void onMtu6(int mtu) {
            tcpEngine.mtu6(mtu);
        }
    }
}
