package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.*;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.TcpHeader;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TimeWaitTableTest {
    private static final TcpProfile GUEST = TcpProfile.guest(1500);

    static IntStream isns() {
        return HandshakeTest.isns();
    }

    private static int play(TimeWaitTable table, Dialogue d, int flags, long seq, long ack, int length) {
        return table.onSegment(1, 2, d.input(), 2, d.build(flags, seq, ack, length, 100, NO_OPTIONS), d.now);
    }

    @ParameterizedTest
    @MethodSource("isns")
    void theLastFinIsAcknowledgedAgainAndResetsAreIgnored(int isn) {
        try (Dialogue d = new Dialogue(GUEST, isn, ~isn)) {
            d.peerTimestamps = true;
            d.in(TcpState.TIME_WAIT);
            TimeWaitTable table = new TimeWaitTable(d.shard, 10);
            table.add(1, 2, d.tcb, d.now);
            assertThat(table.onSegment(1, 3, d.input(), 2, 20, d.now)).isEqualTo(TimeWaitTable.ABSENT);
            assertThat(play(table, d, RST, 2, 2, 0)).isEqualTo(TimeWaitTable.IGNORE);
            assertThat(play(table, d, ACK, 2, 2, 0)).isEqualTo(TimeWaitTable.IGNORE);
            assertThat(play(table, d, ACK, 500, 2, 0)).isEqualTo(32);
            assertThat(play(table, d, FIN, 2, 0, 0)).isEqualTo(TimeWaitTable.IGNORE);
            d.pass(GUEST.timeWait() - 1);
            assertThat(play(table, d, FIN | ACK, 1, 2, 0)).isEqualTo(32);
            Segment answer = new Segment();
            answer.read(d.shard.header(), TcpShard.HEADER_AT, 32);
            assertThat(answer.flags).isEqualTo(ACK);
            assertThat(answer.sequence).isEqualTo(d.iss + 2);
            assertThat(answer.acknowledgment).isEqualTo(d.peerIss + 2);
            assertThat(answer.hasTimestamps).isTrue();
            assertThat(answer.sourcePort).isEqualTo(80);
            assertThat(answer.destinationPort).isEqualTo(40000);
            // That has begun the time anew.
            d.pass(GUEST.timeWait() - 1);
            assertThat(table.size()).isEqualTo(1);
            assertThat(play(table, d, ACK, 1, 2, 5)).isEqualTo(32);
            d.pass(1);
            assertThat(play(table, d, FIN | ACK, 1, 2, 0)).isEqualTo(TimeWaitTable.ABSENT);
            assertThat(table.size()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void bareAcknowledgmentsAreAnsweredWithinALimitAndWithAWindow(int isn) {
        try (Dialogue d = new Dialogue(GUEST, isn, ~isn).in(TcpState.TIME_WAIT)) {
            TimeWaitTable table = new TimeWaitTable(d.shard, 10);
            table.add(1, 2, d.tcb, d.now);
            for (int i = 0; i < 100; i++) {
                assertThat(play(table, d, ACK, 1, 2, 0)).isEqualTo(20);
            }
            Segment answer = new Segment();
            answer.read(d.shard.header(), TcpShard.HEADER_AT, 20);
            assertThat(answer.window).isEqualTo(65535);
            assertThat(play(table, d, ACK, 1, 2, 0)).isEqualTo(TimeWaitTable.IGNORE);
            assertThat(play(table, d, FIN | ACK, 1, 2, 0)).isEqualTo(20);
            d.pass(1_000_000_000L);
            assertThat(play(table, d, ACK, 1, 2, 0)).isEqualTo(20);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aNewerSynReopensAndAnOlderDoesNot(int isn) {
        try (Dialogue d = new Dialogue(GUEST, isn, ~isn).in(TcpState.TIME_WAIT)) {
            TimeWaitTable table = new TimeWaitTable(d.shard, 10);
            table.add(1, 2, d.tcb, d.now);
            assertThat(play(table, d, SYN, 2, 0, 0)).isEqualTo(20);
            assertThat(play(table, d, SYN, -1000, 0, 0)).isEqualTo(20);
            assertThat(play(table, d, SYN | ACK, 1000, 2, 0)).isEqualTo(20);
            assertThat(play(table, d, SYN, 1000, 0, 0)).isEqualTo(TimeWaitTable.REOPEN);
            assertThat(table.size()).isZero();
            int last = d.iss + 2;
            assertThat(table.reopenIss(last - 5) - last).isPositive();
            assertThat(table.reopenIss(last + 1_000_000)).isEqualTo(last + 1_000_000);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aNewerTimestampReopensTooThoughTheNumberIsOlder(int isn) {
        try (Dialogue d = new Dialogue(GUEST, isn, ~isn)) {
            d.peerTimestamps = true;
            d.in(TcpState.TIME_WAIT);
            TimeWaitTable table = new TimeWaitTable(d.shard, 10);
            table.add(1, 2, d.tcb, d.now);
            assertThat(play(table, d, SYN, -1000, 0, 0)).isEqualTo(32);
            d.peerClock++;
            assertThat(play(table, d, SYN, -1000, 0, 0)).isEqualTo(TimeWaitTable.REOPEN);
        }
    }

    @Test
    void theTableIsBoundedAndForgetsTheOldest() {
        try (Dialogue d = new Dialogue(GUEST, 5, 6).in(TcpState.TIME_WAIT)) {
            Random random = new Random(3);
            TimeWaitTable table = new TimeWaitTable(d.shard, 50);
            Map<Long, Long> model = new HashMap<>();
            long order = 0;
            for (int i = 0; i < 20_000; i++) {
                long key = random.nextInt(80);
                int n = d.build(random.nextInt(4) == 0 ? SYN : FIN | ACK, 1000, 2, 0, 100, NO_OPTIONS);
                boolean syn = TcpHeader.flags(d.input(), 2) == SYN;
                boolean present = model.containsKey(key);
                if (random.nextInt(3) == 0) {
                    table.add(key, 9, d.tcb, d.now);
                    model.put(key, order++);
                } else {
                    int result = table.onSegment(key, 9, d.input(), 2, n, d.now);
                    if (result == TimeWaitTable.REOPEN) {
                        assertThat(present && syn).isTrue();
                        model.remove(key);
                    } else if (result > 0) {
                        assertThat(present).isTrue();
                        model.put(key, order++);
                    } else {
                        // Absent although in the model: it may only have been pushed out by younger ones.
                        assertThat(result).isEqualTo(TimeWaitTable.ABSENT);
                        if (present) {
                            assertThat(order - model.remove(key)).isGreaterThanOrEqualTo(50);
                        }
                    }
                }
                assertThat(table.size()).isLessThanOrEqualTo(50);
            }
            d.pass(GUEST.timeWait());
            table.expire(d.now);
            assertThat(table.size()).isZero();
        }
    }

    @Test
    void aSegmentOfNoConnectionIsResetAsTheStandardSays() {
        try (Dialogue d = new Dialogue(GUEST, 100, 2000)) {
            Segment answer = new Segment();
            assertThat(d.shard.writeReset(d.input(), 2, d.build(RST | ACK, 0, 1, 0, 1, NO_OPTIONS)))
                    .isZero();
            assertThat(d.shard.writeReset(d.input(), 2, d.build(ACK | FIN, 7, 50, 9, 1, NO_OPTIONS)))
                    .isEqualTo(20);
            answer.read(d.shard.header(), TcpShard.HEADER_AT, 20);
            assertThat(answer.flags).isEqualTo(RST);
            assertThat(answer.sequence).isEqualTo(150);
            assertThat(d.shard.writeReset(d.input(), 2, d.build(SYN | FIN, 7, 0, 9, 1, NO_OPTIONS)))
                    .isEqualTo(20);
            answer.read(d.shard.header(), TcpShard.HEADER_AT, 20);
            assertThat(answer.flags).isEqualTo(RST | ACK);
            assertThat(answer.sequence).isZero();
            assertThat(answer.acknowledgment).isEqualTo(2007 + 9 + 2);
        }
    }
}
