package dev.sluice.link.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.link.Frame;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class FrameRingTest {
    private static byte[] random(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] captured(RingReader reader) {
        return reader.record()
                .asSlice(FrameRing.RECORD_HEADER, FrameRing.captured(reader.record()))
                .toArray(ValueLayout.JAVA_BYTE);
    }

    @Test
    void framesComeOutAsTheyWentInHoweverOftenTheRingGoesRound() {
        long seed = 11;
        Random random = new Random(seed);
        FrameRing ring = new FrameRing(Arena.ofAuto(), 8192, 1000);
        RingReader reader = new RingReader(ring, Arena.ofAuto(), false);
        ArrayDeque<byte[]> expected = new ArrayDeque<>();
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = random(random, 14 + random.nextInt(1400));
            int head = 14 + random.nextInt(bytes.length - 13);
            int first = random.nextInt(bytes.length - head + 1);
            ring.append(scattered(bytes, head, first), i, i % 5, Capture.INBOUND, 0);
            expected.add(bytes);
            ring.publish();
            if (expected.size() == 3 || random.nextInt(3) == 0) {
                while (!expected.isEmpty()) {
                    byte[] frame = expected.removeFirst();
                    assertThat(reader.next()).as("seed %d, frame %d", seed, i).isTrue();
                    assertThat(FrameRing.original(reader.record())).isEqualTo(frame.length);
                    assertThat(captured(reader))
                            .isEqualTo(java.util.Arrays.copyOf(frame, Math.min(1000, frame.length)));
                }
                assertThat(reader.next()).isFalse();
            }
        }
        assertThat(reader.lost()).isZero();
    }

    /** A frame in three parts, of which the last two are of a ring's memory. */
    private static Frame scattered(byte[] bytes, int head, int first) {
        Frame frame = new Frame().set(Packets.segment(bytes), 0, head);
        byte[] ring = new byte[bytes.length + 10];
        int second = bytes.length - head - first;
        System.arraycopy(bytes, head, ring, second + 10, first);
        System.arraycopy(bytes, head + first, ring, 0, second);
        frame.body = Packets.segment(ring);
        frame.bodyAt = second + 10L;
        frame.bodyLength = first;
        frame.bodyWrapAt = 0;
        frame.bodyWrapLength = second;
        return frame;
    }

    @Test
    void aFrameThatIsAllHeadMayCarryTheOffsetsOfTheOneBefore() {
        FrameRing ring = new FrameRing(Arena.ofAuto(), 8192, 1000);
        Frame frame = Packets.frame(new byte[60]);
        frame.bodyAt = 2887;
        frame.bodyWrapAt = 5;
        ring.append(frame, 1, 0, Capture.INBOUND, 0);
        ring.publish();
        assertThat(new RingReader(ring, Arena.ofAuto(), true).next()).isTrue();
    }

    @Test
    void aSlowReaderFindsTheNewestAndKnowsHowManyItMissed() {
        FrameRing ring = new FrameRing(Arena.ofAuto(), 8192, 200);
        RingReader slow = new RingReader(ring, Arena.ofAuto(), false);
        Frame frame = Packets.frame(new byte[200]);
        for (int i = 0; i < 1000; i++) {
            ring.append(frame, i, 0, Capture.INBOUND, 0);
            ring.publish();
        }
        int read = 0;
        long last = -1;
        while (slow.next()) {
            read++;
            assertThat(FrameRing.time(slow.record())).isGreaterThan(last);
            last = FrameRing.time(slow.record());
        }
        assertThat(last).isEqualTo(999);
        assertThat(read).isBetween(20, 40);
        assertThat(slow.lost()).isEqualTo(1000 - read);
        RingReader late = new RingReader(ring, Arena.ofAuto(), true);
        assertThat(late.next()).isTrue();
        assertThat(late.lost()).as("what went before it came does not count").isZero();
        RingReader live = new RingReader(ring, Arena.ofAuto(), false);
        assertThat(live.next()).isFalse();
    }

    @Test
    void nothingIsSeenBeforeItIsPublished() {
        FrameRing ring = new FrameRing(Arena.ofAuto(), 8192, 200);
        RingReader reader = new RingReader(ring, Arena.ofAuto(), true);
        ring.append(Packets.frame(new byte[60]), 1, 0, Capture.INBOUND, 0);
        assertThat(reader.next()).isFalse();
        ring.note(9);
        ring.publish();
        assertThat(reader.next()).isTrue();
        assertThat(FrameRing.reason(reader.record())).isEqualTo(9);
    }

    @Test
    void aNoteIsOfTheFrameBeingDealtWithAndOfNoAnswerToIt() {
        FrameRing ring = new FrameRing(Arena.ofAuto(), 8192, 200);
        ring.append(Packets.frame(new byte[60]), 1, 0, Capture.INBOUND, 0);
        ring.append(Packets.frame(new byte[61]), 2, 0, Capture.OUTBOUND, 0);
        ring.note(5);
        ring.forgetCurrent();
        ring.append(Packets.frame(new byte[62]), 3, 0, Capture.OUTBOUND, 0);
        ring.note(6);
        ring.publish();
        RingReader reader = new RingReader(ring, Arena.ofAuto(), true);
        int[] reasons = new int[3];
        for (int i = 0; i < 3; i++) {
            assertThat(reader.next()).isTrue();
            reasons[i] = FrameRing.reason(reader.record());
        }
        assertThat(reasons).containsExactly(5, 0, 0);
    }

    @Test
    void aNoteForAFrameThatItsOwnAnswersHaveOverwrittenHarmsNothing() {
        FrameRing ring = new FrameRing(Arena.ofAuto(), 1024, 200);
        ring.append(Packets.frame(new byte[60]), 1, 0, Capture.INBOUND, 0);
        for (int i = 0; i < 100; i++) {
            ring.append(Packets.frame(new byte[150]), 2, 0, Capture.OUTBOUND, 0);
        }
        ring.note(5);
        ring.publish();
        RingReader reader = new RingReader(ring, Arena.ofAuto(), true);
        while (reader.next()) {
            assertThat(FrameRing.reason(reader.record())).isZero();
        }
    }

    @Test
    void aRecordTakesNoMoreThanHalfOfTheRing() {
        FrameRing ring = new FrameRing(Arena.ofAuto(), 8192, 65_535);
        assertThat(ring.snapLength()).isEqualTo(4096 - FrameRing.RECORD_HEADER);
        assertThatThrownBy(() -> new FrameRing(Arena.ofAuto(), 5000, 100)).hasMessageContaining("5000");
    }

    /** Records say in every byte which they are; a reader that is overrun all the time must never see a mixture. */
    @Test
    void aReaderThatIsOverrunNeverSeesATornRecord() throws Exception {
        FrameRing ring = new FrameRing(Arena.ofAuto(), 4096, 1000);
        // Before the writer starts: what was written earlier does not count as lost.
        RingReader reader = new RingReader(ring, Arena.ofAuto(), false);
        AtomicBoolean over = new AtomicBoolean();
        long frames = 400_000;
        Thread writer = Thread.ofPlatform().start(() -> {
            MemorySegment bytes = Arena.ofAuto().allocate(1000, 8);
            Frame frame = new Frame();
            for (long i = 0; i < frames; i++) {
                int length = 14 + (int) (i * 37 % 900);
                bytes.asSlice(0, length).fill((byte) i);
                ring.append(frame.set(bytes, 0, length), i, (int) (i & 0xfff), Capture.INBOUND, 0);
                ring.publish();
            }
            over.set(true);
        });
        long read = 0;
        boolean last = false;
        while (!last) {
            last = over.get();
            while (reader.next()) {
                read++;
                long i = FrameRing.time(reader.record());
                byte[] bytes = captured(reader);
                if (bytes.length != 14 + i * 37 % 900 || FrameRing.link(reader.record()) != (i & 0xfff)) {
                    throw new AssertionError("record " + i + " has " + bytes.length + " bytes");
                }
                for (byte b : bytes) {
                    if (b != (byte) i) {
                        throw new AssertionError("record " + i + " holds bytes of another");
                    }
                }
            }
        }
        writer.join();
        assertThat(read + reader.lost()).isEqualTo(frames);
        assertThat(read).isPositive();
    }
}
