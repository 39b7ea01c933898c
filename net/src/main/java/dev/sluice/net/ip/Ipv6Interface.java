package dev.sluice.net.ip;

import dev.sluice.link.Frame;
import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.stack.dhcp6.Dhcpv6Client;
import dev.sluice.stack.ip.Fragmenter;
import dev.sluice.stack.ip.Ipv6Fragmenter;
import dev.sluice.stack.ndp.Reachability;
import dev.sluice.stack.ndp.RouterDiscovery;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.Dhcpv6Reply;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.MldMessage;
import dev.sluice.wire.NdpMessage;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The host's IPv6 addresses on its one link: neighbour and router discovery, routes, and packets out. Confined to the loop but for {@link
 * #settings}. Silent until {@link #start}.
 */
public final class Ipv6Interface {
    /**
     * What is known and in use, for any thread.
     *
     * @param addresses ours, the link-local one first
     * @param router next hop to other networks, the first of several; null for none
     * @param onLink networks that routers say are on the link, beside those of the addresses
     * @param nameServers that routers and DHCPv6 servers have told of
     * @param searchDomains likewise
     * @param mtu of packets out
     */
    public record Settings(
            List<Ipv6Cidr> addresses,
            @Nullable Ipv6Address router,
            List<Ipv6Cidr> onLink,
            List<Ipv6Address> nameServers,
            List<String> searchDomains,
            int mtu) {}

    /** Told of changes, on the loop. */
    public interface Owner {
        /** Nobody answers for a neighbour. */
        void onUnreachable(Neighbour neighbour);

        /** {@link Settings#addresses} may have more than before. */
        void onAddress();

        /** An address that was in use is over; {@code reason} is for people. */
        void onLost(LocalAddress address, String reason);

        /** {@link Settings#mtu} is another now. */
        void onMtu(int mtu);
    }

    /** RFC 8200 §5: what every link must carry, and every path. */
    public static final int LEAST_MTU = 1280;

    private static final int HOP_LIMIT = 64;
    private static final long DEFEND_INTERVAL = 10_000_000_000L;
    private static final System.Logger LOG = LateLogger.of("dev.sluice.net");

    private final Loop loop;
    private final HostLink link;
    private final IpCounters counters;
    private final RandomGenerator random;
    private final Owner owner;
    private final Ipv6Addresses addresses;
    private final Ndp ndp;
    private final ListenerReports reports;
    private final NeighbourCache cache;
    private final RouterDiscovery discovery;
    /** Null until a router says that there is something to ask for. */
    private @Nullable Dhcpv6Port dhcp;

    private final Frame frame = new Frame();
    /** Made when first needed. */
    private @Nullable Ipv6Fragmenter fragmenter;

    private final Fragmenter.Output fragments = this::sendFragment;
    private @Nullable Neighbour fragmentTarget;
    private volatile Settings settings;
    /** The next hop that was given; null if routers are to be believed, or if there is none. */
    private @Nullable Ipv6Address gateway;

    private boolean believing;
    private boolean running;
    private long probeInterval;
    private final Identifications identifications;
    private long lastDefence;

    private final Timer timer = new Timer() {
        @Override
        protected void onTimer(long now) {
            if (discovery.onTimer(now)) {
                ndp.solicitRouters(addresses.linkLocal());
            }
            reconcile();
        }
    };

    /**
     * @param neighbours hardware addresses remembered
     * @param waitingBytes of frames that may wait for one of them
     */
    public Ipv6Interface(
            HostLink link, IpCounters counters, int neighbours, int waitingBytes, RandomGenerator random, Owner owner) {
        this.loop = link.loop;
        this.link = link;
        this.counters = counters;
        this.random = random;
        this.owner = owner;
        this.addresses = new Ipv6Addresses(link, random, new Changes());
        this.ndp = addresses.ndp;
        this.reports = addresses.reports;
        this.cache = new NeighbourCache(
                link, ndp, Reachability.Timing.NDP, counters, neighbours, waitingBytes, this::onUnreachable);
        this.discovery = new RouterDiscovery(link.mtu());
        this.settings = new Settings(List.of(), null, List.of(), List.of(), List.of(), link.mtu());
        this.identifications = new Identifications(random);
        this.lastDefence = loop.now() - DEFEND_INTERVAL;
    }

    // ---- addresses

    /**
     * Takes the link-local address, and no other yet.
     *
     * @param probes how often it is asked whether somebody has an address already (RFC 4862 §5.4)
     * @param interval ns between, and after the last
     */
    public void start(int probes, long interval, int announcements, Claimed claimed) {
        running = true;
        probeInterval = interval;
        addresses.start(probes, interval, announcements, claimed);
    }

    /** Takes the address given, with a next hop to other networks or none. */
    public void take(Ipv6Cidr address, @Nullable Ipv6Address gateway, Claimed claimed) {
        this.gateway = gateway;
        addresses.take(address, claimed);
    }

    /** Asks for routers and believes them: addresses, default router, MTU. */
    public void believeRouters() {
        believing = true;
        long now = loop.now();
        discovery.start(now, probeInterval == 0 ? 0 : random.nextLong(probeInterval));
        schedule();
    }

    /** Takes addresses of new prefixes and leases, and gives up those whose time is over. */
    void reconcile() {
        addresses.follow(discovery.autonomous(), dhcp == null ? List.of() : dhcp.addresses());
        publish();
        schedule();
    }

    private final class Changes implements Ipv6Addresses.Owner {
        @Override
        public void onClaimed() {
            publish();
            owner.onAddress();
        }

        @Override
        public void onLost(LocalAddress address, String reason) {
            owner.onLost(address, reason);
        }

        @Override
        public void onDuplicate(Dhcpv6Client.Leased lease) {
            if (dhcp != null) {
                dhcp.onDuplicate(lease.address(), loop.now());
            }
        }
    }

    private void publish() {
        addresses.chooseAgain();
        int before = settings.mtu;
        Dhcpv6Reply.Settings told = dhcp == null ? Dhcpv6Reply.Settings.NONE : dhcp.settings();
        settings = new Settings(
                addresses.inUse(),
                gateway == null ? discovery.router(0) : gateway,
                discovery.onLink(),
                both(discovery.nameServers(), told.nameServers()),
                both(discovery.searchDomains(), told.searchDomains()),
                discovery.mtu());
        if (settings.mtu != before) {
            owner.onMtu(settings.mtu);
        }
    }

    private static <T> List<T> both(List<T> first, List<T> second) {
        return Stream.concat(first.stream(), second.stream()).distinct().toList();
    }

    private void schedule() {
        long deadline = discovery.deadline();
        if (running && deadline != Long.MAX_VALUE) {
            loop.schedule(timer, deadline);
        }
    }

    /** What is in use. Any thread. */
    public Settings settings() {
        return settings;
    }

    /** Whether an address is one of this host's, in use. */
    public boolean isOurs(long high, long low) {
        return addresses.isOurs(high, low);
    }

    /** Whether packets to this group are for us: all nodes', or a solicited-node one. */
    public boolean isOurGroup(long high, long low) {
        return running
                && (high == Ipv6Address.ALL_NODES.high() && low == Ipv6Address.ALL_NODES.low()
                        || reports.has(high, low));
    }

    /** As {@link Ipv6Addresses#source}. */
    @Nullable
    LocalAddress source(long high, long low) {
        return addresses.source(high, low);
    }

    // ---- messages about the link

    /** An ICMPv6 message of this protocol, not yet looked at. */
    public void onNdp(long frameSource, MemorySegment s, long ip, long at, int length, long now) {
        if (!running || NdpMessage.check(s, ip, at, length) != Flaw.NONE) {
            counters.malformed++;
            return;
        }
        long high = Ipv6Header.sourceHigh(s, ip);
        long low = Ipv6Header.sourceLow(s, ip);
        if (isOurs(high, low)) {
            conflict(frameSource, high, low, now);
            return;
        }
        switch (IcmpHeader.type(s, at)) {
            case Icmpv6Header.NEIGHBOUR_SOLICITATION -> onSolicitation(frameSource, s, at, length, high, low, now);
            case Icmpv6Header.NEIGHBOUR_ADVERTISEMENT -> onAdvertisement(frameSource, s, at, length, now);
            case Icmpv6Header.ROUTER_ADVERTISEMENT -> onRouter(s, at, length, high, low, now);
            default -> {} // solicitations are for routers; redirects are not followed: one link, and few routers
        }
    }

    private void onSolicitation(long frameSource, MemorySegment s, long at, int length, long high, long low, long now) {
        long targetHigh = NdpMessage.targetHigh(s, at);
        long targetLow = NdpMessage.targetLow(s, at);
        boolean detection = high == 0 && low == 0;
        if (detection && addresses.objected(targetHigh, targetLow)) {
            return;
        }
        if (!isOurs(targetHigh, targetLow)) {
            return;
        }
        if (detection) {
            ndp.defend(targetHigh, targetLow);
            return;
        }
        long option = NdpMessage.option(s, at, length, NdpMessage.OPTION_SOURCE_LINK_ADDRESS);
        long mac = option < 0 ? 0 : NdpMessage.linkAddress(s, option);
        if (mac != 0 && !MacAddress.isGroup(mac)) {
            cache.onSolicitation(high, low, mac, now);
        }
        ndp.answer(mac == 0 || MacAddress.isGroup(mac) ? frameSource : mac, high, low, targetHigh, targetLow);
    }

    private void onAdvertisement(long frameSource, MemorySegment s, long at, int length, long now) {
        long high = NdpMessage.targetHigh(s, at);
        long low = NdpMessage.targetLow(s, at);
        if (addresses.objected(high, low)) {
            return;
        }
        if (isOurs(high, low)) {
            conflict(frameSource, high, low, now);
            return;
        }
        long option = NdpMessage.option(s, at, length, NdpMessage.OPTION_TARGET_LINK_ADDRESS);
        long mac = option < 0 ? 0 : NdpMessage.linkAddress(s, option);
        if (MacAddress.isGroup(mac)) {
            counters.malformed++;
            return;
        }
        int flags = NdpMessage.neighbourFlags(s, at);
        if ((flags & NdpMessage.ROUTER) == 0 && believing) {
            discovery.onNoRouter(high, low, now);
            publish();
            schedule();
        }
        cache.onAdvertisement(
                high, low, mac, (flags & NdpMessage.SOLICITED) != 0, (flags & NdpMessage.OVERRIDE) != 0, now);
    }

    private void onRouter(MemorySegment s, long at, int length, long high, long low, long now) {
        if (!believing) {
            return;
        }
        long option = NdpMessage.option(s, at, length, NdpMessage.OPTION_SOURCE_LINK_ADDRESS);
        long mac = option < 0 ? 0 : NdpMessage.linkAddress(s, option);
        if (mac != 0 && !MacAddress.isGroup(mac)) {
            cache.onSolicitation(high, low, mac, now);
        }
        discovery.onAdvertisement(s, at, length, high, low, now);
        if (discovery.reachableTime() != 0) {
            cache.timing(Reachability.Timing.NDP.withReachable(discovery.reachableTime()));
        }
        int flags = NdpMessage.routerFlags(s, at);
        if ((flags & (NdpMessage.MANAGED | NdpMessage.OTHER)) != 0) {
            Dhcpv6Port asked = dhcp;
            if (asked == null) {
                asked = new Dhcpv6Port(this, link, counters, random);
                dhcp = asked;
            }
            asked.onRouter(flags, now);
        }
        reconcile();
    }

    /** Whether datagrams to the port of DHCPv6 clients are for {@link #onDhcp}. */
    public boolean asksDhcp() {
        return dhcp != null;
    }

    /** A DHCPv6 message: the payload of a datagram whose checksum has been found right. */
    public void onDhcp(MemorySegment s, long at, int length, long now) {
        if (dhcp != null) {
            dhcp.onMessage(s, at, length, now);
        }
    }

    /** Keeps the address and says so, but not more often than every ten seconds, as for IPv4. */
    private void conflict(long other, long high, long low, long now) {
        counters.addressConflicts++;
        if (now - lastDefence >= DEFEND_INTERVAL) {
            lastDefence = now;
            ndp.defend(high, low);
            LOG.log(
                    System.Logger.Level.WARNING,
                    "{0} also uses this host''s address {1}; connections will suffer until one of them gives it up",
                    new MacAddress(other),
                    new Ipv6Address(high, low));
        }
    }

    /** A multicast router asks who listens. */
    public void onListenerQuery(MemorySegment s, long ip, long at, int length) {
        if (Ipv6Header.hopLimit(s, ip) != MldMessage.HOP_LIMIT
                || Ipv6Header.sourceHigh(s, ip) >>> 54 != 0xfe80 >>> 6
                || Icmpv6Header.check(s, ip, at, length) != Flaw.NONE
                || !MldMessage.isQuery(s, at, length)) {
            counters.malformed++; // RFC 3810 §6.2
            return;
        }
        long high = MldMessage.groupHigh(s, at);
        long low = MldMessage.groupLow(s, at);
        if (high == 0 && low == 0 || reports.has(high, low)) {
            reports.onQuery(MldMessage.responseDelay(s, at, length));
        }
    }

    private void onUnreachable(Neighbour neighbour) {
        discovery.onUnreachable(neighbour.high(), neighbour.low());
        publish();
        owner.onUnreachable(neighbour);
    }

    // ---- packets out

    /** The next hop to an address, or null if there is none. */
    @Nullable
    Neighbour route(long high, long low) {
        if (!running || high == 0 || isOurs(high, low)) {
            return null;
        }
        if (high >>> 56 == 0xff) {
            return new Neighbour(high, low, Reachability.fixed(Icmpv6Sender.groupMac(low)));
        }
        if (isOnLink(high, low)) {
            return cache.find(high, low);
        }
        Ipv6Address next = gateway == null ? router() : gateway;
        return next == null ? null : cache.find(next.high(), next.low());
    }

    /** One that is believed to be there, if there is any (RFC 4861 §6.3.6). */
    private @Nullable Ipv6Address router() {
        for (int i = 0; i < discovery.routers(); i++) {
            Ipv6Address router = discovery.router(i);
            Neighbour known = router == null ? null : cache.known(router.high(), router.low());
            if (known != null && known.reachability.linkAddress() != 0) {
                return router;
            }
        }
        return discovery.router(0);
    }

    private boolean isOnLink(long high, long low) {
        return high >>> 54 == 0xfe80 >>> 6 || discovery.isOnLink(high, low) || addresses.isNearOurs(high, low);
    }

    /** As {@link IpInterface#noRoute}. */
    @Nullable
    String noRoute(Ipv6Address to) {
        Settings now = settings;
        if (now.addresses.isEmpty()) {
            return "this host has no IPv6 address";
        }
        if (Ipv6Addresses.isLinkLocal(to.high())) {
            return null;
        }
        if (now.addresses.size() == 1) {
            return "this host has only a link-local address; no router has advertised a prefix, and no DHCPv6 server given an address";
        }
        boolean local = to.isMulticast();
        for (Ipv6Cidr own : now.addresses) {
            local |= own.contains(to);
        }
        for (Ipv6Cidr prefix : now.onLink) {
            local |= prefix.contains(to);
        }
        return local || now.router != null ? null : "it is not on this link, and there is no router";
    }

    int hopLimit() {
        return discovery.hopLimit() == 0 ? HOP_LIMIT : discovery.hopLimit();
    }

    boolean send(Neighbour to, Frame complete) {
        return cache.send(to, complete, loop.now());
    }

    /**
     * Sends one datagram, cut if it must be: to the MTU of the link for its neighbours, to what every path carries for others, as nothing
     * is known of their paths (RFC 8200 §5, RFC 8085 §3.2). Parameters as {@link IpInterface#send}.
     */
    boolean send(
            Neighbour to,
            long sourceHigh,
            long sourceLow,
            long high,
            long low,
            int protocol,
            MemorySegment memory,
            long at,
            int length,
            int checksumOffset) {
        long ip = at - Ipv6Header.LENGTH;
        long ethernet = ip - EthernetHeader.LENGTH;
        int total = Ipv6Header.LENGTH + length;
        if (length > 0xffff) {
            counters.malformed++;
            return false;
        }
        EthernetHeader.write(memory, ethernet, 0, link.mac(), EthernetHeader.TYPE_IPV6);
        Ipv6Header.write(memory, ip, 0, 0, length, protocol, hopLimit(), sourceHigh, sourceLow, high, low);
        long pseudo =
                checksumOffset == IpInterface.COMPLETE ? 0 : Ipv6Header.pseudoHeader(memory, ip, protocol, length);
        int mtu = to.is(high, low) ? discovery.mtu() : LEAST_MTU;
        if (total > mtu) {
            if (checksumOffset != IpInterface.COMPLETE) {
                Bytes.put16(memory, at + checksumOffset, 0);
                long sum = Checksum.add(pseudo, memory, at, length);
                Bytes.put16(memory, at + checksumOffset, UdpHeader.checksumField(sum));
            }
            fragmentTarget = to;
            Ipv6Fragmenter cutter = fragmenter;
            if (cutter == null) {
                cutter = new Ipv6Fragmenter(Arena.ofAuto());
                fragmenter = cutter;
            }
            return cutter.fragment(memory, ip, identifications.next(high, low), mtu, fragments) > 0;
        }
        frame.set(memory, ethernet, EthernetHeader.LENGTH + total);
        if (checksumOffset != IpInterface.COMPLETE) {
            Bytes.put16(memory, at + checksumOffset, Checksum.fold(pseudo));
            frame.checksumStart = EthernetHeader.LENGTH + Ipv6Header.LENGTH;
            frame.checksumOffset = checksumOffset;
        }
        return send(to, frame);
    }

    private void sendFragment(MemorySegment s, long at, int length) {
        Neighbour to = fragmentTarget;
        if (to != null) {
            long ethernet = at - EthernetHeader.LENGTH;
            EthernetHeader.write(s, ethernet, 0, link.mac(), EthernetHeader.TYPE_IPV6);
            send(to, frame.set(s, ethernet, EthernetHeader.LENGTH + length));
        }
    }

    /** Gives leases back, has no addresses any more, and stops its timers. */
    public void close() {
        if (dhcp != null) {
            dhcp.close();
            dhcp = null;
        }
        running = false;
        loop.cancel(timer);
        addresses.close();
        cache.clear();
        publish();
    }
}
