package dev.sluice.net.ip;

import dev.sluice.link.Frame;
import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Loop;
import dev.sluice.stack.ip.Fragmenter;
import dev.sluice.stack.ndp.Reachability;
import dev.sluice.wire.ArpHeader;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** The host's one IPv4 address on its one link: ARP, routes, and packets out. Confined to the loop but for {@link #settings}. */
public final class Ipv4Interface {
    /** The address and the way out, for any thread. */
    public record Settings(Ipv4Cidr address, @Nullable Ipv4Address gateway) {}

    public static final int TTL = 64;
    /** How often an address in use is defended at most (RFC 5227 §2.4, DEFEND_INTERVAL). */
    private static final long DEFEND_INTERVAL = 10_000_000_000L;

    private static final System.Logger LOG = LateLogger.of("dev.sluice.net");

    private final Loop loop;
    private final HostLink link;
    private final IpCounters counters;
    private final Arp arp;
    private final NeighbourCache cache;
    private final AddressClaim claim;
    private final Frame frame = new Frame();
    private final Fragmenter fragmenter = new Fragmenter(Arena.ofAuto());
    private final Fragmenter.Output fragments = this::sendFragment;
    private final Neighbour everybody;
    private Neighbour fragmentTarget;
    private volatile @Nullable Settings settings;
    /** As bits; 0 while there is none. The same as in {@link #settings}, for the packet path. */
    private int address;

    private @Nullable LocalAddress local;

    private int mask;
    private int gateway;
    private final Identifications identifications;
    private long lastDefence;

    /**
     * @param neighbours hardware addresses remembered
     * @param waitingBytes of frames that may wait for one of them
     * @param onUnreachable told of a neighbour that gives no answer
     */
    public Ipv4Interface(
            HostLink link,
            IpCounters counters,
            int neighbours,
            int waitingBytes,
            RandomGenerator random,
            Consumer<Neighbour> onUnreachable) {
        this.loop = link.loop;
        this.link = link;
        this.counters = counters;
        this.arp = new Arp(link);
        this.cache = new NeighbourCache(
                link, arp, Reachability.Timing.ARP, counters, neighbours, waitingBytes, onUnreachable);
        this.claim = new AddressClaim(loop, arp);
        this.identifications = new Identifications(random);
        this.everybody = neighbour(-1, MacAddress.BROADCAST.bits());
        this.fragmentTarget = everybody;
        this.lastDefence = loop.now() - DEFEND_INTERVAL;
    }

    private static Neighbour neighbour(int address, long mac) {
        return new Neighbour(IpHeader.MAPPED_HIGH, IpHeader.mapped(address), Reachability.fixed(mac));
    }

    // ---- the address

    /** The address in use; null while there is none. Any thread. */
    public @Nullable Settings settings() {
        return settings;
    }

    /** The address in use, as bits; 0 while there is none. */
    public int address() {
        return address;
    }

    /** The address in use; null while there is none. */
    @Nullable
    LocalAddress local() {
        return local;
    }

    public boolean isBroadcast(int destination) {
        return destination == -1 || (address != 0 && mask != -1 && destination == (address | ~mask));
    }

    /**
     * Asks whether {@code wanted} is free, takes it if so, and announces it (RFC 5227).
     *
     * @param interval ns between probes and after the last
     */
    public void claim(Settings wanted, int probes, long interval, int announcements, Claimed claimed) {
        long low = IpHeader.mapped(wanted.address().address().bits());
        claim.start(IpHeader.MAPPED_HIGH, low, probes, interval, announcements, ours -> {
            if (ours) {
                use(wanted);
            }
            claimed.done(ours);
        });
    }

    private void use(Settings now) {
        settings = now;
        address = now.address().address().bits();
        mask = now.address().mask();
        gateway = now.gateway() == null ? 0 : now.gateway().bits();
        local = new LocalAddress(IpHeader.MAPPED_HIGH, IpHeader.mapped(address));
        arp.ownAddress(address);
    }

    /** Takes other settings with the same address, as after a renewed lease. */
    public void update(Settings now) {
        use(now);
    }

    /** Has no address any more. */
    public void release() {
        claim.cancel();
        cache.clear();
        settings = null;
        local = null;
        address = 0;
        mask = 0;
        gateway = 0;
    }

    public void onArp(Frame received, long now) {
        MemorySegment s = received.head;
        long at = received.headAt + EthernetHeader.LENGTH;
        if (ArpHeader.check(s, at, received.headLength - EthernetHeader.LENGTH) != Flaw.NONE) {
            counters.malformed++;
            return;
        }
        long sender = ArpHeader.senderMac(s, at);
        int from = ArpHeader.senderAddress(s, at);
        int target = ArpHeader.targetAddress(s, at);
        if (sender == link.mac() || sender == 0 || MacAddress.isGroup(sender)) {
            return; // our own, come back, or nobody's
        }
        boolean request = ArpHeader.operation(s, at) == ArpHeader.REQUEST;
        if (claim.isProbing(IpHeader.MAPPED_HIGH, IpHeader.mapped(from))
                || (request && from == 0 && claim.isProbing(IpHeader.MAPPED_HIGH, IpHeader.mapped(target)))) {
            claim.objection();
            return;
        }
        if (address == 0) {
            return;
        }
        if (from == address) {
            conflict(sender, now);
            return;
        }
        boolean forUs = request && target == address;
        if (from != 0 && isOnLink(from)) {
            cache.onClaim(IpHeader.MAPPED_HIGH, IpHeader.mapped(from), sender, forUs, now);
        }
        if (forUs) {
            arp.answer(sender, from);
        }
    }

    /** Keeps the address and says so, but not more often than every ten seconds (RFC 5227 §2.4 (c)): a server must stay where it is. */
    private void conflict(long sender, long now) {
        counters.addressConflicts++;
        if (now - lastDefence >= DEFEND_INTERVAL) {
            lastDefence = now;
            arp.announce(IpHeader.MAPPED_HIGH, IpHeader.mapped(address));
            LOG.log(
                    System.Logger.Level.WARNING,
                    "{0} also uses this host''s address {1}; connections will suffer until one of them gives it up",
                    new MacAddress(sender),
                    new Ipv4Address(address));
        }
    }

    private boolean isOnLink(int other) {
        return ((other ^ address) & mask) == 0 && !isBroadcast(other);
    }

    // ---- packets out

    /** The next hop to {@code destination}, or null if there is none. */
    public @Nullable Neighbour route(int destination) {
        if (address == 0 || destination == address || destination >>> 24 == 0 || destination >>> 24 == 127) {
            return null;
        }
        if (isBroadcast(destination)) {
            return everybody;
        }
        if (destination >>> 28 == 0xe) {
            // RFC 1112 §6.4
            return neighbour(destination, 0x0100_5e00_0000L | (destination & 0x7f_ffff));
        }
        if (isOnLink(destination)) {
            return cache.find(IpHeader.MAPPED_HIGH, IpHeader.mapped(destination));
        }
        return gateway == 0 ? null : cache.find(IpHeader.MAPPED_HIGH, IpHeader.mapped(gateway));
    }

    /** As {@link IpInterface#noRoute}. */
    @Nullable
    String noRoute(Ipv4Address to) {
        Settings now = settings;
        if (now == null) {
            return "this host has no IPv4 address";
        }
        boolean local = now.address().contains(to) || to.isMulticast() || to.equals(Ipv4Address.BROADCAST);
        return local || now.gateway() != null ? null : "it is not in " + now.address() + ", and there is no gateway";
    }

    /** Where broadcasts go, also while there is no address. */
    public Neighbour everybody() {
        return everybody;
    }

    /** Who has been heard from {@code mac}, for what can't wait until somebody is asked. */
    public Neighbour heardFrom(long mac) {
        return neighbour(0, mac);
    }

    /** Sends a frame that is complete but for its Ethernet destination. */
    public boolean send(Neighbour to, Frame complete) {
        return cache.send(to, complete, loop.now());
    }

    /**
     * Sends one datagram: writes the IPv4 and Ethernet headers into the headroom before {@code at}, fragments it if it must.
     *
     * @param memory native, with {@link IpInterface#HEADROOM} writable bytes before {@code at}
     * @param at where the transport header starts
     * @param length transport header and payload
     * @param checksumOffset where in the transport header the checksum goes, made here or left to the link; or {@link
     *     IpInterface#COMPLETE}
     * @return false if it was dropped, which has been counted
     */
    public boolean send(
            Neighbour to,
            int source,
            int destination,
            int protocol,
            MemorySegment memory,
            long at,
            int length,
            int checksumOffset) {
        int total = Ipv4Header.MIN_LENGTH + length;
        long ip = at - Ipv4Header.MIN_LENGTH;
        long ethernet = ip - EthernetHeader.LENGTH;
        if (total > 0xffff) {
            counters.malformed++;
            return false;
        }
        EthernetHeader.write(memory, ethernet, 0, link.mac(), EthernetHeader.TYPE_IPV4);
        int identification = identifications.next(0, destination) & 0xffff;
        Ipv4Header.write(memory, ip, 0, total, identification, 0, TTL, protocol, source, destination);
        long pseudo = checksumOffset == IpInterface.COMPLETE
                ? 0
                : Checksum.pseudoHeader(source, destination, protocol, length);
        if (total > link.mtu()) {
            if (checksumOffset != IpInterface.COMPLETE) {
                Bytes.put16(memory, at + checksumOffset, 0);
                Bytes.put16(
                        memory, at + checksumOffset, UdpHeader.checksumField(Checksum.add(pseudo, memory, at, length)));
            }
            fragmentTarget = to;
            return fragmenter.fragment(memory, ip, total, link.mtu(), fragments) > 0;
        }
        frame.set(memory, ethernet, EthernetHeader.LENGTH + total);
        if (checksumOffset != IpInterface.COMPLETE) {
            Bytes.put16(memory, at + checksumOffset, Checksum.fold(pseudo));
            frame.checksumStart = EthernetHeader.LENGTH + Ipv4Header.MIN_LENGTH;
            frame.checksumOffset = checksumOffset;
        }
        return send(to, frame);
    }

    private void sendFragment(MemorySegment s, long at, int length) {
        long ethernet = at - EthernetHeader.LENGTH;
        EthernetHeader.write(s, ethernet, 0, link.mac(), EthernetHeader.TYPE_IPV4);
        send(fragmentTarget, frame.set(s, ethernet, EthernetHeader.LENGTH + length));
    }

    /** Stops its timers. */
    public void close() {
        claim.cancel();
        cache.clear();
    }
}
