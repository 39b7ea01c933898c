package dev.sluice.control;

import dev.sluice.gateway.GatewayStatus;
import dev.sluice.gateway.dns.DnsCounters;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.proxy.ProxyCounters;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.MacAddress;
import java.util.List;
import java.util.Map;

/** A gateway as it might be. */
final class StatusFixture {
    private StatusFixture() {}

    static GatewayStatus status() {
        MacAddress mac = MacAddress.parse("02:50:00:00:00:01");
        Ipv4Address guest = Ipv4Address.parse("192.168.65.3");
        return new GatewayStatus(
                "0.1.0",
                4711,
                12,
                new GatewayStatus.Addresses(
                        Ipv4Cidr.parse("192.168.65.0/24"),
                        Ipv4Address.parse("192.168.65.1"),
                        Ipv4Address.parse("192.168.65.2"),
                        mac,
                        1500,
                        true,
                        null),
                List.of(new GatewayStatus.LinkStatus("qemu:/tmp/\"vm\".sock#2", 1500, false, 1, 2, 3, 4, 5)),
                List.of(new GatewayStatus.GuestStatus(guest, mac, "tap0", true, 0)),
                List.of(new GatewayStatus.LeaseStatus(guest, mac, "täst\u001b[31m", 3600)),
                List.of(
                        new GatewayStatus.ShareStatus("qemu:/tmp/\"vm\".sock#2", mac, 3, 2, 1, 1 << 20, 4 << 20, 7, 1),
                        new GatewayStatus.ShareStatus("tap0", null, 0, 0, 0, 0, 4 << 20, 0, 0)),
                new GatewayStatus.TcpStatus(1, 0, 2, 1, 0, 1L << 40, 7, 0, 5),
                new GatewayStatus.UdpStatus(0, 0, 0, 0),
                new GatewayStatus.PingStatus(0, 0, 0),
                new DnsCounters().snapshot(),
                new ProxyCounters().snapshot(0),
                Map.of("bad-ipv4", 3L),
                Limits.defaults(),
                new GatewayStatus.LoopStatus(100, 0, 1, 25),
                new GatewayStatus.Memory(0, 5, 6, 7, 1, 2, 3, 4));
    }
}
