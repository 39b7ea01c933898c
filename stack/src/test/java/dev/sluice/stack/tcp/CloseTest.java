package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.*;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.Dialogue.Sent;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Ends of connections: FIN in all orders, half-close, reset, time-outs. */
class CloseTest {
    private static final TcpProfile GUEST = TcpProfile.guest(1500);
    private static final int REMOTE_CLOSED = Tcb.Events.REMOTE_CLOSED;
    private static final int CLOSED = Tcb.Events.CLOSED;
    private static final int TIME_WAIT = Tcb.Events.TIME_WAIT;

    static IntStream isns() {
        return HandshakeTest.isns();
    }

    private static Dialogue in(TcpState state, int isn) {
        return new Dialogue(GUEST, isn, ~isn).in(state);
    }

    @ParameterizedTest
    @MethodSource("isns")
    void weCloseFirst(int isn) {
        try (Dialogue d = in(TcpState.ESTABLISHED, isn)) {
            d.tcb.shutdownOutput(d.now);
            assertThat(d.one().flags()).isEqualTo(FIN | ACK);
            assertThat(d.peer(ACK, 1, 2)).isZero();
            assertThat(d.tcb.state()).isEqualTo(TcpState.FIN_WAIT_2);
            d.peerData(1, 2, 1000);
            d.one();
            d.assertReceived(1000);
            assertThat(d.peer(FIN | ACK, 1001, 2)).isEqualTo(REMOTE_CLOSED | CLOSED | TIME_WAIT);
            Sent last = d.one();
            assertThat(last.flags()).isEqualTo(ACK);
            assertThat(last.ack()).isEqualTo(1002);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void thePeerClosesFirstAndWeGoOnSending(int isn) {
        try (Dialogue d = in(TcpState.ESTABLISHED, isn)) {
            assertThat(d.peer(FIN | ACK, 1, 1, 500, 65535)).isEqualTo(REMOTE_CLOSED);
            assertThat(d.tcb.state()).isEqualTo(TcpState.CLOSE_WAIT);
            assertThat(d.one().ack()).isEqualTo(502);
            assertThat(d.write(3000)).isEqualTo(3000);
            assertThat(d.one().length()).isEqualTo(3000);
            d.peer(ACK, 502, 3001);
            d.tcb.shutdownOutput(d.now);
            assertThat(d.tcb.state()).isEqualTo(TcpState.LAST_ACK);
            assertThat(d.one().flags()).isEqualTo(FIN | ACK);
            assertThat(d.peer(ACK, 502, 3002)).isEqualTo(CLOSED);
            assertThat(d.tcb.state()).isEqualTo(TcpState.CLOSED);
            d.silence();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void bothCloseAtOnce(int isn) {
        try (Dialogue d = in(TcpState.FIN_WAIT_1, isn)) {
            assertThat(d.peer(FIN | ACK, 1, 1)).isEqualTo(REMOTE_CLOSED);
            assertThat(d.tcb.state()).isEqualTo(TcpState.CLOSING);
            assertThat(d.one().ack()).isEqualTo(2);
            assertThat(d.peer(ACK, 2, 2)).isEqualTo(CLOSED | TIME_WAIT);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void finAndItsAcknowledgmentMayComeTogether(int isn) {
        try (Dialogue d = in(TcpState.FIN_WAIT_1, isn)) {
            assertThat(d.peer(FIN | ACK, 1, 2)).isEqualTo(REMOTE_CLOSED | CLOSED | TIME_WAIT);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aFinBehindAHoleWaitsForTheData(int isn) {
        try (Dialogue d = in(TcpState.ESTABLISHED, isn)) {
            assertThat(d.peer(FIN | ACK, 1001, 1, 500, 65535)).isZero();
            assertThat(d.one().ack()).isEqualTo(1);
            // A different end later on is not believed.
            assertThat(d.peer(FIN | ACK, 1201, 1, 900, 65535)).isZero();
            assertThat(d.peer(ACK, 1, 1, 1000, 65535)).isEqualTo(REMOTE_CLOSED);
            assertThat(d.one().ack()).isEqualTo(1502);
            d.peer(FIN | ACK, 1501, 1);
            assertThat(d.one().ack()).isEqualTo(1502);
            d.assertReceived(1500);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aBareFinBehindAHoleIsRemembered(int isn) {
        try (Dialogue d = in(TcpState.ESTABLISHED, isn)) {
            assertThat(d.peer(FIN | ACK, 1001, 1)).isZero();
            d.one();
            assertThat(d.peerData(1, 1, 1000)).isEqualTo(REMOTE_CLOSED);
            assertThat(d.one().ack()).isEqualTo(1002);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void theEndIsToldOnlyAfterTheLastByte(int isn) {
        try (Dialogue d = in(TcpState.FIN_WAIT_2, isn)) {
            d.appetite = 100;
            assertThat(d.peer(FIN | ACK, 1, 2, 1000, 65535)).isZero();
            assertThat(d.tcb.state()).isEqualTo(TcpState.TIME_WAIT);
            d.one();
            d.appetite = 100;
            assertThat(d.tcb.drain(d.now)).isZero();
            // TIME-WAIT may even end before.
            d.pass(GUEST.timeWait());
            assertThat(d.tcb.onTimer(d.now)).isZero();
            d.appetite = Integer.MAX_VALUE;
            assertThat(d.tcb.drain(d.now)).isEqualTo(REMOTE_CLOSED | CLOSED);
            d.assertReceived(1000);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aFinAtAClosedWindowIsTaken(int isn) {
        try (Dialogue d = new Dialogue(GUEST.withBuffers(1 << 14, 1 << 16), 7, isn).plain(true)) {
            d.appetite = 0;
            d.peerData(1, 1, 20_000);
            long next = d.one().ack();
            d.peer(FIN | ACK, next, 1);
            assertThat(d.one().ack()).isEqualTo(next + 1);
            d.appetite = Integer.MAX_VALUE;
            assertThat(d.tcb.drain(d.now)).isEqualTo(REMOTE_CLOSED);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void dataForAUserWhoIsGoneIsReset(int isn) {
        try (Dialogue d = in(TcpState.ESTABLISHED, isn)) {
            assertThat(d.tcb.close(d.now)).isZero();
            assertThat(d.one().flags()).isEqualTo(FIN | ACK);
            // The FIN is lost: the peer takes only the reset that has the number it expects.
            assertThat(d.peerData(1, 1, 10)).isEqualTo(CLOSED);
            Sent reset = d.one();
            assertThat(reset.flags()).isEqualTo(RST);
            assertThat(reset.seq()).isEqualTo(1);
            d.assertReceived(0);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void closingWithUnreadDataResets(int isn) {
        try (Dialogue d = in(TcpState.ESTABLISHED, isn)) {
            d.appetite = 5;
            d.peerData(1, 1, 10);
            assertThat(d.tcb.close(d.now)).isEqualTo(CLOSED);
            Sent s = d.one();
            assertThat(s.flags()).isEqualTo(RST | ACK);
            assertThat(s.seq()).isEqualTo(1);
            assertThat(s.ack()).isEqualTo(11);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void whatWasAcknowledgedCanStillBeTakenAfterThePeersResetIfTheUserWantsIt(int isn) {
        try (Dialogue d = in(TcpState.ESTABLISHED, isn)) {
            d.wantsRest = true;
            d.appetite = 300;
            d.peerData(1, 1, 1000);
            d.peerData(1501, 1, 500); // beyond a hole: nobody has promised anything
            d.transmit();
            assertThat(d.peer(RST, 1001, 0)).isEqualTo(Tcb.Events.RESET);
            d.sent.clear();
            d.appetite = 500;
            assertThat(d.tcb.drain(d.now)).isZero();
            assertThat(d.tcb.undelivered()).isEqualTo(200);
            d.appetite = 500;
            assertThat(d.tcb.drain(d.now)).isZero();
            assertThat(d.tcb.undelivered()).isZero();
            d.assertReceived(1000);
            d.silence();
            d.tcb.release();
            assertThat(d.shard.buffers().inUse()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void whatWasAcknowledgedIsForgottenWithThePeersResetOtherwise(int isn) {
        try (Dialogue d = in(TcpState.ESTABLISHED, isn)) {
            d.appetite = 300;
            d.peerData(1, 1, 1000);
            assertThat(d.peer(RST, 1001, 0)).isEqualTo(Tcb.Events.RESET);
            assertThat(d.tcb.undelivered()).isZero();
            assertThat(d.shard.buffers().inUse()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aClosedConnectionWaitsForThePeersFinForAWhileOnly(int isn) {
        try (Dialogue d = in(TcpState.ESTABLISHED, isn)) {
            d.tcb.close(d.now);
            d.one();
            d.peer(ACK, 1, 2);
            long begin = d.now;
            assertThat(d.timer()).isEqualTo(CLOSED);
            assertThat(d.now - begin).isEqualTo(GUEST.finWait2());
            d.silence();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aHalfClosedConnectionWaitsForEver(int isn) {
        try (Dialogue d = in(TcpState.FIN_WAIT_2, isn)) {
            assertThat(d.tcb.deadline()).isEqualTo(Long.MAX_VALUE);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void shutdownBeforeTheHandshakeFollowsIt(int isn) {
        try (Dialogue d = new Dialogue(GUEST, isn, 4).in(TcpState.SYN_RECEIVED)) {
            d.write(10);
            d.tcb.shutdownOutput(d.now);
            d.silence();
            d.peer(ACK, 1, 1);
            assertThat(d.tcb.state()).isEqualTo(TcpState.FIN_WAIT_1);
            Sent s = d.one();
            assertThat(s.flags()).isEqualTo(ACK | PSH | FIN);
            assertThat(s.length()).isEqualTo(10);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void abortSendsOneResetAndGivesAllMemoryBack(int isn) {
        for (TcpState state : TcpState.values()) {
            try (Dialogue d = in(state, isn)) {
                d.tcb.abort(d.now);
                assertThat(d.shard.buffers().inUse()).isZero();
                boolean silent = state == TcpState.CLOSED || state == TcpState.SYN_SENT || state == TcpState.TIME_WAIT;
                assertThat(d.tcb.wantsTransmit()).isEqualTo(!silent);
                d.transmit();
                assertThat(d.sent).hasSize(silent ? 0 : 1);
                if (!silent) {
                    Sent s = d.sent.remove();
                    assertThat(s.has(RST)).isTrue();
                    assertThat(s.seq()).isEqualTo(d.tcb.snapshot().sendNext());
                }
                d.silence();
                assertThat(d.peer(ACK, 1, 1)).isZero();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aTimeWaitThatIsKeptAnswersTheFinAgainAndEnds(int isn) {
        try (Dialogue d = in(TcpState.TIME_WAIT, isn)) {
            d.pass(GUEST.timeWait() / 2);
            d.peer(FIN | ACK, 1, 2);
            assertThat(d.one().ack()).isEqualTo(2);
            assertThat(d.peer(RST, 2, 0)).isZero();
            assertThat(d.tcb.state()).isEqualTo(TcpState.TIME_WAIT);
            assertThat(d.tcb.deadline() - d.now).isEqualTo(GUEST.timeWait());
            d.timer();
            assertThat(d.tcb.state()).isEqualTo(TcpState.CLOSED);
        }
    }
}
