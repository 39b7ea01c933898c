package dev.sluice.net.ip;

import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Loop;
import dev.sluice.stack.dhcp6.Dhcpv6Client;
import dev.sluice.stack.ndp.Lifetime;
import dev.sluice.stack.ndp.RouterDiscovery;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.MacAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The host's IPv6 addresses: asks whether anybody has one already before it is used (RFC 4862 §5.4), keeps each as long as the prefix or
 * the lease it comes from, listens to its group, and chooses which to talk from (RFC 6724 §5). Confined to the loop.
 */
final class Ipv6Addresses {
    /** Told of changes. */
    interface Owner {
        /** An address is ours now, or turned out to be somebody else's. */
        void onClaimed();

        /** An address that was in use is over; {@code reason} is for people. */
        void onLost(LocalAddress address, String reason);

        /** Somebody else has the address that a DHCPv6 server gave. */
        void onDuplicate(Dhcpv6Client.Leased lease);
    }

    /** Link-local, given, one for each prefix, and those of DHCPv6. */
    private static final int MOST = 2 + RouterDiscovery.MOST + Dhcpv6Client.MOST;

    private static final System.Logger LOG = LateLogger.of("dev.sluice.net");

    /** An address of ours, or to be. */
    private final class Own extends LocalAddress {
        final Ipv6Cidr cidr;
        /** Of a prefix or a lease; null for what is ours for good. */
        final @Nullable Lifetime origin;

        final AddressClaim claim = new AddressClaim(loop, ndp);
        /** Nobody else has it. */
        boolean ours;
        /** Whether we listen to its group. */
        boolean listening = true;

        Own(Ipv6Cidr cidr, @Nullable Lifetime origin) {
            super(cidr.address().high(), cidr.address().low());
            this.cidr = cidr;
            this.origin = origin;
        }

        boolean isPreferred(long now) {
            return origin == null || origin.isPreferred(now);
        }
    }

    private final Loop loop;
    private final long mac;
    private final Owner owner;
    final Ndp ndp;
    final ListenerReports reports;
    private final List<Own> all = new ArrayList<>(0);
    private @Nullable Own linkLocal;
    private int probes;
    private long probeInterval;
    private int announcements;
    /** Of the last call of {@link #source}: most packets in a row have one. */
    private @Nullable Own lastSource;

    Ipv6Addresses(HostLink link, RandomGenerator random, Owner owner) {
        this.loop = link.loop;
        this.mac = link.mac();
        this.owner = owner;
        this.ndp = new Ndp(link, this);
        this.reports = new ListenerReports(link, MOST, random, this::linkLocal);
    }

    /**
     * Takes the link-local address, and no other yet.
     *
     * @param probes how often it is asked whether somebody has an address already
     * @param interval ns between, and after the last
     */
    void start(int probes, long interval, int announcements, Claimed claimed) {
        this.probes = probes;
        this.probeInterval = interval;
        this.announcements = announcements;
        linkLocal = claim(new Ipv6Cidr(Ipv6Address.linkLocal(new MacAddress(mac)), 64), null, claimed);
    }

    /** Takes one for good. */
    void take(Ipv6Cidr address, Claimed claimed) {
        claim(address, null, claimed);
    }

    private Own claim(Ipv6Cidr cidr, @Nullable Lifetime origin, Claimed claimed) {
        Own own = new Own(cidr, origin);
        all.add(own);
        reports.join(cidr.address());
        own.claim.start(own.high, own.low, probes, probeInterval, announcements, ours -> {
            own.ours = ours;
            if (!ours) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "another machine on this link has the address {0}; it is not used here",
                        own.cidr.address());
                leave(own);
            }
            owner.onClaimed();
            claimed.done(ours);
            if (!ours && origin instanceof Dhcpv6Client.Leased lease) {
                all.remove(own);
                owner.onDuplicate(lease);
            }
        });
        return own;
    }

    /** Takes addresses of new prefixes and leases, and gives up those whose prefix or lease is no longer there. */
    void follow(List<RouterDiscovery.Autonomous> prefixes, List<Dhcpv6Client.Leased> leases) {
        for (RouterDiscovery.Autonomous prefix : prefixes) {
            if (isNew(prefix)) {
                // The link-local address's identifier is unique on this link already (RFC 4291 appendix A).
                long low = Ipv6Address.linkLocal(new MacAddress(mac)).low();
                Ipv6Address address = new Ipv6Address(prefix.prefix().address().high(), low);
                claim(new Ipv6Cidr(address, prefix.prefix().prefix()), prefix, _ -> {});
            }
        }
        for (Dhcpv6Client.Leased lease : leases) {
            if (isNew(lease)) {
                // It says nothing of its neighbours (RFC 5942 §4), so the prefix is the address itself.
                claim(new Ipv6Cidr(lease.address(), 128), lease, _ -> {});
            }
        }
        for (Own own : List.copyOf(all)) {
            switch (own.origin) {
                case null -> {}
                case Dhcpv6Client.Leased lease -> {
                    if (!leases.contains(lease)) {
                        drop(own, "the DHCPv6 lease is over");
                    }
                }
                default -> {
                    if (!prefixes.contains(own.origin)) {
                        drop(own, "its prefix is no longer advertised");
                    }
                }
            }
        }
    }

    private boolean isNew(Lifetime origin) {
        for (Own own : all) {
            if (own.origin == origin) {
                return false;
            }
        }
        return all.size() < MOST;
    }

    private void drop(Own own, String reason) {
        all.remove(own);
        own.claim.cancel();
        leave(own);
        if (own.ours) {
            own.ours = false;
            lastSource = null;
            owner.onLost(own, reason);
        }
    }

    private void leave(Own own) {
        if (own.listening) {
            own.listening = false;
            reports.leave(own.cidr.address());
        }
    }

    /** Those in use, the link-local one first. */
    List<Ipv6Cidr> inUse() {
        return all.stream().filter(own -> own.ours).map(own -> own.cidr).toList();
    }

    /** The link-local one; null while it is not in use. */
    @Nullable
    LocalAddress linkLocal() {
        Own own = linkLocal;
        return own != null && own.ours ? own : null;
    }

    /** Whether an address is one of those in use. */
    boolean isOurs(long high, long low) {
        for (Own own : all) {
            if (own.ours && own.is(high, low)) {
                return true;
            }
        }
        return false;
    }

    /** Whether an address is in the network of one that is ours for good: of the others' networks, routers say what is on the link. */
    boolean isNearOurs(long high, long low) {
        for (Own own : all) {
            if (own.origin == null && own.ours && own.cidr.contains(high, low)) {
                return true;
            }
        }
        return false;
    }

    /** Whether the address was under question, which has now been answered: somebody else has it, or wants it as well. */
    boolean objected(long high, long low) {
        for (Own own : all) {
            if (own.claim.isProbing(high, low)) {
                own.claim.objection();
                return true;
            }
        }
        return false;
    }

    /**
     * The address to talk to {@code high}, {@code low} from (RFC 6724 §5, as far as one link goes): of its scope, not outlived, and most
     * like it.
     */
    @Nullable
    LocalAddress source(long high, long low) {
        boolean local = isLinkLocal(high);
        Own recent = lastSource;
        if (!local && recent != null && recent.high == high) {
            return recent;
        }
        if (local) {
            return linkLocal();
        }
        long now = loop.now();
        Own best = null;
        for (Own own : all) {
            if (own.ours && own != linkLocal && (best == null || isBetter(own, best, high, now))) {
                best = own;
            }
        }
        lastSource = best;
        return best;
    }

    /** Addresses have come or gone, or are older: the next packet's source is chosen afresh. */
    void chooseAgain() {
        lastSource = null;
    }

    private static boolean isBetter(Own own, Own best, long high, long now) {
        boolean preferred = own.isPreferred(now);
        if (preferred != best.isPreferred(now)) {
            return preferred;
        }
        return Long.numberOfLeadingZeros(own.high ^ high) > Long.numberOfLeadingZeros(best.high ^ high);
    }

    /** fe80::/10, and the groups of the link. */
    static boolean isLinkLocal(long high) {
        return high >>> 54 == 0xfe80 >>> 6 || high >>> 48 == 0xff02;
    }

    /** Has none any more. */
    void close() {
        for (Own own : all) {
            own.claim.cancel();
            leave(own);
        }
        all.clear();
        linkLocal = null;
        reports.close();
    }
}
