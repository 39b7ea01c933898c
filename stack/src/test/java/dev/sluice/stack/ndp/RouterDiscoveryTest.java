package dev.sluice.stack.ndp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.NdpMessage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** RFC 4861 §6.3, RFC 4862 §5.5.3 and RFC 8106 §5.3, with a clock of the test's. */
class RouterDiscoveryTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long HOUR = 3600;
    private static final int BOTH = NdpMessage.ON_LINK | NdpMessage.AUTONOMOUS;
    private static final Ipv6Address ROUTER = Ipv6Address.parse("fe80::1");
    private static final Ipv6Cidr PREFIX = Ipv6Cidr.parse("fd00:1:2:3::/64");

    private final RouterDiscovery discovery = new RouterDiscovery(1500);
    private final MemorySegment s = Arena.ofAuto().allocate(1024, 8);
    private int length;
    private long now = Long.MAX_VALUE / 2;

    private RouterDiscoveryTest message(int lifetime) {
        length = NdpMessage.writeAdvertisement(s, 0, 64, 0, lifetime);
        return this;
    }

    private RouterDiscoveryTest prefix(Ipv6Cidr prefix, int flags, long valid, long preferred) {
        length += NdpMessage.putPrefix(s, length, prefix, flags, valid, preferred);
        return this;
    }

    private void arrive(Ipv6Address from) {
        assertThat(NdpMessage.check(s, 0, length)).isEqualTo(Flaw.NONE);
        discovery.onAdvertisement(s, 0, length, from.high(), from.low(), now);
    }

    private List<String> prefixes() {
        return discovery.autonomous().stream()
                .map(p -> p.prefix() + (p.isPreferred(now) ? "" : " deprecated"))
                .toList();
    }

    private void pass(long seconds) {
        now += seconds * SECOND;
        discovery.onTimer(now);
    }

    @Test
    void itSolicitsAtGrowingIntervalsUntilARouterIsHeard() {
        discovery.start(now, SECOND / 2);
        List<Long> intervals = new ArrayList<>();
        long last = now;
        for (int i = 0; i < 14; i++) {
            now = discovery.deadline();
            assertThat(discovery.onTimer(now - 1)).isFalse();
            assertThat(discovery.onTimer(now)).isTrue();
            intervals.add((now - last) / SECOND);
            last = now;
        }
        assertThat(intervals)
                .containsExactly(0L, 4L, 8L, 16L, 32L, 64L, 128L, 256L, 512L, 1024L, 2048L, 3600L, 3600L, 3600L);
        message(1800).arrive(ROUTER);
        assertThat(discovery.deadline()).isEqualTo(now + 1800 * SECOND);
    }

    @Test
    void whenTheLastRouterIsGoneItSolicitsAgain() {
        discovery.start(now, 0);
        message(30).arrive(ROUTER);
        now += 30 * SECOND;
        assertThat(discovery.onTimer(now)).isTrue();
        assertThat(discovery.routers()).isZero();
    }

    @Test
    void aRouterLastsAsLongAsItSaysAndEndsWhenItSaysSo() {
        message(10).arrive(ROUTER);
        pass(9);
        assertThat(discovery.router(0)).isEqualTo(ROUTER);
        message(10).arrive(ROUTER);
        pass(9);
        assertThat(discovery.routers()).isEqualTo(1);
        message(0).arrive(ROUTER);
        assertThat(discovery.routers()).isZero();
        message(0).prefix(PREFIX, BOTH, 100, 100).arrive(ROUTER);
        assertThat(discovery.routers()).isZero();
        assertThat(discovery.isOnLink(PREFIX.address().high(), 9)).isTrue();
    }

    @Test
    void aRouterThatDoesNotAnswerGoesBehindTheOthers() {
        Ipv6Address second = ROUTER.plus(1);
        message(100).arrive(ROUTER);
        message(100).arrive(second);
        discovery.onUnreachable(ROUTER.high(), ROUTER.low());
        assertThat(discovery.router(0)).isEqualTo(second);
        assertThat(discovery.router(1)).isEqualTo(ROUTER);
        discovery.onNoRouter(second.high(), second.low(), now);
        assertThat(discovery.router(0)).isEqualTo(ROUTER);
    }

    @Test
    void aPrefixLivesAndAgesAsAdvertised() {
        message(0).prefix(PREFIX, BOTH, 3 * HOUR, HOUR).arrive(ROUTER);
        assertThat(prefixes()).containsExactly("fd00:1:2:3::/64");
        pass(HOUR);
        assertThat(prefixes()).containsExactly("fd00:1:2:3::/64 deprecated");
        pass(2 * HOUR);
        assertThat(prefixes()).isEmpty();
        assertThat(discovery.isOnLink(PREFIX.address().high(), 9)).isFalse();
    }

    @Test
    void aPrefixForEverNeverEnds() {
        message(0).prefix(PREFIX, BOTH, 0xffff_ffffL, 0xffff_ffffL).arrive(ROUTER);
        now += 1_000_000_000L * SECOND / 1000;
        discovery.onTimer(now);
        assertThat(prefixes()).containsExactly("fd00:1:2:3::/64");
        assertThat(discovery.deadline()).isEqualTo(Long.MAX_VALUE);
    }

    /** RFC 4862 §5.5.3 e: a forged advertisement can't take addresses away. */
    @Test
    void nobodyShortensAnAddressBelowTwoHours() {
        message(0).prefix(PREFIX, BOTH, 24 * HOUR, 24 * HOUR).arrive(ROUTER);
        message(0).prefix(PREFIX, BOTH, 0, 0).arrive(ROUTER);
        assertThat(prefixes()).containsExactly("fd00:1:2:3::/64 deprecated");
        pass(2 * HOUR - 1);
        assertThat(prefixes()).hasSize(1);
        message(0).prefix(PREFIX, BOTH, 1, 1).arrive(ROUTER); // less than two hours are left: ignored
        pass(1);
        assertThat(prefixes()).isEmpty();
    }

    @Test
    void aLongerLifeIsAlwaysTaken() {
        message(0).prefix(PREFIX, BOTH, 60, 60).arrive(ROUTER);
        message(0).prefix(PREFIX, BOTH, 90, 90).arrive(ROUTER);
        pass(89);
        assertThat(prefixes()).hasSize(1);
        message(0).prefix(PREFIX, BOTH, 24 * HOUR, 0).arrive(ROUTER);
        pass(23 * HOUR);
        assertThat(prefixes()).containsExactly("fd00:1:2:3::/64 deprecated");
    }

    /** Whichever way the last one goes, it is not only its lifetime that has another asked for. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whenTheLastRouterGoesAnotherIsAskedForAtOnce(boolean saysSo) {
        message(1800).arrive(ROUTER);
        assertThat(discovery.onTimer(now)).isFalse();
        if (saysSo) {
            message(0).arrive(ROUTER);
        } else {
            discovery.onNoRouter(ROUTER.high(), ROUTER.low(), now);
        }
        assertThat(discovery.deadline()).isEqualTo(now);
        assertThat(discovery.onTimer(now)).isTrue();
        assertThat(discovery.onTimer(now)).isFalse();
    }

    @Test
    void prefixesThatNoAddressCanBeMadeOfAreNotTaken() {
        message(0)
                .prefix(Ipv6Cidr.parse("fe80::/64"), BOTH, 100, 100)
                .prefix(Ipv6Cidr.parse("ff02::/64"), BOTH, 100, 100)
                .prefix(Ipv6Cidr.parse("fd00::/48"), NdpMessage.AUTONOMOUS, 100, 100)
                .prefix(PREFIX, NdpMessage.AUTONOMOUS, 100, 101)
                .prefix(PREFIX, NdpMessage.AUTONOMOUS, 0, 0)
                .arrive(ROUTER);
        assertThat(prefixes()).isEmpty();
        assertThat(discovery.isOnLink(0xfe80L << 48, 1)).isFalse();
    }

    @Test
    void onLinkAndAutonomousAreTwoThings() {
        Ipv6Cidr wide = Ipv6Cidr.parse("2001:db8::/32");
        message(0)
                .prefix(wide, NdpMessage.ON_LINK, 100, 100)
                .prefix(PREFIX, NdpMessage.AUTONOMOUS, 100, 100)
                .arrive(ROUTER);
        assertThat(discovery.isOnLink(0x2001_0db8_1234_5678L, 1)).isTrue();
        assertThat(discovery.isOnLink(PREFIX.address().high(), 1)).isFalse();
        assertThat(prefixes()).containsExactly("fd00:1:2:3::/64");
        message(0).prefix(wide, NdpMessage.ON_LINK, 0, 0).arrive(ROUTER);
        assertThat(discovery.isOnLink(0x2001_0db8_1234_5678L, 1)).isFalse();
    }

    @Test
    void anMtuIsTakenWhereItCanBe() {
        for (int told : new int[] {1400, 0, 1279, 1501, -1, 68}) {
            message(0);
            length += NdpMessage.putMtu(s, length, told);
            arrive(ROUTER);
            assertThat(discovery.mtu()).isEqualTo(1400);
        }
    }

    @Test
    void nameServersLastAsLongAsTheySay() {
        Ipv6Address dns = Ipv6Address.parse("fd00::53");
        message(0);
        length += NdpMessage.putDnsServer(s, length, 60, dns);
        arrive(ROUTER);
        assertThat(discovery.nameServers()).containsExactly(dns);
        pass(60);
        assertThat(discovery.nameServers()).isEmpty();
    }

    /** RFC 6104: a flood of advertisements is worth a counter. */
    @Test
    void aFloodOfRoutersAndPrefixesIsBounded() {
        message(1800).prefix(PREFIX, BOTH, HOUR, HOUR).arrive(ROUTER);
        for (int i = 0; i < 10_000; i++) {
            Ipv6Cidr other = new Ipv6Cidr(new Ipv6Address(0x2001_0000_0000_0000L + i, 0), 64);
            message(1800).prefix(other, BOTH, HOUR, HOUR);
            length += NdpMessage.putDnsServer(s, length, 60, new Ipv6Address(9, i));
            arrive(ROUTER.plus(i + 1));
        }
        assertThat(discovery.routers()).isEqualTo(RouterDiscovery.MOST);
        assertThat(discovery.router(0)).isEqualTo(ROUTER);
        assertThat(prefixes()).hasSize(RouterDiscovery.MOST).contains("fd00:1:2:3::/64");
        assertThat(discovery.nameServers()).hasSize(RouterDiscovery.MOST);
        assertThat(discovery.refused()).isGreaterThan(39_000);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void whatPassesTheCheckNeverThrows(long seed) {
        Random random = new Random(seed);
        byte[] bytes = new byte[200];
        for (int round = 0; round < 20_000; round++) {
            message(random.nextInt(0x10000)).prefix(PREFIX, random.nextInt(256), random.nextInt(), random.nextInt());
            length += NdpMessage.putMtu(s, length, random.nextInt());
            length += NdpMessage.putDnsServer(s, length, random.nextInt(), ROUTER);
            for (int i = random.nextInt(4); i > 0; i--) {
                Bytes.put8(s, 16 + random.nextInt(length - 16), random.nextInt(256));
            }
            length = Math.min(length, 8 + random.nextInt(bytes.length));
            if (NdpMessage.check(s, 0, length) == Flaw.NONE) {
                now += random.nextInt();
                discovery.onAdvertisement(s, 0, length, ROUTER.high(), random.nextInt(20), now);
                discovery.onTimer(now);
                discovery.deadline();
                assertThat(discovery.routers()).isLessThanOrEqualTo(RouterDiscovery.MOST);
            }
        }
    }
}
