package dev.sluice.gateway;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.link.Link;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which guest owns which address: learned from frames, made firm by DHCP leases. An address in use belongs to the MAC that had it
 * first; a frame that says otherwise is a spoof and is dropped, until the owner has been silent for a minute. Confined to the loop.
 *
 * <p>Open addressing with linear probing over at most {@code limit} guests; looking up allocates nothing. When full, the guest
 * without a lease that has been silent longest is forgotten.
 */
final class GuestTable {
    private static final long SILENCE = 60_000_000_000L;

    private final AddressPlan plan;
    private final Counters counters;
    private final int limit;
    private final @Nullable Guest[] slots;
    private int size;
    /** The last one found: most packets come in runs from one guest. */
    private @Nullable Guest last;

    GuestTable(AddressPlan plan, Counters counters, int limit) {
        this.plan = plan;
        this.counters = counters;
        this.limit = limit;
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
        Guest guest = find(address);
        if (guest == null) {
            guest = add(address, mac, link, now);
        } else if (guest.mac != mac) {
            if (guest.leased || now - guest.lastSeen < SILENCE) {
                counters.drop(Drop.SPOOFED_SOURCE);
                return null;
            }
            guest.mac = mac;
            guest.link = link;
        } else {
            guest.link = link; // one guest on two links (vmnet allows it): answer where it spoke last
        }
        guest.lastSeen = now;
        last = guest;
        return guest;
    }

    /** Binds an address firmly, as DHCP or configuration says. */
    Guest bind(int address, long mac, Link link, long now) {
        Guest guest = find(address);
        if (guest == null) {
            guest = add(address, mac, link, now);
        }
        guest.mac = mac;
        guest.link = link;
        guest.leased = true;
        guest.lastSeen = now;
        return guest;
    }

    @Nullable
    Guest find(int address) {
        int mask = slots.length - 1;
        for (int i = hash(address) & mask; ; i = (i + 1) & mask) {
            Guest guest = slots[i];
            if (guest == null || guest.address == address) {
                return guest;
            }
        }
    }

    /** The guest if there is exactly one, else null. */
    @Nullable
    Guest only() {
        if (size != 1) {
            return null;
        }
        return all().getFirst();
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

    /** Forgets the guests of a link that went away; leases live on in the DHCP server. */
    void linkClosed(Link link) {
        for (Guest guest : all()) {
            if (guest.link == link) {
                remove(guest);
            }
        }
    }

    private boolean isReserved(int address) {
        return address == plan.gateway().bits()
                || address == plan.host().bits()
                || address == plan.subnet().network().bits()
                || address == plan.subnet().broadcast().bits();
    }

    private Guest add(int address, long mac, Link link, long now) {
        if (size >= limit) {
            counters.drop(Drop.GUEST_LIMIT);
            Guest oldest = null;
            for (Guest guest : slots) {
                if (guest != null
                        && (oldest == null
                                || (oldest.leased && !guest.leased)
                                || (oldest.leased == guest.leased && guest.lastSeen - oldest.lastSeen < 0))) {
                    oldest = guest;
                }
            }
            if (oldest != null) {
                remove(oldest);
            }
        }
        Guest guest = new Guest(address, mac, link);
        guest.lastSeen = now;
        insert(guest);
        size++;
        return guest;
    }

    private void insert(Guest guest) {
        int mask = slots.length - 1;
        int i = hash(guest.address) & mask;
        while (slots[i] != null) {
            i = (i + 1) & mask;
        }
        slots[i] = guest;
    }

    private void remove(Guest guest) {
        int mask = slots.length - 1;
        int i = hash(guest.address) & mask;
        while (slots[i] != guest) {
            if (slots[i] == null) {
                return;
            }
            i = (i + 1) & mask;
        }
        slots[i] = null;
        size--;
        if (last == guest) {
            last = null;
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

    private static int hash(int address) {
        int h = address * 0x9e3779b9;
        return h ^ h >>> 16;
    }
}
