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

    @Test
    void whatARouterAdvertisesIsReadAgain() {
        int n = NdpMessage.writeAdvertisement(s, 8, 61, NdpMessage.MANAGED, 0xfffe);
        Bytes.put32(s, 16, 0xffff_fff0);
        long mtu = 8 + n;
        n += NdpMessage.putMtu(s, mtu, 0xffff_ff00);
        long prefix = 8 + n;
        n += NdpMessage.putPrefix(
                s, prefix, Ipv6Cidr.parse("fd00:5109:5ce::/48"), NdpMessage.ON_LINK, -1L, 0xf000_0001L);
        long server = 8 + n;
        n += NdpMessage.putDnsServer(s, server, 0xf000_0002L, Ipv6Address.parse("fd00::53"));
        assertThat(NdpMessage.check(s, 8, n)).isEqualTo(Flaw.NONE);
        assertThat(NdpMessage.advertisedHopLimit(s, 8)).isEqualTo(61);
        assertThat(NdpMessage.routerFlags(s, 8)).isEqualTo(NdpMessage.MANAGED);
        assertThat(NdpMessage.routerLifetime(s, 8)).isEqualTo(0xfffe);
        assertThat(NdpMessage.reachableTime(s, 8)).isEqualTo(0xffff_fff0L);
        assertThat(NdpMessage.firstOption(s, 8)).isEqualTo(mtu);
        assertThat(NdpMessage.optionType(s, mtu)).isEqualTo(NdpMessage.OPTION_MTU);
        assertThat(mtu + NdpMessage.optionLength(s, mtu)).isEqualTo(prefix);
        assertThat(NdpMessage.mtu(s, mtu)).isEqualTo(0xffff_ff00L);
        assertThat(NdpMessage.isPrefix(s, prefix)).isTrue();
        assertThat(NdpMessage.prefix(s, prefix)).hasToString("fd00:5109:5ce::/48");
        assertThat(NdpMessage.prefixFlags(s, prefix)).isEqualTo(NdpMessage.ON_LINK);
        assertThat(NdpMessage.validLifetime(s, prefix)).isEqualTo(0xffff_ffffL);
        assertThat(NdpMessage.preferredLifetime(s, prefix)).isEqualTo(0xf000_0001L);
        assertThat(prefix + NdpMessage.optionLength(s, prefix)).isEqualTo(server);
        assertThat(NdpMessage.dnsServers(s, server)).isEqualTo(1);
        assertThat(NdpMessage.dnsLifetime(s, server)).isEqualTo(0xf000_0002L);
        assertThat(NdpMessage.dnsServer(s, server, 0)).hasToString("fd00::53");
    }

    @Test
    void optionsOfAnImpossibleSizeSayNothing() {
        NdpMessage.putMtu(s, 0, 1500);
        Bytes.put8(s, 1, 2);
        assertThat(NdpMessage.mtu(s, 0)).isZero();
        NdpMessage.putPrefix(s, 0, Ipv6Cidr.parse("fd00::/64"), 0, 1, 1);
        Bytes.put8(s, 2, 128);
        assertThat(NdpMessage.isPrefix(s, 0)).isTrue();
        Bytes.put8(s, 2, 129);
        assertThat(NdpMessage.isPrefix(s, 0)).isFalse();
        Bytes.put8(s, 2, 64);
        Bytes.put8(s, 1, 3);
        assertThat(NdpMessage.isPrefix(s, 0)).isFalse();
        NdpMessage.putDnsServer(s, 0, 1, Ipv6Address.parse("fd00::53"));
        Bytes.put64(s, 24, 0xfd00_0000_0000_0000L);
        Bytes.put64(s, 32, 7);
        for (int[] size : new int[][] {{1, 0}, {2, 0}, {3, 1}, {4, 0}, {5, 2}, {7, 3}}) {
            Bytes.put8(s, 1, size[0]);
            assertThat(NdpMessage.dnsServers(s, 0))
                    .as("of %s times eight bytes", size[0])
                    .isEqualTo(size[1]);
        }
        assertThat(NdpMessage.dnsServer(s, 0, 1)).hasToString("fd00::7");
    }

    @Test
    void solicitationsCarryTheirSenderUnlessItHasNoAddressYet() {
        int n = NdpMessage.writeSolicitation(s, 0, MAC);
        assertThat(hex(0, n)).isEqualTo("8500000000000000" + "0101025000000001");
        assertThat(NdpMessage.writeSolicitation(s, 0, 0)).isEqualTo(8);
        n = NdpMessage.writeDetection(s, 0, 0xfe80_0000_0000_0000L, 5);
        assertThat(hex(0, n)).isEqualTo("8700000000000000" + "fe800000000000000000000000000005");
    }

    private static final String LINK_LOCAL = "fe80::1";
    private static final String NAMELESS = "::";
    private static final String GROUP = "ff02::1";

    /** The message at 40, of {@code n} bytes, as it would come from the wire. */
    private Flaw received(String source, String destination, int hopLimit, int n) {
        Ipv6Address from = Ipv6Address.parse(source);
        Ipv6Address to = Ipv6Address.parse(destination);
        Ipv6Header.write(s, 0, 0, 0, n, Ipv6Header.ICMPV6, hopLimit, from.high(), from.low(), to.high(), to.low());
        Icmpv6Header.updateChecksum(s, 0, 40, n);
        return NdpMessage.check(s, 0, 40, n);
    }

    @Test
    void onlyMessagesOfTheLinkItselfAreBelieved() {
        int n = NdpMessage.writeAdvertisement(s, 40, 64, 0, 1800);
        assertThat(received(LINK_LOCAL, GROUP, 255, n)).isEqualTo(Flaw.NONE);
        assertThat(received(LINK_LOCAL, GROUP, 254, n)).isEqualTo(Flaw.BAD_FIELD);
        assertThat(received("febf::1", GROUP, 255, n)).isEqualTo(Flaw.NONE);
        assertThat(received("fec0::1", GROUP, 255, n)).isEqualTo(Flaw.BAD_FIELD);
        assertThat(received("fd00::1", GROUP, 255, n)).isEqualTo(Flaw.BAD_FIELD);
        received(LINK_LOCAL, GROUP, 255, n);
        Bytes.put8(s, 41 + 4, 1);
        assertThat(NdpMessage.check(s, 0, 40, n)).as("a wrong checksum").isNotEqualTo(Flaw.NONE);
    }

    @Test
    void whoHasNoAddressAsksAGroupAndWithoutItsHardwareAddress() {
        int n = NdpMessage.writeDetection(s, 40, 0xfe80_0000_0000_0000L, 5);
        assertThat(received(NAMELESS, "ff02::1:ff00:5", 255, n)).isEqualTo(Flaw.NONE);
        assertThat(received(NAMELESS, LINK_LOCAL, 255, n)).isEqualTo(Flaw.BAD_FIELD);
        assertThat(received(LINK_LOCAL, LINK_LOCAL, 255, n)).isEqualTo(Flaw.NONE);
        n = NdpMessage.writeNeighbour(s, 40, Icmpv6Header.NEIGHBOUR_SOLICITATION, 0, 0xfe80_0000_0000_0000L, 5, MAC);
        assertThat(received(NAMELESS, "ff02::1:ff00:5", 255, n)).isEqualTo(Flaw.BAD_FIELD);
        assertThat(received("::5", "ff02::1:ff00:5", 255, n)).isEqualTo(Flaw.NONE);
        n = NdpMessage.writeSolicitation(s, 40, MAC);
        assertThat(received(NAMELESS, "ff02::2", 255, n)).isEqualTo(Flaw.BAD_FIELD);
        assertThat(received(LINK_LOCAL, "ff02::2", 255, n)).isEqualTo(Flaw.NONE);
        n = NdpMessage.writeSolicitation(s, 40, 0);
        assertThat(received(NAMELESS, "ff02::2", 255, n)).isEqualTo(Flaw.NONE);
    }

    @Test
    void anAnswerToAGroupWasNotAskedFor() {
        for (int flags : new int[] {NdpMessage.OVERRIDE, NdpMessage.OVERRIDE | NdpMessage.SOLICITED}) {
            int n = NdpMessage.writeNeighbour(
                    s, 40, Icmpv6Header.NEIGHBOUR_ADVERTISEMENT, flags, 0xfe80_0000_0000_0000L, 5, MAC);
            assertThat(received(LINK_LOCAL, GROUP, 255, n))
                    .isEqualTo(flags == NdpMessage.OVERRIDE ? Flaw.NONE : Flaw.BAD_FIELD);
            assertThat(received(LINK_LOCAL, "fe80::2", 255, n)).isEqualTo(Flaw.NONE);
        }
    }
}
