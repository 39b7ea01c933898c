package dev.sluice.gateway.ndp;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.flow.SearchList;
import dev.sluice.link.Link;
import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Loop;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.NdpMessage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/** Answers, announces and defends the gateway's IPv6 addresses, and is the router. Confined to the loop; see the package. */
public final class NdpResponder {
    /** Shortest time between two announcements in defence, as for ARP. */
    static final long DEFEND_INTERVAL = 10_000_000_000L;

    private static final System.Logger LOG = LateLogger.of(NdpResponder.class.getName());
    private static final int MAX_WARNINGS = 256;

    private final Ipv6Plan plan;
    private final long mac;
    private final Counters counters;
    private final NdpSender sender;
    private final RouterAdvertiser router;
    private final Neighbours neighbours;
    private final Set<Long> warned = new HashSet<>();
    private boolean defended;
    private long defendedAt;

    /** Told where a guest says it is; on the loop's thread. Whether to believe it is the listener's business. */
    @FunctionalInterface
    public interface Neighbours {
        void onNeighbour(Link link, long mac, long high, long low);
    }

    /**
     * @param links those that guests are behind now
     * @param search what guests try for short names
     * @param neighbours told of guests' advertisements
     */
    public NdpResponder(
            Loop loop,
            AddressPlan plan,
            Ipv6Plan six,
            Counters counters,
            Supplier<List<Link>> links,
            SearchList search,
            Neighbours neighbours) {
        this.plan = six;
        this.mac = plan.mac().bits();
        this.counters = counters;
        this.neighbours = neighbours;
        this.sender = new NdpSender(Arena.ofAuto(), mac);
        this.router = new RouterAdvertiser(loop, plan, six, counters, sender, links, search);
    }

    /** Tells everybody on {@code link} of the gateway's addresses and the network's settings; call it when the link starts. */
    public void start(Link link) {
        announce(link, plan.linkLocal());
        announce(link, plan.gateway());
        announce(link, plan.host());
        router.start(link);
    }

    /** Whether {@code type} is one of this protocol's messages. */
    public static boolean isNdp(int type) {
        return type >= Icmpv6Header.ROUTER_SOLICITATION && type <= Icmpv6Header.REDIRECT;
    }

    /**
     * A message of this protocol from a guest.
     *
     * @param frameSourceMac Ethernet source of its frame
     * @param s holds the packet at {@code ip} and the ICMPv6 message at {@code at}, during this call
     * @param length of the message
     */
    public void onMessage(Link link, long frameSourceMac, MemorySegment s, long ip, long at, int length, long now) {
        if (NdpMessage.check(s, ip, at, length) != Flaw.NONE) {
            counters.drop(Drop.BAD_NDP);
            return;
        }
        long high = Ipv6Header.sourceHigh(s, ip);
        long low = Ipv6Header.sourceLow(s, ip);
        if (frameSourceMac == mac || MacAddress.isGroup(frameSourceMac)) {
            counters.drop(Drop.SPOOFED_SOURCE);
            return;
        }
        if (isOurs(high, low)) {
            conflict(link, frameSourceMac, high, low, now);
            return;
        }
        switch (IcmpHeader.type(s, at)) {
            case Icmpv6Header.ROUTER_SOLICITATION -> router.solicited(link, frameSourceMac, high, low, now);
            case Icmpv6Header.NEIGHBOUR_SOLICITATION -> onSolicitation(link, frameSourceMac, s, high, low, at, length);
            case Icmpv6Header.NEIGHBOUR_ADVERTISEMENT -> {
                if (isOurs(NdpMessage.targetHigh(s, at), NdpMessage.targetLow(s, at))) {
                    conflict(link, frameSourceMac, NdpMessage.targetHigh(s, at), NdpMessage.targetLow(s, at), now);
                } else {
                    neighbours.onNeighbour(
                            link, frameSourceMac, NdpMessage.targetHigh(s, at), NdpMessage.targetLow(s, at));
                }
            }
            // A guest is no router here, and redirects come from routers only.
            default -> counters.drop(Drop.BAD_NDP);
        }
    }

    private void onSolicitation(Link link, long from, MemorySegment s, long high, long low, long at, int length) {
        long targetHigh = NdpMessage.targetHigh(s, at);
        long targetLow = NdpMessage.targetLow(s, at);
        boolean detection = high == 0 && low == 0;
        long option = NdpMessage.option(s, at, length, NdpMessage.OPTION_SOURCE_LINK_ADDRESS);
        if (!isOurs(targetHigh, targetLow)) {
            return; // a guest's own business, its duplicate address detection included
        }
        if (option >= 0 && NdpMessage.linkAddress(s, option) != from) {
            counters.drop(Drop.SPOOFED_SOURCE);
            return;
        }
        counters.neighbourAdvertisements++;
        if (detection) {
            advertise(link, targetHigh, targetLow, NdpMessage.OVERRIDE);
        } else {
            int flags = NdpMessage.SOLICITED | NdpMessage.OVERRIDE | router(targetHigh, targetLow);
            int n = write(flags, targetHigh, targetLow);
            sender.send(link, from, high, low, targetHigh, targetLow, n);
        }
    }

    private boolean isOurs(long high, long low) {
        return plan.isGateway(high, low) || plan.isHost(high, low);
    }

    private int router(long high, long low) {
        return plan.isGateway(high, low) ? NdpMessage.ROUTER : 0;
    }

    private int write(int flags, long targetHigh, long targetLow) {
        return NdpMessage.writeNeighbour(
                sender.memory(),
                NdpSender.MESSAGE_AT,
                Icmpv6Header.NEIGHBOUR_ADVERTISEMENT,
                flags,
                targetHigh,
                targetLow,
                mac);
    }

    /** Asks one guest whether it is still there; whatever it then sends from its address is an answer. */
    public void ask(Link link, long to, long high, long low) {
        int n = NdpMessage.writeNeighbour(
                sender.memory(), NdpSender.MESSAGE_AT, Icmpv6Header.NEIGHBOUR_SOLICITATION, 0, high, low, mac);
        sender.send(
                link, to, high, low, plan.linkLocal().high(), plan.linkLocal().low(), n);
    }

    private void announce(Link link, Ipv6Address address) {
        advertise(link, address.high(), address.low(), NdpMessage.OVERRIDE);
    }

    /** Tells everybody who has the address. */
    private void advertise(Link link, long high, long low, int flags) {
        int n = write(flags | router(high, low), high, low);
        sender.send(
                link, NdpSender.ALL_NODES_MAC, Ipv6Address.ALL_NODES.high(), Ipv6Address.ALL_NODES.low(), high, low, n);
    }

    private void conflict(Link link, long claimant, long high, long low, long now) {
        counters.drop(Drop.SPOOFED_SOURCE);
        if (warned.size() < MAX_WARNINGS && warned.add(claimant)) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "{0} on {1} claims {2}, an address of the gateway; give it another of {3}",
                    new MacAddress(claimant),
                    link.name(),
                    new Ipv6Address(high, low),
                    plan.prefix());
        }
        if (!defended || now - defendedAt >= DEFEND_INTERVAL) {
            defended = true;
            defendedAt = now;
            advertise(link, high, low, NdpMessage.OVERRIDE);
        }
    }

    /** Ends the advertisements. */
    public void close() {
        router.close();
    }
}
