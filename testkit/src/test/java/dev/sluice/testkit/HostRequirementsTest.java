package dev.sluice.testkit;

import static dev.sluice.testkit.Async.async;
import static dev.sluice.testkit.Bystander.ADDRESS;
import static dev.sluice.testkit.Bystander.HOST;
import static dev.sluice.testkit.Bystander.as;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpListener;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requirements of RFC 9293 on the host around TCP, in virtual time; docs/rfc9293.md has all of them. */
@Timeout(60)
class HostRequirementsTest {
    private static final int IP = 14;
    private static final int TCP = 34;
    private static final Duration LONG = Duration.ofSeconds(60);

    private final Bystander bystander = new Bystander();
    private NetStack host;
    private TcpListener listener;

    @BeforeEach
    void open() throws Exception {
        host = bystander.open(NetConfig.of("10.0.0.1/24").with(ConflictDetection.none()));
        listener = bystander.run(async(() -> host.tcp().listen(80, 16)));
        bystander.send(as(ADDRESS).arpRequest(HOST));
        bystander.take();
    }

    private static MemorySegment s(byte[] frame) {
        return MemorySegment.ofArray(frame);
    }

    private List<byte[]> answers(byte[] frame) {
        bystander.send(frame);
        return bystander.take().stream().map(Bystander.Seen::bytes).toList();
    }

    private byte[] syn(Ipv4Address from, int port) {
        return as(from).tcp(HOST, port, 80, 100, TcpHeader.SYN, new byte[0]);
    }

    /** A connection to the listener from {@code port}, accepted; the peer's next byte is 101, its next acknowledgment in the array. */
    private TcpConnection accept(int port, int[] next) {
        byte[] synAck = answers(syn(ADDRESS, port)).getFirst();
        next[0] = TcpHeader.sequence(s(synAck), TCP) + 1;
        bystander.send(as(ADDRESS).tcp(HOST, port, 80, 101, next[0], TcpHeader.ACK, new byte[0]));
        TcpConnection connection = bystander.settle(async(() -> listener.accept(LONG)));
        bystander.take();
        return connection;
    }

    @Test
    void aWrongBitAnywhereInASegmentIsNoticed() {
        byte[] syn = syn(ADDRESS, 1000);
        for (int bit = TCP * 8; bit < syn.length * 8; bit++) {
            byte[] wrong = syn.clone();
            wrong[bit / 8] ^= (byte) (1 << bit % 8);
            assertThat(answers(wrong)).as("bit %d", bit).isEmpty();
        }
        assertThat(host.counters().badSegments).isEqualTo((syn.length - TCP) * 8L);
        assertThat(answers(syn)).hasSize(1);
    }

    /** A checksum is made of words, so a whole word of zeros or ones must not pass for the other, nor may an odd length. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 1399, 1400})
    void checksumsOfEveryLengthAreRight(int length) {
        int[] next = new int[1];
        TcpConnection connection = accept(1000, next);
        byte[] payload = new byte[length];
        java.util.Arrays.fill(payload, (byte) 0xff);
        bystander.send(as(ADDRESS).tcp(HOST, 1000, 80, 101, next[0], TcpHeader.ACK, payload));
        assertThat(connection.available()).isEqualTo(length);
    }

    @Test
    void aHandshakeThatIsResetDisturbsNeitherListenerNorUser() throws Exception {
        answers(syn(ADDRESS, 1000));
        bystander.send(as(ADDRESS).tcp(HOST, 1000, 80, 101, TcpHeader.RST, new byte[0]));
        assertThat(bystander.settle(async(() -> host.tcp().connections()))).isZero();
        accept(1001, new int[1]);
        // But whoever connects is told.
        CompletableFuture<TcpConnection> connecting = async(() -> host.tcp().connect(ADDRESS, 9, LONG));
        while (bystander.seen.isEmpty()) {
            bystander.loop.settle();
            Thread.yield();
        }
        byte[] syn = bystander.take().getFirst().bytes();
        int port = TcpHeader.sourcePort(s(syn), TCP);
        int iss = TcpHeader.sequence(s(syn), TCP);
        bystander.send(as(ADDRESS).tcp(HOST, 9, port, 7, TcpHeader.SYN, new byte[0])); // at the same time
        bystander.send(as(ADDRESS).tcp(HOST, 9, port, 8, iss + 1, TcpHeader.RST | TcpHeader.ACK, new byte[0]));
        assertThatThrownBy(() -> bystander.run(connecting)).isInstanceOf(NetException.Refused.class);
    }

    @Test
    void onALinkTooNarrowForIpv6NothingIsBegun() {
        VirtualLoop loop = new VirtualLoop(0);
        MemoryLink link = MemoryLink.pair(loop, 1000, false).left();
        NetConfig config = NetConfig.of("10.0.0.1/24").withIpv6();
        CompletableFuture<NetStack> opening = async(() -> NetStack.open(loop, link, config));
        while (!opening.isDone()) {
            loop.settle();
            Thread.yield();
        }
        assertThatThrownBy(opening::join).hasCauseInstanceOf(IllegalArgumentException.class);
        assertThat(loop.nextDeadline()).isEqualTo(Long.MAX_VALUE);
    }

    /** RFC 1122 §3.3.2, on a link where nothing else happens. */
    @Test
    void anIncompleteDatagramIsReportedWhenItsTimeIsOver() {
        byte[] datagram = as(ADDRESS).udp(HOST, 1000, 2000, new byte[512]);
        assertThat(answers(RawFrames.fragment(datagram, 0, true))).isEmpty();
        bystander.loop.advance(16 * Bystander.SECOND);
        List<Bystander.Seen> seen = bystander.take();
        assertThat(seen).hasSize(1);
        MemorySegment error = s(seen.getFirst().bytes());
        assertThat(IcmpHeader.type(error, TCP)).isEqualTo(IcmpHeader.TIME_EXCEEDED);
        assertThat(bystander.loop.nextDeadline()).isEqualTo(Long.MAX_VALUE);
    }

    /** Its queue is still full, so the FIN has never left. */
    @Test
    void aClosedConnectionWhosePeerTakesNothingIsResetAfterTheUserTimeout() throws Exception {
        int[] next = new int[1];
        TcpConnection connection = accept(1000, next);
        connection.userTimeout(Duration.ofMinutes(2));
        connection.writeTimeout(Duration.ofSeconds(1));
        bystander.send(closedWindow(next[0]));
        assertThatThrownBy(() -> bystander.run(async(() -> {
                    connection.write(new byte[4 << 20]);
                    return true;
                })))
                .isInstanceOf(NetException.TimedOut.class);
        connection.close();
        bystander.take();
        boolean reset = false;
        for (long waited = 0; waited < 200 * Bystander.SECOND && !reset; waited += Bystander.SECOND) {
            bystander.loop.advance(Bystander.SECOND);
            bystander.send(as(ADDRESS).arpRequest(HOST)); // is there, whatever it is asked
            for (Bystander.Seen seen : bystander.take()) {
                reset |= !seen.isArp() && (TcpHeader.flags(s(seen.bytes()), TCP) & TcpHeader.RST) != 0;
            }
            bystander.send(closedWindow(next[0]));
        }
        assertThat(reset).isTrue();
        assertThat(bystander.settle(async(() -> host.tcp().connections()))).isZero();
        assertThat(bystander.settle(async(() -> host.tcp().bufferBytes()))).isZero();
    }

    private static byte[] closedWindow(int acknowledgment) {
        byte[] frame = as(ADDRESS).tcp(HOST, 1000, 80, 101, acknowledgment, TcpHeader.ACK, new byte[0]);
        frame[TCP + 14] = 0; // 65,535 is nothing, too, for checksums
        frame[TCP + 15] = 0;
        return frame;
    }

    @Test
    void listeningDisturbsNoConnectionOfThatPort() throws Exception {
        int[] next = new int[1];
        TcpConnection connection = accept(1000, next);
        listener.close();
        bystander.loop.settle();
        TcpListener again = bystander.settle(async(() -> host.tcp().listen(80, 16)));
        bystander.send(as(ADDRESS).tcp(HOST, 1000, 80, 101, next[0], TcpHeader.ACK, new byte[] {5}));
        assertThat(connection.available()).isEqualTo(1);
        // A port from which a connection is just being made can listen as well.
        async(() -> host.tcp().connect(ADDRESS, 9, LONG));
        while (bystander.seen.stream().allMatch(f -> f.bytes().length < 60)) {
            bystander.loop.settle();
            Thread.yield();
        }
        byte[] syn = bystander.take().getLast().bytes();
        int port = TcpHeader.sourcePort(s(syn), TCP);
        TcpListener same = bystander.settle(async(() -> host.tcp().listen(port, 1)));
        assertThat(same.port()).isEqualTo(port);
        again.close();
    }

    @Test
    void aConnectionKeepsItsAddresses() throws Exception {
        int[] next = new int[1];
        TcpConnection connection = accept(1000, next);
        assertThat(connection.localAddress()).isEqualTo(HOST);
        Set<Integer> ports = new HashSet<>();
        for (int i = 0; i < 20; i++) {
            async(() -> host.tcp().connect(ADDRESS, 9, LONG));
        }
        while (bystander.seen.size() < 20) {
            bystander.loop.settle();
            Thread.yield();
        }
        for (Bystander.Seen seen : bystander.take()) {
            assertThat(Ipv4Header.source(s(seen.bytes()), IP)).isEqualTo(HOST.bits());
            assertThat(TcpHeader.sourcePort(s(seen.bytes()), TCP)).isBetween(49_152, 65_535);
            ports.add(TcpHeader.sourcePort(s(seen.bytes()), TCP));
        }
        assertThat(ports).hasSize(20);
        // Ports in a row would be easy to guess.
        assertThat(ports.stream().mapToInt(p -> p).max().orElse(0)
                        - ports.stream().mapToInt(p -> p).min().orElse(0))
                .isGreaterThan(1000);
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.0.255", "255.255.255.255", "224.0.0.1", "239.1.2.3", "0.0.0.0"})
    void nobodyConnectsToAGroup(String address) {
        assertThatThrownBy(() -> bystander.run(
                        async(() -> host.tcp().connect(Ipv4Address.parse(address), 80, Duration.ofSeconds(1)))))
                .isInstanceOf(NetException.Unreachable.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.0.255", "255.255.255.255", "224.0.0.1"})
    void aSynToAGroupGetsNoAnswer(String address) {
        byte[] syn = as(ADDRESS).tcp(Ipv4Address.parse(address), 1000, 80, 100, TcpHeader.SYN, new byte[0]);
        assertThat(answers(syn)).isEmpty();
        // Nor one to its address in a frame to all.
        byte[] broadcast = syn(ADDRESS, 1000);
        java.util.Arrays.fill(broadcast, 0, 6, (byte) 0xff);
        assertThat(answers(broadcast)).isEmpty();
    }

    /** Also the LAND attack: from the host's own address and port. */
    @ParameterizedTest
    @ValueSource(
            strings = {"0.0.0.0", "127.0.0.1", "10.0.0.1", "10.0.0.255", "224.0.0.1", "255.255.255.255", "240.0.0.1"})
    void aSynFromWhereNobodyCanBeGetsNoAnswer(String address) throws Exception {
        assertThat(answers(syn(Ipv4Address.parse(address), 80))).isEmpty();
        assertThat(answers(syn(Ipv4Address.parse(address), 1000))).isEmpty();
        assertThat(bystander.settle(async(() -> host.tcp().connections()))).isZero();
    }

    @Test
    void codepointAndHopLimitAreTheUsersToSet() {
        int[] next = new int[1];
        TcpConnection connection = accept(1000, next);
        connection.codepoint(46);
        connection.hopLimit(3);
        bystander.settle(async(() -> {
            connection.write(new byte[10]);
            return true;
        }));
        bystander.loop.settle();
        byte[] sent = bystander.take().getLast().bytes();
        assertThat(Ipv4Header.typeOfService(s(sent), IP)).isEqualTo(46 << 2);
        assertThat(Ipv4Header.timeToLive(s(sent), IP)).isEqualTo(3);
        connection.codepoint(0);
        bystander.send(as(ADDRESS).tcp(HOST, 1000, 80, 101, next[0] + 10, TcpHeader.ACK, new byte[1200]));
        bystander.send(as(ADDRESS).tcp(HOST, 1000, 80, 1301, next[0] + 10, TcpHeader.ACK, new byte[1200]));
        assertThat(Ipv4Header.typeOfService(s(bystander.take().getLast().bytes()), IP))
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {0x01, 0x00, 0x94, 0x44, 0x9e})
    void optionsOfThePacketAreIgnored(int kind) {
        byte[] syn = syn(ADDRESS, 1000);
        byte[] option = {(byte) kind, (byte) (kind < 2 ? 1 : 4), 0, 0};
        assertThat(answers(RawFrames.withOptions(syn, option))).hasSize(1);
    }

    /** Congestion that a router marks goes to the peer in the next acknowledgment, if both agreed on that. */
    @Test
    void marksOfRoutersReachTheConnection() {
        byte[] synAck = answers(as(ADDRESS)
                        .tcp(HOST, 1000, 80, 100, TcpHeader.SYN | TcpHeader.ECE | TcpHeader.CWR, new byte[0]))
                .getFirst();
        assertThat(TcpHeader.flags(s(synAck), TCP)).isEqualTo(TcpHeader.SYN | TcpHeader.ACK | TcpHeader.ECE);
        assertThat(Ipv4Header.typeOfService(s(synAck), IP)).isZero();
        int next = TcpHeader.sequence(s(synAck), TCP) + 1;
        bystander.send(as(ADDRESS).tcp(HOST, 1000, 80, 101, next, TcpHeader.ACK, new byte[0]));
        TcpConnection connection = bystander.settle(async(() -> listener.accept(LONG)));
        bystander.take();
        byte[] marked = as(ADDRESS).tcp(HOST, 1000, 80, 101, next, TcpHeader.ACK, new byte[1300]);
        marked[IP + 1] = 3;
        RawFrames.updateIpv4Checksum(marked);
        bystander.send(marked);
        bystander.settle(async(() -> {
            connection.write(new byte[10]);
            return true;
        }));
        bystander.loop.settle();
        byte[] sent = bystander.take().getLast().bytes();
        assertThat(TcpHeader.flags(s(sent), TCP) & TcpHeader.ECE).isNotZero();
        assertThat(Ipv4Header.typeOfService(s(sent), IP)).isEqualTo(2);
    }
}
