package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.ACK;
import static dev.sluice.stack.tcp.Dialogue.FIN;
import static dev.sluice.stack.tcp.Dialogue.SYN;
import static dev.sluice.wire.TcpHeader.CWR;
import static dev.sluice.wire.TcpHeader.ECE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.Dialogue.Sent;
import org.junit.jupiter.api.Test;

/** Explicit congestion notification (RFC 3168). */
class CongestionReportTest {
    private static final TcpProfile ACCEPT =
            TcpProfile.lan(1500).withTimestamps(false).withDelayedAck(0);
    private static final TcpProfile REQUEST = ACCEPT.withEcn(TcpProfile.Ecn.REQUEST);

    private static Dialogue accepted(TcpProfile profile, int synFlags) {
        Dialogue d = new Dialogue(profile, -5, Integer.MAX_VALUE - 2);
        int length = d.build(SYN | synFlags, 0, 0, 0, 65535, Dialogue.mssOption(1460));
        d.tcb.openPassive(0, 0, d.input(), 2, length, d.iss, d.now);
        d.tcb.accept(d.now);
        return d;
    }

    private static Dialogue agreed() {
        Dialogue d = accepted(ACCEPT, ECE | CWR);
        assertThat(d.one().flags()).isEqualTo(SYN | ACK | ECE);
        d.peer(ACK, 1, 1);
        d.silence();
        return d;
    }

    @Test
    void itIsAgreedOnOnlyIfThePeerAsksForIt() {
        try (Dialogue plain = accepted(ACCEPT, 0);
                Dialogue half = accepted(ACCEPT, ECE);
                Dialogue off = accepted(ACCEPT.withEcn(TcpProfile.Ecn.OFF), ECE | CWR);
                Dialogue guest = accepted(TcpProfile.guest(1500), ECE | CWR);
                Dialogue both = accepted(ACCEPT, ECE | CWR)) {
            assertThat(plain.one().flags()).isEqualTo(SYN | ACK);
            assertThat(half.one().flags()).isEqualTo(SYN | ACK);
            assertThat(off.one().flags()).isEqualTo(SYN | ACK);
            assertThat(guest.one().flags()).isEqualTo(SYN | ACK);
            assertThat(both.one().flags()).isEqualTo(SYN | ACK | ECE);
        }
    }

    @Test
    void aSynAsksForItOnceAndThenWithout() {
        try (Dialogue d = new Dialogue(REQUEST, 9, 9)) {
            d.tcb.openActive(0, 0, d.iss, d.now, 80, 40000);
            Sent first = d.one();
            assertThat(first.flags()).isEqualTo(SYN | ECE | CWR);
            assertThat(first.mayBeMarked()).isFalse();
            d.timer();
            assertThat(d.one().flags()).isEqualTo(SYN);
        }
    }

    @Test
    void onlyNewDataMayBeMarked() {
        try (Dialogue d = agreed()) {
            d.write(100);
            assertThat(d.one().mayBeMarked()).isTrue();
            d.timer();
            Sent again = d.one();
            assertThat(again.length()).isEqualTo(100);
            assertThat(again.mayBeMarked()).isFalse();
            d.peerData(1, 101, 10);
            assertThat(d.one().mayBeMarked()).isFalse();
            d.tcb.shutdownOutput(d.now);
            Sent fin = d.one();
            assertThat(fin.has(FIN)).isTrue();
            assertThat(fin.mayBeMarked()).isFalse();
        }
    }

    @Test
    void withoutAgreementNothingIsMarkedOrReported() {
        try (Dialogue d = accepted(ACCEPT, 0)) {
            d.one();
            d.peer(ACK, 1, 1);
            d.peerMarked = true;
            d.peerData(1, 1, 10);
            assertThat(d.one().flags()).isEqualTo(ACK);
            d.write(10);
            assertThat(d.one().mayBeMarked()).isFalse();
            long window = d.tcb.snapshot().congestionWindow();
            d.peer(ACK | ECE, 11, 5);
            assertThat(d.tcb.snapshot().congestionWindow()).isEqualTo(window);
        }
    }

    @Test
    void marksAreReportedUntilThePeerHasSlowedDown() {
        try (Dialogue d = agreed()) {
            d.peerMarked = true;
            d.peerData(1, 1, 10);
            assertThat(d.one().flags()).isEqualTo(ACK | ECE);
            d.peerMarked = false;
            d.peerData(11, 1, 10);
            assertThat(d.one().flags()).isEqualTo(ACK | ECE);
            d.peer(ACK | CWR, 21, 1, 10, 65535);
            assertThat(d.one().flags()).isEqualTo(ACK);
            assertThat(d.shard.counters().congestionMarksIn).isEqualTo(1);
            // A mark on the very segment that tells so is a new one.
            d.peerMarked = true;
            d.peer(ACK | CWR, 31, 1, 10, 65535);
            assertThat(d.one().flags()).isEqualTo(ACK | ECE);
        }
    }

    @Test
    void aReportSlowsDownOncePerRoundTripAndIsConfirmed() {
        try (Dialogue d = agreed()) {
            d.write(100_000);
            d.transmit();
            int flight = d.sent.size();
            d.sent.clear();
            long before = d.tcb.snapshot().congestionWindow();
            d.peer(ACK | ECE, 1, 1 + 1460);
            long after = d.tcb.snapshot().congestionWindow();
            assertThat(after).isLessThan(before);
            for (int i = 2; i < flight; i++) {
                d.peer(ACK | ECE, 1, 1 + 1460L * i);
                assertThat(d.tcb.snapshot().congestionWindow()).isGreaterThanOrEqualTo(after);
                assertThat(d.shard.counters().congestionEchoes).isEqualTo(1);
            }
            d.transmit();
            Sent first = d.sent.remove();
            assertThat(first.has(CWR)).isTrue();
            assertThat(first.length()).isLessThanOrEqualTo(1460);
            assertThat(d.sent).noneMatch(s -> s.has(CWR));
            assertThat(d.shard.counters().retransmits).isZero();
        }
    }

    @Test
    void aReportThatAcknowledgesEverythingSlowsDownAndIsConfirmed() {
        try (Dialogue d = agreed()) {
            d.write(3 * 1460);
            d.transmit();
            d.sent.clear();
            d.peer(ACK | ECE, 1, 4381);
            assertThat(d.tcb.snapshot().congestionWindow()).isLessThan(3 * 1460);
            // The same report once more, without anything new.
            d.peer(ACK | ECE, 1, 4381);
            assertThat(d.shard.counters().congestionEchoes).isEqualTo(1);
            for (int i = 0; i < 3; i++) {
                d.write(100);
                assertThat(d.one().has(CWR)).isTrue();
                d.peer(ACK | ECE, 1, 4481 + 100L * i);
                assertThat(d.shard.counters().congestionEchoes).isEqualTo(2 + i);
            }
            d.write(100);
            assertThat(d.one().has(CWR)).isTrue();
            d.peer(ACK, 1, 4781);
            d.write(100);
            assertThat(d.one().has(CWR)).isFalse();
        }
    }

    @Test
    void aReportBeforeAnyDataIsNone() {
        try (Dialogue d = agreed()) {
            d.peer(ACK | ECE, 1, 1);
            assertThat(d.shard.counters().congestionEchoes).isZero();
        }
    }
}
