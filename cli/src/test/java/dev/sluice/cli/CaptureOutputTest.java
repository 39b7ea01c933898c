package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.link.capture.CaptureFormat;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Captures are handed on by whole records, in whatever pieces they come. */
class CaptureOutputTest {
    private final ByteArrayOutputStream got = new ByteArrayOutputStream();

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] block(int type, int body) {
        return buffer(12 + body)
                .putInt(type)
                .putInt(12 + body)
                .position(8 + body)
                .putInt(12 + body)
                .array();
    }

    private static byte[] statistics(long dropped) {
        return buffer(52)
                .putInt(5)
                .putInt(52)
                .putInt(0)
                .putLong(0)
                .putShort((short) 4)
                .putShort((short) 8)
                .putLong(17)
                .putShort((short) 5)
                .putShort((short) 8)
                .putLong(dropped)
                .putInt(0)
                .putInt(52)
                .array();
    }

    private static byte[] record(int length) {
        return buffer(16 + length).putInt(8, length).putInt(12, length).array();
    }

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    private CaptureOutput write(CaptureFormat format, byte[] all, Random random) throws IOException {
        got.reset();
        CaptureOutput out = new CaptureOutput(got, format);
        for (int at = 0; at < all.length; ) {
            int n = Math.min(all.length - at, 1 + random.nextInt(40));
            out.write(all, at, n);
            at += n;
        }
        return out;
    }

    @Test
    void blocksAreCountedAndACutOneIsLeftOut() throws IOException {
        byte[] whole =
                join(block(0x0a0d0d0a, 16), block(1, 8), block(6, 60), block(6, 1500), block(4, 100), statistics(3));
        for (int seed = 0; seed < 50; seed++) {
            CaptureOutput out = write(CaptureFormat.PCAPNG, whole, new Random(seed));
            assertThat(got.toByteArray()).as("seed " + seed).isEqualTo(whole);
            assertThat(out.frames()).isEqualTo(2);
            assertThat(out.lost()).isEqualTo(3);
            byte[] cut = join(whole, Arrays.copyOf(block(6, 60), 50));
            assertThat(write(CaptureFormat.PCAPNG, cut, new Random(seed)).frames())
                    .isEqualTo(2);
            assertThat(got.toByteArray()).as("seed " + seed).isEqualTo(whole);
        }
    }

    @Test
    void recordsAreCountedAndACutOneIsLeftOut() throws IOException {
        byte[] whole = join(new byte[24], record(60), record(0), record(9000));
        for (int seed = 0; seed < 50; seed++) {
            byte[] cut = join(whole, Arrays.copyOf(record(60), 70));
            assertThat(write(CaptureFormat.PCAP, cut, new Random(seed)).frames())
                    .isEqualTo(3);
            assertThat(got.toByteArray()).as("seed " + seed).isEqualTo(whole);
        }
    }

    @Test
    void lengthsThatCanNotBeAreRefused() {
        for (int length : new int[] {0, 7, 1 << 21, -1}) {
            byte[] block = buffer(12).putInt(6).putInt(length).array();
            assertThatThrownBy(() -> new CaptureOutput(got, CaptureFormat.PCAPNG).write(block))
                    .as("length " + length)
                    .hasMessageContaining("no capture");
        }
    }
}
