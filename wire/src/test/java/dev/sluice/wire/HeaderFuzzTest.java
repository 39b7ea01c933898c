package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Every view over damaged headers: a verdict, never an exception, and no read outside what {@code check} accepted. */
class HeaderFuzzTest {
    @Test
    void ethernetAndArp() {
        byte[] arp = Mutations.written(
                28, s -> ArpHeader.write(s, 0, ArpHeader.REQUEST, 0x0250_0000_0001L, 0xc0a84103, 0, 0xc0a84101));
        byte[] ethernet =
                Mutations.written(60, s -> EthernetHeader.write(s, 0, 0xffff_ffff_ffffL, 0x0250_0000_0001L, 0x806));
        Mutations.run(101, List.of(ethernet), (s, at, length) -> {
            if (EthernetHeader.check(s, at, length) == Flaw.NONE) {
                EthernetHeader.destination(s, at);
                EthernetHeader.source(s, at);
                EthernetHeader.type(s, at);
            }
        });
        Mutations.run(102, List.of(arp), (s, at, length) -> {
            if (ArpHeader.check(s, at, length) == Flaw.NONE) {
                ArpHeader.senderMac(s, at);
                ArpHeader.senderAddress(s, at);
                ArpHeader.targetMac(s, at);
                ArpHeader.targetAddress(s, at);
            }
        });
    }

    @Test
    void ipv4() {
        byte[] plain = Mutations.written(
                48, s -> Ipv4Header.write(s, 0, 0, 48, 7, 0, 64, Ipv4Header.PROTOCOL_UDP, 0xc0a84103, 0x01020304));
        byte[] options = Mutations.written(68, s -> {
            Ipv4Header.write(s, 0, 0, 68, 7, 0x2001, 64, 6, 0xc0a84103, 0x01020304);
            Bytes.put8(s, 0, 0x4f);
            Ipv4Header.updateChecksum(s, 0);
        });
        int[] good = {0};
        Mutations.run(103, List.of(plain, options), (s, at, length) -> {
            if (Ipv4Header.check(s, at, length) == Flaw.NONE) {
                good[0]++;
                int header = Ipv4Header.headerLength(s, at);
                int total = Ipv4Header.totalLength(s, at);
                assertThat(header).isBetween(20, total);
                assertThat(total).isLessThanOrEqualTo(length);
                Checksum.add(0, s, at + header, total - header);
                Ipv4Header.fragmentOffset(s, at);
                Ipv4Header.updateChecksum(s, at);
            }
        });
        assertThat(good[0]).isPositive();
    }

    @Test
    void ipv6() {
        byte[] packet = Mutations.written(50, s -> Ipv6Header.write(s, 0, 0xb8, 0xabcde, 10, 17, 64, 1, 2, 3, 4));
        Mutations.run(104, List.of(packet), (s, at, length) -> {
            if (Ipv6Header.check(s, at, length) == Flaw.NONE) {
                assertThat(Ipv6Header.payloadLength(s, at)).isLessThanOrEqualTo(length - 40);
                assertThat(Ipv6Header.source(s, at).toString()).isNotEmpty();
                assertThat(Ipv6Header.destination(s, at).toString()).isNotEmpty();
            }
        });
    }

    @Test
    void udpAndIcmp() {
        byte[] udp = Mutations.written(40, s -> UdpHeader.write(s, 0, 68, 67, 40));
        Mutations.run(105, List.of(udp), (s, at, length) -> {
            if (UdpHeader.check(s, at, length) == Flaw.NONE) {
                assertThat(UdpHeader.length(s, at)).isBetween(8, length);
                UdpHeader.checksumOk(s, at, 1, 2);
            }
        });
        byte[] icmp = Mutations.written(33, s -> {
            IcmpHeader.write(s, 0, IcmpHeader.ECHO_REQUEST, 0, 0x12340001);
            IcmpHeader.updateChecksum(s, 0, 33);
        });
        Mutations.run(106, List.of(icmp), (s, at, length) -> {
            if (IcmpHeader.check(s, at, length) == Flaw.NONE) {
                IcmpHeader.identifier(s, at);
                IcmpHeader.sequence(s, at);
            }
        });
    }

    @Test
    void tcp() {
        byte[] tcp = Mutations.written(60, s -> {
            TcpHeader.write(s, 0, 1, 2, -1, -2, 60, TcpHeader.SYN, 65535);
            Bytes.put32(s, 20, 0x020405b4);
            Bytes.put32(s, 24, 0x0402080a);
            Bytes.put32(s, 36, 0x01030307);
            Bytes.put64(s, 40, 0x0505010101010101L);
        });
        Mutations.run(107, List.of(tcp), (s, at, length) -> {
            if (TcpHeader.check(s, at, length) == Flaw.NONE) {
                assertThat(TcpHeader.headerLength(s, at)).isBetween(20, length);
                TcpHeader.checksumOk(s, at, length, 1, 2);
            }
        });
    }

    @Test
    void tcpOptionsOfEveryKindAndLengthAtEveryOffset() {
        byte[] usual =
                java.util.HexFormat.of().parseHex("020405b40402080a00000001000000020103030701010522" + "00".repeat(16));
        int[] good = {0};
        Mutations.run(108, List.of(usual), (s, at, length) -> {
            good[0] += TcpOptions.check(s, at, length) == Flaw.NONE ? 1 : 0;
        });
        assertThat(good[0]).isPositive();
        for (int kind = 0; kind < 256; kind++) {
            for (int size = 0; size < 42; size++) {
                for (int offset = 0; offset < 40; offset++) {
                    int k = kind;
                    int z = size;
                    int o = offset;
                    byte[] options = Mutations.written(40, s -> {
                        s.asSlice(0, o).fill((byte) TcpOptions.NOP);
                        Bytes.put8(s, o, k);
                        if (o + 1 < 40) {
                            Bytes.put8(s, o + 1, z);
                        }
                    });
                    Flaw flaw = TcpOptions.check(MemorySegment.ofArray(options), 0, 40);
                    boolean fits = offset + 1 < 40 && size >= 2 && offset + size <= 40;
                    if (kind >= 2) {
                        assertThat(flaw == Flaw.NONE)
                                .as("kind %d size %d offset %d", kind, size, offset)
                                .isEqualTo(fits);
                    }
                }
            }
        }
    }

    @Test
    void virtioNet() {
        byte[] header = Mutations.written(
                100,
                s -> VirtioNetHeader.write(
                        s, 0, VirtioNetHeader.NEEDS_CHECKSUM, VirtioNetHeader.GSO_TCP4, 54, 1448, 34, 16, 1));
        int[] good = {0};
        Mutations.run(109, List.of(header), (s, at, length) -> {
            if (VirtioNetHeader.check(s, at, length) == Flaw.NONE) {
                good[0]++;
                if (VirtioNetHeader.needsChecksum(s, at)) {
                    Bytes.u16(
                            s, at + 12 + VirtioNetHeader.checksumStart(s, at) + VirtioNetHeader.checksumOffset(s, at));
                }
                if (VirtioNetHeader.gsoType(s, at) != VirtioNetHeader.GSO_NONE) {
                    assertThat(VirtioNetHeader.gsoSize(s, at)).isPositive();
                }
            }
        });
        assertThat(good[0]).isPositive();
    }

    @Test
    void pcap() {
        byte[] file = Mutations.written(24 + 16 + 60 + 16 + 14, s -> {
            Pcap.writeFileHeader(s, 0, 65535, Pcap.LINKTYPE_ETHERNET);
            Pcap.writeRecordHeader(s, 24, 1_700_000_000_123_456_789L, 60, 1514);
            Pcap.writeRecordHeader(s, 100, 1_700_000_001_000_000_000L, 14, 14);
        });
        Mutations.run(110, List.of(file), (s, at, length) -> {
            if (Pcap.check(s, at, length) == Flaw.NONE) {
                Pcap.Reader reader = new Pcap.Reader(s, at, length);
                reader.linkType();
                reader.snapLength();
                int records = 0;
                while (reader.next()) {
                    assertThat(reader.captured()).isBetween(0, Pcap.MAX_SNAP_LENGTH);
                    Checksum.add(0, s, reader.at(), reader.captured());
                    reader.time();
                    reader.original();
                    assertThat(++records).isLessThan(length);
                }
            }
        });
    }
}
