package dev.sluice.gateway.dhcp;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import org.jspecify.annotations.Nullable;

/**
 * One line of the lease table, as it was at some moment.
 *
 * @param mac who has or had the address; null for a declined one
 * @param hostname the name the client gave itself; null if none or not a host name
 * @param secondsLeft until offer, lease or quarantine ends; 0 for former leases and idle reservations
 */
public record Lease(
        Ipv4Address address,
        @Nullable MacAddress mac,
        State state,
        boolean reserved,
        @Nullable String hostname,
        long secondsLeft) {
    /** What can be said of an address. */
    public enum State {
        /** Somebody was told of it and has not answered yet. */
        OFFERED,
        /** In use. */
        BOUND,
        /** Nobody's now; kept for its last or its reserved owner. */
        FREE,
        /** A client found somebody else there. */
        DECLINED
    }
}
