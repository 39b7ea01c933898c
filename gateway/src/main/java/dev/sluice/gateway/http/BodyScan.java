package dev.sluice.gateway.http;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Follows a body through memory and says which bytes are its own; see the package. One for each direction of a connection, used again for
 * every message. Allocates nothing.
 */
public final class BodyScan {
    /** A chunk's size line with its extensions (RFC 9112 §7.1.1: a limit shall be set). */
    static final int MAX_CHUNK_LINE = 4096;
    /** All trailers together. */
    static final int MAX_TRAILERS = 16 << 10;

    private static final int DONE = 0;
    /** {@code left} bytes to come, then done. */
    private static final int COUNTED = 1;
    /** Everything until the stream ends. */
    private static final int ALL = 2;
    /** The digits of a chunk's size; {@code line} of them so far. */
    private static final int SIZE = 3;
    /** The rest of that line. */
    private static final int EXTENSION = 4;
    /** Its LF. */
    private static final int SIZE_LF = 5;
    /** {@code left} bytes of a chunk. */
    private static final int DATA = 6;

    private static final int DATA_CR = 7;
    private static final int DATA_LF = 8;
    /** The first byte of a line after the last chunk. */
    private static final int TRAILER_START = 9;

    private static final int TRAILER = 10;
    private static final int TRAILER_LF = 11;
    private static final int LAST_LF = 12;
    private static final int BROKEN = 13;

    private int state = DONE;
    private long left;
    private int line;

    /** Begins a body. */
    public void begin(Framing framing) {
        line = 0;
        left = 0;
        switch (framing) {
            case Framing.Length(long bytes) -> {
                left = bytes;
                state = bytes == 0 ? DONE : COUNTED;
            }
            case Framing.Chunked() -> state = SIZE;
            case Framing.UntilClose() -> state = ALL;
        }
    }

    /** The body is whole. */
    public boolean isDone() {
        return state == DONE;
    }

    /** It was none; nothing more is its own. */
    public boolean isBroken() {
        return state == BROKEN;
    }

    /** The end of the stream is its end. */
    public boolean endsWithStream() {
        return state == ALL;
    }

    /** Bytes that are certainly its own, whatever they are: they need not be shown one by one. */
    public long ahead() {
        return switch (state) {
            case ALL -> Long.MAX_VALUE;
            case COUNTED, DATA -> left;
            default -> 0;
        };
    }

    /** Takes over from another, which is left as it is. */
    public void copy(BodyScan other) {
        state = other.state;
        left = other.left;
        line = other.line;
    }

    /** Takes the next bytes, and returns how many of them are the body's: all but where it ends, or breaks, within them. */
    public int take(MemorySegment memory, long at, int length) {
        int taken = 0;
        while (taken < length && state != DONE && state != BROKEN) {
            switch (state) {
                case ALL -> taken = length;
                case COUNTED, DATA -> {
                    int n = (int) Math.min(left, length - taken);
                    pass(n);
                    taken += n;
                }
                default -> {
                    step(memory.get(ValueLayout.JAVA_BYTE, at + taken));
                    if (state != BROKEN) {
                        taken++;
                    }
                }
            }
        }
        return taken;
    }

    /** Takes so many bytes unseen, which are among those {@link #ahead}. */
    public void pass(int bytes) {
        if (state != ALL) {
            left -= bytes;
            if (left == 0) {
                state = state == DATA ? DATA_CR : DONE;
            }
        }
    }

    private void step(byte b) {
        state = switch (state) {
            case SIZE -> size(b);
            case EXTENSION -> b == '\r' ? SIZE_LF : isText(b) && ++line <= MAX_CHUNK_LINE ? EXTENSION : BROKEN;
            case SIZE_LF -> b == '\n' ? afterSize() : BROKEN;
            case DATA_CR -> b == '\r' ? DATA_LF : BROKEN;
            case DATA_LF -> b == '\n' ? nextChunk() : BROKEN;
            case TRAILER_START -> b == '\r' ? LAST_LF : isText(b) && b != ' ' && b != '\t' ? trailer() : BROKEN;
            case TRAILER -> b == '\r' ? TRAILER_LF : isText(b) ? trailer() : BROKEN;
            case TRAILER_LF -> b == '\n' ? TRAILER_START : BROKEN;
            case LAST_LF -> b == '\n' ? DONE : BROKEN;
            default -> BROKEN;
        };
    }

    private int size(byte b) {
        int digit = Character.digit(b, 16);
        if (digit >= 0) {
            line++;
            left = left << 4 | digit;
            return line <= 15 ? SIZE : BROKEN; // more digits than a long has room for, or only zeros
        }
        if (line == 0) {
            return BROKEN;
        }
        return switch (b) {
            case '\r' -> SIZE_LF;
            case ';', ' ', '\t' -> EXTENSION;
            default -> BROKEN;
        };
    }

    private int afterSize() {
        line = 0;
        return left == 0 ? TRAILER_START : DATA;
    }

    private int nextChunk() {
        line = 0;
        left = 0;
        return SIZE;
    }

    private int trailer() {
        return ++line <= MAX_TRAILERS ? TRAILER : BROKEN;
    }

    private static boolean isText(byte b) {
        return b >= 0x20 && b != 0x7f || b == '\t' || b < 0;
    }
}
