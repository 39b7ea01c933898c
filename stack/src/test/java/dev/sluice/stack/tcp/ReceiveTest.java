package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.*;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.Dialogue.Sent;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What comes in: order, overlap, windows, acknowledgments. */
class ReceiveTest {
    private static final TcpProfile GUEST = TcpProfile.guest(1500);
    private static final TcpProfile SMALL = GUEST.withBuffers(1 << 14, 1 << 16);
    private static final int SMALL_WINDOW = (1 << 14) - (1 << 9);

    static IntStream isns() {
        return HandshakeTest.isns();
    }

    private static Dialogue plain(TcpProfile profile, int peerIsn) {
        return new Dialogue(profile, 99, peerIsn).plain(true);
    }

    @ParameterizedTest
    @MethodSource("isns")
    void inOrderDataIsDeliveredAndAcknowledgedOncePerBatch(int isn) {
        try (Dialogue d = plain(GUEST, isn)) {
            for (int i = 0; i < 10; i++) {
                d.peerData(1 + 1460L * i, 1, 1460);
            }
            assertThat(d.tcb.unacknowledged()).isEqualTo(14_600);
            Sent ack = d.one();
            assertThat(ack.ack()).isEqualTo(14_601);
            assertThat(ack.length()).isZero();
            d.assertReceived(14_600);
            assertThat(d.tcb.unacknowledged()).isZero();
            assertThat(d.shard.buffers().peak()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aSuperSegmentIsOneSegment(int isn) {
        try (Dialogue d = plain(GUEST, isn)) {
            d.peerData(1, 1, 60_000);
            d.assertReceived(60_000);
            assertThat(d.one().ack()).isEqualTo(60_001);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void dataCarriesTheAcknowledgment(int isn) {
        try (Dialogue d = plain(GUEST, isn)) {
            d.peerData(1, 1, 100);
            d.write(50);
            Sent s = d.one();
            assertThat(s.ack()).isEqualTo(101);
            assertThat(s.length()).isEqualTo(50);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aDelayedAcknowledgmentWaitsForTheSecondSegmentOrTheTimer(int isn) {
        try (Dialogue d = plain(TcpProfile.lan(1500), isn)) {
            d.peerData(1, 1, 100);
            d.silence();
            assertThat(d.tcb.deadline() - d.now).isEqualTo(40 * MS);
            d.timer();
            assertThat(d.one().ack()).isEqualTo(101);
            d.peerData(101, 1, 100);
            d.silence();
            d.peerData(201, 1, 100);
            assertThat(d.one().ack()).isEqualTo(301);
            assertThat(d.tcb.deadline()).isEqualTo(Long.MAX_VALUE);
        }
    }

    @Test
    void everyOrderOfFiveSegmentsComesOutRight() {
        List<int[]> orders = new ArrayList<>();
        permute(new int[] {0, 1, 2, 3, 4}, 0, orders);
        assertThat(orders).hasSize(120);
        for (int isn : HandshakeTest.isns().toArray()) {
            for (int[] order : orders) {
                try (Dialogue d = plain(GUEST, isn)) {
                    for (int i = 0; i < 5; i++) {
                        boolean fin = order[i] == 4;
                        d.peer(fin ? ACK | FIN : ACK, 1 + order[i] * 1000L, 1, 1000, 65535);
                        Sent ack = d.one();
                        assertSack(d, ack, order, i);
                    }
                    d.assertReceived(5000);
                    assertThat(d.events & Tcb.Events.REMOTE_CLOSED).isNotZero();
                    assertThat(d.tcb.snapshot().memory()).isZero();
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void whatTheUserGivesBackIsKeptAndOfferedAgain(int isn) {
        try (Dialogue d = plain(SMALL, isn)) {
            giveBack(d, 1500);
            assertThat(d.tcb.keepsNothing()).isFalse();
            assertThat(d.tcb.undelivered()).isEqualTo(1500);
            Sent ack = d.one();
            assertThat(ack.ack()).isEqualTo(3001);
            assertThat(ack.window()).isLessThanOrEqualTo(SMALL_WINDOW - 1500);
            d.peerData(3001, 1, 500); // behind what is kept: not past it
            d.assertReceived(1500);
            d.tcb.drain(d.now);
            d.assertReceived(3500);
            assertThat(d.tcb.keepsNothing()).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void whatIsGivenBackWithoutMemoryForItWasNeverReceived(int isn) {
        try (Dialogue d = new Dialogue(SMALL, 99, isn, 0).plain(true)) {
            giveBack(d, 1500);
            assertThat(d.tcb.keepsNothing()).isTrue();
            assertThat(d.one().ack()).isEqualTo(1501);
            d.peerData(1001, 1, 2000);
            d.assertReceived(3000);
            assertThat(d.one().ack()).isEqualTo(3001);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void whatIsGivenBackDoesNotMoveWhatLiesBeyondAHole(int isn) {
        try (Dialogue d = plain(GUEST, isn)) {
            d.peerData(1, 1, 1000);
            d.peerData(2001, 1, 1000);
            MemorySegment batch = MemorySegment.ofArray(new byte[1000]);
            for (int b = 0; b < 1000; b++) {
                batch.set(ValueLayout.JAVA_BYTE, b, pattern(b));
            }
            d.received.reset();
            d.tcb.giveBack(batch, new long[] {0}, new int[] {1000}, 1, 0);
            assertThat(d.one().ack()).isEqualTo(1001);
            d.tcb.drain(d.now);
            d.peerData(1001, 1, 500);
            d.peerData(1501, 1, 1500);
            d.assertReceived(3000);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void anEndThatCameBeforeItsDataIsSomethingKept(int isn) {
        try (Dialogue d = plain(GUEST, isn)) {
            d.peer(FIN | ACK, 1001, 1);
            assertThat(d.tcb.keepsNothing()).isFalse();
            d.peerData(1, 1, 1000);
            d.assertReceived(1000);
        }
    }

    /** Three segments of 1000 bytes come, the user takes them and finds that it can use {@code used} bytes. */
    private static void giveBack(Dialogue d, int used) {
        MemorySegment batch = MemorySegment.ofArray(new byte[5000]);
        long[] at = {100, 1700, 3300};
        int[] lengths = {1000, 1000, 1000};
        for (int i = 0; i < 3; i++) {
            d.peerData(1 + 1000L * i, 1, 1000);
            for (int b = 0; b < 1000; b++) {
                batch.set(ValueLayout.JAVA_BYTE, at[i] + b, pattern(1000L * i + b));
            }
        }
        byte[] taken = d.received.toByteArray();
        assertThat(taken).hasSize(3000);
        d.received.reset();
        d.received.write(taken, 0, used);
        d.tcb.giveBack(batch, at, lengths, 3, used);
    }

    private static void permute(int[] items, int at, List<int[]> out) {
        if (at == items.length) {
            out.add(items.clone());
            return;
        }
        for (int i = at; i < items.length; i++) {
            int t = items[at];
            items[at] = items[i];
            items[i] = t;
            permute(items, at + 1, out);
            items[i] = items[at];
            items[at] = t;
        }
    }

    /** The acknowledgment after {@code order[0..last]}, and that SACK begins with the piece that came last. */
    private static void assertSack(Dialogue d, Sent ack, int[] order, int last) {
        boolean[] have = new boolean[6];
        for (int i = 0; i <= last; i++) {
            have[order[i]] = true;
        }
        int next = 0;
        while (have[next]) {
            next++;
        }
        assertThat(ack.ack()).isEqualTo(1 + next * 1000L + (next == 5 ? 1 : 0));
        boolean beyond = false;
        for (int i = next; i < 5; i++) {
            beyond |= have[i];
        }
        assertThat(ack.sack().length > 0).isEqualTo(beyond);
        if (order[last] > next) {
            long from = 1 + order[last] * 1000L;
            assertThat(ack.sack()[0]).isLessThanOrEqualTo(from);
            assertThat(ack.sack()[1]).isGreaterThanOrEqualTo(from + 1000);
        }
    }

    @Test
    void everyOverlapOfTwoSegmentsComesOutRight() {
        // A piece beyond a hole, another that lies in any relation to it, then the hole is filled.
        for (int isn : HandshakeTest.isns().toArray()) {
            for (int from = 0; from <= 8; from++) {
                for (int to = from + 1; to <= 9; to++) {
                    try (Dialogue d = plain(GUEST, isn)) {
                        d.peerData(401, 1, 300);
                        d.peerData(1 + from * 100L, 1, (to - from) * 100);
                        d.peerData(1, 1, 100);
                        d.peerData(1, 1, 900);
                        d.assertReceived(900);
                        assertThat(d.next().ack()).isEqualTo(901);
                        assertThat(d.shard.buffers().inUse()).isZero();
                    }
                }
            }
        }
    }

    @Test
    void randomPiecesComeOutRight() {
        for (long seed = 1; seed <= 300; seed++) {
            Random random = new Random(seed);
            int isn = random.nextInt();
            try (Dialogue d = plain(SMALL, isn)) {
                d.appetite = random.nextBoolean() ? Integer.MAX_VALUE : 0;
                boolean hungry = d.appetite > 0;
                int total = 40_000;
                while (d.received.size() < total) {
                    Snapshot s = d.tcb.snapshot();
                    long from = s.receiveNext() + random.nextInt(7000) - 2000;
                    from = Math.max(1, random.nextInt(3) == 0 ? s.receiveNext() : from);
                    int length = (int) Math.min(1 + random.nextInt(3000), total + 1 - from);
                    if (length > 0) {
                        d.peerData(from, 1, length);
                    }
                    if (!hungry && random.nextInt(3) == 0) {
                        d.appetite = random.nextInt(4000);
                        d.tcb.drain(d.now);
                        d.appetite = 0;
                    }
                    d.transmit();
                    d.sent.clear();
                }
                d.assertReceived(total);
            } catch (AssertionError e) {
                throw new AssertionError("Seed " + seed, e);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void dataBeyondTheWindowIsCutOffAndNotAcknowledged(int isn) {
        try (Dialogue d = plain(SMALL, isn)) {
            d.appetite = 0;
            d.peer(ACK | FIN, 1, 1, 20_000, 65535);
            Sent ack = d.one();
            assertThat(ack.ack()).isEqualTo(1 + SMALL_WINDOW);
            assertThat(ack.window()).isZero();
            assertThat(d.events & Tcb.Events.REMOTE_CLOSED).isZero();
            // A probe of the closed window is answered, and its acknowledgment counts.
            d.write(10);
            d.next();
            d.peer(ACK, 1 + SMALL_WINDOW, 11, 1, 65535);
            assertThat(d.one().ack()).isEqualTo(1 + SMALL_WINDOW);
            assertThat(d.tcb.sendRing().size()).isZero();
            // So is one with an old number, as Linux sends.
            d.peer(ACK, SMALL_WINDOW, 11, 0, 65535);
            assertThat(d.one().window()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void theWindowOpensInStepsWorthALookAndTheEdgeNeverGoesBack(int isn) {
        try (Dialogue d = plain(SMALL, isn)) {
            d.appetite = 0;
            d.peerData(1, 1, SMALL_WINDOW);
            d.one();
            d.appetite = 1000;
            d.tcb.drain(d.now);
            d.silence();
            d.appetite = 2000;
            d.tcb.drain(d.now);
            Sent update = d.one();
            assertThat(update.window()).isEqualTo(3000);
            d.appetite = Integer.MAX_VALUE;
            d.tcb.drain(d.now);
            assertThat(d.one().window()).isEqualTo(SMALL_WINDOW);
            d.assertReceived(SMALL_WINDOW);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aPeerWithSmallSegmentsGetsNoSillyWindow(int isn) {
        try (Dialogue d = plain(SMALL, isn)) {
            d.appetite = 0;
            long next = 1;
            long edge = 1 + SMALL_WINDOW;
            boolean small = false;
            while (next < edge) {
                int n = (int) Math.min(37, edge - next);
                d.peerData(next, 1, n);
                next += n;
                Sent ack = d.one();
                long offered = ack.ack() + ack.window();
                // Five bytes at a time move the edge while the window is worth a segment anyway; then it closes.
                small |= ack.window() < 1460;
                if (small) {
                    assertThat(offered).isEqualTo(edge);
                } else {
                    assertThat(offered).isGreaterThanOrEqualTo(edge);
                }
                edge = offered;
                d.appetite = 5;
                d.tcb.drain(d.now);
                d.silence();
            }
            assertThat(small).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aRightEdgeAcknowledgmentCountsThoughTheHeadIsLost(int isn) {
        try (Dialogue d = plain(SMALL, isn)) {
            d.write(100);
            d.next();
            d.peerData(1001, 1, SMALL_WINDOW - 1000);
            d.next();
            d.peer(ACK, 1 + SMALL_WINDOW, 101);
            assertThat(d.tcb.sendRing().size()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void tooManyHolesDropWhatMakesMore(int isn) {
        try (Dialogue d = plain(GUEST, isn)) {
            for (int i = 0; i < 200; i++) {
                d.peerData(11 + i * 20L, 1, 10);
            }
            assertThat(d.shard.counters().dropsTooManyHoles).isEqualTo(200 - IntervalSet.LIMIT);
            assertThat(d.tcb.snapshot().outOfOrder()).isEqualTo(10 * IntervalSet.LIMIT);
            d.transmit();
            d.sent.clear();
            d.peerData(1, 1, 5000);
            d.assertReceived(5000);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void withoutMemoryDataIsLeftUnacknowledged(int isn) {
        try (Dialogue d = new Dialogue(GUEST, 1, isn, 1 << 15).plain(true)) {
            d.appetite = 100;
            d.peerData(1, 1, 40_000);
            long kept = d.one().ack() - 1;
            assertThat(kept).isEqualTo(100);
            d.peerData(101, 1, 16_384);
            assertThat(d.one().ack()).isEqualTo(101 + 16_384);
            d.peerData(30_000, 1, 10_000);
            assertThat(d.one().sack()).isEmpty();
            assertThat(d.shard.counters().dropsNoMemory).isEqualTo(2);
            d.appetite = Integer.MAX_VALUE;
            d.tcb.drain(d.now);
            d.assertReceived(100 + 16_384);
            d.peerData(101 + 16_384, 1, 20_000);
            d.assertReceived(100 + 16_384 + 20_000);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void withoutSackEverySegmentBeyondAHoleIsADuplicate(int isn) {
        try (Dialogue d = new Dialogue(GUEST, 1, isn).plain(false)) {
            for (int i = 1; i <= 3; i++) {
                d.peerData(1 + 1000L * i, 1, 1000);
            }
            d.transmit();
            assertThat(d.sent).hasSize(3).allSatisfy(s -> assertThat(s.ack()).isEqualTo(1));
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void oldDataIsAcknowledgedAgain(int isn) {
        try (Dialogue d = plain(GUEST, isn)) {
            d.peerData(1, 1, 1000);
            d.one();
            d.peerData(1, 1, 1000);
            assertThat(d.one().ack()).isEqualTo(1001);
            d.peerData(501, 1, 1000);
            assertThat(d.one().ack()).isEqualTo(1501);
            d.assertReceived(1500);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void bareSegmentsOutsideTheWindowAreAnsweredAtABoundedRate(int isn) {
        try (Dialogue d = plain(GUEST, isn)) {
            int answers = 0;
            for (int i = 0; i < 1000; i++) {
                d.peer(ACK, -5, 1);
                d.transmit();
                answers += d.sent.size();
                d.sent.clear();
                d.pass(MS / 1000);
            }
            assertThat(answers).isEqualTo(10);
            d.pass(2000 * MS);
            d.peer(ACK, -5, 1);
            d.one();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void urgentDataIsDataInLine(int isn) {
        for (int pointer : new int[] {0, 1, 50, 100, 101, 65535}) {
            try (Dialogue d = plain(GUEST, isn)) {
                int n = d.build(ACK | URG, 1, 1, 100, 65535, NO_OPTIONS);
                dev.sluice.wire.Bytes.put16(d.input(), 2 + 18, pointer);
                d.tcb.onSegment(d.input(), 2, n, d.now);
                d.assertReceived(100);
                assertThat(d.one().ack()).isEqualTo(101);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void theUserMayAbortInTheMiddleOfADelivery(int isn) {
        for (boolean kept : new boolean[] {false, true}) {
            try (Dialogue d = plain(GUEST, isn)) {
                d.peerData(2001, 1, 1000);
                d.next();
                if (kept) {
                    d.appetite = 500;
                }
                d.onDeliver = () -> d.tcb.abort(d.now);
                assertThat(d.peer(ACK | FIN, 1, 1, 2000, 65535)).isZero();
                assertThat(d.shard.buffers().inUse()).isZero();
                assertThat(d.one().has(RST)).isTrue();
                assertThat(d.tcb.drain(d.now)).isZero();
                assertThat(d.tcb.onTimer(d.now)).isZero();
                assertThat(d.tcb.deadline()).isEqualTo(Long.MAX_VALUE);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void sackRepeatsTheLatestPiecesInTheOrderOfTheirArrival(int isn) {
        try (Dialogue d = plain(SMALL, isn)) {
            d.peerData(401, 1, 100);
            assertThat(d.one().sack()).containsExactly(401, 501);
            d.peerData(201, 1, 100);
            assertThat(d.one().sack()).containsExactly(201, 301, 401, 501);
            d.peerData(801, 1, 100);
            assertThat(d.one().sack()).containsExactly(801, 901, 201, 301, 401, 501);
            d.peerData(601, 1, 100);
            assertThat(d.one().sack()).containsExactly(601, 701, 801, 901, 201, 301, 401, 501);
            d.peerData(501, 1, 100);
            assertThat(d.one().sack()).containsExactly(401, 701, 801, 901, 201, 301);
            d.peerData(1001, 1, 100);
            assertThat(d.one().sack()).containsExactly(1001, 1101, 401, 701, 801, 901, 201, 301);
            d.peerData(1, 1, 300);
            assertThat(d.one().sack()).containsExactly(1001, 1101, 401, 701, 801, 901);
        }
    }
}
