package dev.sluice.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * Building and walking of netlink messages (netlink(7)): a header of 16 bytes (length, type, flags, sequence, port), a fixed part per
 * type, then attributes (length, type, data), all padded to 4 bytes, in host byte order. Walking trusts no length.
 */
final class NetlinkMessage {
    static final int HEADER = 16;
    static final int ATTRIBUTE_HEADER = 4;
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfByte U8 = ValueLayout.JAVA_BYTE;

    /** The top two bits of an attribute's type are flags. */
    private static final int TYPE_MASK = 0x3fff;

    private final MemorySegment buffer;
    private int length = HEADER;

    NetlinkMessage(Arena arena, int type, int flags, int sequence) {
        buffer = arena.allocate(512, 8);
        buffer.set(U16, 4, (short) type);
        buffer.set(U16, 6, (short) flags);
        buffer.set(U32, 8, sequence);
    }

    /** Appends to the fixed part. */
    NetlinkMessage put8(int... values) {
        for (int value : values) {
            buffer.set(U8, length++, (byte) value);
        }
        return this;
    }

    NetlinkMessage put16(int value) {
        buffer.set(U16, length, (short) value);
        length += 2;
        return this;
    }

    NetlinkMessage put32(int value) {
        buffer.set(U32, length, value);
        length += 4;
        return this;
    }

    NetlinkMessage attribute(int type, byte[] data) {
        put16(ATTRIBUTE_HEADER + data.length);
        put16(type);
        MemorySegment.copy(data, 0, buffer, U8, length, data.length);
        length = align(length + data.length);
        return this;
    }

    NetlinkMessage attribute(int type, int value) {
        return put16(ATTRIBUTE_HEADER + 4).put16(type).put32(value);
    }

    NetlinkMessage attribute(int type, String text) {
        return attribute(type, (text + "\0").getBytes(StandardCharsets.UTF_8));
    }

    /** The finished message. */
    MemorySegment finish() {
        buffer.set(U32, 0, length);
        return buffer.asSlice(0, length);
    }

    private static int align(int length) {
        return (length + 3) & ~3;
    }

    /** Length of the message at {@code at}, or -1 if it does not fit before {@code end}. */
    static int length(MemorySegment s, int at, int end) {
        if (end - at < HEADER) {
            return -1;
        }
        int length = s.get(U32, at);
        return length >= HEADER && length <= end - at ? length : -1;
    }

    /** Where the message after the one at {@code at} starts. */
    static int next(MemorySegment s, int at) {
        return at + align(s.get(U32, at));
    }

    static int type(MemorySegment s, int at) {
        return s.get(U16, at + 4) & 0xffff;
    }

    static int flags(MemorySegment s, int at) {
        return s.get(U16, at + 6) & 0xffff;
    }

    static int sequence(MemorySegment s, int at) {
        return s.get(U32, at + 8);
    }

    static int u8(MemorySegment s, int at) {
        return s.get(U8, at) & 0xff;
    }

    static int i32(MemorySegment s, int at) {
        return s.get(U32, at);
    }

    /** The data of the first attribute of {@code type} between {@code at} and {@code end}; empty if there is none. */
    static byte[] find(MemorySegment s, int at, int end, int type) {
        int attribute = at;
        while (end - attribute >= ATTRIBUTE_HEADER) {
            int length = s.get(U16, attribute) & 0xffff;
            if (length < ATTRIBUTE_HEADER || length > end - attribute) {
                break;
            }
            if ((s.get(U16, attribute + 2) & TYPE_MASK) == type) {
                return s.asSlice(attribute + ATTRIBUTE_HEADER, length - ATTRIBUTE_HEADER)
                        .toArray(U8);
            }
            attribute += align(length);
        }
        return new byte[0];
    }
}
