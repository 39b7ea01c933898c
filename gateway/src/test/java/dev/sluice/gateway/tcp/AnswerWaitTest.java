package dev.sluice.gateway.tcp;

import static dev.sluice.gateway.tcp.OneFlow.SECOND;
import static dev.sluice.gateway.tcp.OneFlow.TRANSPORT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** A near server's answer carries the ACK of the request. */
class AnswerWaitTest {
    private static final long MILLISECOND = SECOND / 1000;

    private final OneFlow flow = new OneFlow();

    private void request() {
        flow.segment(TcpHeader.ACK | TcpHeader.PSH, 100);
        flow.endBatch();
        flow.endTurn();
    }

    private void assertOneFrame(int payload) {
        assertThat(flow.link.frames).hasSize(1);
        MemorySegment frame = MemorySegment.ofArray(flow.link.frames.removeFirst());
        assertThat(TcpHeader.acknowledgment(frame, TRANSPORT)).isEqualTo(flow.sequence);
        assertThat(frame.byteSize() - TRANSPORT - TcpHeader.headerLength(frame, TRANSPORT))
                .isEqualTo(payload);
    }

    @Test
    void theGuestGetsOneFrameForARequest() {
        for (int i = 0; i < 5; i++) {
            request();
            assertThat(flow.link.frames).isEmpty();
            flow.loop.advance(MILLISECOND);
            flow.server.toRead = 50;
            flow.readable();
            assertOneFrame(50);
            flow.acknowledgment += 50;
        }
    }

    @Test
    void aRequestWithoutAnAnswerIsAcknowledgedInTime() {
        request();
        assertThat(flow.server.written).isEqualTo(100);
        flow.loop.advance(7 * MILLISECOND);
        assertOneFrame(0);
        request();
        assertOneFrame(0);
    }
}
