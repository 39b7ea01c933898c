package dev.sluice.gateway.udp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.GuestSide;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.Shares;
import dev.sluice.gateway.flow.SimulatedDatagrams;
import dev.sluice.host.DatagramHost;
import dev.sluice.host.HostError;
import dev.sluice.host.Opening;
import dev.sluice.posix.Errno;
import dev.sluice.testkit.VirtualLoop;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class UdpForwardTest {
    private static final long SECOND = 1_000_000_000L;
    private static final AddressPlan PLAN = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true)
            .withIpv6(Ipv6Plan.of(Ipv6Plan.DEFAULT_PREFIX, AddressPlan.DEFAULT_MAC, true));
    private final VirtualLoop loop = new VirtualLoop(0);
    private final SimulatedDatagrams host = new SimulatedDatagrams();
    private final GuestSide side = new GuestSide();
    private final Counters counters = new Counters();
    private final Guest guest = GuestSide.guest("192.168.65.3");
    private final Guest six = GuestSide.guest("fd00:5109:5ce::3");
    private final UdpFlows flows = new UdpFlows(
            loop,
            host,
            PLAN,
            new Shares(Limits.defaults()),
            FlowPolicy.of(PLAN),
            side,
            side,
            counters,
            new Events(counters, () -> 0));
    private boolean guestIsThere = true;

    private UdpForward forward(int port, int guestPort) {
        return forward(port, guest, guestPort);
    }

    private UdpForward forward(int port, Guest to, int guestPort) {
        Opening<UdpForward> opening = flows.forward(
                0, DatagramHost.mapped(0), port, to.ipAddress(), guestPort, () -> guestIsThere ? to : null);
        return ((Opening.Open<UdpForward>) opening).socket();
    }

    private void answer6(int port, String destination, int destinationPort, String text) {
        int length = side.udp(six, port, destination, destinationPort, text.getBytes(StandardCharsets.US_ASCII));
        flows.onDatagram(six, side.memory, GuestSide.IP, GuestSide.IP + 40, length, loop.now());
    }

    private void answer(int port, String destination, int destinationPort, String text) {
        int length =
                side.udp(guest.address, port, destination, destinationPort, text.getBytes(StandardCharsets.US_ASCII));
        flows.onDatagram(guest, side.memory, GuestSide.IP, GuestSide.IP + 20, length, loop.now());
    }

    @Test
    void aClientOfTheNetworkIsSeenUnderItsOwnAddressAndGetsTheAnswer() throws Exception {
        UdpForward forward = forward(5353, 53);
        assertThat(forward.port()).isEqualTo(5353);
        host.sockets.getFirst().receive("203.0.113.7", 1234, "question");
        assertThat(side.nextPacket().udp()).isEqualTo("203.0.113.7:1234 > 192.168.65.3:53 question");
        answer(53, "203.0.113.7", 1234, "answer");
        assertThat(host.sockets).as("no mapping for an answer").hasSize(1);
        assertThat(host.sockets.getFirst().sent).containsExactly("203.0.113.7:1234 ttl 63 tos 0 answer");
        answer(54, "203.0.113.7", 1234, "something else");
        assertThat(host.sockets).as("a mapping for all else").hasSize(2);
    }

    @Test
    void clientsOfTheLoopbackAreSeenAsPortsOfTheGateway() throws Exception {
        flows.register(1053, (_, _, _, _, _, _, _) -> {});
        forward(5353, 53);
        SimulatedDatagrams.Socket listener = host.sockets.getFirst();
        listener.receive("127.0.0.1", 1234, "first");
        listener.receive("127.0.0.2", 1234, "same port, other address");
        listener.receive("127.0.0.1", 1053, "the port of a service");
        listener.receive("192.168.65.9", 777, "an address of the guest network");
        assertThat(side.nextPacket().udp()).isEqualTo("192.168.65.1:1234 > 192.168.65.3:53 first");
        assertThat(side.nextPacket().udp()).isEqualTo("192.168.65.1:49152 > 192.168.65.3:53 same port, other address");
        assertThat(side.nextPacket().udp()).isEqualTo("192.168.65.1:49153 > 192.168.65.3:53 the port of a service");
        assertThat(side.nextPacket().udp())
                .isEqualTo("192.168.65.1:777 > 192.168.65.3:53 an address of the guest network");
        answer(53, "192.168.65.1", 49152, "to the second");
        answer(53, "192.168.65.1", 1234, "to the first");
        assertThat(listener.sent)
                .containsExactly(
                        "127.0.0.2:1234 ttl 63 tos 0 to the second", "127.0.0.1:1234 ttl 63 tos 0 to the first");
    }

    /** Under their own address where an answer to it, of that family, comes back here. */
    @Test
    void clientsOfEitherFamilyReachGuestsOfEither() throws Exception {
        forward(5353, 53);
        forward(5354, six, 53);
        SimulatedDatagrams.Socket toFour = host.sockets.get(0);
        SimulatedDatagrams.Socket toSix = host.sockets.get(1);
        toFour.receive("2001:db8::7", 1234, "6 to 4");
        assertThat(side.nextPacket().udp()).isEqualTo("192.168.65.1:1234 > 192.168.65.3:53 6 to 4");
        toSix.receive("2001:db8::7", 1234, "6 to 6");
        assertThat(side.nextPacket().udp()).isEqualTo("2001:db8::7:1234 > fd00:5109:5ce::3:53 6 to 6");
        toSix.receive("203.0.113.7", 1234, "4 to 6");
        assertThat(side.nextPacket().udp()).isEqualTo("fd00:5109:5ce::1:1234 > fd00:5109:5ce::3:53 4 to 6");
        toSix.receive("::1", 1234, "loopback");
        assertThat(side.nextPacket().udp()).isEqualTo("fd00:5109:5ce::1:49152 > fd00:5109:5ce::3:53 loopback");
        toSix.receive("fd00:5109:5ce::9", 777, "an address of the guest network");
        assertThat(side.nextPacket().udp())
                .isEqualTo("fd00:5109:5ce::1:777 > fd00:5109:5ce::3:53 an address of the guest network");
        answer(53, "192.168.65.1", 1234, "4 to 6");
        assertThat(toFour.sent).containsExactly("2001:db8::7:1234 ttl 63 tos 0 4 to 6");
        answer6(53, "2001:db8::7", 1234, "6 to 6");
        answer6(53, "fd00:5109:5ce::1", 1234, "6 to 4");
        answer6(53, "fd00:5109:5ce::1", 49152, "loopback");
        assertThat(toSix.sent)
                .containsExactly(
                        "2001:db8::7:1234 ttl 63 tos 0 6 to 6",
                        "203.0.113.7:1234 ttl 63 tos 0 6 to 4",
                        "::1:1234 ttl 63 tos 0 loopback");
        assertThat(host.sockets).as("no mapping for an answer").hasSize(2);
        answer6(54, "2001:db8::7", 1234, "something else");
        assertThat(host.sockets).as("a mapping for all else").hasSize(3);
    }

    @Test
    void aClientThatIsGoneIsToldToAGuestOfIpv6() throws Exception {
        forward(5353, six, 53);
        host.sockets.getFirst().receive("2001:db8::7", 1234, "x");
        host.sockets.getFirst().fail(Errno.ECONNREFUSED, 3, 3, 0, "2001:db8::7", "2001:db8::7", 1234);
        assertThat(side.nextFailure().udp()).endsWith(" by 2001:db8::7: fd00:5109:5ce::3:53 > 2001:db8::7:1234");
    }

    /** Each service has a number of its own while forwards lead to it; a number is given again when the last of them has gone. */
    @Test
    void servicesOfForwardsThatCameAndWentAreNotMistaken() throws Exception {
        UdpForward first = forward(5353, six, 53);
        forward(5354, six, 53);
        forward(5355, six, 54);
        host.sockets.get(1).receive("2001:db8::7", 1234, "b");
        host.sockets.get(2).receive("2001:db8::7", 1234, "c");
        first.close();
        host.failure = HostError.ADDRESS_IN_USE;
        assertThat(flows.forward(0, DatagramHost.mapped(0), 9, six.ipAddress(), 55, () -> six))
                .isInstanceOf(Opening.Failed.class);
        host.failure = null;
        forward(5356, six, 56);
        host.sockets.get(3).receive("2001:db8::7", 1234, "d");
        for (int port : new int[] {53, 54, 56}) {
            answer6(port, "2001:db8::7", 1234, "from " + port);
        }
        assertThat(host.sockets.stream().map(socket -> String.join(",", socket.sent)))
                .containsExactly(
                        "",
                        "2001:db8::7:1234 ttl 63 tos 0 from 53",
                        "2001:db8::7:1234 ttl 63 tos 0 from 54",
                        "2001:db8::7:1234 ttl 63 tos 0 from 56");
    }

    @Test
    void twoForwardsToOneGuestPortAreToldApart() throws Exception {
        forward(5353, 53);
        forward(5354, 53);
        host.sockets.get(0).receive("203.0.113.7", 1234, "a");
        host.sockets.get(1).receive("203.0.113.7", 1234, "b");
        assertThat(side.nextPacket().udp()).isEqualTo("203.0.113.7:1234 > 192.168.65.3:53 a");
        assertThat(side.nextPacket().udp()).isEqualTo("192.168.65.1:1234 > 192.168.65.3:53 b");
        answer(53, "192.168.65.1", 1234, "to b");
        answer(53, "203.0.113.7", 1234, "to a");
        assertThat(host.sockets.get(0).sent).containsExactly("203.0.113.7:1234 ttl 63 tos 0 to a");
        assertThat(host.sockets.get(1).sent).containsExactly("203.0.113.7:1234 ttl 63 tos 0 to b");
    }

    @Test
    void anIdleClientIsForgottenAndMayComeBack() throws Exception {
        UdpForward forward = forward(5353, 53);
        SimulatedDatagrams.Socket listener = host.sockets.getFirst();
        listener.receive("127.0.0.1", 1234, "x");
        loop.advance(60 * SECOND);
        answer(53, "192.168.65.1", 1234, "keeps it alive");
        loop.advance(60 * SECOND);
        assertThat(forward.size()).isEqualTo(1);
        loop.advance(31 * SECOND);
        assertThat(forward.size()).isZero();
        answer(53, "192.168.65.1", 1234, "too late");
        assertThat(side.failures).hasSize(1);
        listener.receive("127.0.0.1", 1234, "again");
        assertThat(forward.size()).isEqualTo(1);
    }

    @Test
    void clientsAreBounded() {
        UdpForward forward = forward(5353, 53);
        int limit = Limits.defaults().udpFlows();
        for (int i = 0; i < 5000; i++) {
            host.sockets.getFirst().receive("203.0." + i / 250 + "." + i % 250, 9, "x");
        }
        assertThat(forward.size()).isEqualTo(limit);
        assertThat(counters.dropped(Drop.UDP_FLOW_EVICTED)).isEqualTo(5000 - limit);
    }

    @Test
    void aClosedForwardEndsItsClientsOnly() throws Exception {
        UdpForward forward = forward(5353, 53);
        UdpForward other = forward(5354, 54);
        host.sockets.get(0).receive("203.0.113.7", 1234, "a");
        host.sockets.get(1).receive("203.0.113.7", 1234, "b");
        forward.close();
        forward.close();
        assertThat(host.sockets.get(0).closed).isTrue();
        assertThat(forward.size()).isZero();
        answer(54, "203.0.113.7", 1234, "still");
        assertThat(host.sockets.get(1).sent).hasSize(1);
        flows.close();
        assertThat(other.size()).isZero();
        assertThat(host.open()).isZero();
    }

    @Test
    void datagramsForAGuestThatIsNotThereAreCounted() {
        UdpForward forward = forward(5353, 53);
        guestIsThere = false;
        host.sockets.getFirst().receive("203.0.113.7", 1234, "x");
        assertThat(counters.dropped(Drop.NO_SERVICE)).isEqualTo(1);
        assertThat(forward.size()).isZero();
    }

    @Test
    void aClientThatIsGoneIsToldToTheGuest() throws Exception {
        forward(5353, 53);
        host.sockets.getFirst().receive("127.0.0.1", 1234, "x");
        answer(53, "192.168.65.1", 1234, "y");
        host.sockets.getFirst().fail(Errno.ECONNREFUSED, 3, 3, 0, "127.0.0.1", "127.0.0.1", 1234);
        assertThat(side.nextFailure().udp()).isEqualTo("3/3 by 192.168.65.1: 192.168.65.3:53 > 192.168.65.1:1234");
    }

    @Test
    void aPortThatCannotBeHadIsTold() {
        host.failure = HostError.ADDRESS_IN_USE;
        Opening<UdpForward> opening = flows.forward(0, DatagramHost.mapped(0), 53, guest.ipAddress(), 53, () -> guest);
        assertThat(opening).isEqualTo(new Opening.Failed<>(HostError.ADDRESS_IN_USE, "as the test wants it"));
    }
}
