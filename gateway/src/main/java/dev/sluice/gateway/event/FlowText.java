package dev.sluice.gateway.event;

import dev.sluice.gateway.flow.FlowInfo;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv6Address;
import org.jspecify.annotations.Nullable;

/** The ends of a flow as text, for records that know no addresses. */
final class FlowText {
    private FlowText() {}

    static String guest(FlowInfo flow) {
        return end(flow.guest(), flow.guestPort());
    }

    static String remote(FlowInfo flow) {
        return end(flow.remote(), flow.remotePort());
    }

    static String host(FlowInfo flow) {
        return end(flow.host(), flow.hostPort());
    }

    private static String end(@Nullable IpAddress address, int port) {
        return switch (address) {
            case null -> "";
            case Ipv6Address six -> "[" + six + "]:" + port;
            default -> address + ":" + port;
        };
    }
}
