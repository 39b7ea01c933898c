package dev.sluice.gateway;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.IcmpErrors;
import dev.sluice.gateway.flow.Ipv4Output;
import dev.sluice.loop.Loop;
import dev.sluice.stack.ip.IcmpErrorWriter;
import dev.sluice.stack.ip.RateLimiter;
import dev.sluice.wire.Ipv4Header;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** {@link IcmpErrors} within the rules of RFC 1812 §4.3.2 and a rate for each guest. Confined to the loop. */
final class ErrorSender implements IcmpErrors {
    private static final int TTL = 64;
    /** Network control (RFC 1812 §4.3.2.5). */
    private static final int TYPE_OF_SERVICE = 0xc0;

    private static final int PER_SECOND = 500;
    private static final int BURST = 200;

    private final Loop loop;
    private final AddressPlan plan;
    private final Counters counters;
    private final Ipv4Output output;
    private final MemorySegment memory = Arena.ofAuto().allocate(Ipv4Output.HEADROOM + IcmpErrorWriter.MAX_MESSAGE, 8);

    ErrorSender(Loop loop, AddressPlan plan, Counters counters, Ipv4Output output) {
        this.loop = loop;
        this.plan = plan;
        this.counters = counters;
        this.output = output;
    }

    @Override
    public void send(Guest guest, int source, int type, int code, int rest, MemorySegment packet, long at, int length) {
        int broadcast = plan.subnet().broadcast().bits();
        if (!IcmpErrorWriter.mayAnswer(packet, at, length, broadcast, false)) {
            return;
        }
        RateLimiter limiter = guest.icmpErrors;
        if (limiter == null) {
            limiter = new RateLimiter(PER_SECOND, BURST, loop.now());
            guest.icmpErrors = limiter;
        }
        if (!limiter.allow(loop.now())) {
            return;
        }
        int written = IcmpErrorWriter.write(memory, Ipv4Output.HEADROOM, type, code, rest, packet, at, length);
        counters.icmpErrorsToGuest++;
        output.send(
                guest,
                source,
                Ipv4Header.PROTOCOL_ICMP,
                TTL,
                TYPE_OF_SERVICE,
                memory,
                Ipv4Output.HEADROOM,
                written,
                Ipv4Output.COMPLETE);
    }
}
