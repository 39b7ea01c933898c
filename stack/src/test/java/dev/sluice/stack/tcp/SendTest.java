package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.*;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.Dialogue.Sent;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What leaves and when: segment sizes, windows, probes, retransmission. */
class SendTest {
    private static final TcpProfile ONE_BY_ONE = TcpProfile.guest(1500).withSuperSegment(0);
    private static final TcpProfile SUPER = TcpProfile.guest(1500);
    private static final TcpProfile LAN = TcpProfile.lan(1500)
            .withCongestionControl(TcpProfile.Congestion.NEW_RENO)
            .withRack(false);

    static IntStream isns() {
        return HandshakeTest.isns();
    }

    private static Dialogue plain(TcpProfile profile, int isn, boolean sack) {
        return new Dialogue(profile, isn, isn ^ 0x5555).plain(sack);
    }

    private static List<Sent> all(Dialogue d) {
        d.transmit();
        List<Sent> out = new ArrayList<>(d.sent);
        d.sent.clear();
        out.forEach(Dialogue::assertPattern);
        return out;
    }

    private static void assertRanges(List<Sent> sent, long... startsAndLengths) {
        assertThat(sent.stream().flatMap(s -> List.of(s.seq(), (long) s.length()).stream()))
                .containsExactlyElementsOf(
                        java.util.Arrays.stream(startsAndLengths).boxed().toList());
    }

    @ParameterizedTest
    @MethodSource("isns")
    void dataLeavesInFullSegmentsAndTheLastIsPushed(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE, isn, true)) {
            d.write(4000);
            List<Sent> sent = all(d);
            assertRanges(sent, 1, 1460, 1461, 1460, 2921, 1080);
            assertThat(sent).extracting(s -> s.has(PSH)).containsExactly(false, false, true);
            d.silence();
            assertThat(d.peer(ACK, 1, 4001)).isEqualTo(Tcb.Events.SEND_SPACE);
            assertThat(d.tcb.sendRing().capacity()).isZero();
            assertThat(d.tcb.deadline()).isEqualTo(Long.MAX_VALUE);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void superSegmentsAreMultiplesOfTheMssUntilTheLast(int isn) {
        try (Dialogue d = new Dialogue(SUPER, isn, 5).established(options(2, 4, 0x05, 0xb4, 1, 3, 3, 7))) {
            d.peer(ACK, 1, 1, 0, 65535);
            d.write(200_000);
            List<Sent> sent = all(d);
            assertThat(sent.subList(0, sent.size() - 1))
                    .allSatisfy(s -> assertThat(s.length()).isEqualTo(65439 / 1460 * 1460));
            assertThat(sent.stream().mapToInt(Sent::length).sum()).isEqualTo(200_000);
            assertThat(sent.getLast().has(PSH)).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void theBudgetBoundsWhatLeavesAtOnce(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE, isn, true)) {
            d.write(10_000);
            d.tcb.transmit(d.now, 0);
            assertThat(d.sent).isEmpty();
            d.tcb.transmit(d.now, 3000);
            assertThat(d.sent.stream().mapToInt(Sent::length).sum()).isBetween(2920, 4380);
            assertThat(d.tcb.wantsTransmit()).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void theWindowBoundsWhatIsInFlight(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE, isn, true)) {
            d.peer(ACK, 1, 1, 0, 3000);
            d.write(10_000);
            assertRanges(all(d), 1, 1460, 1461, 1460);
            // 80 bytes of window are left: too few to be worth a segment.
            assertThat(d.tcb.wantsTransmit()).isFalse();
            d.peer(ACK, 1, 2921, 0, 3000);
            assertRanges(all(d), 2921, 1460, 4381, 1460);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aShrunkWindowIsHonouredAndOldDataStillRetransmitted(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE, isn, false)) {
            d.write(20_000);
            all(d);
            d.peer(ACK, 1, 1461, 0, 2000);
            assertThat(all(d)).isEmpty();
            d.timer();
            assertRanges(all(d), 1461, 1460, 2921, 540);
            d.peer(ACK, 1, 20_001, 0, 2000);
            assertThat(d.tcb.snapshot().sendUnacknowledged()).isEqualTo(20_001);
            d.write(3000);
            assertRanges(all(d), 20_001, 1460);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aClosedWindowIsProbedForEver(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE.withTimeouts(60, 120_000 * MS, 60, 60), isn, true)) {
            d.write(100);
            all(d);
            d.peer(ACK, 1, 101, 0, 0);
            d.write(5000);
            d.silence();
            long last = d.now;
            for (int i = 0; i < 100; i++) {
                assertThat(d.timer()).isZero();
                Sent probe = d.one();
                assertThat(probe.flags()).isEqualTo(ACK);
                assertThat(probe.seq()).isEqualTo(100);
                assertThat(d.now - last).isLessThanOrEqualTo(ONE_BY_ONE.rtoMax());
                last = d.now;
                d.peer(ACK, 1, 101, 0, 0);
                d.silence();
            }
            assertThat(d.peer(ACK, 1, 101, 0, 3000)).isZero();
            assertRanges(all(d), 101, 1460, 1561, 1460);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aPeerThatDoesNotAnswerProbesIsGivenUp(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE.withTimeouts(60, 100_000 * MS, 60, 60), isn, true)) {
            d.peer(ACK, 1, 1, 0, 0);
            d.write(5000);
            d.silence();
            long begin = d.now;
            while (d.timer() == 0) {
                d.one();
            }
            assertThat(d.events & Tcb.Events.ENDED).isEqualTo(Tcb.Events.TIMED_OUT);
            assertThat(d.now - begin).isBetween(100_000 * MS, 109_000 * MS);
            assertThat(d.one().has(RST)).isTrue();
        }
    }

    /** Nobody is left to wait for it, so probes that are answered are not enough; what is taken is. */
    @ParameterizedTest
    @MethodSource("isns")
    void aPeerThatTakesNothingOfAnOrphanIsGivenUpThoughItAnswers(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE.withTimeouts(60, 100_000 * MS, 60, 60), isn, true)) {
            d.peer(ACK, 1, 1, 0, 0);
            d.write(5000);
            d.tcb.orphan();
            d.tcb.close(d.now);
            d.silence();
            for (int i = 0; i < 5; i++) {
                assertThat(d.timer()).isZero();
                d.one();
                d.peer(ACK, 1, 1, 0, 0);
            }
            d.peer(ACK, 1, 1, 0, 2000);
            all(d);
            d.peer(ACK, 1, 2001, 0, 0);
            long begin = d.now;
            while (d.timer() == 0) {
                d.one();
                d.peer(ACK, 1, 2001, 0, 0);
            }
            assertThat(d.events & Tcb.Events.ENDED).isEqualTo(Tcb.Events.TIMED_OUT);
            assertThat(d.now - begin).isBetween(100_000 * MS, 140_000 * MS);
            assertThat(d.one().has(RST)).isTrue();
        }
    }

    /** The same where only the FIN is left, which a window of nothing has no room for. */
    @ParameterizedTest
    @MethodSource("isns")
    void aPeerThatNeverTakesTheFinOfAnOrphanIsGivenUp(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE.withTimeouts(60, 100_000 * MS, 60, 60), isn, true)) {
            d.peer(ACK, 1, 1, 0, 0);
            d.tcb.orphan();
            d.tcb.close(d.now);
            assertThat(d.one().has(FIN)).isTrue();
            long begin = d.now;
            while (d.timer() == 0) {
                all(d);
                d.peer(ACK, 1, 1, 0, 0);
            }
            assertThat(d.events & Tcb.Events.ENDED).isEqualTo(Tcb.Events.TIMED_OUT);
            assertThat(d.now - begin).isBetween(100_000 * MS, 160_000 * MS);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aWindowTooSmallForASegmentIsUsedAfterAWhile(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE, isn, true)) {
            d.peer(ACK, 1, 1, 0, 500);
            d.write(5000);
            d.silence();
            d.timer();
            assertRanges(all(d), 1, 500);
            d.peer(ACK, 1, 501, 0, 500);
            d.silence();
            d.timer();
            assertRanges(all(d), 501, 500);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aWindowThatWasNeverLargeIsUsedAtOnce(int isn) {
        try (Dialogue d = new Dialogue(ONE_BY_ONE, isn, 77)) {
            int n = d.build(SYN, 0, 0, 0, 300, mssOption(1460));
            d.tcb.openPassive(0, 0, d.input(), 2, n, isn, d.now);
            d.tcb.accept(d.now);
            d.one();
            d.peer(ACK, 1, 1, 0, 300);
            d.write(1000);
            assertRanges(all(d), 1, 300);
            d.peer(ACK, 1, 301, 0, 300);
            assertRanges(all(d), 301, 300);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aWindowOfOneSegmentIsUsedInHalves(int isn) {
        // Linux without window scaling on a link with an MTU of 65520 offers anything from 0 to 65535.
        try (Dialogue d = new Dialogue(TcpProfile.guest(65515), isn, 8).established(mssOption(65475))) {
            d.write(200_000);
            assertRanges(all(d), 1, 32_767, 32_768, 32_767);
            d.peer(ACK, 1, 32_768, 0, 32_768);
            d.silence();
            d.peer(ACK, 1, 65_535, 0, 32_767);
            assertRanges(all(d), 65_535, 32_767);
        }
        try (Dialogue d = new Dialogue(TcpProfile.guest(65515), isn, 8)
                .established(join(mssOption(65475), options(1, 3, 3, 7)))) {
            d.peer(ACK, 1, 1, 0, 2000);
            d.write(200_000);
            assertThat(d.tcb.sendMss()).isEqualTo(65475);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void nagleHoldsAPartialSegmentWhileDataIsInFlight(int isn) {
        try (Dialogue d = plain(LAN, isn, true)) {
            d.write(10);
            assertRanges(all(d), 1, 10);
            d.write(10);
            d.write(10);
            d.silence();
            d.peer(ACK, 1, 11);
            assertRanges(all(d), 11, 20);
            d.write(1470);
            assertRanges(all(d), 31, 1460);
            d.tcb.shutdownOutput(d.now);
            List<Sent> last = all(d);
            assertRanges(last, 1491, 10);
            assertThat(last.getFirst().has(FIN)).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void guestsNeverWaitForNagle(int isn) {
        try (Dialogue d = plain(SUPER, isn, true)) {
            d.write(10);
            assertRanges(all(d), 1, 10);
            d.write(10);
            assertRanges(all(d), 11, 10);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void timeoutsBackOffAndEndInGivingUp(int isn) {
        try (Dialogue d = plain(LAN.withTimeouts(60, 300_000 * MS, 60, 60), isn, true)) {
            d.write(3000);
            all(d);
            long last = d.now;
            long begin = last;
            List<Long> gaps = new ArrayList<>();
            while (d.timer() == 0) {
                assertRanges(all(d), 1, 1460);
                gaps.add((d.now - last) / MS);
                last = d.now;
            }
            // The first RTO is the minimum, as the handshake took no time.
            assertThat(gaps).startsWith(200L, 400L, 800L, 1600L, 3200L).contains(60_000L);
            assertThat(d.now - begin).isGreaterThanOrEqualTo(300_000 * MS);
            assertThat(d.events & Tcb.Events.ENDED).isEqualTo(Tcb.Events.TIMED_OUT);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aRetransmissionGivesNoRoundTripTime(int isn) {
        try (Dialogue d = plain(LAN, isn, true)) {
            d.write(100);
            all(d);
            d.timer();
            all(d);
            long before = d.tcb.roundTripTime();
            d.pass(5000 * MS);
            d.peer(ACK, 1, 101);
            assertThat(d.tcb.roundTripTime()).isEqualTo(before);
            assertThat(d.tcb.snapshot().rto()).isEqualTo(400 * MS);
            d.write(100);
            all(d);
            d.pass(80 * MS);
            d.peer(ACK, 1, 201);
            assertThat(d.tcb.roundTripTime()).isGreaterThan(before);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void progressOnOneHopEndsTheBackOff(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE, isn, true)) {
            d.write(5000);
            all(d);
            for (int i = 0; i < 5; i++) {
                d.timer();
                all(d);
            }
            assertThat(d.tcb.snapshot().rto()).isEqualTo(6400 * MS);
            d.peer(ACK, 1, 1461);
            assertThat(d.tcb.snapshot().rto()).isEqualTo(200 * MS);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void anEchoOfTheLastRetransmissionIsASampleAndAnOlderOneIsNot(int isn) {
        try (Dialogue d = new Dialogue(LAN, isn, ~isn)) {
            d.peerTimestamps = true;
            d.plain(true);
            d.write(2000);
            int first = all(d).getFirst().tsVal();
            d.timer();
            d.timer();
            int last = all(d).getFirst().tsVal();
            assertThat(last - first).isEqualTo(600);
            d.pass(30 * MS);
            d.peerEcho = first;
            d.peer(ACK, 1, 1001);
            assertThat(d.tcb.snapshot().rto()).isEqualTo(800 * MS);
            d.peerEcho = last;
            d.peer(ACK, 1, 1201);
            assertThat(d.tcb.snapshot().rto()).isEqualTo(200 * MS);
            assertThat(d.tcb.roundTripTime()).isBetween(3 * MS, 31 * MS);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void threeDuplicatesRetransmitTheFirstSegmentOnly(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE, isn, false)) {
            d.write(14_600);
            assertThat(all(d)).hasSize(10);
            d.peer(ACK, 1, 1);
            d.peer(ACK, 1, 1);
            d.silence();
            d.peer(ACK, 1, 1);
            assertRanges(all(d), 1, 1460);
            d.peer(ACK, 1, 1);
            d.silence();
            // A partial acknowledgment tells of the next loss (RFC 6582).
            d.peer(ACK, 1, 4381);
            assertRanges(all(d), 4381, 1460);
            d.peer(ACK, 1, 14_601);
            d.silence();
            assertThat(d.tcb.deadline()).isEqualTo(Long.MAX_VALUE);
            assertThat(d.shard.counters().fastRetransmits).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void dataAndWindowUpdatesAreNoDuplicates(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE, isn, false)) {
            d.write(14_600);
            all(d);
            for (int i = 0; i < 5; i++) {
                d.peer(ACK, 1, 1, 0, 60_000 + i);
                d.peerData(1 + i * 10L, 1, 10);
            }
            assertThat(all(d)).allSatisfy(s -> assertThat(s.length()).isZero());
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void sackTellsExactlyWhatIsMissing(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE, isn, true)) {
            d.write(14_600);
            all(d);
            // Segments 1, 3 and 4 are lost; what lies between counts only with enough above it.
            d.peer(ACK, 1, 1, 0, 65535, d.sack(1461, 2921));
            d.silence();
            d.peer(ACK, 1, 1, 0, 65535, d.sack(5841, 10_221, 1461, 2921));
            assertRanges(all(d), 1, 1460, 2921, 1460, 4381, 1460);
            d.silence();
            d.peer(ACK, 1, 14_601);
            d.silence();
            assertThat(d.tcb.sendRing().size()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void hostileSackBlocksChangeNothing(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE, isn, true)) {
            d.write(14_600);
            all(d);
            long[][] blocks = {
                {20_000, 30_000},
                {5000, 4000},
                {1, 1},
                {0, 1000},
                {1, 1461},
                {-100, 14_000},
                {14_000, 14_602},
                {1L << 31, 2}
            };
            for (int round = 0; round < 5; round++) {
                for (long[] block : blocks) {
                    d.peer(ACK, 1, 1, 0, 65535, d.sack(block));
                }
            }
            d.silence();
            d.peer(ACK, 1, 14_601);
            assertThat(d.tcb.sendRing().size()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aScoreboardOfTinyPiecesIsBounded(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE, isn, true)) {
            d.write(60_000);
            all(d);
            for (long at = 59_000; at > 2; at -= 2) {
                d.peer(ACK, 1, 1, 0, 65535, d.sack(at, at + 1));
            }
            all(d);
            d.timer();
            all(d);
            d.peer(ACK, 1, 60_001);
            assertThat(d.tcb.sendRing().size()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void afterATimeoutEverythingNotSackedGoesAgain(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE, isn, true)) {
            d.write(7300);
            all(d);
            d.peer(ACK, 1, 1, 0, 65535, d.sack(2921, 4381));
            d.timer();
            assertRanges(all(d), 1, 1460, 1461, 1460, 4381, 1460, 5841, 1460);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aPeerThatForgetsWhatItReportedGetsItAgain(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE, isn, true)) {
            d.write(7300);
            all(d);
            d.peer(ACK, 1, 1, 0, 65535, d.sack(1461, 7301));
            assertRanges(all(d), 1, 1460);
            // The acknowledgment stops where the report began.
            d.peer(ACK, 1, 1461);
            d.timer();
            assertRanges(all(d), 1461, 1460, 2921, 1460, 4381, 1460, 5841, 1460);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void theFinFollowsTheDataAndIsSentAgain(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE, isn, true)) {
            d.write(100);
            d.tcb.shutdownOutput(d.now);
            assertThat(d.tcb.reserveSend(10)).isZero();
            Sent s = d.one();
            assertThat(s.flags()).isEqualTo(ACK | PSH | FIN);
            assertThat(s.length()).isEqualTo(100);
            d.timer();
            assertThat(d.one()).usingRecursiveComparison().isEqualTo(s);
            d.peer(ACK, 1, 101);
            assertThat(d.tcb.state()).isEqualTo(TcpState.FIN_WAIT_1);
            d.timer();
            Sent fin = d.one();
            assertThat(fin.flags()).isEqualTo(ACK | FIN);
            assertThat(fin.seq()).isEqualTo(101);
            d.peer(ACK, 1, 102);
            assertThat(d.tcb.state()).isEqualTo(TcpState.FIN_WAIT_2);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void acknowledgmentsOfTheUnsentAndTheLongPastAreChallenged(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE, isn, true)) {
            d.write(100);
            all(d);
            for (long ack : new long[] {102, 1_000_000, 1L << 31, -70_000}) {
                d.peer(ACK, 1, ack, 50, 65535);
                Sent s = d.one();
                assertThat(s.flags()).isEqualTo(ACK);
                assertThat(s.ack()).isEqualTo(1);
            }
            d.assertReceived(0);
            // An old acknowledgment within bounds brings its data.
            d.peer(ACK, 1, 0, 50, 65535);
            d.assertReceived(50);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void congestionControlStartsSlowlyAndHalvesOnLoss(int isn) {
        try (Dialogue d = new Dialogue(LAN, isn, 3).established(join(mssOption(1460), options(4, 2, 3, 3, 7, 0)))) {
            d.peer(ACK, 1, 1, 0, 65535);
            d.write(400_000);
            assertThat(all(d)).hasSize(10);
            d.peer(ACK, 1, 2921, 0, 65535);
            assertThat(all(d)).hasSize(4);
            long una = 2921;
            long nxt = d.tcb.snapshot().sendNext();
            for (int i = 1; i <= 3; i++) {
                d.peer(ACK, 1, una, 0, 65535, d.sack(una + 1460, una + 1460 + i * 1460L));
            }
            List<Sent> sent = all(d);
            assertThat(sent.getFirst().seq()).isEqualTo(una);
            assertThat(d.tcb.snapshot().congestionWindow()).isEqualTo((nxt - una) / 2);
            d.timer();
            assertThat(d.tcb.snapshot().congestionWindow()).isEqualTo(1460);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void hostileSegmentSizesAreBounded(int isn) {
        int[][] cases = {{0, 64}, {1, 64}, {63, 64}, {536, 536}, {65535, 1460}, {-1, 536}};
        for (int[] c : cases) {
            try (Dialogue d = new Dialogue(ONE_BY_ONE, isn, 9)) {
                d.established(c[0] < 0 ? NO_OPTIONS : mssOption(c[0]));
                assertThat(d.tcb.sendMss()).isEqualTo(c[1]);
                d.write(5000);
                assertThat(all(d).getFirst().length()).isEqualTo(c[1]);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aSmallerPathIsUsedAtOnce(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE, isn, true)) {
            d.write(2920);
            all(d);
            assertThat(d.tcb.isOutstanding(d.iss + 1)).isTrue();
            assertThat(d.tcb.isOutstanding(d.iss + 2921)).isFalse();
            d.tcb.limitMss(1000, d.now);
            assertRanges(all(d), 1, 1000, 1001, 1000, 2001, 920);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void keepAliveProbesOnlyWhenIdleAndGivesUpAfterAll(int isn) {
        try (Dialogue d = plain(ONE_BY_ONE.withKeepAlive(10_000 * MS, 1000 * MS, 3), isn, true)) {
            d.pass(9999 * MS);
            assertThat(d.tcb.onTimer(d.now)).isZero();
            d.silence();
            d.timer();
            Sent probe = d.one();
            assertThat(probe.seq()).isZero();
            d.peer(ACK, 1, 1);
            for (int i = 0; i < 3; i++) {
                assertThat(d.timer()).isZero();
                assertThat(d.one().length()).isZero();
            }
            assertThat(d.timer()).isEqualTo(Tcb.Events.TIMED_OUT);
            assertThat(d.one().has(RST)).isTrue();
        }
    }
}
