package dev.sluice.it.lab;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Frames made and read byte by byte, independently of the code under test. Addresses are their bits. */
public final class Packets {
    public static final int IPV4 = 0x0800;
    public static final int ARP = 0x0806;
    public static final int ICMP = 1;
    public static final int TCP = 6;
    public static final int UDP = 17;
    public static final long BROADCAST = 0xffff_ffff_ffffL;
    private static final int ETHERNET = 14;
    private static final int IP_HEADER = 20;

    private Packets() {}

    public static int address(String dotted) {
        int bits = 0;
        for (String part : dotted.split("\\.")) {
            bits = bits << 8 | Integer.parseInt(part);
        }
        return bits;
    }

    public static String dotted(int bits) {
        return (bits >>> 24) + "." + (bits >>> 16 & 0xff) + "." + (bits >>> 8 & 0xff) + "." + (bits & 0xff);
    }

    private static ByteBuffer mac(ByteBuffer to, long mac) {
        return to.putShort((short) (mac >>> 32)).putInt((int) mac);
    }

    static long mac(byte[] bytes, int at) {
        return ByteBuffer.wrap(bytes).getLong(at) >>> 16;
    }

    public static byte[] ethernet(long destination, long source, int type, byte[] payload) {
        ByteBuffer frame = ByteBuffer.allocate(ETHERNET + payload.length);
        mac(mac(frame, destination), source).putShort((short) type).put(payload);
        return frame.array();
    }

    public static int type(byte[] frame) {
        return ByteBuffer.wrap(frame).getShort(12) & 0xffff;
    }

    public static long source(byte[] frame) {
        return mac(frame, 6);
    }

    /** @param operation 1 asks, 2 answers */
    public static byte[] arp(int operation, long senderMac, int sender, long targetMac, int target) {
        ByteBuffer packet = ByteBuffer.allocate(28).putLong(0x0001_0800_0604_0000L | operation);
        mac(packet, senderMac).putInt(sender);
        mac(packet, targetMac).putInt(target);
        return packet.array();
    }

    public static byte[] ipv4(int source, int destination, int protocol, int ttl, byte[] payload) {
        ByteBuffer packet = ByteBuffer.allocate(IP_HEADER + payload.length)
                .putShort((short) 0x4500)
                .putShort((short) (IP_HEADER + payload.length))
                .putInt(0)
                .put((byte) ttl)
                .put((byte) protocol)
                .putShort((short) 0)
                .putInt(source)
                .putInt(destination)
                .put(payload);
        packet.putShort(10, (short) ~sum(0, packet.array(), 0, IP_HEADER));
        return packet.array();
    }

    public static byte[] udp(int source, int destination, int sourcePort, int destinationPort, byte[] payload) {
        ByteBuffer datagram = ByteBuffer.allocate(8 + payload.length)
                .putShort((short) sourcePort)
                .putShort((short) destinationPort)
                .putShort((short) (8 + payload.length))
                .putShort((short) 0)
                .put(payload);
        datagram.putShort(6, (short) ~pseudo(source, destination, UDP, datagram.array()));
        return ipv4(source, destination, UDP, 64, datagram.array());
    }

    public static byte[] syn(int source, int destination, int sourcePort, int destinationPort, int sequence) {
        ByteBuffer segment = ByteBuffer.allocate(24)
                .putShort((short) sourcePort)
                .putShort((short) destinationPort)
                .putInt(sequence)
                .putInt(0)
                .putShort((short) 0x6002)
                .putShort((short) 64000)
                .putInt(0)
                .putInt(0x020405b4);
        segment.putShort(16, (short) ~pseudo(source, destination, TCP, segment.array()));
        return ipv4(source, destination, TCP, 64, segment.array());
    }

    public static byte[] echoRequest(int source, int destination, int identifier, int sequence, byte[] payload) {
        ByteBuffer message = ByteBuffer.allocate(8 + payload.length)
                .putInt(0x0800_0000)
                .putShort((short) identifier)
                .putShort((short) sequence)
                .put(payload);
        message.putShort(2, (short) ~sum(0, message.array(), 0, message.capacity()));
        return ipv4(source, destination, ICMP, 64, message.array());
    }

    /** The packet's payload if the frame is this protocol between these two; empty for any other frame. */
    public static byte[] payload(byte[] frame, int source, int destination, int protocol) {
        if (frame.length < ETHERNET + IP_HEADER || type(frame) != IPV4) {
            return new byte[0];
        }
        ByteBuffer b = ByteBuffer.wrap(frame);
        int header = (frame[ETHERNET] & 15) * 4;
        int total = b.getShort(ETHERNET + 2) & 0xffff;
        if (frame[ETHERNET + 9] != protocol
                || source != 0 && b.getInt(ETHERNET + 12) != source
                || destination != 0 && b.getInt(ETHERNET + 16) != destination
                || ETHERNET + total > frame.length) {
            return new byte[0];
        }
        if (sum(0, frame, ETHERNET, header) != 0xffff) {
            throw new AssertionError("bad IPv4 checksum: " + Arrays.toString(frame));
        }
        byte[] payload = Arrays.copyOfRange(frame, ETHERNET + header, ETHERNET + total);
        if (protocol == ICMP && sum(0, payload, 0, payload.length) != 0xffff
                || protocol != ICMP
                        && pseudo(b.getInt(ETHERNET + 12), b.getInt(ETHERNET + 16), protocol, payload) != 0xffff) {
            throw new AssertionError("bad checksum of protocol " + protocol + ": " + Arrays.toString(frame));
        }
        return payload;
    }

    /** A question for one name's A record. */
    public static byte[] dnsQuery(int id, String name) {
        ByteBuffer query = ByteBuffer.allocate(18 + name.length())
                .putShort((short) id)
                .putShort((short) 0x0100)
                .putShort((short) 1)
                .putShort((short) 0)
                .putInt(0);
        for (String label : name.split("\\.")) {
            query.put((byte) label.length()).put(label.getBytes(StandardCharsets.US_ASCII));
        }
        return query.put((byte) 0).putInt(0x0001_0001).array();
    }

    /** A DHCP message of a client; {@code options} follow the cookie as they are. */
    public static byte[] dhcp(int transaction, int flags, long clientMac, byte... options) {
        ByteBuffer message = ByteBuffer.allocate(240 + options.length)
                .putInt(0x0101_0600)
                .putInt(transaction)
                .putShort((short) 0)
                .putShort((short) flags)
                .position(28);
        mac(message, clientMac).position(236).putInt(0x6382_5363).put(options);
        return message.array();
    }

    private static int pseudo(int source, int destination, int protocol, byte[] payload) {
        byte[] header = ByteBuffer.allocate(12)
                .putInt(source)
                .putInt(destination)
                .putShort((short) protocol)
                .putShort((short) payload.length)
                .array();
        return sum(sum(0, header, 0, 12), payload, 0, payload.length);
    }

    private static int sum(int start, byte[] bytes, int from, int length) {
        int sum = start;
        for (int i = 0; i < length; i++) {
            sum += (bytes[from + i] & 0xff) << (i % 2 == 0 ? 8 : 0);
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return sum;
    }
}
