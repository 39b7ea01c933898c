package dev.sluice.gateway.tcp;

import static dev.sluice.gateway.tcp.OneFlow.IP;
import static dev.sluice.gateway.tcp.OneFlow.SECOND;
import static dev.sluice.gateway.tcp.OneFlow.TRANSPORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;

/** When a guest that sends in bulk gets its ACK, frame by frame. */
class BatchTest {
    private static final long MILLISECOND = SECOND / 1000;
    private static final int BULK = 40_000;

    private final OneFlow flow = new OneFlow();
    /** What has been acknowledged before the part that matters. */
    private int base = flow.sequence;

    /** The guest learns of the whole window, which its SYN could not be told. */
    private void openWindow() {
        bulk();
        flow.link.frames.clear();
        base = flow.sequence;
    }

    private void bulk() {
        flow.segment(TcpHeader.ACK | TcpHeader.PSH, BULK);
        flow.endBatch();
    }

    /** Bytes acknowledged by each frame to the guest since this was last asked. */
    private List<Integer> acknowledged() {
        List<Integer> to = flow.link.frames.stream()
                .map(f -> TcpHeader.acknowledgment(MemorySegment.ofArray(f), TRANSPORT) - base)
                .toList();
        flow.link.frames.clear();
        return to;
    }

    /** RFC 6864 §4.1: what is never cut needs no identification; a counter would tell a guest how much others get. */
    @Test
    void segmentsAreNotToBeCutAndNotNumbered() {
        openWindow();
        bulk();
        bulk();
        assertThat(flow.link.frames).isNotEmpty().allSatisfy(frame -> {
            MemorySegment s = MemorySegment.ofArray(frame);
            assertThat(Ipv4Header.identification(s, IP)).isZero();
            assertThat(Bytes.u16(s, IP + 6)).isEqualTo(Ipv4Header.DONT_FRAGMENT);
        });
    }

    @Test
    void anAckOfBulkWaitsWhileMoreFramesAreAtHand_andCoversThem() {
        openWindow();
        flow.link.more = true;
        bulk();
        bulk();
        flow.endTurn();
        bulk();
        assertThat(acknowledged()).isEmpty();
        flow.link.more = false;
        flow.endTurn();
        assertThat(acknowledged()).containsExactly(3 * BULK);
        flow.endTurn();
        assertThat(acknowledged()).isEmpty();
    }

    @Test
    void aFlowThatFailsLeavesTheOthersTheirAck() {
        openWindow();
        int other = flow.port;
        int otherSequence = flow.sequence;
        int otherAcknowledgment = flow.acknowledgment;
        flow.port = 5001;
        flow.sequence = 90_000;
        flow.connect();
        openWindow();
        flow.link.more = true;
        // the later one of two is the first to be looked at
        int failing = flow.port;
        int failingSequence = flow.sequence;
        int failingAcknowledgment = flow.acknowledgment;
        flow.port = other;
        flow.sequence = base = otherSequence;
        flow.acknowledgment = otherAcknowledgment;
        bulk();
        flow.port = failing;
        flow.sequence = failingSequence;
        flow.acknowledgment = failingAcknowledgment;
        bulk();
        flow.link.more = false;
        flow.link.failures = 1;
        assertThatIllegalStateException().isThrownBy(flow::endTurn);
        assertThat(acknowledged()).isEmpty();
        flow.endTurn();
        assertThat(acknowledged()).containsExactly(BULK);
    }

    @Test
    void itWaitsForTwoMillisecondsAtMost() {
        openWindow();
        flow.link.more = true;
        bulk();
        flow.loop.advance(MILLISECOND);
        bulk();
        flow.endTurn();
        assertThat(acknowledged()).isEmpty();
        flow.loop.advance(MILLISECOND);
        flow.endTurn();
        assertThat(acknowledged()).containsExactly(2 * BULK);
        bulk();
        flow.endTurn();
        assertThat(acknowledged()).as("the next one waits anew").isEmpty();
    }

    @Test
    void aGuestThatHasUsedHalfItsWindowDoesNotWait() {
        flow.link.more = true;
        bulk();
        assertThat(acknowledged())
                .as("40,000 of the 65,535 bytes that a SYN can be told")
                .containsExactly(BULK);
    }

    @Test
    void theLastFrameIsAcknowledgedAtTheEndOfItsBatch() {
        bulk();
        assertThat(acknowledged()).containsExactly(BULK);
    }

    @Test
    void halfOfAWindowIsAcknowledgedAtOnce() {
        openWindow();
        flow.link.more = true;
        for (int i = 0; i < 14; i++) {
            bulk();
        }
        assertThat(acknowledged()).containsExactly(13 * BULK);
        flow.link.more = false;
        flow.endTurn();
        assertThat(acknowledged()).containsExactly(14 * BULK);
    }

    @Test
    void whoSentLittleDoesNotWait() {
        flow.link.more = true;
        flow.segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        flow.segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        flow.endBatch();
        assertThat(acknowledged())
                .as("the second full segment (RFC 9293 §3.8.6.3)")
                .hasSizeLessThanOrEqualTo(1);
        flow.loop.advance(SECOND);
        assertThat(flow.counters.tcpBytesToHost).isEqualTo(2000);
    }

    @Test
    void dataToTheGuestTakesTheAckAlong() {
        openWindow();
        flow.link.more = true;
        bulk();
        flow.server.toRead = 100;
        flow.readable();
        assertThat(acknowledged()).containsExactly(BULK);
        flow.link.more = false;
        flow.endTurn();
        assertThat(acknowledged()).isEmpty();
    }

    @Test
    void aFlowThatEndsMeanwhileOwesNothing() {
        flow.link.more = true;
        bulk();
        flow.segment(TcpHeader.RST, 0);
        flow.endBatch();
        flow.link.frames.clear();
        flow.link.more = false;
        flow.endTurn();
        assertThat(acknowledged()).isEmpty();
        assertThat(flow.flows.size()).isZero();
    }
}
