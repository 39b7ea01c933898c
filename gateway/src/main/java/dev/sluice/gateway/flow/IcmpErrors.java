package dev.sluice.gateway.flow;

import java.lang.foreign.MemorySegment;

/** Tells a guest why a packet of its own went nowhere (RFC 792, RFC 1812 §4.3); on the loop's thread, rate-limited per guest. */
public interface IcmpErrors {
    /**
     * Sends one ICMP error that quotes the guest's packet.
     *
     * @param source who reports it, as address bits: the gateway, or the router the host heard from
     * @param type ICMP type, as in {@link dev.sluice.wire.IcmpHeader}
     * @param rest the type's four bytes: next-hop MTU for "fragmentation needed", else 0
     * @param packet memory with the guest's IPv4 packet at {@code at}, {@code length} bytes of it available (at least header + 8)
     */
    void send(Guest guest, int source, int type, int code, int rest, MemorySegment packet, long at, int length);
}
