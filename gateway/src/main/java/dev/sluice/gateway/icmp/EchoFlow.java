package dev.sluice.gateway.icmp;

import dev.sluice.gateway.flow.Destination;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.FlowInfo;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.IcmpCause;
import dev.sluice.gateway.flow.IcmpErrors;
import dev.sluice.gateway.flow.Mapping;
import dev.sluice.host.PingSocket;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.IpHeader;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A guest's echo identifier and the host's ping socket that stands for it (RFC 5508 §3). */
final class EchoFlow extends Mapping<EchoFlow> implements PingSocket.Events {
    private final EchoFlows flows;
    /** Opened for the first request that the policy allows. */
    @Nullable
    PingSocket socket;

    EchoFlow(EchoFlows flows, Guest guest, int identifier, long now) {
        super(guest, identifier, flows.counters, now);
        this.flows = flows;
    }

    @Override
    protected boolean isOpen() {
        return socket != null;
    }

    @Override
    protected void closeSocket() {
        if (socket != null) {
            socket.close();
            socket = null;
        }
    }

    @Override
    public void cut(long now) {
        flows.mappings.end(this, "reset");
    }

    @Override
    public FlowInfo info(long now) {
        return decisions.info(FlowPolicy.Protocol.PING, guest(), port(), traffic, isOpen(), isOpen() ? port() : 0, now);
    }

    /** Whether the guest may be shown a host-side address that no decision redirected to. */
    private boolean isShown(long high, long low) {
        return IpHeader.isIpv4(high, low) == guest().isIpv4()
                && Destination.of(flows.plan, high, low) == Destination.WORLD;
    }

    @Override
    public void onReply(long high, long low, int typeOfService, MemorySegment memory, long at, int length) {
        int redirect = decisions.redirectedTo(high, low, 0);
        if (redirect < 0 && !isShown(high, low)) {
            flows.counters.drop(Drop.MARTIAN);
            return;
        }
        long sourceHigh = redirect < 0 ? high : decisions.destinationHigh(redirect);
        long sourceLow = redirect < 0 ? low : decisions.destinationLow(redirect);
        flows.mappings.use(this);
        EchoChecksum.replaceIdentifier(memory, at, port());
        if (flows.send(guest(), sourceHigh, sourceLow, typeOfService, memory, at, length)) {
            traffic.bytesToGuest += length - IcmpHeader.LENGTH;
            flows.counters.pingsToGuest++;
        }
    }

    @Override
    public void onError(
            int errno,
            int icmpType,
            int icmpCode,
            int mtu,
            long offenderHigh,
            long offenderLow,
            long high,
            long low,
            MemorySegment memory,
            long at,
            int length) {
        int redirect = decisions.redirectedTo(high, low, 0);
        if (redirect < 0 && !isShown(high, low)) {
            return;
        }
        long destinationHigh = redirect < 0 ? high : decisions.destinationHigh(redirect);
        long destinationLow = redirect < 0 ? low : decisions.destinationLow(redirect);
        boolean itself = offenderHigh == high && offenderLow == low;
        boolean router = itself || isShown(offenderHigh, offenderLow);
        EchoChecksum.replaceIdentifier(memory, at, port());
        int hopLimit = icmpType == IcmpHeader.TIME_EXCEEDED ? 1 : 64;
        int protocol = EchoFlows.protocol(guest());
        long ipAt = IpHeader.writeBefore(
                memory, at, length, protocol, hopLimit, guest().high, guest().low, destinationHigh, destinationLow);
        int total = (int) (at - ipAt) + length;
        report(
                itself ? destinationHigh : router ? offenderHigh : IcmpErrors.GATEWAY,
                itself ? destinationLow : router ? offenderLow : IcmpErrors.GATEWAY,
                errno,
                icmpType,
                icmpCode,
                mtu,
                memory,
                ipAt,
                total);
    }

    /** Tells the guest that the request quoted at {@code ipAt} went nowhere. */
    void report(
            long offenderHigh,
            long offenderLow,
            int errno,
            int icmpType,
            int icmpCode,
            int mtu,
            MemorySegment quoted,
            long ipAt,
            int length) {
        int cause = IcmpCause.of(errno, icmpType, icmpCode);
        if (cause == IcmpCause.NONE) {
            flows.counters.drop(Drop.PING_UNAVAILABLE);
            return;
        }
        boolean tooBig = cause == (IcmpHeader.DESTINATION_UNREACHABLE << 8 | IcmpHeader.FRAGMENTATION_NEEDED);
        int rest = tooBig ? Math.min(mtu == 0 ? flows.plan.mtu() : mtu, 0xffff) : 0;
        flows.errors.send(
                guest(),
                offenderHigh,
                offenderLow,
                IcmpCause.type(cause),
                IcmpCause.code(cause),
                rest,
                quoted,
                ipAt,
                length);
    }
}
