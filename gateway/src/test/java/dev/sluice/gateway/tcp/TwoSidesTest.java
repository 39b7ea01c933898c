package dev.sluice.gateway.tcp;

import static dev.sluice.gateway.tcp.OneFlow.SECOND;
import static dev.sluice.gateway.tcp.OneFlow.TRANSPORT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.host.StreamSocket;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What one side of a flow does, the other sees. Where the host's side breaks, the guest gets what it said before, then the reset, and no end
 * in between.
 */
class TwoSidesTest {
    /** More than the guest's window, which a SYN's 65,535 bytes are. */
    private static final int MUCH = 100_000;

    private final OneFlow flow = new OneFlow();
    private final OneFlow.Server server = flow.server;
    private final int base = flow.acknowledgment;

    private void segment(int flags, int payload) {
        flow.segment(flags, payload);
        flow.endBatch();
        flow.endTurn();
    }

    /** Acknowledges what has come, until nothing comes any more; how many bytes of the stream there were since the handshake. */
    private int drink() {
        while (!flow.link.frames.isEmpty()) {
            List<byte[]> frames = List.copyOf(flow.link.frames);
            int before = flow.acknowledgment;
            for (byte[] frame : frames) {
                MemorySegment s = MemorySegment.ofArray(frame);
                if ((TcpHeader.flags(s, TRANSPORT) & (TcpHeader.RST | TcpHeader.FIN)) != 0) {
                    return flow.acknowledgment - base;
                }
                int end = TcpHeader.sequence(s, TRANSPORT)
                        + frame.length
                        - TRANSPORT
                        - TcpHeader.headerLength(s, TRANSPORT);
                flow.acknowledgment = end - flow.acknowledgment > 0 ? end : flow.acknowledgment;
            }
            flow.link.frames.subList(0, frames.size()).clear();
            if (flow.acknowledgment != before) {
                segment(TcpHeader.ACK, 0);
            }
        }
        return flow.acknowledgment - base;
    }

    private boolean hasCome(int flag) {
        return flow.link.frames.stream()
                .anyMatch(frame -> (TcpHeader.flags(MemorySegment.ofArray(frame), TRANSPORT) & flag) != 0);
    }

    @Test
    void whatTheHostSaidBeforeItsResetReachesAGuestWhoseWindowWasFull() {
        server.toRead = MUCH;
        server.afterwards = StreamSocket.FAILED;
        flow.readable();
        assertThat(hasCome(TcpHeader.RST)).as("with a part still to be sent").isFalse();
        assertThat(drink()).isEqualTo(MUCH);
        assertThat(hasCome(TcpHeader.RST)).isTrue();
        assertThat(flow.flows.size()).isZero();
        assertThat(server.reset).isTrue();
    }

    /** A server that answers and closes before it has read everything: its answer lies in the socket when a write first meets the reset. */
    @Test
    void aWriteThatMeetsTheResetLosesNothingOfWhatTheHostSaid() {
        server.toRead = 500;
        server.afterwards = StreamSocket.END; // the write has taken the error, so reads see an end (tcp(7))
        server.write = StreamSocket.FAILED;
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        assertThat(drink()).isEqualTo(500);
        assertThat(hasCome(TcpHeader.RST)).isTrue();
        assertThat(hasCome(TcpHeader.FIN))
                .as("half an answer must not look whole")
                .isFalse();
        assertThat(flow.flows.size()).isZero();
    }

    @Test
    void aGuestThatGoesOnWritingMeanwhileIsNotHeldUp() {
        server.toRead = MUCH;
        server.afterwards = StreamSocket.FAILED;
        server.write = StreamSocket.FAILED;
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        assertThat(drink()).isEqualTo(MUCH);
        assertThat(hasCome(TcpHeader.RST)).isTrue();
        assertThat(flow.flows.size()).isZero();
    }

    @Test
    void aResetAfterTheHostsEndIsToldAsWell() {
        server.toRead = 500;
        server.afterwards = StreamSocket.END;
        flow.readable();
        assertThat(drink()).isEqualTo(500);
        assertThat(hasCome(TcpHeader.FIN)).isTrue();
        flow.link.frames.clear();
        flow.acknowledgment++;
        segment(TcpHeader.ACK, 0);
        server.broken = true;
        flow.readable();
        assertThat(hasCome(TcpHeader.RST)).isTrue();
        assertThat(flow.flows.size()).isZero();
    }

    @Test
    void aResetAfterTheHostsEndWaitsForWhatCameBeforeIt() {
        server.toRead = MUCH;
        server.afterwards = StreamSocket.END;
        flow.readable();
        server.broken = true;
        flow.readable();
        assertThat(hasCome(TcpHeader.RST)).isFalse();
        assertThat(drink()).isEqualTo(MUCH);
        flow.acknowledgment++;
        segment(TcpHeader.ACK, 0);
        assertThat(hasCome(TcpHeader.RST)).isTrue();
        assertThat(flow.flows.size()).isZero();
    }

    /** No event tells of it any more when the end has been read. */
    @Test
    void aResetThatIsThereWhenTheHostsEndIsReadIsToldAfterWhatCameBefore() {
        server.toRead = MUCH;
        server.afterwards = StreamSocket.END;
        server.broken = true;
        flow.readable();
        assertThat(hasCome(TcpHeader.RST)).isFalse();
        assertThat(drink()).isEqualTo(MUCH);
        flow.acknowledgment++;
        segment(TcpHeader.ACK, 0);
        assertThat(hasCome(TcpHeader.RST)).isTrue();
        assertThat(flow.flows.size()).isZero();
        assertThat(server.reset).isTrue();
    }

    @Test
    void withNothingUnderWayTheResetComesAtOnce() {
        server.afterwards = StreamSocket.FAILED;
        flow.readable();
        assertThat(hasCome(TcpHeader.RST)).isTrue();
        assertThat(flow.flows.size()).isZero();
    }

    /** Nobody in the world hears the probes that a guest sends, as we answer them: so it is ours to ask the world. */
    @Test
    void aGuestThatAsksWhetherTheOtherSideIsThereHasTheHostAskAtItsPace() {
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        flow.loop.advance(15 * SECOND + 300);
        probe(0);
        assertThat(hasCome(TcpHeader.ACK)).isTrue();
        assertThat(server.keptAlive).containsExactly(15);
    }

    @Test
    void probesWithTheByteBeforeCountAndTheHostIsNotAskedMoreOftenThanEveryTenSeconds() {
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        flow.loop.advance(SECOND);
        probe(1);
        assertThat(server.keptAlive).containsExactly(10);
    }

    @Test
    void aProbeOfAShutWindowAndWhatIsRepeatedAskForNothing() {
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        flow.loop.advance(15 * SECOND);
        flow.sequence -= 1000;
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        flow.sequence -= 2;
        segment(TcpHeader.ACK, 0);
        flow.sequence += 2;
        server.write = StreamSocket.WOULD_BLOCK;
        int window;
        do {
            segment(TcpHeader.ACK | TcpHeader.PSH, 1024);
            window = TcpHeader.window(MemorySegment.ofArray(flow.link.frames.getLast()), TRANSPORT);
        } while (window > 0);
        flow.loop.advance(15 * SECOND);
        probe(0);
        assertThat(server.keptAlive).isEmpty();
    }

    private void probe(int bytes) {
        flow.link.frames.clear();
        flow.sequence--;
        segment(TcpHeader.ACK, bytes);
        flow.sequence += 1 - bytes;
    }
}
