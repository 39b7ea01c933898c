package dev.sluice.link.vmnet;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Which UUID has which hardware and IPv4 address. Entries stay, so that a guest that comes back is who it was; only identities that were
 * made for guests without a UUID are forgotten when their link ends, as nobody could ask for them again. Confined to one thread.
 */
public final class VmnetTable {
    /** Identities at most; then guests with new UUIDs are refused. */
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
     * The identity of a guest.
     *
     * @param uuid its name; null makes one up
     * @param preferred the address it wants; null leaves the choice to us
     */
    public Assignment assign(@Nullable UUID uuid, @Nullable Ipv4Address preferred) {
        UUID name = uuid == null ? random.get() : uuid;
        VmnetIdentity known = identities.get(name);
        if (known != null) {
            return preferred == null || preferred.equals(known.address())
                    ? new Assignment.Granted(known, true)
                    : new Assignment.Refused(
                            "UUID already assigned to a different IP than the IP requested by the client");
        }
        if (identities.size() >= CAPACITY) {
            return new Assignment.Refused("No IP addresses available.");
        }
        // The number is used up only if all goes well.
        MacAddress mac = chosen.getOrDefault(name, new MacAddress(MAC_PREFIX | (lastNumber + 1) & 0xffff_ffffL));
        Ipv4Address address;
        if (preferred == null) {
            address = lowestFree(mac);
            if (address == null) {
                return new Assignment.Refused("No IP addresses available.");
            }
        } else {
            if (preferred.compareTo(lowest) < 0 || preferred.compareTo(highest) > 0) {
                return new Assignment.Refused("Preferred IP address out of range.");
            }
            if (taken.contains(preferred) || !claims.claim(preferred, mac)) {
                return new Assignment.Refused("Preferred IP address " + preferred + " already used.");
            }
            address = preferred;
        }
        lastNumber++;
        taken.add(address);
        VmnetIdentity identity = new VmnetIdentity(name, mac, address);
        identities.put(name, identity);
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

    /** A link of {@code identity} has ended. */
    public void ended(VmnetIdentity identity) {
        if (nameless.remove(identity.uuid())) {
            identities.remove(identity.uuid());
            taken.remove(identity.address());
            claims.release(identity.address(), identity.mac());
        }
    }

    /** Identities held. */
    public int size() {
        return identities.size();
    }
}
