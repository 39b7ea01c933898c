package dev.sluice.testkit;

import static dev.sluice.testkit.Async.async;
import static dev.sluice.testkit.Bystander.SECOND;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.UdpSocket;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Chain;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.NdpMessage;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** RFC 4861, RFC 4862, RFC 3810 and RFC 8201 as a bystander on the link sees them, in virtual time. */
@Timeout(60)
class NeighbourDiscoveryTest {
    private static final Duration LONG = Duration.ofHours(1);
    private static final Ipv6Address LINK_LOCAL = Ipv6Address.linkLocal(Bystander.HOST_MAC);
    private static final Ipv6Address OURS = Ipv6Address.parse("fd00::a1");
    private static final Ipv6Address OTHER = Ipv6Address.parse("fd00::2");
    private static final Ipv6Address ROUTER = Ipv6Address.parse("fe80::ff");
    private static final Ipv6Cidr PREFIX = Ipv6Cidr.parse("2001:db8:1:2::/64");
    private static final Ipv6Address MADE = new Ipv6Address(PREFIX.address().high(), LINK_LOCAL.low());
    private static final Ipv6Address FAR = Ipv6Address.parse("2001:db8:ffff::9");
    private static final MacAddress ELSEWHERE = MacAddress.parse("02:00:00:00:00:77");
    private static final int SOLICITED = NdpMessage.SOLICITED | NdpMessage.OVERRIDE;

    private final Bystander bystander = new Bystander();
    private final NetConfig fixed = NetConfig.of("fd00::a1/64").with(ConflictDetection.none());
    private final NetConfig automatic = NetConfig.ipv6Only().with(ConflictDetection.none());

    private static RawFrames6 as(Ipv6Address address) {
        return new RawFrames6(Bystander.HOST_MAC, Bystander.MAC, address);
    }

    /** A frame in words: what it asks, tells or carries. */
    private static String words(Bystander.Seen seen) {
        MemorySegment s = MemorySegment.ofArray(seen.bytes());
        Ipv6Chain chain = new Ipv6Chain();
        assertThat(Ipv6Header.check(s, 14, seen.bytes().length - 14)).isEqualTo(Flaw.NONE);
        assertThat(chain.walk(s, 14, seen.bytes().length - 14)).isEqualTo(Flaw.NONE);
        if (chain.fragmentAt >= 0) {
            return "fragment";
        }
        if (chain.protocol != Ipv6Header.ICMPV6) {
            return "protocol " + chain.protocol;
        }
        assertThat(Icmpv6Header.check(s, 14, chain.at, chain.length)).isEqualTo(Flaw.NONE);
        Ipv6Address from = Ipv6Header.source(s, 14);
        return switch (IcmpHeader.type(s, chain.at)) {
            case Icmpv6Header.NEIGHBOUR_SOLICITATION -> from + " asks for " + target(s, chain.at);
            case Icmpv6Header.NEIGHBOUR_ADVERTISEMENT ->
                "tells of " + target(s, chain.at) + " flags " + NdpMessage.neighbourFlags(s, chain.at);
            case Icmpv6Header.ROUTER_SOLICITATION -> from + " asks for routers";
            case Icmpv6Header.LISTENER_REPORT_V2 -> {
                assertThat(chain.routerAlert).isTrue();
                assertThat(Ipv6Header.hopLimit(s, 14)).isEqualTo(1);
                StringBuilder report = new StringBuilder("listens");
                for (int i = 0; i < Bytes.u16(s, chain.at + 6); i++) {
                    long record = chain.at + 8 + 20L * i;
                    report.append(' ').append(Bytes.u8(s, record)).append(' ');
                    report.append(new Ipv6Address(Bytes.i64(s, record + 4), Bytes.i64(s, record + 12)));
                }
                yield report.toString();
            }
            default -> "icmp " + IcmpHeader.type(s, chain.at) + "/" + IcmpHeader.code(s, chain.at);
        };
    }

    private static Ipv6Address target(MemorySegment s, long at) {
        return new Ipv6Address(NdpMessage.targetHigh(s, at), NdpMessage.targetLow(s, at));
    }

    private List<String> take() {
        return bystander.take().stream().map(NeighbourDiscoveryTest::words).toList();
    }

    /** Reports of group membership leave at times of their own (RFC 3810 §6.1), which their own tests are about. */
    private List<Bystander.Seen> seenButReports() {
        return bystander.take().stream()
                .filter(seen -> !words(seen).startsWith("listens"))
                .toList();
    }

    private List<String> takeButReports() {
        return seenButReports().stream().map(NeighbourDiscoveryTest::words).toList();
    }

    private NetStack open(NetConfig config) throws Exception {
        NetStack host = bystander.open(config);
        bystander.loop.settle();
        bystander.take();
        return host;
    }

    private CompletableFuture<NetStack> opening(NetConfig config) {
        return async(() -> NetStack.open(bystander.loop, bystander.hostLink, config.with(Bystander.HOST_MAC)));
    }

    private void awaitFrames(int count) {
        while (bystander.seen.size() < count) {
            bystander.loop.settle();
            Thread.yield();
        }
    }

    private UdpSocket socket(NetStack host) throws Exception {
        return bystander.run(async(() -> host.udp().bind(1000)));
    }

    private void say(UdpSocket socket, Ipv6Address to) throws Exception {
        socket.send(to, 9, new byte[1]);
        bystander.loop.settle();
    }

    // ---- addresses

    @Test
    void anAddressIsListenedToAskedForAndOnlyThenUsed() throws Exception {
        NetStack host =
                bystander.open(NetConfig.of("fd00::a1/64").with(new ConflictDetection(1, Duration.ofSeconds(1), 1)));
        assertThat(take())
                .containsExactly(
                        "listens 4 " + LINK_LOCAL.solicitedNode(),
                        ":: asks for " + LINK_LOCAL,
                        "listens 4 " + LINK_LOCAL.solicitedNode(), // once more, for switches
                        "tells of " + LINK_LOCAL + " flags 0",
                        "listens 4 " + OURS.solicitedNode(),
                        ":: asks for fd00::a1",
                        "listens 4 " + OURS.solicitedNode(),
                        "tells of fd00::a1 flags 0");
        assertThat(host.ipv6Addresses().toString()).isEqualTo("[" + LINK_LOCAL + "/64, fd00::a1/64]");
        assertThat(host.address()).isNull();
    }

    @Test
    void anAddressThatSomebodyDefendsIsNotTaken() {
        CompletableFuture<NetStack> opening =
                opening(NetConfig.of("fd00::a1/64").with(ConflictDetection.rfc5227()));
        awaitFrames(2);
        bystander.send(as(OTHER).advertisement(Ipv6Address.ALL_NODES, LINK_LOCAL, NdpMessage.OVERRIDE));
        assertThatThrownBy(() -> bystander.run(opening))
                .isInstanceOf(NetException.AddressInUse.class)
                .hasMessageContaining(LINK_LOCAL.toString());
    }

    @Test
    void twoThatAskForOneAddressAtOnceBothGiveItUp() {
        CompletableFuture<NetStack> opening =
                opening(NetConfig.of("fd00::a1/64").with(ConflictDetection.rfc5227()));
        awaitFrames(2);
        bystander.send(as(Ipv6Address.ANY).solicitation(LINK_LOCAL));
        assertThatThrownBy(() -> bystander.run(opening)).isInstanceOf(NetException.AddressInUse.class);
    }

    @Test
    void aSolicitationIsAnsweredForOwnAddressesOnly() throws Exception {
        open(fixed);
        bystander.send(as(OTHER).solicitation(OURS));
        List<Bystander.Seen> answers = seenButReports();
        assertThat(answers.stream().map(NeighbourDiscoveryTest::words))
                .containsExactly("tells of fd00::a1 flags " + SOLICITED);
        assertThat(answers.getFirst().destination()).isEqualTo(Bystander.MAC);
        bystander.send(as(OTHER).solicitation(Ipv6Address.parse("fd00::3")));
        assertThat(takeButReports()).isEmpty();
        // One that would like to have the address hears of it with everybody.
        bystander.send(as(Ipv6Address.ANY).solicitation(OURS));
        assertThat(takeButReports()).containsExactly("tells of fd00::a1 flags " + NdpMessage.OVERRIDE);
    }

    @Test
    void anAddressInUseIsDefendedOnceInTenSecondsAndKept() throws Exception {
        NetStack host = open(fixed);
        for (int i = 0; i < 5; i++) {
            bystander.send(as(OTHER).advertisement(Ipv6Address.ALL_NODES, OURS, NdpMessage.OVERRIDE));
        }
        assertThat(takeButReports()).containsExactly("tells of fd00::a1 flags " + NdpMessage.OVERRIDE);
        assertThat(host.counters().addressConflicts()).isEqualTo(5);
        assertThat(host.ipv6Addresses()).hasSize(2);
    }

    @Test
    void withoutIpv6NothingIsSaidOrAnswered() throws Exception {
        NetStack host = open(NetConfig.of("10.0.0.1/24").with(ConflictDetection.none()));
        bystander.send(as(OTHER).solicitation(LINK_LOCAL));
        bystander.send(as(OTHER).echoRequest(LINK_LOCAL, 8));
        bystander.send(as(OTHER).echoRequest(Ipv6Address.ALL_NODES, 8));
        bystander.send(as(ROUTER).routerAdvertisement(1800, PREFIX, 3600, 3600, 1500));
        bystander.loop.advance(10 * SECOND);
        assertThat(seenButReports()).isEmpty();
        assertThatThrownBy(() -> bystander.run(async(() -> host.icmp().ping(OURS, LONG))))
                .hasMessageContaining("this host has no IPv6 address");
    }

    // ---- neighbours

    @Test
    void aNeighbourThatDoesNotAnswerIsAskedThreeTimesAndThenUnreachable() throws Exception {
        NetStack host = open(fixed);
        long start = bystander.loop.now();
        CompletableFuture<Duration> ping = async(() -> host.icmp().ping(OTHER, LONG));
        assertThatThrownBy(() -> bystander.run(ping))
                .isInstanceOf(NetException.Unreachable.class)
                .hasMessageContaining("fd00::2 does not answer on this link");
        String question = "fd00::a1 asks for fd00::2";
        assertThat(takeButReports()).containsExactly(question, question, question);
        assertThat(bystander.loop.now() - start).isBetween(3 * SECOND, 4 * SECOND);
    }

    @Test
    void packetsWaitForTheAnswerInOrderAndBounded() throws Exception {
        NetStack host = open(fixed);
        UdpSocket socket = socket(host);
        for (int i = 0; i < 300; i++) {
            byte[] payload = new byte[1000];
            payload[999] = (byte) i;
            socket.send(OTHER, 9, payload);
            bystander.loop.settle();
        }
        assertThat(takeButReports()).containsExactly("fd00::a1 asks for fd00::2");
        bystander.send(as(OTHER).advertisement(OURS, OTHER, SOLICITED));
        List<Bystander.Seen> datagrams = seenButReports();
        // 128 KiB of frames of 1062 bytes; the latest, because they are worth most.
        int held = (128 << 10) / 1062;
        assertThat(datagrams).hasSize(held);
        for (int i = 0; i < held; i++) {
            byte[] bytes = datagrams.get(i).bytes();
            assertThat(bytes[bytes.length - 1]).isEqualTo((byte) (300 - held + i));
            assertThat(datagrams.get(i).destination()).isEqualTo(Bystander.MAC);
        }
    }

    @Test
    void aNeighbourNotHeardFromIsUsedThenAskedItselfThenForgotten() throws Exception {
        NetStack host = open(fixed);
        UdpSocket socket = socket(host);
        bystander.send(as(OTHER).solicitation(OURS)); // now it is known, but only stale
        bystander.take();
        say(socket, OTHER);
        assertThat(takeButReports()).containsExactly("protocol 17");
        bystander.loop.advance(5 * SECOND - 1);
        assertThat(takeButReports()).isEmpty();
        bystander.loop.advance(3 * SECOND);
        List<Bystander.Seen> seen = seenButReports();
        assertThat(seen).hasSize(3).allSatisfy(f -> {
            assertThat(words(f)).isEqualTo("fd00::a1 asks for fd00::2");
            assertThat(f.destination()).isEqualTo(Bystander.MAC);
        });
        bystander.loop.advance(SECOND);
        say(socket, OTHER);
        assertThat(seenButReports().getFirst().destination()).isEqualTo(RawFrames6.groupMac(OTHER.solicitedNode()));
    }

    @Test
    void aNeighbourThatAnswersItsProbeGoesOnWithoutAPause() throws Exception {
        NetStack host = open(fixed);
        UdpSocket socket = socket(host);
        bystander.send(as(OTHER).solicitation(OURS));
        say(socket, OTHER);
        bystander.loop.advance(6 * SECOND);
        bystander.send(as(OTHER).advertisement(OURS, OTHER, NdpMessage.SOLICITED));
        bystander.take();
        bystander.loop.advance(20 * SECOND);
        say(socket, OTHER);
        assertThat(takeButReports()).containsExactly("protocol 17");
    }

    @Test
    void aNeighbourThatMovesIsFollowed() throws Exception {
        NetStack host = open(fixed);
        UdpSocket socket = socket(host);
        bystander.send(as(OTHER).solicitation(OURS));
        bystander.send(new RawFrames6(Bystander.HOST_MAC, ELSEWHERE, OTHER)
                .advertisement(Ipv6Address.ALL_NODES, OTHER, NdpMessage.OVERRIDE));
        bystander.take();
        say(socket, OTHER);
        assertThat(seenButReports().getFirst().destination()).isEqualTo(ELSEWHERE);
    }

    @Test
    void whoeverOnlyTalksOfOthersIsNotRemembered() throws Exception {
        NetStack host = open(fixed);
        bystander.send(as(OTHER).advertisement(Ipv6Address.ALL_NODES, OTHER, NdpMessage.OVERRIDE));
        say(socket(host), OTHER);
        // reports of groups are repeated at times of their own (RFC 3810 §6.1)
        assertThat(take()).filteredOn(said -> !said.startsWith("listens")).containsExactly("fd00::a1 asks for fd00::2");
    }

    @Test
    void messagesFromBeyondTheLinkOrWithAWrongChecksumAreNotBelieved() throws Exception {
        NetStack host = open(automatic.with(new NetConfig.Ipv6.Automatic(Duration.ZERO)));
        long before = host.counters().malformed();
        byte[] forwarded = as(ROUTER).routerAdvertisement(1800, PREFIX, 3600, 3600, 1500);
        forwarded[14 + 7] = 64;
        bystander.send(forwarded);
        byte[] damaged = as(ROUTER).routerAdvertisement(1800, PREFIX, 3600, 3600, 1500);
        damaged[60] ^= 1;
        bystander.send(damaged);
        bystander.send(as(OURS).routerAdvertisement(1800, PREFIX, 3600, 3600, 1500)); // not link-local
        assertThat(host.counters().malformed() - before).isEqualTo(3);
        assertThat(host.ipv6Gateway()).isNull();
        assertThat(host.ipv6Addresses()).hasSize(1);
    }

    // ---- routers

    /** Opens a host that makes its address of what this router advertises. */
    private NetStack behindRouter(int lifetime, long valid, int mtu) throws Exception {
        CompletableFuture<NetStack> opening = opening(automatic);
        while (bystander.seen.stream().noneMatch(f -> words(f).endsWith("asks for routers"))) {
            if (bystander.rests(opening)) {
                bystander.loop.advance(Bystander.MILLI);
            } else {
                Thread.yield();
            }
        }
        bystander.send(as(ROUTER).routerAdvertisement(lifetime, PREFIX, valid, valid, mtu));
        NetStack host = bystander.run(opening);
        bystander.loop.settle();
        bystander.take();
        return host;
    }

    @Test
    void aRouterGivesAddressNextHopNameServerAndMtu() throws Exception {
        NetStack host = behindRouter(1800, 86_400, 1400);
        assertThat(host.ipv6Addresses().toString()).isEqualTo("[" + LINK_LOCAL + "/64, " + MADE + "/64]");
        assertThat(host.ipv6Gateway()).isEqualTo(ROUTER);
        assertThat(host.nameServers()).containsExactly(Ipv6Address.parse("2001:db8:1:2::53"));
        UdpSocket socket = socket(host);
        say(socket, FAR); // the router's hardware address came with its advertisement
        assertThat(bystander.take()).anySatisfy(f -> {
            assertThat(words(f)).isEqualTo("protocol 17");
            assertThat(f.destination()).isEqualTo(Bystander.MAC);
        });
        byte[] large = new byte[1352];
        socket.send(new Ipv6Address(PREFIX.address().high(), 7), 9, large);
        bystander.send(as(new Ipv6Address(PREFIX.address().high(), 7)).solicitation(MADE));
        assertThat(takeButReports()).contains("protocol 17").doesNotContain("fragment");
        socket.send(new Ipv6Address(PREFIX.address().high(), 7), 9, new byte[1353]);
        bystander.loop.settle();
        assertThat(takeButReports()).containsExactly("fragment", "fragment");
    }

    /** Nothing is known of the path, so datagrams are cut to what every path carries (RFC 8200 §5). */
    @Test
    void datagramsToOtherNetworksAreCutToTheLeastMtu() throws Exception {
        NetStack host = behindRouter(1800, 86_400, 1500);
        UdpSocket socket = socket(host);
        socket.send(FAR, 9, new byte[1232]);
        bystander.loop.settle();
        assertThat(takeButReports()).containsExactly("protocol 17");
        socket.send(FAR, 9, new byte[1233]);
        bystander.loop.settle();
        List<Bystander.Seen> pieces = seenButReports();
        assertThat(pieces)
                .hasSize(2)
                .allSatisfy(f -> assertThat(f.bytes().length).isLessThanOrEqualTo(1294));
    }

    @Test
    void aNetworkWithoutDefaultRouterHasNoWayToOthers() throws Exception {
        NetStack host = behindRouter(0, 86_400, 1500);
        assertThat(host.ipv6Gateway()).isNull();
        assertThatThrownBy(() -> bystander.run(async(() -> host.icmp().ping(FAR, LONG))))
                .isInstanceOf(NetException.Unreachable.class)
                .hasMessageContaining("there is no router");
    }

    @Test
    void withoutRouterTheHostGoesOnWithItsLinkLocalAddress() throws Exception {
        NetStack host = open(automatic);
        assertThat(host.ipv6Addresses().toString()).isEqualTo("[" + LINK_LOCAL + "/64]");
        bystander.send(as(ROUTER).solicitation(LINK_LOCAL));
        bystander.take();
        CompletableFuture<Duration> ping = async(() -> host.icmp().ping(ROUTER, LONG));
        awaitFrames(1);
        assertThat(takeButReports()).containsExactly("icmp 128/0");
        ping.cancel(true);
        assertThatThrownBy(() -> bystander.run(async(() -> host.icmp().ping(FAR, LONG))))
                .hasMessageContaining("no router has advertised a prefix");
    }

    @Test
    void whenAPrefixIsOverItsAddressGoesAndItsConnectionsEnd() throws Exception {
        NetStack host = behindRouter(1800, 100, 1500);
        CompletableFuture<TcpConnection> connecting = async(() -> host.tcp().connect(FAR, 80, LONG));
        awaitFrames(1);
        byte[] syn = seenButReports().getFirst().bytes();
        int next = TcpHeader.sequence(MemorySegment.ofArray(syn), 54) + 1;
        int port = TcpHeader.sourcePort(MemorySegment.ofArray(syn), 54);
        bystander.send(as(FAR).tcp(MADE, 80, port, 999, next, TcpHeader.SYN | TcpHeader.ACK, new byte[0]));
        TcpConnection connection = bystander.settle(connecting);
        bystander.loop.advance(100 * SECOND);
        assertThatThrownBy(() -> bystander.settle(async(() -> connection.read(new byte[1]))))
                .hasCauseInstanceOf(NetException.Unreachable.class)
                .hasMessageContaining("its prefix is no longer advertised");
        assertThat(host.ipv6Addresses()).hasSize(1);
    }

    @Test
    void aSecondRouterTakesOverFromOneThatIsGone() throws Exception {
        NetStack host = behindRouter(1800, 86_400, 1500);
        Ipv6Address second = ROUTER.plus(1);
        bystander.send(new RawFrames6(Bystander.HOST_MAC, ELSEWHERE, second)
                .routerAdvertisement(1800, PREFIX, 86_400, 86_400, 1500));
        UdpSocket socket = socket(host);
        say(socket, FAR);
        assertThat(bystander.take().getLast().destination()).isEqualTo(Bystander.MAC);
        bystander.loop.advance(10 * SECOND); // asked whether it is still there; no answer
        bystander.take();
        say(socket, FAR);
        assertThat(bystander.take().getLast().destination()).isEqualTo(ELSEWHERE);
        assertThat(host.ipv6Gateway()).isEqualTo(second);
    }

    @Test
    void aFloodOfAdvertisementsIsBounded() throws Exception {
        NetStack host = behindRouter(1800, 86_400, 1500);
        for (int i = 0; i < 2000; i++) {
            Ipv6Cidr prefix = new Ipv6Cidr(new Ipv6Address(0x2001_0db9_0000_0000L + i, 0), 64);
            bystander.send(as(new Ipv6Address(ROUTER.high(), i + 1000))
                    .routerAdvertisement(1800, prefix, 86_400, 86_400, 1500));
        }
        bystander.loop.settle();
        assertThat(host.ipv6Addresses()).hasSizeLessThanOrEqualTo(10).contains(new Ipv6Cidr(MADE, 64));
        assertThat(host.nameServers()).hasSizeLessThanOrEqualTo(8);
        assertThat(host.ipv6Gateway()).isEqualTo(ROUTER);
    }

    // ---- groups

    @Test
    void aQueryIsAnsweredWithAllGroups() throws Exception {
        open(fixed);
        bystander.loop.advance(2 * SECOND);
        bystander.take();
        byte[] query = new byte[28];
        query[0] = (byte) Icmpv6Header.LISTENER_QUERY;
        query[4] = 4; // within 1024 ms
        bystander.send(as(ROUTER).icmp(Ipv6Address.ALL_NODES, 1, query));
        bystander.send(as(ROUTER).icmp(Ipv6Address.ALL_NODES, 1, query)); // one answer does for both
        assertThat(take()).isEmpty();
        bystander.loop.advance(1024 * Bystander.MILLI);
        assertThat(take()).containsExactly("listens 2 " + LINK_LOCAL.solicitedNode() + " 2 " + OURS.solicitedNode());
        bystander.send(as(ROUTER).icmp(Ipv6Address.ALL_NODES, 64, query)); // from beyond the link
        bystander.loop.advance(2 * SECOND);
        assertThat(take()).isEmpty();
    }

    // ---- errors

    /** A connection to a server far away, and the host's SYN, whose answer is still to come. */
    private byte[] syn(CompletableFuture<TcpConnection> connecting) {
        awaitFrames(1);
        assertThat(connecting).isNotDone();
        return seenButReports().getFirst().bytes();
    }

    private TcpConnection answer(byte[] syn, CompletableFuture<TcpConnection> connecting) {
        MemorySegment s = MemorySegment.ofArray(syn);
        int next = TcpHeader.sequence(s, 54) + 1;
        int port = TcpHeader.sourcePort(s, 54);
        bystander.send(as(FAR).tcp(MADE, 80, port, 999, next, TcpHeader.SYN | TcpHeader.ACK, new byte[0]));
        TcpConnection connection = bystander.settle(connecting);
        bystander.take();
        return connection;
    }

    private List<byte[]> write(TcpConnection connection, int count) {
        bystander.settle(async(() -> {
            connection.write(new byte[count]);
            return true;
        }));
        bystander.loop.settle();
        return bystander.take().stream().map(Bystander.Seen::bytes).toList();
    }

    /** RFC 9293 MUST-56. */
    @Test
    void aRouterWithoutAWayEndsNoHandshake() throws Exception {
        NetStack host = behindRouter(1800, 86_400, 1500);
        CompletableFuture<TcpConnection> connecting = async(() -> host.tcp().connect(FAR, 80, LONG));
        byte[] syn = syn(connecting);
        for (int[] soft : new int[][] {{1, 0}, {1, 3}, {3, 0}, {4, 1}}) {
            bystander.send(as(ROUTER).icmpError(MADE, soft[0], soft[1], 0, syn));
            assertThat(connecting).isNotDone();
        }
        assertThat(answer(syn, connecting).softError()).contains("unreachable");
    }

    @Test
    void aNarrowPathMakesSegmentsSmallerDownToTheLeastMtu() throws Exception {
        NetStack host = behindRouter(1800, 86_400, 1500);
        CompletableFuture<TcpConnection> connecting = async(() -> host.tcp().connect(FAR, 80, LONG));
        TcpConnection connection = answer(syn(connecting), connecting);
        byte[] data = write(connection, 1220).getFirst();
        assertThat(data.length).isEqualTo(14 + 40 + 20 + 1220); // without MSS option, 1220 (MUST-15)
        long ignored = host.counters().errorsIgnored;
        for (int mtu : new int[] {0, 68, 1279, 1500, -1}) {
            bystander.send(as(ROUTER).icmpError(MADE, Icmpv6Header.PACKET_TOO_BIG, 0, mtu, data));
        }
        assertThat(host.counters().errorsIgnored - ignored).isEqualTo(5);
        assertThat(seenButReports()).isEmpty();
    }

    @Test
    void aRefusalEndsAHandshake() throws Exception {
        NetStack host = behindRouter(1800, 86_400, 1500);
        CompletableFuture<TcpConnection> connecting = async(() -> host.tcp().connect(FAR, 80, LONG));
        byte[] syn = syn(connecting);
        bystander.send(as(ROUTER).icmpError(MADE, 1, Icmpv6Header.ADMINISTRATIVELY_PROHIBITED, 0, syn));
        assertThatThrownBy(() -> bystander.run(connecting))
                .isInstanceOf(NetException.Unreachable.class)
                .hasMessageContaining("a firewall forbids it");
    }

    @Test
    void datagramsForNobodyAreRefusedButNotThoseToGroups() throws Exception {
        open(fixed);
        bystander.send(as(OTHER).solicitation(OURS));
        bystander.take();
        bystander.send(as(OTHER).udp(OURS, 9, 9, "hello".getBytes(US_ASCII)));
        assertThat(takeButReports()).containsExactly("icmp 1/4");
        bystander.send(as(OTHER).udp(Ipv6Address.ALL_NODES, 9, 9, "hello".getBytes(US_ASCII)));
        assertThat(takeButReports()).isEmpty();
        byte[] unchecked = as(OTHER).udp(OURS, 9, 9, "hello".getBytes(US_ASCII));
        unchecked[60] = 0;
        unchecked[61] = 0;
        bystander.send(unchecked); // over IPv6 there must be a checksum (RFC 8200 §8.1)
        assertThat(takeButReports()).isEmpty();
    }

    @Test
    void anEchoRequestIsAnsweredAlsoOneToAllNodes() throws Exception {
        open(fixed);
        bystander.send(as(OTHER).solicitation(OURS));
        bystander.take();
        bystander.send(as(OTHER).echoRequest(OURS, 100));
        bystander.send(as(OTHER).echoRequest(Ipv6Address.ALL_NODES, 100));
        List<Bystander.Seen> answers = seenButReports();
        assertThat(answers.stream().map(NeighbourDiscoveryTest::words)).containsExactly("icmp 129/0", "icmp 129/0");
        assertThat(answers)
                .allSatisfy(f -> assertThat(Ipv6Header.source(MemorySegment.ofArray(f.bytes()), 14))
                        .isEqualTo(OURS));
    }

    /** Whatever comes, mutated as it may be, the host goes on answering. */
    @Test
    void hostileMessagesDoNoHarm() throws Exception {
        NetStack host = behindRouter(1800, 86_400, 1500);
        Random random = new Random(4861);
        byte[][] seeds = {
            as(ROUTER).routerAdvertisement(1800, PREFIX, 3600, 3600, 1400),
            as(OTHER).solicitation(MADE),
            as(OTHER).advertisement(MADE, OTHER, SOLICITED),
            as(OTHER).echoRequest(MADE, 20),
            as(OTHER).udp(MADE, 1, 2, new byte[30]),
            as(ROUTER).icmpError(MADE, 2, 0, 1300, as(MADE).tcp(FAR, 1, 2, 3, 4, 16, new byte[10]))
        };
        for (int i = 0; i < 20_000; i++) {
            byte[] frame = RawFrames.mutate(seeds[random.nextInt(seeds.length)], random);
            if (frame.length >= 14 + 40 + 8 && random.nextInt(3) != 0) {
                MemorySegment s = MemorySegment.ofArray(frame);
                int length = Math.min(Ipv6Header.payloadLength(s, 14), frame.length - 54);
                if (length >= 8 && Ipv6Header.nextHeader(s, 14) == Ipv6Header.ICMPV6) {
                    Icmpv6Header.updateChecksum(s, 14, 54, length); // so that more than one check is tried
                }
            }
            bystander.send(frame);
        }
        bystander.loop.advance(SECOND);
        bystander.take();
        Ipv6Address late = Ipv6Address.parse("fe80::abcd");
        bystander.send(as(late).solicitation(LINK_LOCAL));
        bystander.send(as(late).echoRequest(LINK_LOCAL, 1));
        assertThat(takeButReports()).contains("icmp 129/0");
        assertThat(host.isOpen()).isTrue();
    }
}
