package dev.sluice.link.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.link.Frame;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.Pcap;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CaptureFileTest {
    @TempDir
    Path folder;

    @Test
    void aFrameInThreePiecesIsWrittenAsOne() throws IOException {
        Path path = folder.resolve("a.pcap");
        try (Arena arena = Arena.ofConfined();
                CaptureFile file = CaptureFile.create(path, () -> 5_000_000_007L)) {
            Frame frame = new Frame().set(arena.allocateFrom("head-"), 0, 5);
            frame.body = arena.allocateFrom("rapBODYw");
            frame.bodyAt = 3;
            frame.bodyLength = 5;
            frame.bodyWrapAt = 0;
            frame.bodyWrapLength = 3;
            file.add(frame);
        }
        byte[] written = Files.readAllBytes(path);
        MemorySegment bytes = Arena.ofAuto().allocate(written.length).copyFrom(MemorySegment.ofArray(written));
        assertThat(Pcap.check(bytes, 0, written.length)).isEqualTo(Flaw.NONE);
        assertThat(new String(written, 40, written.length - 40, java.nio.charset.StandardCharsets.US_ASCII))
                .isEqualTo("head-BODYwrap");
        ByteBuffer record = ByteBuffer.wrap(written, 24, 16).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(new int[] {record.getInt(), record.getInt(), record.getInt(), record.getInt()})
                .containsExactly(5, 7, 13, 13);
    }

    @Test
    void moreThanABufferOfFramesIsWrittenWhole() throws IOException {
        Path path = folder.resolve("b.pcap");
        int frames = 100;
        int length = 65_000;
        try (Arena arena = Arena.ofConfined();
                CaptureFile file = CaptureFile.create(path, () -> 0)) {
            Frame frame = new Frame().set(arena.allocate(length), 0, length);
            for (int i = 0; i < frames; i++) {
                file.add(frame);
            }
        }
        assertThat(Files.size(path)).isEqualTo(24 + (long) frames * (16 + length));
    }

    @Test
    void aFolderThatIsMissingIsSaid() {
        Path path = folder.resolve("missing/a.pcap");
        assertThatThrownBy(() -> CaptureFile.create(path, () -> 0))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(path.toString())
                .hasMessageContaining("choose another file");
    }
}
