package dev.sluice.net;

import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.net.dhcp.DhcpClient;
import dev.sluice.net.dhcp.Lease;
import dev.sluice.net.ip.Claimed;
import dev.sluice.net.ip.HostLink;
import dev.sluice.net.ip.IpCounters;
import dev.sluice.net.ip.IpInterface;
import dev.sluice.net.ip.Ipv4Interface;
import dev.sluice.net.ip.Ipv6Interface;
import dev.sluice.net.ip.LocalAddress;
import dev.sluice.net.ip.Neighbour;
import dev.sluice.wire.DhcpMessage;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * How a stack comes by its addresses, as its configuration has it, and loses them: those it was given are claimed, others are asked for by
 * DHCP and taken from routers. Confined to the loop but for the methods that say otherwise.
 */
final class HostAddresses {
    /** Told of changes. */
    interface Users {
        /** Nobody answers for a neighbour. */
        void onUnreachable(Neighbour neighbour);

        /** An address that was in use is over; {@code reason} is for people. */
        void onLost(IpAddress address, String reason);

        /** IPv6 packets out have another MTU. */
        void onMtu6(int mtu);
    }

    private static final System.Logger LOG = LateLogger.of("dev.sluice.net");

    private final Loop loop;
    private final HostLink link;
    private final NetConfig config;
    private final IpCounters counters;
    private final Users users;
    private final Ipv4Interface four;
    private final Ipv6Interface six;
    private final MemorySegment dhcpMemory = Arena.ofAuto().allocate(IpInterface.HEADROOM + 1600L, 8);
    private @Nullable DhcpClient dhcp;
    /** The hardware address that the last ACK came from: the server's, or that of a relay or router before it. */
    private long server;

    private volatile @Nullable Lease lease;
    private final CompletableFuture<Boolean> ready = new CompletableFuture<>();
    /** The same of IPv6; it never waits for ever. */
    private final CompletableFuture<Boolean> ready6 = new CompletableFuture<>();

    private final Timer patience6 = Timer.of(() -> ready6.complete(true));

    HostAddresses(
            Loop loop, HostLink link, NetConfig config, IpCounters counters, RandomGenerator random, Users users) {
        NetLimits limits = config.limits();
        this.loop = loop;
        this.link = link;
        this.config = config;
        this.counters = counters;
        this.users = users;
        this.four = new Ipv4Interface(
                link, counters, limits.neighbours(), limits.bytesPerNeighbour(), random, users::onUnreachable);
        this.six = new Ipv6Interface(
                link, counters, limits.neighbours(), limits.bytesPerNeighbour(), random, new Ipv6Owner());
        if (config.addressing() instanceof NetConfig.Addressing.Dhcp asked) {
            dhcp = new DhcpClient(loop, config.mac(), asked.hostName(), random, new DhcpOwner());
        }
    }

    /** The way out from these addresses. */
    IpInterface ip() {
        return new IpInterface(four, six);
    }

    /** What DHCP gave; null without DHCP and while there is no lease. Any thread. */
    @Nullable
    Lease lease() {
        return lease;
    }

    /** Done when the IPv4 address is in use, or if it can't be. Any thread. */
    CompletableFuture<Boolean> ready() {
        return ready;
    }

    /** Done when the IPv6 address is in use, if it can't be, or when that was waited for long enough. Any thread. */
    CompletableFuture<Boolean> ready6() {
        return ready6;
    }

    /** How long to wait for {@link #ready}; null for as long as it takes. */
    @Nullable
    Duration patience() {
        return switch (config.addressing()) {
            case NetConfig.Addressing.None _, NetConfig.Addressing.Static _ -> null;
            case NetConfig.Addressing.Dhcp asked -> asked.patience();
        };
    }

    /** Takes the addresses, or begins to look for them; on the loop, as all that follows. */
    void start() {
        boolean asked6 = !(config.ipv6() instanceof NetConfig.Ipv6.None);
        if (asked6 && link.mtu() < Ipv6Interface.LEAST_MTU) {
            throw new IllegalArgumentException("IPv6 needs links that carry " + Ipv6Interface.LEAST_MTU
                    + " bytes (RFC 8200 §5), this one has " + link.mtu() + "; open the stack without IPv6");
        }
        DhcpClient client = dhcp;
        switch (config.addressing()) {
            case NetConfig.Addressing.None _ -> ready.complete(true);
            case NetConfig.Addressing.Dhcp _ -> {
                if (client != null) {
                    client.start();
                }
            }
            case NetConfig.Addressing.Static(Ipv4Cidr address, Ipv4Address gateway) ->
                claim(new Ipv4Interface.Settings(address, gateway), ours -> settle(ready, ours, address.address()));
        }
        if (asked6) {
            start6();
        } else {
            ready6.complete(true);
        }
    }

    private void start6() {
        ConflictDetection conflicts = config.conflicts();
        Ipv6Address linkLocal = Ipv6Address.linkLocal(config.mac());
        six.start(conflicts.probes(), conflicts.interval().toNanos(), conflicts.announcements(), ours -> {
            if (!ours) {
                settle(ready6, false, linkLocal);
                return;
            }
            switch (config.ipv6()) {
                case NetConfig.Ipv6.None _ -> {}
                case NetConfig.Ipv6.Static(Ipv6Cidr address, Ipv6Address gateway) ->
                    six.take(address, gateway, free -> settle(ready6, free, address.address()));
                case NetConfig.Ipv6.Automatic(Duration patience) -> {
                    loop.schedule(patience6, loop.now() + Deadline.nanos(patience));
                    six.believeRouters();
                }
            }
        });
    }

    private static void settle(CompletableFuture<Boolean> ready, boolean ours, IpAddress address) {
        if (ours) {
            ready.complete(true);
        } else {
            ready.completeExceptionally(
                    new NetException.AddressInUse("another machine on this link has the address " + address));
        }
    }

    private void claim(Ipv4Interface.Settings settings, Claimed claimed) {
        ConflictDetection conflicts = config.conflicts();
        four.claim(settings, conflicts.probes(), conflicts.interval().toNanos(), conflicts.announcements(), claimed);
    }

    /**
     * A datagram to the port of DHCP clients; false if nobody asked for any.
     *
     * @param from the frame's sender
     */
    boolean onDhcp(long from, MemorySegment s, long at, int length) {
        DhcpClient client = dhcp;
        if (client == null) {
            return false;
        }
        return switch (DhcpMessage.decode(s, at, length)) {
            case DhcpMessage.Decoded.Message(DhcpMessage message) -> {
                if (message.type() == DhcpMessage.ACK
                        && message.hardwareAddress().equals(config.mac())) {
                    server = from;
                }
                client.onMessage(message);
                yield true;
            }
            case DhcpMessage.Decoded.Malformed _ -> {
                counters.malformed++;
                yield true;
            }
        };
    }

    /**
     * Has no address any more, and nobody waits for one.
     *
     * @param release whether a lease is given back
     */
    void close(Failure why, boolean release) {
        if (dhcp != null && release) {
            dhcp.stop();
        }
        lease = null;
        four.release();
        four.close();
        loop.cancel(patience6);
        six.close();
        ready.completeExceptionally(why.exception());
        ready6.completeExceptionally(why.exception());
    }

    private final class Ipv6Owner implements Ipv6Interface.Owner {
        @Override
        public void onUnreachable(Neighbour neighbour) {
            users.onUnreachable(neighbour);
        }

        @Override
        public void onLost(LocalAddress address, String reason) {
            users.onLost(address.address(), reason);
        }

        @Override
        public void onAddress() {
            if (config.ipv6() instanceof NetConfig.Ipv6.Automatic
                    && six.settings().addresses().size() > 1) {
                ready6.complete(true);
            }
        }

        @Override
        public void onMtu(int mtu) {
            users.onMtu6(mtu);
        }
    }

    private final class DhcpOwner implements DhcpClient.Owner {
        @Override
        public void send(DhcpMessage message, Ipv4Address destination) {
            long at = IpInterface.HEADROOM;
            int length = UdpHeader.LENGTH + message.encode(dhcpMemory, at + UdpHeader.LENGTH, 1500 - 28);
            UdpHeader.write(dhcpMemory, at, DhcpMessage.CLIENT_PORT, DhcpMessage.SERVER_PORT, length);
            // After a RELEASE the address is gone, and with it whatever would wait for an answer to ARP.
            Neighbour to = destination.equals(Ipv4Address.BROADCAST)
                    ? four.everybody()
                    : message.type() == DhcpMessage.RELEASE ? four.heardFrom(server) : four.route(destination.bits());
            if (to != null) {
                four.send(
                        to,
                        four.address(),
                        destination.bits(),
                        Ipv4Header.PROTOCOL_UDP,
                        dhcpMemory,
                        at,
                        length,
                        UdpHeader.CHECKSUM);
            }
        }

        @Override
        public void check(Lease given) {
            claim(new Ipv4Interface.Settings(given.address(), given.gateway()), ours -> {
                DhcpClient client = dhcp;
                if (client != null) {
                    client.checked(ours);
                }
            });
        }

        @Override
        public void bound(Lease given) {
            four.update(new Ipv4Interface.Settings(given.address(), given.gateway()));
            lease = given;
            ready.complete(true);
        }

        @Override
        public void lost(String reason) {
            LOG.log(System.Logger.Level.WARNING, "{0}; its connections end", reason);
            lease = null;
            Ipv4Interface.Settings had = four.settings();
            if (had != null) {
                users.onLost(had.address().address(), reason);
            }
            four.release();
        }
    }
}
