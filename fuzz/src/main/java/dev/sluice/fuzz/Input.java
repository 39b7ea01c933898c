package dev.sluice.fuzz;

import java.util.Arrays;

/** The bytes of an input, taken one after the other; zeros when they are used up. */
public final class Input {
    private final byte[] bytes;
    private int at;

    public Input(byte[] bytes) {
        this.bytes = bytes;
    }

    /** True until all is taken. */
    public boolean more() {
        return at < bytes.length;
    }

    public int u8() {
        return at < bytes.length ? bytes[at++] & 0xff : 0;
    }

    /** A signed byte. */
    public int s8() {
        return (byte) u8();
    }

    public int u16() {
        return u8() << 8 | u8();
    }

    public int i32() {
        return u16() << 16 | u16();
    }

    /** Up to {@code count} bytes; fewer at the end. */
    public byte[] take(int count) {
        int to = Math.min(bytes.length, at + count);
        byte[] taken = Arrays.copyOfRange(bytes, at, to);
        at = to;
        return taken;
    }

    /** All that is left. */
    public byte[] rest() {
        return take(bytes.length);
    }
}
