package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.ACK;
import static dev.sluice.stack.tcp.Dialogue.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.TcpOptions;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SynCookiesTest {
    private static final long HIGH = 0x0a000001_0a000002L;
    private static final long LOW = 40000L << 16 | 80;
    private static final long SECOND = 1_000_000_000L;
    private static final TcpProfile LAN = TcpProfile.lan(1500).withEcn(TcpProfile.Ecn.ACCEPT);

    private static final class Flood implements AutoCloseable {
        final Dialogue d;
        final SynCookies cookies;
        Segment synAck = new Segment();

        Flood(int peerIss) {
            d = new Dialogue(LAN, 0, peerIss);
            cookies = new SynCookies(d.shard, LAN);
        }

        void answer(int flags, byte... options) {
            int length = d.build(SYN | flags, 0, 0, 0, 65535, options);
            int header = cookies.answer(HIGH, LOW, d.input(), 2, length, d.now);
            synAck = new Segment();
            synAck.read(d.shard.header(), TcpShard.HEADER_AT, header);
        }

        /** The length of an ACK of the SYN-ACK, in the dialogue's input. */
        int ack(int number, int payload) {
            d.peerEcho = synAck.timestamp;
            return d.build(ACK, 1, number - d.iss, payload, 2000, Dialogue.NO_OPTIONS);
        }

        boolean known(int length, long high, long low) {
            return length > 0 && cookies.isCookie(high, low, d.input(), 2, d.now);
        }

        @Override
        public void close() {
            d.close();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, Integer.MAX_VALUE, Integer.MIN_VALUE, -1, -2, 12345})
    void theAckBringsBackEverythingThatWasAgreed(int peerIss) {
        try (Flood f = new Flood(peerIss)) {
            f.d.peerTimestamps = true;
            f.answer(
                    TcpHeader.ECE | TcpHeader.CWR,
                    Dialogue.join(
                            Dialogue.mssOption(1300),
                            Dialogue.options(TcpOptions.SACK_PERMITTED, 2, TcpOptions.WINDOW_SCALE, 3, 9)));
            assertThat(f.synAck.flags).isEqualTo(SYN | ACK | TcpHeader.ECE);
            assertThat(f.synAck.acknowledgment).isEqualTo(peerIss + 1);
            assertThat(f.synAck.mss).isEqualTo(1460);
            assertThat(f.synAck.sackPermitted).isTrue();
            assertThat(f.synAck.windowScale).isPositive();
            int length = f.ack(f.synAck.sequence + 1, 100);
            assertThat(f.known(length, HIGH, LOW)).isTrue();
            f.cookies.open(f.d.tcb, HIGH, LOW, f.d.input(), 2, length, f.d.now);
            int events = f.d.tcb.onSegment(f.d.input(), 2, length, f.d.now);
            assertThat(events).isEqualTo(Tcb.Events.ESTABLISHED);
            f.d.assertReceived(100);
            Snapshot s = f.d.tcb.snapshot();
            assertThat(s.sendMss()).isEqualTo(1220 - OptionsWriter.TIMESTAMPS_LENGTH); // the largest size below 1300
            assertThat(s.sendWindow()).isEqualTo(2000L << 9);
            assertThat(f.d.tcb.sackOk).isTrue();
            assertThat(f.d.tcb.ecnOn).isTrue();
            assertThat(s.smoothedRtt()).isZero(); // nothing was timed
        }
    }

    @Test
    void withoutTimestampsOptionsAreGivenUp() {
        try (Flood f = new Flood(9)) {
            f.answer(0, Dialogue.options(TcpOptions.SACK_PERMITTED, 2, TcpOptions.WINDOW_SCALE, 3, 9));
            assertThat(f.synAck.sackPermitted).isFalse();
            assertThat(f.synAck.windowScale).isEqualTo(-1);
            int length = f.ack(f.synAck.sequence + 1, 0);
            assertThat(f.known(length, HIGH, LOW)).isTrue();
            f.cookies.open(f.d.tcb, HIGH, LOW, f.d.input(), 2, length, f.d.now);
            f.d.tcb.onSegment(f.d.input(), 2, length, f.d.now);
            assertThat(f.d.tcb.state()).isEqualTo(TcpState.ESTABLISHED);
            assertThat(f.d.tcb.snapshot().sendWindow()).isEqualTo(2000);
            assertThat(f.d.tcb.sendMss()).isEqualTo(536);
        }
    }

    /** The connection's own clock never falls behind what the SYN-ACK said, or the peer would take its segments for old ones. */
    @Test
    void timestampsNeverGoBack() {
        for (int ms = 0; ms < 200; ms++) {
            try (Flood f = new Flood(7)) {
                f.d.now += ms * Dialogue.MS;
                f.d.peerTimestamps = true;
                f.answer(0, Dialogue.options(TcpOptions.WINDOW_SCALE, 3, ms % 15, TcpOptions.SACK_PERMITTED, 2));
                int stamp = f.synAck.timestamp;
                int length = f.ack(f.synAck.sequence + 1, 10);
                f.cookies.open(f.d.tcb, HIGH, LOW, f.d.input(), 2, length, f.d.now);
                f.d.tcb.onSegment(f.d.input(), 2, length, f.d.now);
                f.d.write(10);
                f.d.transmit();
                assertThat(f.d.sent).isNotEmpty().allMatch(s -> s.tsVal() - stamp >= 0);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0, true", "60, true", "125, true", "200, false", "16400, false"})
    void aCookieCountsForTwoMinutes(long seconds, boolean counts) {
        try (Flood f = new Flood(3)) {
            f.answer(0);
            int cookie = f.synAck.sequence;
            f.d.now += seconds * SECOND;
            if (seconds > 128) {
                f.answer(0); // cookies are in use still
            }
            assertThat(f.known(f.ack(cookie + 1, 0), HIGH, LOW)).isEqualTo(counts);
        }
    }

    @Test
    void guessingDoesNotPay() {
        try (Flood f = new Flood(3)) {
            f.answer(0);
            int cookie = f.synAck.sequence;
            int length = f.ack(cookie + 1, 0);
            assertThat(f.known(length, HIGH + 1, LOW)).isFalse();
            assertThat(f.known(length, HIGH, LOW + 1)).isFalse();
            Random random = new Random(5);
            int hits = 0;
            for (int i = 0; i < 1_000_000; i++) {
                hits += f.known(f.ack(random.nextInt(), 0), HIGH, LOW) ? 1 : 0;
            }
            // Eight sizes and three units of time, of 2^32 numbers: one in 180 million.
            assertThat(hits).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void withoutAFloodNoAckIsACookie() {
        try (Flood f = new Flood(3)) {
            f.answer(0);
            Dialogue other = f.d;
            SynCookies quiet = new SynCookies(other.shard, LAN);
            f.ack(f.synAck.sequence + 1, 0);
            assertThat(quiet.isCookie(HIGH, LOW, other.input(), 2, other.now)).isFalse();
        }
    }
}
