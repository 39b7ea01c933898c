package dev.sluice.gateway.udp;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.IcmpCause;
import dev.sluice.gateway.flow.IcmpErrors;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.IpHeader;
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
     * @param high what the guest had addressed, with {@code low}, as in {@link IpHeader}
     * @param offenderHigh who reports it, as the guest is to see it; or {@link IcmpErrors#GATEWAY}
     * @param length payload returned at {@code at}; the bytes before it are overwritten
     */
    void send(
            Guest guest,
            int guestPort,
            long high,
            long low,
            int destinationPort,
            long offenderHigh,
            long offenderLow,
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
        int hopLimit = IcmpCause.type(cause) == IcmpHeader.TIME_EXCEEDED ? 1 : 64;
        int datagram = UdpHeader.LENGTH + length;
        UdpHeader.write(memory, udpAt, guestPort, destinationPort, datagram);
        long ipAt = IpHeader.writeBefore(
                memory, udpAt, datagram, Ipv4Header.PROTOCOL_UDP, hopLimit, guest.high, guest.low, high, low);
        int total = (int) (udpAt - ipAt) + datagram;
        boolean tooBig = cause == (IcmpHeader.DESTINATION_UNREACHABLE << 8 | IcmpHeader.FRAGMENTATION_NEEDED);
        int rest = tooBig ? Math.min(mtu == 0 ? plan.mtu() : mtu, 0xffff) : 0;
        errors.send(
                guest,
                offenderHigh,
                offenderLow,
                IcmpCause.type(cause),
                IcmpCause.code(cause),
                rest,
                memory,
                ipAt,
                total);
    }
}
