package dev.sluice.wire;

import java.lang.foreign.MemorySegment;

/** TCP options: kinds, lengths and validation (RFC 9293 §3.2, RFC 7323, RFC 2018). */
public final class TcpOptions {
    public static final int END = 0;
    public static final int NOP = 1;
    public static final int MSS = 2;
    public static final int WINDOW_SCALE = 3;
    public static final int SACK_PERMITTED = 4;
    public static final int SACK = 5;
    public static final int TIMESTAMPS = 8;

    /** What stands before the two timestamps in the layout that everybody uses (RFC 7323 appendix A): NOP, NOP, kind, length. */
    private static final int TIMESTAMPS_HEAD = NOP << 24 | NOP << 16 | TIMESTAMPS << 8 | 10;

    private TcpOptions() {}

    /** True if the {@code length} bytes of options are timestamps and nothing else: value at {@code at + 4}, echo at {@code at + 8}. */
    public static boolean areTimestampsOnly(MemorySegment s, long at, int length) {
        return length == 12 && Bytes.i32(s, at) == TIMESTAMPS_HEAD;
    }

    /**
     * Validates that every option before END has a length of at least 2 that ends within {@code length} bytes. Always terminates:
     * each step advances by at least one byte.
     */
    public static Flaw check(MemorySegment s, long at, int length) {
        int i = 0;
        while (i < length) {
            int kind = Bytes.u8(s, at + i);
            if (kind == END) {
                return Flaw.NONE;
            }
            if (kind == NOP) {
                i++;
                continue;
            }
            if (i + 1 >= length) {
                return Flaw.BAD_OPTION;
            }
            int size = Bytes.u8(s, at + i + 1);
            if (size < 2 || i + size > length) {
                return Flaw.BAD_OPTION;
            }
            i += size;
        }
        return Flaw.NONE;
    }
}
