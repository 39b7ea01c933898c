package dev.sluice.stack.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.Dialogue.Sent;
import org.junit.jupiter.api.Test;

/** An acknowledgment waits for the answer that carries it, where answers come soon; and nobody waits twice for one that does not come. */
class AnswerTest {
    private static final long MS = Dialogue.MS;
    private static final long WAIT = 6 * MS;
    /** An answer within half the wait is one that comes soon. */
    private static final long SOON = WAIT / 2 - 1;

    private static final TcpProfile WAITING = TcpProfile.guest(1500).withAnswerWait(WAIT);

    /** Established with a server that took so long to connect to. */
    private static Dialogue behind(long connecting, TcpProfile profile) {
        Dialogue d = new Dialogue(profile, 7, -200).held(Dialogue.mssOption(1460));
        d.pass(connecting);
        d.tcb.accept(d.now);
        assertThat(d.one().ack()).isEqualTo(1);
        d.peer(Dialogue.ACK, 1, 1);
        d.silence();
        return d;
    }

    private static Dialogue near() {
        return behind(SOON, WAITING);
    }

    private static Dialogue far() {
        return behind(SOON + 1, WAITING);
    }

    private long asked;
    private long answered;

    /** The peer says 100 bytes more. */
    private void ask(Dialogue d) {
        d.peer(Dialogue.ACK | Dialogue.PSH, 1 + asked, 1 + answered, 100, 65535);
        asked += 100;
    }

    /** 50 bytes come of it, {@code after} ns later. */
    private void answer(Dialogue d, long after) {
        d.pass(after);
        d.write(50);
        answered += 50;
        Sent s = d.one();
        assertThat(s.ack()).isEqualTo(1 + asked);
        assertThat(s.length()).isEqualTo(50);
    }

    private void assertAcknowledgedAtOnce(Dialogue d) {
        Sent s = d.one();
        assertThat(s.ack()).isEqualTo(1 + asked);
        assertThat(s.length()).isZero();
    }

    private void assertWaits(Dialogue d) {
        d.silence();
        assertThat(d.tcb.deadline()).isEqualTo(d.now + WAIT);
    }

    @Test
    void theAnswerOfANearServerCarriesTheAcknowledgmentFromTheFirstRequestOn() {
        try (Dialogue d = near()) {
            for (int i = 0; i < 5; i++) {
                ask(d);
                assertWaits(d);
                answer(d, SOON);
            }
            d.assertReceived(500);
        }
    }

    @Test
    void aFarServersAnswersAreNotWaitedFor() {
        try (Dialogue d = far()) {
            for (int i = 0; i < 5; i++) {
                ask(d);
                assertAcknowledgedAtOnce(d);
                answer(d, SOON + 1);
            }
        }
    }

    @Test
    void whoAnswersSoonThreeTimesIsWaitedForTheFourth() {
        try (Dialogue d = far()) {
            for (int i = 0; i < 3; i++) {
                ask(d);
                assertAcknowledgedAtOnce(d);
                answer(d, SOON);
            }
            ask(d);
            assertWaits(d);
        }
    }

    @Test
    void aSlowAnswerEndsTheHabit() {
        try (Dialogue d = near()) {
            ask(d);
            answer(d, SOON + 1);
            for (int i = 0; i < 3; i++) {
                ask(d);
                assertAcknowledgedAtOnce(d);
                answer(d, 0);
            }
            ask(d);
            assertWaits(d);
        }
    }

    @Test
    void anAnswerThatDoesNotComeIsWaitedForOnce() {
        try (Dialogue d = near()) {
            ask(d);
            assertWaits(d);
            d.timer();
            assertAcknowledgedAtOnce(d);
            assertThat(d.tcb.deadline()).isEqualTo(Long.MAX_VALUE);
            for (int i = 0; i < 5; i++) {
                ask(d);
                assertAcknowledgedAtOnce(d);
            }
        }
    }

    /** A writer with Nagle's algorithm, whose second small segment leaves only when the first is acknowledged. */
    @Test
    void twoSegmentsInARowEndTheHabitAndAreAcknowledgedAtOnce() {
        try (Dialogue d = near()) {
            ask(d);
            assertWaits(d);
            ask(d);
            assertAcknowledgedAtOnce(d);
            answer(d, 0);
            ask(d);
            assertAcknowledgedAtOnce(d);
        }
    }

    @Test
    void twoSegmentsOfWhichEachWasAcknowledgedAreNoHabitEither() {
        try (Dialogue d = far()) {
            for (int i = 0; i < 5; i++) {
                ask(d);
                assertAcknowledgedAtOnce(d);
                ask(d);
                assertAcknowledgedAtOnce(d);
                answer(d, 0);
            }
        }
    }

    /** The rest waits for that, with Nagle's algorithm. */
    @Test
    void aSegmentThatIsNotAllIsAcknowledgedAtOnce() {
        try (Dialogue d = near()) {
            d.peerData(1, 1, 1460);
            asked = 1460;
            assertAcknowledgedAtOnce(d);
        }
    }

    @Test
    void whoMayHardlySayMoreIsAnsweredAtOnce() {
        try (Dialogue d = behind(SOON, WAITING.withMss(40_000, 536))) {
            d.peer(Dialogue.ACK | Dialogue.PSH, 1, 1, 40_000, 65535); // a window of 65,535, as the peer does not scale
            asked = 40_000;
            assertAcknowledgedAtOnce(d);
        }
    }

    @Test
    void afterOurEndNoAnswerIsWaitedFor() {
        try (Dialogue d = near()) {
            d.tcb.shutdownOutput(d.now);
            assertThat(d.one().has(Dialogue.FIN)).isTrue();
            ask(d);
            assertAcknowledgedAtOnce(d);
        }
    }

    @Test
    void severalSegmentsAtATimeAreAcknowledgedAtOnce() {
        try (Dialogue d = near()) {
            d.peer(Dialogue.ACK | Dialogue.PSH, 1, 1, 4000, 65535);
            asked = 4000;
            assertAcknowledgedAtOnce(d);
        }
    }

    @Test
    void dataThatNobodyAskedForIsNoAnswer() {
        try (Dialogue d = far()) {
            for (int i = 0; i < 5; i++) {
                d.write(50);
                answered += 50;
                assertThat(d.one().length()).isEqualTo(50);
            }
            ask(d);
            assertAcknowledgedAtOnce(d);
        }
    }

    @Test
    void anEndWaitsForTheOtherSides() {
        try (Dialogue d = near()) {
            ask(d);
            answer(d, 0);
            d.peer(Dialogue.FIN | Dialogue.ACK, 1 + asked, 1 + answered);
            assertWaits(d);
            d.tcb.shutdownOutput(d.now);
            Sent fin = d.one();
            assertThat(fin.has(Dialogue.FIN)).isTrue();
            assertThat(fin.ack()).isEqualTo(2 + asked);
        }
    }

    @Test
    void anEndOfWhichNothingComesIsAcknowledgedInTime() {
        try (Dialogue d = near()) {
            ask(d);
            answer(d, 0);
            d.peer(Dialogue.FIN | Dialogue.ACK, 1 + asked, 1 + answered);
            assertWaits(d);
            d.timer();
            assertThat(d.one().ack()).isEqualTo(2 + asked);
        }
    }

    @Test
    void anEndWhereNoAnswerIsWaitedForIsAcknowledgedAtOnce() {
        try (Dialogue d = far()) {
            ask(d);
            assertAcknowledgedAtOnce(d);
            d.peer(Dialogue.FIN | Dialogue.ACK, 1 + asked, 1);
            assertThat(d.one().ack()).isEqualTo(2 + asked);
        }
    }

    @Test
    void anEndWithDataIsAcknowledgedAtOnce() {
        try (Dialogue d = near()) {
            d.peer(Dialogue.FIN | Dialogue.ACK, 1, 1, 100, 65535);
            assertThat(d.one().ack()).isEqualTo(102);
        }
    }

    @Test
    void whereNothingWasSaidOfAnswersNothingWaits() {
        try (Dialogue d = behind(0, TcpProfile.guest(1500))) {
            for (int i = 0; i < 5; i++) {
                ask(d);
                assertAcknowledgedAtOnce(d);
                answer(d, 0);
            }
        }
    }
}
