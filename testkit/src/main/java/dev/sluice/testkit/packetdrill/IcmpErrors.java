package dev.sluice.testkit.packetdrill;

import dev.sluice.stack.tcp.TcpState;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** ICMP errors of scripts, and what they do to connections (RFC 5927, RFC 1122 §4.2.3.9). */
final class IcmpErrors {
    private static final int HEADERS_V4 = 40;
    private static final int HEADERS_V6 = 60;
    /** By code, what a connection attempt gives up for. */
    private static final Map<String, String> HARD = Map.of(
            "protocol_unreachable", "ECONNREFUSED",
            "port_unreachable", "ECONNREFUSED",
            "net_prohibited", "ECONNREFUSED",
            "host_prohibited", "ECONNREFUSED",
            "packet_filtered", "ECONNREFUSED",
            "administratively_prohibited", "ECONNREFUSED",
            "admin_prohibited", "ECONNREFUSED");

    private static final Set<String> TIME_EXCEEDED = Set.of("ttl_exceeded_in_transit", "exceeded_hop_limit");

    private final Stack stack;

    IcmpErrors(Stack stack) {
        this.stack = stack;
    }

    void inject(Action.IcmpPacket packet, Flow flow) {
        Connection connection = stack.find(flow.remotePort, flow.localPort);
        if (connection == null || !connection.tcb.isOutstanding(flow.liveLocal(packet.sequence()))) {
            return;
        }
        boolean tooBig = packet.code().equals("frag_needed") || packet.type().equals("packet_too_big");
        if (tooBig) {
            if (stack.settings.pathMtuDiscovery && packet.mtu() >= 68) {
                int headers = stack.settings.ipv6 ? HEADERS_V6 : HEADERS_V4;
                stack.learnPath(connection, packet.mtu() - headers);
            }
            return;
        }
        // All that is no error, or a soft one (RFC 5461), changes nothing.
        String error = packet.type().equals("unreachable") ? hard(packet.code()) : null;
        if (stack.settings.dialect == Script.Dialect.FREEBSD && TIME_EXCEEDED.contains(packet.code())) {
            error = "EHOSTUNREACH"; // FreeBSD gives an attempt up for this, too
        }
        TcpState state = connection.state();
        boolean opening = state == TcpState.SYN_SENT || state == TcpState.SYN_RECEIVED;
        if (error != null && opening && stack.settings.icmpMayReset) {
            stack.abort(connection);
            connection.error = error;
            stack.settle();
        }
    }

    private static @Nullable String hard(String code) {
        return HARD.get(code);
    }
}
