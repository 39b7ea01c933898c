package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.Test;

class WayOutTest {
    @Test
    void theLoopbackIsLeftByItself() throws Exception {
        assertThat(WayOut.to(Ipv4Address.LOOPBACK)).isEqualTo(new WayOut("127.0.0.1", "lo", null));
    }

    @Test
    void theNextHopIsThatOfTheLongestPrefix() throws Exception {
        List<String> table = List.of(
                "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
                "eth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0",
                "eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
                "tun0\t0000000A\t0901000A\t0003\t0\t0\t0\t000000FF\t0\t0\t0");
        assertThat(WayOut.hop(bytes("192.0.2.1"), "eth0", table)).isEqualTo("10.0.2.1");
        assertThat(WayOut.hop(bytes("10.0.2.7"), "eth0", table)).isNull();
        assertThat(WayOut.hop(bytes("10.9.9.9"), "tun0", table)).isEqualTo("10.0.1.9");
        assertThat(WayOut.hop(bytes("10.9.9.9"), "wlan0", table)).isNull();
    }

    @Test
    void theSameOfIpv6() throws Exception {
        String none = "0".repeat(32);
        List<String> table = List.of(
                none + " 00 " + none
                        + " 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0",
                "20010db8000000000000000000000000 20 " + none + " 00 " + none
                        + " 00000100 00000001 00000000 00000001     eth0",
                "garbage");
        assertThat(WayOut.hop(bytes("2606::1"), "eth0", table))
                .isEqualTo(Ipv6Address.parse("fe80::1").toString());
        assertThat(WayOut.hop(bytes("2001:db8::7"), "eth0", table)).isNull();
    }

    private static byte[] bytes(String address) {
        return InetAddress.ofLiteral(address).getAddress();
    }
}
