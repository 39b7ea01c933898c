package dev.sluice.gateway.icmp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.GuestSide;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.PacketOutput;
import dev.sluice.gateway.flow.Shares;
import dev.sluice.gateway.flow.SimulatedDatagrams;
import dev.sluice.host.HostError;
import dev.sluice.posix.Errno;
import dev.sluice.testkit.VirtualLoop;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Ipv4Header;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EchoFlowsTest {
    private static final long SECOND = 1_000_000_000L;
    private static final AddressPlan PLAN = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
    private final VirtualLoop loop = new VirtualLoop(0);
    private final SimulatedDatagrams host = new SimulatedDatagrams();
    private final GuestSide side = new GuestSide();
    private final Counters counters = new Counters();
    private final Guest guest = GuestSide.guest("192.168.65.3");
    private final Shares shares = new Shares(Limits.defaults());
    private EchoFlows flows = flows(FlowPolicy.of(PLAN));

    private EchoFlows flows(FlowPolicy policy) {
        return new EchoFlows(loop, host, PLAN, shares, policy, side, side, counters, new Events(counters, () -> 0));
    }

    private void ping(String destination, int identifier, int sequence, byte... payload) {
        int length = side.echo(guest.address, destination, identifier, sequence, 64, payload);
        message(length);
    }

    private void message(int length) {
        flows.onMessage(guest, side.memory, GuestSide.IP, GuestSide.IP + 20, length, loop.now());
    }

    @ParameterizedTest
    @ValueSource(strings = {"192.168.65.1", "192.168.65.2"})
    void gatewayAndHostAnswerThemselves(String address) throws Exception {
        ping(address, 0xbeef, 9, (byte) 1, (byte) 2, (byte) 3);
        GuestSide.Packet reply = side.nextPacket();
        assertThat(reply.source()).isEqualTo(address);
        assertThat(reply.protocol()).isEqualTo(Ipv4Header.PROTOCOL_ICMP);
        assertThat(reply.checksumOffset()).isEqualTo(PacketOutput.COMPLETE);
        assertThat(GuestSide.icmpChecksumIsGood(reply.transport())).isTrue();
        MemorySegment s = MemorySegment.ofArray(reply.transport());
        assertThat(IcmpHeader.type(s, 0)).isEqualTo(IcmpHeader.ECHO_REPLY);
        assertThat(IcmpHeader.identifier(s, 0)).isEqualTo(0xbeef);
        assertThat(IcmpHeader.sequence(s, 0)).isEqualTo(9);
        assertThat(reply.payload()).containsExactly(1, 2, 3);
        assertThat(host.attempts).isZero();
    }

    @Test
    void theLargestEchoIsAnswered() throws Exception {
        ping("192.168.65.1", 1, 1, new byte[65_507]);
        assertThat(side.nextPacket().transport()).hasSize(65_515);
    }

    @Test
    void aPingElsewhereKeepsIdentifierSequenceAndDataAndShowsTheResponder() throws Exception {
        ping("198.51.100.1", 0xbeef, 7, (byte) 1, (byte) 2, (byte) 3);
        assertThat(host.pings.getFirst().sent).containsExactly("198.51.100.1 ttl 63 sequence 7 length 11");
        host.pings.getFirst().reply("198.51.100.1");
        GuestSide.Packet reply = side.nextPacket();
        MemorySegment s = MemorySegment.ofArray(reply.transport());
        assertThat(reply.source()).isEqualTo("198.51.100.1");
        assertThat(IcmpHeader.type(s, 0)).isEqualTo(IcmpHeader.ECHO_REPLY);
        assertThat(IcmpHeader.identifier(s, 0)).isEqualTo(0xbeef);
        assertThat(IcmpHeader.sequence(s, 0)).isEqualTo(7);
        assertThat(reply.payload()).containsExactly(1, 2, 3);
        assertThat(GuestSide.icmpChecksumIsGood(reply.transport())).isTrue();
        assertThat(counters.pingsToHost).isEqualTo(1);
        assertThat(counters.pingsToGuest).isEqualTo(1);
    }

    @Test
    void checksumsStayRightForAnyIdentifierAndData() throws Exception {
        for (long seed = 1; seed <= 2000; seed++) {
            var random = new Random(seed);
            byte[] payload = new byte[random.nextInt(64)];
            random.nextBytes(payload);
            int identifier = random.nextInt(4) == 0 ? random.nextInt(2) * 0xffff : random.nextInt(0x1_0000);
            flows.forget(List.of(guest));
            ping("198.51.100.1", identifier, random.nextInt(0x1_0000), payload);
            host.pings.getLast().reply("198.51.100.1");
            byte[] reply = side.nextPacket().transport();
            assertThat(GuestSide.icmpChecksumIsGood(reply)).as("seed %s", seed).isTrue();
            assertThat(IcmpHeader.identifier(MemorySegment.ofArray(reply), 0)).isEqualTo(identifier);
        }
    }

    @Test
    void identifiersAndGuestsHaveFlowsOfTheirOwn() {
        ping("198.51.100.1", 1, 1);
        ping("198.51.100.2", 1, 2);
        ping("198.51.100.1", 2, 1);
        assertThat(host.pings).hasSize(2);
        assertThat(host.pings.getFirst().sent).hasSize(2);
        flows.forget(List.of(guest));
        assertThat(flows.size()).isZero();
        assertThat(host.open()).isZero();
    }

    @Test
    void errorsOfRoutersReachTheGuestWithItsOwnRequest() throws Exception {
        ping("198.51.100.1", 0xbeef, 3, new byte[40]);
        host.pings.getFirst().fail(Errno.EHOSTUNREACH, 11, 0, "203.0.113.1", "198.51.100.1");
        GuestSide.Failure expired = side.nextFailure();
        assertThat(expired.echo())
                .isEqualTo("11/0 by 203.0.113.1: 192.168.65.3 > 198.51.100.1 type 8 id 48879 sequence 3");
        assertThat(expired.headerIsGood()).isTrue();
        host.pings.getFirst().fail(Errno.EHOSTUNREACH, 3, 1, "203.0.113.1", "198.51.100.1");
        assertThat(side.nextFailure().echo()).startsWith("3/1 by 203.0.113.1");
    }

    @Test
    void aQuotedRequestHasTheGuestsChecksum() throws Exception {
        ping("198.51.100.1", 0xbeef, 3, new byte[20]);
        host.pings.getFirst().fail(Errno.EHOSTUNREACH, 11, 0, "203.0.113.1", "198.51.100.1");
        byte[] quoted = side.nextFailure().quoted();
        assertThat(GuestSide.icmpChecksumIsGood(java.util.Arrays.copyOfRange(quoted, 20, quoted.length)))
                .isTrue();
    }

    @Test
    void aHostWithoutRouteIsToldAtOnce() throws Exception {
        ping("198.51.100.1", 5, 1);
        host.pings.getFirst().errno = Errno.ENETUNREACH;
        ping("198.51.100.1", 5, 2);
        assertThat(side.nextFailure().echo())
                .isEqualTo("3/0 by 192.168.65.1: 192.168.65.3 > 198.51.100.1 type 8 id 5 sequence 2");
    }

    @Test
    void whereTheHostAllowsNoPingsTheGuestIsToldAndTheHostAskedRarely() throws Exception {
        host.failure = HostError.PROHIBITED;
        for (int i = 0; i < 20; i++) {
            ping("198.51.100.1", 5 + i, 1);
            assertThat(side.nextFailure().echo()).startsWith("3/13 by 192.168.65.1");
        }
        assertThat(host.attempts).isEqualTo(1);
        assertThat(counters.dropped(Drop.PING_UNAVAILABLE)).isEqualTo(20);
        host.failure = null;
        loop.advance(11 * SECOND);
        ping("198.51.100.1", 5, 2);
        assertThat(host.pings.getFirst().sent).hasSize(1);
    }

    @Test
    void withoutDescriptorsPingsAreLostSilently() {
        host.failure = HostError.NO_DESCRIPTORS;
        ping("198.51.100.1", 5, 1);
        assertThat(side.failures).isEmpty();
        assertThat(counters.dropped(Drop.NO_DESCRIPTORS)).isEqualTo(1);
        host.failure = null;
        ping("198.51.100.1", 5, 2);
        assertThat(host.pings).hasSize(1);
    }

    @Test
    void thePolicyDecidesAboutPings() throws Exception {
        flows = flows(request -> {
            assertThat(request.protocol()).isEqualTo(FlowPolicy.Protocol.PING);
            return new FlowPolicy.Prohibit();
        });
        ping("198.51.100.1", 5, 1);
        assertThat(side.nextFailure().echo()).startsWith("3/13 by 192.168.65.1");
        assertThat(host.attempts).isZero();
    }

    @Test
    void aRedirectedPingIsAnsweredByWhatTheGuestAddressed() throws Exception {
        flows = flows(request -> new FlowPolicy.Allow(dev.sluice.wire.Ipv4Address.LOOPBACK, 0));
        ping("198.51.100.1", 5, 1);
        assertThat(host.pings.getFirst().sent.getFirst()).startsWith("127.0.0.1");
        host.pings.getFirst().reply("127.0.0.1");
        assertThat(side.nextPacket().source()).isEqualTo("198.51.100.1");
    }

    @Test
    void idleFlowsEndAndRepliesKeepThemAlive() {
        ping("198.51.100.1", 5, 1);
        loop.advance(59 * SECOND);
        host.pings.getFirst().reply("198.51.100.1");
        loop.advance(59 * SECOND);
        assertThat(flows.size()).isEqualTo(1);
        loop.advance(2 * SECOND);
        assertThat(flows.size()).isZero();
        assertThat(host.open()).isZero();
    }

    @Test
    void atTheBoundTheIdlestFlowMakesRoom() {
        for (int i = 0; i < 5000; i++) {
            ping("198.51.100.1", i, 1);
        }
        int limit = Limits.defaults().pingFlows();
        assertThat(flows.size()).as("one guest's share").isBetween(limit / 2, limit);
        assertThat(shares.of(guest).pingFlows.held()).isEqualTo(flows.size());
        assertThat(host.open()).isEqualTo(flows.size());
        assertThat(counters.dropped(Drop.PING_FLOW_EVICTED)).isEqualTo(5000 - flows.size());
        flows.close();
        assertThat(host.open()).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 4, 5, 9, 10, 11, 12, 13, 15, 17, 255})
    void otherTypesAreDroppedAndCounted(int type) {
        int length = side.echo(guest.address, "198.51.100.1", 5, 1, 64, new byte[40]);
        Bytes.put8(side.memory, GuestSide.IP + 20, type);
        IcmpHeader.updateChecksum(side.memory, GuestSide.IP + 20, length);
        message(length);
        assertThat(counters.dropped(Drop.UNKNOWN_PROTOCOL)).isEqualTo(1);
        assertThat(host.attempts).isZero();
        assertThat(side.failures).isEmpty();
    }

    @Test
    void wrongChecksumsAndLengthsAreDropped() {
        int length = side.echo(guest.address, "198.51.100.1", 5, 1, 64, new byte[40]);
        Bytes.put8(side.memory, GuestSide.IP + 40, 1);
        message(length);
        side.echo(guest.address, "198.51.100.1", 5, 1, 64, new byte[40]);
        for (int hostile : new int[] {-1, 0, 1, 7, 65_516, Integer.MAX_VALUE}) {
            message(hostile);
        }
        assertThat(counters.dropped(Drop.BAD_ICMP)).isEqualTo(7);
        assertThat(host.attempts).isZero();
    }

    @Test
    void anyBytesDoNoHarm() {
        for (long seed = 1; seed <= 20_000; seed++) {
            var random = new Random(seed);
            int length = side.echo(guest.address, "198.51.100.1", random.nextInt(3), 1, 64, new byte[24]);
            Bytes.put32(side.memory, GuestSide.IP + 16, random.nextInt());
            for (int i = random.nextInt(4); i > 0; i--) {
                Bytes.put8(side.memory, GuestSide.IP + 20 + random.nextInt(length), random.nextInt(256));
            }
            if (random.nextBoolean()) {
                IcmpHeader.updateChecksum(side.memory, GuestSide.IP + 20, length);
            }
            try {
                message(length);
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }
}
