package dev.sluice.gateway;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.IcmpErrors;
import dev.sluice.gateway.flow.PacketOutput;
import dev.sluice.loop.Loop;
import dev.sluice.stack.ip.IcmpErrorWriter;
import dev.sluice.stack.ip.Icmpv6ErrorWriter;
import dev.sluice.stack.ip.RateLimiter;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Header;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** {@link IcmpErrors} within the rules of RFC 1812 §4.3.2 and RFC 4443 §2.4, and a rate for each guest. Confined to the loop. */
final class ErrorSender implements IcmpErrors {
    private static final int HOP_LIMIT = 64;
    /** Network control (RFC 1812 §4.3.2.5). */
    private static final int TYPE_OF_SERVICE = 0xc0;

    static final int PER_SECOND = 500;
    static final int BURST = 200;
    private static final int MAX_MESSAGE = Math.max(IcmpErrorWriter.MAX_MESSAGE, Icmpv6ErrorWriter.MAX_MESSAGE);

    private final Loop loop;
    private final AddressPlan plan;
    private final Counters counters;
    private final PacketOutput output;
    private final Icmpv6ErrorWriter writer6 = new Icmpv6ErrorWriter();
    private final MemorySegment memory = Arena.ofAuto().allocate(PacketOutput.HEADROOM + MAX_MESSAGE, 8);

    ErrorSender(Loop loop, AddressPlan plan, Counters counters, PacketOutput output) {
        this.loop = loop;
        this.plan = plan;
        this.counters = counters;
        this.output = output;
    }

    @Override
    public void send(
            Guest guest,
            long sourceHigh,
            long sourceLow,
            int type,
            int code,
            int rest,
            MemorySegment packet,
            long at,
            int length) {
        if (guest.isIpv4() != IpHeader.isIpv4(packet, at)) {
            return;
        }
        if (guest.isIpv4()) {
            int broadcast = plan.subnet().broadcast().bits();
            if (IcmpErrorWriter.mayAnswer(packet, at, length, broadcast, false) && allow(guest)) {
                int n = IcmpErrorWriter.write(memory, PacketOutput.HEADROOM, type, code, rest, packet, at, length);
                put(guest, sourceHigh, sourceLow, Ipv4Header.PROTOCOL_ICMP, n, PacketOutput.COMPLETE);
            }
            return;
        }
        int error = Icmpv6Header.ofIcmpv4(type, code);
        if (error < 0) {
            return;
        }
        boolean parameter = error >>> 8 == Icmpv6Header.PARAMETER_PROBLEM;
        int field = parameter ? writer6.protocolField(packet, at, length) : rest;
        send6(guest, sourceHigh, sourceLow, error >>> 8, error & 0xff, field, packet, at, length);
    }

    /** Tells of an error that only ICMPv6 has, from the gateway. */
    void send6(Guest guest, int type, int code, int rest, MemorySegment packet, long at, int length) {
        send6(guest, GATEWAY, GATEWAY, type, code, rest, packet, at, length);
    }

    private void send6(
            Guest guest,
            long sourceHigh,
            long sourceLow,
            int type,
            int code,
            int rest,
            MemorySegment packet,
            long at,
            int length) {
        if (writer6.mayAnswer(packet, at, length) && allow(guest)) {
            int n = Icmpv6ErrorWriter.write(memory, PacketOutput.HEADROOM, type, code, rest, packet, at, length);
            put(guest, sourceHigh, sourceLow, Ipv6Header.ICMPV6, n, Icmpv6Header.CHECKSUM);
        }
    }

    private boolean allow(Guest guest) {
        RateLimiter limiter = guest.icmpErrors;
        if (limiter == null) {
            limiter = new RateLimiter(PER_SECOND, BURST, loop.now());
            guest.icmpErrors = limiter;
        }
        return limiter.allow(loop.now());
    }

    private void put(Guest guest, long sourceHigh, long sourceLow, int protocol, int length, int checksumOffset) {
        boolean own = sourceHigh == GATEWAY && sourceLow == GATEWAY;
        counters.icmpErrorsToGuest++;
        output.send(
                guest,
                own ? plan.gatewayHigh(guest.isIpv4()) : sourceHigh,
                own ? plan.gatewayLow(guest.isIpv4()) : sourceLow,
                protocol,
                HOP_LIMIT,
                TYPE_OF_SERVICE,
                memory,
                PacketOutput.HEADROOM,
                length,
                checksumOffset);
    }
}
