package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.ACK;
import static dev.sluice.stack.tcp.Dialogue.FIN;
import static dev.sluice.stack.tcp.Dialogue.RST;
import static dev.sluice.stack.tcp.Dialogue.SYN;
import static dev.sluice.stack.tcp.Dialogue.URG;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.Dialogue.Sent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The urgent pointer (RFC 9293 §3.8.5, RFC 6093): a notice, never a second stream. */
class UrgentTest {
    private static final TcpProfile LAN = TcpProfile.lan(1500).withNagle(false);

    @ParameterizedTest
    @ValueSource(ints = {0, Integer.MAX_VALUE - 50, -50})
    void thePointerIsAfterTheUrgentDataHoweverLongThatIs(int isn) {
        try (Dialogue d = new Dialogue(LAN, isn, 3).plain(true)) {
            d.write(5000);
            d.tcb.markUrgent();
            d.write(100);
            d.transmit();
            int at = 0;
            while (!d.sent.isEmpty()) {
                Sent s = d.sent.remove();
                if (at < 5000) {
                    assertThat(s.has(URG)).isTrue();
                    assertThat(s.seq() + s.urgent()).isEqualTo(5001);
                } else {
                    assertThat(s.has(URG)).isFalse();
                }
                at += s.length();
            }
            assertThat(at).isEqualTo(5100);
            d.peer(ACK, 1, 5101);
            d.silence();
        }
    }

    /** The pointer would be repeated in each segment that is cut from a super-segment, and point ever further on. */
    @Test
    void urgentDataThatWasLostIsRepeatedSegmentBySegment() {
        try (Dialogue d = new Dialogue(TcpProfile.guest(1500).withNagle(false), 7, 3).plain(true)) {
            d.write(10_000);
            d.tcb.markUrgent();
            d.transmit();
            d.sent.clear();
            d.timer();
            d.transmit();
            assertThat(d.sent).hasSizeGreaterThan(1).allSatisfy(s -> {
                assertThat(s.length()).isLessThanOrEqualTo(1460);
                assertThat(s.seq() + s.urgent()).isEqualTo(10_001);
            });
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, Integer.MAX_VALUE - 50, -50})
    void theUserHearsOfThePointerAndHowMuchIsLeft(int isn) {
        try (Dialogue d = new Dialogue(LAN, 3, isn).plain(true)) {
            d.appetite = 0;
            d.peerUrgent = 300;
            assertThat(d.peer(ACK | URG, 1, 1, 100, 65535)).isEqualTo(Tcb.Events.URGENT);
            assertThat(d.tcb.urgentLeft()).isEqualTo(300);
            d.peerUrgent = 200;
            assertThat(d.peer(ACK | URG, 101, 1, 200, 65535)).isZero(); // the same end again
            d.appetite = 250;
            d.tcb.drain(d.now);
            assertThat(d.tcb.urgentLeft()).isEqualTo(50);
            d.appetite = Integer.MAX_VALUE;
            d.tcb.drain(d.now);
            assertThat(d.tcb.urgentLeft()).isZero();
            d.assertReceived(300);
        }
    }

    /** What brought down other stacks: pointers of 0, beyond the data, beyond the window, with SYN, FIN or RST, after FIN. */
    @Test
    void pointersThatPointNowhereDoNoHarm() {
        try (Dialogue d = new Dialogue(LAN, 3, -9).plain(true)) {
            d.peerUrgent = 0;
            assertThat(d.peer(ACK | URG, 1, 1, 10, 65535)).isZero();
            d.peerUrgent = 65535;
            assertThat(d.peer(ACK | URG, 11, 1, 10, 65535)).isEqualTo(Tcb.Events.URGENT);
            assertThat(d.tcb.urgentLeft()).isEqualTo(65535 - 10);
            d.peer(SYN | URG, 5, 0, 0, 65535);
            d.peer(RST | URG, 500, 0, 0, 65535);
            assertThat(d.tcb.state()).isEqualTo(TcpState.ESTABLISHED);
            d.peer(FIN | ACK | URG, 21, 1, 0, 65535);
            assertThat(d.tcb.state()).isEqualTo(TcpState.CLOSE_WAIT);
            assertThat(d.peer(ACK | URG, 22, 1, 0, 65535)).isZero();
            d.assertReceived(20);
        }
    }

    @Test
    void thePointerIsHeardAtAClosedWindow() {
        try (Dialogue d = new Dialogue(LAN.withBuffers(1 << 14, 1 << 16), 3, 8).plain(true)) {
            d.appetite = 0;
            int next = 1;
            while (d.tcb.snapshot().receiveEdge() > next) {
                int n = (int) Math.min(1460, d.tcb.snapshot().receiveEdge() - next);
                d.peerData(next, 1, n);
                next += n;
                d.transmit();
            }
            d.peerUrgent = 5;
            assertThat(d.peer(ACK | URG, next, 1, 1, 65535)).isEqualTo(Tcb.Events.URGENT);
            assertThat(d.tcb.urgentLeft()).isEqualTo(next - 1 + 5);
        }
    }
}
