package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.ACK;
import static dev.sluice.stack.tcp.Dialogue.FIN;
import static dev.sluice.stack.tcp.Dialogue.MS;
import static dev.sluice.stack.tcp.Dialogue.PSH;
import static dev.sluice.stack.tcp.Dialogue.RST;
import static dev.sluice.stack.tcp.Dialogue.SYN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.sluice.stack.tcp.Dialogue.Sent;
import dev.sluice.wire.TcpOptions;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a connection promises its owner: who may do what in which state, what it asks to be called for, and what it says of itself. */
class TcbTest {
    private static final TcpProfile GUEST = TcpProfile.guest(1500).withTimestamps(false);
    private static final TcpProfile LAN = TcpProfile.lan(1500).withTimestamps(false);
    private static final long SECOND = 1000 * MS;
    private static final long NEVER = Long.MAX_VALUE;

    private static Dialogue in(TcpState state, TcpProfile profile) {
        return new Dialogue(profile, -3, 7).in(state);
    }

    // ---- Opening

    @Test
    void itOpensOnce() {
        try (Dialogue d = in(TcpState.ESTABLISHED, GUEST)) {
            assertThatIllegalStateException().isThrownBy(() -> d.tcb.openActive(0, 0, 1, d.now, 1, 2));
            d.tcb.abort(d.now);
            d.transmit();
            d.sent.clear();
            assertThatIllegalStateException().isThrownBy(() -> d.tcb.openActive(0, 0, 1, d.now, 1, 2));
        }
    }

    @Test
    void acceptingWhatIsNotHeldDoesNothing() {
        try (Dialogue d = in(TcpState.SYN_RECEIVED, GUEST)) {
            d.tcb.accept(d.now);
            d.silence();
        }
    }

    @Test
    void aSynOffersOnlyWhatTheProfileWants() {
        TcpProfile bare = GUEST.withSack(false).with(TcpTuning.DEFAULT.withWindowScaling(false));
        for (TcpProfile profile : new TcpProfile[] {GUEST, bare}) {
            try (Dialogue d = new Dialogue(profile, 1, 1)) {
                assertThat(d.tcb.openActive(0, 0, d.iss, d.now, 80, 40000)).isZero();
                assertThat(d.tcb.wantsTransmit()).isTrue();
                Sent syn = d.one();
                assertThat(syn.sackOk()).isEqualTo(profile == GUEST);
                assertThat(syn.scale()).isEqualTo(profile == GUEST ? 6 : -1);
                // A peer that agrees to what was not offered is not heard.
                byte[] all = Dialogue.join(
                        Dialogue.mssOption(1460),
                        Dialogue.options(TcpOptions.SACK_PERMITTED, 2),
                        Dialogue.options(TcpOptions.WINDOW_SCALE, 3, 2));
                d.peer(SYN | ACK, 0, 1, 0, 1000, all);
                assertThat(d.tcb.snapshot().sack()).isEqualTo(profile == GUEST);
                assertThat(d.tcb.snapshot().windowScaling()).isEqualTo(profile == GUEST);
                d.peer(ACK, 1, 1, 0, 1000);
                assertThat(d.tcb.snapshot().sendWindow()).isEqualTo(profile == GUEST ? 4000 : 1000);
                d.sent.clear();
            }
        }
    }

    /** Peers that cannot bear options get a SYN with the segment size only, after some without answer. */
    @Test
    void aSynWithoutAnswerLosesItsOptionsIfAskedFor() {
        TcpProfile cautious = TcpProfile.guest(1500).with(TcpTuning.DEFAULT.withPlainSynAfter(2));
        try (Dialogue d = new Dialogue(cautious, 1, 1).in(TcpState.SYN_SENT)) {
            for (int again = 1; again <= 3; again++) {
                d.timer();
                Sent syn = d.one();
                assertThat(syn.mss()).isEqualTo(1460);
                assertThat(syn.sackOk()).isEqualTo(again < 2);
                assertThat(syn.stamped()).isEqualTo(again < 2);
            }
        }
    }

    // ---- When it wants to be called

    @Test
    void itAsksToTransmitWhatIsPendingAndNoLonger() {
        try (Dialogue d = new Dialogue(LAN.withKeepAlive(10 * SECOND, SECOND, 3), 1, 1)) {
            assertThat(d.tcb.wantsTransmit()).isFalse();
            d.held(Dialogue.mssOption(1460));
            assertThat(d.tcb.wantsTransmit()).isFalse();
            d.tcb.accept(d.now);
            assertThat(d.tcb.wantsTransmit()).isTrue();
            d.one();
            assertThat(d.tcb.wantsTransmit()).isFalse();
            d.peer(ACK, 1, 2); // answered by a reset that ends nothing
            assertThat(d.tcb.wantsTransmit()).isTrue();
            d.one();
            d.peer(ACK, 1, 1);
            assertThat(d.tcb.wantsTransmit()).isFalse();
            d.peerData(1, 1, 10);
            assertThat(d.tcb.wantsTransmit()).isFalse();
            d.timer(); // of the delayed acknowledgment
            assertThat(d.tcb.wantsTransmit()).isTrue();
            d.one();
            assertThat(d.tcb.wantsTransmit()).isFalse();
            d.timer(); // keep-alive
            assertThat(d.tcb.wantsTransmit()).isTrue();
            d.one();
            assertThat(d.tcb.wantsTransmit()).isFalse();
            d.write(1);
            assertThat(d.tcb.wantsTransmit()).isTrue();
            d.one();
            assertThat(d.tcb.wantsTransmit()).isFalse();
            d.tcb.shutdownOutput(d.now);
            assertThat(d.tcb.wantsTransmit()).isTrue();
            d.one();
            assertThat(d.tcb.wantsTransmit()).isFalse();
            d.tcb.abort(d.now);
            assertThat(d.tcb.wantsTransmit()).isTrue();
            d.one();
            assertThat(d.tcb.wantsTransmit()).isFalse();
        }
    }

    /** RFC 9293 §3.8.4: only in silence, at even steps, and a word of the peer starts it all again. */
    @Test
    void keepAliveProbesComeAtTheirTimes() {
        TcpProfile profile = GUEST.withKeepAlive(10 * SECOND, SECOND, 3);
        try (Dialogue d = in(TcpState.ESTABLISHED, profile)) {
            long heard = d.now;
            for (int i = 0; i < 2; i++) {
                assertThat(d.tcb.deadline()).isEqualTo(heard + 10 * SECOND + i * SECOND);
                assertThat(d.tcb.onTimer(d.tcb.deadline() - 1)).isZero();
                d.silence();
                d.timer();
                Sent probe = d.one();
                assertThat(probe.seq()).isZero();
                assertThat(probe.flags()).isEqualTo(ACK);
            }
            assertThat(d.shard.counters().keepAliveProbes).isEqualTo(2);
            d.peer(ACK, 1, 1);
            heard = d.now;
            for (int i = 0; i < 3; i++) {
                assertThat(d.tcb.deadline()).isEqualTo(heard + 10 * SECOND + i * SECOND);
                assertThat(d.timer()).isZero();
                d.one();
            }
            assertThat(d.timer()).isEqualTo(Tcb.Events.TIMED_OUT);
            assertThat(d.now).isEqualTo(heard + 13 * SECOND);
            assertThat(d.one().has(RST)).isTrue();
            assertThat(d.tcb.deadline()).isEqualTo(NEVER);
        }
    }

    @Test
    void keepAliveWaitsWhileTheRetransmissionTimerAsksAnyway() {
        try (Dialogue d = in(TcpState.ESTABLISHED, GUEST.withKeepAlive(SECOND / 10, SECOND, 3))) {
            d.write(10);
            d.one();
            assertThat(d.tcb.deadline() - d.now).isEqualTo(d.tcb.snapshot().rto());
            d.pass(SECOND / 2);
            d.tcb.onTimer(d.now);
            assertThat(d.shard.counters().keepAliveProbes).isZero();
            d.sent.clear();
        }
        try (Dialogue d = in(TcpState.SYN_RECEIVED, GUEST.withKeepAlive(SECOND / 10, SECOND, 3))) {
            assertThat(d.tcb.deadline() - d.now).isEqualTo(SECOND);
        }
    }

    @Test
    void theDeadlineIsTheEarliestOfItsTimers() {
        try (Dialogue d = in(TcpState.ESTABLISHED, LAN)) {
            d.write(10);
            d.one();
            d.peerData(1, 1, 10);
            assertThat(d.tcb.deadline() - d.now).isEqualTo(LAN.delayedAck());
            assertThat(d.tcb.snapshot().deadline()).isEqualTo(d.tcb.deadline());
            d.timer();
            d.one();
            assertThat(d.tcb.deadline()).isGreaterThan(d.now);
        }
        try (Dialogue d = in(TcpState.TIME_WAIT, LAN)) {
            assertThat(d.tcb.deadline() - d.now).isEqualTo(LAN.timeWait());
        }
    }

    /** The peer has spoken when its answer to our SYN comes. */
    @Test
    void silenceBeginsWithTheHandshake() {
        try (Dialogue d = in(TcpState.SYN_SENT, GUEST.withKeepAlive(10 * SECOND, SECOND, 3))) {
            d.pass(SECOND / 2);
            d.peer(SYN | ACK, 0, 1, 0, 65535, Dialogue.mssOption(1460));
            d.one();
            assertThat(d.tcb.deadline() - d.now).isEqualTo(10 * SECOND);
        }
        try (Dialogue d = new Dialogue(GUEST.withKeepAlive(10 * SECOND, SECOND, 3), 1, 1).held()) {
            d.pass(SECOND);
            d.tcb.accept(d.now);
            d.one();
            d.pass(SECOND / 2);
            d.peer(ACK, 1, 1);
            assertThat(d.tcb.deadline() - d.now).isEqualTo(10 * SECOND);
        }
    }

    private static void assertEnded(Dialogue d) {
        assertThat(d.tcb.state()).isEqualTo(TcpState.CLOSED);
        assertThat(d.tcb.deadline()).isEqualTo(NEVER);
        assertThat(d.shard.buffers().inUse()).isZero();
        assertThat(d.peer(ACK, 1, 1)).isZero();
        assertThat(d.tcb.drain(d.now)).isZero();
        d.silence();
    }

    @Test
    void whoHasEndedAsksForNothingAndOwnsNothing() {
        try (Dialogue d = new Dialogue(LAN, 1, 1)) {
            d.pass(1000 * SECOND);
            d.in(TcpState.SYN_SENT);
            d.write(10);
            long begin = d.now;
            while (d.timer() == 0) {
                d.transmit();
            }
            assertThat(d.now - begin).isEqualTo(LAN.synTimeout());
            d.sent.clear();
            assertEnded(d);
        }
        try (Dialogue d = in(TcpState.ESTABLISHED, LAN)) {
            d.write(10);
            do {
                d.transmit();
                d.sent.clear();
            } while (d.timer() == 0);
            assertThat(d.events).isEqualTo(Tcb.Events.ESTABLISHED | Tcb.Events.TIMED_OUT);
            assertThat(d.one().has(RST)).isTrue();
            assertEnded(d);
        }
        try (Dialogue d = in(TcpState.ESTABLISHED, GUEST)) {
            d.write(10);
            d.tcb.close(d.now);
            d.transmit();
            d.sent.clear();
            assertThat(d.peerData(1, 1, 10)).isEqualTo(Tcb.Events.CLOSED); // for a user who is gone
            assertThat(d.one().flags()).isEqualTo(RST);
            assertEnded(d);
        }
        try (Dialogue d = in(TcpState.ESTABLISHED, GUEST)) {
            d.write(10);
            d.peerData(101, 1, 10);
            assertThat(d.peer(RST, 1, 0)).isEqualTo(Tcb.Events.RESET);
            assertEnded(d);
        }
    }

    @Test
    void roomThatWasNotUsedIsGivenBackAtTheNextTurn() {
        try (Dialogue d = in(TcpState.ESTABLISHED, GUEST)) {
            assertThat(d.tcb.reserveSend(100)).isPositive();
            assertThat(d.shard.buffers().inUse()).isPositive();
            d.silence();
            assertThat(d.shard.buffers().inUse()).isZero();
        }
    }

    @Test
    void aSegmentTellsItsEvents() {
        try (Dialogue d = in(TcpState.SYN_RECEIVED, GUEST)) {
            int length = d.build(ACK | FIN, 1, 1, 0, 65535, Dialogue.NO_OPTIONS);
            assertThat(d.tcb.onSegment(d.input(), 2, length, d.now))
                    .isEqualTo(Tcb.Events.ESTABLISHED | Tcb.Events.REMOTE_CLOSED);
            d.one();
        }
    }

    // ---- User calls

    /** Data is taken before and after the handshake as long as nothing says that there will be no more. */
    @ParameterizedTest
    @EnumSource(TcpState.class)
    void onlyWhoMaySendGetsRoom(TcpState state) {
        try (Dialogue d = in(state, GUEST)) {
            boolean open = state == TcpState.SYN_SENT
                    || state == TcpState.SYN_RECEIVED
                    || state == TcpState.ESTABLISHED
                    || state == TcpState.CLOSE_WAIT;
            assertThat(d.tcb.reserveSend(100) > 0).isEqualTo(open);
            d.tcb.shutdownOutput(d.now);
            assertThat(d.tcb.reserveSend(100)).isZero();
            d.tcb.abort(d.now);
            assertThat(d.tcb.reserveSend(100)).isZero();
            d.transmit();
            d.sent.clear();
        }
    }

    @Test
    void whatIsUnsentIsCountedFromTheFirstByteThatNeverLeft() {
        try (Dialogue d = in(TcpState.SYN_RECEIVED, GUEST)) {
            assertThat(d.tcb.unsent()).isZero();
            d.write(2000);
            assertThat(d.tcb.unsent()).isEqualTo(2000);
            d.peer(ACK, 1, 1, 0, 1460);
            d.one();
            assertThat(d.tcb.unsent()).isEqualTo(540);
            d.tcb.shutdownOutput(d.now);
            d.peer(ACK, 1, 1461);
            d.one();
            assertThat(d.tcb.unsent()).isZero();
        }
    }

    @Test
    void closingTellsOnlyWhatIsNews() {
        try (Dialogue d = in(TcpState.SYN_SENT, GUEST)) {
            assertThat(d.tcb.close(d.now)).isEqualTo(Tcb.Events.CLOSED);
            assertThat(d.tcb.close(d.now)).isZero();
            d.silence();
        }
        try (Dialogue d = in(TcpState.ESTABLISHED, GUEST)) {
            assertThat(d.tcb.close(d.now)).isZero();
            assertThat(d.tcb.close(d.now)).isZero();
            assertThat(d.one().flags()).isEqualTo(FIN | ACK);
            d.silence();
        }
        try (Dialogue d = in(TcpState.ESTABLISHED, GUEST)) {
            d.appetite = 5;
            d.peerData(1, 1, 10);
            assertThat(d.tcb.close(d.now)).isEqualTo(Tcb.Events.CLOSED);
            assertThat(d.one().has(RST)).isTrue();
        }
    }

    /** Half closed it may wait for ever; whoever then says that he does not listen either waits for a while. */
    @Test
    void aHalfClosedConnectionThatIsClosedWaitsForAWhile() {
        try (Dialogue d = in(TcpState.FIN_WAIT_2, GUEST)) {
            assertThat(d.tcb.deadline()).isEqualTo(NEVER);
            assertThat(d.tcb.close(d.now)).isZero();
            assertThat(d.tcb.deadline()).isEqualTo(d.now + GUEST.finWait2());
            assertThat(d.tcb.onTimer(d.tcb.deadline() - 1)).isZero();
            assertThat(d.timer()).isEqualTo(Tcb.Events.CLOSED);
            assertThat(d.tcb.deadline()).isEqualTo(NEVER);
            d.silence();
        }
    }

    @Test
    void shuttingDownTwiceSendsOneFin() {
        try (Dialogue d = in(TcpState.CLOSE_WAIT, GUEST)) {
            d.tcb.shutdownOutput(d.now);
            assertThat(d.tcb.state()).isEqualTo(TcpState.LAST_ACK);
            d.tcb.shutdownOutput(d.now);
            assertThat(d.tcb.state()).isEqualTo(TcpState.LAST_ACK);
            d.one();
            d.silence();
        }
    }

    @Test
    void nothingCanBeGivenBackToAConnectionThatHasEnded() {
        try (Dialogue d = in(TcpState.ESTABLISHED, GUEST)) {
            d.peerData(1, 1, 100);
            d.tcb.abort(d.now);
            d.tcb.giveBack(MemorySegment.ofArray(new byte[100]), new long[] {0}, new int[] {100}, 1, 0);
            assertThat(d.shard.buffers().inUse()).isZero();
            d.one();
        }
    }

    @Test
    void theEndIsToldWhenTheLastByteIsTaken() {
        try (Dialogue d = in(TcpState.FIN_WAIT_2, GUEST)) {
            d.appetite = 4;
            assertThat(d.peer(FIN | ACK, 1, 2, 10, 65535)).isZero();
            d.one();
            assertThat(d.tcb.undelivered()).isEqualTo(6);
            d.appetite = 5;
            assertThat(d.tcb.drain(d.now)).isZero();
            d.appetite = 1;
            assertThat(d.tcb.drain(d.now))
                    .isEqualTo(Tcb.Events.REMOTE_CLOSED | Tcb.Events.CLOSED | Tcb.Events.TIME_WAIT);
            d.assertReceived(10);
            assertThat(d.tcb.drain(d.now)).isZero();
        }
    }

    /** Some systems send their FIN with every acknowledgment until it is heard. */
    @Test
    void acknowledgmentsCarryOurFinIfAskedFor() {
        TcpProfile repeating = GUEST.with(TcpTuning.DEFAULT.withRepeatFin(true));
        for (TcpProfile profile : new TcpProfile[] {GUEST, repeating}) {
            try (Dialogue d = in(TcpState.FIN_WAIT_1, profile)) {
                d.peerData(1, 1, 10);
                Sent ack = d.one();
                assertThat(ack.has(FIN)).isEqualTo(profile == repeating);
                assertThat(ack.seq()).isEqualTo(profile == repeating ? 1 : 2);
                d.peerData(500, 60_000, 10); // a challenge is a bare one
                assertThat(d.one().flags()).isEqualTo(ACK);
                d.peer(ACK, 11, 2);
                d.peerData(11, 2, 10);
                assertThat(d.one().flags()).isEqualTo(ACK);
            }
        }
    }

    // ---- Reports from the path

    /** RFC 5927 §4: an ICMP error is about something in flight, or a lie. */
    @Test
    void onlyWhatIsInFlightIsOutstanding() {
        try (Dialogue d = in(TcpState.ESTABLISHED, GUEST)) {
            assertThat(d.tcb.isOutstanding(d.iss + 1)).isFalse();
            d.write(10);
            d.one();
            assertThat(d.tcb.isOutstanding(d.iss)).isFalse();
            assertThat(d.tcb.isOutstanding(d.iss + 1)).isTrue();
            assertThat(d.tcb.isOutstanding(d.iss + 10)).isTrue();
            assertThat(d.tcb.isOutstanding(d.iss + 11)).isFalse();
        }
    }

    /** What ICMP tells is of packets; options of every segment have to fit as well, and nobody talks us into crumbs. */
    @Test
    void aSmallerPathCountsTheOptionsOfEverySegment() {
        try (Dialogue d = new Dialogue(TcpProfile.guest(1500), 1, 1)) {
            d.peerTimestamps = true;
            d.plain(true);
            assertThat(d.tcb.sendMss()).isEqualTo(1448);
            d.tcb.limitMss(1000, d.now);
            assertThat(d.tcb.sendMss()).isEqualTo(988);
            d.tcb.limitMss(1400, d.now);
            assertThat(d.tcb.sendMss()).isEqualTo(988);
            d.tcb.limitMss(20, d.now);
            assertThat(d.tcb.sendMss()).isEqualTo(52);
        }
        try (Dialogue d = in(TcpState.SYN_SENT, TcpProfile.guest(1500))) {
            d.tcb.limitMss(1000, d.now);
            d.peerTimestamps = true;
            d.peer(SYN | ACK, 0, 1, 0, 65535, Dialogue.mssOption(1460));
            assertThat(d.tcb.sendMss()).isEqualTo(988);
            d.one();
        }
    }

    // ---- Segments out

    @Test
    void aResetOfAnUnansweredSynNamesNoNumberOfOurs() {
        try (Dialogue d = new Dialogue(GUEST, 500, 7).held()) {
            d.tcb.abort(d.now);
            Sent reset = d.one();
            assertThat(reset.flags()).isEqualTo(RST | ACK);
            assertThat(reset.seq()).isEqualTo(-500);
        }
        try (Dialogue d = new Dialogue(GUEST, 500, 7).in(TcpState.SYN_RECEIVED)) {
            d.tcb.abort(d.now);
            assertThat(d.one().seq()).isEqualTo(1);
            assertThat(d.shard.counters().resetsOut).isEqualTo(1);
        }
    }

    /** Only a segment without payload has room for SACK, so the report of a hole is one of its own. */
    @Test
    void aHoleIsReportedBesideTheData() {
        try (Dialogue d = in(TcpState.ESTABLISHED, GUEST)) {
            d.write(10);
            d.peerData(101, 1, 10);
            d.transmit();
            Sent ack = d.sent.remove();
            assertThat(ack.length()).isZero();
            assertThat(ack.sack()).containsExactly(101, 111);
            Sent data = d.sent.remove();
            assertThat(data.flags()).isEqualTo(ACK | PSH);
            assertThat(data.length()).isEqualTo(10);
            assertThat(d.sent).isEmpty();
        }
    }

    @Test
    void aBudgetOfNothingLetsOnlyAcknowledgmentsOut() {
        try (Dialogue d = in(TcpState.ESTABLISHED, GUEST)) {
            d.write(10);
            d.peerData(1, 1, 10);
            d.tcb.transmit(d.now, 0);
            assertThat(d.sent.remove().ack()).isEqualTo(11);
            assertThat(d.sent).isEmpty();
            assertThat(d.one().length()).isEqualTo(10);
        }
    }

    // ---- Looking in

    @Test
    void itSaysWhatItKnows() {
        try (Dialogue d = new Dialogue(LAN, 11, 22).synReceived(Dialogue.mssOption(1000))) {
            d.pass(50 * MS);
            d.peer(ACK, 1, 1);
            assertThat(d.tcb.roundTripTime()).isEqualTo(50 * MS);
            assertThat(d.tcb.localPort()).isEqualTo(80);
            assertThat(d.tcb.remotePort()).isEqualTo(40000);
            assertThat(d.tcb.profile()).isSameAs(LAN);
            assertThat(d.tcb.sendMss()).isEqualTo(1000);
            d.write(1500);
            d.one();
            d.appetite = 3;
            d.peerData(1, 1, 10);
            d.peerData(21, 1, 5);
            Snapshot s = d.tcb.snapshot();
            assertThat(s.localPort()).isEqualTo(80);
            assertThat(s.remotePort()).isEqualTo(40000);
            assertThat(s.sendUnacknowledged()).isEqualTo(1);
            assertThat(s.sendNext()).isEqualTo(1001);
            assertThat(s.sendQueued()).isEqualTo(1501);
            assertThat(s.receiveNext()).isEqualTo(11);
            assertThat(s.receiveBuffered()).isEqualTo(7);
            assertThat(s.outOfOrder()).isEqualTo(5);
            assertThat(s.memory()).isEqualTo(d.shard.buffers().inUse()).isPositive();
            assertThat(s.smoothedRtt()).isEqualTo(50 * MS);
            assertThat(s.sack()).isFalse();
            assertThat(s.timestamps()).isFalse();
            assertThat(s.ecn()).isFalse();
            assertThat(d.tcb.sendNext()).isEqualTo(11 + 1001);
            assertThat(d.tcb.receiveNext()).isEqualTo(22 + 11);
            d.transmit();
            d.sent.clear();
        }
    }
}
