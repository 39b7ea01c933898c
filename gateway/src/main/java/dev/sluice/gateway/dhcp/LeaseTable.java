package dev.sluice.gateway.dhcp;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Who has which address. At most one binding per hardware address and per address; bounded; see the package for the rules. */
public final class LeaseTable {
    static final long OFFER_NANOS = 30_000_000_000L;
    /** Most open offers to one link; a quarter of the pool if that is less. */
    static final int MAX_OFFERS = 64;

    static final long QUARANTINE_NANOS = 600_000_000_000L;

    /** Who else may have an address: guests that never asked for one. */
    @FunctionalInterface
    public interface Neighbours {
        /** Whether a guest with another hardware address than {@code mac} uses the address now. */
        boolean use(int address, long mac);
    }

    private final AddressPlan plan;
    private final Neighbours others;
    private final int capacity;
    private final Map<Integer, Binding> byAddress = new HashMap<>();
    private final Map<Long, Binding> byMac = new HashMap<>();
    /** The next address that may never have been used, as an unsigned number. */
    private long fresh;

    private int reservations;
    /** Open offers, the oldest first; stale ones are dropped when they reach the front. */
    private final LinkedHashSet<Binding> offers = new LinkedHashSet<>();
    /** True if no address is left before {@link #fullUntil}, so that a flood of clients costs no search each. */
    private boolean full;

    private long fullUntil;

    LeaseTable(AddressPlan plan, int limit, Neighbours others) {
        this.plan = plan;
        this.others = others;
        this.fresh = plan.firstGuest().bits() & 0xffff_ffffL;
        this.capacity = (int) Math.max(1, Math.min(limit, last() - fresh + 1));
    }

    private long last() {
        return plan.lastGuest().bits() & 0xffff_ffffL;
    }

    /** All addresses that are or were given out or are reserved, in numeric order. */
    public List<Lease> snapshot(long now) {
        List<Lease> leases = new ArrayList<>(byAddress.size());
        for (Binding binding : byAddress.values()) {
            leases.add(binding.snapshot(now));
        }
        leases.sort(Comparator.comparing(Lease::address));
        return List.copyOf(leases);
    }

    /** What {@code mac} has or had; null if nothing. */
    public @Nullable Lease lease(MacAddress mac, long now) {
        Binding binding = byMac.get(mac.bits());
        return binding == null ? null : binding.snapshot(now);
    }

    /** Most addresses that can be given out at a time, reservations outside of the pool not counted. */
    public int capacity() {
        return capacity;
    }

    /** What {@code mac} has or had, whatever its state; null if nothing. */
    @Nullable
    Binding of(long mac) {
        return byMac.get(mac);
    }

    /** True if a guest may have this address at all: in the subnet, and not one of the network's own. */
    boolean isGuestAddress(int address) {
        return plan.subnet().contains(address)
                && address != plan.gateway().bits()
                && address != plan.host().bits()
                && address != plan.subnet().network().bits()
                && address != plan.subnet().broadcast().bits();
    }

    private boolean inPool(int address) {
        long bits = address & 0xffff_ffffL;
        return bits >= (plan.firstGuest().bits() & 0xffff_ffffL) && bits <= last() && isGuestAddress(address);
    }

    /**
     * An address for {@code mac}, offered for 30 s if it was not its already; null if none is left.
     *
     * @param wanted what the client would like, or null
     * @param origin the link it speaks through
     */
    @Nullable
    Binding offer(long mac, @Nullable Ipv4Address wanted, Object origin, long now) {
        Binding binding = formerOf(mac, now);
        if (binding == null) {
            binding = choose(mac, wanted, origin, now);
            if (binding == null) {
                return null;
            }
            own(binding, mac);
        }
        if (binding.state != Lease.State.BOUND || !binding.holds(now)) {
            binding.state = Lease.State.OFFERED;
            binding.ends = now + OFFER_NANOS;
            binding.origin = origin;
            offers.remove(binding);
            offers.add(binding);
        }
        return binding;
    }

    /** The binding of {@code mac} to {@code address}, if it is or can be made its own; else null. */
    @Nullable
    Binding claim(long mac, int address, long now) {
        Binding binding = formerOf(mac, now);
        if (binding != null) {
            return binding.address == address ? binding : null;
        }
        return take(mac, address, now);
    }

    /** What {@code mac} has or had, unless somebody else has come to use it since. */
    private @Nullable Binding formerOf(long mac, long now) {
        Binding binding = byMac.get(mac);
        if (binding != null && binding.recyclable(now) && others.use(binding.address, mac)) {
            byMac.remove(mac);
            binding.disown();
            return null;
        }
        return binding;
    }

    void bind(Binding binding, long seconds, long now) {
        offers.remove(binding);
        binding.origin = null; // nothing here may keep a closed link alive
        binding.state = Lease.State.BOUND;
        binding.ends = now + seconds * 1_000_000_000L;
        binding.wasBound = true;
    }

    /** Back to nobody, but remembered for its owner. */
    void release(Binding binding, long now) {
        offers.remove(binding);
        full = false;
        binding.state = Lease.State.FREE;
        binding.ends = now;
    }

    /** Somebody else answers at this address: nobody gets it for a while. */
    void decline(Binding binding, long now) {
        if (binding.reserved) {
            release(binding, now); // its owner has no other
            return;
        }
        offers.remove(binding);
        byMac.remove(binding.mac);
        binding.disown();
        Binding oldest = null;
        int declined = 1;
        for (Binding other : byAddress.values()) {
            if (other.state == Lease.State.DECLINED && other.holds(now)) {
                declined++;
                oldest = oldest == null || other.ends - oldest.ends < 0 ? other : oldest;
            }
        }
        if (oldest != null && declined > Math.max(1, capacity / 8)) {
            release(oldest, now);
        }
        binding.state = Lease.State.DECLINED;
        binding.ends = now + QUARANTINE_NANOS;
    }

    /** Ties {@code address} to {@code mac}; false if it is no guest's address, somebody else has it, or there are too many. */
    boolean reserve(long mac, int address, int limit, long now) {
        Binding there = byAddress.get(address);
        if (there != null && there.mac == mac && there.reserved) {
            return true;
        }
        if (!isGuestAddress(address) || reservations >= limit) {
            return false;
        }
        if (there != null && there.mac != mac && !there.recyclable(now)) {
            return false;
        }
        Binding before = byMac.get(mac);
        if (before != null && before.address != address) {
            unreserve(before);
            byMac.remove(mac);
            before.disown();
            release(before, now);
        }
        Binding binding = there != null ? there : new Binding(address);
        byAddress.put(address, binding);
        own(binding, mac);
        binding.reserved = true;
        reservations++;
        return true;
    }

    /** Ends a reservation; a lease that is under way goes on, if its address is of the pool and the table has room to remember it. */
    void unreserve(Binding binding) {
        if (binding.reserved) {
            binding.reserved = false;
            reservations--;
            full = false;
            if (!inPool(binding.address) || byAddress.size() - reservations > capacity) {
                byAddress.remove(binding.address);
                byMac.remove(binding.mac);
                offers.remove(binding);
            }
        }
    }

    private @Nullable Binding take(long mac, int address, long now) {
        if (!inPool(address) || others.use(address, mac)) {
            return null;
        }
        Binding binding = byAddress.get(address);
        if (binding == null) {
            if (byAddress.size() - reservations >= capacity) {
                return null;
            }
            binding = new Binding(address);
            byAddress.put(address, binding);
        } else if (!binding.recyclable(now)) {
            return null;
        }
        own(binding, mac);
        return binding;
    }

    private @Nullable Binding takeFresh(long mac, long now) {
        while (fresh <= last() && byAddress.size() - reservations < capacity) {
            int address = (int) fresh++;
            if (isGuestAddress(address) && !byAddress.containsKey(address)) {
                Binding binding = new Binding(address);
                byAddress.put(address, binding);
                if (!others.use(address, mac)) {
                    own(binding, mac);
                    return binding;
                }
                binding.ends = now; // free, for when that guest has gone
            }
        }
        return null;
    }

    private @Nullable Binding choose(long mac, @Nullable Ipv4Address wanted, Object origin, long now) {
        Binding oldest = oldestOfTooMany(origin, now);
        if (oldest != null) {
            return oldest;
        }
        Binding binding = wanted == null ? null : take(mac, wanted.bits(), now);
        if (binding == null) {
            binding = takeFresh(mac, now);
        }
        return binding == null ? recyclable(mac, now) : binding;
    }

    private void own(Binding binding, long mac) {
        if (binding.mac != mac) {
            byMac.remove(binding.mac);
            binding.disown();
            offers.remove(binding);
            binding.mac = mac;
            byMac.put(mac, binding);
            binding.state = Lease.State.FREE;
        }
    }

    /** The oldest open offer to this link, if it has so many that its next must replace one of them. */
    private @Nullable Binding oldestOfTooMany(Object origin, long now) {
        while (!offers.isEmpty() && !offers.getFirst().holds(now)) {
            offers.removeFirst().origin = null;
        }
        int open = 0;
        Binding oldest = null;
        for (Binding binding : offers) {
            if (binding.origin == origin && !binding.reserved) {
                open++;
                oldest = oldest == null ? binding : oldest;
            }
        }
        return open >= Math.clamp(capacity / 4, 8, MAX_OFFERS) ? oldest : null;
    }

    /**
     * The address whose owner would miss it least: a stale offer, else the one free longest; null if all are held. One that somebody uses
     * without having asked only where there is no other, or a guest that makes up addresses could take them all.
     */
    private @Nullable Binding recyclable(long mac, long now) {
        if (full && fullUntil - now > 0) {
            return null;
        }
        Binding best = null;
        Binding used = null;
        long earliest = OFFER_NANOS;
        for (Binding binding : byAddress.values()) {
            if (binding.recyclable(now) && inPool(binding.address)) {
                if (others.use(binding.address, mac)) {
                    used = used == null || isStaler(binding, used) ? binding : used;
                } else {
                    best = best == null || isStaler(binding, best) ? binding : best;
                }
            } else if (!binding.reserved) {
                earliest = Math.min(earliest, binding.ends - now);
            }
        }
        best = best == null ? used : best;
        full = best == null;
        fullUntil = now + earliest;
        return best;
    }

    private static boolean isStaler(Binding a, Binding b) {
        return a.wasBound == b.wasBound ? a.ends - b.ends < 0 : b.wasBound;
    }
}
