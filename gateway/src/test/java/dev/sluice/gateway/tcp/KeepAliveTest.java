package dev.sluice.gateway.tcp;

import static dev.sluice.gateway.tcp.OneFlow.SECOND;
import static dev.sluice.gateway.tcp.OneFlow.TRANSPORT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.RecordingLink;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.GuestSide;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.Shares;
import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.stack.tcp.TcpShard;
import dev.sluice.testkit.RawFrames;
import dev.sluice.testkit.VirtualLoop;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Guests behind published ports that say nothing any more. */
class KeepAliveTest {
    private static final int PORT = 80;
    private static final int CLIENTS_PORT = 40_000;
    private static final int PROBE = TcpHeader.ACK;
    private static final AddressPlan PLAN = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
    private static final Ipv4Address GUEST = Ipv4Address.parse("192.168.65.3");
    private static final Ipv4Address CLIENT = Ipv4Address.parse("198.51.100.1");

    private final VirtualLoop loop = new VirtualLoop(Long.MAX_VALUE - 100 * SECOND);
    private final Counters counters = new Counters();
    private final RecordingLink link = new RecordingLink("guest");
    private final Guest guest = new Guest(GUEST.bits(), 0x5254_0000_0001L, link);
    private final RawFrames raw = new RawFrames(PLAN.mac(), MacAddress.parse("52:54:00:00:00:01"), GUEST);
    private final OneFlow.Server client = new OneFlow.Server();
    /** What comes next of the gateway's stream, and of the guest's. */
    private int expected;

    private int sequence = 7000;

    private TcpFlows connected(Limits limits) {
        TcpShard shard = new TcpShard(NativeMemory.ofArenas(), 16 << 20, new Random(1));
        TcpFlows flows = new TcpFlows(
                loop,
                client,
                PLAN,
                new Shares(limits, shard.buffers().whole().share()),
                counters,
                new Events(counters, () -> 0),
                FlowPolicy.of(PLAN),
                new GuestSide(),
                shard,
                3);
        new TcpInbound(flows).forward(() -> guest, PORT, false).accept(client, CLIENT, CLIENTS_PORT);
        expected = TcpHeader.sequence(MemorySegment.ofArray(link.frames.getFirst()), TRANSPORT) + 1;
        say(flows, TcpHeader.SYN | TcpHeader.ACK);
        sequence++;
        link.frames.clear();
        return flows;
    }

    private void say(TcpFlows flows, int flags) {
        byte[] frame = raw.tcp(CLIENT, PORT, CLIENTS_PORT, sequence, expected, flags, new byte[0]);
        flows.onSegment(
                guest, MemorySegment.ofArray(frame), OneFlow.IP, TRANSPORT, frame.length - TRANSPORT, loop.now());
        flows.onBatchEnd();
        loop.settle();
        flows.endTurn();
    }

    private void pass(long seconds) {
        loop.advance(seconds * SECOND);
    }

    /** The flags of the one frame that has gone to the guest. */
    private int heard() {
        assertThat(link.frames).hasSize(1);
        return TcpHeader.flags(MemorySegment.ofArray(link.frames.removeFirst()), TRANSPORT);
    }

    @Test
    void aSilentGuestIsAskedEveryFiveMinutesAndKeepsItsConnectionWhileItAnswers() {
        TcpFlows flows = connected(Limits.defaults());
        for (int i = 0; i < 300; i++) {
            pass(299);
            assertThat(link.frames).isEmpty();
            pass(1);
            int asked = TcpHeader.sequence(MemorySegment.ofArray(link.frames.getFirst()), TRANSPORT);
            assertThat(asked).as("an old number, so that it answers").isEqualTo(expected - 1);
            assertThat(heard()).isEqualTo(PROBE);
            say(flows, TcpHeader.ACK);
        }
        assertThat(flows.size()).isEqualTo(1);
    }

    @Test
    void aGuestThatWasStartedAnewDeniesTheConnectionAndTheClientIsReset() {
        TcpFlows flows = connected(Limits.defaults());
        pass(300);
        assertThat(heard()).isEqualTo(PROBE);
        say(flows, TcpHeader.RST);
        assertThat(flows.size()).isZero();
        assertThat(client.reset).isTrue();
    }

    /** It may only be paused. */
    @Test
    void aGuestThatSaysNothingLosesTheConnectionAfterTwoHoursAndAQuarter() {
        TcpFlows flows = connected(Limits.defaults());
        for (int i = 0; i < 26; i++) {
            pass(300);
            assertThat(heard()).isEqualTo(PROBE);
        }
        pass(299);
        assertThat(link.frames).isEmpty();
        assertThat(client.reset).isFalse();
        pass(1);
        assertThat(heard() & TcpHeader.RST).isEqualTo(TcpHeader.RST);
        assertThat(client.reset).isTrue();
        assertThat(flows.size()).isZero();
    }

    @Test
    void theDeadAreFoundSoonerWhereThatIsAskedFor() {
        TcpFlows flows =
                connected(Limits.defaults().change().tcpKeepAliveSeconds(7).build());
        pass(27 * 7 - 1);
        assertThat(link.frames).hasSize(26);
        assertThat(flows.size()).isEqualTo(1);
        pass(1);
        assertThat(flows.size()).isZero();
    }

    @Test
    void nobodyIsAskedWhereThatIsSwitchedOff() {
        TcpFlows flows =
                connected(Limits.defaults().change().tcpKeepAliveSeconds(0).build());
        pass(7 * 24 * 3600);
        assertThat(link.frames).isEmpty();
        assertThat(flows.size()).isEqualTo(1);
    }
}
