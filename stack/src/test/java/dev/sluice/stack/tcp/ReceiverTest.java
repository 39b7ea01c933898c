package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.ACK;
import static dev.sluice.stack.tcp.Dialogue.FIN;
import static dev.sluice.stack.tcp.Dialogue.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.Dialogue.Sent;
import dev.sluice.wire.TcpOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the receiver offers to the byte, above all with scaled windows, and what it does with ends that contradict the data. */
class ReceiverTest {
    private static final TcpProfile GUEST = TcpProfile.guest(1500).withTimestamps(false);
    private static final TcpProfile LAN = TcpProfile.lan(1500).withTimestamps(false);
    private static final TcpProfile SMALL = GUEST.withBuffers(1 << 14, 1 << 16);
    private static final int SMALL_WINDOW = (1 << 14) - (1 << 9);
    private static final byte[] SCALED =
            Dialogue.join(Dialogue.mssOption(1460), Dialogue.options(TcpOptions.WINDOW_SCALE, 3, 7));

    private static Dialogue limited(int limit) {
        return new Dialogue(SMALL.with(TcpTuning.DEFAULT.withReceiveLimit(limit)), 1, 1).plain(true);
    }

    /** What an acknowledgment offers now: one that a segment makes us send which is old already. */
    private static int offered(Dialogue d) {
        d.transmit();
        d.sent.clear();
        d.peerData(1, 1, 1);
        return d.one().window();
    }

    // ---- The scale

    @ParameterizedTest
    @CsvSource({"16384, 0", "65536, 0", "131072, 1", "1048576, 4", "4194304, 6", "67108864, 10"})
    void theScaleIsTheSmallestThatCanSayTheWindow(int buffer, int scale) {
        try (Dialogue d = new Dialogue(GUEST.withBuffers(buffer, 1 << 16), 1, 1).in(TcpState.SYN_SENT)) {
            d.timer();
            Sent syn = d.one();
            assertThat(syn.scale()).isEqualTo(scale);
            int window = buffer - buffer / 32;
            assertThat(syn.window()).isEqualTo(Math.min(65535, window)); // which is never scaled
            d.peer(SYN | ACK, 0, 1, 0, 65535, SCALED);
            assertThat(d.one().window()).isEqualTo(window >> scale);
            assertThat(d.tcb.fullWindow()).isEqualTo(window >> scale);
            assertThat(d.tcb.snapshot().receiveEdge()).isEqualTo(1 + window);
        }
    }

    @ParameterizedTest
    @CsvSource({"65535, -1, 0", "65536, -1, 1", "65536, 0, 0", "65536, 5, 5"})
    void theScaleMayBeAskedFor(int limit, int shift, int scale) {
        TcpTuning tuning = TcpTuning.DEFAULT.withReceiveLimit(limit).withWindowShift(shift);
        try (Dialogue d = new Dialogue(GUEST.with(tuning), 1, 1).in(TcpState.SYN_SENT)) {
            d.timer();
            assertThat(d.one().scale()).isEqualTo(scale);
        }
    }

    @Test
    void withoutScalingNoMoreIsKeptThanTheFieldCanSay() {
        try (Dialogue d = new Dialogue(GUEST, 1, 1).plain(true)) {
            d.appetite = 0;
            d.peerData(1, 1, 60_000);
            assertThat(d.one().window()).isEqualTo(5535);
            d.peerData(60_001, 1, 10_000);
            Sent full = d.one();
            assertThat(full.ack()).isEqualTo(65_536);
            assertThat(full.window()).isZero();
            assertThat(d.tcb.fullWindow()).isEqualTo(65535);
        }
    }

    /** RFC 7323 §2.4: rounding down would take back what was offered, so it is rounded up as long as there is memory for it. */
    @Test
    void aScaledWindowIsRoundedUpWhileThereIsRoomForIt() {
        try (Dialogue d = new Dialogue(GUEST.withBuffers(1 << 17, 1 << 16), 1, 1).established(SCALED)) {
            d.appetite = 0;
            int window = (1 << 17) - (1 << 12);
            long edge = 1 + window;
            int next = 1;
            for (int i = 0; i < 200; i++) {
                d.peerData(next, 1, 2 * (i % 7) + 1); // odd, and the unit is two bytes
                next += 2 * (i % 7) + 1;
                long offered = next + 2L * d.one().window();
                assertThat(offered).isBetween(edge, edge + 1);
                edge = offered;
            }
            assertThat(edge).isEqualTo(1 + window + 200);
        }
    }

    @Test
    void aScaledWindowIsNotRoundedUpBeyondTheBuffer() {
        TcpProfile coarse = SMALL.with(TcpTuning.DEFAULT.withWindowShift(14));
        try (Dialogue d = new Dialogue(coarse, 1, 1).established(SCALED)) {
            d.peerData(1, 1, 1);
            assertThat(d.one().window()).isEqualTo(1); // the whole buffer
            assertThat(d.tcb.fullWindow()).isEqualTo(1);
            d.appetite = 0;
            d.peerData(2, 1, 1);
            assertThat(d.one().window()).isZero();
            // What was offered before is taken nevertheless.
            d.peerData(3, 1, (1 << 14) - 1);
            assertThat(d.one().ack()).isEqualTo(2 + (1 << 14));
        }
    }

    // ---- Silly windows (RFC 9293 §3.8.6.2.2)

    /** Half of the buffer is worth an offer where that is less than a segment. */
    @ParameterizedTest
    @CsvSource({"499, 500", "500, 1000", "600, 1100"})
    void halfOfTheBufferIsWorthAnOffer(int read, int window) {
        try (Dialogue d = limited(2000)) {
            d.appetite = 0;
            d.peerData(1, 1, 1500);
            assertThat(d.one().window()).isEqualTo(500);
            d.appetite = read;
            d.tcb.drain(d.now);
            assertThat(offered(d)).isEqualTo(window);
        }
    }

    @ParameterizedTest
    @CsvSource({"1459, 100", "1460, 1460"})
    void oneSegmentIsWorthAnOffer(int read, int window) {
        try (Dialogue d = new Dialogue(SMALL, 1, 1).plain(true)) {
            d.appetite = 0;
            d.peerData(1, 1, SMALL_WINDOW);
            d.one();
            d.appetite = read;
            d.tcb.drain(d.now);
            d.silence();
            assertThat(offered(d)).isEqualTo(window == 1460 ? 1460 : 0);
        }
    }

    /** The peer hears without asking when two segments, or half of a smaller buffer, have become free. */
    @ParameterizedTest
    @CsvSource({"15872, 2919, false", "15872, 2920, true", "2000, 999, false", "2000, 1000, true"})
    void aFullBufferThatIsReadIsToldOfInSteps(int limit, int read, boolean told) {
        try (Dialogue d = limited(limit)) {
            assertTold(d, limit, 0, read, told);
        }
    }

    /** That the peer, which has sent so much and was left this window, hears of its opening when so much is read, or does not. */
    private static void assertTold(Dialogue d, int held, int window, int read, boolean told) {
        d.appetite = 0;
        d.peerData(1, 1, held);
        assertThat(d.one().window()).isEqualTo(window);
        d.appetite = read;
        d.tcb.drain(d.now);
        d.transmit();
        assertThat(d.sent).hasSize(told ? 1 : 0);
        d.sent.clear();
    }

    /** As long as half of the window is open, only a quarter of it is news. */
    @ParameterizedTest
    @CsvSource({"7936, 3967, false", "7936, 3968, true", "7937, 2920, true"})
    void aWindowThatIsHalfOpenIsToldOfInLargerSteps(int held, int read, boolean told) {
        try (Dialogue d = new Dialogue(SMALL, 1, 1).plain(true)) {
            assertTold(d, held, SMALL_WINDOW - held, read, told);
        }
    }

    @Test
    void afterTheEndNobodyHearsOfTheWindow() {
        try (Dialogue d = new Dialogue(SMALL, 1, 1).plain(true)) {
            d.appetite = 0;
            d.peer(FIN | ACK, 1, 1, 10_000, 65535);
            d.one();
            d.appetite = Integer.MAX_VALUE;
            assertThat(d.tcb.drain(d.now)).isEqualTo(Tcb.Events.REMOTE_CLOSED);
            d.silence();
        }
    }

    // ---- Limits in whole segments

    @ParameterizedTest
    @CsvSource({
        "10000, true, 10220",
        "10220, true, 10220",
        "10221, true, 11680",
        "16384, true, 16384",
        "10000, false, 10000"
    })
    void aLimitMayBeMadeWholeSegments(int limit, boolean whole, int window) {
        TcpTuning tuning = TcpTuning.DEFAULT.withReceiveLimit(limit).withWholeSegments(whole);
        try (Dialogue d = new Dialogue(SMALL.with(tuning), 1, 1).plain(true)) {
            d.peerData(1, 1, 1);
            assertThat(d.one().window()).isEqualTo(window);
        }
    }

    @Test
    void onlyALimitThatWasAskedForIsMadeWholeSegments() {
        try (Dialogue d = new Dialogue(SMALL.with(TcpTuning.DEFAULT.withWholeSegments(true)), 1, 1).plain(true)) {
            d.peerData(1, 1, 1);
            assertThat(d.one().window()).isEqualTo(SMALL_WINDOW);
        }
    }

    // ---- Ends

    @Test
    void anEndBeforeDataThatHasComeIsNotBelieved() {
        try (Dialogue d = new Dialogue(GUEST, 1, 1).plain(true)) {
            d.peerData(1001, 1, 100);
            d.peer(FIN | ACK, 1100, 1);
            d.peerData(1, 1, 1000);
            assertThat(d.events & Tcb.Events.REMOTE_CLOSED).isZero();
            d.assertReceived(1100);
            assertThat(d.one().ack()).isEqualTo(1101);
            assertThat(d.tcb.state()).isEqualTo(TcpState.ESTABLISHED);
        }
    }

    @Test
    void anEndRightAfterDataBeyondAHoleIsBelieved() {
        try (Dialogue d = new Dialogue(GUEST, 1, 1).plain(true)) {
            d.peerData(1001, 1, 100);
            d.peer(FIN | ACK, 1101, 1);
            d.peerData(1, 1, 1000);
            assertThat(d.events & Tcb.Events.REMOTE_CLOSED).isNotZero();
            d.assertReceived(1100);
            assertThat(d.one().ack()).isEqualTo(1102);
        }
    }

    /** The first end counts; data after it, and a second end, contradict it. */
    @Test
    void nothingComesAfterTheEnd() {
        try (Dialogue d = new Dialogue(GUEST, 1, 1).plain(true)) {
            d.peer(FIN | ACK, 101, 1);
            assertThat(d.one().ack()).isEqualTo(1);
            d.peer(FIN | ACK, 301, 1);
            d.peerData(151, 1, 100);
            d.peerData(51, 1, 200);
            assertThat(d.tcb.snapshot().outOfOrder()).isEqualTo(50);
            d.peerData(1, 1, 300);
            d.assertReceived(100);
            assertThat(d.events & Tcb.Events.REMOTE_CLOSED).isNotZero();
            assertThat(d.one().ack()).isEqualTo(102);
        }
    }

    @Test
    void theUserIsAskedOnlyToTakeBytes() {
        try (Dialogue d = new Dialogue(GUEST, 1, 1).plain(true)) {
            int[] asked = {0};
            d.onDeliver = () -> asked[0]++;
            d.peerData(1, 1, 10);
            d.tcb.drain(d.now);
            d.peer(FIN | ACK, 11, 1);
            assertThat(asked[0]).isEqualTo(1);
            d.one();
        }
    }

    // ---- Holes and memory

    /** RFC 5681 §4.2: a segment that fills a hole, wholly or in part, is acknowledged at once. */
    @Test
    void whatFillsAHoleIsAcknowledgedAtOnce() {
        for (int filled : new int[] {50, 100}) {
            try (Dialogue d = new Dialogue(LAN, 1, 1).plain(true)) {
                d.peerData(101, 1, 100);
                assertThat(d.one().ack()).isEqualTo(1);
                assertThat(d.shard.counters().outOfOrderIn).isEqualTo(1);
                d.peerData(1, 1, filled);
                assertThat(d.one().ack()).isEqualTo(filled == 100 ? 201 : 51);
                assertThat(d.shard.counters().outOfOrderIn).isEqualTo(1);
            }
        }
    }

    @Test
    void memoryIsOwnedOnlyWhileSomethingIsKept() {
        try (Dialogue d = new Dialogue(GUEST, 1, 1).plain(true)) {
            d.peerData(101, 1, 100);
            long kept = d.tcb.snapshot().memory();
            assertThat(kept).isEqualTo(d.shard.buffers().inUse()).isPositive();
            d.peerData(1, 1, 100);
            assertThat(d.tcb.snapshot().memory()).isZero();
            assertThat(d.tcb.keepsNothing()).isTrue();
            d.one();
        }
        try (Dialogue d = new Dialogue(GUEST, 1, 1, 0).plain(true)) {
            d.peerData(101, 1, 100); // there is no memory for it
            assertThat(d.tcb.keepsNothing()).isTrue();
            assertThat(d.shard.counters().dropsNoMemory).isEqualTo(1);
            d.appetite = 50;
            d.peerData(1, 1, 100);
            assertThat(d.shard.counters().dropsNoMemory).isEqualTo(2);
            assertThat(d.one().ack()).isEqualTo(51);
        }
    }
}
