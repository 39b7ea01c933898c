package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class ProxyHeaderTest {
    private static final String SIGNATURE = "0d0a0d0a000d0a515549540a";
    private final MemorySegment memory = Arena.ofAuto().allocate(ProxyHeader.MAX_LENGTH);

    private String hex(int length) {
        return HexFormat.of().formatHex(memory.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
    }

    @Test
    void anIpv4ConnectionIsToldWithBothEnds() {
        int length = ProxyHeader.write(
                memory, 0, Ipv4Address.parse("198.51.100.7"), 40_000, Ipv4Address.parse("192.0.2.1"), 8080);
        assertThat(hex(length)).isEqualTo(SIGNATURE + "2111000c" + "c6336407" + "c0000201" + "9c40" + "1f90");
    }

    @Test
    void anIpv6ConnectionIsToldWithBothEnds() {
        int length = ProxyHeader.write(
                memory, 0, Ipv6Address.parse("2001:db8::7"), 40_000, Ipv6Address.parse("2001:db8::1"), 443);
        assertThat(hex(length))
                .isEqualTo(SIGNATURE + "21210024" + "20010db8000000000000000000000007"
                        + "20010db8000000000000000000000001" + "9c40" + "01bb");
    }

    @Test
    void whatHasNoAddressesSaysSo() {
        assertThat(hex(ProxyHeader.writeLocal(memory, 0))).isEqualTo(SIGNATURE + "20000000");
    }
}
