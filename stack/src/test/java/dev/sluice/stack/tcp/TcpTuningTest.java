package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.ACK;
import static dev.sluice.stack.tcp.Dialogue.FIN;
import static dev.sluice.stack.tcp.Dialogue.NO_OPTIONS;
import static dev.sluice.stack.tcp.Dialogue.RST;
import static dev.sluice.stack.tcp.Dialogue.SYN;
import static dev.sluice.wire.TcpHeader.CWR;
import static dev.sluice.wire.TcpHeader.ECE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.stack.tcp.Dialogue.Sent;
import dev.sluice.wire.TcpOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What imitates other stacks, and that ours does not do it unasked. */
class TcpTuningTest {
    private static final TcpTuning OURS = TcpTuning.DEFAULT;
    private static final TcpProfile LAN =
            TcpProfile.lan(1500).withTimestamps(false).withDelayedAck(0);

    private static Dialogue asking(TcpTuning tuning) {
        Dialogue d = new Dialogue(LAN.with(tuning).withEcn(TcpProfile.Ecn.REQUEST), 9, 9);
        d.tcb.openActive(0, 0, d.iss, d.now, 80, 40000);
        return d;
    }

    private static Dialogue reporting(TcpTuning tuning) {
        Dialogue d = new Dialogue(LAN.with(tuning), -5, 7);
        int length = d.build(SYN | ECE | CWR, 0, 0, 0, 65535, Dialogue.mssOption(1460));
        d.tcb.openPassive(0, 0, d.input(), 2, length, d.iss, d.now);
        d.tcb.accept(d.now);
        d.one();
        d.peer(ACK, 1, 1);
        d.peerMarked = true;
        d.peerData(1, 1, 10);
        assertThat(d.one().flags()).isEqualTo(ACK | ECE);
        d.peerMarked = false;
        return d;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void soManySynsAskForEcn(int syns) {
        try (Dialogue d = asking(OURS.withEcnSyns(syns))) {
            for (int i = 0; i < 4; i++) {
                assertThat(d.one().flags()).isEqualTo(i < syns ? SYN | ECE | CWR : SYN);
                d.timer();
            }
        }
    }

    @Test
    void reportsWithoutDataCountOnlyIfAskedFor() {
        try (Dialogue ours = reporting(OURS);
                Dialogue other = reporting(OURS.withBareReports(true))) {
            ours.peer(ACK | CWR, 11, 1);
            ours.silence();
            ours.peerData(11, 1, 1);
            assertThat(ours.one().flags()).isEqualTo(ACK | ECE);
            other.peer(ACK | CWR, 11, 1);
            other.silence();
            other.peerData(11, 1, 1);
            assertThat(other.one().flags()).isEqualTo(ACK);
            other.peerMarked = true;
            other.peer(ACK, 12, 1);
            other.silence();
            other.peerMarked = false;
            other.peerData(12, 1, 1);
            assertThat(other.one().flags()).isEqualTo(ACK | ECE);
        }
    }

    @Test
    void aReactionIsAcknowledgedAtOnceOnlyIfAskedFor() {
        TcpTuning both = OURS.withBareReports(true).withAcknowledgeReaction(true);
        try (Dialogue d = reporting(both)) {
            d.peer(ACK | CWR, 11, 1);
            assertThat(d.one().flags()).isEqualTo(ACK);
            d.silence();
        }
    }

    @Test
    void aReactionOnAMarkedSegmentIsFollowedByAReport() {
        try (Dialogue d = reporting(OURS.withAcknowledgeReaction(true))) {
            d.peerMarked = true;
            d.peer(ACK | CWR, 11, 1, 10, 65535);
            assertThat(d.one().flags()).isEqualTo(ACK | ECE);
        }
    }

    @Test
    void aSynNeedNotTellTheLargestSegment() {
        try (Dialogue d = new Dialogue(LAN.with(OURS.withTellMss(false)).withSack(false), 1, 1).in(TcpState.SYN_SENT)) {
            d.timer();
            assertThat(d.one().mss()).isNegative();
            d.peer(SYN | ACK, 0, 1);
            d.one();
            assertThat(d.tcb.sendMss()).isEqualTo(LAN.defaultMss());
        }
    }

    @ParameterizedTest
    @CsvSource({"true, 12", "false, 11"})
    void aFinInASynOfBothMayBeForgotten(boolean keeps, long acknowledged) {
        try (Dialogue d = new Dialogue(LAN.with(OURS.withKeepFinOfSyn(keeps)), 1, 1).in(TcpState.SYN_SENT)) {
            d.peer(SYN | FIN, 0, 0, 10, 65535, NO_OPTIONS);
            assertThat(d.one().ack()).isEqualTo(1);
            d.peer(ACK, 11, 1);
            assertThat(d.one().ack()).isEqualTo(acknowledged);
            assertThat(d.tcb.undelivered()).isZero();
            d.assertReceived(10);
            assertThat(d.tcb.state()).isEqualTo(keeps ? TcpState.CLOSE_WAIT : TcpState.ESTABLISHED);
        }
    }

    @Test
    void aCloseWithUnreadDataMayEndInOrder() {
        try (Dialogue d = new Dialogue(LAN.with(OURS.withResetUnread(false)), 1, 1).plain(true)) {
            d.appetite = 0;
            d.peerData(1, 1, 10);
            d.one();
            assertThat(d.tcb.close(d.now)).isZero();
            Sent fin = d.one();
            assertThat(fin.flags()).isEqualTo(FIN | ACK);
            assertThat(fin.ack()).isEqualTo(11);
            assertThat(d.tcb.undelivered()).isZero();
            assertThat(d.peer(ACK, 11, 2)).isZero();
            assertThat(d.peer(FIN | ACK, 11, 2)).isEqualTo(EVERYTHING);
            assertThat(d.one().ack()).isEqualTo(12);
            d.assertReceived(0);
        }
    }

    private static final int EVERYTHING = Tcb.Events.REMOTE_CLOSED | Tcb.Events.CLOSED | Tcb.Events.TIME_WAIT;

    @Test
    void butDataThatComesAfterwardsIsRefused() {
        try (Dialogue d = new Dialogue(LAN.with(OURS.withResetUnread(false)), 1, 1).plain(true)) {
            d.appetite = 0;
            d.peerData(1, 1, 10);
            d.peerData(21, 1, 10);
            d.transmit();
            d.tcb.close(d.now);
            d.transmit();
            d.sent.clear();
            assertThat(d.peerData(11, 2, 10)).isEqualTo(Tcb.Events.CLOSED);
            assertThat(d.one().flags()).isEqualTo(RST);
        }
    }

    @ParameterizedTest
    @CsvSource({"true, 1031", "false, 1032"})
    void windowsMayLoseTheirLowBits(boolean down, int field) {
        TcpTuning tuning = OURS.withReceiveLimit(66_000).withWindowShift(6).withRoundWindowsDown(down);
        try (Dialogue d = new Dialogue(LAN.with(tuning), 1, 1).in(TcpState.SYN_SENT)) {
            byte[] scaled = Dialogue.join(Dialogue.mssOption(1000), Dialogue.options(TcpOptions.WINDOW_SCALE, 3, 7));
            d.peer(SYN | ACK, 0, 1, 0, 65535, scaled);
            assertThat(d.one().window()).isEqualTo(field);
            assertThat(d.tcb.fullWindow()).isEqualTo(field);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 11000", "2, 12000", "10, 20000"})
    void slowStartGrowsBySoManySegmentsForAnAcknowledgment(int segments, long window) {
        TcpProfile profile = LAN.with(OURS.withSlowStartSegments(segments));
        try (Dialogue d = new Dialogue(profile, 1, 1).established(Dialogue.mssOption(1000))) {
            d.write(20_000);
            d.transmit();
            assertThat(d.sent).hasSize(10);
            d.peer(ACK, 1, 10_001);
            assertThat(d.tcb.snapshot().congestionWindow()).isEqualTo(window);
        }
    }

    private static Dialogue writing(TcpTuning.SmallSegments mode) {
        return new Dialogue(LAN.with(OURS.withSmallSegments(mode)), 1, 1).established(Dialogue.mssOption(1000));
    }

    @Test
    void strictlyASmallSegmentWaitsForAllInFlight() {
        try (Dialogue d = writing(TcpTuning.SmallSegments.STRICT)) {
            d.write(1500);
            assertThat(d.one().length()).isEqualTo(1000);
            d.peer(ACK, 1, 1001);
            assertThat(d.one().length()).isEqualTo(500);
        }
    }

    @Test
    void inMinshallsVariantItWaitsForSmallOnes() {
        try (Dialogue d = writing(TcpTuning.SmallSegments.MINSHALL)) {
            d.write(1500);
            assertThat(d.next().length()).isEqualTo(1000);
            assertThat(d.one().length()).isEqualTo(500);
            d.write(1200);
            assertThat(d.one().length()).isEqualTo(1000);
            d.peer(ACK, 1, 1001);
            d.silence();
            d.peer(ACK, 1, 1501);
            assertThat(d.one().length()).isEqualTo(200);
        }
    }

    @Test
    void inABurstItWaitsForNothingThatBeganWithIt() {
        try (Dialogue d = writing(TcpTuning.SmallSegments.BURST)) {
            d.write(1500);
            assertThat(d.next().length()).isEqualTo(1000);
            assertThat(d.one().length()).isEqualTo(500);
            d.write(200);
            d.silence();
            d.peer(ACK, 1, 1001);
            d.silence();
            d.peer(ACK, 1, 1501);
            assertThat(d.one().length()).isEqualTo(200);
        }
    }

    @ParameterizedTest
    @CsvSource({"true, 200000000", "false, 3000000000"})
    void theAnswerToASynAckNeedNotBeASample(boolean timed, long timeout) {
        TcpProfile profile = LAN.with(OURS.withTimeSynAck(timed).withRtoSlop(timed ? 0 : 500_000_000L))
                .withRto(3_000_000_000L, 200_000_000L, 60_000_000_000L);
        try (Dialogue d = new Dialogue(profile, 1, 1)) {
            int length = d.build(SYN, 0, 0, 0, 65535, Dialogue.mssOption(1000));
            d.tcb.openPassive(0, 0, d.input(), 2, length, d.iss, d.now);
            d.tcb.accept(d.now);
            d.one();
            d.pass(1_000_000L);
            d.peer(ACK, 1, 1);
            assertThat(d.tcb.snapshot().smoothedRtt() > 0).isEqualTo(timed);
            assertThat(d.tcb.snapshot().rto()).isEqualTo(timeout);
            d.write(100);
            d.one();
            long sent = d.now;
            d.timer();
            assertThat(d.now - sent).isEqualTo(timeout);
            d.one();
            // The slop is added to what has backed off.
            assertThat(d.tcb.snapshot().rto()).isEqualTo(timed ? 2 * timeout : 2 * timeout + 500_000_000L);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aSynInTimeWaitIsTreatedByTheRulesOfItsConnection(boolean defence) {
        TcpProfile profile = LAN.with(OURS.withBlindAttackDefence(defence));
        for (int flags : new int[] {SYN, SYN | ACK, SYN | FIN}) {
            try (Dialogue d = new Dialogue(profile, 1, 1).in(TcpState.TIME_WAIT)) {
                TimeWaitTable table = new TimeWaitTable(d.shard, 10);
                table.add(1, 2, d.tcb, d.now);
                int length = d.build(flags, 2, 2, 0, 100, NO_OPTIONS);
                assertThat(table.onSegment(1, 2, d.input(), 2, length, d.now)).isEqualTo(20);
                Segment answer = new Segment();
                answer.read(d.shard.header(), TcpShard.HEADER_AT, 20);
                assertThat(answer.flags).isEqualTo(defence ? ACK : RST | ACK);
                assertThat(answer.sequence).isEqualTo(d.iss + 2);
                assertThat(answer.acknowledgment).isEqualTo(d.peerIss + 2);
                assertThat(answer.window).isEqualTo(defence ? 65535 : 0);
                assertThat(table.contains(1, 2, d.now)).isEqualTo(defence);
                assertThat(table.contains(1, 2, d.now + profile.timeWait())).isFalse();
                // Outside the window nothing ends it.
                table.add(1, 2, d.tcb, d.now);
                int old = d.build(flags, 1, 2, 0, 100, NO_OPTIONS);
                table.onSegment(1, 2, d.input(), 2, old, d.now);
                assertThat(table.contains(1, 2, d.now)).isTrue();
            }
        }
    }

    @Test
    void numbersHaveBounds() {
        assertThat(OURS.withEcnSyns(100).ecnSyns()).isEqualTo(100);
        assertThat(OURS.withSlowStartSegments(1000).slowStartSegments()).isEqualTo(1000);
        assertThatIllegalArgumentException().isThrownBy(() -> OURS.withEcnSyns(-1));
        assertThatIllegalArgumentException().isThrownBy(() -> OURS.withEcnSyns(101));
        assertThatIllegalArgumentException().isThrownBy(() -> OURS.withSlowStartSegments(0));
        assertThatIllegalArgumentException().isThrownBy(() -> OURS.withSlowStartSegments(1001));
    }
}
