package dev.sluice.gateway.tcp;

import static dev.sluice.gateway.tcp.OneFlow.TRANSPORT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.host.StreamSocket;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A guest's link has no room for data, as behind a machine that reads slower than the host sends; for what has none there is always some. */
class CongestedLinkTest {
    private final OneFlow flow = new OneFlow();

    @BeforeEach
    void congest() {
        flow.link.offloads = false;
        flow.link.congested = true;
    }

    private MemorySegment onlyFrame() {
        assertThat(flow.link.frames).hasSize(1);
        return MemorySegment.ofArray(flow.link.frames.getFirst());
    }

    @Test
    void aServersResetReachesTheGuest() {
        flow.server.broken = true;
        flow.server.afterwards = StreamSocket.FAILED;
        flow.readable();
        assertThat(TcpHeader.flags(onlyFrame(), TRANSPORT) & TcpHeader.RST).isNotZero();
        assertThat(flow.flows.size()).isZero();
    }

    @Test
    void whatTheGuestSaysIsAcknowledged() {
        flow.segment(TcpHeader.ACK, 1000);
        flow.endBatch();
        flow.loop.advance(OneFlow.SECOND);
        assertThat(TcpHeader.acknowledgment(onlyFrame(), TRANSPORT)).isEqualTo(flow.sequence);
    }

    @Test
    void dataWaitsForRoom() {
        flow.server.toRead = 1000;
        flow.readable();
        assertThat(flow.link.frames).isEmpty();
        flow.link.congested = false;
        flow.flows.onRoom(flow.link);
        assertThat(flow.link.frames).hasSize(1);
    }

    @Test
    void whoClosesWhileItWaitsLeavesTheOthersTheirTurn() {
        for (int i = 0; i < 100; i++) {
            flow.link.congested = false;
            flow.port++;
            flow.sequence += 100_000;
            flow.connect();
            flow.link.congested = true;
            flow.server.toRead = 1000;
            flow.readable();
            if (i % 10 != 0) {
                flow.segment(TcpHeader.RST, 0);
                flow.endBatch();
            }
        }
        flow.link.frames.clear();
        flow.link.congested = false;
        flow.flows.onRoom(flow.link);
        assertThat(flow.link.frames).hasSize(10);
        assertThat(flow.flows.size()).isEqualTo(11);
    }
}
