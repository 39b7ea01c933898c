package dev.sluice.gateway.ndp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.RecordingLink;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.flow.SearchList;
import dev.sluice.testkit.VirtualLoop;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.NdpMessage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class NdpResponderTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long GUEST = 0x0250_0000_0003L;
    private static final Ipv6Address ADDRESS = Ipv6Address.parse("fd00:5109:5ce::3");
    private static final Ipv6Plan SIX = Ipv6Plan.of(Ipv6Plan.DEFAULT_PREFIX, AddressPlan.DEFAULT_MAC, true);
    private static final AddressPlan PLAN =
            AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true).withIpv6(SIX);

    private final VirtualLoop loop = new VirtualLoop(Long.MAX_VALUE - 20 * SECOND);
    private final Counters counters = new Counters();
    private final RecordingLink link = new RecordingLink("test");
    private final MemorySegment s = Arena.ofAuto().allocate(2048, 8);
    private NdpResponder ndp =
            new NdpResponder(loop, PLAN, SIX, counters, () -> List.of(link), SearchList.of(PLAN), (l, m, h, a) -> {});

    /** Sends a message that is written at 40; the checksum is made here. */
    private void send(Ipv6Address from, Ipv6Address to, int hopLimit, int length) {
        Ipv6Header.write(s, 0, 0, 0, length, Ipv6Header.ICMPV6, hopLimit, from.high(), from.low(), to.high(), to.low());
        Bytes.put16(s, 42, 0);
        long sum = Checksum.add(Ipv6Header.pseudoHeader(s, 0, Ipv6Header.ICMPV6, length), s, 40, length);
        Bytes.put16(s, 42, Checksum.finish(sum));
        ndp.onMessage(link, GUEST, s, 0, 40, length, loop.now());
    }

    private void solicit(Ipv6Address from, Ipv6Address target) {
        int n = NdpMessage.writeNeighbour(
                s, 40, Icmpv6Header.NEIGHBOUR_SOLICITATION, 0, target.high(), target.low(), GUEST);
        boolean nobody = from.isUnspecified();
        send(from, target.solicitedNode(), 255, nobody ? NdpMessage.NEIGHBOUR_LENGTH : n);
    }

    /** What was sent, in words; every frame is checked on the way. */
    private List<String> sent() {
        List<String> words = new ArrayList<>();
        for (byte[] bytes : link.frames) {
            MemorySegment f = MemorySegment.ofArray(bytes);
            assertThat(EthernetHeader.source(f, 0)).isEqualTo(PLAN.mac().bits());
            assertThat(Ipv6Header.check(f, 14, bytes.length - 14)).isEqualTo(Flaw.NONE);
            assertThat(Ipv6Header.hopLimit(f, 14)).isEqualTo(255);
            assertThat(Icmpv6Header.check(f, 14, 54, bytes.length - 54)).isEqualTo(Flaw.NONE);
            assertThat(NdpMessage.check(f, 54, bytes.length - 54)).isEqualTo(Flaw.NONE);
            String what = switch (IcmpHeader.type(f, 54)) {
                case Icmpv6Header.NEIGHBOUR_ADVERTISEMENT ->
                    "NA " + new Ipv6Address(NdpMessage.targetHigh(f, 54), NdpMessage.targetLow(f, 54)) + " flags "
                            + Integer.toHexString(NdpMessage.neighbourFlags(f, 54));
                case Icmpv6Header.ROUTER_ADVERTISEMENT -> "RA lifetime " + NdpMessage.routerLifetime(f, 54);
                default -> "?";
            };
            words.add(what + " to " + Ipv6Header.destination(f, 14) + " at "
                    + new MacAddress(EthernetHeader.destination(f, 0)));
        }
        link.frames.clear();
        return words;
    }

    @Test
    void solicitationsForTheGatewaysAddressesAreAnswered() {
        solicit(ADDRESS, SIX.gateway());
        assertThat(sent()).containsExactly("NA fd00:5109:5ce::1 flags e0 to fd00:5109:5ce::3 at 02:50:00:00:00:03");
        solicit(ADDRESS, SIX.host());
        assertThat(sent()).containsExactly("NA fd00:5109:5ce::2 flags 60 to fd00:5109:5ce::3 at 02:50:00:00:00:03");
        solicit(ADDRESS, SIX.linkLocal());
        assertThat(sent())
                .containsExactly("NA fe80::f416:36ff:febc:f9c6 flags e0 to fd00:5109:5ce::3 at 02:50:00:00:00:03");
        assertThat(counters.neighbourAdvertisements).isEqualTo(3);
    }

    @Test
    void whoAsksWhetherOneOfOursIsFreeIsTold() {
        solicit(Ipv6Address.ANY, SIX.gateway());
        assertThat(sent()).containsExactly("NA fd00:5109:5ce::1 flags a0 to ff02::1 at 33:33:00:00:00:01");
    }

    @Test
    void guestsDetectDuplicatesAmongThemselvesUndisturbed() {
        solicit(Ipv6Address.ANY, ADDRESS);
        solicit(Ipv6Address.parse("fd00:5109:5ce::9"), ADDRESS);
        assertThat(sent()).isEmpty();
        for (Drop reason : Drop.values()) {
            assertThat(counters.dropped(reason)).as("%s", reason).isZero();
        }
    }

    @Test
    void aClaimOfOurAddressIsContradictedAtMostEveryTenSeconds() {
        for (int i = 0; i < 3; i++) {
            int n = NdpMessage.writeNeighbour(
                    s,
                    40,
                    Icmpv6Header.NEIGHBOUR_ADVERTISEMENT,
                    NdpMessage.OVERRIDE,
                    SIX.gateway().high(),
                    SIX.gateway().low(),
                    GUEST);
            send(ADDRESS, Ipv6Address.ALL_NODES, 255, n);
        }
        solicit(SIX.gateway(), ADDRESS); // speaks in our name
        assertThat(sent()).containsExactly("NA fd00:5109:5ce::1 flags a0 to ff02::1 at 33:33:00:00:00:01");
        assertThat(counters.dropped(Drop.SPOOFED_SOURCE)).isEqualTo(4);
        loop.advance(10 * SECOND);
        solicit(SIX.gateway(), ADDRESS);
        assertThat(sent()).hasSize(1);
    }

    @Test
    void messagesFromBeyondTheLinkOrDamagedOnesAreDropped() {
        int n = NdpMessage.writeNeighbour(
                s,
                40,
                Icmpv6Header.NEIGHBOUR_SOLICITATION,
                0,
                SIX.gateway().high(),
                SIX.gateway().low(),
                GUEST);
        send(ADDRESS, SIX.gateway(), 254, n);
        Ipv6Header.write(
                s,
                0,
                0,
                0,
                n,
                58,
                255,
                ADDRESS.high(),
                ADDRESS.low(),
                SIX.gateway().high(),
                SIX.gateway().low());
        Bytes.put16(s, 42, 0x1234);
        ndp.onMessage(link, GUEST, s, 0, 40, n, loop.now());
        NdpMessage.writeAdvertisement(s, 40, 64, 0, 1800);
        send(ADDRESS, Ipv6Address.ALL_NODES, 255, NdpMessage.ADVERTISEMENT_LENGTH); // a guest is no router
        assertThat(sent()).isEmpty();
        assertThat(counters.dropped(Drop.BAD_NDP)).isEqualTo(3);
    }

    @Test
    void aDetectionWithALinkAddressIsRefused() {
        int n = NdpMessage.writeNeighbour(
                s,
                40,
                Icmpv6Header.NEIGHBOUR_SOLICITATION,
                0,
                SIX.gateway().high(),
                SIX.gateway().low(),
                GUEST);
        send(Ipv6Address.ANY, SIX.gateway().solicitedNode(), 255, n);
        assertThat(sent()).isEmpty();
        assertThat(counters.dropped(Drop.BAD_NDP)).isEqualTo(1);
    }

    @Test
    void aLinkThatStartsHearsOfEverything() {
        ndp.start(link);
        assertThat(sent())
                .containsExactly(
                        "NA fe80::f416:36ff:febc:f9c6 flags a0 to ff02::1 at 33:33:00:00:00:01",
                        "NA fd00:5109:5ce::1 flags a0 to ff02::1 at 33:33:00:00:00:01",
                        "NA fd00:5109:5ce::2 flags 20 to ff02::1 at 33:33:00:00:00:01",
                        "RA lifetime 1800 to ff02::1 at 33:33:00:00:00:01");
    }

    @Test
    void advertisementsComeThreeTimesSoonAndThenRegularly() {
        ndp.start(link);
        link.frames.clear();
        loop.advance(RouterAdvertiser.FIRST_INTERVAL);
        loop.advance(RouterAdvertiser.FIRST_INTERVAL);
        assertThat(sent()).hasSize(2);
        loop.advance(RouterAdvertiser.INTERVAL - SECOND);
        assertThat(sent()).isEmpty();
        loop.advance(SECOND);
        assertThat(sent()).hasSize(1);
        loop.advance(4 * RouterAdvertiser.INTERVAL);
        assertThat(sent()).hasSize(4);
        ndp.close();
        loop.advance(2 * RouterAdvertiser.INTERVAL);
        assertThat(sent()).isEmpty();
    }

    private void solicitRouter(Ipv6Address from) {
        IcmpHeader.write(s, 40, Icmpv6Header.ROUTER_SOLICITATION, 0, 0);
        send(from, Ipv6Address.ALL_ROUTERS, 255, 8);
    }

    @Test
    void whoSolicitsARouterIsAnsweredAtOnceAndTheNamelessOnesNotTooOften() {
        solicitRouter(ADDRESS);
        solicitRouter(ADDRESS);
        assertThat(sent()).hasSize(2).containsOnly("RA lifetime 1800 to fd00:5109:5ce::3 at 02:50:00:00:00:03");
        solicitRouter(Ipv6Address.ANY);
        solicitRouter(Ipv6Address.ANY);
        assertThat(sent()).containsExactly("RA lifetime 1800 to ff02::1 at 33:33:00:00:00:01");
        loop.advance(3 * SECOND);
        solicitRouter(Ipv6Address.ANY);
        assertThat(sent()).hasSize(1);
    }

    @Test
    void linksThatStartOftenPutOffNobodysAdvertisements() {
        ndp.start(link);
        link.frames.clear();
        int heard = 0;
        for (int i = 0; i < 60; i++) {
            loop.advance(RouterAdvertiser.FIRST_INTERVAL / 2);
            heard += sent().size();
            ndp.start(new RecordingLink("new"));
        }
        assertThat(heard).isBetween(20, 40);
    }

    @Test
    void whoAsksRightAfterAnotherIsToldWhenItMayBe() {
        RecordingLink other = new RecordingLink("other");
        ndp = new NdpResponder(
                loop, PLAN, SIX, counters, () -> List.of(link, other), SearchList.of(PLAN), (l, m, h, a) -> {});
        ndp.start(link);
        loop.advance(10 * SECOND);
        link.frames.clear();
        solicitRouter(Ipv6Address.ANY); // over the first link; then one over the other, which has just come up
        assertThat(sent()).hasSize(1);
        other.frames.clear();
        ndp.onMessage(other, GUEST, s, 0, 40, 8, loop.now());
        assertThat(other.frames).isEmpty();
        loop.advance(3 * SECOND);
        assertThat(other.frames).hasSize(1);
    }

    @Test
    void withoutAWayToTheWorldTheGatewayIsNoDefaultRouter() {
        Ipv6Plan island = Ipv6Plan.of(Ipv6Plan.DEFAULT_PREFIX, AddressPlan.DEFAULT_MAC, false);
        ndp = new NdpResponder(
                loop,
                PLAN.withIpv6(island),
                island,
                counters,
                () -> List.of(link),
                SearchList.of(PLAN),
                (l, m, h, a) -> {});
        solicitRouter(ADDRESS);
        assertThat(sent()).containsExactly("RA lifetime 0 to fd00:5109:5ce::3 at 02:50:00:00:00:03");
    }

    @Test
    void anAdvertisementTellsPrefixMtuAndNameServer() {
        solicitRouter(ADDRESS);
        byte[] bytes = link.frames.getFirst();
        MemorySegment f = MemorySegment.ofArray(bytes);
        int length = bytes.length - 54;
        assertThat(Ipv6Header.source(f, 14)).isEqualTo(SIX.linkLocal());
        assertThat(NdpMessage.routerFlags(f, 54)).isEqualTo(NdpMessage.OTHER);
        long prefix = NdpMessage.option(f, 54, length, NdpMessage.OPTION_PREFIX);
        assertThat(Bytes.i64(f, prefix + 16)).isEqualTo(SIX.prefix().address().high());
        assertThat(Bytes.u16(f, prefix + 2)).isEqualTo(64 << 8 | 0xc0);
        long mtu = NdpMessage.option(f, 54, length, NdpMessage.OPTION_MTU);
        assertThat(Bytes.i32(f, mtu + 4)).isEqualTo(1500);
        long dns = NdpMessage.option(f, 54, length, NdpMessage.OPTION_RDNSS);
        assertThat(Bytes.i64(f, dns + 16)).isEqualTo(1);
        long router = NdpMessage.option(f, 54, length, NdpMessage.OPTION_SOURCE_LINK_ADDRESS);
        assertThat(NdpMessage.linkAddress(f, router)).isEqualTo(PLAN.mac().bits());
        assertThat(NdpMessage.option(f, 54, length, NdpMessage.OPTION_DNSSL)).isEqualTo(-1);
    }
}
