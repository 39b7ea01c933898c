package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.ACK;
import static dev.sluice.stack.tcp.Dialogue.FIN;
import static dev.sluice.stack.tcp.Dialogue.MS;
import static dev.sluice.stack.tcp.Dialogue.RST;
import static dev.sluice.stack.tcp.Dialogue.SYN;
import static dev.sluice.stack.tcp.Tcb.Events.ESTABLISHED;
import static dev.sluice.stack.tcp.Tcb.Events.REMOTE_CLOSED;
import static dev.sluice.stack.tcp.Tcb.Events.RESET;
import static dev.sluice.wire.TcpHeader.CWR;
import static dev.sluice.wire.TcpHeader.ECE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.Dialogue.Sent;
import dev.sluice.wire.TcpOptions;
import org.junit.jupiter.api.Test;

/**
 * What {@code SegmentTableTest}, which has every combination of flags, does not ask: what is counted, who is believed at the very edges,
 * and what only some profiles do.
 */
class ArrivalTest {
    private static final TcpProfile GUEST = TcpProfile.guest(1500).withTimestamps(false);
    private static final TcpProfile LAN = TcpProfile.lan(1500).withTimestamps(false);
    private static final TcpProfile SMALL = GUEST.withBuffers(1 << 14, 1 << 16);
    private static final int SMALL_WINDOW = (1 << 14) - (1 << 9);
    private static final TcpProfile TRUSTING = GUEST.with(TcpTuning.DEFAULT.withBlindAttackDefence(false));

    private static Dialogue in(TcpState state, TcpProfile profile) {
        return new Dialogue(profile, -3, 7).in(state);
    }

    @Test
    void everySegmentAndItsPayloadIsCounted() {
        try (Dialogue d = in(TcpState.ESTABLISHED, GUEST)) {
            TcpCounters counters = d.shard.counters();
            long before = counters.segmentsIn;
            d.peerData(1, 1, 100);
            d.peerData(101, 1, 50);
            assertThat(counters.segmentsIn - before).isEqualTo(2);
            assertThat(counters.bytesIn).isEqualTo(150);
            d.one();
        }
    }

    // ---- SYN-SENT

    @Test
    void whatDoesNotAnswerOurSynIsCountedUnderItsReason() {
        try (Dialogue d = in(TcpState.SYN_SENT, GUEST)) {
            TcpCounters counters = d.shard.counters();
            d.peer(SYN | ACK, 0, 2);
            assertThat(d.one().flags()).isEqualTo(RST);
            d.peer(RST | ACK, 0, 2);
            assertThat(counters.dropsBadAck).isEqualTo(2);
            d.peer(RST, 0, 0);
            d.peer(ACK, 0, 1);
            assertThat(counters.dropsBadFlags).isEqualTo(2);
            assertThat(counters.resetsIn).isZero();
            d.silence();
        }
    }

    @Test
    void anAnswerToASynThatHasNotLeftIsNotBelieved() {
        try (Dialogue d = new Dialogue(GUEST, 1, 1)) {
            d.tcb.openActive(0, 0, d.iss, d.now, 80, 40000);
            assertThat(d.peer(RST | ACK, 0, 1)).isZero();
            assertThat(d.peer(SYN | ACK, 0, 1)).isZero();
            assertThat(d.tcb.state()).isEqualTo(TcpState.SYN_SENT);
            d.transmit();
            assertThat(d.sent.remove().flags()).isEqualTo(RST);
            assertThat(d.sent.remove().flags()).isEqualTo(SYN);
        }
    }

    @Test
    void anAnswerToOurSynMayCarryDataAndTheEnd() {
        try (Dialogue d = in(TcpState.SYN_SENT, GUEST)) {
            assertThat(d.peer(SYN | ACK, 0, 1, 100, 65535, Dialogue.mssOption(1460)))
                    .isEqualTo(ESTABLISHED);
            d.assertReceived(100);
            assertThat(d.one().ack()).isEqualTo(101);
        }
        try (Dialogue d = in(TcpState.SYN_SENT, GUEST)) {
            assertThat(d.peer(SYN | ACK | FIN, 0, 1, 100, 65535)).isEqualTo(ESTABLISHED | REMOTE_CLOSED);
            d.assertReceived(100);
            assertThat(d.one().ack()).isEqualTo(102);
        }
    }

    // ---- Held

    @Test
    void aHeldSynIsTakenBackByItsExactResetOnly() {
        try (Dialogue d = new Dialogue(GUEST, 1, 1).held()) {
            assertThat(d.peer(RST, 2, 0)).isZero();
            assertThat(d.shard.counters().dropsOutsideWindow).isEqualTo(1);
            assertThat(d.peer(RST, 1, 0)).isEqualTo(RESET);
            d.silence();
        }
    }

    @Test
    void aNewerSynReplacesTheHeldOne() {
        try (Dialogue d = new Dialogue(GUEST, 1, 1).held(Dialogue.mssOption(1460))) {
            d.peer(SYN, 5000, 0, 0, 65535, Dialogue.mssOption(800));
            d.peer(SYN | ACK, 9000, 1);
            d.peer(ACK, 1, 1);
            d.peer(FIN, 1, 1);
            assertThat(d.shard.counters().dropsBadFlags).isEqualTo(3);
            d.tcb.accept(d.now);
            assertThat(d.one().ack()).isEqualTo(5001);
            assertThat(d.tcb.sendMss()).isEqualTo(800);
        }
    }

    /** However often it says so: what options take is taken off once, and there is always room for data. */
    @Test
    void aSynThatComesAgainAndAgainAgreesOnTheSameSegmentSize() {
        byte[] options = Dialogue.join(
                Dialogue.mssOption(72), Dialogue.options(1, 1, TcpOptions.TIMESTAMPS, 10, 0, 0, 0, 1, 0, 0, 0, 0));
        try (Dialogue d = new Dialogue(TcpProfile.guest(1500), 1, 1).held(options)) {
            for (int again = 0; again < 10; again++) {
                d.peer(SYN, 0, 0, 0, 65535, options);
            }
            d.tcb.accept(d.now);
            d.one();
            assertThat(d.tcb.sendMss()).isEqualTo(60);
        }
    }

    // ---- Resets

    /** RFC 5961 §3.2: the number we expect, or the one that we said we expect. */
    @Test
    void aResetIsBelievedAtTheNumberWeExpectOrLastAcknowledged() {
        for (int seq : new int[] {0, 1, 2, 100, 101, 102}) {
            try (Dialogue d = in(TcpState.ESTABLISHED, GUEST)) {
                d.peerData(1, 1, 100);
                assertThat(d.peer(RST, seq, 0)).isEqualTo(seq == 1 || seq == 101 ? RESET : 0);
                assertThat(d.shard.counters().challengeAcks).isEqualTo(seq == 102 ? 1 : 0);
                assertThat(d.shard.counters().dropsOutsideWindow).isEqualTo(seq == 0 || seq == 2 || seq == 100 ? 1 : 0);
                d.sent.clear();
            }
        }
    }

    @Test
    void aResetAtTheRightEdgeIsOutsideTheWindow() {
        for (int inside : new int[] {0, 1}) {
            try (Dialogue d = in(TcpState.ESTABLISHED, SMALL)) {
                assertThat(d.peer(RST, 1 + SMALL_WINDOW - inside, 0)).isZero();
                assertThat(d.shard.counters().challengeAcks).isEqualTo(inside);
                assertThat(d.shard.counters().dropsOutsideWindow).isEqualTo(1 - inside);
            }
        }
    }

    /** RFC 793 p. 37, for those who want it so. */
    @Test
    void withoutDefenceAResetAnywhereInTheWindowIsBelieved() {
        try (Dialogue d = in(TcpState.ESTABLISHED, TRUSTING)) {
            assertThat(d.peer(RST, 0, 0)).isZero();
            assertThat(d.peer(RST, 1000, 0)).isEqualTo(RESET);
            assertThat(d.shard.counters().resetsIn).isEqualTo(1);
        }
        try (Dialogue d = in(TcpState.ESTABLISHED, TRUSTING)) {
            assertThat(d.peer(SYN, 1000, 0)).isEqualTo(RESET);
            assertThat(d.one().has(RST)).isTrue();
        }
    }

    /** RFC 1337. */
    @Test
    void timeWaitIsNotCutShortByAReset() {
        for (TcpProfile profile : new TcpProfile[] {GUEST, TRUSTING}) {
            try (Dialogue d = in(TcpState.TIME_WAIT, profile)) {
                assertThat(d.peer(RST, 2, 0)).isZero();
                assertThat(d.shard.counters().dropsOutsideWindow).isEqualTo(1);
                assertThat(d.peer(RST, 1000, 0)).isZero();
                assertThat(d.tcb.state()).isEqualTo(TcpState.TIME_WAIT);
                assertThat(d.one().flags()).isEqualTo(ACK);
            }
        }
    }

    /** A peer uses the acknowledgment number of what it answers, which may have been under way when its FIN came. */
    @Test
    void aResetThatCrossedThePeersFinIsBelievedWhileSomethingIsInFlight() {
        try (Dialogue d = in(TcpState.CLOSE_WAIT, GUEST)) {
            assertThat(d.peer(RST, 1, 0)).isZero();
            d.write(10);
            d.transmit();
            d.sent.clear();
            assertThat(d.peer(RST, 0, 0)).isZero();
            assertThat(d.peer(RST, 1, 0)).isEqualTo(RESET);
        }
        try (Dialogue d = in(TcpState.LAST_ACK, GUEST)) {
            assertThat(d.peer(RST, 1, 0)).isZero();
            assertThat(d.peer(RST, 2, 0)).isEqualTo(RESET);
        }
        try (Dialogue d = in(TcpState.ESTABLISHED, GUEST)) {
            d.peerData(1, 1, 10);
            d.write(10);
            d.transmit();
            d.sent.clear();
            assertThat(d.peer(RST, 10, 0)).isZero();
        }
    }

    // ---- Acceptable or not

    @Test
    void aSynInTheWindowIsChallengedAndCounted() {
        try (Dialogue d = in(TcpState.ESTABLISHED, GUEST)) {
            assertThat(d.peer(SYN, 1000, 0)).isZero();
            assertThat(d.shard.counters().dropsBadFlags).isEqualTo(1);
            assertThat(d.one().flags()).isEqualTo(ACK);
            d.peer(FIN, 1, 0);
            assertThat(d.shard.counters().dropsBadFlags).isEqualTo(2);
            d.silence();
        }
    }

    @Test
    void aHandshakeThatAcknowledgesAnythingElseIsResetAndGoesOn() {
        try (Dialogue d = in(TcpState.SYN_RECEIVED, GUEST)) {
            assertThat(d.peer(ACK, 1, 2)).isZero();
            assertThat(d.shard.counters().dropsBadAck).isEqualTo(1);
            Sent reset = d.one();
            assertThat(reset.flags()).isEqualTo(RST);
            assertThat(reset.seq()).isEqualTo(2);
            assertThat(d.peer(ACK, 1, 1)).isEqualTo(ESTABLISHED);
        }
    }

    /** RFC 5961 §5.2: SND.UNA − MAX.SND.WND ≤ SEG.ACK ≤ SND.NXT. */
    @Test
    void anOldAcknowledgmentIsBelievedAsFarBackAsTheLargestWindow() {
        for (int older : new int[] {0, 1}) {
            try (Dialogue d = new Dialogue(GUEST, 1, 1).synReceived(Dialogue.mssOption(1460))) {
                int window = 65535;
                d.peer(ACK, 1, 1, 0, window);
                d.peerData(1, 1L - window - older, 10);
                assertThat(d.shard.counters().dropsBadAck).isEqualTo(older);
                d.assertReceived(older == 0 ? 10 : 0);
                d.one();
            }
        }
    }

    /** RFC 9293 §3.10.7.4, first check: such a segment is answered, and nothing in it counts. */
    @Test
    void whatTouchesTheWindowOnlyFromOutsideAcknowledgesNothing() {
        for (boolean left : new boolean[] {true, false}) {
            try (Dialogue d = in(TcpState.ESTABLISHED, SMALL)) {
                d.peerData(1, 1, 100);
                d.write(10);
                d.one();
                d.peerData(left ? 1 : 101 + SMALL_WINDOW, 11, 100);
                assertThat(d.shard.counters().dropsOutsideWindow).isEqualTo(1);
                assertThat(d.tcb.snapshot().sendUnacknowledged()).isEqualTo(1);
                assertThat(d.one().ack()).isEqualTo(101);
                d.assertReceived(100);
            }
        }
    }

    @Test
    void anAcknowledgmentOfTheFinThatCameAtAClosedWindowCounts() {
        try (Dialogue d = in(TcpState.ESTABLISHED, SMALL)) {
            d.appetite = 0;
            d.peerData(1, 1, SMALL_WINDOW);
            d.one();
            d.peer(FIN | ACK, 1 + SMALL_WINDOW, 1);
            assertThat(d.one().ack()).isEqualTo(2 + SMALL_WINDOW);
            d.write(10);
            d.one();
            d.peer(ACK, 2 + SMALL_WINDOW, 11);
            assertThat(d.tcb.snapshot().sendUnacknowledged()).isEqualTo(11);
        }
    }

    @Test
    void whatIsCutOffAtTheRightEdgeIsCounted() {
        try (Dialogue d = in(TcpState.ESTABLISHED, SMALL)) {
            d.appetite = 0;
            d.peerData(1, 1, SMALL_WINDOW);
            assertThat(d.shard.counters().dropsOutsideWindow).isZero();
            d.one();
            d.peerData(1 + SMALL_WINDOW, 1, 1);
            assertThat(d.shard.counters().dropsOutsideWindow).isEqualTo(1);
            d.one();
        }
    }

    /** What the field of an unscaled window cannot say is accepted as well, as soon as both sides know each other. */
    @Test
    void aLimitThatTheWindowFieldCannotSayIsBufferedAnyway() {
        TcpProfile wide = GUEST.with(TcpTuning.DEFAULT.withReceiveLimit(100_000));
        for (boolean active : new boolean[] {false, true}) {
            try (Dialogue d = new Dialogue(wide, 1, 1)) {
                if (active) {
                    d.in(TcpState.SYN_SENT);
                    assertThat(d.peer(SYN | ACK, 0, 1, 0, 65535, Dialogue.mssOption(1460)))
                            .isEqualTo(ESTABLISHED);
                    assertThat(d.one().window()).isEqualTo(65535);
                } else {
                    d.plain(true);
                }
                d.peerData(90_001, 1, 10_000);
                assertThat(d.tcb.snapshot().outOfOrder()).isEqualTo(10_000);
                d.peerData(100_001, 1, 1);
                assertThat(d.tcb.snapshot().outOfOrder()).isEqualTo(10_000);
                d.one();
            }
        }
    }

    // ---- Timestamps

    private static Dialogue stamped(TcpProfile profile) {
        Dialogue d = new Dialogue(profile.withTimestamps(true), 5, -5);
        d.peerTimestamps = true;
        return d.plain(true);
    }

    @Test
    void aSegmentFromThePastIsAnsweredAndNotTaken() {
        try (Dialogue d = stamped(GUEST)) {
            d.pass(1000 * MS);
            d.peerClock = 4999;
            d.peerData(1, 1, 100);
            assertThat(d.shard.counters().dropsPaws).isEqualTo(1);
            assertThat(d.one().ack()).isEqualTo(1);
            d.assertReceived(0);
            // After 24 days of silence a timestamp proves nothing any more.
            d.pass(24L * 86_400_000 * MS - 1000 * MS - 1);
            d.peerData(1, 1, 100);
            assertThat(d.shard.counters().dropsPaws).isEqualTo(2);
            d.one();
            d.pass(1);
            d.peerData(1, 1, 100);
            d.assertReceived(100);
            d.one();
        }
    }

    /** RFC 7323 §4.3: the echo is of what stands at the left edge that the peer knows of. */
    @Test
    void theEchoIsOfTheSegmentAtTheLeftEdge() {
        try (Dialogue d = stamped(GUEST)) {
            d.peerClock = 6000;
            d.peerData(1, 1, 100);
            d.peerClock = 6100;
            d.peerData(101, 1, 100);
            assertThat(d.one().tsEcr()).isEqualTo(6000);
        }
    }

    /** An acknowledgment of what was never sent teaches nothing. */
    @Test
    void anEchoIsNotTakenFromAnUnacceptableAcknowledgment() {
        try (Dialogue d = stamped(GUEST)) {
            d.peerClock = 9000;
            d.peerData(1, 50, 10);
            assertThat(d.shard.counters().dropsBadAck).isEqualTo(1);
            assertThat(d.one().tsEcr()).isEqualTo(5000);
        }
    }

    // ---- What came twice (RFC 2883)

    @Test
    void theFirstPartOfASegmentThatCameTwiceIsReported() {
        try (Dialogue d = in(TcpState.ESTABLISHED, LAN)) {
            d.peerData(1, 1, 1000);
            d.peerData(601, 1, 1000);
            Sent ack = d.one();
            assertThat(ack.ack()).isEqualTo(1601);
            assertThat(ack.sack()).containsExactly(601, 1001);
            d.assertReceived(1600);
            d.peerData(1501, 1, 100); // ends exactly where it is expected
            assertThat(d.one().sack()).containsExactly(1501, 1601);
        }
    }

    @Test
    void whatCameTwiceBeyondAHoleIsReportedBeforeTheHole() {
        try (Dialogue d = in(TcpState.ESTABLISHED, LAN)) {
            d.peerData(1001, 1, 1000);
            assertThat(d.one().sack()).containsExactly(1001, 2001);
            d.peerData(501, 1, 1000); // its last half
            assertThat(d.one().sack()).containsExactly(1001, 1501, 501, 2001);
            d.peerData(1901, 1, 300); // its first third
            assertThat(d.one().sack()).containsExactly(1901, 2001, 501, 2201);
            d.peerData(2201, 1, 100); // right after
            assertThat(d.one().sack()).containsExactly(501, 2301);
            d.peerData(401, 1, 100); // right before
            assertThat(d.one().sack()).containsExactly(401, 2301);
        }
    }

    @Test
    void theByteBeforeTheFirstIsAKeepAliveAndNothingThatCameTwice() {
        for (int length : new int[] {1, 101}) {
            try (Dialogue d = in(TcpState.ESTABLISHED, LAN.withDelayedAck(0))) {
                d.peerData(0, 1, length);
                Sent answer = d.one();
                assertThat(answer.ack()).isEqualTo(length);
                assertThat(answer.sack()).isEmpty();
            }
        }
    }

    @Test
    void whatIsRefusedForAnotherReasonDidNotComeTwice() {
        try (Dialogue d = stamped(LAN)) {
            d.peerClock = 4000;
            d.peerData(1, 1, 100);
            assertThat(d.one().sack()).isEmpty();
        }
        try (Dialogue d = in(TcpState.ESTABLISHED, LAN)) {
            d.peerData(2 << 20, 1, 100);
            assertThat(d.shard.counters().dropsOutsideWindow).isEqualTo(1);
            assertThat(d.one().sack()).isEmpty();
        }
    }

    // ---- When it is acknowledged

    @Test
    void oneFullSegmentMayWaitForItsAcknowledgmentMoreThanThatMayNot() {
        int most = LAN.mss();
        for (int length : new int[] {most, most + 1}) {
            try (Dialogue d = in(TcpState.ESTABLISHED, LAN)) {
                d.peerData(1, 1, length);
                d.transmit();
                assertThat(d.sent).hasSize(length - most);
                d.sent.clear();
            }
        }
    }

    /** RFC 9293 §3.8.6.3 permits the delay; some systems use it for a FIN that follows data they have heard. */
    @Test
    void anEndAfterDataMayWaitForItsAcknowledgmentIfAskedFor() {
        TcpProfile waiting = LAN.with(TcpTuning.DEFAULT.withDelayFin(true));
        for (TcpProfile profile : new TcpProfile[] {LAN, waiting}) {
            try (Dialogue d = in(TcpState.ESTABLISHED, profile)) {
                d.peerData(1, 1, 100);
                d.timer();
                d.one();
                d.peer(FIN | ACK, 101, 1);
                d.transmit();
                assertThat(d.sent).hasSize(profile == LAN ? 1 : 0);
                if (profile == waiting) {
                    assertThat(d.tcb.deadline()).isEqualTo(d.now + LAN.delayedAck());
                    d.timer();
                    assertThat(d.one().ack()).isEqualTo(102);
                }
                d.sent.clear();
            }
        }
        // At once: an end without any data, with data, and the answer to ours.
        try (Dialogue d = in(TcpState.ESTABLISHED, waiting)) {
            d.peer(FIN | ACK, 1, 1);
            assertThat(d.one().ack()).isEqualTo(2);
        }
        try (Dialogue d = in(TcpState.ESTABLISHED, waiting)) {
            d.peerData(1, 1, 100);
            d.timer();
            d.one();
            d.peer(FIN | ACK, 101, 1, 10, 65535);
            assertThat(d.one().ack()).isEqualTo(112);
        }
        try (Dialogue d = in(TcpState.ESTABLISHED, waiting)) {
            d.peerData(1, 1, 100);
            d.tcb.shutdownOutput(d.now);
            d.one();
            d.peer(FIN | ACK, 101, 1);
            assertThat(d.one().ack()).isEqualTo(102);
        }
    }

    @Test
    void anEndIsNoDataForAUserWhoIsGone() {
        try (Dialogue d = in(TcpState.ESTABLISHED, GUEST)) {
            d.tcb.close(d.now);
            d.one();
            d.peer(ACK, 1, 2);
            assertThat(d.peer(FIN | ACK, 1, 2)).isEqualTo(REMOTE_CLOSED | Tcb.Events.CLOSED | Tcb.Events.TIME_WAIT);
            assertThat(d.one().flags()).isEqualTo(ACK);
        }
    }

    /** RFC 3168 §6.1.4, §6.1.5: only data is sent with ECT, so a mark on anything else is somebody's mistake. */
    @Test
    void onlyAMarkOnDataIsReported() {
        TcpProfile request = LAN.withEcn(TcpProfile.Ecn.REQUEST).withDelayedAck(0);
        try (Dialogue d = in(TcpState.SYN_SENT, request)) {
            d.peerMarked = true;
            d.peer(SYN | ACK | ECE, 0, 1, 0, 65535, Dialogue.mssOption(1460));
            d.one();
            d.peer(ACK, 1, 1);
            d.peerMarked = false;
            assertThat(d.shard.counters().congestionMarksIn).isZero();
            d.peerData(1, 1, 10);
            assertThat(d.one().flags()).isEqualTo(ACK);
            d.peerMarked = true;
            d.peerData(11, 1, 10);
            d.peerMarked = false;
            assertThat(d.one().flags()).isEqualTo(ACK | ECE);
            assertThat(d.shard.counters().congestionMarksIn).isEqualTo(1);
            d.peer(ACK | CWR, 21, 1, 10, 65535);
            assertThat(d.one().flags()).isEqualTo(ACK);
        }
    }
}
