package dev.sluice.testkit;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.NdpMessage;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** IPv6 frames of one station, byte by byte, as {@link RawFrames} are for IPv4. */
public final class RawFrames6 {
    private static final int IP = EthernetHeader.LENGTH;
    private static final int TRANSPORT = IP + Ipv6Header.LENGTH;

    private final long to;
    private final long from;
    private final Ipv6Address source;

    /** Frames from {@code from} and its address {@code source} to {@code to}. */
    public RawFrames6(MacAddress to, MacAddress from, Ipv6Address source) {
        this.to = to.bits();
        this.from = from.bits();
        this.source = source;
    }

    /** The Ethernet address of a group (RFC 2464 §7). */
    public static MacAddress groupMac(Ipv6Address group) {
        return new MacAddress(0x3333_0000_0000L | group.low() & 0xffff_ffffL);
    }

    /** Who has {@code target}? From ::, as one that would like to have it. */
    public byte[] solicitation(Ipv6Address target) {
        byte[] message = new byte[64];
        MemorySegment s = MemorySegment.ofArray(message);
        int n = source.isUnspecified()
                ? NdpMessage.writeDetection(s, 0, target.high(), target.low())
                : NdpMessage.writeNeighbour(
                        s, 0, Icmpv6Header.NEIGHBOUR_SOLICITATION, 0, target.high(), target.low(), from);
        return ndp(target.solicitedNode(), Arrays.copyOf(message, n));
    }

    /** {@code target} has {@code from}'s hardware address. */
    public byte[] advertisement(Ipv6Address destination, Ipv6Address target, int flags) {
        byte[] message = new byte[64];
        int n = NdpMessage.writeNeighbour(
                MemorySegment.ofArray(message),
                0,
                Icmpv6Header.NEIGHBOUR_ADVERTISEMENT,
                flags,
                target.high(),
                target.low(),
                from);
        return ndp(destination, Arrays.copyOf(message, n));
    }

    /** A router's advertisement to all nodes, with one prefix to make addresses of, an MTU and a name server. */
    public byte[] routerAdvertisement(int lifetime, Ipv6Cidr prefix, long valid, long preferred, int mtu) {
        byte[] message = new byte[256];
        MemorySegment s = MemorySegment.ofArray(message);
        int n = NdpMessage.writeAdvertisement(s, 0, 64, 0, lifetime);
        n += NdpMessage.putLinkAddress(s, n, NdpMessage.OPTION_SOURCE_LINK_ADDRESS, from);
        n += NdpMessage.putMtu(s, n, mtu);
        n += NdpMessage.putPrefix(s, n, prefix, NdpMessage.ON_LINK | NdpMessage.AUTONOMOUS, valid, preferred);
        n += NdpMessage.putDnsServer(
                s, n, valid, new Ipv6Address(prefix.address().high(), 0x53));
        return ndp(Ipv6Address.ALL_NODES, Arrays.copyOf(message, n));
    }

    /** A message of neighbour discovery; its checksum is made here. */
    public byte[] ndp(Ipv6Address destination, byte[] message) {
        return icmp(destination, NdpMessage.HOP_LIMIT, message);
    }

    /** Any ICMPv6 message; its checksum is made here. */
    public byte[] icmp(Ipv6Address destination, int hopLimit, byte[] message) {
        byte[] frame = ipv6(Ipv6Header.ICMPV6, hopLimit, destination, message.length);
        System.arraycopy(message, 0, frame, TRANSPORT, message.length);
        Icmpv6Header.updateChecksum(MemorySegment.ofArray(frame), IP, TRANSPORT, message.length);
        return frame;
    }

    /** An echo request with {@code size} zeros. */
    public byte[] echoRequest(Ipv6Address destination, int size) {
        byte[] message = new byte[IcmpHeader.LENGTH + size];
        IcmpHeader.write(MemorySegment.ofArray(message), 0, Icmpv6Header.ECHO_REQUEST, 0, 0x0007_0001);
        return icmp(destination, 64, message);
    }

    /** An ICMPv6 error about the packet in {@code about}; {@code rest} is the second word, as the MTU of a narrow path. */
    public byte[] icmpError(Ipv6Address destination, int type, int code, int rest, byte[] about) {
        int quoted = Math.min(about.length - IP, 1000);
        byte[] message = new byte[IcmpHeader.LENGTH + quoted];
        IcmpHeader.write(MemorySegment.ofArray(message), 0, type, code, rest);
        System.arraycopy(about, IP, message, IcmpHeader.LENGTH, quoted);
        return icmp(destination, 64, message);
    }

    /** A datagram with a good checksum. */
    public byte[] udp(Ipv6Address destination, int sourcePort, int destinationPort, byte[] payload) {
        int length = UdpHeader.LENGTH + payload.length;
        byte[] frame = ipv6(Ipv4Header.PROTOCOL_UDP, 64, destination, length);
        MemorySegment s = MemorySegment.ofArray(frame);
        UdpHeader.write(s, TRANSPORT, sourcePort, destinationPort, length);
        System.arraycopy(payload, 0, frame, TRANSPORT + UdpHeader.LENGTH, payload.length);
        long sum = Ipv6Header.pseudoHeader(s, IP, Ipv4Header.PROTOCOL_UDP, length);
        Bytes.put16(
                s, TRANSPORT + UdpHeader.CHECKSUM, UdpHeader.checksumField(Checksum.add(sum, s, TRANSPORT, length)));
        return frame;
    }

    /** A segment without options, but for the MSS of a SYN that opens a connection. */
    public byte[] tcp(
            Ipv6Address destination,
            int sourcePort,
            int destinationPort,
            int sequence,
            int acknowledgment,
            int flags,
            byte[] payload) {
        byte[] options = flags == TcpHeader.SYN ? new byte[] {2, 4, 5, (byte) 0xa0} : new byte[0];
        int header = TcpHeader.MIN_LENGTH + options.length;
        int length = header + payload.length;
        byte[] frame = ipv6(Ipv4Header.PROTOCOL_TCP, 64, destination, length);
        MemorySegment s = MemorySegment.ofArray(frame);
        TcpHeader.write(s, TRANSPORT, sourcePort, destinationPort, sequence, acknowledgment, header, flags, 65_535);
        System.arraycopy(options, 0, frame, TRANSPORT + TcpHeader.MIN_LENGTH, options.length);
        System.arraycopy(payload, 0, frame, TRANSPORT + header, payload.length);
        long sum = Ipv6Header.pseudoHeader(s, IP, Ipv4Header.PROTOCOL_TCP, length);
        Bytes.put16(s, TRANSPORT + TcpHeader.CHECKSUM, Checksum.finish(Checksum.add(sum, s, TRANSPORT, length)));
        return frame;
    }

    private byte[] ipv6(int next, int hopLimit, Ipv6Address destination, int length) {
        byte[] frame = new byte[TRANSPORT + length];
        MemorySegment s = MemorySegment.ofArray(frame);
        long mac = destination.isMulticast() ? groupMac(destination).bits() : to;
        EthernetHeader.write(s, 0, mac, from, EthernetHeader.TYPE_IPV6);
        Ipv6Header.write(
                s,
                IP,
                0,
                0,
                length,
                next,
                hopLimit,
                source.high(),
                source.low(),
                destination.high(),
                destination.low());
        return frame;
    }
}
