package dev.sluice.stack.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What RACK takes for arrived and for lost (RFC 8985 §6), byte by byte, without a connection around it. */
class RackMarksTest {
    private static final int MSS = 1000;
    private static final long MS = Dialogue.MS;
    private static final long RTT = 100 * MS;

    private final TcpShard shard = new TcpShard(new Dialogue.CountingMemory(), 1 << 20, new Random(1));
    private final Rack rack = new Rack(shard);
    private long una = 1;
    private long nxt = 1;

    /** {@code length} new bytes left at {@code at} ms. */
    private void sent(int length, long at) {
        rack.onSent(nxt, nxt + length, at * MS);
        nxt += length;
    }

    private void acknowledged(long to, long now) {
        int acked = (int) (to - una);
        una = to;
        rack.onAdvance(una, acked, MSS, -1, now * MS);
    }

    private void reported(long left, long right, long now) {
        IntervalSet set = rack.sacked;
        if (set == null) {
            set = shard.takeIntervals();
            rack.sacked = set;
        }
        rack.onSacked(left, right, -1, now * MS);
        set.add(left, right);
    }

    private boolean lossSeen(long now) {
        return rack.lossSeen(una, nxt, MSS, RTT, now * MS);
    }

    /** What is lost, as pairs of bounds; all of it is sent again. */
    private List<Long> lost(long now) {
        List<Long> bounds = new ArrayList<>();
        for (long from = rack.next(una, nxt, MSS); from >= 0; from = rack.next(una, nxt, MSS)) {
            long to = rack.endOfLoss(from, una, nxt, MSS);
            bounds.add(from);
            bounds.add(to);
            rack.onRetransmitted(from, to, now * MS);
        }
        return bounds;
    }

    private List<Long> lostFast(long now) {
        assertThat(lossSeen(now)).isTrue();
        rack.beginFast(una, nxt);
        return lost(now);
    }

    private void timeout(long now) {
        rack.beginTimeout(una, nxt, RTT, now * MS);
    }

    // ---- Arrivals (§6.2 steps 1 to 3)

    /** What left with the next run has not arrived with this one: the path has not reordered anything. */
    @Test
    void anAcknowledgmentUpToWhereTheNextRunBeginsIsNoArrivalOfIt() {
        sent(MSS, 0);
        sent(MSS, 10);
        acknowledged(1001, 100);
        acknowledged(2001, 110);
        sent(4 * MSS, 110);
        reported(3001, 6001, 210);
        assertThat(lostFast(210)).containsExactly(2001L, 3001L);
    }

    /** Of one run the last byte is the newest, in whatever order its segments arrive. */
    @Test
    void whatArrivesLateOfARunMakesTheNewestArrivalNoOlder() {
        sent(10 * MSS, 0);
        reported(5001, 6001, 100);
        reported(1001, 2001, 100);
        assertThat(lossSeen(100)).isFalse();
        assertThat(rack.timer()).isEqualTo(125 * MS);
        assertThat(lostFast(125)).containsExactly(1L, 1001L, 2001L, 5001L);
    }

    /** The shortest round trip is forgotten five minutes after it was last seen, not after it was first seen. */
    @Test
    void theShortestRoundTripSeenAgainIsAsGoodAsNew() {
        sent(MSS, 0);
        acknowledged(1001, 100);
        sent(MSS, 200_000);
        acknowledged(2001, 200_100);
        sent(MSS, 300_200);
        acknowledged(3001, 300_600);
        sent(3 * MSS, 301_000);
        reported(4001, 6001, 301_400);
        assertThat(lossSeen(301_400)).isFalse();
        assertThat(rack.timer()).isEqualTo((301_400 + 25) * MS);
    }

    // ---- Losses (step 5)

    @Test
    void theTimerIsForWhatIsMissingAndNotForWhatThePeerHolds() {
        sent(MSS, 0);
        sent(MSS, 10);
        sent(MSS, 20);
        sent(MSS, 30);
        reported(1001, 2001, 110);
        reported(3001, 4001, 130);
        assertThat(lossSeen(130)).isTrue();
        assertThat(rack.timer()).isEqualTo(145 * MS);
    }

    /** Nothing of what left behind the newest arrival, at the same moment, is late yet. */
    @Test
    void behindTheNewestArrivalOfItsMomentNothingIsWaitedFor() {
        sent(2 * MSS, 0);
        reported(1001, 2001, 100);
        reported(1, 1001, 100); // later than what came after it
        acknowledged(2001, 100);
        sent(2 * MSS, 200);
        timeout(1000);
        assertThat(lost(1000)).containsExactly(2001L, 4001L);
        acknowledged(3001, 1100);
        assertThat(lossSeen(1100)).isFalse();
        assertThat(rack.timer()).isEqualTo(Sender.NEVER);
    }

    /** A run that begins with something the peer holds: what goes again begins after that. */
    @Test
    void whatThePeerHoldsIsNeverLost() {
        sent(MSS, 0);
        sent(2 * MSS, 10);
        sent(MSS, 50);
        rack.onRetransmitted(1, 1001, 140 * MS);
        reported(1001, 2001, 145);
        reported(3001, 4001, 150);
        assertThat(lossSeen(150)).isTrue();
        rack.beginFast(una, nxt);
        assertThat(rack.next(una, 2001, MSS)).as("within the window").isEqualTo(LossRecovery.NONE);
        assertThat(rack.next(una, 2002, MSS)).isEqualTo(2001);
        assertThat(lost(150)).containsExactly(2001L, 3001L);
    }

    @Test
    void everyByteThatWasLostCountsOnceInTheMark() {
        sent(10 * MSS, 0);
        assertThat(rack.lossMark(una, MSS)).isZero();
        reported(5001, 6001, 100);
        reported(1001, 2001, 100);
        assertThat(lossSeen(125)).isTrue();
        assertThat(rack.lossMark(una, MSS)).isEqualTo(4 * MSS);
        assertThat(rack.pipe(una, nxt, MSS)).isEqualTo(4 * MSS);
        reported(7001, 8001, 126);
        lossSeen(151);
        assertThat(rack.lossMark(una, MSS)).isEqualTo(5 * MSS);
    }

    // ---- Timeouts (§6.3)

    /** As long as nothing has arrived, nothing tells what is a long time: all that left is lost. */
    @Test
    void aTimeoutOfTheFirstFlightMeansAllOfIt() {
        sent(2 * MSS, 0);
        sent(2 * MSS, 10);
        timeout(1000);
        assertThat(lost(1000)).containsExactly(1L, 4001L);
    }

    /** Also if it left less than a round trip ago, as where the last one measured was an uncommonly long one. */
    @Test
    void aTimeoutMeansWhatIsFirstInAnyCase() {
        sent(MSS, 0);
        acknowledged(1001, 1000);
        sent(2 * MSS, 1000);
        sent(MSS, 1001);
        timeout(1200);
        assertThat(lost(1200)).containsExactly(1001L, 3001L);
    }

    @Test
    void whatIsTooLargeForThePathGoesAgainEvenIfThePeerHadReportedAndForgottenIt() {
        sent(4 * MSS, 0);
        reported(2001, 3001, 100);
        acknowledged(2001, 101);
        rack.loseAll(una, nxt);
        assertThat(lost(101)).containsExactly(2001L, 4001L);
    }

    // ---- Memory

    private final List<Object> pooled = new ArrayList<>();

    /** The shard has two sets and a list of runs, which is what one connection needs. */
    private void pool() {
        IntervalSet one = shard.takeIntervals();
        IntervalSet two = shard.takeIntervals();
        SentRuns runs = shard.takeRuns();
        shard.giveIntervals(one);
        shard.giveIntervals(two);
        shard.giveRuns(runs);
        pooled.addAll(List.of(one, two, runs));
    }

    /** A hole before something reported, all of it lost. */
    private void useAll() {
        pool();
        sent(3 * MSS, 0);
        reported(1001, 2001, 100);
        timeout(1000);
        assertThat(rack.pipe(una, nxt, MSS)).isZero();
    }

    private void assertPooled() {
        IntervalSet one = shard.takeIntervals();
        IntervalSet two = shard.takeIntervals();
        SentRuns runs = shard.takeRuns();
        assertThat(List.<Object>of(one, two, runs)).as("from the pool").containsAll(pooled);
        assertThat(one.isEmpty() && two.isEmpty() && runs.size() == 0).isTrue();
    }

    @Test
    void whatIsAllAcknowledgedNeedsNoMemory() {
        useAll();
        acknowledged(3001, 1100);
        assertPooled();
    }

    @Test
    void whatHasTurnedOutNotToBeLostNeedsNoMemory() {
        useAll();
        reported(1, 1001, 1100);
        reported(2001, 3001, 1100);
        IntervalSet known = rack.sacked;
        rack.sacked = null;
        assertThat(shard.takeIntervals()).isIn(pooled).isNotSameAs(known);
    }

    @Test
    void aConnectionThatEndsGivesAllBack() {
        useAll();
        rack.clear();
        assertPooled();
        assertThat(rack.timer()).isEqualTo(Sender.NEVER);
        assertThat(rack.active()).isFalse();
    }
}
