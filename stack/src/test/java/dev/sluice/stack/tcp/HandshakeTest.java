package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.*;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.Dialogue.Sent;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HandshakeTest {
    private static final TcpProfile GUEST = TcpProfile.guest(1500);
    private static final TcpProfile LAN = TcpProfile.lan(1500);
    /** MSS 1460, SACK, scale 7. */
    private static final byte[] USUAL = options(2, 4, 0x05, 0xb4, 4, 2, 1, 3, 3, 7);

    static IntStream isns() {
        return IntStream.of(0, Integer.MAX_VALUE, Integer.MIN_VALUE, -2, new Random(7).nextInt());
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aHeldSynIsAnsweredOnlyWhenAccepted(int isn) {
        try (Dialogue d = new Dialogue(GUEST, isn, ~isn).held(USUAL)) {
            d.peer(SYN, 0, 0, 0, 65535, USUAL);
            d.silence();
            assertThat(d.tcb.deadline()).isEqualTo(Long.MAX_VALUE);
            d.tcb.accept(d.now);
            Sent s = d.one();
            assertThat(s.flags()).isEqualTo(SYN | ACK);
            assertThat(s.mss()).isEqualTo(1460);
            assertThat(s.scale()).isEqualTo(6);
            assertThat(s.sackOk()).isTrue();
            assertThat(s.stamped()).isFalse();
            assertThat(s.window()).isEqualTo(65535);
            assertThat(d.peer(ACK, 1, 1)).isEqualTo(Tcb.Events.ESTABLISHED);
            assertThat(d.tcb.deadline()).isEqualTo(Long.MAX_VALUE);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aRefusedSynIsReset(int isn) {
        try (Dialogue d = new Dialogue(GUEST, isn, ~isn).held(USUAL)) {
            d.tcb.abort(d.now);
            assertThat(d.tcb.wantsTransmit()).isTrue();
            Sent s = d.one();
            assertThat(s.flags()).isEqualTo(RST | ACK);
            assertThat((int) s.seq() + isn).isZero();
            assertThat(s.ack()).isEqualTo(1);
            d.silence();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aLostSynAckIsSentAgainWithItsOptions(int isn) {
        try (Dialogue d = new Dialogue(GUEST, isn, ~isn)) {
            d.peerTimestamps = true;
            d.held(USUAL);
            d.tcb.accept(d.now);
            Sent first = d.one();
            d.timer();
            Sent second = d.one();
            d.peer(SYN, 0, 0, 0, 65535, USUAL);
            Sent third = d.one();
            for (Sent s : new Sent[] {second, third}) {
                assertThat(s).usingRecursiveComparison().ignoringFields("tsVal").isEqualTo(first);
            }
            assertThat(second.tsVal() - first.tsVal()).isEqualTo(1000);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void anActiveOpenOffersEverythingAndTakesWhatItGets(int isn) {
        try (Dialogue d = new Dialogue(LAN, isn, ~isn).in(TcpState.SYN_SENT)) {
            d.timer();
            Sent s = d.one();
            assertThat(s.flags()).isEqualTo(SYN);
            assertThat(s.sackOk()).isTrue();
            assertThat(s.stamped()).isTrue();
            assertThat(s.scale()).isEqualTo(4);
            assertThat(d.peer(SYN | ACK, 0, 1, 0, 1000, mssOption(1000))).isEqualTo(Tcb.Events.ESTABLISHED);
            Sent ack = d.one();
            assertThat(ack.flags()).isEqualTo(ACK);
            assertThat(ack.ack()).isEqualTo(1);
            assertThat(ack.stamped()).isFalse();
            assertThat(ack.window()).isEqualTo(65535);
            // Half of the only window seen so far.
            assertThat(d.tcb.sendMss()).isEqualTo(500);
            d.write(5000);
            d.transmit();
            assertThat(d.sent.stream().mapToInt(Sent::length).sum()).isEqualTo(1000);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void simultaneousOpenEstablishesBothSides(int isn) {
        try (Dialogue d = new Dialogue(LAN, isn, ~isn).in(TcpState.SYN_SENT)) {
            assertThat(d.peer(SYN, 0, 0, 0, 65535, USUAL)).isZero();
            assertThat(d.tcb.state()).isEqualTo(TcpState.SYN_RECEIVED);
            Sent s = d.one();
            assertThat(s.flags()).isEqualTo(SYN | ACK);
            assertThat(s.seq()).isZero();
            assertThat(d.peer(SYN | ACK, 0, 1, 0, 65535, USUAL)).isEqualTo(Tcb.Events.ESTABLISHED);
            d.write(10);
            assertThat(d.next().seq()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void anUnacceptableAckInSynSentIsReset(int isn) {
        try (Dialogue d = new Dialogue(LAN, isn, ~isn).in(TcpState.SYN_SENT)) {
            for (long ack : new long[] {0, 2, -1}) {
                assertThat(d.peer(SYN | ACK, 0, ack)).isZero();
                Sent s = d.one();
                assertThat(s.flags()).isEqualTo(RST);
                assertThat(s.seq()).isEqualTo(ack);
                assertThat(d.peer(RST | ACK, 0, ack)).isZero();
                d.silence();
            }
            assertThat(d.peer(RST, 0, 0)).isZero();
            assertThat(d.peer(RST | ACK, 0, 1)).isEqualTo(Tcb.Events.RESET);
            assertThat(d.tcb.state()).isEqualTo(TcpState.CLOSED);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aHandshakeWithoutAnswerTimesOut(int isn) {
        try (Dialogue d = new Dialogue(LAN, isn, ~isn).in(TcpState.SYN_SENT)) {
            long begin = d.now;
            int syns = 1;
            while (d.timer() == 0) {
                assertThat(d.one().flags()).isEqualTo(SYN);
                syns++;
            }
            assertThat(d.events).isEqualTo(Tcb.Events.TIMED_OUT);
            assertThat(d.now - begin).isBetween(LAN.synTimeout(), LAN.synTimeout() + LAN.rtoMax());
            assertThat(syns).isBetween(6, 10);
            d.silence();
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void dataInTheSynIsLeftToRetransmission(int isn) {
        try (Dialogue d = new Dialogue(GUEST, isn, ~isn)) {
            int length = d.build(SYN | FIN, 0, 0, 100, 65535, USUAL);
            d.tcb.openPassive(0, 0, d.input(), 2, length, isn, d.now);
            d.tcb.accept(d.now);
            assertThat(d.one().ack()).isEqualTo(1);
            d.peer(ACK | FIN, 1, 1, 100, 65535);
            d.assertReceived(100);
            assertThat(d.events).isEqualTo(Tcb.Events.ESTABLISHED | Tcb.Events.REMOTE_CLOSED);
            assertThat(d.one().ack()).isEqualTo(102);
        }
    }

    /** Data of a SYN that meets ours was never acknowledged, so memory that is short need not be spent on it. */
    @Test
    void whatCameWithASynMayBeGivenUpAndComesAgain() {
        try (Dialogue d = new Dialogue(TcpProfile.lan(1500), -60, 5, BufferPool.MIN_BLOCK)) {
            d.tcb.openActive(0, 0, d.iss, d.now, 80, 40000);
            d.one();
            d.peer(Dialogue.SYN, 0, 0, 100, 65535);
            assertThat(d.one().ack()).isEqualTo(1);
            assertThat(d.shard.buffers().inUse()).isEqualTo(BufferPool.MIN_BLOCK);
            MemorySegment block = d.shard.buffers().take(BufferPool.MIN_BLOCK);
            assertThat(block).isNotNull();
            d.shard.buffers().give(block);
            assertThat(d.peer(Dialogue.ACK, 101, 1)).isEqualTo(Tcb.Events.ESTABLISHED);
            d.assertReceived(0);
            d.peerData(1, 1, 100);
            d.assertReceived(100);
        }
    }

    @Test
    void whatCameWithASynIsDeliveredOnceAndBeforeItsEnd() {
        try (Dialogue d = new Dialogue(TcpProfile.lan(1500), -60, 5)) {
            d.tcb.openActive(0, 0, d.iss, d.now, 80, 40000);
            d.one();
            d.peer(Dialogue.SYN | Dialogue.FIN, 0, 0, 100, 65535);
            assertThat(d.one().ack()).as("nothing of it is acknowledged yet").isEqualTo(1);
            d.assertReceived(0);
            d.appetite = 0;
            assertThat(d.peer(Dialogue.ACK, 102, 1)).isEqualTo(Tcb.Events.ESTABLISHED);
            assertThat(d.tcb.state()).isEqualTo(TcpState.CLOSE_WAIT);
            assertThat(d.one().ack()).isEqualTo(102);
            d.appetite = Integer.MAX_VALUE;
            assertThat(d.tcb.drain(d.now)).isEqualTo(Tcb.Events.REMOTE_CLOSED);
            d.assertReceived(100);
        }
    }
}
