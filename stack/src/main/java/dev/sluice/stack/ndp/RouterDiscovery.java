package dev.sluice.stack.ndp;

import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.NdpMessage;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a host learns from router advertisements (RFC 4861 §6.3, RFC 4862 §5.5.3, RFC 8106); see the package. */
public final class RouterDiscovery {
    /** Routers, prefixes, name servers and search domains remembered; further ones are not taken while there are so many. */
    public static final int MOST = 8;

    private static final long SECOND = 1_000_000_000L;
    private static final long FOREVER = Long.MAX_VALUE;
    private static final long INFINITY = 0xffff_ffffL;
    /** RFC 4862 §5.5.3 e: nobody who can only send makes an address shorter-lived than this at once. */
    private static final long TWO_HOURS = 7200 * SECOND;

    private static final long FIRST_INTERVAL = 4 * SECOND;
    /** RFC 7559 §2: solicitations never end while there is no router, but become rare. */
    private static final long LONGEST_INTERVAL = 3600 * SECOND;
    /** RFC 8200 §5: what every link carries. */
    private static final int LEAST_MTU = 1280;
    /** RFC 4861 §6.2.1 lets a router advertise no more, in milliseconds. */
    private static final long LONGEST_REACHABLE = 3_600_000;

    /** Something that ends; times on the owner's clock. */
    private static class Entry {
        final Ipv6Address address;
        long until;

        Entry(Ipv6Address address, long until) {
            this.address = address;
            this.until = until;
        }

        boolean over(long now) {
            return until != FOREVER && now - until >= 0;
        }
    }

    /** A prefix to make addresses of. Until when such an address lives, and until when it is one to use for what is new. */
    public static final class Autonomous extends Entry implements Lifetime {
        private final Ipv6Cidr prefix;
        private long preferredUntil;

        private Autonomous(Ipv6Cidr prefix, long until, long preferredUntil) {
            super(prefix.address(), until);
            this.prefix = prefix;
            this.preferredUntil = preferredUntil;
        }

        public Ipv6Cidr prefix() {
            return prefix;
        }

        @Override
        public boolean isPreferred(long now) {
            return preferredUntil == FOREVER || now - preferredUntil < 0;
        }
    }

    private static final class OnLink extends Entry {
        final Ipv6Cidr prefix;

        OnLink(Ipv6Cidr prefix, long until) {
            super(prefix.address(), until);
            this.prefix = prefix;
        }
    }

    /** A domain to look names up in. */
    private record Domain(String name, long until) {}

    private final int linkMtu;
    private final List<Entry> routers = new ArrayList<>(0);
    private final List<OnLink> onLink = new ArrayList<>(0);
    private final List<Autonomous> autonomous = new ArrayList<>(0);
    private final List<Entry> nameServers = new ArrayList<>(0);
    private final List<Domain> domains = new ArrayList<>(0);
    private int mtu;
    private int hopLimit;
    private long reachableTime;
    private long nextSolicitation = FOREVER;
    private long interval;
    private boolean heard;
    private long refused;

    /** @param linkMtu what the link carries; no router can make it more */
    public RouterDiscovery(int linkMtu) {
        this.linkMtu = linkMtu;
        this.mtu = linkMtu;
    }

    /** Starts to solicit, {@code delay} from now (§6.3.7: at random within a second, so that not all ask at once). */
    public void start(long now, long delay) {
        interval = FIRST_INTERVAL;
        nextSolicitation = now + delay;
    }

    /** When {@link #onTimer} is due; {@code Long.MAX_VALUE} for never. */
    public long deadline() {
        long least = nextSolicitation;
        for (List<? extends Entry> entries : List.of(routers, onLink, autonomous, nameServers)) {
            for (Entry entry : entries) {
                least = Math.min(least, entry.until);
            }
        }
        for (Domain domain : domains) {
            least = Math.min(least, domain.until);
        }
        return least;
    }

    /**
     * Forgets what is over.
     *
     * @return whether a solicitation is to be sent
     */
    public boolean onTimer(long now) {
        for (List<? extends Entry> entries : List.of(routers, onLink, autonomous, nameServers)) {
            entries.removeIf(entry -> entry.over(now));
        }
        domains.removeIf(domain -> domain.until != FOREVER && now - domain.until >= 0);
        seekAnother(now);
        if (nextSolicitation == FOREVER || now - nextSolicitation < 0) {
            return false;
        }
        nextSolicitation = now + interval;
        interval = Math.min(2 * interval, LONGEST_INTERVAL);
        return true;
    }

    /** Starts to solicit if the last router is gone. */
    private void seekAnother(long now) {
        if (nextSolicitation == FOREVER && routers.isEmpty() && heard) {
            start(now, 0);
        }
    }

    /**
     * A router advertisement that has passed {@link NdpMessage#check(MemorySegment, long, long, int)}.
     *
     * @param high the link-local address it comes from, with {@code low}
     */
    public void onAdvertisement(MemorySegment s, long at, int length, long high, long low, long now) {
        Ipv6Address router = new Ipv6Address(high, low);
        int lifetime = NdpMessage.routerLifetime(s, at);
        put(routers, new Entry(router, after(now, lifetime)), lifetime);
        if (lifetime > 0) {
            heard = true;
            nextSolicitation = FOREVER;
        }
        seekAnother(now);
        if (NdpMessage.advertisedHopLimit(s, at) != 0) {
            hopLimit = NdpMessage.advertisedHopLimit(s, at);
        }
        long reachable = NdpMessage.reachableTime(s, at);
        if (reachable != 0 && reachable <= LONGEST_REACHABLE) {
            reachableTime = reachable * 1_000_000;
        }
        long end = at + length;
        for (long o = NdpMessage.firstOption(s, at); o < end; o += NdpMessage.optionLength(s, o)) {
            switch (NdpMessage.optionType(s, o)) {
                case NdpMessage.OPTION_PREFIX -> onPrefix(s, o, now);
                case NdpMessage.OPTION_MTU -> {
                    long told = NdpMessage.mtu(s, o);
                    if (told >= LEAST_MTU && told <= linkMtu) {
                        mtu = (int) told;
                    }
                }
                case NdpMessage.OPTION_RDNSS -> {
                    for (int i = 0; i < NdpMessage.dnsServers(s, o); i++) {
                        long seconds = NdpMessage.dnsLifetime(s, o);
                        put(nameServers, new Entry(NdpMessage.dnsServer(s, o, i), after(now, seconds)), seconds);
                    }
                }
                case NdpMessage.OPTION_DNSSL -> {
                    long seconds = NdpMessage.dnsLifetime(s, o);
                    for (String name : NdpMessage.searchList(s, o, MOST)) {
                        onDomain(new Domain(name, after(now, seconds)), seconds);
                    }
                }
                default -> {}
            }
        }
    }

    private void onDomain(Domain fresh, long seconds) {
        domains.removeIf(known -> known.name.equals(fresh.name));
        if (seconds > 0 && domains.size() < MOST) {
            domains.add(fresh);
        } else if (seconds > 0) {
            refused++;
        }
    }

    private void onPrefix(MemorySegment s, long option, long now) {
        if (!NdpMessage.isPrefix(s, option)) {
            return;
        }
        Ipv6Cidr prefix = NdpMessage.prefix(s, option);
        if (prefix.address().isLinkLocal() || prefix.address().isMulticast()) {
            return;
        }
        int flags = NdpMessage.prefixFlags(s, option);
        long valid = NdpMessage.validLifetime(s, option);
        long preferred = NdpMessage.preferredLifetime(s, option);
        if ((flags & NdpMessage.ON_LINK) != 0) {
            onLink.removeIf(known -> known.prefix.equals(prefix));
            add(onLink, new OnLink(prefix, after(now, valid)), valid);
        }
        if ((flags & NdpMessage.AUTONOMOUS) == 0 || preferred > valid || prefix.prefix() != 64) {
            return; // RFC 4862 §5.5.3 a–d; interface identifiers have 64 bits (RFC 4291 §2.5.1)
        }
        for (Autonomous known : autonomous) {
            if (known.prefix.equals(prefix)) {
                renew(known, valid, preferred, now);
                return;
            }
        }
        add(autonomous, new Autonomous(prefix, after(now, valid), after(now, preferred)), valid);
    }

    private static void renew(Autonomous known, long valid, long preferred, long now) {
        long until = after(now, valid);
        boolean longer = until == FOREVER || known.until != FOREVER && until - known.until > 0;
        boolean soon = known.until != FOREVER && known.until - now <= TWO_HOURS;
        if (longer || until - now > TWO_HOURS) {
            known.until = until;
        } else if (!soon) {
            known.until = now + TWO_HOURS;
        }
        known.preferredUntil = after(now, preferred);
    }

    private static long after(long now, long seconds) {
        return seconds >= INFINITY ? FOREVER : now + seconds * SECOND;
    }

    private void put(List<Entry> entries, Entry fresh, long seconds) {
        for (Entry known : entries) {
            if (known.address.equals(fresh.address)) {
                known.until = fresh.until;
                if (seconds == 0) {
                    entries.remove(known);
                }
                return;
            }
        }
        add(entries, fresh, seconds);
    }

    private <E extends Entry> void add(List<E> entries, E fresh, long seconds) {
        if (seconds == 0) {
            return;
        }
        if (entries.size() < MOST) {
            entries.add(fresh);
        } else {
            refused++;
        }
    }

    // ---- findings

    /** Default routers, the one to be tried first in front. */
    public int routers() {
        return routers.size();
    }

    /** The default router with this number; null if there are not so many. */
    public @Nullable Ipv6Address router(int index) {
        return index < routers.size() ? routers.get(index).address : null;
    }

    /** A router does not answer: the others go first (§6.3.6). */
    public void onUnreachable(long high, long low) {
        for (int i = 0; i < routers.size(); i++) {
            Entry router = routers.get(i);
            if (router.address.high() == high && router.address.low() == low) {
                routers.remove(i);
                routers.add(router);
                return;
            }
        }
    }

    /** A neighbour says that it is a router no more (§7.2.5): not a default one, either. */
    public void onNoRouter(long high, long low, long now) {
        routers.removeIf(router -> router.address.high() == high && router.address.low() == low);
        seekAnother(now);
    }

    /** The prefixes that are reached on the link itself. */
    public List<Ipv6Cidr> onLink() {
        return onLink.stream().map(known -> known.prefix).toList();
    }

    /** Whether an address is reached on the link itself, as far as routers said; link-local ones always are. */
    public boolean isOnLink(long high, long low) {
        for (OnLink known : onLink) {
            if (known.prefix.contains(high, low)) {
                return true;
            }
        }
        return false;
    }

    /** The prefixes to make addresses of. */
    public List<Autonomous> autonomous() {
        return autonomous;
    }

    /** Name servers to ask (RFC 8106). */
    public List<Ipv6Address> nameServers() {
        return nameServers.stream().map(entry -> entry.address).toList();
    }

    /** Domains to look names up in (RFC 8106 §5.2). */
    public List<String> searchDomains() {
        return domains.stream().map(Domain::name).toList();
    }

    /** Of packets out: the link's, or what a router says, if that is less. */
    public int mtu() {
        return mtu;
    }

    /** For packets out; 0 if no router has said. */
    public int hopLimit() {
        return hopLimit;
    }

    /** Nanoseconds for {@link Reachability.Timing#reachable}; 0 if no router has said. */
    public long reachableTime() {
        return reachableTime;
    }

    /** Entries not taken because there were too many. */
    public long refused() {
        return refused;
    }
}
