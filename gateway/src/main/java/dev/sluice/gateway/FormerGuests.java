package dev.sluice.gateway;

import dev.sluice.gateway.flow.Guest;
import dev.sluice.link.Link;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Guests that the table had no more room for, while flows may still know them. Whoever comes to such an address is the same {@code Guest}:
 * so what was under way follows it to its hardware address and link of now, at no cost for packets, and nobody takes the address over who
 * could not have taken it before. Known weakly: nobody is kept for this table's sake. At most so many; the oldest is forgotten. Confined to
 * the loop.
 */
final class FormerGuests {
    private static final class Former extends WeakReference<Guest> {
        final IpAddress address;

        Former(Guest guest, ReferenceQueue<Guest> unknown) {
            super(guest, unknown);
            this.address = guest.ipAddress();
        }
    }

    private final int most;
    /** In the order in which they had to go. */
    private final LinkedHashMap<IpAddress, Former> guests = new LinkedHashMap<>();

    /** Those whom nobody knows any more. */
    private final ReferenceQueue<Guest> unknown = new ReferenceQueue<>();

    FormerGuests(int most) {
        this.most = most;
    }

    void add(Guest guest) {
        while (unknown.poll() instanceof Former former) {
            guests.remove(former.address, former);
        }
        Former former = new Former(guest, unknown);
        guests.remove(former.address);
        guests.put(former.address, former);
        if (guests.size() > most) {
            guests.pollFirstEntry();
        }
    }

    @Nullable
    Guest find(long high, long low) {
        Former former = guests.isEmpty() ? null : guests.get(IpHeader.address(high, low));
        return former == null ? null : former.get();
    }

    void remove(Guest guest) {
        if (!guests.isEmpty()) {
            guests.remove(guest.ipAddress());
        }
    }

    /** Those that were on a link. */
    List<Guest> on(Link link) {
        List<Guest> found = new ArrayList<>();
        for (Former former : guests.values()) {
            Guest guest = former.get();
            if (guest != null && guest.link == link) {
                found.add(guest);
            }
        }
        return found;
    }
}
