package dev.sluice.cli;

import dev.sluice.link.capture.CaptureFormat;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Hands a capture on by whole records, so that a file is never cut within one, however it ends; and counts what it hands on. The server
 * writes little-endian.
 */
final class CaptureOutput extends OutputStream {
    private static final int FILE_HEADER = 24;
    private static final int RECORD_HEADER = 16;
    private static final int BLOCK_HEADER = 8;
    /** A frame of the greatest size with everything that may be said about it has less. */
    private static final int LONGEST = 1 << 20;

    private static final int STATISTICS = 5;
    private static final int PACKET = 6;
    /** Interface, time, then the options: of a statistics block, after its header. */
    private static final int STATISTICS_OPTIONS = 20;

    private static final int OPTION_DROPPED = 5;

    private final OutputStream out;
    private final boolean blocks;
    private byte[] held = new byte[64 << 10];
    private int size;
    private boolean begun;
    private long frames;
    private long lost;

    CaptureOutput(OutputStream out, CaptureFormat format) {
        this.out = out;
        this.blocks = format == CaptureFormat.PCAPNG;
    }

    /** Handed on. */
    long frames() {
        return frames;
    }

    /** Missing, as the last words of a capture say; pcap has none. */
    long lost() {
        return lost;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        if (held.length - size < length) {
            held = Arrays.copyOf(held, Math.max(held.length * 2, size + length));
        }
        System.arraycopy(bytes, offset, held, size, length);
        size += length;
        int whole = 0;
        int next = whole(0);
        while (next > 0) {
            whole += next;
            next = whole(whole);
        }
        out.write(held, 0, whole);
        System.arraycopy(held, whole, held, 0, size - whole);
        size -= whole;
    }

    /** Length of the record at {@code at}, counted; 0 if it is not whole yet. */
    private int whole(int at) throws IOException {
        ByteBuffer record = ByteBuffer.wrap(held, at, size - at).slice().order(ByteOrder.LITTLE_ENDIAN);
        int header = blocks ? BLOCK_HEADER : begun ? RECORD_HEADER : FILE_HEADER;
        if (record.remaining() < header) {
            return 0;
        }
        long length = blocks
                ? record.getInt(4) & 0xffff_ffffL
                : begun ? RECORD_HEADER + (record.getInt(8) & 0xffff_ffffL) : FILE_HEADER;
        if (length < header || length > LONGEST) {
            throw new IOException("what comes is no capture");
        }
        if (record.remaining() < length) {
            return 0;
        }
        if (blocks) {
            count(record.slice(0, (int) length).order(ByteOrder.LITTLE_ENDIAN));
        } else if (begun) {
            frames++;
        }
        begun = true;
        return (int) length;
    }

    private void count(ByteBuffer block) {
        switch (block.getInt(0)) {
            case PACKET -> frames++;
            case STATISTICS -> {
                for (int at = STATISTICS_OPTIONS; at + 4 <= block.limit() - 4; at += 4 + (length(block, at) + 3 & ~3)) {
                    if (block.getShort(at) == OPTION_DROPPED && length(block, at) == 8 && at + 12 <= block.limit()) {
                        lost += block.getLong(at + 4);
                    }
                }
            }
            default -> {}
        }
    }

    private static int length(ByteBuffer block, int option) {
        return block.getShort(option + 2) & 0xffff;
    }

    @Override
    public void flush() throws IOException {
        out.flush();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
