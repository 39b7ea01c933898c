package dev.sluice.wire;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Blocks of the pcapng capture format (draft-ietf-opsawg-pcapng), as bytes only. Written little-endian, with nanoseconds. The buffer a
 * block goes to must be little-endian and have room for it: {@link #BLOCK_OVERHEAD} bytes and the length of all its texts and bytes.
 */
public final class Pcapng {
    /** More than any block takes besides its packet, its texts and names. */
    public static final int BLOCK_OVERHEAD = 256;

    /** Longest text of a name or comment; a longer one is cut. */
    public static final int MAX_TEXT = 1000;

    public static final int SECTION_HEADER = 0x0a0d_0d0a;
    public static final int INTERFACE_DESCRIPTION = 1;
    public static final int NAME_RESOLUTION = 4;
    public static final int INTERFACE_STATISTICS = 5;
    public static final int ENHANCED_PACKET = 6;
    public static final int BYTE_ORDER_MAGIC = 0x1a2b_3c4d;
    public static final int INBOUND = 1;
    public static final int OUTBOUND = 2;

    private static final int OPTION_END = 0;
    private static final int OPTION_COMMENT = 1;
    private static final int SECTION_APPLICATION = 4;
    private static final int INTERFACE_NAME = 2;
    private static final int INTERFACE_TEXT = 3;
    private static final int INTERFACE_RESOLUTION = 9;
    private static final int PACKET_FLAGS = 2;
    private static final int STATISTICS_RECEIVED = 4;
    private static final int STATISTICS_DROPPED = 5;
    private static final int NAME_IPV4 = 1;
    private static final int NAME_IPV6 = 2;
    private static final byte NANOSECONDS = 9;

    private Pcapng() {}

    /** What a file starts with. */
    public static void writeSection(ByteBuffer out, String application) {
        int start = begin(out, SECTION_HEADER);
        out.putInt(BYTE_ORDER_MAGIC).putShort((short) 1).putShort((short) 0).putLong(-1);
        text(out, SECTION_APPLICATION, application);
        end(out, start, true);
    }

    /** Describes the next interface, counted from 0. */
    public static void writeInterface(ByteBuffer out, int snapLength, String name, String text) {
        int start = begin(out, INTERFACE_DESCRIPTION);
        out.putShort((short) Pcap.LINKTYPE_ETHERNET).putShort((short) 0).putInt(snapLength);
        text(out, INTERFACE_NAME, name);
        text(out, INTERFACE_TEXT, text);
        option(out, INTERFACE_RESOLUTION, 1).put(NANOSECONDS);
        pad(out);
        end(out, start, true);
    }

    /**
     * A packet.
     *
     * @param time nanoseconds since 1970
     * @param captured {@code length} bytes of it from {@code at} on
     * @param original bytes it had
     * @param direction {@link #INBOUND}, {@link #OUTBOUND} or 0
     * @param comment empty for none
     */
    public static void writePacket(
            ByteBuffer out,
            int networkInterface,
            long time,
            java.lang.foreign.MemorySegment captured,
            long at,
            int length,
            int original,
            int direction,
            String comment) {
        int start = begin(out, ENHANCED_PACKET);
        out.putInt(networkInterface)
                .putInt((int) (time >>> 32))
                .putInt((int) time)
                .putInt(length)
                .putInt(original);
        out.put(captured.asSlice(at, length).asByteBuffer());
        pad(out);
        text(out, OPTION_COMMENT, comment);
        if (direction != 0) {
            option(out, PACKET_FLAGS, 4).putInt(direction);
        }
        end(out, start, direction != 0 || !comment.isEmpty());
    }

    /** Begins a block of names; each is then written with {@link #writeName}, and {@link #endNames} ends it. */
    public static int beginNames(ByteBuffer out) {
        return begin(out, NAME_RESOLUTION);
    }

    /** One address and its name, a host name in ASCII. */
    public static void writeName(ByteBuffer out, IpAddress address, String name) {
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        switch (address) {
            case Ipv4Address v4 -> {
                option(out, NAME_IPV4, 4 + text.length + 1);
                out.order(ByteOrder.BIG_ENDIAN).putInt(v4.bits()).order(ByteOrder.LITTLE_ENDIAN);
            }
            case Ipv6Address v6 -> {
                option(out, NAME_IPV6, 16 + text.length + 1);
                out.order(ByteOrder.BIG_ENDIAN)
                        .putLong(v6.high())
                        .putLong(v6.low())
                        .order(ByteOrder.LITTLE_ENDIAN);
            }
        }
        out.put(text).put((byte) 0);
        pad(out);
    }

    /** @param start from {@link #beginNames} */
    public static void endNames(ByteBuffer out, int start) {
        end(out, start, true);
    }

    /** What an interface saw in all: for the end of a capture. */
    public static void writeStatistics(ByteBuffer out, int networkInterface, long time, long received, long dropped) {
        int start = begin(out, INTERFACE_STATISTICS);
        out.putInt(networkInterface).putInt((int) (time >>> 32)).putInt((int) time);
        option(out, STATISTICS_RECEIVED, 8).putLong(received);
        option(out, STATISTICS_DROPPED, 8).putLong(dropped);
        end(out, start, true);
    }

    private static int begin(ByteBuffer out, int type) {
        int start = out.position();
        out.putInt(type).putInt(0);
        return start;
    }

    /** @param options whether there are any, or another list that ends in the same way */
    private static void end(ByteBuffer out, int start, boolean options) {
        if (options) {
            out.putInt(OPTION_END);
        }
        int length = out.position() - start + 4;
        out.putInt(length).putInt(start + 4, length);
    }

    private static void text(ByteBuffer out, int option, String text) {
        if (!text.isEmpty()) {
            byte[] bytes =
                    (text.length() > MAX_TEXT ? text.substring(0, MAX_TEXT) : text).getBytes(StandardCharsets.UTF_8);
            option(out, option, bytes.length).put(bytes);
            pad(out);
        }
    }

    private static ByteBuffer option(ByteBuffer out, int option, int length) {
        return out.putShort((short) option).putShort((short) length);
    }

    private static void pad(ByteBuffer out) {
        while ((out.position() & 3) != 0) {
            out.put((byte) 0);
        }
    }
}
