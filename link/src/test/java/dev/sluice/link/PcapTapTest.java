package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.wire.Flaw;
import dev.sluice.wire.Pcap;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PcapTapTest {
    @TempDir
    Path directory;

    @Test
    void framesOfBothDirectionsAreInTheFileInOrder() throws Exception {
        Path file = directory.resolve("a.pcap");
        Random random = new Random(4);
        FakeLink inner = new FakeLink("inner");
        Recorder heard = new Recorder();
        byte[][] frames = new byte[300][];
        try (PcapTap tap = PcapTap.open(file, 1000)) {
            Link link = tap.tap(inner);
            link.start(heard);
            for (int i = 0; i < frames.length; i++) {
                frames[i] = Frames.random(random, 14 + random.nextInt(20_000));
                if (i % 2 == 0) {
                    inner.deliver(frames[i]);
                    assertThat(heard.frames.remove()).isEqualTo(frames[i]);
                } else {
                    int head = 14 + random.nextInt(frames[i].length - 13);
                    Frame frame = Frames.scattered(frames[i], head, random.nextInt(frames[i].length - head + 1));
                    assertThat(link.send(frame)).isTrue();
                    assertThat(inner.sent.removeFirst()).isEqualTo(frames[i]);
                }
            }
            inner.full = true;
            assertThat(link.send(Frames.frame(frames[0]))).isFalse();
            assertThat(tap.frames()).isEqualTo(300);
            assertThat(tap.dropped()).isZero();
        }
        MemorySegment bytes = Frames.segment(Files.readAllBytes(file));
        assertThat(Pcap.check(bytes, 0, bytes.byteSize())).isEqualTo(Flaw.NONE);
        Pcap.Reader reader = new Pcap.Reader(bytes, 0, bytes.byteSize());
        assertThat(reader.snapLength()).isEqualTo(1000);
        assertThat(reader.linkType()).isEqualTo(Pcap.LINKTYPE_ETHERNET);
        for (byte[] frame : frames) {
            assertThat(reader.next()).isTrue();
            assertThat(reader.original()).isEqualTo(frame.length);
            assertThat(Frames.bytes(bytes, reader.at(), reader.captured()))
                    .isEqualTo(java.util.Arrays.copyOf(frame, Math.min(1000, frame.length)));
        }
        assertThat(reader.next()).isFalse();
    }

    @Test
    void whatTheRingCanNotHoldIsCountedAndTheRestIsWhole() throws Exception {
        Path file = directory.resolve("b.pcap");
        FakeLink inner = new FakeLink("inner");
        long frames;
        try (PcapTap tap = PcapTap.open(file, PcapTap.WHOLE_FRAMES)) {
            Link link = tap.tap(inner);
            link.start(new Recorder() {
                @Override
                public void onFrame(Link l, Frame frame) {}
            });
            byte[] frame = new byte[60_000];
            Frame reused = Frames.frame(frame);
            int n = 0;
            // Far more than the ring, faster than any disk.
            while (tap.dropped() == 0 && n++ < 100_000) {
                inner.handler.onFrame(inner, reused);
            }
            assertThat(tap.dropped()).isPositive();
            frames = tap.frames();
        }
        long size = Pcap.FILE_HEADER_LENGTH + frames * (Pcap.RECORD_HEADER_LENGTH + 60_000);
        assertThat(Files.size(file)).isEqualTo(size);
    }

    @Test
    void aFrameThatIsAllHeadMayCarryTheOffsetsOfTheOneBefore() throws Exception {
        try (PcapTap tap = PcapTap.open(directory.resolve("c.pcap"), 1000)) {
            Frame frame = Frames.frame(new byte[60]);
            frame.bodyAt = 2887;
            frame.bodyWrapAt = 5;
            tap.record(frame);
            assertThat(tap.frames()).isEqualTo(1);
        }
    }

    @Test
    void aFileThatCanNotBeWrittenIsSaid() {
        assertThatThrownBy(() -> PcapTap.open(directory.resolve("none/x.pcap"), 100))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("can't write the capture file");
    }
}
