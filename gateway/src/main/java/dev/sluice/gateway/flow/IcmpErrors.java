package dev.sluice.gateway.flow;

import java.lang.foreign.MemorySegment;

/**
 * Tells a guest why a packet of its own went nowhere (RFC 792, RFC 1812 §4.3; RFC 4443); on the loop's thread, rate-limited per guest.
 * Errors are named as ICMPv4 does; a guest's IPv6 packet is answered with what corresponds (RFC 7915 §4.2).
 */
public interface IcmpErrors {
    /** {@code send} says the gateway itself reports it. */
    long GATEWAY = 0;

    /**
     * Sends one ICMP error that quotes the guest's packet.
     *
     * @param sourceHigh who reports it, with {@code sourceLow}: the router the host heard from; or both {@link #GATEWAY}
     * @param type ICMP type, as in {@link dev.sluice.wire.IcmpHeader}
     * @param rest next-hop MTU for "fragmentation needed", else 0
     * @param packet memory with the guest's IP packet at {@code at}, {@code length} bytes of it available (at least header + 8)
     */
    void send(
            Guest guest,
            long sourceHigh,
            long sourceLow,
            int type,
            int code,
            int rest,
            MemorySegment packet,
            long at,
            int length);

    /** As above, from the gateway. */
    default void send(Guest guest, int type, int code, MemorySegment packet, long at, int length) {
        send(guest, GATEWAY, GATEWAY, type, code, 0, packet, at, length);
    }
}
