package dev.sluice.gateway.mux;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The frames of the multiplexer; the package has the layout. Reading trusts nothing. */
final class MuxFrame {
    static final int OPEN = 1;
    static final int CLOSE = 2;
    static final int SHUTDOWN = 3;
    static final int DATA = 4;
    static final int WINDOW = 5;

    /** Length, command, channel: all of Close and Shutdown. */
    static final int PLAIN_LENGTH = 7;

    static final int DATA_LENGTH = 11;
    static final int WINDOW_LENGTH = 15;
    /** Longest header: an Open with the longest path a socket can have, and more. */
    static final int MAX_LENGTH = 1024;

    private static final int DEDICATED = 1;
    private static final int MULTIPLEXED = 2;
    private static final int TCP = 1;
    private static final int UDP = 2;
    private static final int UNIX = 3;

    private MuxFrame() {}

    static int length(MemorySegment s, long at) {
        return Bytes.u16LE(s, at);
    }

    static int command(MemorySegment s, long at) {
        return Bytes.u8(s, at + 2);
    }

    static int channel(MemorySegment s, long at) {
        return Bytes.i32LE(s, at + 3);
    }

    /** Bytes of payload after a Data header, unsigned. */
    static long dataLength(MemorySegment s, long at) {
        return Bytes.i32LE(s, at + PLAIN_LENGTH) & 0xffff_ffffL;
    }

    /** How far the other side may send; what does not fit a signed number is as good as no limit. */
    static long window(MemorySegment s, long at) {
        long value = Bytes.i64LE(s, at + PLAIN_LENGTH);
        return value < 0 ? Long.MAX_VALUE : value;
    }

    /** Whether a header of its command may be that long; an unknown command never. */
    static boolean isLength(int command, int length) {
        return switch (command) {
            case CLOSE, SHUTDOWN -> length == PLAIN_LENGTH;
            case DATA -> length == DATA_LENGTH;
            case WINDOW -> length == WINDOW_LENGTH;
            case OPEN -> length > PLAIN_LENGTH && length <= MAX_LENGTH;
            default -> false;
        };
    }

    /**
     * What an Open asks for; null if it can't be told.
     *
     * @param length of the whole header
     */
    static @Nullable MuxTarget target(MemorySegment s, long at, int length) {
        long end = at + length;
        long p = at + PLAIN_LENGTH + 2;
        if (end - p < 2 || !isConnection(Bytes.u8(s, p - 2))) {
            return null;
        }
        int size = Bytes.u16LE(s, p);
        p += 2;
        return switch (Bytes.u8(s, p - 3)) {
            case TCP, UDP -> {
                boolean udp = Bytes.u8(s, p - 3) == UDP;
                IpAddress address = end - p == size + 2L ? address(s, p, size) : null;
                if (address == null) {
                    yield null;
                }
                int port = Bytes.u16LE(s, p + size);
                yield udp ? new MuxTarget.Udp(address, port) : new MuxTarget.Tcp(address, port);
            }
            case UNIX ->
                end - p == size && size > 0
                        ? new MuxTarget.Unix(
                                new String(s.asSlice(p, size).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8))
                        : null;
            default -> null;
        };
    }

    private static boolean isConnection(int kind) {
        return kind == MULTIPLEXED || kind == DEDICATED;
    }

    /** IPv4 in 4 bytes, or mapped into IPv6 as Go writes it; null for another length. */
    static @Nullable IpAddress address(MemorySegment s, long at, int length) {
        return switch (length) {
            case 4 -> new Ipv4Address(Bytes.i32(s, at));
            case 16 -> {
                Ipv6Address v6 = new Ipv6Address(Bytes.i64(s, at), Bytes.i64(s, at + 8));
                Ipv4Address v4 = v6.mappedIpv4();
                yield v4 == null ? v6 : v4;
            }
            default -> null;
        };
    }

    /** Writes an address's bytes; their number. */
    static int putAddress(MemorySegment s, long at, IpAddress address) {
        return switch (address) {
            case Ipv4Address v4 -> {
                Bytes.put32(s, at, v4.bits());
                yield 4;
            }
            case Ipv6Address v6 -> {
                Bytes.put64(s, at, v6.high());
                Bytes.put64(s, at + 8, v6.low());
                yield 16;
            }
        };
    }

    /** Writes a Close or Shutdown, or the start of another; {@code length} is the whole header's. */
    static int put(MemorySegment s, long at, int length, int command, int channel) {
        Bytes.put16LE(s, at, length);
        Bytes.put8(s, at + 2, command);
        Bytes.put32LE(s, at + 3, channel);
        return length;
    }

    static int putData(MemorySegment s, long at, int channel, int payload) {
        Bytes.put32LE(s, at + PLAIN_LENGTH, payload);
        return put(s, at, DATA_LENGTH, DATA, channel);
    }

    static int putWindow(MemorySegment s, long at, int channel, long allowed) {
        Bytes.put64LE(s, at + PLAIN_LENGTH, allowed);
        return put(s, at, WINDOW_LENGTH, WINDOW, channel);
    }

    /** Writes an Open; its length, at most {@link #MAX_LENGTH}. */
    static int putOpen(MemorySegment s, long at, int channel, MuxTarget target) {
        Bytes.put8(s, at + PLAIN_LENGTH, MULTIPLEXED);
        long p = at + PLAIN_LENGTH + 2;
        int size;
        switch (target) {
            case MuxTarget.Tcp(var address, int port) -> {
                Bytes.put8(s, p - 1, TCP);
                size = putPlace(s, p, address, port);
            }
            case MuxTarget.Udp(var address, int port) -> {
                Bytes.put8(s, p - 1, UDP);
                size = putPlace(s, p, address, port);
            }
            case MuxTarget.Unix(String path) -> {
                Bytes.put8(s, p - 1, UNIX);
                byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
                Bytes.put16LE(s, p, bytes.length);
                MemorySegment.copy(bytes, 0, s, ValueLayout.JAVA_BYTE, p + 2, bytes.length);
                size = 2 + bytes.length;
            }
        }
        return put(s, at, PLAIN_LENGTH + 2 + size, OPEN, channel);
    }

    private static int putPlace(MemorySegment s, long at, IpAddress address, int port) {
        int size = putAddress(s, at + 2, address);
        Bytes.put16LE(s, at, size);
        Bytes.put16LE(s, at + 2 + size, port);
        return 4 + size;
    }
}
