package dev.sluice.gateway;

import dev.sluice.gateway.event.Event;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.link.Link;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.MacAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Which guest owns which address: learned from frames, made firm by DHCP leases. An address in use belongs to the MAC that had it
 * first; a frame that says otherwise is a spoof and is dropped, until the owner has been silent for a minute, or gives no answer when asked
 * ({@link Challenges}). Confined to the loop.
 *
 * <p>Open addressing with linear probing over at most {@code limit} guests; looking up allocates nothing. When full, the guest
 * without a lease that has been silent longest is forgotten. Should it come back while a flow still knows it, it is the same {@code Guest}
 * ({@link FormerGuests}), so flows need not look for it. What takes a look through the whole table, as a further IPv6 address or one more
 * guest in a full table, is done for so many frames of a link only ({@link Searches}).
 */
final class GuestTable {
    private static final long SILENCE = 60_000_000_000L;
    /** A century and more. */
    private static final long FOREVER = Long.MAX_VALUE / 2;

    private static final long LINK_LOCAL = 0xfe80L << 48;
    /** IPv6 addresses of one MAC: link-local, stable, and temporary ones that overlap for a while. */
    static final int ADDRESSES_PER_MAC = 16;

    private final AddressPlan plan;
    private final Counters counters;
    private final Events events;
    private final int limit;
    private final Challenges challenges;
    private final FormerGuests former;
    private final Searches searches = new Searches();
    private final @Nullable Guest[] slots;
    private final long seed = ThreadLocalRandom.current().nextLong();
    private int size;
    /** The last one found of each family: most packets come in runs from one guest. */
    private @Nullable Guest last;

    private @Nullable Guest last6;

    GuestTable(AddressPlan plan, Counters counters, Events events, int limit) {
        this(plan, counters, events, limit, guest -> {});
    }

    /** @param ask asks a guest, where it is known to be, whether it is still there */
    GuestTable(AddressPlan plan, Counters counters, Events events, int limit, Consumer<Guest> ask) {
        this.plan = plan;
        this.counters = counters;
        this.events = events;
        this.limit = limit;
        this.challenges = new Challenges(ask);
        this.former = new FormerGuests(limit);
        this.slots = new @Nullable Guest[Integer.highestOneBit(Math.max(8, limit * 2 - 1)) * 2];
    }

    /** The guest that sent this frame, or null if it may not use that address (counted). */
    @Nullable
    Guest sender(int address, long mac, Link link, long now) {
        Guest cached = last;
        if (cached != null && cached.address == address && cached.mac == mac && cached.link == link) {
            cached.lastSeen = now;
            return cached;
        }
        if (!plan.subnet().contains(address) || isReserved(address)) {
            counters.drop(Drop.SPOOFED_SOURCE);
            return null;
        }
        return last = claim(IpHeader.MAPPED_HIGH, IpHeader.mapped(address), mac, link, now);
    }

    /** The guest that sent this frame from an IPv6 address, or null if it may not use that address (counted). */
    @Nullable
    Guest sender(long high, long low, long mac, Link link, long now) {
        Guest cached = last6;
        if (cached != null && cached.hasAddress(high, low) && cached.mac == mac && cached.link == link) {
            cached.lastSeen = now;
            return cached;
        }
        Ipv6Plan six = plan.ipv6();
        if (six == null || !isGuestAddress(six, high, low) || MacAddress.isGroup(mac)) {
            counters.drop(Drop.SPOOFED_SOURCE);
            return null;
        }
        return last6 = claim(high, low, mac, link, now);
    }

    /** In the prefix or link-local, not one of ours, nor the router anycast address (RFC 4291 §2.6.1). */
    static boolean isGuestAddress(Ipv6Plan plan, long high, long low) {
        boolean local = plan.contains(high) || high == LINK_LOCAL;
        return local && low != 0 && !plan.isGateway(high, low) && !plan.isHost(high, low);
    }

    private @Nullable Guest claim(long high, long low, long mac, Link link, long now) {
        Guest guest = find(high, low);
        boolean listed = guest != null;
        if (!listed) {
            guest = former.find(high, low);
        }
        if (guest != null
                && guest.mac != mac
                && holds(guest, now)
                && (guest.isLeased(now) || !challenges.yields(guest, mac, now))) {
            counters.drop(Drop.SPOOFED_SOURCE);
            return null;
        }
        boolean ipv4 = IpHeader.isIpv4(high, low);
        if (!listed && (!ipv4 || size >= limit) && (!searches.take(link, now) || !ipv4 && !makeRoomFor(mac, now))) {
            counters.drop(Drop.GUEST_LIMIT);
            return null;
        }
        if (guest == null) {
            guest = new Guest(high, low, mac, link);
        }
        guest.mac = mac;
        guest.link = link; // one guest on two links (vmnet allows it): answer where it spoke last
        guest.lastSeen = now;
        if (!listed) {
            enter(guest);
        }
        return guest;
    }

    /** Whether the guest is there, as far as is known, or may at least return to its address. */
    boolean holds(Guest guest, long now) {
        return guest.isLeased(now) || isHeard(guest, now);
    }

    /** Whether something came from the guest within the last minute. */
    boolean isHeard(Guest guest, long now) {
        return now - guest.lastSeen < SILENCE;
    }

    /** A guest shows that it is there by something else than a packet of its own. */
    void heard(Guest guest, long mac, Link link, long now) {
        if (guest.mac == mac && guest.link == link) {
            guest.lastSeen = now;
        }
    }

    /**
     * Whether a hardware address on one link may turn up on another: if no guest has it there, or none that has answers. Beyond
     * what {@link Searches} allow the answer is no, and a machine that has really moved is heard with one of its next frames.
     */
    boolean mayMove(long mac, Link from, Link to, long now) {
        if (!searches.take(to, now)) {
            counters.drop(Drop.SPOOFED_SOURCE);
            return false;
        }
        Guest holder = null;
        for (Guest guest : slots) {
            if (guest != null
                    && guest.mac == mac
                    && guest.link == from
                    && (holder == null || guest.lastSeen - holder.lastSeen > 0)) {
                holder = guest;
            }
        }
        if (holder != null && isHeard(holder, now) && !challenges.yields(holder, System.identityHashCode(to), now)) {
            counters.drop(Drop.SPOOFED_SOURCE);
            return false;
        }
        return true;
    }

    /**
     * A machine makes up IPv6 addresses at will (RFC 8981), so each MAC has a few of them: a further one takes the place of the one
     * that has been silent longest, if that was for a while.
     */
    private boolean makeRoomFor(long mac, long now) {
        int held = 0;
        Guest idlest = null;
        for (Guest guest : slots) {
            if (guest != null && guest.mac == mac && !guest.isIpv4()) {
                held++;
                if (!guest.isLeased(now) && (idlest == null || guest.lastSeen - idlest.lastSeen < 0)) {
                    idlest = guest;
                }
            }
        }
        if (held < ADDRESSES_PER_MAC) {
            return true;
        }
        if (idlest == null || now - idlest.lastSeen < SILENCE) {
            return false;
        }
        evict(idlest);
        return true;
    }

    /** Binds an address firmly, as DHCP or configuration says. */
    Guest bind(int address, long mac, Link link, long now) {
        return bind(IpHeader.MAPPED_HIGH, IpHeader.mapped(address), mac, link, now);
    }

    /** Binds an address of either family firmly; for good, unless the caller sets when that ends. */
    Guest bind(long high, long low, long mac, Link link, long now) {
        Guest guest = find(high, low);
        boolean listed = guest != null;
        if (!listed) {
            guest = former.find(high, low);
        }
        if (guest == null) {
            guest = new Guest(high, low, mac, link);
        }
        guest.mac = mac;
        guest.link = link;
        guest.leased = true;
        guest.leaseEnds = now + FOREVER;
        guest.lastSeen = now;
        if (!listed) {
            enter(guest);
        }
        return guest;
    }

    /** {@code mac} gave its address back, or found somebody else there: it is anybody's at once. */
    void giveBack(long high, long low, long mac, long now) {
        Guest guest = find(high, low);
        if (guest != null && guest.mac == mac) {
            guest.leased = false;
            guest.lastSeen = now - SILENCE;
        }
    }

    @Nullable
    Guest find(int address) {
        return find(IpHeader.MAPPED_HIGH, IpHeader.mapped(address));
    }

    @Nullable
    Guest find(long high, long low) {
        int mask = slots.length - 1;
        for (int i = hash(high, low) & mask; ; i = (i + 1) & mask) {
            Guest guest = slots[i];
            if (guest == null || guest.hasAddress(high, low)) {
                return guest;
            }
        }
    }

    /** The guest if there is exactly one, at the IPv4 address that it used last; else null. */
    @Nullable
    Guest only() {
        Guest only = null;
        for (Guest guest : slots) {
            if (guest != null && guest.isIpv4()) {
                if (only != null && (guest.mac != only.mac || guest.link != only.link)) {
                    return null;
                }
                if (only == null || guest.lastSeen - only.lastSeen > 0) {
                    only = guest;
                }
            }
        }
        return only;
    }

    List<Guest> all() {
        List<Guest> guests = new ArrayList<>(size);
        for (Guest guest : slots) {
            if (guest != null) {
                guests.add(guest);
            }
        }
        return guests;
    }

    /** Those on a link, and those that were on it when there was no more room for them. */
    List<Guest> on(Link link) {
        List<Guest> guests = former.on(link);
        for (Guest guest : slots) {
            if (guest != null && guest.link == link) {
                guests.add(guest);
            }
        }
        return guests;
    }

    /** Forgets the guests of a link that went away; leases live on in the DHCP server. */
    void linkClosed(Link link) {
        for (Guest guest : on(link)) {
            remove(guest);
            former.remove(guest);
        }
    }

    private boolean isReserved(int address) {
        return address == plan.gateway().bits()
                || address == plan.host().bits()
                || address == plan.subnet().network().bits()
                || address == plan.subnet().broadcast().bits();
    }

    /** Lists a guest that is not listed. */
    private void enter(Guest guest) {
        if (size >= limit) {
            counters.drop(Drop.GUEST_LIMIT);
            Guest oldest = null;
            for (Guest other : slots) {
                if (other != null
                        && (oldest == null
                                || (oldest.leased && !other.leased)
                                || (oldest.leased == other.leased && other.lastSeen - oldest.lastSeen < 0))) {
                    oldest = other;
                }
            }
            if (oldest != null) {
                evict(oldest);
            }
        }
        former.remove(guest);
        insert(guest);
        size++;
        publish(Event.Kind.GUEST_JOIN, guest);
    }

    private void evict(Guest guest) {
        remove(guest);
        guest.leased = false;
        former.add(guest);
    }

    private void publish(Event.Kind kind, Guest guest) {
        if (events.wants(kind)) {
            events.publish(kind, new Events.Neighbour(guest.ipAddress(), new MacAddress(guest.mac), guest.link.name()));
        }
    }

    private void insert(Guest guest) {
        int mask = slots.length - 1;
        int i = hash(guest.high, guest.low) & mask;
        while (slots[i] != null) {
            i = (i + 1) & mask;
        }
        slots[i] = guest;
    }

    private void remove(Guest guest) {
        int mask = slots.length - 1;
        int i = hash(guest.high, guest.low) & mask;
        while (slots[i] != guest) {
            if (slots[i] == null) {
                return;
            }
            i = (i + 1) & mask;
        }
        slots[i] = null;
        size--;
        publish(Event.Kind.GUEST_LEAVE, guest);
        challenges.forget(guest);
        if (last == guest) {
            last = null;
        }
        if (last6 == guest) {
            last6 = null;
        }
        // Those that had probed past the hole move up.
        for (i = (i + 1) & mask; ; i = (i + 1) & mask) {
            Guest moved = slots[i];
            if (moved == null) {
                return;
            }
            slots[i] = null;
            insert(moved);
        }
    }

    /** Keyed, as guests choose their IPv6 addresses. */
    private int hash(long high, long low) {
        long h = (low ^ seed) * 0x9e37_79b9_7f4a_7c15L;
        h = (h ^ h >>> 32 ^ high) * 0xc2b2_ae3d_27d4_eb4fL;
        return (int) (h ^ h >>> 32);
    }
}
