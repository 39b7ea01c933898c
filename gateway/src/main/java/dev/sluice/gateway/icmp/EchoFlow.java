package dev.sluice.gateway.icmp;

import dev.sluice.gateway.flow.Decisions;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.FlowTable;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.IcmpCause;
import dev.sluice.host.DatagramHost;
import dev.sluice.host.PingSocket;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Ipv4Header;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A guest's echo identifier and the host's ping socket that stands for it (RFC 5508 §3). */
final class EchoFlow extends FlowTable.Entry<EchoFlow> implements PingSocket.Events {
    private final EchoFlows flows;
    final Decisions decisions = new Decisions();
    /** The guest as it last spoke. */
    Guest guest;
    /** Opened for the first request that the policy allows. */
    @Nullable
    PingSocket socket;

    EchoFlow(EchoFlows flows, Guest guest, long low, int identifier) {
        super(DatagramHost.MAPPED_HIGH, low, identifier);
        this.flows = flows;
        this.guest = guest;
    }

    void close() {
        if (socket != null) {
            socket.close();
            socket = null;
        }
    }

    /** What the guest calls a host-side address; 0 if it has no IPv4 name for it. */
    private int shown(long high, long low) {
        int redirect = decisions.redirectedTo(high, low, 0);
        if (redirect >= 0) {
            return decisions.destination(redirect);
        }
        return DatagramHost.isIpv4(high, low) && (int) low >>> 24 != 127 ? (int) low : 0;
    }

    @Override
    public void onReply(long high, long low, int typeOfService, MemorySegment memory, long at, int length) {
        int source = shown(high, low);
        if (source == 0) {
            flows.counters.drop(Drop.MARTIAN);
            return;
        }
        flows.use(this);
        EchoChecksum.replaceIdentifier(memory, at, port());
        if (flows.send(guest, source, typeOfService, memory, at, length)) {
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
        int destination = shown(high, low);
        if (destination == 0) {
            return;
        }
        int offender = offenderHigh == high && offenderLow == low ? destination : shown(offenderHigh, offenderLow);
        EchoChecksum.replaceIdentifier(memory, at, port());
        long ipAt = at - Ipv4Header.MIN_LENGTH;
        int total = Ipv4Header.MIN_LENGTH + length;
        int timeToLive = icmpType == IcmpHeader.TIME_EXCEEDED ? 1 : 64;
        Ipv4Header.write(
                memory, ipAt, 0, total, 0, 0, timeToLive, Ipv4Header.PROTOCOL_ICMP, guest.address, destination);
        report(
                offender == 0 ? flows.plan.gateway().bits() : offender,
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
            int offender, int errno, int icmpType, int icmpCode, int mtu, MemorySegment quoted, long ipAt, int length) {
        int cause = IcmpCause.of(errno, icmpType, icmpCode);
        if (cause == IcmpCause.NONE) {
            flows.counters.drop(Drop.PING_UNAVAILABLE);
            return;
        }
        boolean tooBig = cause == (IcmpHeader.DESTINATION_UNREACHABLE << 8 | IcmpHeader.FRAGMENTATION_NEEDED);
        int rest = tooBig ? Math.min(mtu == 0 ? flows.plan.mtu() : mtu, 0xffff) : 0;
        flows.errors.send(guest, offender, IcmpCause.type(cause), IcmpCause.code(cause), rest, quoted, ipAt, length);
    }
}
