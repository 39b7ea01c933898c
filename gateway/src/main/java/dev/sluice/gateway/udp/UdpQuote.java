package dev.sluice.gateway.udp;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.IcmpCause;
import dev.sluice.gateway.flow.IcmpErrors;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.MemorySegment;

/**
 * Tells a guest that a datagram of its own went nowhere, quoting it as the guest sent it: the host returns only the payload, so the
 * headers are written anew with the guest's own addresses and ports (RFC 792; RFC 5508 §4.2 for translators).
 */
final class UdpQuote {
    private final AddressPlan plan;
    private final IcmpErrors errors;
    private final Counters counters;

    UdpQuote(AddressPlan plan, IcmpErrors errors, Counters counters) {
        this.plan = plan;
        this.errors = errors;
        this.counters = counters;
    }

    /**
     * @param destination what the guest had addressed, as bits
     * @param offender who reports it, as the guest is to see it
     * @param length payload returned at {@code at}; the bytes before it are overwritten
     */
    void send(
            Guest guest,
            int guestPort,
            int destination,
            int destinationPort,
            int offender,
            int errno,
            int icmpType,
            int icmpCode,
            int mtu,
            MemorySegment memory,
            long at,
            int length) {
        int cause = IcmpCause.of(errno, icmpType, icmpCode);
        if (cause == IcmpCause.NONE) {
            counters.drop(Drop.UDP_SEND_FAILED);
            return;
        }
        long udpAt = at - UdpHeader.LENGTH;
        long ipAt = udpAt - Ipv4Header.MIN_LENGTH;
        int total = Ipv4Header.MIN_LENGTH + UdpHeader.LENGTH + length;
        int timeToLive = IcmpCause.type(cause) == IcmpHeader.TIME_EXCEEDED ? 1 : 64;
        UdpHeader.write(memory, udpAt, guestPort, destinationPort, UdpHeader.LENGTH + length);
        Ipv4Header.write(memory, ipAt, 0, total, 0, 0, timeToLive, Ipv4Header.PROTOCOL_UDP, guest.address, destination);
        boolean tooBig = cause == (IcmpHeader.DESTINATION_UNREACHABLE << 8 | IcmpHeader.FRAGMENTATION_NEEDED);
        int rest = tooBig ? Math.min(mtu == 0 ? plan.mtu() : mtu, 0xffff) : 0;
        errors.send(guest, offender, IcmpCause.type(cause), IcmpCause.code(cause), rest, memory, ipAt, total);
    }
}
