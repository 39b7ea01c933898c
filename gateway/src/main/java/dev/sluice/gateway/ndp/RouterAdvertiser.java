package dev.sluice.gateway.ndp;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.flow.SearchList;
import dev.sluice.link.Link;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.NdpMessage;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Supplier;

/** Sends router advertisements (RFC 4861 §6.2). Confined to the loop; see the package. */
final class RouterAdvertiser {
    private static final long SECOND = 1_000_000_000L;
    /** Between two advertisements to everybody: below a third of the lifetime, so that two may be lost (RFC 4861 §6.2.1). */
    static final long INTERVAL = 300 * SECOND;
    /** Between the first ones of a link (MAX_INITIAL_RTR_ADVERT_INTERVAL). */
    static final long FIRST_INTERVAL = 16 * SECOND;
    /** How many those are (MAX_INITIAL_RTR_ADVERTISEMENTS). */
    private static final int FIRST = 3;
    /** Between two to everybody, if the second was asked for (MIN_DELAY_BETWEEN_RAS). */
    private static final long PAUSE = 3 * SECOND;
    /** Seconds the gateway remains a router, and a name server, without being heard. */
    static final int LIFETIME = 1800;

    private static final long VALID = 86_400;
    private static final long PREFERRED = 14_400;
    private static final int HOP_LIMIT = 64;

    private final Loop loop;
    private final AddressPlan plan;
    private final Ipv6Plan six;
    private final Counters counters;
    private final NdpSender sender;
    private final Supplier<List<Link>> links;
    private final SearchList search;
    private final Timer timer = new Timer() {
        @Override
        protected void onTimer(long now) {
            advertiseToAll(now);
        }
    };
    /** Advertisements to go in the quick rhythm of a link's start. */
    private int first;
    /** When everybody was last told. */
    private long told;

    RouterAdvertiser(
            Loop loop,
            AddressPlan plan,
            Ipv6Plan six,
            Counters counters,
            NdpSender sender,
            Supplier<List<Link>> links,
            SearchList search) {
        this.loop = loop;
        this.plan = plan;
        this.six = six;
        this.counters = counters;
        this.sender = sender;
        this.links = links;
        this.told = loop.now() - PAUSE;
        this.search = search;
    }

    /** A link has started: tells it, and everybody a few times more in short order. */
    void start(Link link) {
        first = FIRST - 1;
        advertise(link, NdpSender.ALL_NODES_MAC, Ipv6Address.ALL_NODES.high(), Ipv6Address.ALL_NODES.low());
        soon(loop.now() + FIRST_INTERVAL);
    }

    /**
     * A guest asks.
     *
     * @param high its address, with {@code low}; both 0 if it has none yet
     */
    void solicited(Link link, long mac, long high, long low, long now) {
        if (high != 0 || low != 0) {
            advertise(link, mac, high, low);
        } else if (now - told >= PAUSE) {
            advertiseToAll(now);
        } else {
            soon(told + PAUSE);
        }
    }

    /** The next to everybody comes at {@code when} at the latest: who asks or starts often must not put it off. */
    private void soon(long when) {
        if (!timer.isArmed() || when - timer.deadline() < 0) {
            loop.schedule(timer, when);
        }
    }

    private void advertiseToAll(long now) {
        told = now;
        List<Link> all = links.get();
        for (Link link : all) {
            advertise(link, NdpSender.ALL_NODES_MAC, Ipv6Address.ALL_NODES.high(), Ipv6Address.ALL_NODES.low());
        }
        if (!all.isEmpty()) {
            first = Math.max(0, first - 1);
            loop.schedule(timer, now + (first > 0 ? FIRST_INTERVAL : INTERVAL));
        } // else the next link starts it again
    }

    private void advertise(Link link, long mac, long high, long low) {
        MemorySegment s = sender.memory();
        long at = NdpSender.MESSAGE_AT;
        int n = NdpMessage.writeAdvertisement(s, at, HOP_LIMIT, NdpMessage.OTHER, six.defaultRoute() ? LIFETIME : 0);
        n += NdpMessage.putLinkAddress(
                s, at + n, NdpMessage.OPTION_SOURCE_LINK_ADDRESS, plan.mac().bits());
        n += NdpMessage.putMtu(s, at + n, Math.min(plan.mtu(), link.mtu()));
        n += NdpMessage.putPrefix(
                s, at + n, six.prefix(), NdpMessage.ON_LINK | NdpMessage.AUTONOMOUS, VALID, PREFERRED);
        n += NdpMessage.putDnsServer(s, at + n, LIFETIME, six.gateway());
        List<String> searchList = search.all();
        if (!searchList.isEmpty()) {
            n += NdpMessage.putSearchList(s, at + n, LIFETIME, searchList);
        }
        counters.routerAdvertisements++;
        sender.send(
                link, mac, high, low, six.linkLocal().high(), six.linkLocal().low(), n);
    }

    void close() {
        loop.cancel(timer);
    }
}
