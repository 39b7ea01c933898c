package dev.sluice.gateway.tcp;

import static dev.sluice.gateway.tcp.OneFlow.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.flow.Drop;
import dev.sluice.host.StreamSocket;
import dev.sluice.wire.TcpHeader;
import org.junit.jupiter.api.Test;

/** A guest resets while what was acknowledged to it waits for room in the host's socket: the host gets that, and then the reset. */
class GuestBreaksOffTest {
    private static final int MUCH = 100_000;

    private final OneFlow flow = new OneFlow();
    private final OneFlow.Server server = flow.server;

    private void segment(int flags, int payload) {
        flow.segment(flags, payload);
        flow.endBatch();
        flow.endTurn();
    }

    private void breakOffInTheMiddle() {
        server.room = 0;
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        segment(TcpHeader.ACK | TcpHeader.PSH, 500);
        segment(TcpHeader.RST, 0);
    }

    private void assertNothingIsHeld() {
        assertThat(flow.shard.buffers().inUse()).isZero();
    }

    @Test
    void whatWasAcknowledgedToTheGuestReachesTheHostBeforeTheGuestsReset() {
        breakOffInTheMiddle();
        assertThat(flow.flows.size()).isZero();
        assertThat(server.reset).as("with a part still to be written").isFalse();
        server.room = 600;
        server.events().onWritable();
        assertThat(server.written).isEqualTo(600);
        assertThat(server.reset).isFalse();
        server.room = MUCH;
        server.events().onWritable();
        assertThat(server.written).isEqualTo(1500);
        assertThat(server.reset).isTrue();
        assertNothingIsHeld();
    }

    @Test
    void whatWasAcknowledgedReachesTheHostAlsoWhenTheGuestsLinkIsGone() {
        server.room = 0;
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        segment(TcpHeader.ACK | TcpHeader.FIN, 500);
        assertThat(flow.link.frames).as("acknowledged").isNotEmpty();
        flow.flows.linkClosed(flow.link);
        assertThat(flow.flows.size()).isZero();
        assertThat(server.reset).isFalse();
        server.room = MUCH;
        server.events().onWritable();
        assertThat(server.written).isEqualTo(1500);
        assertThat(server.ended).as("the guest had said all").isTrue();
        assertThat(server.reset).isTrue();
        assertNothingIsHeld();
    }

    @Test
    void whatWasOnItsWayToAGuestWhoseLinkIsGoneHoldsNoMemory() {
        server.room = 0;
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        long before = flow.shard.buffers().inUse();
        server.toRead = 200_000;
        flow.readable();
        assertThat(flow.shard.buffers().inUse()).isGreaterThan(before);
        flow.flows.linkClosed(flow.link);
        assertThat(flow.shard.buffers().inUse()).isEqualTo(before);
        server.room = MUCH;
        server.events().onWritable();
        assertThat(server.written).isEqualTo(1000);
        assertNothingIsHeld();
    }

    @Test
    void withNothingLeftForTheHostAGoneLinkIsAResetAtOnce() {
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        flow.flows.linkClosed(flow.link);
        assertThat(server.written).isEqualTo(1000);
        assertThat(server.reset).isTrue();
        assertNothingIsHeld();
    }

    @Test
    void aHostThatTakesNothingOfItForAMinuteIsReset() {
        breakOffInTheMiddle();
        flow.loop.advance(50 * SECOND);
        server.room = 100;
        server.events().onWritable();
        flow.loop.advance(50 * SECOND);
        assertThat(server.reset).as("it has taken something").isFalse();
        flow.loop.advance(10 * SECOND);
        assertThat(server.reset).isTrue();
        assertThat(server.written).isEqualTo(100);
        assertNothingIsHeld();
    }

    @Test
    void aHostThatBreaksMeanwhileHasItsEnd() {
        breakOffInTheMiddle();
        flow.readable();
        assertThat(server.reset).as("it has only said something").isFalse();
        server.broken = true;
        flow.readable();
        assertThat(server.reset).isTrue();
        assertNothingIsHeld();
    }

    @Test
    void aHostThatRefusesTheRestHasItsEnd() {
        breakOffInTheMiddle();
        server.write = StreamSocket.FAILED;
        server.events().onWritable();
        flow.loop.settle();
        assertThat(server.reset).isTrue();
        assertNothingIsHeld();
    }

    @Test
    void theGuestMayUseTheSamePortsAgainAtOnce() {
        breakOffInTheMiddle();
        StreamSocket.Events before = server.events();
        server.room = MUCH;
        flow.sequence += 100_000;
        flow.connect();
        assertThat(flow.flows.size()).isEqualTo(1);
        assertThat(server.written).isZero();
        before.onWritable();
        assertThat(server.written).isEqualTo(1500);
        assertThat(flow.flows.size()).isEqualTo(1);
    }

    @Test
    void soManyMayWaitForTheirHostAndTheNextIsResetAtOnce() {
        breakOffInTheMiddle();
        for (int i = 1; i < TcpFlows.MOST_DEPARTING; i++) {
            flow.port++;
            flow.sequence += 100_000;
            flow.connect();
            breakOffInTheMiddle();
        }
        assertThat(server.reset).isFalse();
        flow.port++;
        flow.connect();
        breakOffInTheMiddle();
        assertThat(server.reset).isTrue();
        assertThat(flow.counters.dropped(Drop.TCP_BUFFER_LIMIT)).isEqualTo(1);
        flow.flows.close();
        assertNothingIsHeld();
    }
}
