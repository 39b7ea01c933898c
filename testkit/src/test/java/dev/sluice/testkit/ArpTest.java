package dev.sluice.testkit;

import static dev.sluice.testkit.Async.async;
import static dev.sluice.testkit.Bystander.ADDRESS;
import static dev.sluice.testkit.Bystander.HOST;
import static dev.sluice.testkit.Bystander.SECOND;
import static dev.sluice.testkit.Bystander.as;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.NetLimits;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpListener;
import dev.sluice.net.UdpSocket;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** RFC 826 and RFC 5227 as a bystander on the link sees them, in virtual time. */
@Timeout(60)
class ArpTest {
    private static final Duration LONG = Duration.ofHours(1);

    private final Bystander bystander = new Bystander();
    private final NetConfig config = NetConfig.of("10.0.0.1/24").with(ConflictDetection.none());

    @Test
    void aHostProbesForItsAddressThenAnnouncesIt() throws Exception {
        bystander.open(config.with(ConflictDetection.rfc5227()));
        bystander.loop.advance(10 * SECOND);
        List<Bystander.Seen> seen = bystander.take();
        assertThat(seen.stream().map(Bystander.Seen::arp))
                .containsExactly(
                        "request 0.0.0.0 for 10.0.0.1",
                        "request 0.0.0.0 for 10.0.0.1",
                        "request 0.0.0.0 for 10.0.0.1",
                        "request 10.0.0.1 for 10.0.0.1",
                        "request 10.0.0.1 for 10.0.0.1");
        assertThat(seen.get(1).at() - seen.get(0).at()).isEqualTo(17 * SECOND / 10);
        assertThat(seen.get(3).at() - seen.get(2).at()).isEqualTo(17 * SECOND / 10);
        assertThat(seen.get(4).at() - seen.get(3).at()).isEqualTo(2 * SECOND);
    }

    @Test
    void anAddressThatSomebodyDefendsIsNotTaken() {
        CompletableFuture<NetStack> opening = async(() -> NetStack.open(
                bystander.loop,
                bystander.hostLink,
                config.with(Bystander.HOST_MAC).with(ConflictDetection.rfc5227())));
        awaitFirstFrame();
        bystander.send(as(HOST).arpReply(Ipv4Address.ANY));
        assertThatThrownBy(() -> bystander.run(opening))
                .isInstanceOf(NetException.AddressInUse.class)
                .hasMessageContaining("10.0.0.1");
    }

    @Test
    void twoThatProbeForOneAddressAtOnceBothGiveItUp() {
        CompletableFuture<NetStack> opening = async(() -> NetStack.open(
                bystander.loop,
                bystander.hostLink,
                config.with(Bystander.HOST_MAC).with(ConflictDetection.rfc5227())));
        awaitFirstFrame();
        bystander.send(as(Ipv4Address.ANY).arpRequest(HOST));
        assertThatThrownBy(() -> bystander.run(opening)).isInstanceOf(NetException.AddressInUse.class);
    }

    /** Of a neighbour whose users keep it nothing shows in the order of look-ups. */
    @Test
    void whoIsSentToStaysKnownHoweverManyOthersAsk() throws Exception {
        NetStack host = bystander.open(config.with(fewNeighbours()));
        UdpSocket socket = bystander.settle(async(() -> host.udp().bind(53)));
        bystander.send(as(ADDRESS).arpRequest(HOST));
        bystander.take();
        for (int i = 0; i < 50; i++) {
            bystander.settle(async(() -> {
                socket.send(ADDRESS, 9, new byte[1]);
                return true;
            }));
            bystander.loop.settle();
            List<Bystander.Seen> seen = bystander.take();
            assertThat(seen).hasSize(1);
            assertThat(seen.getFirst().isArp()).isFalse();
            bystander.send(as(ADDRESS.plus(3 + i)).arpRequest(HOST));
            bystander.send(as(ADDRESS.plus(100 + i)).arpRequest(HOST));
            bystander.take();
        }
    }

    /** It is dropped, as it comes again; but not before somebody was asked. */
    @Test
    void aSuperSegmentToAForgottenNeighbourAsksForIt() throws Exception {
        NetStack host = bystander.open(config.with(fewNeighbours()));
        TcpListener listener = bystander.settle(async(() -> host.tcp().listen(80, 1)));
        bystander.send(as(ADDRESS).arpRequest(HOST));
        bystander.take();
        bystander.send(as(ADDRESS).tcp(HOST, 1000, 80, 100, TcpHeader.SYN, new byte[0]));
        MemorySegment synAck = MemorySegment.ofArray(bystander.take().getFirst().bytes());
        int next = TcpHeader.sequence(synAck, 34) + 1;
        bystander.send(as(ADDRESS).tcp(HOST, 1000, 80, 101, next, TcpHeader.ACK, new byte[0]));
        TcpConnection connection = bystander.settle(async(() -> listener.accept(LONG)));
        for (int i = 0; i < 20; i++) {
            bystander.send(as(ADDRESS.plus(3 + i)).arpRequest(HOST));
        }
        bystander.take();
        bystander.settle(async(() -> {
            connection.write(new byte[10_000]);
            return true;
        }));
        bystander.loop.settle();
        assertThat(bystander.takeArp()).containsExactly("request 10.0.0.1 for 10.0.0.2");
    }

    private static NetLimits fewNeighbours() {
        NetLimits usual = NetLimits.defaults();
        return new NetLimits(
                usual.connections(),
                usual.connectionBuffer(),
                usual.bufferBytes(),
                usual.queueBytes(),
                usual.timeWait(),
                usual.udpSockets(),
                usual.udpQueueBytes(),
                4,
                usual.bytesPerNeighbour(),
                usual.pings(),
                usual.reassemblyDatagrams(),
                usual.reassemblyBytes());
    }

    private void awaitFirstFrame() {
        while (bystander.seen.isEmpty()) {
            bystander.loop.settle();
            Thread.yield();
        }
    }

    @Test
    void aHostAnswersForItsOwnAddressOnly() throws Exception {
        bystander.open(config);
        bystander.take();
        bystander.send(as(ADDRESS).arpRequest(HOST));
        List<Bystander.Seen> answers = bystander.take();
        assertThat(answers.stream().map(Bystander.Seen::arp)).containsExactly("reply 10.0.0.1 for 10.0.0.2");
        assertThat(answers.getFirst().destination()).isEqualTo(Bystander.MAC);
        bystander.send(as(ADDRESS).arpRequest(Ipv4Address.parse("10.0.0.3")));
        assertThat(bystander.take()).isEmpty();
    }

    @Test
    void aProbeForItsAddressIsAnswered() throws Exception {
        bystander.open(config);
        bystander.take();
        bystander.send(as(Ipv4Address.ANY).arpRequest(HOST));
        assertThat(bystander.takeArp()).containsExactly("reply 10.0.0.1 for 0.0.0.0");
    }

    @Test
    void anAddressInUseIsDefendedOnceInTenSecondsAndKept() throws Exception {
        NetStack host = bystander.open(config);
        bystander.take();
        for (int i = 0; i < 5; i++) {
            bystander.send(as(HOST).arpRequest(HOST));
        }
        assertThat(bystander.takeArp()).containsExactly("request 10.0.0.1 for 10.0.0.1");
        bystander.loop.advance(10 * SECOND);
        bystander.send(as(HOST).arpRequest(HOST));
        assertThat(bystander.takeArp()).containsExactly("request 10.0.0.1 for 10.0.0.1");
        assertThat(host.counters().addressConflicts()).isEqualTo(6);
        assertThat(String.valueOf(host.address())).isEqualTo("10.0.0.1/24");
    }

    @Test
    void aNeighbourThatDoesNotAnswerIsAskedThreeTimesAndThenUnreachable() throws Exception {
        NetStack host = bystander.open(config);
        bystander.take();
        long start = bystander.loop.now();
        CompletableFuture<Duration> ping = async(() -> host.icmp().ping(ADDRESS, LONG));
        assertThatThrownBy(() -> bystander.run(ping)).isInstanceOf(NetException.Unreachable.class);
        List<Bystander.Seen> seen = bystander.take();
        assertThat(seen.stream().map(Bystander.Seen::arp))
                .containsExactly(
                        "request 10.0.0.1 for 10.0.0.2",
                        "request 10.0.0.1 for 10.0.0.2",
                        "request 10.0.0.1 for 10.0.0.2");
        assertThat(seen.get(1).at() - seen.get(0).at()).isEqualTo(SECOND);
        assertThat(bystander.loop.now() - start).isBetween(3 * SECOND, 4 * SECOND);
    }

    @Test
    void packetsWaitForTheAnswerAndKeepTheirOrder() throws Exception {
        NetStack host = bystander.open(config);
        bystander.take();
        UdpSocket socket = bystander.run(async(() -> host.udp().bind(1000)));
        for (int i = 0; i < 10; i++) {
            byte[] payload = {(byte) i};
            socket.send(ADDRESS, 9, payload);
        }
        bystander.loop.settle();
        assertThat(bystander.takeArp()).containsExactly("request 10.0.0.1 for 10.0.0.2");
        bystander.send(as(ADDRESS).arpReply(HOST));
        List<Bystander.Seen> datagrams = bystander.take();
        assertThat(datagrams).hasSize(10);
        for (int i = 0; i < 10; i++) {
            byte[] bytes = datagrams.get(i).bytes();
            assertThat(bytes[bytes.length - 1]).isEqualTo((byte) i);
            assertThat(datagrams.get(i).destination()).isEqualTo(Bystander.MAC);
        }
    }

    @Test
    void whatWaitsForAnAnswerIsBounded() throws Exception {
        NetStack host = bystander.open(config);
        UdpSocket socket = bystander.run(async(() -> host.udp().bind(1000)));
        for (int i = 0; i < 300; i++) {
            socket.send(ADDRESS, 9, new byte[1000]);
            bystander.loop.settle();
        }
        bystander.take();
        bystander.send(as(ADDRESS).arpReply(HOST));
        // 128 KiB of frames of 1042 bytes; the latest, because they are worth most.
        assertThat(bystander.take()).hasSize((128 << 10) / 1042);
    }

    @Test
    void aNeighbourInUseIsAskedAgainAfterAMinuteButNotWaitedFor() throws Exception {
        NetStack host = bystander.open(config);
        UdpSocket socket = bystander.run(async(() -> host.udp().bind(1000)));
        bystander.send(as(ADDRESS).arpRequest(HOST));
        bystander.take();
        bystander.loop.advance(61 * SECOND);
        socket.send(ADDRESS, 9, new byte[1]);
        bystander.loop.settle();
        List<Bystander.Seen> seen = bystander.take();
        assertThat(seen).hasSize(2);
        assertThat(seen.getFirst().arp()).isEqualTo("request 10.0.0.1 for 10.0.0.2");
        assertThat(seen.getFirst().destination()).isEqualTo(Bystander.MAC);
        assertThat(seen.getLast().destination()).isEqualTo(Bystander.MAC);
        // No answer: the others are asked by broadcast, then it is forgotten, and the next packet waits.
        bystander.loop.advance(4 * SECOND);
        assertThat(bystander.take().stream().map(Bystander.Seen::destination))
                .containsExactly(MacAddress.BROADCAST, MacAddress.BROADCAST);
        socket.send(ADDRESS, 9, new byte[1]);
        bystander.loop.settle();
        assertThat(bystander.takeArp()).hasSize(1);
    }

    @Test
    void othersConversationsMakeNoEntry() throws Exception {
        NetStack host = bystander.open(config);
        bystander.send(as(ADDRESS).arpRequest(Ipv4Address.parse("10.0.0.9")));
        bystander.take();
        UdpSocket socket = bystander.run(async(() -> host.udp().bind(1000)));
        socket.send(ADDRESS, 9, new byte[1]);
        bystander.loop.settle();
        assertThat(bystander.takeArp()).containsExactly("request 10.0.0.1 for 10.0.0.2");
    }

    @Test
    void aNeighbourThatMovesIsFollowed() throws Exception {
        NetStack host = bystander.open(config);
        UdpSocket socket = bystander.run(async(() -> host.udp().bind(1000)));
        bystander.send(as(ADDRESS).arpRequest(HOST));
        MacAddress moved = MacAddress.parse("02:00:00:00:00:77");
        bystander.send(new RawFrames(MacAddress.BROADCAST, moved, ADDRESS).arpRequest(ADDRESS));
        // The one known is asked first; only when it stays silent is the other believed.
        List<Bystander.Seen> seen = bystander.take();
        assertThat(seen.getLast().arp()).isEqualTo("request 10.0.0.1 for 10.0.0.2");
        assertThat(seen.getLast().destination()).isEqualTo(Bystander.MAC);
        bystander.loop.advance(2 * SECOND);
        bystander.take();
        socket.send(ADDRESS, 9, new byte[1]);
        bystander.loop.settle();
        assertThat(bystander.take().getFirst().destination()).isEqualTo(moved);
    }

    @Test
    void aForgedMessageDivertsNothing() throws Exception {
        NetStack host = bystander.open(config);
        UdpSocket socket = bystander.run(async(() -> host.udp().bind(1000)));
        bystander.send(as(ADDRESS).arpRequest(HOST));
        MacAddress liar = MacAddress.parse("02:00:00:00:00:66");
        for (int i = 0; i < 5; i++) {
            bystander.send(new RawFrames(MacAddress.BROADCAST, liar, ADDRESS).arpReply(HOST));
        }
        bystander.send(as(ADDRESS).arpReply(HOST));
        bystander.loop.advance(5 * SECOND);
        bystander.take();
        socket.send(ADDRESS, 9, new byte[1]);
        bystander.loop.settle();
        assertThat(bystander.take().getFirst().destination()).isEqualTo(Bystander.MAC);
    }
}
