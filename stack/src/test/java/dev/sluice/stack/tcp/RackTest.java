package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.ACK;
import static dev.sluice.stack.tcp.Dialogue.MS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.Dialogue.Sent;
import dev.sluice.wire.TcpOptions;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How RACK learns: how long it waits for the late, whom it takes for an arrival, and what a timeout means to it (RFC 8985 §6). */
class RackTest {
    private static final TcpProfile LAN = TcpProfile.lan(1500).withTimestamps(false);
    private static final int MSS = 1460;
    private static final long RTT = 100 * MS;
    private static final byte[] SACK =
            Dialogue.join(Dialogue.mssOption(1460), Dialogue.options(TcpOptions.SACK_PERMITTED, 2));

    /** Established after two round trips of 100 ms; {@link #base} is the next byte. */
    private final Dialogue d;

    private long base = 1;

    RackTest() {
        d = new Dialogue(LAN, -9000, 77).synReceived(SACK);
        d.pass(RTT);
        d.peer(ACK, 1, 1);
        send(1);
        d.pass(RTT);
        ack(1);
        base = at(1);
    }

    private long at(int segment) {
        return base + (long) MSS * segment;
    }

    private void send(int segments) {
        d.write(segments * MSS);
        d.transmit();
        assertThat(d.sent).hasSize(segments);
        d.sent.clear();
    }

    /** All before segment {@code n} has arrived, and the segments from–to beyond it. */
    private void ack(int n, int... pieces) {
        long[] bounds = new long[pieces.length];
        for (int i = 0; i < pieces.length; i++) {
            bounds[i] = at(pieces[i]);
        }
        d.peer(ACK, 1, at(n), 0, 65535, pieces.length == 0 ? Dialogue.NO_OPTIONS : d.sack(bounds));
    }

    /** What leaves now, as numbers of segments. */
    private List<Integer> left() {
        d.transmit();
        List<Integer> out = d.sent.stream()
                .filter(s -> s.length() > 0)
                .map(Sent::seq)
                .map(seq -> (int) ((seq - base) / MSS))
                .toList();
        d.sent.clear();
        return out;
    }

    /** How long a hole is waited for: one segment is lost and found so. */
    private long patience() {
        base = d.tcb.snapshot().sendNext();
        send(2);
        d.pass(RTT);
        ack(0, 1, 2);
        long wait = d.tcb.deadline() - d.now;
        assertThat(left()).isEmpty();
        d.timer();
        assertThat(left()).containsExactly(0);
        return wait;
    }

    /** The last hole was none: its segment comes twice, or just late. */
    private void close(boolean twice) {
        d.pass(RTT);
        if (twice) {
            ack(2, 0, 1);
        } else {
            ack(2);
        }
        assertThat(d.tcb.snapshot().phase()).isEqualTo(Snapshot.Phase.OPEN);
    }

    /** The second of two comes first. */
    private void reorder() {
        base = d.tcb.snapshot().sendNext();
        send(2);
        d.pass(RTT);
        ack(0, 1, 2);
        ack(2);
        assertThat(left()).isEmpty();
    }

    @Test
    void everyNeedlessRetransmissionMakesMorePatientUpToARoundTrip() {
        reorder();
        for (int quarter = 1; quarter <= 6; quarter++) {
            assertThat(patience()).isEqualTo(Math.min(quarter, 4) * RTT / 4);
            close(true);
        }
        d.close();
    }

    @Test
    void sixteenRecoveriesInEarnestMakeImpatientAgain() {
        reorder();
        assertThat(patience()).isEqualTo(RTT / 4);
        close(true);
        for (int i = 0; i < 16; i++) {
            assertThat(patience()).as("recovery " + i).isEqualTo(RTT / 2);
            close(false);
        }
        assertThat(patience()).isEqualTo(RTT / 4);
        close(false);
        d.close();
    }

    /** §6.2 step 4: once per round trip. */
    @Test
    void severalReportsInARoundTripCountAsOne() {
        reorder();
        patience();
        d.pass(RTT);
        ack(2);
        send(2);
        d.pass(RTT);
        ack(2, 0, 1);
        ack(3, 0, 1);
        ack(4, 0, 1); // after it another round trip has begun
        assertThat(patience()).isEqualTo(3 * RTT / 4);
        close(false);
        d.close();
    }

    /** Two segments beyond a hole may be late ones; three are not, as long as the path was never seen to reorder. */
    @Test
    void twoSegmentsBeyondAHoleLeaveItTimeThreeDoNot() {
        send(4);
        d.pass(RTT);
        ack(0, 1, 3);
        assertThat(left()).isEmpty();
        assertThat(d.tcb.deadline() - d.now).isEqualTo(RTT / 4);
        ack(0, 1, 4);
        assertThat(left()).containsExactly(0);
        d.close();
    }

    @Test
    void aWayThatHasBecomeLongerIsBelievedAfterFiveMinutes() {
        for (boolean later : new boolean[] {false, true}) {
            RackTest t = new RackTest();
            t.longer(later);
        }
        d.close();
    }

    private void longer(boolean later) {
        d.pass(300_000 * MS + (later ? 1 : 0) - 8 * RTT);
        send(1);
        d.pass(4 * RTT);
        ack(1);
        base = at(1);
        send(3);
        d.pass(4 * RTT);
        ack(1, 2, 3);
        // A quarter of the shortest of the last minutes, and never more than the smoothed one.
        assertThat(d.tcb.deadline() - d.now)
                .isEqualTo(later ? Math.min(RTT, d.tcb.snapshot().smoothedRtt()) : RTT / 4);
        d.close();
    }

    /** What left later and came earlier is the measure; a late arrival of something older is not. */
    @Test
    void aLateArrivalDoesNotMakeTheNewestOneOlder() {
        send(2);
        d.pass(10 * MS);
        send(2);
        d.pass(RTT);
        ack(0, 3, 4);
        ack(0, 3, 4, 1, 2);
        d.pass(15 * MS);
        d.tcb.onTimer(d.now);
        assertThat(left()).containsExactly(0);
        assertThat(d.tcb.deadline() - d.now).isEqualTo(10 * MS);
        d.close();
    }

    /** A retransmission cannot have been answered in less than any round trip before: it was the first transmission that came. */
    @Test
    void anAnswerThatIsTooEarlyIsOfTheFirstTransmission() {
        for (boolean early : new boolean[] {true, false}) {
            RackTest t = new RackTest();
            t.answered(early ? RTT - MS : RTT, !early);
        }
        d.close();
    }

    private void answered(long after, boolean believed) {
        send(8);
        d.pass(RTT);
        ack(0, 1, 4);
        assertThat(left()).containsExactly(0);
        d.pass(after);
        ack(4);
        assertThat(left().contains(4)).isEqualTo(believed);
        d.close();
    }

    /** The echoed timestamp tells which transmission has arrived (§6.2 step 2). */
    @Test
    void anEchoOfTheFirstTransmissionIsNotAnAnswerToTheSecond() {
        for (long elapsed : new long[] {120, 121, 122, 221}) {
            try (Dialogue s = new Dialogue(LAN.withTimestamps(true), 5, 5)) {
                s.peerTimestamps = true;
                s.held(SACK);
                s.tcb.accept(s.now);
                int clock = s.one().tsVal();
                s.pass(RTT);
                s.peerEcho = clock;
                s.peer(ACK, 1, 1);
                int mss = s.tcb.sendMss();
                s.write(8 * mss);
                s.transmit();
                s.sent.clear();
                s.pass(RTT);
                s.peerEcho += 100;
                s.peer(ACK, 1, 1, 0, 65535, s.sack(1 + mss, 1 + 4L * mss));
                assertThat(s.one().seq()).isEqualTo(1);
                s.pass(120 * MS);
                s.peerEcho = clock + (int) (2 * RTT / MS + 120 - elapsed);
                s.peer(ACK, 1, 1 + 4L * mss);
                s.transmit();
                assertThat(s.sent.stream().anyMatch(x -> x.seq() == 1 + 4L * mss))
                        .as("after %d ms", elapsed)
                        .isEqualTo(elapsed <= 121);
                s.sent.clear();
            }
        }
        d.close();
    }

    // ---- Timeouts (§6.3)

    private void timeout() {
        long timeouts = d.shard.counters().timeouts;
        for (int i = 0; i < 3 && d.shard.counters().timeouts == timeouts; i++) {
            left();
            d.timer();
        }
        assertThat(d.shard.counters().timeouts).isEqualTo(timeouts + 1);
    }

    @Test
    void aTimeoutMeansWhatLeftARoundTripAgoOnly() {
        send(3);
        d.timer();
        d.write(MSS);
        assertThat(left()).containsExactly(3); // the probe
        d.pass(2 * RTT);
        send(1);
        timeout();
        assertThat(left()).containsExactly(0);
        d.pass(RTT / 2);
        ack(1);
        assertThat(left()).containsExactly(1);
        ack(2);
        assertThat(left()).containsExactly(2, 3);
        ack(4);
        assertThat(left()).isEmpty();
        ack(5);
        assertThat(d.tcb.snapshot().phase()).isEqualTo(Snapshot.Phase.OPEN);
        d.close();
    }

    @Test
    void whatArrivesAfterATimeoutNeedNotGoAgain() {
        for (boolean sacked : new boolean[] {false, true}) {
            RackTest t = new RackTest();
            t.arriving(sacked);
        }
        d.close();
    }

    private void arriving(boolean sacked) {
        send(5);
        timeout();
        assertThat(left()).containsExactly(0);
        d.pass(RTT);
        if (sacked) {
            ack(1, 2, 4);
            assertThat(left()).containsExactly(1, 4);
        } else {
            ack(3);
            assertThat(left()).startsWith(3);
        }
        d.close();
    }

    @Test
    void thePeerMayForgetWhatItReported() {
        send(5);
        d.pass(RTT);
        ack(0, 1, 5);
        assertThat(left()).containsExactly(0);
        d.pass(RTT);
        ack(1); // and it should have been all five
        timeout();
        assertThat(left()).containsExactly(1);
        d.pass(RTT);
        ack(2);
        assertThat(left()).containsExactly(2, 3);
        d.close();
    }

    @Test
    void aSmallerPathMakesAllGoAgainAtOnceInSmallerSegments() {
        long window = d.tcb.snapshot().congestionWindow();
        send(3);
        d.tcb.limitMss(1000, d.now);
        d.transmit();
        assertThat(d.sent.stream().map(Sent::length).toList()).containsExactly(1000, 1000, 1000, 1000, 380);
        d.sent.clear();
        assertThat(d.tcb.snapshot().congestionWindow()).isEqualTo(window);
        ack(3);
        assertThat(left()).isEmpty();
        d.close();
    }
}
