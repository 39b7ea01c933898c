package dev.sluice.testkit;

import dev.sluice.wire.ArpHeader;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.DhcpMessage;
import dev.sluice.wire.DhcpOptions;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * Frames of one station, byte by byte: well-formed, to be sent as they are or mutated. For tests that play the other side without a stack.
 */
public final class RawFrames {
    private static final int IP = EthernetHeader.LENGTH;
    private static final int TRANSPORT = IP + Ipv4Header.MIN_LENGTH;

    private final long to;
    private final long from;
    private final int source;

    /** Frames from {@code from} and its address {@code source} to {@code to}. */
    public RawFrames(MacAddress to, MacAddress from, Ipv4Address source) {
        this.to = to.bits();
        this.from = from.bits();
        this.source = source.bits();
    }

    /** Who has {@code target}? With a source of 0.0.0.0 a probe, with the target itself an announcement (RFC 5227). */
    public byte[] arpRequest(Ipv4Address target) {
        byte[] frame = new byte[IP + ArpHeader.LENGTH];
        MemorySegment s = MemorySegment.ofArray(frame);
        EthernetHeader.write(s, 0, MacAddress.BROADCAST.bits(), from, EthernetHeader.TYPE_ARP);
        ArpHeader.write(s, IP, ArpHeader.REQUEST, from, source, 0, target.bits());
        return frame;
    }

    /** The source has {@code from}'s hardware address. */
    public byte[] arpReply(Ipv4Address target) {
        byte[] frame = new byte[IP + ArpHeader.LENGTH];
        MemorySegment s = MemorySegment.ofArray(frame);
        EthernetHeader.write(s, 0, to, from, EthernetHeader.TYPE_ARP);
        ArpHeader.write(s, IP, ArpHeader.REPLY, from, source, to, target.bits());
        return frame;
    }

    /** A datagram with a good checksum. */
    public byte[] udp(Ipv4Address destination, int sourcePort, int destinationPort, byte[] payload) {
        int length = UdpHeader.LENGTH + payload.length;
        byte[] frame = ipv4(Ipv4Header.PROTOCOL_UDP, destination, length);
        MemorySegment s = MemorySegment.ofArray(frame);
        UdpHeader.write(s, TRANSPORT, sourcePort, destinationPort, length);
        System.arraycopy(payload, 0, frame, TRANSPORT + UdpHeader.LENGTH, payload.length);
        long sum = Checksum.pseudoHeader(source, destination.bits(), Ipv4Header.PROTOCOL_UDP, length);
        put16(frame, TRANSPORT + UdpHeader.CHECKSUM, UdpHeader.checksumField(Checksum.add(sum, s, TRANSPORT, length)));
        return frame;
    }

    /** A segment with the options of a usual SYN, but for timestamps, if {@code flags} has SYN. */
    public byte[] tcp(
            Ipv4Address destination, int sourcePort, int destinationPort, int sequence, int flags, byte[] payload) {
        return tcp(destination, sourcePort, destinationPort, sequence, 0, flags, payload);
    }

    /** The same with an acknowledgment number. */
    public byte[] tcp(
            Ipv4Address destination,
            int sourcePort,
            int destinationPort,
            int sequence,
            int acknowledgment,
            int flags,
            byte[] payload) {
        byte[] options =
                (flags & TcpHeader.SYN) == 0 ? new byte[0] : new byte[] {2, 4, 5, (byte) 0xb4, 1, 1, 4, 2, 1, 3, 3, 7};
        int header = TcpHeader.MIN_LENGTH + options.length;
        int length = header + payload.length;
        byte[] frame = ipv4(Ipv4Header.PROTOCOL_TCP, destination, length);
        MemorySegment s = MemorySegment.ofArray(frame);
        TcpHeader.write(s, TRANSPORT, sourcePort, destinationPort, sequence, acknowledgment, header, flags, 65_535);
        System.arraycopy(options, 0, frame, TRANSPORT + TcpHeader.MIN_LENGTH, options.length);
        System.arraycopy(payload, 0, frame, TRANSPORT + header, payload.length);
        long sum = Checksum.pseudoHeader(source, destination.bits(), Ipv4Header.PROTOCOL_TCP, length);
        put16(frame, TRANSPORT + TcpHeader.CHECKSUM, Checksum.finish(Checksum.add(sum, s, TRANSPORT, length)));
        return frame;
    }

    /** A packet of any protocol. */
    public byte[] packet(int protocol, Ipv4Address destination, byte[] payload) {
        byte[] frame = ipv4(protocol, destination, payload.length);
        System.arraycopy(payload, 0, frame, TRANSPORT, payload.length);
        return frame;
    }

    /** An echo request with {@code size} zeros. */
    public byte[] echoRequest(Ipv4Address destination, int size) {
        int length = IcmpHeader.LENGTH + size;
        byte[] frame = ipv4(Ipv4Header.PROTOCOL_ICMP, destination, length);
        MemorySegment s = MemorySegment.ofArray(frame);
        IcmpHeader.write(s, TRANSPORT, IcmpHeader.ECHO_REQUEST, 0, 0x0007_0001);
        IcmpHeader.updateChecksum(s, TRANSPORT, length);
        return frame;
    }

    /** "Port unreachable" about the IPv4 packet in {@code about}. */
    public byte[] portUnreachable(Ipv4Address destination, byte[] about) {
        return icmpError(destination, IcmpHeader.DESTINATION_UNREACHABLE, IcmpHeader.PORT_UNREACHABLE, 0, about);
    }

    /** An ICMP error about the IPv4 packet in {@code about}; {@code rest} is the second word, as the MTU of a narrow path. */
    public byte[] icmpError(Ipv4Address destination, int type, int code, int rest, byte[] about) {
        int quoted = Math.min(about.length - IP, 60);
        int length = IcmpHeader.LENGTH + quoted;
        byte[] frame = ipv4(Ipv4Header.PROTOCOL_ICMP, destination, length);
        MemorySegment s = MemorySegment.ofArray(frame);
        IcmpHeader.write(s, TRANSPORT, type, code, rest);
        System.arraycopy(about, IP, frame, TRANSPORT + IcmpHeader.LENGTH, quoted);
        IcmpHeader.updateChecksum(s, TRANSPORT, length);
        return frame;
    }

    /** A DISCOVER of this station, which then need not have an address. */
    public byte[] dhcpDiscover() {
        return dhcp(DhcpOptions.builder()
                .messageType(DhcpMessage.DISCOVER)
                .parameterRequestList(1, 3, 6)
                .text(DhcpOptions.HOST_NAME, "fuzz")
                .build());
    }

    /** What a client without an address says to its servers. */
    public byte[] dhcp(DhcpOptions options) {
        byte[] message = new byte[548];
        int length = new DhcpMessage(
                        DhcpMessage.BOOTREQUEST,
                        0,
                        77,
                        0,
                        false,
                        Ipv4Address.ANY,
                        Ipv4Address.ANY,
                        Ipv4Address.ANY,
                        Ipv4Address.ANY,
                        new MacAddress(from),
                        "",
                        "",
                        options)
                .encode(MemorySegment.ofArray(message), 0, message.length);
        return new RawFrames(MacAddress.BROADCAST, new MacAddress(from), Ipv4Address.ANY)
                .udp(
                        Ipv4Address.BROADCAST,
                        DhcpMessage.CLIENT_PORT,
                        DhcpMessage.SERVER_PORT,
                        Arrays.copyOf(message, length));
    }

    /** Turns a packet into a fragment: {@code offset} in bytes, a multiple of 8. */
    public static byte[] fragment(byte[] frame, int offset, boolean more) {
        byte[] fragment = frame.clone();
        put16(fragment, IP + 6, (more ? Ipv4Header.MORE_FRAGMENTS : 0) | offset / 8);
        updateIpv4Checksum(fragment);
        return fragment;
    }

    /** The same packet with options behind its header, which has none yet; their length is a multiple of four. */
    public static byte[] withOptions(byte[] frame, byte... options) {
        byte[] longer = new byte[frame.length + options.length];
        System.arraycopy(frame, 0, longer, 0, TRANSPORT);
        System.arraycopy(options, 0, longer, TRANSPORT, options.length);
        System.arraycopy(frame, TRANSPORT, longer, TRANSPORT + options.length, frame.length - TRANSPORT);
        longer[IP] = (byte) (0x45 + options.length / 4);
        put16(longer, IP + 2, longer.length - IP);
        updateIpv4Checksum(longer);
        return longer;
    }

    /** Makes the IPv4 header checksum right again, if there is room for one. */
    public static void updateIpv4Checksum(byte[] frame) {
        if (frame.length >= IP + Ipv4Header.MIN_LENGTH) {
            MemorySegment s = MemorySegment.ofArray(frame);
            if (IP + Ipv4Header.headerLength(s, IP) <= frame.length) {
                Ipv4Header.updateChecksum(s, IP);
            }
        }
    }

    /**
     * A copy with one to four bytes changed, mostly in the headers, sometimes cut; often with the IPv4 checksum made right again, so that
     * more than one check is tried.
     */
    public static byte[] mutate(byte[] frame, RandomGenerator random) {
        byte[] mutated = frame.clone();
        int changes = 1 + random.nextInt(4);
        for (int i = 0; i < changes; i++) {
            int at = random.nextInt(random.nextInt(3) == 0 ? mutated.length : Math.min(mutated.length, 80));
            if (at < 12 && random.nextInt(4) != 0) {
                continue; // mostly keep the hardware addresses, or nothing would look further
            }
            mutated[at] = switch (random.nextInt(4)) {
                case 0 -> (byte) (mutated[at] ^ 1 << random.nextInt(8));
                case 1 -> (byte) random.nextInt();
                case 2 -> 0;
                default -> (byte) 0xff;
            };
        }
        if (random.nextInt(4) == 0) {
            mutated = Arrays.copyOf(mutated, IP + random.nextInt(mutated.length - IP + 1));
        }
        if (random.nextInt(3) != 0 && mutated[12] == 8 && mutated[13] == 0) {
            updateIpv4Checksum(mutated);
        }
        return mutated;
    }

    private byte[] ipv4(int protocol, Ipv4Address destination, int length) {
        byte[] frame = new byte[TRANSPORT + length];
        MemorySegment s = MemorySegment.ofArray(frame);
        EthernetHeader.write(s, 0, to, from, EthernetHeader.TYPE_IPV4);
        Ipv4Header.write(s, IP, 0, Ipv4Header.MIN_LENGTH + length, 4711, 0, 64, protocol, source, destination.bits());
        return frame;
    }

    private static void put16(byte[] frame, int at, int value) {
        frame[at] = (byte) (value >>> 8);
        frame[at + 1] = (byte) value;
    }
}
