package dev.sluice.gateway.dhcp6;

import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.wire.Dhcpv6Message;
import dev.sluice.wire.Dhcpv6Message.Association;
import dev.sluice.wire.Dhcpv6Message.Settings;
import dev.sluice.wire.Ipv6Address;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Answers DHCPv6 messages. Confined to its owner's thread; see the package. */
public final class Dhcpv6Server {
    /** Seconds that an address is to be used; it is valid for twice as long. */
    static final int PREFERRED = 3600;

    static final int VALID = 2 * PREFERRED;

    /** Most leases of one machine: half of the IPv6 addresses that a guest may have at all. */
    static final int LEASES_PER_MAC = 8;

    private static final long SECOND = 1_000_000_000L;
    private static final long QUARANTINE = 600 * SECOND;

    private final Ipv6Plan plan;
    private final String id;
    private final Supplier<List<String>> search;
    private final int limit;
    /** By machine, client and association. */
    private final Map<Key, Lease> leases = new HashMap<>();

    /** The same of each machine that has any. */
    private final Map<Long, Set<Key>> byMac = new HashMap<>();

    private final Set<Long> taken = new HashSet<>();
    /** Addresses that somebody was found to use already, and until when they are left alone; the oldest first. */
    private final Map<Long, Long> declined = new LinkedHashMap<>();

    private long next;
    /** True if nothing expires before {@link #fullUntil}, so that a flood of clients costs no search each. */
    private boolean full;

    private long fullUntil;

    /** With the hardware address, so that nobody can give back or move what another has by naming its DUID. */
    private record Key(long mac, String client, int association) {}

    private static final class Lease {
        final Ipv6Address address;
        long validUntil;

        Lease(Ipv6Address address) {
            this.address = address;
        }
    }

    /** An answer, the addresses that it gives, and those that came back. */
    public record Answer(byte[] message, List<Ipv6Address> given, List<Ipv6Address> returned) {}

    /**
     * @param id the server's DUID in hexadecimal
     * @param limit most addresses given at a time
     */
    public Dhcpv6Server(Ipv6Plan plan, String id, Supplier<List<String>> search, int limit) {
        this.plan = plan;
        this.id = id;
        this.search = search;
        this.limit = limit;
        this.next = plan.firstGuest().low();
    }

    /** Addresses given now, expired ones that nobody else needed included. */
    public int size() {
        return leases.size();
    }

    /**
     * The answer to a message, or null where none is due (§18.3).
     *
     * @param mac of the machine that sent it
     * @param foreign whether an address belongs to somebody else than the sender
     * @param now nanoseconds
     */
    public @Nullable Answer answer(Dhcpv6Message message, long mac, Predicate<Ipv6Address> foreign, long now) {
        boolean forUs = message.server().equals(id);
        boolean forAnyone = message.server().isEmpty();
        boolean named = !message.client().isEmpty();
        return switch (message.type()) {
            case Dhcpv6Message.SOLICIT ->
                !named || !forAnyone
                        ? null
                        : message.rapidCommit()
                                ? give(message, mac, Dhcpv6Message.REPLY, true, foreign, now)
                                : give(message, mac, Dhcpv6Message.ADVERTISE, false, foreign, now);
            case Dhcpv6Message.REQUEST, Dhcpv6Message.RENEW ->
                named && forUs ? give(message, mac, Dhcpv6Message.REPLY, true, foreign, now) : null;
            case Dhcpv6Message.REBIND ->
                named && forAnyone ? give(message, mac, Dhcpv6Message.REPLY, true, foreign, now) : null;
            case Dhcpv6Message.CONFIRM -> named && forAnyone ? confirm(message) : null;
            case Dhcpv6Message.RELEASE, Dhcpv6Message.DECLINE -> named && forUs ? takeBack(message, mac, now) : null;
            case Dhcpv6Message.INFORMATION_REQUEST ->
                (forUs || forAnyone) && message.associations().isEmpty()
                        ? answer(message, Dhcpv6Message.REPLY, false, List.of(), List.of(), List.of())
                        : null;
            default -> null;
        };
    }

    private Answer give(
            Dhcpv6Message message, long mac, int type, boolean keep, Predicate<Ipv6Address> foreign, long now) {
        List<Association> associations = new ArrayList<>();
        List<Ipv6Address> given = new ArrayList<>();
        for (Association wanted : message.associations()) {
            Lease lease = lease(new Key(mac, message.client(), wanted.id()), foreign, now);
            if (lease == null) {
                associations.add(new Association(wanted.id(), List.of(), Dhcpv6Message.NO_ADDRESSES));
                continue;
            }
            if (keep) {
                lease.validUntil = now + VALID * SECOND;
                given.add(lease.address);
            }
            associations.add(new Association(wanted.id(), List.of(lease.address), Dhcpv6Message.SUCCESS));
        }
        return answer(
                message, type, type == Dhcpv6Message.REPLY && message.rapidCommit(), associations, given, List.of());
    }

    /** The lease of a client, made if there is room; null if there is none. */
    private @Nullable Lease lease(Key key, Predicate<Ipv6Address> foreign, long now) {
        Lease lease = leases.get(key);
        if (lease != null && !foreign.test(lease.address)) {
            return lease;
        }
        if (lease != null) {
            forget(key);
        }
        Set<Key> own = byMac.get(key.mac);
        if (own != null && own.size() >= LEASES_PER_MAC && !dropOver(own, now)
                || leases.size() >= limit && !makeRoom(now)) {
            return null;
        }
        for (int attempts = 0; attempts < 2 * limit; attempts++) {
            long low = next;
            next = low - plan.firstGuest().low() >= 2L * limit
                    ? plan.firstGuest().low()
                    : low + 1;
            Ipv6Address address = new Ipv6Address(plan.prefix().address().high(), low);
            if (!taken.contains(low) && !isDeclined(low, now) && !foreign.test(address)) {
                Lease made = new Lease(address);
                made.validUntil = now + 60 * SECOND; // until the client has taken it
                leases.put(key, made);
                byMac.computeIfAbsent(key.mac, _ -> new HashSet<>()).add(key);
                taken.add(low);
                return made;
            }
        }
        return null;
    }

    private boolean makeRoom(long now) {
        if (full && fullUntil - now > 0) {
            return false;
        }
        full = !dropOver(leases.keySet(), now);
        if (full) {
            fullUntil = now + VALID * SECOND;
            for (Lease lease : leases.values()) {
                fullUntil = lease.validUntil - fullUntil < 0 ? lease.validUntil : fullUntil;
            }
        }
        return !full;
    }

    /** Forgets those of {@code keys} whose time is over; false if there are none. */
    private boolean dropOver(Set<Key> keys, long now) {
        List<Key> over = new ArrayList<>();
        for (Key key : keys) {
            Lease lease = leases.get(key);
            if (lease != null && now - lease.validUntil >= 0) {
                over.add(key);
            }
        }
        over.forEach(this::forget);
        return !over.isEmpty();
    }

    private boolean isDeclined(long low, long now) {
        Long until = declined.get(low);
        return until != null && until - now > 0;
    }

    /** Somebody answers at this address: nobody gets it for a while. They are an eighth of all at most. */
    private void decline(long low, long now) {
        declined.remove(low);
        if (declined.size() >= Math.max(1, limit / 8)) {
            declined.remove(declined.keySet().iterator().next());
        }
        declined.put(low, now + QUARANTINE);
    }

    private @Nullable Ipv6Address forget(Key key) {
        Lease lease = leases.remove(key);
        if (lease == null) {
            return null;
        }
        taken.remove(lease.address.low());
        full = false;
        byMac.computeIfPresent(key.mac, (_, own) -> {
            own.remove(key);
            return own.isEmpty() ? null : own;
        });
        return lease.address;
    }

    private @Nullable Answer confirm(Dhcpv6Message message) {
        boolean any = false;
        boolean fit = true;
        for (Association association : message.associations()) {
            for (Ipv6Address address : association.addresses()) {
                any = true;
                fit &= plan.prefix().contains(address);
            }
        }
        if (!any) {
            return null;
        }
        var reply =
                new Dhcpv6Message(Dhcpv6Message.REPLY, message.transaction(), message.client(), id, false, List.of());
        // Told of the message as a whole, not in its associations (§18.3.3).
        int status = fit ? Dhcpv6Message.SUCCESS : Dhcpv6Message.NOT_ON_LINK;
        return new Answer(
                reply.encode(new Settings(plan.gateway(), search.get(), status), PREFERRED), List.of(), List.of());
    }

    private Answer takeBack(Dhcpv6Message message, long mac, long now) {
        List<Association> unknown = new ArrayList<>();
        List<Ipv6Address> returned = new ArrayList<>();
        for (Association association : message.associations()) {
            Ipv6Address address = forget(new Key(mac, message.client(), association.id()));
            if (address == null) {
                unknown.add(new Association(association.id(), List.of(), Dhcpv6Message.NO_BINDING));
                continue;
            }
            returned.add(address);
            if (message.type() == Dhcpv6Message.DECLINE) {
                decline(address.low(), now);
            }
        }
        return answer(message, Dhcpv6Message.REPLY, false, unknown, List.of(), returned);
    }

    private Answer answer(
            Dhcpv6Message question,
            int type,
            boolean rapidCommit,
            List<Association> associations,
            List<Ipv6Address> given,
            List<Ipv6Address> returned) {
        var message = new Dhcpv6Message(type, question.transaction(), question.client(), id, rapidCommit, associations);
        return new Answer(message.encode(new Settings(plan.gateway(), search.get()), PREFERRED), given, returned);
    }
}
