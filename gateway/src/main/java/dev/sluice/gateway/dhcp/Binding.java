package dev.sluice.gateway.dhcp;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import org.jspecify.annotations.Nullable;

/** One address that was ever given out, and its state; confined to the loop. */
final class Binding {
    /** {@link #mac} of an address that nobody has a claim to. */
    static final long NOBODY = -1;

    /** The address, as bits. */
    final int address;
    /** Who has, had, or is to have it. */
    long mac = NOBODY;
    /** True if {@link #mac} is fixed. */
    boolean reserved;

    Lease.State state = Lease.State.FREE;
    /** When offer, lease or quarantine ends or ended; when a free one was returned. */
    long ends;
    /** The link it was offered on. */
    @Nullable
    Object origin;
    /** The client's name for itself. */
    @Nullable
    String hostname;
    /** True if the client once confirmed it: then it is recycled later than a mere offer. */
    boolean wasBound;

    Binding(int address) {
        this.address = address;
    }

    /** True while offer, lease or quarantine lasts. */
    boolean holds(long now) {
        return state != Lease.State.FREE && ends - now > 0;
    }

    /** True if somebody else may have it. */
    boolean recyclable(long now) {
        return !reserved && !holds(now);
    }

    void disown() {
        mac = NOBODY;
        hostname = null;
        wasBound = false;
        origin = null;
    }

    Lease snapshot(long now) {
        boolean holds = holds(now);
        return new Lease(
                new Ipv4Address(address),
                mac == NOBODY ? null : new MacAddress(mac),
                holds ? state : Lease.State.FREE,
                reserved,
                hostname,
                holds ? (ends - now + 999_999_999) / 1_000_000_000 : 0);
    }
}
