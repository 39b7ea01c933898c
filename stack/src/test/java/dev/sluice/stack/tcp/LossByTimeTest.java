package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.ACK;
import static dev.sluice.stack.tcp.Dialogue.FIN;
import static dev.sluice.stack.tcp.Dialogue.MS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.Dialogue.Sent;
import dev.sluice.wire.TcpOptions;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** RACK and the tail loss probe (RFC 8985) with an MSS of 1460 and a round trip of 100 ms. */
class LossByTimeTest {
    private static final TcpProfile LAN = TcpProfile.lan(1500).withTimestamps(false);
    private static final int MSS = 1460;
    private static final long RTT = 100 * MS;

    /** Established, one round trip measured, nothing in flight; the next byte is 1 + MSS. */
    private static Dialogue measured(int isn) {
        Dialogue d = new Dialogue(LAN, isn, 77)
                .synReceived(Dialogue.join(Dialogue.mssOption(1460), Dialogue.options(TcpOptions.SACK_PERMITTED, 2)));
        d.pass(RTT);
        d.peer(ACK, 1, 1);
        d.write(MSS);
        assertThat(d.one().length()).isEqualTo(MSS);
        d.pass(RTT);
        d.peer(ACK, 1, 1 + MSS);
        d.silence();
        return d;
    }

    private static long at(int segment) {
        return 1 + (long) MSS * (segment + 1);
    }

    private static List<Long> starts(Dialogue d) {
        List<Long> out =
                d.sent.stream().filter(s -> s.length() > 0).map(Sent::seq).toList();
        d.sent.clear();
        return out;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, Integer.MAX_VALUE - 3000, -3000, Integer.MIN_VALUE})
    void aHoleIsLostWhenWhatCameAfterItHasHadItsTime(int isn) {
        try (Dialogue d = measured(isn)) {
            d.write(2 * MSS);
            d.transmit();
            assertThat(starts(d)).containsExactly(at(0), at(1));
            d.pass(RTT);
            // One segment beyond a hole is not three: only time can tell.
            d.peer(ACK, 1, at(0), 0, 65535, d.sack(at(1), at(2)));
            d.silence();
            assertThat(d.tcb.deadline()).isEqualTo(d.now + RTT / 4);
            d.timer();
            d.transmit();
            assertThat(starts(d)).containsExactly(at(0));
            assertThat(d.shard.counters().fastRetransmits).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -4000})
    void threeSegmentsBeyondAHoleNeedNoPatience(int isn) {
        try (Dialogue d = measured(isn)) {
            d.write(5 * MSS);
            d.transmit();
            starts(d);
            d.pass(RTT);
            d.peer(ACK, 1, at(0), 0, 65535, d.sack(at(1), at(4)));
            d.transmit();
            assertThat(starts(d)).containsExactly(at(0));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -4000})
    void aLateSegmentTeachesThatThePathReorders(int isn) {
        try (Dialogue d = measured(isn)) {
            d.write(5 * MSS);
            d.transmit();
            starts(d);
            d.pass(RTT);
            d.peer(ACK, 1, at(0), 0, 65535, d.sack(at(1), at(2)));
            d.pass(5 * MS);
            d.peer(ACK, 1, at(2)); // the hole is filled without a retransmission
            d.write(5 * MSS);
            d.transmit();
            starts(d);
            d.pass(RTT);
            d.peer(ACK, 1, at(5));
            d.peer(ACK, 1, at(5), 0, 65535, d.sack(at(6), at(9)));
            // Now three beyond the hole are no proof any more, a quarter of a round trip is.
            d.silence();
            d.pass(RTT / 4 - MS);
            d.tcb.onTimer(d.now);
            d.silence();
            d.timer();
            d.transmit();
            assertThat(starts(d)).containsExactly(at(5));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -4000})
    void aLostRetransmissionIsSeenWithoutATimeout(int isn) {
        try (Dialogue d = measured(isn)) {
            d.write(8 * MSS);
            d.transmit();
            starts(d);
            d.pass(RTT);
            d.peer(ACK, 1, at(0), 0, 65535, d.sack(at(1), at(4)));
            d.write(3 * MSS);
            d.transmit();
            assertThat(starts(d)).startsWith(at(0)).doesNotHaveDuplicates();
            d.pass(MS);
            d.peer(ACK, 1, at(0), 0, 65535, d.sack(at(1), at(8)));
            d.transmit();
            starts(d);
            d.pass(RTT);
            // Data that left after the retransmission has come, the retransmission has not.
            d.peer(ACK, 1, at(0), 0, 65535, d.sack(at(1), at(10)));
            d.transmit();
            assertThat(starts(d)).contains(at(0));
            assertThat(d.shard.counters().timeouts).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -4000})
    void theLastSegmentGoesAgainAfterTwoRoundTrips(int isn) {
        try (Dialogue d = measured(isn)) {
            d.write(3 * MSS);
            d.tcb.shutdownOutput(d.now);
            d.transmit();
            starts(d);
            assertThat(d.tcb.deadline()).isEqualTo(d.now + 2 * RTT);
            d.timer();
            Sent probe = d.one();
            assertThat(probe.seq() + probe.length()).isEqualTo(at(3));
            assertThat(probe.has(FIN)).isTrue();
            assertThat(d.shard.counters().tailProbes).isEqualTo(1);
            assertThat(d.shard.counters().timeouts).isZero();
            // The peer had missed the last two; its report makes the first of them go again at once.
            d.pass(RTT);
            d.peer(ACK, 1, at(1), 0, 65535, d.sack(probe.seq(), at(3) + 1));
            d.transmit();
            assertThat(starts(d)).containsExactly(at(1));
            d.peer(ACK, 1, at(3) + 1);
        }
    }

    /** RFC 8985 §7.3: the FIN is the last segment, however small, and the peer may have waited with its acknowledgment. */
    @ParameterizedTest
    @ValueSource(ints = {0, -4000})
    void aFinAloneGoesAgainAsAProbeBeforeTheTimeout(int isn) {
        try (Dialogue d = measured(isn)) {
            long window = d.tcb.snapshot().congestionWindow();
            d.tcb.shutdownOutput(d.now);
            Sent fin = d.one();
            assertThat(fin.has(FIN)).isTrue();
            d.timer();
            Sent probe = d.one();
            assertThat(probe.has(FIN)).isTrue();
            assertThat(probe.seq()).isEqualTo(fin.seq());
            assertThat(probe.length()).isZero();
            assertThat(d.shard.counters().tailProbes).isEqualTo(1);
            assertThat(d.shard.counters().timeouts).isZero();
            d.pass(RTT);
            assertThat(d.peer(ACK, 1, at(0) + 1)).isZero();
            d.silence();
            assertThat(d.tcb.state()).isEqualTo(TcpState.FIN_WAIT_2);
            assertThat(d.tcb.snapshot().congestionWindow()).isGreaterThanOrEqualTo(window);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -4000})
    void aShortRoundTripIsNoReasonToProbeWithinMilliseconds(int isn) {
        try (Dialogue d = new Dialogue(LAN, isn, 77).plain(true)) {
            d.write(3 * MSS);
            d.transmit();
            d.pass(MS / 10);
            d.peer(ACK, 1, 1 + MSS);
            assertThat(d.tcb.deadline() - d.now).isGreaterThanOrEqualTo(10 * MS);
            d.sent.clear();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -4000})
    void newDataIsTheBetterProbe(int isn) {
        try (Dialogue d = measured(isn)) {
            d.write(MSS + 10); // Nagle holds the rest
            d.transmit();
            assertThat(starts(d)).containsExactly(at(0));
            d.timer();
            Sent probe = d.one();
            assertThat(probe.seq()).isEqualTo(at(1));
            assertThat(probe.length()).isEqualTo(10);
            d.peer(ACK, 1, at(1) + 10);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aProbeThatRepairedALossSlowsDownOneThatDidNotDoesNot(boolean lost) {
        try (Dialogue d = measured(5)) {
            d.write(MSS);
            d.transmit();
            starts(d);
            long before = d.tcb.snapshot().congestionWindow();
            d.timer();
            assertThat(d.one().seq()).isEqualTo(at(0));
            d.pass(RTT);
            d.peer(ACK, 1, at(1));
            if (!lost) {
                d.peer(ACK, 1, at(1), 0, 65535, d.sack(at(0), at(1))); // it came twice
            }
            d.write(MSS);
            d.transmit();
            starts(d);
            d.pass(RTT);
            d.peer(ACK, 1, at(2));
            if (lost) {
                assertThat(d.tcb.snapshot().congestionWindow()).isLessThan(before);
            } else {
                assertThat(d.tcb.snapshot().congestionWindow()).isGreaterThanOrEqualTo(before);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -4000})
    void withoutAnyAnswerTheTimeoutFollowsTheProbe(int isn) {
        try (Dialogue d = measured(isn)) {
            d.write(3 * MSS);
            d.transmit();
            starts(d);
            d.timer();
            assertThat(starts(d.transmit())).containsExactly(at(2));
            d.timer();
            assertThat(d.shard.counters().timeouts).isEqualTo(1);
            assertThat(starts(d.transmit())).containsExactly(at(0));
            d.pass(RTT);
            d.peer(ACK, 1, at(1));
            assertThat(starts(d.transmit())).containsExactly(at(1), at(2));
            d.peer(ACK, 1, at(3));
            d.silence();
            assertThat(d.tcb.deadline()).isEqualTo(Long.MAX_VALUE);
        }
    }

    /** RFC 6937: with half of the flight lost, each report lets leave about what the threshold asks for, no burst and no silence. */
    @ParameterizedTest
    @ValueSource(ints = {0, -4000})
    void recoverySpreadsItsSegmentsOverTheRoundTrip(int isn) {
        try (Dialogue d = measured(isn)) {
            int flight = 10;
            d.write(100 * MSS);
            d.transmit();
            int first = starts(d).size();
            assertThat(first).isBetween(flight, flight + 1);
            d.pass(RTT);
            int sent = 0;
            for (int i = 1; i < first; i++) {
                d.peer(ACK, 1, at(0), 0, 65535, d.sack(at(1), at(i + 1)));
                d.transmit();
                int now = starts(d).size();
                assertThat(now).isLessThanOrEqualTo(2);
                sent += now;
            }
            // About 0.7 of what was in flight: CUBIC's threshold.
            assertThat(sent).isBetween((int) (0.6 * first), (int) (0.85 * first));
        }
    }
}
