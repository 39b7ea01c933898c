package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.ACK;
import static dev.sluice.stack.tcp.Dialogue.FIN;
import static dev.sluice.stack.tcp.Dialogue.MS;
import static dev.sluice.stack.tcp.Dialogue.PSH;
import static dev.sluice.stack.tcp.Dialogue.RST;
import static dev.sluice.stack.tcp.Dialogue.SYN;
import static dev.sluice.stack.tcp.Dialogue.URG;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.Dialogue.Sent;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.TcpOptions;
import org.junit.jupiter.api.Test;

/** Headers and options of what we send: SYNs, data, acknowledgments with SACK, resets. */
class SegmentWriterTest {
    private static final TcpProfile LAN = TcpProfile.lan(1500);
    private static final byte[] ALL = Dialogue.join(
            Dialogue.mssOption(1460), Dialogue.options(TcpOptions.SACK_PERMITTED, 2, TcpOptions.WINDOW_SCALE, 3, 7));

    private static Dialogue stamped(TcpProfile profile) {
        Dialogue d = new Dialogue(profile, -70, 0x7fff_ff00);
        d.peerTimestamps = true;
        d.held(ALL);
        d.tcb.accept(d.now);
        d.peerEcho = d.one().tsVal();
        d.peer(ACK, 1, 1);
        return d;
    }

    // ---- SYNs

    @Test
    void aSynOffersAllAndAcknowledgesNothing() {
        try (Dialogue d = new Dialogue(LAN, 100, 200)) {
            d.tcb.openActive(0, 0, d.iss, d.now, 80, 40000);
            Sent syn = d.one();
            assertThat(syn.flags()).isEqualTo(SYN);
            assertThat(syn.seq()).isZero();
            assertThat(syn.mss()).isEqualTo(1460);
            assertThat(syn.sackOk()).isTrue();
            assertThat(syn.stamped()).isTrue();
            assertThat(syn.tsEcr()).isZero();
            assertThat(syn.scale()).isEqualTo(d.tcb.receiver.scale());
            assertThat(syn.window()).isEqualTo(65535);
            assertThat(d.shard.counters().segmentsOut).isEqualTo(1);
            assertThat(d.shard.counters().bytesOut).isZero();
            assertThat(TcpHeader.acknowledgment(d.shard.header(), TcpShard.HEADER_AT))
                    .isZero();
        }
    }

    @Test
    void aSynAckHasWhatBothHave() {
        try (Dialogue d = new Dialogue(LAN, 100, 200)) {
            d.held(Dialogue.mssOption(1000));
            d.tcb.accept(d.now);
            Sent bare = d.one();
            assertThat(bare.flags()).isEqualTo(SYN | ACK);
            assertThat(bare.mss()).isEqualTo(1460);
            assertThat(bare.sackOk()).isFalse();
            assertThat(bare.stamped()).isFalse();
            assertThat(bare.scale()).isEqualTo(-1);
        }
        try (Dialogue d = stamped(LAN)) {
            assertThat(d.tcb.sackOk && d.tcb.scaleOk && d.tcb.timestamps.on()).isTrue();
        }
    }

    /** The acknowledgment in it is one: nothing more is owed. */
    @Test
    void aSynAckAcknowledges() {
        try (Dialogue d = new Dialogue(LAN, 100, 200)) {
            d.tcb.openActive(0, 0, d.iss, d.now, 80, 40000);
            d.one();
            d.peer(SYN, 0, 0);
            Sent synAck = d.one();
            assertThat(synAck.flags()).isEqualTo(SYN | ACK);
            assertThat(synAck.ack()).isEqualTo(1);
            assertThat(d.tcb.unacknowledged()).isZero();
            assertThat(d.tcb.wantsTransmit()).isFalse();
        }
    }

    @Test
    void afterSomeSynsWithoutAnswerThoseThatFollowArePlainIfThatWasAskedFor() {
        TcpProfile profile = LAN.with(TcpTuning.DEFAULT.withPlainSynAfter(2));
        try (Dialogue d = new Dialogue(profile, 100, 200)) {
            d.tcb.openActive(0, 0, d.iss, d.now, 80, 40000);
            for (int syn = 0; syn < 4; syn++) {
                Sent sent = d.one();
                boolean full = syn < 2;
                assertThat(sent.mss()).isEqualTo(1460);
                assertThat(sent.sackOk()).as("SYN " + syn).isEqualTo(full);
                assertThat(sent.stamped()).isEqualTo(full);
                assertThat(sent.scale() >= 0).isEqualTo(full);
                d.timer();
            }
        }
        try (Dialogue d = new Dialogue(profile, 100, 200)) {
            d.held(ALL);
            d.tcb.accept(d.now);
            for (int synAck = 0; synAck < 4; synAck++) {
                assertThat(d.one().sackOk()).as("SYN-ACK " + synAck).isTrue();
                d.timer();
            }
        }
    }

    // ---- Data

    @Test
    void dataAcknowledgesTooAndIsCounted() {
        try (Dialogue d = new Dialogue(LAN, 100, 200).plain(true)) {
            long segments = d.shard.counters().segmentsOut;
            d.peerData(1, 1, 300);
            d.write(700);
            Sent data = d.one();
            assertThat(data.flags()).isEqualTo(ACK | PSH);
            assertThat(data.seq()).isEqualTo(1);
            assertThat(data.ack()).isEqualTo(301);
            assertThat(data.length()).isEqualTo(700);
            Dialogue.assertPattern(data);
            assertThat(d.tcb.deadline()).as("no acknowledgment is owed").isGreaterThan(d.now + 40 * MS);
            assertThat(d.shard.counters().bytesOut).isEqualTo(700);
            assertThat(d.shard.counters().segmentsOut).isEqualTo(segments + 1);
        }
    }

    @Test
    void theEndComesFromItsPlaceInTheStream() {
        try (Dialogue d = new Dialogue(LAN, -3, 200).plain(true)) {
            d.write(5);
            d.tcb.shutdownOutput(d.now);
            Sent end = d.one();
            assertThat(end.flags()).isEqualTo(ACK | PSH | FIN);
            Dialogue.assertPattern(end);
            d.timer();
            Sent again = d.next();
            assertThat(again.flags()).isEqualTo(ACK | PSH | FIN);
            Dialogue.assertPattern(again);
        }
    }

    @Test
    void urgentDataHasItsPointerWhereverTheSegmentBegins() {
        try (Dialogue d = new Dialogue(LAN.withNagle(false), 100, 200).plain(true)) {
            d.write(1500);
            d.tcb.markUrgent();
            Sent first = d.next();
            assertThat(first.flags() & URG).isEqualTo(URG);
            assertThat(first.urgent()).isEqualTo(1500);
            Sent second = d.sent.remove();
            assertThat(second.flags() & URG).isEqualTo(URG);
            assertThat(second.urgent()).isEqualTo(40);
            d.write(10);
            Sent after = d.one();
            assertThat(after.flags() & URG).isZero();
            assertThat(after.urgent()).isZero();
        }
    }

    // ---- SACK

    private static void beyond(Dialogue d, int... numbers) {
        for (int n : numbers) {
            d.peerData(1 + 1000L * n, 1, 100);
        }
    }

    private static long[] pieces(int... numbers) {
        long[] bounds = new long[2 * numbers.length];
        for (int i = 0; i < numbers.length; i++) {
            bounds[2 * i] = 1 + 1000L * numbers[i];
            bounds[2 * i + 1] = bounds[2 * i] + 100;
        }
        return bounds;
    }

    /** RFC 2018 §4: the latest first, then those before. */
    @Test
    void theLatestPiecesAreToldInTheOrderOfTheirArrival() {
        try (Dialogue d = new Dialogue(LAN.withTimestamps(false), 100, -2000).plain(true)) {
            beyond(d, 5);
            assertThat(d.one().sack()).containsExactly(pieces(5));
            beyond(d, 2, 8);
            assertThat(d.one().sack()).containsExactly(pieces(8, 2, 5));
            beyond(d, 3, 1);
            assertThat(d.one().sack()).containsExactly(pieces(1, 3, 8, 2));
        }
    }

    @Test
    void timestampsLeaveRoomForThree() {
        try (Dialogue d = stamped(LAN)) {
            beyond(d, 5, 2, 8, 3);
            Sent ack = d.one();
            assertThat(ack.stamped()).isTrue();
            assertThat(ack.sack()).containsExactly(pieces(3, 8, 2));
        }
    }

    /** RFC 2883 §4: what came twice is the first block, and takes a piece's place. */
    @Test
    void whatCameTwiceStandsBeforeThePieces() {
        try (Dialogue d = new Dialogue(LAN.withTimestamps(false), 100, 200).plain(true)) {
            d.peerData(1, 1, 500);
            beyond(d, 5, 2, 8, 3);
            d.transmit();
            d.sent.clear();
            d.peerData(101, 1, 100);
            assertThat(d.one().sack()).containsExactly(101, 201, 3001, 3101, 8001, 8101, 2001, 2101);
        }
    }

    @Test
    void whatCameTwiceIsToldWithoutAnyPiece() {
        try (Dialogue d = new Dialogue(LAN.withTimestamps(false), 100, 200).plain(true)) {
            d.peerData(1, 1, 500);
            d.transmit();
            d.sent.clear();
            d.peerData(1, 1, 500);
            assertThat(d.one().sack()).containsExactly(1, 501);
            d.peerData(501, 1, 500);
            d.peerData(1001, 1, 500);
            assertThat(d.one().sack()).as("told once").isEmpty();
        }
    }

    /** Places that are no longer beyond a hole, or have grown together, leave room for others. */
    @Test
    void piecesThatHaveGrownTogetherAreToldOnceAndOthersFillTheRoom() {
        try (Dialogue d = new Dialogue(LAN.withTimestamps(false), 100, 200).plain(true)) {
            beyond(d, 1, 9, 7, 5, 3);
            d.transmit();
            d.sent.clear();
            d.peerData(3101, 1, 1900); // 3 and 5 are one now
            assertThat(d.one().sack()).containsExactly(3001, 5101, 7001, 7101, 9001, 9101, 1001, 1101);
        }
    }

    @Test
    void whoHasNotAgreedOnSackGetsNone() {
        try (Dialogue d = new Dialogue(LAN.withTimestamps(false), 100, 200).plain(false)) {
            beyond(d, 5);
            assertThat(d.one().sack()).isEmpty();
        }
    }

    // ---- Resets

    @Test
    void aResetHasNoWindowAndTheTimestampThatWasAgreedOn() {
        try (Dialogue d = stamped(LAN)) {
            d.tcb.abort(d.now);
            Sent reset = d.one();
            assertThat(reset.flags()).isEqualTo(RST | ACK);
            assertThat(reset.seq()).isEqualTo(1);
            assertThat(reset.ack()).isEqualTo(1);
            assertThat(reset.window()).isZero();
            assertThat(reset.stamped()).isTrue();
            assertThat(reset.tsEcr()).isEqualTo(d.peerClock);
            assertThat(d.shard.counters().resetsOut).isEqualTo(1);
        }
    }

    /** RFC 9293 §3.10.7.1: as if there were nobody. */
    @Test
    void aSynThatIsRefusedGetsAResetWithoutOptions() {
        try (Dialogue d = new Dialogue(LAN, 100, 200)) {
            d.peerTimestamps = true;
            d.held(ALL);
            d.tcb.abort(d.now);
            Sent reset = d.one();
            assertThat(reset.flags()).isEqualTo(RST | ACK);
            assertThat(reset.seq()).isEqualTo(-d.iss);
            assertThat(reset.ack()).isEqualTo(1);
            assertThat(reset.stamped()).isFalse();
        }
    }

    @Test
    void anAnswerToWhatWeNeverSentIsABareReset() {
        try (Dialogue d = new Dialogue(LAN, 100, 200)) {
            d.tcb.openActive(0, 0, d.iss, d.now, 80, 40000);
            d.one();
            d.peer(ACK, 1, 77);
            Sent reset = d.one();
            assertThat(reset.flags()).isEqualTo(RST);
            assertThat(reset.seq()).isEqualTo(77);
            assertThat(reset.stamped()).isFalse();
            assertThat(reset.window()).isZero();
            assertThat(d.shard.counters().resetsOut).isEqualTo(1);
        }
    }
}
