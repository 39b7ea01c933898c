package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.ACK;
import static dev.sluice.stack.tcp.Dialogue.RST;
import static dev.sluice.stack.tcp.Dialogue.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.Dialogue.Sent;
import dev.sluice.wire.TcpOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requirements of RFC 9293 that no other test has for its subject; docs/rfc9293.md has all of them. */
class RequirementsTest {
    private static final TcpProfile LAN = TcpProfile.lan(1500);
    private static final long SECOND = 1_000_000_000L;
    private static final byte[] STAMP = Dialogue.options(TcpOptions.TIMESTAMPS, 10, 0, 0, 0, 9, 0, 0, 0, 0);

    @Test
    void withoutMssOptionASegmentHolds536Bytes() {
        try (Dialogue d = new Dialogue(LAN, 1, 2).established()) {
            d.write(2000);
            assertThat(d.next().length()).isEqualTo(536);
            d.sent.clear();
        }
    }

    @Test
    void optionsOfEverySegmentAreDeductedFromItsSize() {
        try (Dialogue d = new Dialogue(LAN, 1, 2)) {
            d.peerTimestamps = true;
            d.established(Dialogue.mssOption(1000));
            d.write(3000);
            Sent first = d.next();
            assertThat(first.length()).isEqualTo(1000 - OptionsWriter.TIMESTAMPS_LENGTH);
            assertThat(first.stamped()).isTrue();
            d.sent.clear();
        }
    }

    @Test
    void nagleCanBeSwitchedWhileConnected() {
        try (Dialogue d = new Dialogue(LAN, 1, 2).plain(true)) {
            d.write(10);
            assertThat(d.one().length()).isEqualTo(10);
            d.write(10);
            d.silence();
            d.tcb.adopt(LAN.withNagle(false));
            assertThat(d.one().length()).isEqualTo(10);
            d.tcb.adopt(LAN);
            d.write(10);
            d.silence();
        }
    }

    @Test
    void theUserTimeoutCanBeChangedWhileConnected() {
        assertThat(LAN.userTimeout()).isGreaterThanOrEqualTo(100 * SECOND);
        for (long seconds : new long[] {5, 120}) {
            try (Dialogue d = new Dialogue(LAN, 1, 2).plain(true)) {
                d.tcb.adopt(LAN.withUserTimeout(seconds * SECOND));
                d.write(10);
                d.transmit();
                long begin = d.now;
                while ((d.timer() & Tcb.Events.TIMED_OUT) == 0) {
                    d.transmit();
                }
                assertThat(d.now - begin).isBetween(seconds * SECOND, 2 * seconds * SECOND + SECOND);
            }
        }
    }

    @Test
    void aSynIsTriedForThreeMinutes() {
        try (Dialogue d = new Dialogue(LAN, 1, 2)) {
            d.tcb.openActive(0, 0, d.iss, d.now, 80, 40000);
            d.transmit();
            long begin = d.now;
            while ((d.timer() & Tcb.Events.TIMED_OUT) == 0) {
                d.transmit();
            }
            assertThat(d.now - begin).isGreaterThanOrEqualTo(180 * SECOND);
            assertThat(d.sent.stream().filter(s -> s.has(SYN)).count()).isBetween(6L, 12L);
        }
    }

    @Test
    void keepAliveIsOffUntilAskedFor() {
        try (Dialogue d = new Dialogue(LAN, 1, 2).plain(true)) {
            assertThat(d.tcb.deadline()).isEqualTo(Long.MAX_VALUE);
            long begin = d.now;
            d.tcb.adopt(LAN.withKeepAlive(7200 * SECOND, 75 * SECOND, 9));
            assertThat(d.tcb.deadline()).isEqualTo(begin + 7200 * SECOND);
            d.tcb.adopt(LAN);
            assertThat(d.tcb.deadline()).isEqualTo(Long.MAX_VALUE);
        }
    }

    @Test
    void onlySynsCarryASegmentSizeAndOptionsFillWholeWords() {
        byte[] options = Dialogue.join(Dialogue.mssOption(1460), STAMP, Dialogue.options(TcpOptions.SACK_PERMITTED, 2));
        try (Dialogue d = new Dialogue(LAN, 1, 2)) {
            d.held(options);
            d.tcb.accept(d.now);
            // The dialogue checks of every segment that its header is whole and its options are well-formed.
            assertThat(d.one().mss()).isEqualTo(1460);
            d.peerTimestamps = true;
            d.peer(ACK, 1, 1);
            d.write(5000);
            d.transmit();
            d.peerData(100, 1, 50);
            d.peerData(1, 1, 10);
            d.tcb.shutdownOutput(d.now);
            d.transmit();
            assertThat(d.sent).isNotEmpty().allMatch(s -> s.mss() == -1);
            d.tcb.abort(d.now);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 100})
    void aResetIsHeardAtAClosedWindowAndMayCarryData(int length) {
        try (Dialogue d = new Dialogue(LAN.withBuffers(1 << 14, 1 << 16), 3, -9).plain(true)) {
            d.appetite = 0;
            int next = 1;
            while (d.tcb.snapshot().receiveEdge() > next) {
                int n = (int) Math.min(1460, d.tcb.snapshot().receiveEdge() - next);
                d.peerData(next, 1, n);
                next += n;
                d.transmit();
            }
            assertThat(d.peer(RST, next, 0, length, 0)).isEqualTo(Tcb.Events.RESET);
        }
    }

    @Test
    void whatComesTwiceIsReported() {
        try (Dialogue d = new Dialogue(LAN, 3, -50).plain(true)) {
            d.peerData(1, 1, 100);
            d.peerData(101, 1, 100);
            assertThat(d.one().sack()).isEmpty();
            d.peerData(1, 1, 100);
            assertThat(d.one().sack()).containsExactly(1, 101);
            // Only once, and before what lies beyond a hole.
            d.peerData(301, 1, 100);
            assertThat(d.one().sack()).containsExactly(301, 401);
            d.peerData(101, 1, 100);
            assertThat(d.one().sack()).containsExactly(101, 201, 301, 401);
        }
    }

    @Test
    void aSegmentWithoutTheAgreedTimestampIsDroppedOnNetworks() {
        try (Dialogue d = new Dialogue(LAN, 3, 4)) {
            d.peerTimestamps = true;
            d.established();
            d.peerTimestamps = false;
            d.peerData(1, 1, 100);
            d.silence();
            d.assertReceived(0);
            assertThat(d.shard.counters().dropsPaws).isPositive();
            d.peerTimestamps = true;
            d.peerData(1, 1, 100);
            d.assertReceived(100);
            d.peerTimestamps = false;
            assertThat(d.peer(RST, 101, 0)).isEqualTo(Tcb.Events.RESET);
        }
    }
}
