package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.ACK;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is believed of a peer's selective acknowledgments (RFC 2018), and what of them says that something came twice (RFC 2883). */
class LossRecoveryTest {
    private static final long UNA = 1001;
    private static final long NXT = 5001;

    private final Dialogue d =
            new Dialogue(TcpProfile.lan(1500).withTimestamps(false).withNagle(false), -2000, 77).plain(true);
    private final Recovery recovery = new Recovery(d.shard);
    private final Segment segment = new Segment();

    LossRecoveryTest() {
        d.write((int) NXT - 1);
        d.transmit();
        d.sent.clear();
        d.peer(ACK, 1, UNA);
        assertThat(d.tcb.sender.una()).isEqualTo(UNA);
        assertThat(d.tcb.sender.nxt()).isEqualTo(NXT);
    }

    @AfterEach
    void close() {
        recovery.clear();
        d.close();
    }

    /** The peer's blocks, as pairs of left and right; true if they were news. */
    private boolean said(long... bounds) {
        segment.sackBlocks = bounds.length / 2;
        for (int i = 0; i < segment.sackBlocks; i++) {
            segment.sackLeft[i] = d.iss + (int) bounds[2 * i];
            segment.sackRight[i] = d.iss + (int) bounds[2 * i + 1];
        }
        return recovery.readSack(segment, d.tcb.sender, -1, d.now);
    }

    @Test
    void whatIsReportedForTheFirstTimeIsNews() {
        assertThat(said()).isFalse();
        assertThat(recovery.sackedAny()).isFalse();
        assertThat(said(2001, 3001)).isTrue();
        assertThat(recovery.sackedTotal()).isEqualTo(1000);
        assertThat(said(2001, 3001)).isFalse();
        assertThat(said(2001, 3002)).isTrue();
        assertThat(said(2500, 2600)).isFalse();
        assertThat(said(4001, 4101, 2001, 3002)).isTrue();
        assertThat(recovery.sackedTotal()).isEqualTo(1101);
        assertThat(recovery.duplicated).isFalse();
    }

    @Test
    void onlyWhatIsInFlightBeyondTheAcknowledgmentIsBelieved() {
        long[][] lies = {
            {UNA, 2001}, // then it would be acknowledged
            {UNA - 1, 2001},
            {2001, NXT + 1},
            {NXT, NXT + 1},
            {2001, 2001},
            {3001, 2001},
        };
        for (long[] lie : lies) {
            assertThat(said(lie)).as("%d–%d", lie[0], lie[1]).isFalse();
            assertThat(recovery.sackedAny()).as("%d–%d", lie[0], lie[1]).isFalse();
            assertThat(recovery.duplicated).as("%d–%d", lie[0], lie[1]).isFalse();
        }
        assertThat(said(UNA + 1, NXT)).isTrue();
        assertThat(recovery.sackedTotal()).isEqualTo(NXT - UNA - 1);
    }

    // ---- What came twice

    @Test
    void aFirstBlockOfWhatIsAcknowledgedCameTwice() {
        assertThat(said(501, UNA)).isFalse();
        assertThat(recovery.duplicated).isTrue();
        assertThat(said()).isFalse();
        assertThat(recovery.duplicated).as("the next segment says nothing").isFalse();
        said(501, UNA - 1, 2001, 3001);
        assertThat(recovery.duplicated).isTrue();
        assertThat(recovery.sackedTotal()).isEqualTo(1000);
        said(2001, 3001, 501, 601);
        assertThat(recovery.duplicated).as("a second block").isFalse();
        said(501, 501);
        assertThat(recovery.duplicated).as("nothing").isFalse();
        said(501, UNA + 1);
        assertThat(recovery.duplicated).as("partly not acknowledged").isFalse();
    }

    @Test
    void aFirstBlockWithinTheSecondCameTwice() {
        assertThat(said(2001, 4001)).isTrue();
        for (long[] twice : new long[][] {{2101, 2201}, {2001, 2101}, {2901, 3001}, {2001, 3001}}) {
            assertThat(said(twice[0], twice[1], 2001, 3001)).isFalse();
            assertThat(recovery.duplicated).as("%d–%d", twice[0], twice[1]).isTrue();
        }
        for (long[] other : new long[][] {{2901, 3002}, {3001, 3101}}) {
            said(other[0], other[1], 2001, 3001);
            assertThat(recovery.duplicated).as("%d–%d", other[0], other[1]).isFalse();
        }
        said(2001, 2101, 2002, 3001);
        assertThat(recovery.duplicated).as("begins before the second").isFalse();
        said(2101, 2101, 2001, 3001);
        assertThat(recovery.duplicated).as("nothing").isFalse();
    }

    @Test
    void whatIsNewDidNotComeTwiceNorWhatIsSaidLater() {
        said(2001, 3001);
        said(3501, 3601, 2001, 3001);
        assertThat(recovery.duplicated).as("new").isFalse();
        said(2101, 2201, 2001, 3001);
        said(2101, 2201);
        assertThat(recovery.duplicated)
                .as("no second block, but one of the segment before")
                .isFalse();
        said(3501, 3601, 2101, 2201);
        assertThat(recovery.duplicated)
                .as("a block that is known, in the second place")
                .isFalse();
    }

    // ---- What is remembered

    @Test
    void whatIsAcknowledgedIsForgottenAndTheRecordGivenBack() {
        said(2001, 3001, 3501, 3601);
        IntervalSet record = recovery.sacked;
        recovery.trimSacked(2501);
        assertThat(recovery.sackedTotal()).isEqualTo(600);
        recovery.trimSacked(3601);
        assertThat(recovery.sackedAny()).isFalse();
        assertThat(recovery.sackedTotal()).isZero();
        recovery.trimSacked(3701);
        assertThat(d.shard.takeIntervals()).isSameAs(record);
    }

    @Test
    void clearingForgetsAll() {
        said(2001, 3001);
        IntervalSet record = recovery.sacked;
        recovery.beginFast(UNA, NXT);
        assertThat(recovery.active()).isTrue();
        recovery.clear();
        assertThat(recovery.active()).isFalse();
        assertThat(recovery.sackedAny()).isFalse();
        assertThat(d.shard.takeIntervals()).isSameAs(record);
        recovery.clear();
    }

    @Test
    void liesAloneTakeNoRecord() {
        said(3001, 2001);
        assertThat(recovery.sacked).isNull();
        IntervalSet next = d.shard.takeIntervals();
        assertThat(d.shard.takeIntervals()).as("was given back once").isNotSameAs(next);
    }
}
