package dev.sluice.link.vmnet;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Which UUID has which hardware and IPv4 address. Entries stay, so that a guest that comes back is who it was, until another needs the
 * room or the address: then the one that has been without a link longest is forgotten, never one that has a link. Identities that were
 * made for guests without a UUID are forgotten when their link ends, as nobody could ask for them again. Confined to one thread.
 */
public final class VmnetTable {
    /** Identities at most; if all have links, guests with new UUIDs are refused. */
    public static final int CAPACITY = 4096;

    /** Addresses looked at for a free one. */
    private static final int SEARCH = 65_536;

    /** Hardware addresses are 02:50 and the identity's number (the local bit is set). */
    private static final long MAC_PREFIX = 0x0250L << 32;

    private final Ipv4Address lowest;
    private final Ipv4Address highest;
    private final Set<Ipv4Address> taken;
    private final AddressClaims claims;
    private final Supplier<UUID> random;
    private final Map<UUID, VmnetIdentity> identities = new HashMap<>();
    /** Links of each identity that has any. */
    private final Map<UUID, Integer> links = new HashMap<>();
    /** Identities without a link, the longest first. */
    private final Map<UUID, VmnetIdentity> idle = new LinkedHashMap<>();
    /** Hardware addresses that were chosen beforehand. */
    private final Map<UUID, MacAddress> chosen = new HashMap<>();

    private final Set<UUID> nameless = new HashSet<>();
    private int lastNumber;

    /**
     * @param lowest first address for guests, with {@code highest} the last; compared unsigned
     * @param reserved addresses that no guest gets: the gateway's and the host's
     * @param random makes UUIDs for guests that have none
     */
    public VmnetTable(
            Ipv4Address lowest,
            Ipv4Address highest,
            Set<Ipv4Address> reserved,
            AddressClaims claims,
            Supplier<UUID> random) {
        this.lowest = lowest;
        this.highest = highest;
        this.taken = new HashSet<>(reserved);
        this.claims = claims;
        this.random = random;
    }

    /** Has the guest of this name get this hardware address, when it comes for the first time. */
    public void choose(UUID name, MacAddress mac) {
        chosen.put(name, mac);
    }

    /**
     * The identity of a guest, for one link more; each one granted is to be {@link #ended}.
     *
     * @param uuid its name; null makes one up
     * @param preferred the address it wants; null leaves the choice to us
     */
    public Assignment assign(@Nullable UUID uuid, @Nullable Ipv4Address preferred) {
        UUID name = uuid == null ? random.get() : uuid;
        VmnetIdentity known = identities.get(name);
        if (known != null) {
            if (preferred != null && !preferred.equals(known.address())) {
                return new Assignment.Refused(
                        "UUID already assigned to a different IP than the IP requested by the client");
            }
            idle.remove(name);
            links.merge(name, 1, Integer::sum);
            return new Assignment.Granted(known, true);
        }
        if (preferred != null && (preferred.compareTo(lowest) < 0 || preferred.compareTo(highest) > 0)) {
            return new Assignment.Refused("Preferred IP address out of range.");
        }
        if (identities.size() >= CAPACITY && !forgetOldest()) {
            return new Assignment.Refused("No IP addresses available.");
        }
        // The number is used up only if all goes well.
        MacAddress mac = chosen.getOrDefault(name, new MacAddress(MAC_PREFIX | (lastNumber + 1) & 0xffff_ffffL));
        Ipv4Address address;
        if (preferred == null) {
            address = lowestFree(mac);
            if (address == null && forgetOldest()) {
                address = lowestFree(mac);
            }
            if (address == null) {
                return new Assignment.Refused("No IP addresses available.");
            }
        } else {
            idle.values().stream()
                    .filter(other -> other.address().equals(preferred))
                    .findFirst()
                    .ifPresent(this::forget);
            if (taken.contains(preferred) || !claims.claim(preferred, mac)) {
                return new Assignment.Refused("Preferred IP address " + preferred + " already used.");
            }
            address = preferred;
        }
        lastNumber++;
        taken.add(address);
        VmnetIdentity identity = new VmnetIdentity(name, mac, address);
        identities.put(name, identity);
        links.put(name, 1);
        if (uuid == null) {
            nameless.add(name);
        }
        return new Assignment.Granted(identity, false);
    }

    private @Nullable Ipv4Address lowestFree(MacAddress mac) {
        Ipv4Address candidate = lowest;
        for (int i = 0; i < SEARCH && candidate.compareTo(highest) <= 0; i++) {
            if (!taken.contains(candidate) && claims.claim(candidate, mac)) {
                return candidate;
            }
            if (candidate.equals(Ipv4Address.BROADCAST)) {
                break;
            }
            candidate = candidate.plus(1);
        }
        return null;
    }

    /** A link of {@code identity} has ended, or never began. */
    public void ended(VmnetIdentity identity) {
        UUID name = identity.uuid();
        if (links.computeIfPresent(name, (_, n) -> n == 1 ? null : n - 1) != null) {
            return;
        }
        if (nameless.remove(name)) {
            forget(identity);
        } else if (identity.equals(identities.get(name))) {
            idle.put(name, identity);
        }
    }

    /** Makes room for a guest; false if all have links. */
    private boolean forgetOldest() {
        Iterator<VmnetIdentity> oldest = idle.values().iterator();
        if (!oldest.hasNext()) {
            return false;
        }
        forget(oldest.next());
        return true;
    }

    private void forget(VmnetIdentity identity) {
        idle.remove(identity.uuid());
        identities.remove(identity.uuid());
        taken.remove(identity.address());
        claims.release(identity.address(), identity.mac());
    }

    /** Identities held. */
    public int size() {
        return identities.size();
    }
}
