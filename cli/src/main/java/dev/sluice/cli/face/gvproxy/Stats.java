package dev.sluice.cli.face.gvproxy;

import dev.sluice.gateway.GatewayStatus;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.ToLongFunction;

/** What {@code /stats} shows: the original's counters by its names where Sluice counts the same, and Sluice's own beside them. */
final class Stats {
    private Stats() {}

    static Map<String, Object> of(GatewayStatus status) {
        long sent = sum(status, GatewayStatus.LinkStatus::bytesToGuest);
        long received = sum(status, GatewayStatus.LinkStatus::bytesFromGuest);
        GatewayStatus.TcpStatus tcp = status.tcp();
        GatewayStatus.UdpStatus udp = status.udp();
        Map<String, Object> stats = new LinkedHashMap<>();
        stats.put("BytesReceived", received);
        stats.put("BytesSent", sent);
        stats.put(
                "NICs",
                ordered(
                        "Rx", packets(sum(status, GatewayStatus.LinkStatus::framesFromGuest), received),
                        "Tx", packets(sum(status, GatewayStatus.LinkStatus::framesToGuest), sent)));
        stats.put(
                "TCP",
                ordered(
                        "CurrentEstablished", tcp.open() - tcp.halfOpen(),
                        "FailedConnectionAttempts", tcp.refused(),
                        "PassiveConnectionOpenings", tcp.opened(),
                        "Retransmits", tcp.segmentsRetransmitted()));
        stats.put("UDP", ordered("PacketsReceived", udp.datagramsToHost(), "PacketsSent", udp.datagramsToGuest()));
        stats.put(
                "Sluice",
                ordered(
                        "links", status.links(),
                        "tcp", tcp,
                        "udp", udp,
                        "ping", status.ping(),
                        "drops", status.drops()));
        return stats;
    }

    private static long sum(GatewayStatus status, ToLongFunction<GatewayStatus.LinkStatus> counter) {
        return status.links().stream().mapToLong(counter).sum();
    }

    private static Map<String, Object> packets(long packets, long bytes) {
        return ordered("Packets", packets, "Bytes", bytes);
    }

    /** Names and values by turns. */
    private static Map<String, Object> ordered(Object... members) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < members.length; i += 2) {
            map.put((String) members[i], members[i + 1]);
        }
        return map;
    }
}
