package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class NdpMessageTest {
    private static final long MAC = 0x0250_0000_0001L;
    private final MemorySegment s = Arena.ofAuto().allocate(1500, 8);

    private String hex(long at, int length) {
        return HexFormat.of().formatHex(s.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE));
    }

    @Test
    void aNeighbourAdvertisementIsWhatRfc4861Draws() {
        Ipv6Address target = Ipv6Address.parse("fd00:5109:5ce::1");
        int n = NdpMessage.writeNeighbour(
                s,
                0,
                Icmpv6Header.NEIGHBOUR_ADVERTISEMENT,
                NdpMessage.ROUTER | NdpMessage.SOLICITED | NdpMessage.OVERRIDE,
                target.high(),
                target.low(),
                MAC);
        assertThat(hex(0, n)).isEqualTo("88000000e0000000" + "fd00510905ce00000000000000000001" + "0201025000000001");
        assertThat(NdpMessage.check(s, 0, n)).isEqualTo(Flaw.NONE);
        assertThat(NdpMessage.targetLow(s, 0)).isEqualTo(1);
        assertThat(NdpMessage.neighbourFlags(s, 0)).isEqualTo(0xe0);
        long option = NdpMessage.option(s, 0, n, NdpMessage.OPTION_TARGET_LINK_ADDRESS);
        assertThat(NdpMessage.linkAddress(s, option)).isEqualTo(MAC);
        assertThat(NdpMessage.option(s, 0, n, NdpMessage.OPTION_MTU)).isEqualTo(-1);
    }

    @Test
    void aRouterAdvertisementCarriesPrefixMtuNameServerAndSearchList() {
        int n = NdpMessage.writeAdvertisement(s, 0, 64, NdpMessage.OTHER, 1800);
        n += NdpMessage.putMtu(s, n, 1500);
        n += NdpMessage.putPrefix(
                s, n, Ipv6Cidr.parse("fd00:5109:5ce::/64"), NdpMessage.ON_LINK | NdpMessage.AUTONOMOUS, 86400, 14400);
        n += NdpMessage.putDnsServer(s, n, 600, Ipv6Address.parse("fd00:5109:5ce::1"));
        n += NdpMessage.putSearchList(s, n, 600, List.of("corp.example", "x"));
        assertThat(NdpMessage.check(s, 0, n)).isEqualTo(Flaw.NONE);
        assertThat(hex(0, 16)).isEqualTo("8600000040400708" + "0000000000000000");
        assertThat(hex(16, 8)).isEqualTo("05010000000005dc");
        assertThat(hex(24, 32))
                .isEqualTo("030440c0" + "00015180" + "00003840" + "00000000" + "fd00510905ce00000000000000000000");
        assertThat(hex(56, 24)).isEqualTo("1903000000000258" + "fd00510905ce00000000000000000001");
        assertThat(hex(80, n - 80))
                .isEqualTo("1f04000000000258" + "04636f7270076578616d706c6500" + "017800" + "00000000000000");
        assertThat(NdpMessage.routerLifetime(s, 0)).isEqualTo(1800);
        assertThat(NdpMessage.routerFlags(s, 0)).isEqualTo(NdpMessage.OTHER);
    }

    @Test
    void aDomainThatIsNoneIsNamed() {
        assertThatThrownBy(() -> NdpMessage.putSearchList(s, 0, 1, List.of("a..b")))
                .hasMessageContaining("a..b");
    }

    @Test
    void optionsOfLengthZeroAndMulticastTargetsAreRefused() {
        int n = NdpMessage.writeNeighbour(s, 0, Icmpv6Header.NEIGHBOUR_SOLICITATION, 0, 1, 2, MAC);
        Bytes.put8(s, 25, 0);
        assertThat(NdpMessage.check(s, 0, n)).isEqualTo(Flaw.BAD_OPTION);
        Bytes.put8(s, 25, 2);
        assertThat(NdpMessage.check(s, 0, n)).isEqualTo(Flaw.TRUNCATED);
        Bytes.put8(s, 25, 1);
        Bytes.put8(s, 8, 0xff);
        assertThat(NdpMessage.check(s, 0, n)).isEqualTo(Flaw.BAD_FIELD);
        Bytes.put8(s, 8, 0);
        Bytes.put8(s, 1, 1);
        assertThat(NdpMessage.check(s, 0, n)).as("code").isEqualTo(Flaw.BAD_FIELD);
        assertThat(NdpMessage.check(s, 0, 7)).isEqualTo(Flaw.TRUNCATED);
    }

    @Test
    void damagedMessagesGetAVerdictAndNothingIsReadOutside() {
        byte[] solicitation = Mutations.written(
                32, t -> NdpMessage.writeNeighbour(t, 0, Icmpv6Header.NEIGHBOUR_SOLICITATION, 0, 1, 2, MAC));
        byte[] advertisement = Mutations.written(72, t -> {
            int n = NdpMessage.writeAdvertisement(t, 0, 64, 0, 0);
            n += NdpMessage.putMtu(t, n, 1500);
            n += NdpMessage.putPrefix(t, n, Ipv6Cidr.parse("fd00::/64"), 0xc0, 1, 1);
            NdpMessage.putLinkAddress(t, n, NdpMessage.OPTION_SOURCE_LINK_ADDRESS, MAC);
        });
        Mutations.run(620, List.of(solicitation, advertisement), (t, at, length) -> {
            if (NdpMessage.check(t, at, length) != Flaw.NONE) {
                return;
            }
            for (int type = 0; type < 256; type++) {
                long option = NdpMessage.option(t, at, length, type);
                if (option >= 0) {
                    assertThat(option + Bytes.u8(t, option + 1) * 8L).isLessThanOrEqualTo(at + length);
                    NdpMessage.linkAddress(t, option);
                }
            }
        });
    }

    @Test
    void icmpErrorsTranslateBetweenTheFamilies() {
        assertThat(Icmpv6Header.toIcmpv4(1, 4)).isEqualTo(3 << 8 | 3);
        assertThat(Icmpv6Header.toIcmpv4(1, 0)).isEqualTo(3 << 8);
        assertThat(Icmpv6Header.toIcmpv4(1, 1)).isEqualTo(3 << 8 | 13);
        assertThat(Icmpv6Header.toIcmpv4(2, 0)).isEqualTo(3 << 8 | 4);
        assertThat(Icmpv6Header.toIcmpv4(3, 1)).isEqualTo(11 << 8 | 1);
        assertThat(Icmpv6Header.toIcmpv4(4, 0)).isEqualTo(-1);
        for (int type = 0; type < 256; type++) {
            for (int code = 0; code < 20; code++) {
                int six = Icmpv6Header.ofIcmpv4(type, code);
                assertThat(six >= 0)
                        .as("%d/%d", type, code)
                        .isEqualTo(type == 11 || type == 3 && code != 14 && code < 16);
            }
        }
    }
}
