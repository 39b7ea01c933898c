package dev.sluice.link;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.Random;

/** Frames for tests, built and judged byte by byte, independently of the code under test. */
final class Frames {
    static final long GATEWAY = 0xf61636bcf9c6L;
    static final long GUEST = 0x025000000001L;
    static final long OTHER = 0x025000000002L;
    static final int ETHERNET = 14;

    private Frames() {}

    static byte[] mac(long bits) {
        return ByteBuffer.allocate(8).putLong(bits).array();
    }

    /** An Ethernet frame of an unknown protocol. */
    static byte[] ethernet(long destination, long source, int length) {
        byte[] frame = new byte[length];
        System.arraycopy(mac(destination), 2, frame, 0, 6);
        System.arraycopy(mac(source), 2, frame, 6, 6);
        frame[12] = (byte) 0x88;
        frame[13] = (byte) 0xb5;
        for (int i = ETHERNET; i < length; i++) {
            frame[i] = (byte) i;
        }
        return frame;
    }

    static byte[] ethernet(int type, byte[] packet) {
        byte[] frame = ByteBuffer.allocate(ETHERNET + packet.length)
                .put(mac(GUEST), 2, 6)
                .put(mac(GATEWAY), 2, 6)
                .putShort((short) type)
                .put(packet)
                .array();
        return frame;
    }

    /** An IPv4 packet; {@code options} has a multiple of four bytes. */
    static byte[] ipv4(int protocol, int identification, byte[] options, byte[] payload) {
        int header = 20 + options.length;
        ByteBuffer packet = ByteBuffer.allocate(header + payload.length)
                .put((byte) (0x40 | header / 4))
                .put((byte) 0)
                .putShort((short) (header + payload.length))
                .putShort((short) identification)
                .putShort((short) 0x4000)
                .put((byte) 64)
                .put((byte) protocol)
                .putShort((short) 0)
                .putInt(0xc0a84101)
                .putInt(0xc0a84103)
                .put(options)
                .put(payload);
        packet.putShort(10, (short) ~sum(0, packet.array(), 0, header));
        return packet.array();
    }

    static byte[] ipv6(int protocol, byte[] payload) {
        return ByteBuffer.allocate(40 + payload.length)
                .putInt(0x6000_0000)
                .putShort((short) payload.length)
                .put((byte) protocol)
                .put((byte) 64)
                .putLong(0xfd00_5109_05ce_0000L)
                .putLong(1)
                .putLong(0xfd00_5109_05ce_0000L)
                .putLong(3)
                .put(payload)
                .array();
    }

    static byte[] tcp(int sequence, int flags, byte[] options, byte[] payload) {
        return ByteBuffer.allocate(20 + options.length + payload.length)
                .putShort((short) 80)
                .putShort((short) 40000)
                .putInt(sequence)
                .putInt(0x01020304)
                .put((byte) ((20 + options.length) / 4 << 4))
                .put((byte) flags)
                .putShort((short) 501)
                .putInt(0)
                .put(options)
                .put(payload)
                .array();
    }

    static byte[] udp(byte[] payload) {
        return ByteBuffer.allocate(8 + payload.length)
                .putShort((short) 53)
                .putShort((short) 40000)
                .putShort((short) (8 + payload.length))
                .putShort((short) 0)
                .put(payload)
                .array();
    }

    /** The folded ones' complement sum of a pseudo header. */
    static int pseudo(byte[] packet, int protocol, int length) {
        boolean v4 = packet[0] >>> 4 == 4;
        return fold(sum(0, packet, v4 ? 12 : 8, v4 ? 8 : 32) + protocol + length);
    }

    /** True if the transport checksum of an IPv4 or IPv6 packet is right. */
    static boolean transportChecksumOk(byte[] packet) {
        boolean v4 = packet[0] >>> 4 == 4;
        int header = v4 ? (packet[0] & 15) * 4 : 40;
        int length = packet.length - header;
        int protocol = v4 ? packet[9] : packet[6];
        return fold(sum(pseudo(packet, protocol, length), packet, header, length)) == 0xffff;
    }

    static boolean ipv4ChecksumOk(byte[] packet) {
        return sum(0, packet, 0, (packet[0] & 15) * 4) == 0xffff;
    }

    static int sum(int start, byte[] bytes, int from, int length) {
        int sum = start;
        for (int i = 0; i < length; i++) {
            sum += (bytes[from + i] & 0xff) << (i % 2 == 0 ? 8 : 0);
            sum = fold(sum);
        }
        return sum;
    }

    static int fold(int sum) {
        int s = sum;
        while (s >>> 16 != 0) {
            s = (s & 0xffff) + (s >>> 16);
        }
        return s;
    }

    static byte[] random(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    static byte[] concat(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    static byte[] part(byte[] bytes, int from) {
        return java.util.Arrays.copyOfRange(bytes, from, bytes.length);
    }

    /** A frame all in its head. */
    static Frame frame(byte[] bytes) {
        return new Frame().set(segment(bytes), 0, bytes.length);
    }

    static MemorySegment segment(byte[] bytes) {
        MemorySegment segment = Arena.ofAuto().allocate(Math.max(1, bytes.length), 8);
        MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return segment;
    }

    /** A frame whose bytes from {@code headLength} on lie in a ring, with its wrap after {@code bodyLength} bytes. */
    static Frame scattered(byte[] bytes, int headLength, int bodyLength) {
        int wrap = bytes.length - headLength - bodyLength;
        Frame frame = new Frame().set(segment(java.util.Arrays.copyOf(bytes, headLength)), 0, headLength);
        MemorySegment ring = Arena.ofAuto().allocate(wrap + bodyLength + 5L, 8);
        frame.body = ring;
        frame.bodyAt = wrap + 5;
        frame.bodyLength = bodyLength;
        frame.bodyWrapAt = 0;
        frame.bodyWrapLength = wrap;
        MemorySegment.copy(bytes, headLength, ring, ValueLayout.JAVA_BYTE, wrap + 5, bodyLength);
        MemorySegment.copy(bytes, headLength + bodyLength, ring, ValueLayout.JAVA_BYTE, 0, wrap);
        return frame;
    }

    static byte[] bytes(MemorySegment segment, long at, int length) {
        byte[] bytes = new byte[length];
        MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, at, bytes, 0, length);
        return bytes;
    }

    /** All of a frame, its parts put together. */
    static byte[] bytes(Frame frame) {
        return concat(
                bytes(frame.head, frame.headAt, frame.headLength),
                bytes(frame.body, frame.bodyAt, frame.bodyLength),
                bytes(frame.body, frame.bodyWrapAt, frame.bodyWrapLength));
    }

    /** A TCP/IPv4 frame of so much payload, to be cut every {@code size} bytes. */
    static Frame superSegment(int payload, int size) {
        byte[] none = {};
        byte[] bytes = ethernet(0x0800, ipv4(6, 1, none, tcp(7, 16, none, new byte[payload])));
        Frame frame = scattered(bytes, 54, payload / 2);
        frame.gso = Frame.GSO_TCP4;
        frame.gsoSize = size;
        frame.checksumStart = 34;
        frame.checksumOffset = 16;
        return frame;
    }
}
