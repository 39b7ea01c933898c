package dev.sluice.gateway.arp;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.loop.LateLogger;
import dev.sluice.wire.ArpHeader;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Set;

/** Answers, announces and defends the gateway's addresses, and asks for guests'. Confined to the loop; see the package. */
public final class ArpResponder {
    /** Shortest time between two announcements in defence (DEFEND_INTERVAL of RFC 5227). */
    static final long DEFEND_INTERVAL = 10_000_000_000L;
    /** How long a reply to {@link #resolve} is waited for. */
    static final long RESOLVE_NANOS = 3_000_000_000L;

    private static final System.Logger LOG = LateLogger.of(ArpResponder.class.getName());
    private static final int FRAME = EthernetHeader.LENGTH + ArpHeader.LENGTH;
    private static final int MAX_WARNINGS = 256;
    private static final int MAX_PENDING = 64;
    private static final long BROADCAST = MacAddress.BROADCAST.bits();

    private final AddressPlan plan;
    private final int gateway;
    private final int host;
    private final long mac;
    private final Counters counters;
    private final NeighbourListener listener;
    private final MemorySegment buffer;
    private final Frame frame = new Frame();
    private final Set<Long> warned = new HashSet<>();
    /** Addresses asked for, and until when replies count; a ring, 0 where none is. */
    private final int[] pending = new int[MAX_PENDING];

    private final long[] pendingUntil = new long[MAX_PENDING];
    private int nextPending;
    private boolean defended;
    private long defendedAt;

    /** One that tells nobody what it learns, with memory that lives as long as it does. */
    public ArpResponder(AddressPlan plan, Counters counters) {
        this(Arena.ofAuto(), plan, counters, NeighbourListener.IGNORED);
    }

    /** @param arena for one frame; must outlive this object and be usable by the loop's thread */
    public ArpResponder(Arena arena, AddressPlan plan, Counters counters, NeighbourListener listener) {
        this.plan = plan;
        this.gateway = plan.gateway().bits();
        this.host = plan.host().bits();
        this.mac = plan.mac().bits();
        this.counters = counters;
        this.listener = listener;
        this.buffer = arena.allocate(FRAME, 8);
    }

    /** Tells everybody on {@code link} where gateway and host are (RFC 5227 §2.3); call it when the link starts. */
    public void announce(Link link) {
        announce(link, gateway);
        if (host != 0) {
            announce(link, host);
        }
    }

    private void announce(Link link, int address) {
        send(link, BROADCAST, ArpHeader.REQUEST, address, 0, address);
    }

    /** Asks on {@code link} who has {@code address}; the answer, if one comes within three seconds, goes to the listener. */
    public void resolve(Link link, int address, long now) {
        ask(link, BROADCAST, address, now);
    }

    /** Asks one guest whether it is still there; its answer goes to the listener. */
    public void ask(Link link, long to, int address, long now) {
        nextPending = (nextPending + 1) % MAX_PENDING;
        pending[nextPending] = address;
        pendingUntil[nextPending] = now + RESOLVE_NANOS;
        send(link, to, ArpHeader.REQUEST, gateway, 0, address);
    }

    /**
     * An ARP message from a guest.
     *
     * @param frameSourceMac Ethernet source of its frame
     * @param s holds the message at {@code at} during this call
     * @param length bytes from {@code at}, Ethernet padding included
     * @param now the loop's clock
     */
    public void onArp(Link link, long frameSourceMac, MemorySegment s, long at, int length, long now) {
        if (ArpHeader.check(s, at, length) != Flaw.NONE) {
            counters.drop(Drop.BAD_ARP);
            return;
        }
        long senderMac = ArpHeader.senderMac(s, at);
        int sender = ArpHeader.senderAddress(s, at);
        int target = ArpHeader.targetAddress(s, at);
        if (senderMac == mac || senderMac != frameSourceMac || MacAddress.isGroup(senderMac)) {
            counters.drop(Drop.SPOOFED_SOURCE);
            return;
        }
        if (sender != 0 && isOurs(sender)) {
            conflict(link, senderMac, sender, now);
            return;
        }
        boolean request = ArpHeader.operation(s, at) == ArpHeader.REQUEST;
        if (isGuest(sender) && (request || wasAsked(sender, now))) {
            listener.onNeighbour(link, senderMac, sender);
        }
        if (request && isOurs(target)) {
            send(link, senderMac, ArpHeader.REPLY, target, senderMac, sender);
            counters.arpReplies++;
        }
    }

    private boolean isOurs(int address) {
        return address == gateway || address == host && host != 0;
    }

    private boolean isGuest(int address) {
        return plan.subnet().contains(address)
                && address != plan.subnet().network().bits()
                && address != plan.subnet().broadcast().bits();
    }

    private boolean wasAsked(int address, long now) {
        for (int i = 0; i < MAX_PENDING; i++) {
            if (pending[i] == address && pendingUntil[i] - now > 0) {
                pending[i] = 0;
                return true;
            }
        }
        return false;
    }

    private void conflict(Link link, long claimant, int address, long now) {
        counters.drop(Drop.SPOOFED_SOURCE);
        if (warned.size() < MAX_WARNINGS && warned.add(claimant)) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "{0} on {1} claims {2}, an address of the gateway; give it another (DHCP hands out {3}-{4})",
                    new MacAddress(claimant),
                    link.name(),
                    new Ipv4Address(address),
                    plan.firstGuest(),
                    plan.lastGuest());
        }
        if (!defended || now - defendedAt >= DEFEND_INTERVAL) {
            defended = true;
            defendedAt = now;
            announce(link, address);
        }
    }

    private void send(Link link, long to, int operation, int sender, long targetMac, int target) {
        EthernetHeader.write(buffer, 0, to, mac, EthernetHeader.TYPE_ARP);
        ArpHeader.write(buffer, EthernetHeader.LENGTH, operation, mac, sender, targetMac, target);
        link.send(frame.set(buffer, 0, FRAME));
    }
}
