package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.*;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.Dialogue.Sent;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Options of all shapes, and what timestamps do (RFC 7323). */
class OptionsTest {
    private static final TcpProfile GUEST = TcpProfile.guest(1500);

    static java.util.stream.IntStream isns() {
        return HandshakeTest.isns();
    }

    @Test
    @Tag("slow")
    void noOptionOfAnyKindLengthAndPlaceBreaksTheReader() {
        Segment segment = new Segment();
        MemorySegment s = Arena.ofAuto().allocate(200);
        for (int kind = 0; kind < 256; kind++) {
            for (int length = 0; length < 45; length++) {
                for (int place = 0; place < 40; place++) {
                    s.fill((byte) 1);
                    TcpHeader.write(s, 3, 1, 2, 3, 4, 60, SYN, 5);
                    Bytes.put8(s, 23 + place, kind);
                    if (place < 39) {
                        Bytes.put8(s, 24 + place, length);
                    }
                    segment.read(s, 3, 60 + 7);
                    assertThat(segment.length).isEqualTo(7);
                    boolean fits = place + length <= 40 && place < 39;
                    assertThat(segment.mss >= 0).isEqualTo(kind == 2 && length == 4 && fits);
                    assertThat(segment.windowScale >= 0).isEqualTo(kind == 3 && length == 3 && fits);
                    assertThat(segment.sackPermitted).isEqualTo(kind == 4 && length == 2 && fits);
                    assertThat(segment.hasTimestamps).isEqualTo(kind == 8 && length == 10 && fits);
                    assertThat(segment.sackBlocks)
                            .isEqualTo(
                                    kind == 5 && length > 2 && length % 8 == 2 && fits ? Math.min(4, length / 8) : 0);
                }
            }
        }
    }

    @Test
    @Tag("slow")
    void randomSegmentsNeverThrowAndNeverLeak() {
        for (long seed = 1; seed <= 3000; seed++) {
            Random random = new Random(seed);
            TcpState state = TcpState.values()[random.nextInt(10)];
            try (Dialogue d = new Dialogue(
                            random.nextBoolean() ? GUEST : TcpProfile.lan(1500), random.nextInt(), random.nextInt())
                    .in(state)) {
                for (int i = 0; i < 40; i++) {
                    byte[] options = new byte[random.nextInt(41)];
                    random.nextBytes(options);
                    Snapshot s = d.tcb.snapshot();
                    int n = d.build(
                            random.nextInt(3) == 0 ? random.nextInt(256) : ACK,
                            s.receiveNext() + (random.nextBoolean() ? 0 : random.nextInt(5000) - 2500),
                            s.sendNext() - random.nextInt(3),
                            random.nextInt(2000),
                            random.nextInt(65536),
                            options);
                    if (TcpHeader.check(d.input(), 2, n) == Flaw.NONE) {
                        d.tcb.onSegment(d.input(), 2, n, d.now);
                    }
                    if (random.nextInt(4) == 0) {
                        d.write(random.nextInt(3000));
                    }
                    if (random.nextInt(10) == 0) {
                        d.tcb.shutdownOutput(d.now);
                    }
                    d.pass(random.nextInt(300) * MS);
                    d.tcb.onTimer(d.now);
                    d.transmit();
                    d.sent.clear();
                }
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("Seed " + seed, e);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aWindowScaleAboveFourteenIsFourteen(int isn) {
        for (int shift : new int[] {14, 15, 255}) {
            try (Dialogue d = new Dialogue(GUEST, isn, 1).established(options(3, 3, shift))) {
                d.peer(ACK, 1, 1, 0, 2);
                assertThat(d.tcb.snapshot().sendWindow()).isEqualTo(2 << 14);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void theWindowOfASynIsNotScaled(int isn) {
        try (Dialogue d = new Dialogue(GUEST, isn, 1).synReceived(options(3, 3, 7))) {
            assertThat(d.tcb.snapshot().sendWindow()).isEqualTo(65535);
        }
        try (Dialogue d = new Dialogue(GUEST, isn, 1).in(TcpState.SYN_SENT)) {
            d.peer(SYN | ACK, 0, 1, 0, 1000, options(3, 3, 7));
            assertThat(d.tcb.snapshot().sendWindow()).isEqualTo(1000);
            d.peer(ACK, 1, 1, 0, 1000);
            assertThat(d.tcb.snapshot().sendWindow()).isEqualTo(128_000);
        }
    }

    private static Dialogue stamped(int isn) {
        Dialogue d = new Dialogue(GUEST, isn, ~isn);
        d.peerTimestamps = true;
        return d.plain(true);
    }

    @ParameterizedTest
    @MethodSource("isns")
    void timestampsAreEchoedFromTheLeftEdgeOnly(int isn) {
        try (Dialogue d = stamped(isn)) {
            assertThat(d.tcb.sendMss()).isEqualTo(1448);
            d.peerClock = 6000;
            d.peerData(1, 1, 100);
            assertThat(d.one().tsEcr()).isEqualTo(6000);
            d.peerClock = 6100;
            d.peerData(201, 1, 100);
            Sent ack = d.one();
            assertThat(ack.tsEcr()).isEqualTo(6000);
            assertThat(ack.sack()).containsExactly(201, 301);
            d.peerClock = 6200;
            d.peerData(101, 1, 100);
            assertThat(d.one().tsEcr()).isEqualTo(6200);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void segmentsWithOldTimestampsAreRefused(int isn) {
        try (Dialogue d = stamped(isn)) {
            d.peerClock = -5;
            d.peerData(1, 1, 100);
            d.transmit();
            d.sent.clear();
        }
        try (Dialogue d = stamped(isn)) {
            d.peerClock = 6000;
            d.peerData(1, 1, 100);
            d.one();
            d.peerClock = 5999;
            d.peerData(101, 1, 100);
            assertThat(d.one().ack()).isEqualTo(101);
            assertThat(d.shard.counters().dropsPaws).isEqualTo(1);
            d.assertReceived(100);
            // A reset needs none (RFC 7323 §5.2), and after 24 days nothing is proved.
            d.pass(25L * 86_400_000 * MS);
            d.peerData(101, 1, 100);
            d.assertReceived(200);
            d.peerClock = 0;
            assertThat(d.peer(RST, 201, 0)).isEqualTo(Tcb.Events.RESET);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void timestampsWrapAround(int isn) {
        try (Dialogue d = new Dialogue(GUEST, isn, ~isn)) {
            d.peerTimestamps = true;
            d.peerClock = -10;
            d.plain(true);
            for (int i = 0; i < 10; i++) {
                d.peerClock += 3;
                d.peerData(1 + i * 10L, 1, 10);
                // The echo is of the earliest segment not yet acknowledged, so one acknowledgment each.
                assertThat(d.one().tsEcr()).isEqualTo(d.peerClock);
            }
            d.assertReceived(100);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void anUnacceptableAcknowledgmentDoesNotSetTheEcho(int isn) {
        try (Dialogue d = stamped(isn)) {
            d.peerClock = 9000;
            d.peerData(1, 50, 10);
            assertThat(d.one().tsEcr()).isEqualTo(5000);
        }
    }

    @ParameterizedTest
    @MethodSource("isns")
    void aPeerThatStopsStampingIsStillHeard(int isn) {
        try (Dialogue d = stamped(isn)) {
            d.peerTimestamps = false;
            d.peerData(1, 1, 10);
            d.assertReceived(10);
        }
    }
}
