package dev.sluice.gateway.udp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Decisions;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.GuestSide;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.Shares;
import dev.sluice.gateway.flow.SimulatedDatagrams;
import dev.sluice.host.DatagramSocket;
import dev.sluice.host.HostError;
import dev.sluice.posix.Errno;
import dev.sluice.testkit.VirtualLoop;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.UdpHeader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The flows over a simulated host: every decision, bound and rewriting. */
class UdpFlowsTest {
    private static final long SECOND = 1_000_000_000L;
    private static final AddressPlan PLAN = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
    private final VirtualLoop loop = new VirtualLoop(Long.MAX_VALUE - 100 * SECOND);
    private final SimulatedDatagrams host = new SimulatedDatagrams();
    private final GuestSide side = new GuestSide();
    private final Counters counters = new Counters();
    private final Guest guest = GuestSide.guest("192.168.65.3");
    private final Shares shares = new Shares(Limits.defaults());
    private UdpFlows flows = flows(FlowPolicy.of(PLAN), PLAN);

    private UdpFlows flows(FlowPolicy policy, AddressPlan plan) {
        return new UdpFlows(loop, host, plan, shares, policy, side, side, counters, new Events(counters, () -> 0));
    }

    private int mappings(Guest of) {
        return (int) shares.of(of).udpFlows.held();
    }

    private void send(Guest from, int port, String destination, int destinationPort, String text) {
        int length =
                side.udp(from.address, port, destination, destinationPort, text.getBytes(StandardCharsets.US_ASCII));
        flows.onDatagram(from, side.memory, GuestSide.IP, GuestSide.IP + 20, length, loop.now());
    }

    private SimulatedDatagrams.Socket socket(int index) {
        return host.sockets.get(index);
    }

    @Test
    void oneSocketServesAllDestinationsOfAPort() {
        send(guest, 5000, "198.51.100.1", 53, "a");
        send(guest, 5000, "198.51.100.2", 54, "b");
        send(guest, 5001, "198.51.100.1", 53, "c");
        assertThat(socket(0).sent).containsExactly("198.51.100.1:53 ttl 63 tos 0 a", "198.51.100.2:54 ttl 63 tos 0 b");
        assertThat(socket(1).sent).containsExactly("198.51.100.1:53 ttl 63 tos 0 c");
        assertThat(counters.udpOpened).isEqualTo(2);
        assertThat(counters.udpDatagramsToHost).isEqualTo(3);
    }

    @Test
    void aPortOfTheGatewayLeadsToTheOtherFamilyToo() throws Exception {
        flows.redirect(123, IpAddress.parse("::1"), 1123);
        send(guest, 5000, "198.51.100.1", 53, "a");
        send(guest, 5000, "192.168.65.1", 123, "time");
        assertThat(host.bound).containsExactly("0.0.0.0", "::");
        assertThat(socket(0).sent).containsExactly("198.51.100.1:53 ttl 63 tos 0 a");
        assertThat(socket(1).sent).singleElement().asString().contains("1123", "time");
        socket(1).receive("::1", 1123, "now");
        assertThat(side.nextPacket().udp()).isEqualTo("192.168.65.1:123 > 192.168.65.3:5000 now");
        socket(1).receive("2001:db8::9", 1123, "stranger");
        assertThat(counters.dropped(Drop.UNKNOWN_PROTOCOL)).isEqualTo(1);
        assertThat(counters.udpOpened).as("flows").isEqualTo(1);
        flows.forget(List.of(guest));
        assertThat(host.open()).isZero();
    }

    @Test
    void whoeverFindsTheMappingMayAnswerUnderItsTrueAddress() throws Exception {
        send(guest, 5000, "198.51.100.1", 53, "a");
        socket(0).receive("198.51.100.1", 53, "reply");
        socket(0).receive("203.0.113.9", 999, "stranger");
        assertThat(side.nextPacket().udp()).isEqualTo("198.51.100.1:53 > 192.168.65.3:5000 reply");
        GuestSide.Packet stranger = side.nextPacket();
        assertThat(stranger.udp()).isEqualTo("203.0.113.9:999 > 192.168.65.3:5000 stranger");
        assertThat(stranger.protocol()).isEqualTo(Ipv4Header.PROTOCOL_UDP);
        assertThat(stranger.checksumOffset()).isEqualTo(UdpHeader.CHECKSUM);
        assertThat(counters.udpDatagramsToGuest).isEqualTo(2);
    }

    /** Whoever forges a source on the host's network must not speak to a guest as its name server or its neighbour. */
    @ParameterizedTest
    @ValueSource(strings = {"192.168.65.1", "192.168.65.2", "192.168.65.4", "192.168.65.255", "224.0.0.251", "0.0.0.0"})
    void noStrangerSpeaksFromAnAddressOfTheGuestNetworkOrNobodys(String forged) {
        send(guest, 5000, "198.51.100.1", 53, "a");
        socket(0).receive(forged, 53, "a lie");
        assertThat(side.packets).isEmpty();
        assertThat(counters.dropped(Drop.SPOOFED_SOURCE)).isEqualTo(1);
        assertThat(counters.udpDatagramsToGuest).isZero();
    }

    @Test
    void theHostsAddressMeansItsLoopbackAndAnswersComeFromIt() throws Exception {
        send(guest, 5000, "192.168.65.2", 8080, "a");
        assertThat(socket(0).sent).containsExactly("127.0.0.1:8080 ttl 63 tos 0 a");
        socket(0).receive("127.0.0.1", 8080, "reply");
        assertThat(side.nextPacket().udp()).isEqualTo("192.168.65.2:8080 > 192.168.65.3:5000 reply");
        socket(0).receive("127.0.0.1", 9090, "another port of the host");
        assertThat(side.nextPacket().udp()).isEqualTo("192.168.65.2:9090 > 192.168.65.3:5000 another port of the host");
        socket(0).fail(Errno.ECONNREFUSED, 3, 3, 0, "127.0.0.1", "127.0.0.1", 8080);
        assertThat(side.nextFailure().udp()).isEqualTo("3/3 by 192.168.65.2: 192.168.65.3:5000 > 192.168.65.2:8080");
    }

    @Test
    void aClosedHostLoopbackIsProhibitedBothWays() {
        AddressPlan closed = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, false);
        flows = flows(FlowPolicy.of(closed), closed);
        send(guest, 5000, "192.168.65.2", 8080, "a");
        assertThat(host.sockets).isEmpty();
        assertThat(side.failures.remove().udp())
                .isEqualTo("3/13 by 192.168.65.1: 192.168.65.3:5000 > 192.168.65.2:8080");
        send(guest, 5000, "198.51.100.1", 53, "b");
        socket(0).receive("127.0.0.1", 8080, "from a process of the host");
        assertThat(side.packets).isEmpty();
        assertThat(counters.dropped(Drop.PROHIBITED)).isEqualTo(2);
    }

    @Test
    void answersOfARedirectedDestinationComeFromWhatTheGuestAddressed() throws Exception {
        FlowPolicy elsewhere =
                request -> new FlowPolicy.Allow(Ipv4Address.parse("203.0.113.53"), request.destinationPort() + 5000);
        flows = flows(elsewhere, PLAN);
        send(guest, 5000, "198.51.100.1", 53, "q");
        assertThat(socket(0).sent).containsExactly("203.0.113.53:5053 ttl 63 tos 0 q");
        socket(0).receive("203.0.113.53", 5053, "answer");
        assertThat(side.nextPacket().udp()).isEqualTo("198.51.100.1:53 > 192.168.65.3:5000 answer");
        socket(0).fail(Errno.ECONNREFUSED, 3, 3, 0, "203.0.113.53", "203.0.113.53", 5053);
        assertThat(side.nextFailure().udp()).isEqualTo("3/3 by 198.51.100.1: 192.168.65.3:5000 > 198.51.100.1:53");
    }

    @Test
    void refusedDestinationsGetTheRightErrorAndTheOthersStillWork() {
        flows = flows(
                request -> switch (request.destinationPort()) {
                    case 1 -> new FlowPolicy.Prohibit();
                    case 2 -> new FlowPolicy.Reject();
                    default -> new FlowPolicy.Allow(request.destination(), request.destinationPort());
                },
                PLAN);
        send(guest, 5000, "198.51.100.1", 1, "a");
        send(guest, 5000, "198.51.100.1", 2, "b");
        send(guest, 5000, "198.51.100.1", 3, "c");
        assertThat(side.failures.remove().udp()).isEqualTo("3/13 by 192.168.65.1: 192.168.65.3:5000 > 198.51.100.1:1");
        assertThat(side.failures.remove().udp()).isEqualTo("3/3 by 192.168.65.1: 192.168.65.3:5000 > 198.51.100.1:2");
        assertThat(socket(0).sent).containsExactly("198.51.100.1:3 ttl 63 tos 0 c");
    }

    @Test
    void thePolicyIsAskedOncePerDestinationUntilItChanges() {
        List<FlowPolicy.Request> asked = new ArrayList<>();
        flows = flows(
                request -> {
                    asked.add(request);
                    return new FlowPolicy.Allow(request.destination(), request.destinationPort());
                },
                PLAN);
        for (int i = 0; i < 100; i++) {
            send(guest, 5000, "198.51.100." + i % Decisions.LIMIT, 53, "x");
        }
        assertThat(asked).hasSize(Decisions.LIMIT);
        assertThat(asked.getFirst())
                .isEqualTo(new FlowPolicy.Request(
                        FlowPolicy.Protocol.UDP,
                        Ipv4Address.parse("192.168.65.3"),
                        5000,
                        Ipv4Address.parse("198.51.100.0"),
                        53));
        flows.policyChanged();
        send(guest, 5000, "198.51.100.0", 53, "x");
        assertThat(asked).hasSize(Decisions.LIMIT + 1);
    }

    @Test
    void moreDestinationsThanAreRememberedStillWork() throws Exception {
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 3 * Decisions.LIMIT; i++) {
                send(guest, 5000, "198.51.100." + i, 53, "x");
            }
        }
        assertThat(host.sockets).hasSize(1);
        assertThat(socket(0).sent).hasSize(9 * Decisions.LIMIT);
        socket(0).receive("198.51.100.0", 53, "y");
        assertThat(side.nextPacket().udp()).isEqualTo("198.51.100.0:53 > 192.168.65.3:5000 y");
    }

    @Test
    void timeToLiveAndTypeOfServicePass() {
        int length = side.udp(guest.address, 5000, 0xc633_6401, 53, 2, 0xb8, new byte[] {'x'});
        flows.onDatagram(guest, side.memory, GuestSide.IP, GuestSide.IP + 20, length, loop.now());
        assertThat(socket(0).sent).containsExactly("198.51.100.1:53 ttl 1 tos 184 x");
    }

    @ParameterizedTest
    @ValueSource(strings = {"224.0.0.251", "239.255.255.250", "192.168.65.255"})
    void multicastAndSubnetBroadcastAreCounted(String destination) {
        send(guest, 5000, destination, 5353, "x");
        assertThat(counters.dropped(Drop.MULTICAST)).isEqualTo(1);
        assertThat(side.failures).isEmpty();
        assertThat(flows.size()).isZero();
    }

    @Test
    void limitedBroadcastIsIgnoredSilently() {
        send(guest, 68, "255.255.255.255", 67, "x");
        for (Drop reason : Drop.values()) {
            assertThat(counters.dropped(reason)).isZero();
        }
        assertThat(flows.size()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "240.0.0.1"})
    void addressesThatMeanTheHostItselfAreNoWayIn(String destination) {
        send(guest, 5000, destination, 53, "x");
        assertThat(counters.dropped(Drop.MARTIAN)).isEqualTo(1);
        assertThat(host.attempts).isZero();
    }

    @Test
    void anAddressOfTheGuestNetworkThatNobodyHasIsUnreachable() {
        send(guest, 5000, "192.168.65.77", 53, "x");
        assertThat(side.failures.remove().udp()).isEqualTo("3/1 by 192.168.65.1: 192.168.65.3:5000 > 192.168.65.77:53");
        assertThat(host.attempts).isZero();
    }

    @Test
    void theGatewayServesRegisteredPortsAndRefusesOthers() throws Exception {
        var seen = new ArrayList<String>();
        flows.register(53, (from, port, high, low, memory, at, length) -> {
            byte[] payload = memory.asSlice(at, length).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
            seen.add(port + " " + new String(payload, StandardCharsets.US_ASCII));
            flows.output().send(from, high, low, 53, port, "answer".getBytes(StandardCharsets.US_ASCII));
        });
        send(guest, 5000, "192.168.65.1", 53, "question");
        send(guest, 5000, "192.168.65.1", 54, "question");
        assertThat(seen).containsExactly("5000 question");
        assertThat(side.nextPacket().udp()).isEqualTo("192.168.65.1:53 > 192.168.65.3:5000 answer");
        assertThat(side.failures.remove().udp()).isEqualTo("3/3 by 192.168.65.1: 192.168.65.3:5000 > 192.168.65.1:54");
        assertThatThrownBy(() -> flows.register(53, (_, _, _, _, _, _, _) -> {}))
                .hasMessageContaining("53");
        flows.unregister(53);
        send(guest, 5000, "192.168.65.1", 53, "question");
        assertThat(side.failures).hasSize(1);
        assertThat(flows.size()).isZero();
    }

    @Test
    void portsOfZeroAndHostileLengthsAreDropped() {
        send(guest, 0, "198.51.100.1", 53, "x");
        send(guest, 5000, "198.51.100.1", 0, "x");
        side.udp(guest.address, 5000, "198.51.100.1", 53, new byte[0]);
        flows.onDatagram(guest, side.memory, GuestSide.IP, GuestSide.IP + 20, 7, loop.now());
        flows.onDatagram(guest, side.memory, GuestSide.IP, GuestSide.IP + 20, 0, loop.now());
        flows.onDatagram(guest, side.memory, GuestSide.IP, GuestSide.IP + 20, -1, loop.now());
        assertThat(counters.dropped(Drop.BAD_UDP)).isEqualTo(5);
        assertThat(host.attempts).isZero();
    }

    @Test
    void anyBytesInTheHeadersDoNoHarm() {
        for (long seed = 1; seed <= 20_000; seed++) {
            var random = new Random(seed);
            int length = side.udp(
                    guest.address, random.nextInt(4), random.nextInt(), random.nextInt(4), 64, 0, new byte[64]);
            for (int i = random.nextInt(4); i > 0; i--) {
                Bytes.put8(side.memory, GuestSide.IP + 8 + random.nextInt(24), random.nextInt(256));
            }
            try {
                flows.onDatagram(guest, side.memory, GuestSide.IP, GuestSide.IP + 20, length, loop.now());
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }

    @Test
    void anIdleMappingEndsAndBothDirectionsKeepItAlive() {
        send(guest, 5000, "198.51.100.1", 53, "a");
        loop.advance(89 * SECOND);
        socket(0).receive("198.51.100.1", 53, "reply");
        loop.advance(89 * SECOND);
        assertThat(socket(0).closed).isFalse();
        send(guest, 5000, "198.51.100.1", 53, "b");
        loop.advance(89 * SECOND);
        assertThat(flows.size()).isEqualTo(1);
        loop.advance(2 * SECOND);
        assertThat(flows.size()).isZero();
        assertThat(socket(0).closed).isTrue();
        send(guest, 5000, "198.51.100.1", 53, "c");
        assertThat(socket(1).sent).hasSize(1);
        loop.advance(91 * SECOND);
        assertThat(flows.size()).isZero();
    }

    @Test
    void eachMappingEndsAtItsOwnTime() {
        send(guest, 5000, "198.51.100.1", 53, "a");
        loop.advance(50 * SECOND);
        send(guest, 5001, "198.51.100.1", 53, "b");
        loop.advance(41 * SECOND);
        assertThat(socket(0).closed).isTrue();
        assertThat(socket(1).closed).isFalse();
        loop.advance(50 * SECOND);
        assertThat(socket(1).closed).isTrue();
    }

    @Test
    void atTheBoundTheIdlestMappingMakesRoom() {
        int limit = Limits.defaults().udpFlows();
        send(guest, 1, "198.51.100.1", 53, "keep");
        for (int i = 0; i < 5000; i++) {
            send(GuestSide.guest("10.0." + i / 250 + "." + (i % 250 + 1)), 7, "198.51.100.1", 53, "x");
            if (i % 1000 == 0) {
                send(guest, 1, "198.51.100.1", 53, "keep");
            }
            assertThat(flows.size()).isLessThanOrEqualTo(limit);
        }
        assertThat(flows.size()).isEqualTo(limit);
        assertThat(host.open()).isEqualTo(limit);
        assertThat(counters.dropped(Drop.UDP_FLOW_EVICTED)).isEqualTo(5001 - limit);
        assertThat(socket(0).closed).as("the one in use").isFalse();
    }

    @Test
    void aGreedyGuestMakesRoomFromItsOwn() {
        int limit = Limits.defaults().udpFlows();
        Guest modest = GuestSide.guest("192.168.65.4");
        Guest late = GuestSide.guest("192.168.65.5");
        send(modest, 1, "198.51.100.1", 53, "idle, but not in the way");
        for (int port = 1; port <= 5000; port++) {
            send(guest, port, "198.51.100.1", 53, "x");
        }
        assertThat(socket(0).closed).isFalse();
        assertThat(mappings(guest)).isBetween(limit / 2, limit - limit / 8);
        send(late, 1, "198.51.100.1", 53, "room for the next");
        assertThat(mappings(late)).isEqualTo(1);
        assertThat(flows.size()).isEqualTo(mappings(guest) + 2);
        assertThat(host.open()).isEqualTo(flows.size());
    }

    @Test
    void aGuestThatMakesUpMachinesMakesRoomFromItsOwnLinkToo() {
        Guest modest = GuestSide.guest("192.168.65.4");
        send(modest, 1, "198.51.100.1", 53, "idle, but not in the way");
        for (int i = 1; i <= 5000; i++) {
            Guest forged = new Guest(0x0a00_0000 + i, 0x5254_0000_0001L + i, guest.link);
            send(forged, 1, "198.51.100.1", 53, "x");
        }
        assertThat(socket(0).closed).isFalse();
        assertThat(mappings(modest)).isEqualTo(1);
        assertThat(flows.size()).isLessThan(Limits.defaults().udpFlows());
    }

    @Test
    void aGuestThatCameBackKeepsItsMappings() {
        send(guest, 5000, "198.51.100.1", 53, "a");
        Guest again = GuestSide.guest("192.168.65.3");
        send(again, 5000, "198.51.100.1", 53, "b");
        assertThat(socket(0).sent).hasSize(2);
        assertThat(mappings(guest)).isZero();
        assertThat(mappings(again)).isEqualTo(1);
        loop.advance(91 * SECOND);
        assertThat(mappings(again)).isZero();
    }

    @Test
    void withoutDescriptorsDatagramsAreDroppedUntilThereAreSome() {
        host.failure = HostError.NO_DESCRIPTORS;
        for (int i = 0; i < 50; i++) {
            send(guest, 5000 + i, "198.51.100.1", 53, "x");
        }
        assertThat(counters.dropped(Drop.NO_DESCRIPTORS)).isEqualTo(50);
        assertThat(side.failures).isEmpty();
        host.failure = null;
        send(guest, 5000, "198.51.100.1", 53, "y");
        assertThat(socket(0).sent).containsExactly("198.51.100.1:53 ttl 63 tos 0 y");
    }

    @Test
    void errorsOfTheNetworkReachTheGuestWithItsOwnHeaders() throws Exception {
        send(guest, 5000, "198.51.100.1", 33434, "probe");
        socket(0).fail(Errno.EHOSTUNREACH, 11, 0, 0, "203.0.113.1", "198.51.100.1", 33434);
        GuestSide.Failure expired = side.nextFailure();
        assertThat(expired.udp()).isEqualTo("11/0 by 203.0.113.1: 192.168.65.3:5000 > 198.51.100.1:33434");
        assertThat(expired.headerIsGood()).isTrue();
        assertThat(expired.quoted()).hasSize(20 + 8 + 20);
        socket(0).fail(Errno.ECONNREFUSED, 3, 3, 0, "198.51.100.1", "198.51.100.1", 33434);
        assertThat(side.nextFailure().udp()).isEqualTo("3/3 by 198.51.100.1: 192.168.65.3:5000 > 198.51.100.1:33434");
        socket(0).fail(Errno.EMSGSIZE, 3, 4, 1280, "203.0.113.1", "198.51.100.1", 33434);
        GuestSide.Failure tooBig = side.nextFailure();
        assertThat(tooBig.udp()).startsWith("3/4 by 203.0.113.1");
        assertThat(tooBig.rest()).isEqualTo(1280);
        socket(0).fail(Errno.ENETUNREACH, DatagramSocket.LOCAL, 0, 0, null, "198.51.100.1", 33434);
        assertThat(side.nextFailure().udp()).startsWith("3/0 by 192.168.65.1");
        socket(0).fail(Errno.EPERM, DatagramSocket.LOCAL, 0, 0, null, "198.51.100.1", 33434);
        assertThat(side.nextFailure().udp()).startsWith("3/13 by 192.168.65.1");
        socket(0).fail(Errno.EINVAL, DatagramSocket.LOCAL, 0, 0, null, "198.51.100.1", 33434);
        assertThat(side.failures).isEmpty();
        assertThat(socket(0).closed).isFalse();
    }

    @Test
    void aGoneGuestTakesItsMappingsAlong() {
        Guest other = GuestSide.guest("192.168.65.4");
        send(guest, 5000, "198.51.100.1", 53, "a");
        send(other, 5000, "198.51.100.1", 53, "a");
        send(guest, 5001, "198.51.100.1", 53, "a");
        flows.forget(List.of(guest));
        assertThat(flows.size()).isEqualTo(1);
        assertThat(socket(1).closed).isFalse();
        flows.close();
        flows.close();
        assertThat(host.open()).isZero();
    }
}
