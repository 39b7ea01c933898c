package dev.sluice.gateway.tcp;

import static dev.sluice.gateway.tcp.OneFlow.SECOND;
import static dev.sluice.gateway.tcp.OneFlow.TRANSPORT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** Connections of a guest to the world on which it says nothing any more, while its server waits. */
class SilentGuestsTest {
    private static final long HALF_AN_HOUR = 1800 * SECOND;

    private final OneFlow flow = new OneFlow();

    private void pass(long time) {
        flow.loop.advance(time);
    }

    private void says(int flags) {
        flow.segment(flags, 0);
        flow.endBatch();
        flow.endTurn();
    }

    private void isAsked() {
        assertThat(flow.link.frames).hasSize(1);
        MemorySegment frame = MemorySegment.ofArray(flow.link.frames.removeFirst());
        assertThat(TcpHeader.flags(frame, TRANSPORT)).isEqualTo(TcpHeader.ACK);
        assertThat(TcpHeader.sequence(frame, TRANSPORT))
                .as("an old number, so that it answers")
                .isEqualTo(flow.acknowledgment - 1);
    }

    @Test
    void aGuestThatWasStartedAnewIsAskedAfterTwoHoursAndTheServerIsReset() {
        pass(4 * HALF_AN_HOUR - SECOND);
        assertThat(flow.link.frames).isEmpty();
        pass(SECOND);
        isAsked();
        assertThat(flow.server.reset).isFalse();
        says(TcpHeader.RST);
        assertThat(flow.server.reset).isTrue();
        assertThat(flow.flows.size()).isZero();
    }

    /** It may be paused. */
    @Test
    void aGuestThatSaysNothingIsAskedEveryHalfHourAndLosesNothing() {
        pass(3 * HALF_AN_HOUR);
        for (int i = 0; i < 1000; i++) {
            assertThat(flow.link.frames).isEmpty();
            pass(HALF_AN_HOUR);
            isAsked();
        }
        assertThat(flow.server.reset).isFalse();
        assertThat(flow.flows.size()).isEqualTo(1);
    }

    @Test
    void aGuestThatAnswersIsLeftAloneForTwoMoreHours() {
        pass(4 * HALF_AN_HOUR);
        isAsked();
        says(TcpHeader.ACK);
        pass(4 * HALF_AN_HOUR - SECOND);
        assertThat(flow.link.frames).isEmpty();
        pass(SECOND);
        isAsked();
    }

    @Test
    void nothingIsLookedAtWhenThereIsNoFlow() {
        says(TcpHeader.RST);
        pass(HALF_AN_HOUR);
        assertThat(flow.loop.nextDeadline()).isEqualTo(Long.MAX_VALUE);
    }
}
