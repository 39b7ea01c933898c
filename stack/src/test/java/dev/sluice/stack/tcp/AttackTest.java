package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.ACK;
import static dev.sluice.stack.tcp.Dialogue.MS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Known attacks on TCP that a peer or a liar on the path can try, by their names; each with the bound that holds. */
class AttackTest {
    private static final TcpProfile LAN = TcpProfile.lan(1500).withTimestamps(false);
    private static final int MSS = 1460;

    private static long window(Dialogue d) {
        return d.tcb.snapshot().congestionWindow();
    }

    /** Savage et al. (1999): many small acknowledgments for one segment must not count as many segments. */
    @ParameterizedTest
    @EnumSource(names = {"NEW_RENO", "CUBIC"})
    void ackDivision(TcpProfile.Congestion kind) {
        try (Dialogue d = new Dialogue(LAN.withCongestionControl(kind), -700, 9).plain(true)) {
            d.write(100 * MSS);
            d.transmit();
            long before = window(d);
            for (int byteAcked = 1; byteAcked <= MSS; byteAcked++) {
                d.peer(ACK, 1, 1 + byteAcked);
            }
            assertThat(window(d) - before).isLessThanOrEqualTo(MSS);
        }
    }

    /** The same paper: acknowledgments of what was never sent are answered, not believed. */
    @Test
    void optimisticAcknowledgment() {
        try (Dialogue d = new Dialogue(LAN, -700, 9).plain(true)) {
            d.write(5 * MSS);
            d.transmit();
            d.sent.clear();
            long before = window(d);
            for (int i = 0; i < 1000; i++) {
                d.peer(ACK, 1, 1 + 5L * MSS + 1 + i);
            }
            assertThat(window(d)).isEqualTo(before);
            assertThat(d.tcb.snapshot().sendUnacknowledged()).isEqualTo(1);
            d.transmit();
            assertThat(d.sent).hasSizeLessThanOrEqualTo(1);
            assertThat(d.shard.counters().challengeAcks).isLessThanOrEqualTo(10);
        }
    }

    /** The same paper: a flood of duplicates lets no flood of new data leave. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void duplicateAcknowledgmentSpoofing(boolean sack) {
        try (Dialogue d = new Dialogue(LAN, -700, 9).plain(sack)) {
            d.write(400 * MSS);
            d.transmit();
            int first = d.sent.size();
            d.sent.clear();
            for (int i = 0; i < 10_000; i++) {
                d.peer(ACK, 1, 1);
                d.transmit();
            }
            // What they can mean at most: everything in flight has arrived but the first.
            assertThat(d.sent).hasSizeLessThanOrEqualTo(2 * first);
        }
    }

    /** Somebody gives both ends data that the other never sent: each refuses what the other says, and must not answer it for ever. */
    @Test
    void ackStorm() {
        try (Dialogue a = new Dialogue(LAN, 100, -5).plain(true);
                Dialogue b = new Dialogue(LAN, -5, 100).plain(true)) {
            a.peerData(1, 1, 100);
            b.peerData(1, 1, 100);
            int segments = 0;
            for (int round = 0; round < 1000; round++) {
                a.transmit();
                b.transmit();
                while (!a.sent.isEmpty() || !b.sent.isEmpty()) {
                    segments++;
                    Dialogue from = a.sent.isEmpty() ? b : a;
                    Dialogue.Sent s = from.sent.remove();
                    (from == a ? b : a).peer(s.flags(), s.seq(), s.ack(), 0, s.window());
                }
                a.pass(MS);
                b.pass(MS);
                a.tcb.onTimer(a.now);
                b.tcb.onTimer(b.now);
            }
            assertThat(segments).isLessThan(50);
        }
    }

    /** Sockstress (CVE-2008-4609): peers that take nothing and answer probes for ever hold no more than the pool's budget. */
    @Test
    void zeroWindowHold() {
        long budget = 4 << 20;
        try (Dialogue first = new Dialogue(LAN, 1, 2, budget)) {
            List<Tcb> all = new ArrayList<>();
            TcpShard shard = first.shard;
            int refused = 0;
            for (int i = 0; i < 2000; i++) {
                Tcb tcb = new Tcb(shard, LAN, first);
                int length = first.build(Dialogue.SYN, 0, 0, 0, 0, Dialogue.mssOption(1460));
                tcb.openPassive(0, 0, first.input(), 2, length, i, first.now);
                tcb.accept(first.now);
                tcb.transmit(first.now, 1 << 20);
                length = first.build(ACK, 1, 0, 0, 0, Dialogue.NO_OPTIONS);
                dev.sluice.wire.Bytes.put32(first.input(), 2 + 8, i + 1);
                tcb.onSegment(first.input(), 2, length, first.now);
                int room = tcb.reserveSend(100_000);
                refused += room == 0 ? 1 : 0;
                tcb.sendRing().commit(Math.min(room, 100_000));
                tcb.transmit(first.now, 1 << 20);
                all.add(tcb);
            }
            assertThat(shard.buffers().inUse()).isLessThanOrEqualTo(budget);
            assertThat(refused).isGreaterThan(1900);
            // And each gives up its share when its user does.
            all.forEach(tcb -> tcb.abort(first.now));
            assertThat(shard.buffers().inUse()).isZero();
            first.sent.clear();
        }
    }

    /** SACK slowness (CVE-2019-11478): reports of tiny pieces over a large flight make neither much work nor much memory. */
    @Test
    void sackSlowness() {
        try (Dialogue d = new Dialogue(LAN, -700, 9).plain(true)) {
            Random random = new Random(8);
            d.write(300 * MSS);
            for (int round = 0; round < 2000; round++) {
                d.pass(MS);
                d.tcb.onTimer(d.now);
                d.transmit();
                d.sent.clear();
                long una = d.tcb.snapshot().sendUnacknowledged();
                int flight = (int) (d.tcb.snapshot().sendNext() - una);
                if (flight < 20) {
                    break;
                }
                long[] bounds = new long[8];
                for (int i = 0; i < 8; i += 2) {
                    bounds[i] = una + 1 + random.nextInt(flight - 10);
                    bounds[i + 1] = bounds[i] + 1 + random.nextInt(5);
                }
                d.peer(ACK, 1, una, 0, 65535, d.sack(bounds));
                assertThat(d.tcb.snapshot().sendNext() - una).isLessThanOrEqualTo(65535 + MSS);
            }
            // All of it still gets there.
            long end = d.tcb.snapshot().sendQueued();
            for (int i = 0; i < 1000 && d.tcb.snapshot().sendUnacknowledged() < end; i++) {
                d.pass(MS);
                d.peer(ACK, 1, d.tcb.snapshot().sendNext());
                d.transmit();
                d.sent.clear();
            }
            assertThat(d.tcb.snapshot().sendUnacknowledged()).isEqualTo(end);
        }
    }

    /** Records of what left when are bounded, whatever the pattern of losses; past the bound they are coarser. */
    @Test
    void recordsOfSentRunsAreBounded() {
        SentRuns runs = new SentRuns();
        Random random = new Random(3);
        long end = 1;
        for (int i = 0; i < 5000; i++) {
            runs.append(end, end + 100, i);
            end += 100;
        }
        assertThat(runs.size()).isLessThanOrEqualTo(SentRuns.LIMIT);
        for (int i = 0; i < 20_000; i++) {
            long from = 1 + random.nextInt((int) end - 200);
            long to = from + 1 + random.nextInt(150);
            runs.resend(from, to, 10_000 + i);
            assertThat(runs.size()).isLessThanOrEqualTo(SentRuns.LIMIT);
            int run = runs.find(from);
            assertThat(runs.at(run)).isEqualTo(10_000 + i);
            assertThat(runs.again(run)).isTrue();
        }
        for (int i = 1; i < runs.size(); i++) {
            assertThat(runs.to(i)).isGreaterThan(runs.from(i));
        }
        runs.trimBelow(end);
        assertThat(runs.size()).isZero();
    }

    /** Against a plain array: which moment each offset last left. */
    @Test
    void sentRunsAreWhatAnArraySays() {
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            SentRuns runs = new SentRuns();
            long[] at = new long[400];
            boolean[] again = new boolean[400];
            int una = 0;
            int end = 0;
            for (int now = 1; now < 120; now++) {
                int kind = random.nextInt(4);
                if (kind == 0 && end < 390) {
                    int to = end + 1 + random.nextInt(10);
                    runs.append(end, to, now);
                    for (; end < to; end++) {
                        at[end] = now;
                    }
                } else if (kind == 1 && una < end) {
                    una += random.nextInt(end - una + 1);
                    runs.trimBelow(una);
                } else if (una < end) {
                    int from = una + random.nextInt(end - una);
                    int to = from + 1 + random.nextInt(end - from);
                    runs.resend(from, to, now);
                    for (int i = from; i < to; i++) {
                        at[i] = now;
                        again[i] = true;
                    }
                }
                for (int i = una; i < end; i++) {
                    int run = runs.find(i);
                    assertThat(runs.from(run)).isLessThanOrEqualTo(i);
                    assertThat(runs.at(run)).as("seed %d, offset %d", seed, i).isEqualTo(at[i]);
                    assertThat(runs.again(run)).isEqualTo(again[i]);
                }
            }
        }
    }

    /** Against a plain array: what is covered after pieces were taken out as well as put in. */
    @Test
    void intervalsWithPiecesTakenOutAreWhatABitSetSays() {
        for (int seed = 0; seed < 500; seed++) {
            Random random = new Random(seed);
            IntervalSet set = new IntervalSet();
            java.util.BitSet bits = new java.util.BitSet();
            for (int i = 0; i < 60; i++) {
                int from = random.nextInt(200);
                int to = from + 1 + random.nextInt(30);
                if (random.nextBoolean()) {
                    if (set.add(from, to)) {
                        bits.set(from, to);
                    }
                } else {
                    set.remove(from, to);
                    bits.clear(from, to);
                }
                assertThat(set.total()).as("seed %d", seed).isEqualTo(bits.cardinality());
                for (int b = 0; b < 240; b++) {
                    assertThat(set.contains(b)).isEqualTo(bits.get(b));
                }
            }
        }
    }
}
