package dev.sluice.gateway.tcp;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Destination;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.IcmpErrors;
import dev.sluice.host.HostError;
import dev.sluice.host.StreamHost;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Loop;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How flows of guests begin: what becomes of a SYN by limits, policy, services of the gateway and interceptor; the host's connection it waits
 * for; and how the guest learns that there is none.
 */
final class Establishment {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.gateway");
    private static final long WARNING_INTERVAL = 10_000_000_000L;
    private static final int TTL = 64;
    /** Guests that send with a TTL below this are tracing a route: the host's packets get theirs. */
    private static final int TRACING_TTL = 32;

    private final TcpFlows flows;
    private final Loop loop;
    private final StreamHost host;
    private final AddressPlan plan;
    private final Counters counters;
    private final FlowPolicy policy;
    private final IcmpErrors errors;
    /** By port of the gateway. */
    final Map<Integer, TcpFlows.LocalService> services = new HashMap<>();

    Interceptor interceptor = Interceptor.NONE;
    private final MemorySegment scratch = Arena.ofAuto().allocate(256, 8);
    private long lastWarning;

    Establishment(TcpFlows flows, FlowPolicy policy, IcmpErrors errors) {
        this.flows = flows;
        this.loop = flows.loop;
        this.host = flows.host;
        this.plan = flows.plan;
        this.counters = flows.counters;
        this.policy = policy;
        this.errors = errors;
        this.lastWarning = loop.now() - WARNING_INTERVAL;
    }

    /** Flows whose host connection is pending. */
    int halfOpen() {
        return (int) flows.shares.all().tcpHalfOpen.held();
    }

    /** A guest's SYN, to which no flow belongs: TCP header checked, checksum verified. */
    void onSyn(
            Guest guest,
            MemorySegment packet,
            long ipAt,
            long at,
            int length,
            int guestPort,
            long remoteHigh,
            long remoteLow,
            int remotePort,
            int iss,
            long now) {
        if (guestPort == 0 || remotePort == 0) {
            counters.drop(Drop.BAD_TCP);
            return;
        }
        GuestFlows share = flows.share(guest);
        if (!share.shares.mayOpen()) {
            counters.drop(Drop.TCP_FLOW_LIMIT);
            flows.sender.refuse(guest, packet, ipAt, at, length);
            return;
        }
        if (!share.shares.mayHalfOpen()) {
            counters.drop(Drop.TCP_HALF_OPEN_LIMIT);
            TcpFlow oldest = share.oldestHalfOpen();
            if (oldest == null) {
                return; // silently: the guest tries again, and by then there may be room
            }
            oldest.vanish(now); // whoever still wants it tries again
        }
        TcpFlows.LocalService service = null;
        FlowPolicy.Decision decision;
        if (Destination.of(plan, remoteHigh, remoteLow) == Destination.GATEWAY) {
            service = services.get(remotePort);
            if (service == null) {
                counters.drop(Drop.NO_SERVICE);
                flows.sender.refuse(guest, packet, ipAt, at, length);
                return;
            }
            decision = new FlowPolicy.Allow(plan.gateway(), remotePort);
        } else {
            decision = policy.decide(new FlowPolicy.Request(
                    FlowPolicy.Protocol.TCP,
                    guest.ipAddress(),
                    guestPort,
                    IpHeader.address(remoteHigh, remoteLow),
                    remotePort));
        }
        switch (decision) {
            case FlowPolicy.Reject() -> {
                counters.tcpRefused++;
                flows.sender.refuse(guest, packet, ipAt, at, length);
            }
            case FlowPolicy.Prohibit() -> {
                counters.drop(Drop.PROHIBITED);
                errors.send(
                        guest,
                        IcmpHeader.DESTINATION_UNREACHABLE,
                        IcmpHeader.ADMINISTRATIVELY_PROHIBITED,
                        packet,
                        ipAt,
                        IpHeader.totalLength(packet, ipAt));
                flows.sender.refuse(guest, packet, ipAt, at, length);
            }
            case FlowPolicy.Allow(var address, int port) -> {
                TcpFlow flow = halfOpen(guest, share, guestPort, remoteHigh, remoteLow, remotePort);
                hold(flow, packet, at, length, iss, now);
                int ttl = IpHeader.hopLimit(packet, ipAt);
                flow.host = service == null ? address : null;
                flow.hostPort = service == null ? port : 0;
                if (service == null
                        && interceptor.takes(remotePort)
                        && Destination.of(plan, remoteHigh, remoteLow) == Destination.WORLD) {
                    flow.attach(interceptor.open(flow, new FlowPolicy.Allow(address, port)));
                    return;
                }
                flow.otherLoopbackPort = address.equals(Ipv6Address.LOOPBACK) ? port : 0;
                flow.attach(
                        service != null
                                ? service.open(guest, flow)
                                : host.connect(
                                        address, port, ttl < TRACING_TTL ? ttl - 1 : StreamHost.DEFAULT_TTL, flow));
            }
            case FlowPolicy.Tunnel(String path, var address, int port) -> {
                TcpFlow flow = halfOpen(guest, share, guestPort, remoteHigh, remoteLow, remotePort);
                hold(flow, packet, at, length, iss, now);
                flow.attach(TunnelSocket.open(loop, host, path, address, port, flow));
            }
        }
    }

    /** A new flow whose host connection is still to come. */
    private TcpFlow halfOpen(
            Guest guest, GuestFlows share, int guestPort, long remoteHigh, long remoteLow, int remotePort) {
        TcpFlow flow =
                new TcpFlow(flows, guest, share, flows.profile(guest), guestPort, remoteHigh, remoteLow, remotePort);
        share.addHalfOpen(flow);
        flows.add(flow);
        return flow;
    }

    /** The flow has the guest's SYN, and answers it once the host is connected. */
    private void hold(TcpFlow flow, MemorySegment packet, long at, int length, int iss, long now) {
        long keyHigh = flows.keyHigh(flow.guest, flow.remoteHigh, flow.remoteLow);
        long keyLow = flows.keyLow(flow.guest, flow.remoteHigh, flow.remoteLow, flow.guestPort, flow.remotePort);
        flow.tcb.openPassive(keyHigh, keyLow, packet, at, length, iss, now);
    }

    /** The host is connected. */
    void connected(TcpFlow flow) {
        ended(flow);
        counters.tcpOpened++;
        flows.events.opened(flow, loop.now());
    }

    /** The host could not be connected. */
    void connectFailed(TcpFlow flow, HostError error) {
        if (flow.isClosed()) {
            return;
        }
        if (error == HostError.REFUSED && flow.otherLoopbackPort != 0) {
            // Most servers on a loopback listen on the one of IPv4; the guest asked for the host, not for a family.
            int port = flow.otherLoopbackPort;
            flow.otherLoopbackPort = 0;
            flow.host = Ipv4Address.LOOPBACK;
            flow.attach(host.connect(Ipv4Address.LOOPBACK, port, StreamHost.DEFAULT_TTL, flow));
            return;
        }
        long now = loop.now();
        counters.tcpRefused++;
        flows.events.closed(flow, error.name().toLowerCase(Locale.ROOT).replace('_', '-'), now);
        switch (error) {
            case REFUSED, RESET, ADDRESS_IN_USE, NO_SUCH_ADDRESS, OTHER, MESSAGE_TOO_LONG -> flow.abort(now);
            case NET_UNREACHABLE -> unreachable(flow, IcmpHeader.NET_UNREACHABLE, now);
            case HOST_UNREACHABLE -> unreachable(flow, IcmpHeader.HOST_UNREACHABLE, now);
            case PROHIBITED -> unreachable(flow, IcmpHeader.ADMINISTRATIVELY_PROHIBITED, now);
            case TIMED_OUT ->
                flow.vanish(now); // silence, as from the host itself: the guest's own timer has run as long
            case NO_DESCRIPTORS, NO_RESOURCES -> {
                counters.drop(Drop.NO_DESCRIPTORS);
                if (now - lastWarning >= WARNING_INTERVAL) {
                    lastWarning = now;
                    LOG.log(System.Logger.Level.WARNING, lacking(error));
                }
                flow.vanish(now); // the guest tries again in a second
            }
        }
    }

    private static String lacking(HostError error) {
        return error == HostError.NO_DESCRIPTORS
                ? "out of descriptors: new connections wait until some are closed; raise the limit with ulimit -n"
                : "out of local ports or memory for sockets: new connections wait until some are closed; sysctl net.ipv4.ip_local_port_range says"
                        + " how many ports there are to one address";
    }

    /** Quotes the flow's SYN back to the guest, the latest if there were several, and forgets the flow. */
    private void unreachable(TcpFlow flow, int code, long now) {
        MemorySegment s = scratch;
        long at = Ipv6Header.LENGTH;
        long ip = IpHeader.writeBefore(
                s,
                at,
                TcpHeader.MIN_LENGTH,
                Ipv4Header.PROTOCOL_TCP,
                TTL,
                flow.guest.high,
                flow.guest.low,
                flow.remoteHigh,
                flow.remoteLow);
        int sequence = flow.tcb.receiveNext() - 1;
        TcpHeader.write(s, at, flow.guestPort, flow.remotePort, sequence, 0, TcpHeader.MIN_LENGTH, TcpHeader.SYN, 0);
        int length = (int) (at - ip) + TcpHeader.MIN_LENGTH;
        errors.send(flow.guest, IcmpHeader.DESTINATION_UNREACHABLE, code, s, ip, length);
        flow.vanish(now);
    }

    /** The flow is half-open no more; false if it was not. */
    boolean ended(TcpFlow flow) {
        if (!flow.halfOpen) {
            return false;
        }
        flow.share.removeHalfOpen(flow);
        return true;
    }

    /** As {@link TcpFlows#connect}. */
    @Nullable
    StreamSocket connect(FlowPolicy.Request request, StreamSocket.Events owner) {
        long high = request.destination().high();
        long low = request.destination().low();
        return switch (Destination.of(plan, high, low)) {
            case GATEWAY, NEIGHBOUR, MULTICAST, MARTIAN -> null;
            case HOST, WORLD ->
                switch (policy.decide(request)) {
                    case FlowPolicy.Reject _, FlowPolicy.Prohibit _ -> {
                        counters.drop(Drop.PROHIBITED);
                        yield null;
                    }
                    case FlowPolicy.Allow(var address, int port) ->
                        host.connect(address, port, StreamHost.DEFAULT_TTL, owner);
                    case FlowPolicy.Tunnel(String path, var address, int port) ->
                        TunnelSocket.open(loop, host, path, address, port, owner);
                };
        };
    }
}
