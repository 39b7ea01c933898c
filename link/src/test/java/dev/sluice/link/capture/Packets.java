package dev.sluice.link.capture;

import dev.sluice.link.Frame;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** Frames for tests of captures, built byte by byte. */
final class Packets {
    static final long GUEST = 0x02_00_00_00_00_03L;
    static final long GATEWAY = 0x02_00_00_00_00_01L;
    static final int TCP = 6;
    static final int UDP = 17;

    private Packets() {}

    static byte[] ethernet(long destination, long source, int type, byte[] payload) {
        return ByteBuffer.allocate(14 + payload.length)
                .putShort((short) (destination >>> 32))
                .putInt((int) destination)
                .putShort((short) (source >>> 32))
                .putInt((int) source)
                .putShort((short) type)
                .put(payload)
                .array();
    }

    /** IPv4 from the guest to the gateway's side, in a frame. */
    static byte[] ipv4(String source, String destination, int protocol, byte[] payload) {
        return ethernet(
                GATEWAY,
                GUEST,
                0x0800,
                ByteBuffer.allocate(20 + payload.length)
                        .put((byte) 0x45)
                        .put((byte) 0)
                        .putShort((short) (20 + payload.length))
                        .putInt(0)
                        .put((byte) 64)
                        .put((byte) protocol)
                        .putShort((short) 0)
                        .put(address(source))
                        .put(address(destination))
                        .put(payload)
                        .array());
    }

    static byte[] ipv6(String source, String destination, int protocol, byte[] payload) {
        return ethernet(
                GATEWAY,
                GUEST,
                0x86dd,
                ByteBuffer.allocate(40 + payload.length)
                        .putInt(0x6000_0000)
                        .putShort((short) payload.length)
                        .put((byte) protocol)
                        .put((byte) 64)
                        .put(address(source))
                        .put(address(destination))
                        .put(payload)
                        .array());
    }

    static byte[] arp(String sender, String target) {
        return ethernet(
                0xffff_ffff_ffffL,
                GUEST,
                0x0806,
                ByteBuffer.allocate(28)
                        .putShort((short) 1)
                        .putShort((short) 0x0800)
                        .put((byte) 6)
                        .put((byte) 4)
                        .putShort((short) 1)
                        .put(new byte[6])
                        .put(address(sender))
                        .put(new byte[6])
                        .put(address(target))
                        .array());
    }

    /** The start of TCP or UDP: ports, and some more. */
    static byte[] ports(int source, int destination, byte... rest) {
        return ByteBuffer.allocate(8 + rest.length)
                .putShort((short) source)
                .putShort((short) destination)
                .putShort((short) (8 + rest.length))
                .putShort((short) 0)
                .put(rest)
                .array();
    }

    /** A DNS answer with one alias, and what it leads to. */
    static byte[] dnsAnswer(String name, byte[] address) {
        ByteBuffer message = ByteBuffer.allocate(512)
                .putShort((short) 7)
                .putShort((short) 0x8180)
                .putShort((short) 1)
                .putShort((short) 2)
                .putInt(0);
        name(message, name);
        message.putShort((short) (address.length == 4 ? 1 : 28)).putShort((short) 1);
        message.putShort((short) 0xc00c).putShort((short) 5).putShort((short) 1).putInt(60);
        message.putShort((short) 7);
        name(message, "alias");
        message.putShort((short) 0xc00c)
                .putShort((short) (address.length == 4 ? 1 : 28))
                .putShort((short) 1)
                .putInt(60)
                .putShort((short) address.length)
                .put(address);
        byte[] bytes = new byte[message.position()];
        message.flip().get(bytes);
        return bytes;
    }

    private static void name(ByteBuffer to, String name) {
        for (String label : name.split("\\.")) {
            to.put((byte) label.length()).put(label.getBytes(StandardCharsets.US_ASCII));
        }
        to.put((byte) 0);
    }

    static byte[] address(String text) {
        try {
            return java.net.InetAddress.getByName(text).getAddress(); // a literal: nothing is looked up
        } catch (java.net.UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }

    static MemorySegment segment(byte[] bytes) {
        MemorySegment segment = Arena.ofAuto().allocate(Math.max(1, bytes.length), 8);
        MemorySegment.copy(MemorySegment.ofArray(bytes), 0, segment, 0, bytes.length);
        return segment;
    }

    static Frame frame(byte[] bytes) {
        return new Frame().set(segment(bytes), 0, bytes.length);
    }

    static Facts facts(byte[] frame) {
        Facts facts = new Facts();
        facts.read(segment(frame), 0, frame.length);
        return facts;
    }

    static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
