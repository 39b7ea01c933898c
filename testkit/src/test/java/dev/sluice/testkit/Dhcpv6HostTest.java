package dev.sluice.testkit;

import static dev.sluice.testkit.Async.async;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.UdpSocket;
import dev.sluice.wire.Dhcpv6Message;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.NdpMessage;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A host that gets its IPv6 address from a DHCPv6 server, which is the test, as is the router (RFC 8415, RFC 4861 §4.2). */
class Dhcpv6HostTest {
    private static final Ipv6Address ROUTER = Ipv6Address.parse("fe80::ff");
    private static final Ipv6Address LINK_LOCAL = Ipv6Address.linkLocal(Bystander.HOST_MAC);
    private static final Ipv6Address GIVEN = Ipv6Address.parse("2001:db8::77");
    private static final Ipv6Address FAR = Ipv6Address.parse("2001:db8:ffff::1");
    private static final Ipv6Cidr PREFIX = Ipv6Cidr.parse("2001:db8::/64");
    private static final String SERVER = "000300010200000000aa";
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final int UDP = EthernetHeader.LENGTH + Ipv6Header.LENGTH;

    private final Bystander bystander = new Bystander();
    private final RawFrames6 router = new RawFrames6(Bystander.HOST_MAC, Bystander.MAC, ROUTER);
    private CompletableFuture<NetStack> opening;

    @AfterEach
    void everyMessageGoesToTheServersFromTheLinkLocalAddress() {
        for (Bystander.Seen seen : bystander.seen) {
            if (isDhcp(seen)) {
                MemorySegment s = MemorySegment.ofArray(seen.bytes());
                assertThat(Ipv6Header.source(s, 14)).isEqualTo(LINK_LOCAL);
                assertThat(Ipv6Header.destination(s, 14)).hasToString("ff02::1:2");
                assertThat(seen.destination()).hasToString("33:33:00:01:00:02");
                assertThat(UdpHeader.sourcePort(s, UDP)).isEqualTo(546);
            }
        }
    }

    private static boolean isDhcp(Bystander.Seen seen) {
        MemorySegment s = MemorySegment.ofArray(seen.bytes());
        return seen.type() == EthernetHeader.TYPE_IPV6
                && Ipv6Header.nextHeader(s, 14) == Ipv4Header.PROTOCOL_UDP
                && UdpHeader.destinationPort(s, UDP) == 547;
    }

    private List<Dhcpv6Message> asked() {
        return bystander.seen.stream()
                .filter(Dhcpv6HostTest::isDhcp)
                .map(seen -> {
                    int at = UDP + UdpHeader.LENGTH;
                    return Dhcpv6Message.parse(MemorySegment.ofArray(seen.bytes()), at, seen.bytes().length - at);
                })
                .toList();
    }

    /** An advertisement with these flags, of a prefix that is on the link but not to make addresses of. */
    private byte[] advertisement(int flags) {
        byte[] message = new byte[128];
        MemorySegment s = MemorySegment.ofArray(message);
        int n = NdpMessage.writeAdvertisement(s, 0, 64, flags, 1800);
        n += NdpMessage.putLinkAddress(s, n, NdpMessage.OPTION_SOURCE_LINK_ADDRESS, Bystander.MAC.bits());
        n += NdpMessage.putPrefix(s, n, PREFIX, NdpMessage.ON_LINK, 86_400, 86_400);
        n += NdpMessage.putSearchList(s, n, 1800, List.of("router.example"));
        return router.ndp(Ipv6Address.ALL_NODES, Arrays.copyOf(message, n));
    }

    private byte[] reply(Dhcpv6Message to, int type, boolean rapidCommit, int preferred, Ipv6Address... addresses) {
        List<Dhcpv6Message.Association> associations = to.associations().stream()
                .map(a -> new Dhcpv6Message.Association(a.id(), List.of(addresses), Dhcpv6Message.SUCCESS))
                .toList();
        var message = new Dhcpv6Message(type, to.transaction(), to.client(), SERVER, rapidCommit, associations);
        var settings = new Dhcpv6Message.Settings(Ipv6Address.parse("2001:db8::53"), List.of("corp.example"));
        return router.udp(LINK_LOCAL, 547, 546, message.encode(settings, preferred));
    }

    private Dhcpv6Message next(int type) {
        for (int i = 0; i < 1000; ) {
            List<Dhcpv6Message> asked = asked();
            if (!asked.isEmpty() && asked.getLast().type() == type) {
                return asked.getLast();
            }
            if (bystander.rests(opening)) {
                bystander.loop.advance(10 * Bystander.MILLI);
                i++;
            } else {
                Thread.yield();
            }
        }
        throw new AssertionError("no message of type " + type + " but " + asked());
    }

    private CompletableFuture<NetStack> opening(NetConfig config) {
        opening = async(() -> NetStack.open(bystander.loop, bystander.hostLink, config.with(Bystander.HOST_MAC)));
        while (bystander.seen.stream().noneMatch(Dhcpv6HostTest::asksForRouters)) {
            if (bystander.rests(opening)) {
                bystander.loop.advance(Bystander.MILLI);
            } else {
                Thread.yield();
            }
        }
        return opening;
    }

    private static boolean asksForRouters(Bystander.Seen seen) {
        MemorySegment s = MemorySegment.ofArray(seen.bytes());
        return Ipv6Header.nextHeader(s, 14) == Ipv6Header.ICMPV6
                && IcmpHeader.type(s, UDP) == Icmpv6Header.ROUTER_SOLICITATION;
    }

    private final NetConfig quick = NetConfig.ipv6Only().with(ConflictDetection.none());

    /** Opens a host that is given an address for {@code preferred} seconds, and valid for twice as long. */
    private NetStack given(int preferred) throws Exception {
        CompletableFuture<NetStack> opening = opening(quick);
        bystander.send(advertisement(NdpMessage.MANAGED));
        bystander.send(reply(next(Dhcpv6Message.SOLICIT), Dhcpv6Message.REPLY, true, preferred, GIVEN));
        return bystander.run(opening);
    }

    @Test
    void aManagedNetworkGivesAnAddressAndSettings() throws Exception {
        NetStack host = given(3600);
        assertThat(host.ipv6Addresses().toString()).isEqualTo("[" + LINK_LOCAL + "/64, " + GIVEN + "/128]");
        assertThat(host.ipv6Gateway()).isEqualTo(ROUTER);
        assertThat(host.nameServers()).containsExactly(Ipv6Address.parse("2001:db8::53"));
        assertThat(host.searchDomains()).containsExactly("router.example", "corp.example");
        UdpSocket socket = bystander.run(async(() -> host.udp().bind(1000)));
        bystander.take();
        socket.send(FAR, 9, new byte[1]);
        bystander.loop.settle();
        byte[] sent = bystander.take().getLast().bytes();
        assertThat(Ipv6Header.source(MemorySegment.ofArray(sent), 14)).isEqualTo(GIVEN);
    }

    /** The router says which prefix is on the link; without one it would not be (RFC 5942 §4). */
    @Test
    void neighboursOfTheAddressAreAskedForOnTheLink() throws Exception {
        NetStack host = given(3600);
        UdpSocket socket = bystander.run(async(() -> host.udp().bind(1000)));
        bystander.take();
        Ipv6Address neighbour = Ipv6Address.parse("2001:db8::5");
        socket.send(neighbour, 9, new byte[1]);
        bystander.loop.settle();
        MemorySegment s = MemorySegment.ofArray(bystander.take().getFirst().bytes());
        assertThat(IcmpHeader.type(s, UDP)).isEqualTo(Icmpv6Header.NEIGHBOUR_SOLICITATION);
        assertThat(NdpMessage.targetLow(s, UDP)).isEqualTo(neighbour.low());
    }

    @Test
    void whereOnlyOtherThingsAreToBeHadNoAddressIsAskedFor() throws Exception {
        CompletableFuture<NetStack> opening = opening(quick.with(new NetConfig.Ipv6.Automatic(Duration.ofSeconds(2))));
        bystander.send(advertisement(NdpMessage.OTHER));
        Dhcpv6Message request = next(Dhcpv6Message.INFORMATION_REQUEST);
        bystander.send(reply(request, Dhcpv6Message.REPLY, false, 0));
        NetStack host = bystander.run(opening);
        assertThat(host.nameServers()).containsExactly(Ipv6Address.parse("2001:db8::53"));
        assertThat(host.ipv6Addresses()).hasSize(1);
        assertThat(asked()).allMatch(m -> m.type() == Dhcpv6Message.INFORMATION_REQUEST);
    }

    @Test
    void withoutAWordOfTheRouterNothingIsAsked() throws Exception {
        CompletableFuture<NetStack> opening = opening(quick.with(new NetConfig.Ipv6.Automatic(Duration.ofSeconds(1))));
        bystander.send(advertisement(0));
        NetStack host = bystander.run(opening);
        bystander.loop.advance(100 * Bystander.SECOND);
        assertThat(asked()).isEmpty();
        assertThat(host.nameServers()).isEmpty();
    }

    @Test
    void anAddressThatSomebodyHasIsDeclinedAndNotUsed() throws Exception {
        NetConfig careful = NetConfig.ipv6Only().with(new ConflictDetection(1, Duration.ofSeconds(1), 1));
        CompletableFuture<NetStack> opening = opening(careful.with(new NetConfig.Ipv6.Automatic(LONG)));
        bystander.send(advertisement(NdpMessage.MANAGED));
        bystander.send(reply(next(Dhcpv6Message.SOLICIT), Dhcpv6Message.REPLY, true, 3600, GIVEN));
        bystander.send(router.advertisement(Ipv6Address.ALL_NODES, GIVEN, NdpMessage.OVERRIDE));
        Dhcpv6Message decline = next(Dhcpv6Message.DECLINE);
        assertThat(decline.server()).isEqualTo(SERVER);
        assertThat(decline.associations().getFirst().addresses()).containsExactly(GIVEN);
        bystander.send(reply(decline, Dhcpv6Message.REPLY, false, 0));
        Ipv6Address another = GIVEN.plus(1);
        bystander.loop.advance(10 * Bystander.SECOND);
        bystander.send(reply(next(Dhcpv6Message.SOLICIT), Dhcpv6Message.REPLY, true, 3600, another));
        NetStack host = bystander.run(opening);
        assertThat(host.ipv6Addresses()).contains(new Ipv6Cidr(another, 128)).hasSize(2);
    }

    @Test
    void whenTheLeaseIsOverItsConnectionsEnd() throws Exception {
        NetStack host = given(50);
        bystander.take();
        CompletableFuture<TcpConnection> connecting = async(() -> host.tcp().connect(FAR, 80, LONG));
        while (bystander.seen.isEmpty()) {
            bystander.loop.settle();
            Thread.yield();
        }
        MemorySegment syn = MemorySegment.ofArray(bystander.take().getFirst().bytes());
        bystander.send(new RawFrames6(Bystander.HOST_MAC, Bystander.MAC, FAR)
                .tcp(
                        GIVEN,
                        80,
                        TcpHeader.sourcePort(syn, UDP),
                        999,
                        TcpHeader.sequence(syn, UDP) + 1,
                        TcpHeader.SYN | TcpHeader.ACK,
                        new byte[0]));
        TcpConnection connection = bystander.settle(connecting);
        bystander.loop.advance(100 * Bystander.SECOND);
        assertThatThrownBy(() -> bystander.settle(async(() -> connection.read(new byte[1]))))
                .hasCauseInstanceOf(NetException.Unreachable.class)
                .hasMessageContaining("the DHCPv6 lease is over");
        assertThat(host.ipv6Addresses()).hasSize(1);
        next(Dhcpv6Message.SOLICIT);
    }

    @Test
    void aLeaseIsRenewedAndGivenBackAtTheEnd() throws Exception {
        NetStack host = given(100);
        bystander.take();
        bystander.loop.advance(50 * Bystander.SECOND);
        bystander.send(reply(next(Dhcpv6Message.RENEW), Dhcpv6Message.REPLY, false, 100, GIVEN));
        bystander.take();
        bystander.loop.advance(49 * Bystander.SECOND);
        assertThat(asked()).isEmpty();
        host.close();
        bystander.loop.settle();
        assertThat(asked().getLast().type()).isEqualTo(Dhcpv6Message.RELEASE);
        assertThat(asked().getLast().associations().getFirst().addresses()).containsExactly(GIVEN);
    }

    @Test
    void answersWithAWrongChecksumOrToOthersAreNotBelieved() throws Exception {
        CompletableFuture<NetStack> opening = opening(quick.with(new NetConfig.Ipv6.Automatic(Duration.ofSeconds(2))));
        bystander.send(advertisement(NdpMessage.MANAGED));
        byte[] damaged = reply(next(Dhcpv6Message.SOLICIT), Dhcpv6Message.REPLY, true, 3600, GIVEN);
        damaged[damaged.length - 1] ^= 1;
        bystander.send(damaged);
        bystander.send(router.udp(LINK_LOCAL, 547, 546, new byte[3]));
        NetStack host = bystander.run(opening);
        assertThat(host.ipv6Addresses()).hasSize(1);
        assertThat(host.counters().malformed()).isEqualTo(2);
    }
}
