package dev.sluice.fuzz;

import static dev.sluice.fuzz.Memory.AT;

import dev.sluice.wire.ArpHeader;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Chain;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.NdpMessage;
import dev.sluice.wire.Pcap;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.TcpOptions;
import dev.sluice.wire.UdpHeader;
import dev.sluice.wire.VirtioNetHeader;
import java.lang.foreign.MemorySegment;

/** Every view of {@code wire} on the same bytes: after its check has passed, no accessor may read beyond them. */
public final class Headers {
    private Headers() {}

    /** The first byte says which. */
    public static void fuzzerTestOneInput(byte[] data) {
        Input input = new Input(data);
        int kind = input.u8() % 12;
        byte[] bytes = input.rest();
        MemorySegment s = Memory.of(bytes);
        int length = bytes.length;
        switch (kind) {
            case 0 -> ethernet(s, length);
            case 1 -> arp(s, length);
            case 2 -> ipv4(s, length);
            case 3 -> ipv6(s, length);
            case 4 -> tcp(s, length);
            case 5 -> udp(s, length);
            case 6 -> icmp(s, length);
            case 7 -> ndp(s, length);
            case 8 -> virtio(s, length);
            case 9 -> pcap(s, length);
            case 10 -> checksum(bytes);
            default -> options(s, length);
        }
    }

    private static void ethernet(MemorySegment s, int length) {
        if (EthernetHeader.check(s, AT, length) == Flaw.NONE) {
            EthernetHeader.destination(s, AT);
            EthernetHeader.source(s, AT);
            switch (EthernetHeader.type(s, AT)) {
                case EthernetHeader.TYPE_IPV4 -> ipv4At(s, AT + EthernetHeader.LENGTH, length - EthernetHeader.LENGTH);
                case EthernetHeader.TYPE_IPV6 -> ipv6At(s, AT + EthernetHeader.LENGTH, length - EthernetHeader.LENGTH);
                default -> {}
            }
        }
    }

    private static void arp(MemorySegment s, int length) {
        if (ArpHeader.check(s, AT, length) == Flaw.NONE) {
            ArpHeader.operation(s, AT);
            ArpHeader.senderMac(s, AT);
            ArpHeader.senderAddress(s, AT);
            ArpHeader.targetMac(s, AT);
            ArpHeader.targetAddress(s, AT);
        }
    }

    private static void ipv4(MemorySegment s, int length) {
        // A checksum is nothing that a fuzzer can guess.
        if (length >= Ipv4Header.MIN_LENGTH && Ipv4Header.headerLength(s, AT) <= length) {
            Ipv4Header.updateChecksum(s, AT);
        }
        ipv4At(s, AT, length);
    }

    private static void ipv4At(MemorySegment s, long at, int length) {
        if (Ipv4Header.check(s, at, length) != Flaw.NONE) {
            return;
        }
        int header = Ipv4Header.headerLength(s, at);
        int total = Ipv4Header.totalLength(s, at);
        Memory.require(header >= Ipv4Header.MIN_LENGTH && header <= total && total <= length, "IPv4 lengths");
        Memory.require(Ipv4Header.fragmentOffset(s, at) <= 65_528, "fragment offset");
        Memory.require(IpHeader.totalLength(s, at) == total, "total length");
        text(IpHeader.address(IpHeader.sourceHigh(s, at), IpHeader.sourceLow(s, at)));
        text(IpHeader.address(IpHeader.destinationHigh(s, at), IpHeader.destinationLow(s, at)));
        IpHeader.hopLimit(s, at);
        IpHeader.trafficClass(s, at);
        transport(s, at, Ipv4Header.protocol(s, at), at + header, total - header);
    }

    private static void text(IpAddress address) {
        Memory.require(!address.toString().isEmpty(), "an address has a text");
    }

    private static void ipv6(MemorySegment s, int length) {
        ipv6At(s, AT, length);
    }

    private static void ipv6At(MemorySegment s, long at, int length) {
        if (Ipv6Header.check(s, at, length) != Flaw.NONE) {
            return;
        }
        Ipv6Header.trafficClass(s, at);
        Ipv6Header.flowLabel(s, at);
        text(Ipv6Header.source(s, at));
        text(Ipv6Header.destination(s, at));
        Ipv6Chain chain = new Ipv6Chain();
        Flaw flaw = chain.walk(s, at, length);
        if (flaw != Flaw.NONE) {
            Memory.require(chain.problemAt == -1 || chain.problemAt >= at, "a problem lies in the packet");
            return;
        }
        Memory.require(chain.at >= at + Ipv6Header.LENGTH && chain.at + chain.length <= at + length, "IPv6 lengths");
        transport(s, at, chain.protocol, chain.at, chain.length);
    }

    private static void transport(MemorySegment s, long ip, int protocol, long at, int length) {
        switch (protocol) {
            case Ipv4Header.PROTOCOL_TCP -> tcpAt(s, at, length);
            case Ipv4Header.PROTOCOL_UDP -> udpAt(s, at, length);
            case Ipv6Header.ICMPV6 -> {
                if (!IpHeader.isIpv4(s, ip) && Icmpv6Header.check(s, ip, at, length) == Flaw.NONE) {
                    Icmpv6Header.toIcmpv4(IcmpHeader.type(s, at), IcmpHeader.code(s, at));
                }
            }
            default -> {}
        }
    }

    private static void tcp(MemorySegment s, int length) {
        tcpAt(s, AT, length);
    }

    private static void tcpAt(MemorySegment s, long at, int length) {
        if (TcpHeader.check(s, at, length) != Flaw.NONE) {
            return;
        }
        int header = TcpHeader.headerLength(s, at);
        Memory.require(header >= TcpHeader.MIN_LENGTH && header <= Math.min(60, length), "TCP header length");
        TcpHeader.flags(s, at);
        TcpHeader.sequence(s, at);
        TcpHeader.acknowledgment(s, at);
        TcpHeader.window(s, at);
        TcpHeader.urgentPointer(s, at);
        TcpHeader.checksumOk(s, at, length, 1, 2);
    }

    private static void options(MemorySegment s, int length) {
        TcpOptions.check(s, AT, length);
        TcpOptions.areTimestampsOnly(s, AT, length);
    }

    private static void udp(MemorySegment s, int length) {
        udpAt(s, AT, length);
    }

    private static void udpAt(MemorySegment s, long at, int length) {
        if (UdpHeader.check(s, at, length) == Flaw.NONE) {
            int all = UdpHeader.length(s, at);
            Memory.require(all >= UdpHeader.LENGTH && all <= length, "UDP length");
            UdpHeader.checksumOk(s, at, 1, 2);
        }
    }

    private static void icmp(MemorySegment s, int length) {
        if (IcmpHeader.check(s, AT, length) == Flaw.NONE) {
            IcmpHeader.identifier(s, AT);
            IcmpHeader.sequence(s, AT);
            Icmpv6Header.ofIcmpv4(IcmpHeader.type(s, AT), IcmpHeader.code(s, AT));
        }
    }

    private static void ndp(MemorySegment s, int length) {
        if (NdpMessage.check(s, AT, length) != Flaw.NONE) {
            return;
        }
        for (int type = 0; type < 32; type++) {
            long option = NdpMessage.option(s, AT, length, type);
            Memory.require(option < 0 || option + 8 <= AT + length, "an option ends within the message");
            if (option >= 0) {
                NdpMessage.linkAddress(s, option);
            }
        }
    }

    private static void virtio(MemorySegment s, int length) {
        if (VirtioNetHeader.check(s, AT, length) == Flaw.NONE) {
            VirtioNetHeader.gsoType(s, AT);
            VirtioNetHeader.gsoSize(s, AT);
            VirtioNetHeader.headerLength(s, AT);
            VirtioNetHeader.checksumStart(s, AT);
            VirtioNetHeader.checksumOffset(s, AT);
            VirtioNetHeader.bufferCount(s, AT);
        }
    }

    private static void pcap(MemorySegment s, int length) {
        if (Pcap.check(s, AT, length) != Flaw.NONE) {
            return;
        }
        Pcap.Reader reader = new Pcap.Reader(s, AT, length);
        reader.linkType();
        reader.snapLength();
        while (reader.next()) {
            Memory.require(reader.at() + reader.captured() <= AT + length, "a record ends within the file");
            reader.time();
            reader.original();
        }
    }

    /** The fast sum is the slow one, at every alignment. */
    private static void checksum(byte[] bytes) {
        long slow = 0;
        for (int i = 0; i < bytes.length; i++) {
            slow += (bytes[i] & 0xffL) << (i % 2 == 0 ? 8 : 0);
        }
        while (slow >>> 16 != 0) {
            slow = (slow & 0xffff) + (slow >>> 16);
        }
        for (int shift = 0; shift < 8; shift++) {
            byte[] moved = new byte[bytes.length + shift];
            System.arraycopy(bytes, 0, moved, shift, bytes.length);
            long sum = Checksum.add(0, MemorySegment.ofArray(moved), shift, bytes.length);
            Memory.require(Checksum.fold(sum) % 0xffff == slow % 0xffff, "the sum at offset " + shift);
        }
    }
}
