package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.ACK;
import static dev.sluice.stack.tcp.Dialogue.FIN;
import static dev.sluice.stack.tcp.Dialogue.MS;
import static dev.sluice.stack.tcp.Dialogue.PSH;
import static dev.sluice.wire.TcpHeader.CWR;
import static dev.sluice.wire.TcpHeader.ECE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.Dialogue.Sent;
import dev.sluice.stack.tcp.Snapshot.Phase;
import dev.sluice.wire.TcpOptions;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the sender decides at the edges: exact times, exact lengths, what it counts and what it says of itself. */
class SenderTest {
    private static final int MSS = 1460;
    private static final TcpProfile LAN = TcpProfile.lan(1500).withTimestamps(false);
    private static final TcpProfile GUEST = TcpProfile.guest(1500).withTimestamps(false);
    private static final byte[] SACK =
            Dialogue.join(Dialogue.mssOption(MSS), Dialogue.options(TcpOptions.SACK_PERMITTED, 2));

    /** Established after a handshake of one round trip. */
    private static Dialogue after(TcpProfile profile, long rtt, byte... options) {
        Dialogue d = new Dialogue(profile, -2000, 5).synReceived(options);
        d.pass(rtt);
        d.peer(ACK, 1, 1);
        d.silence();
        return d;
    }

    private static List<Long> starts(Dialogue d) {
        d.transmit();
        List<Long> out =
                d.sent.stream().filter(s -> s.length() > 0).map(Sent::seq).toList();
        d.sent.clear();
        return out;
    }

    private static Phase phase(Dialogue d) {
        return d.tcb.snapshot().phase();
    }

    @Test
    void aSynSentAgainIsCountedAndBacksOff() {
        try (Dialogue d = new Dialogue(LAN, 3, 3)) {
            d.tcb.openActive(0, 0, d.iss, d.now, 80, 40000);
            d.one();
            long first = d.tcb.deadline() - d.now;
            assertThat(d.tcb.onTimer(d.now + first - 1)).isZero();
            d.silence();
            d.timer();
            d.one();
            assertThat(d.tcb.deadline() - d.now).isEqualTo(2 * first);
            d.timer();
            d.one();
            assertThat(d.shard.counters().timeouts).isEqualTo(2);
            assertThat(d.shard.counters().retransmits).isEqualTo(2);
            assertThat(d.tcb.snapshot().retransmissions()).isEqualTo(2);
        }
    }

    /** RFC 6298 §5.3, §5.5, and §5.1 for what a retransmission leaves in flight. */
    @Test
    void theTimerBeginsAnewWithEveryAcknowledgmentAndRetransmission() {
        try (Dialogue d = after(GUEST, 100 * MS, Dialogue.mssOption(MSS))) {
            d.write(8 * MSS);
            d.transmit();
            d.sent.clear();
            d.pass(50 * MS);
            d.peer(ACK, 1, 1 + MSS);
            assertThat(d.tcb.deadline() - d.now).isEqualTo(d.tcb.snapshot().rto());
            d.pass(50 * MS);
            for (int i = 0; i < 3; i++) {
                d.peer(ACK, 1, 1 + MSS);
            }
            assertThat(starts(d)).containsExactly(1L + MSS);
            assertThat(d.tcb.deadline() - d.now).isEqualTo(d.tcb.snapshot().rto());
            assertThat(d.shard.counters().duplicateAcksIn).isEqualTo(3);
            assertThat(d.shard.counters().retransmits).isEqualTo(1);
            assertThat(d.tcb.snapshot().retransmissions()).isEqualTo(1);
        }
    }

    /** RFC 9293 §3.8.6.1: the first probe after a retransmission timeout, however long nothing was sent before. */
    @Test
    void aClosedWindowIsProbedAfterATimeout() {
        try (Dialogue d = after(LAN, 100 * MS, SACK)) {
            d.peer(ACK, 1, 1, 0, 0);
            d.pass(7000 * MS);
            d.write(10);
            assertThat(d.tcb.wantsTransmit()).isTrue();
            d.silence();
            assertThat(d.tcb.wantsTransmit()).isFalse();
            assertThat(d.tcb.deadline() - d.now).isEqualTo(d.tcb.snapshot().rto());
            assertThat(d.tcb.snapshot().sendWindow()).isZero();
            d.timer();
            assertThat(d.tcb.wantsTransmit()).isTrue();
            assertThat(d.one().length()).isZero();
            assertThat(d.shard.counters().zeroWindowProbes).isEqualTo(1);
        }
    }

    /** RFC 9293 §3.8.6.2.1: half of the largest window is worth a segment, less is not. */
    @Test
    void halfOfTheLargestWindowIsWorthASegment() {
        for (int window : new int[] {199, 200}) {
            try (Dialogue d = new Dialogue(LAN, 1, 1)) {
                int length = d.build(Dialogue.SYN, 0, 0, 0, 400, Dialogue.mssOption(MSS));
                d.tcb.openPassive(0, 0, d.input(), 2, length, d.iss, d.now);
                d.tcb.accept(d.now);
                d.one();
                d.peer(ACK, 1, 1, 0, 400);
                d.write(1000);
                assertThat(d.one().length()).isEqualTo(400);
                d.peer(ACK, 1, 401, 0, window);
                assertThat(starts(d)).hasSize(window == 200 ? 1 : 0);
            }
        }
    }

    /** A budget is kept in whole segments; one that is used up lets nothing out, not even what was lost. */
    @Test
    void aBudgetEndsWithAWholeSegment() {
        try (Dialogue d = after(GUEST, 10 * MS, Dialogue.mssOption(MSS))) {
            d.write(5 * MSS);
            d.tcb.transmit(d.now, 2 * MSS + 100);
            assertThat(d.sent.stream().mapToInt(Sent::length).sum()).isBetween(2 * MSS, 3 * MSS);
            assertThat(d.sent.stream().mapToInt(Sent::length).allMatch(n -> n % MSS == 0))
                    .isTrue();
            d.transmit();
            d.sent.clear();
            d.timer();
            assertThat(d.tcb.wantsTransmit()).isTrue();
            d.tcb.transmit(d.now, 0);
            assertThat(d.sent).isEmpty();
            d.tcb.transmit(d.now, MSS);
            assertThat(d.sent.remove().seq()).isEqualTo(1);
            assertThat(d.sent).isEmpty();
        }
    }

    /** RFC 6675: what was lost goes once; an acknowledgment of a part of it changes nothing about the rest. */
    @Test
    void aPartialAcknowledgmentSendsNothingTwiceWithSack() {
        try (Dialogue d = after(GUEST, 10 * MS, SACK)) {
            d.write(6 * MSS);
            d.transmit();
            d.sent.clear();
            d.peer(ACK, 1, 1, 0, 65535, d.sack(1 + MSS, 1 + 2 * MSS, 1 + 3 * MSS, 1 + 6 * MSS));
            assertThat(starts(d)).containsExactly(1L, 1L + 2 * MSS);
            d.peer(ACK, 1, 1 + 2 * MSS, 0, 65535, d.sack(1 + 3 * MSS, 1 + 6 * MSS));
            assertThat(starts(d)).isEmpty();
            d.peer(ACK, 1, 1 + 6 * MSS);
            assertThat(phase(d)).isEqualTo(Phase.OPEN);
        }
    }

    /** RFC 5681 §4.1: after a pause of more than a timeout the window is that of a beginning. */
    @Test
    void afterAPauseTheWindowIsThatOfABeginning() {
        for (boolean pause : new boolean[] {false, true}) {
            try (Dialogue d = after(LAN, 100 * MS, SACK)) {
                for (int i = 0; i < 3; i++) {
                    d.write(20 * MSS);
                    d.transmit();
                    d.sent.clear();
                    d.pass(100 * MS);
                    while (d.tcb.snapshot().sendUnacknowledged()
                            < d.tcb.snapshot().sendNext()) {
                        d.peer(
                                ACK,
                                1,
                                Math.min(
                                        d.tcb.snapshot().sendUnacknowledged() + 2 * MSS,
                                        d.tcb.snapshot().sendNext()));
                    }
                }
                d.write(MSS);
                d.transmit();
                d.sent.clear();
                d.peer(ACK, 1, d.tcb.snapshot().sendNext());
                long grown = d.tcb.snapshot().congestionWindow();
                assertThat(grown).isGreaterThan(10 * MSS);
                d.pass(pause ? d.tcb.snapshot().rto() + 1 : d.tcb.snapshot().rto());
                d.write(MSS);
                d.transmit();
                assertThat(d.tcb.snapshot().congestionWindow()).isEqualTo(pause ? 10 * MSS : grown);
                d.sent.clear();
            }
        }
    }

    /** RFC 8985 §7.2: a single segment may be acknowledged late, so its probe waits for that. */
    @Test
    void theProbeOfASingleSegmentWaitsForADelayedAcknowledgment() {
        try (Dialogue one = after(LAN, 300 * MS, SACK);
                Dialogue two = after(LAN, 300 * MS, SACK)) {
            one.write(MSS);
            one.transmit();
            two.write(MSS + 1);
            two.tcb.shutdownOutput(two.now);
            two.transmit();
            assertThat(one.tcb.deadline() - one.now).isEqualTo(800 * MS);
            assertThat(two.tcb.deadline() - two.now).isEqualTo(600 * MS);
            two.timer();
            assertThat(two.tcb.wantsTransmit()).isTrue();
            two.sent.clear();
            Sent probe = two.one();
            assertThat(probe.flags()).isEqualTo(ACK | PSH | FIN);
            assertThat(probe.seq()).isEqualTo(2);
            assertThat(two.tcb.wantsTransmit()).isFalse();
        }
    }

    @Test
    void thePhaseSaysWhatTheSenderThinksOfThePath() {
        try (Dialogue d = after(LAN, 100 * MS, SACK)) {
            assertThat(phase(d)).isEqualTo(Phase.OPEN);
            d.write(10 * MSS);
            d.transmit();
            d.sent.clear();
            d.pass(100 * MS);
            d.peer(ACK, 1, 1, 0, 65535, d.sack(1 + MSS, 1 + 2 * MSS));
            assertThat(phase(d)).isEqualTo(Phase.DISORDER);
            assertThat(d.tcb.snapshot().sacked()).isEqualTo(MSS);
            d.peer(ACK, 1, 1, 0, 65535, d.sack(1 + MSS, 1 + 4 * MSS));
            assertThat(phase(d)).isEqualTo(Phase.RECOVERY);
            assertThat(starts(d)).startsWith(1L);
            d.peer(ACK, 1, d.tcb.snapshot().sendNext());
            assertThat(phase(d)).isEqualTo(Phase.OPEN);
            d.write(10 * MSS);
            d.transmit();
            d.sent.clear();
            d.timer();
            d.transmit();
            d.timer();
            assertThat(phase(d)).isEqualTo(Phase.LOSS);
        }
        try (Dialogue d = new Dialogue(LAN, 1, 1).plain(false)) {
            d.write(4 * MSS);
            d.transmit();
            d.sent.clear();
            d.peer(ACK, 1, 1);
            assertThat(phase(d)).isEqualTo(Phase.DISORDER);
        }
    }

    private static Dialogue marked(TcpProfile profile) {
        Dialogue d = new Dialogue(profile, 1, 1);
        int length = d.build(Dialogue.SYN | ECE | CWR, 0, 0, 0, 65535, SACK);
        d.tcb.openPassive(0, 0, d.input(), 2, length, d.iss, d.now);
        d.tcb.accept(d.now);
        d.one();
        d.pass(100 * MS);
        d.peer(ACK, 1, 1);
        d.silence();
        return d;
    }

    /** RFC 3168 §6.1.2, RFC 9438 §4.6: seven tenths of what was in flight. */
    @Test
    void aReportOfCongestionLeavesSevenTenthsOfWhatWasInFlight() {
        try (Dialogue d = marked(LAN)) {
            d.write(10 * MSS);
            d.transmit();
            d.sent.clear();
            d.peer(ACK | ECE, 1, 1 + 2 * MSS);
            assertThat(d.tcb.snapshot().threshold()).isEqualTo((long) (8 * MSS * 0.7));
            assertThat(phase(d)).isEqualTo(Phase.REDUCED);
            assertThat(d.shard.counters().congestionEchoes).isEqualTo(1);
            d.peer(ACK | ECE, 1, 1 + 4 * MSS);
            assertThat(d.shard.counters().congestionEchoes).isEqualTo(1);
        }
    }

    /** Some systems confirm a reduction on a retransmission, ours on new data (RFC 3168 §6.1.2). */
    @Test
    void theReductionIsConfirmedOnNewDataUnlessToldOtherwise() {
        TcpProfile resending = LAN.with(TcpTuning.DEFAULT.withReportWhenResending(true));
        for (TcpProfile profile : List.of(LAN, resending)) {
            try (Dialogue d = marked(profile)) {
                d.write(6 * MSS);
                d.transmit();
                d.sent.clear();
                d.pass(100 * MS);
                d.peer(ACK, 1, 1, 0, 65535, d.sack(1 + MSS, 1 + 6 * MSS));
                Sent again = d.one();
                assertThat(again.seq()).isEqualTo(1);
                assertThat(again.length()).isEqualTo(MSS);
                assertThat(again.has(CWR)).isEqualTo(profile == resending);
                d.peer(ACK, 1, 1 + 6 * MSS);
                d.write(2 * MSS);
                d.transmit();
                assertThat(d.sent.remove().has(CWR)).isEqualTo(profile == LAN);
                assertThat(d.sent.remove().has(CWR)).isFalse();
            }
        }
    }

    @Test
    void someSystemsWaitALittleLongerThanTheirTimeout() {
        TcpProfile sloppy = GUEST.with(TcpTuning.DEFAULT.withRtoSlop(200 * MS));
        try (Dialogue d = after(sloppy, 100 * MS, SACK)) {
            d.write(10);
            d.transmit();
            assertThat(d.tcb.snapshot().rto()).isEqualTo(300 * MS + 200 * MS);
            assertThat(d.tcb.deadline() - d.now).isEqualTo(d.tcb.snapshot().rto());
            d.sent.clear();
        }
    }

    /** RFC 9293 §3.10.7.4: a segment that is older than the one that set the window tells nothing about it. */
    @Test
    void anOlderSegmentDoesNotChangeTheWindow() {
        try (Dialogue d = new Dialogue(LAN.withDelayedAck(0), 1, 1).plain(true)) {
            d.peerData(1, 1, 10);
            d.peer(ACK, 11, 1, 10, 5000);
            assertThat(d.tcb.snapshot().sendWindow()).isEqualTo(5000);
            d.peer(ACK, 1, 1, 30, 9000); // it begins before, and brings ten bytes
            assertThat(d.tcb.snapshot().sendWindow()).isEqualTo(5000);
            d.peer(ACK, 31, 1, 0, 6000);
            assertThat(d.tcb.snapshot().sendWindow()).isEqualTo(6000);
            d.peer(ACK, 31, 1, 0, 4000);
            assertThat(d.tcb.snapshot().sendWindow()).isEqualTo(4000);
            d.sent.clear();
        }
    }

    /** RFC 9937: in recovery as much leaves as has arrived, in proportion to the reduction, and no more. */
    @Test
    void recoverySendsInProportionToWhatArrives() {
        try (Dialogue d = after(LAN.withCongestionControl(TcpProfile.Congestion.NEW_RENO), 100 * MS, SACK)) {
            d.write(20 * MSS);
            d.transmit();
            d.sent.clear();
            d.pass(100 * MS);
            d.peer(ACK, 1, 1, 0, 65535, d.sack(1 + MSS, 1 + 4 * MSS));
            assertThat(starts(d)).containsExactly(1L);
            assertThat(d.tcb.snapshot().threshold()).isEqualTo(5 * MSS);
            int more = 0;
            for (int i = 5; i <= 10; i++) {
                d.peer(ACK, 1, 1, 0, 65535, d.sack(1 + MSS, 1 + (long) i * MSS));
                more += starts(d).size();
            }
            // Nine of ten have arrived: half as many have left again, the retransmission among them.
            assertThat(more).isBetween(3, 4);
            d.peer(ACK, 1, 1 + 10 * MSS);
            assertThat(d.tcb.snapshot().congestionWindow()).isEqualTo(5 * MSS);
            d.transmit();
            d.sent.clear();
        }
    }

    /** RFC 3168 §6.1.2: the peer hears of a reduction whatever its reason was. */
    @Test
    void aTimeoutIsReportedWithTheNextNewData() {
        try (Dialogue d = marked(LAN)) {
            d.write(MSS);
            d.transmit();
            while (d.shard.counters().timeouts == 0) {
                d.timer();
                d.transmit();
            }
            assertThat(d.sent).noneMatch(s -> s.has(CWR));
            d.sent.clear();
            d.peer(ACK, 1, 1 + MSS);
            d.write(MSS);
            assertThat(d.one().has(CWR)).isTrue();
        }
    }

    @Test
    void whatWasTooLargeForThePathGoesAgainUnderATimerOfItsOwn() {
        try (Dialogue d = after(GUEST.withSuperSegment(0), 100 * MS, SACK)) {
            d.write(MSS);
            d.one();
            d.pass(100 * MS);
            d.tcb.limitMss(MSS, d.now); // nothing new
            d.silence();
            d.tcb.limitMss(1000, d.now);
            assertThat(d.tcb.deadline() - d.now).isEqualTo(d.tcb.snapshot().rto());
            d.transmit();
            assertThat(d.sent.stream().mapToInt(Sent::length).sum()).isEqualTo(MSS);
            assertThat(d.sent.stream().mapToInt(Sent::length).max()).hasValue(1000);
            d.sent.clear();
        }
    }

    @Test
    void whatWasLostGoesAgainInOneSuperSegmentWhereTheLinkCutsIt() {
        try (Dialogue d = after(GUEST, 10 * MS, SACK)) {
            d.write(10 * MSS);
            d.transmit();
            d.sent.clear();
            d.peer(ACK, 1, 1, 0, 65535, d.sack(1 + 4 * MSS, 1 + 10 * MSS));
            Sent again = d.one();
            assertThat(again.seq()).isEqualTo(1);
            assertThat(again.length()).isEqualTo(4 * MSS);
        }
    }

    /**
     * A peer that took back some of its window would find an acknowledgment with SND.NXT beyond it (RFC 9293 §3.4); low bits that
     * its scale has cut off do not count.
     */
    @Test
    void anAcknowledgmentStaysWithinAWindowThatWasTakenBack() {
        for (int scale : new int[] {0, 7}) {
            byte[] options =
                    Dialogue.join(Dialogue.mssOption(MSS), Dialogue.options(TcpOptions.WINDOW_SCALE, 3, scale));
            for (int window : new int[] {1024, 2944, 3072}) {
                try (Dialogue d = after(GUEST, 10 * MS, options)) {
                    d.write(3000);
                    d.transmit();
                    d.sent.clear();
                    d.peer(ACK, 1, 1, 10, window >> scale);
                    boolean within = window == 1024 || (window == 2944 && scale == 0);
                    assertThat(d.one().seq()).isEqualTo(within ? 1 + window : 3001);
                }
            }
        }
    }
}
