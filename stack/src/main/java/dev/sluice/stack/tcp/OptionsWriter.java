package dev.sluice.stack.tcp;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.TcpOptions;
import java.lang.foreign.MemorySegment;

/** Writes TCP options in the order and padding that peers expect. Every method returns the offset after what it wrote. */
final class OptionsWriter {
    /** Bytes of a padded timestamps option. */
    static final int TIMESTAMPS_LENGTH = 12;

    private OptionsWriter() {}

    static long mss(MemorySegment s, long at, int mss) {
        Bytes.put32(s, at, TcpOptions.MSS << 24 | 4 << 16 | mss);
        return at + 4;
    }

    /** A NOP before it keeps the alignment. */
    static long windowScale(MemorySegment s, long at, int shift) {
        Bytes.put32(s, at, TcpOptions.NOP << 24 | TcpOptions.WINDOW_SCALE << 16 | 3 << 8 | shift);
        return at + 4;
    }

    static long sackPermitted(MemorySegment s, long at) {
        Bytes.put32(s, at, TcpOptions.NOP << 24 | TcpOptions.NOP << 16 | TcpOptions.SACK_PERMITTED << 8 | 2);
        return at + 4;
    }

    /** In the layout of RFC 7323 appendix A. */
    static long timestamps(MemorySegment s, long at, int value, int echo) {
        Bytes.put32(s, at, TcpOptions.NOP << 24 | TcpOptions.NOP << 16 | TcpOptions.TIMESTAMPS << 8 | 10);
        Bytes.put64(s, at + 4, (long) value << 32 | echo & 0xffff_ffffL);
        return at + TIMESTAMPS_LENGTH;
    }

    /** Head of a SACK option with {@code blocks} blocks, which the caller writes after it. */
    static long sackHead(MemorySegment s, long at, int blocks) {
        Bytes.put32(s, at, TcpOptions.NOP << 24 | TcpOptions.NOP << 16 | TcpOptions.SACK << 8 | 2 + 8 * blocks);
        return at + 4;
    }

    static long sackBlock(MemorySegment s, long at, int left, int right) {
        Bytes.put32(s, at, left);
        Bytes.put32(s, at + 4, right);
        return at + 8;
    }
}
