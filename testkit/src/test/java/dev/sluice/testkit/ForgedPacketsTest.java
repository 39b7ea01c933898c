package dev.sluice.testkit;

import static dev.sluice.testkit.Async.async;
import static dev.sluice.testkit.Bystander.ADDRESS;
import static dev.sluice.testkit.Bystander.HOST;
import static dev.sluice.testkit.Bystander.HOST_MAC;
import static dev.sluice.testkit.Bystander.MAC;
import static dev.sluice.testkit.Bystander.SECOND;
import static dev.sluice.testkit.Bystander.as;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetStack;
import dev.sluice.net.UdpSocket;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What strangers on the link can not make a host do, and what it does not tell them, in virtual time. */
@Timeout(60)
class ForgedPacketsTest {
    private static final int IP = 14;
    private static final int TCP = 34;
    private static final int OPTIONS = TCP + TcpHeader.MIN_LENGTH;
    private static final int IGMP = 2;
    private static final Ipv4Address OTHER = Ipv4Address.parse("10.0.0.3");
    private static final Ipv4Address EVERYBODY = Ipv4Address.parse("10.0.0.255");

    private final Bystander bystander = new Bystander();
    private NetStack host;

    @BeforeEach
    void open() throws Exception {
        host = open(bystander);
    }

    private static NetStack open(Bystander bystander) throws Exception {
        NetStack host = bystander.open(NetConfig.of("10.0.0.1/24").with(ConflictDetection.none()));
        bystander.settle(async(() -> host.tcp().listen(80, 16)));
        bystander.settle(async(() -> host.udp().bind(53)));
        bystander.send(as(ADDRESS).arpRequest(HOST));
        bystander.send(as(OTHER).arpRequest(HOST));
        bystander.take();
        return host;
    }

    private List<byte[]> answers(byte[] frame) {
        bystander.send(frame);
        return bystander.take().stream().map(Bystander.Seen::bytes).toList();
    }

    // ---- source routes

    /** An answer would go back by way of whom the sender names, so that it could be anybody (RFC 7126 §4.3, §4.4). */
    @ParameterizedTest
    @ValueSource(ints = {131, 137})
    void packetsWithASourceRouteAreDroppedAndCounted(int kind) {
        byte[] toFollow = {(byte) kind, 7, 4, 10, 0, 0, 9, 0};
        byte[] done = {(byte) kind, 7, 8, 10, 0, 0, 9, 0};
        byte[] badPointer = {1, (byte) kind, 7, (byte) 255, 10, 0, 0, 9};
        byte[] cut = {1, 1, 1, (byte) kind};
        int sent = 0;
        for (byte[] options : List.of(toFollow, done, badPointer, cut)) {
            for (byte[] frame : List.of(
                    as(ADDRESS).tcp(HOST, 1000, 80, 1, TcpHeader.SYN, new byte[0]),
                    as(ADDRESS).tcp(HOST, 1000, 81, 1, TcpHeader.SYN, new byte[0]),
                    as(ADDRESS).udp(HOST, 1000, 53, new byte[10]),
                    as(ADDRESS).udp(HOST, 1000, 54, new byte[10]),
                    as(ADDRESS).echoRequest(HOST, 56),
                    RawFrames.fragment(as(ADDRESS).udp(HOST, 1000, 53, new byte[64]), 0, true))) {
                assertThat(answers(RawFrames.withOptions(frame, options))).isEmpty();
                sent++;
            }
        }
        assertThat(host.counters().sourceRouted()).isEqualTo(sent);
        assertThat(host.counters().datagramsIn).isZero();
        assertThat(answers(as(ADDRESS).echoRequest(HOST, 56))).hasSize(1);
    }

    /** Not a router: what is for others goes nowhere, with a route or without. */
    @Test
    void nothingIsForwarded() {
        byte[] toOther = as(ADDRESS).udp(OTHER, 1000, 53, new byte[10]);
        assertThat(answers(toOther)).isEmpty();
        byte[] route = {(byte) 131, 7, 4, 10, 0, 0, 1, 0};
        assertThat(answers(RawFrames.withOptions(toOther, route))).isEmpty();
    }

    // ---- packets in packets, and more than a packet

    /** Nobody here takes a packet out of another one, which would get it past whoever looks at addresses (CVE-2020-10136). */
    @ParameterizedTest
    @ValueSource(ints = {4, 41, 47})
    void aPacketWithinAPacketIsRefusedUnread(int protocol) throws Exception {
        byte[] inner = as(ADDRESS).tcp(HOST, 1000, 80, 1, TcpHeader.SYN, new byte[0]);
        byte[] packet = java.util.Arrays.copyOfRange(inner, IP, inner.length);
        List<byte[]> answers = answers(as(OTHER).packet(protocol, HOST, packet));
        assertThat(answers).hasSize(1);
        MemorySegment s = MemorySegment.ofArray(answers.getFirst());
        assertThat(Ipv4Header.destination(s, IP)).isEqualTo(OTHER.bits());
        assertThat(IcmpHeader.type(s, TCP)).isEqualTo(IcmpHeader.DESTINATION_UNREACHABLE);
        assertThat(IcmpHeader.code(s, TCP)).as("protocol unreachable").isEqualTo(2);
        assertThat(bystander.settle(async(() -> host.tcp().connections()))).isZero();
    }

    /** A frame has a least length, so what follows the packet in it may be anything; it is no part of the packet. */
    @Test
    void whatFollowsThePacketInItsFrameIsNotLookedAt() throws Exception {
        UdpSocket socket = bystander.settle(async(() -> host.udp().bind(54)));
        for (int extra : new int[] {1, 6, 46, 1400}) {
            byte[] datagram = padded(as(ADDRESS).udp(HOST, 1000, 54, new byte[3]), extra);
            assertThat(answers(datagram)).isEmpty();
            assertThat(bystander
                            .settle(async(() -> socket.receive(Duration.ofSeconds(60))))
                            .payload())
                    .hasSize(3);
            byte[] echo = padded(as(ADDRESS).echoRequest(HOST, 56), extra);
            assertThat(answers(echo).getFirst()).hasSize(echo.length - extra);
            byte[] syn = padded(as(ADDRESS).tcp(HOST, 1000 + extra, 80, 1, TcpHeader.SYN, new byte[0]), extra);
            MemorySegment answer = MemorySegment.ofArray(answers(syn).getFirst());
            assertThat(TcpHeader.flags(answer, TCP)).isEqualTo(TcpHeader.SYN | TcpHeader.ACK);
            assertThat(TcpHeader.acknowledgment(answer, TCP)).isEqualTo(2);
        }
    }

    private static byte[] padded(byte[] frame, int extra) {
        byte[] longer = java.util.Arrays.copyOf(frame, frame.length + extra);
        java.util.Arrays.fill(longer, frame.length, longer.length, (byte) 0xa5);
        return longer;
    }

    // ---- smurf

    /** Whoever asks everybody in the name of a victim has everybody answer the victim (RFC 2644; RFC 1122 §3.2.2.6 allows silence). */
    @Test
    void anEchoRequestToEverybodyIsCountedAndGetsNoAnswer() {
        for (Ipv4Address all : List.of(EVERYBODY, Ipv4Address.BROADCAST)) {
            for (MacAddress mac : List.of(HOST_MAC, MacAddress.BROADCAST)) {
                assertThat(answers(new RawFrames(mac, MAC, OTHER).echoRequest(all, 56)))
                        .isEmpty();
            }
        }
        assertThat(host.counters().echoesIgnored()).isEqualTo(4);
        // To a group we are not in, or to us in a frame to everybody: not for us at all.
        assertThat(answers(new RawFrames(MacAddress.BROADCAST, MAC, OTHER)
                        .echoRequest(Ipv4Address.parse("224.0.0.1"), 56)))
                .isEmpty();
        assertThat(answers(new RawFrames(MacAddress.BROADCAST, MAC, OTHER).echoRequest(HOST, 56)))
                .isEmpty();
        // In the name of everybody: the answer would be the flood.
        assertThat(answers(as(EVERYBODY).echoRequest(HOST, 56))).isEmpty();
        assertThat(answers(as(Ipv4Address.BROADCAST).echoRequest(HOST, 56))).isEmpty();
        assertThat(host.counters().echoesAnswered()).isZero();
        assertThat(answers(as(OTHER).echoRequest(HOST, 56))).hasSize(1);
    }

    // ---- IGMP

    /** We are in no group of IPv4, so nobody has anything to ask. */
    @Test
    void igmpIsIgnoredWhateverItSays() {
        List<byte[]> messages = new ArrayList<>();
        for (int type : new int[] {0x11, 0x12, 0x16, 0x17, 0x22, 0, 0xff}) {
            for (int length : new int[] {0, 1, 7, 8, 12, 1400}) {
                byte[] message = new byte[length];
                java.util.Arrays.fill(message, (byte) 0xff); // 65,535 groups or sources, and a wrong checksum
                if (length > 0) {
                    message[0] = (byte) type;
                }
                messages.add(message);
            }
        }
        for (byte[] message : messages) {
            for (String group : List.of("224.0.0.1", "224.0.0.22")) {
                assertThat(answers(as(ADDRESS).packet(IGMP, Ipv4Address.parse(group), message)))
                        .isEmpty();
            }
        }
        int errors = 0;
        for (byte[] message : messages) {
            for (byte[] answer : answers(as(ADDRESS).packet(IGMP, HOST, message))) {
                assertThat(IcmpHeader.type(MemorySegment.ofArray(answer), TCP))
                        .isEqualTo(IcmpHeader.DESTINATION_UNREACHABLE);
                errors++;
            }
        }
        assertThat(errors).as("errors have a rate").isBetween(1, 11);
        assertThat(answers(as(ADDRESS).echoRequest(HOST, 56))).hasSize(1);
    }

    // ---- what numbers tell

    /** Who asks a host again and again need not learn from its answers whether it has answered others meanwhile (the idle scan). */
    @Test
    void answersToSegmentsAreNotCounted() {
        for (Ipv4Address asking : List.of(ADDRESS, OTHER, ADDRESS)) {
            for (int port : new int[] {80, 81}) {
                List<byte[]> answers = answers(as(asking).tcp(HOST, 1000 + port, port, 1, TcpHeader.SYN, new byte[0]));
                assertThat(answers).hasSize(1);
                assertThat(identification(answers.getFirst())).isZero();
            }
        }
    }

    @Test
    void datagramsAndPingsOfOnePeerAreCountedForIt() {
        int first = identification(answers(as(ADDRESS).echoRequest(HOST, 56)).getFirst());
        for (int i = 1; i <= 10; i++) {
            int next = identification(answers(as(ADDRESS).echoRequest(HOST, 56)).getFirst());
            assertThat(next).isEqualTo(first + i & 0xffff);
        }
    }

    private static int identification(byte[] frame) {
        return Bytes.u16(MemorySegment.ofArray(frame), IP + 4);
    }

    /** A SYN with timestamps to {@code host}, and the timestamp of what it answers. */
    private static int clockShownTo(Bystander bystander, Ipv4Address address, int port) {
        byte[] syn = as(address).tcp(HOST, port, 80, 100, TcpHeader.SYN, new byte[0]);
        MemorySegment s = MemorySegment.ofArray(syn);
        byte[] stamp = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0};
        System.arraycopy(stamp, 0, syn, OPTIONS, stamp.length);
        int length = syn.length - TCP;
        Bytes.put16(s, TCP + TcpHeader.CHECKSUM, 0);
        long sum = Checksum.pseudoHeader(address.bits(), HOST.bits(), Ipv4Header.PROTOCOL_TCP, length);
        Bytes.put16(s, TCP + TcpHeader.CHECKSUM, Checksum.finish(Checksum.add(sum, s, TCP, length)));
        bystander.send(syn);
        byte[] synAck = bystander.take().getLast().bytes();
        MemorySegment answer = MemorySegment.ofArray(synAck);
        assertThat(TcpHeader.flags(answer, TCP)).isEqualTo(TcpHeader.SYN | TcpHeader.ACK);
        for (int at = OPTIONS; at < TCP + TcpHeader.headerLength(answer, TCP); at++) {
            if (Bytes.u8(answer, at) == 8 && Bytes.u8(answer, at + 1) == 10) {
                return (int) Bytes.u32(answer, at + 2);
            }
        }
        throw new AssertionError("no timestamp in the SYN-ACK");
    }

    /** An attacker may choose the ports of another: the clock it is shown must still not be that one's (RFC 7323 §7.1). */
    @Test
    void peersWithTheSamePortsAreShownClocksThatHaveNothingInCommon() {
        Set<Integer> clocks = new HashSet<>();
        for (int i = 2; i < 12; i++) {
            Ipv4Address peer = Ipv4Address.parse("10.0.0." + i);
            bystander.send(as(peer).arpRequest(HOST));
            bystander.take();
            clocks.add(clockShownTo(bystander, peer, 1000));
        }
        assertThat(clocks).hasSize(10);
        // Nor near each other: ten of 2³² lie in one hundredth of the range once in 10¹⁷ runs.
        List<Integer> sorted = clocks.stream().sorted(Integer::compareUnsigned).toList();
        long width = Integer.toUnsignedLong(sorted.getLast()) - Integer.toUnsignedLong(sorted.getFirst());
        assertThat(width).isGreaterThan((1L << 32) / 100);
    }

    /** The clock of every run begins elsewhere, though each of them has run as long. */
    @Test
    void aPeerCannotTellHowLongAHostRuns() throws Exception {
        Set<Integer> clocks = new HashSet<>();
        clocks.add(clockShownTo(bystander, ADDRESS, 1000));
        for (int i = 0; i < 3; i++) {
            Bystander another = new Bystander();
            open(another);
            clocks.add(clockShownTo(another, ADDRESS, 1000));
        }
        assertThat(clocks).hasSize(4);
        int first = clockShownTo(bystander, ADDRESS, 1001);
        bystander.loop.advance(5 * SECOND);
        bystander.take();
        assertThat(clockShownTo(bystander, ADDRESS, 1002) - first).isNotEqualTo(5000);
    }

    private static List<Integer> ports(Bystander bystander, NetStack host, Ipv4Address peer) {
        List<Integer> ports = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            async(() -> host.tcp().connect(peer, 9, Duration.ofSeconds(60)));
        }
        while (bystander.seen.size() < 20) {
            bystander.loop.settle();
            Thread.yield();
        }
        for (Bystander.Seen seen : bystander.take()) {
            MemorySegment s = MemorySegment.ofArray(seen.bytes());
            assertThat(Ipv4Header.destination(s, IP)).isEqualTo(peer.bits());
            ports.add(TcpHeader.sourcePort(s, TCP));
        }
        return ports;
    }

    /** {@code EphemeralPortsTest} has the distribution; here it is a whole host, whose secret no test knows. */
    @Test
    void portsTellNothingOfThoseTowardsAnotherNorOfAnotherRun() throws Exception {
        List<Integer> one = ports(bystander, host, ADDRESS);
        List<Integer> other = ports(bystander, host, OTHER);
        Bystander again = new Bystander();
        List<Integer> later = ports(again, open(again), ADDRESS);
        assertThat(one).isNotEqualTo(other).isNotEqualTo(later).doesNotContainSequence(sequenceAfter(one));
        for (List<Integer> ports : List.of(one, other, later)) {
            assertThat(new HashSet<>(ports)).hasSizeGreaterThan(15);
        }
    }

    /** What a counter would give after the first port. */
    private static List<Integer> sequenceAfter(List<Integer> ports) {
        int first = ports.getFirst();
        return List.of(first + 1, first + 2, first + 3);
    }
}
