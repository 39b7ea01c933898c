package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What the writers write, the readers read. */
class ViewTest {
    private final SplittableRandom random = new SplittableRandom(4);

    private int r(int bits) {
        return random.nextInt() >>> (32 - bits);
    }

    @Test
    void ipv4RoundTripsWithAGoodChecksum() {
        MemorySegment s = MemorySegment.ofArray(new byte[65540]);
        for (int i = 0; i < 2000; i++) {
            int total = 20 + random.nextInt(65516);
            int[] f = {r(8), r(16), r(16), r(8), r(8), random.nextInt(), random.nextInt()};
            Ipv4Header.write(s, 3, f[0], total, f[1], f[2], f[3], f[4], f[5], f[6]);
            assertThat(Ipv4Header.check(s, 3, total)).isEqualTo(Flaw.NONE);
            assertThat(Ipv4Header.check(s, 3, total - 1)).isEqualTo(Flaw.TRUNCATED);
            assertThat(new int[] {
                        Ipv4Header.typeOfService(s, 3),
                        Ipv4Header.identification(s, 3),
                        Ipv4Header.flagsAndOffset(s, 3),
                        Ipv4Header.timeToLive(s, 3),
                        Ipv4Header.protocol(s, 3),
                        Ipv4Header.source(s, 3),
                        Ipv4Header.destination(s, 3)
                    })
                    .isEqualTo(f);
            assertThat(Ipv4Header.totalLength(s, 3)).isEqualTo(total);
            assertThat(Ipv4Header.isFragment(s, 3)).isEqualTo((f[2] & 0x3fff) != 0);
            int bit = random.nextInt(160);
            Bytes.put8(s, 3 + bit / 8, Bytes.u8(s, 3 + bit / 8) ^ 1 << bit % 8);
            assertThat(Ipv4Header.check(s, 3, 65537)).as("bit %d", bit).isNotEqualTo(Flaw.NONE);
        }
    }

    private static boolean isSourceRouted(int... options) {
        byte[] header = new byte[Ipv4Header.MIN_LENGTH + options.length];
        header[0] = (byte) (0x40 + header.length / 4);
        for (int i = 0; i < options.length; i++) {
            header[Ipv4Header.MIN_LENGTH + i] = (byte) options[i];
        }
        // Memory ends with the header: reading on would throw.
        return Ipv4Header.hasSourceRoute(MemorySegment.ofArray(header), 0);
    }

    @Test
    void aSourceRouteIsFoundWhereverItStands() {
        for (int kind : new int[] {131, 137}) {
            assertThat(isSourceRouted(kind, 3, 4, 0)).as("empty").isTrue();
            assertThat(isSourceRouted(kind, 7, 4, 10, 0, 0, 9, 0))
                    .as("to follow")
                    .isTrue();
            assertThat(isSourceRouted(kind, 7, 8, 10, 0, 0, 9, 0)).as("done").isTrue();
            assertThat(isSourceRouted(kind, 255, 0, 0)).as("too long").isTrue();
            assertThat(isSourceRouted(1, 1, 1, kind)).as("cut after its kind").isTrue();
            assertThat(isSourceRouted(148, 4, 0, 0, kind, 3, 4, 0))
                    .as("behind router alert")
                    .isTrue();
            assertThat(isSourceRouted(0, kind, 3, 4)).as("behind the end").isFalse();
            assertThat(isSourceRouted(148, 4, kind, 3)).as("in another option").isFalse();
            assertThat(isSourceRouted(7, 0, kind, 3)).as("behind nonsense").isFalse();
            assertThat(isSourceRouted(7, 1, kind, 3)).as("behind nonsense").isFalse();
        }
        assertThat(isSourceRouted()).isFalse();
        assertThat(isSourceRouted(1, 1, 1, 7)).isFalse();
        assertThat(isSourceRouted(7, 255, 0, 0)).isFalse();
    }

    @Test
    void tcpAndUdpRoundTrip() {
        MemorySegment s = MemorySegment.ofArray(new byte[100]);
        for (int i = 0; i < 2000; i++) {
            int[] f = {r(16), r(16), random.nextInt(), random.nextInt(), 20 + 4 * random.nextInt(11), r(8), r(16)};
            TcpHeader.write(s, 1, f[0], f[1], f[2], f[3], f[4], f[5], f[6]);
            assertThat(new int[] {
                        TcpHeader.sourcePort(s, 1),
                        TcpHeader.destinationPort(s, 1),
                        TcpHeader.sequence(s, 1),
                        TcpHeader.acknowledgment(s, 1),
                        TcpHeader.headerLength(s, 1),
                        TcpHeader.flags(s, 1),
                        TcpHeader.window(s, 1)
                    })
                    .isEqualTo(f);
            UdpHeader.write(s, 1, f[0], f[1], 33);
            assertThat(UdpHeader.check(s, 1, 33)).isEqualTo(Flaw.NONE);
            assertThat(UdpHeader.sourcePort(s, 1)).isEqualTo(f[0]);
            assertThat(UdpHeader.destinationPort(s, 1)).isEqualTo(f[1]);
            assertThat(UdpHeader.checksumOk(s, 1, 5, 6)).as("none made").isTrue();
            long sum = Checksum.add(Checksum.pseudoHeader(5, 6, 17, 33), s, 1, 33);
            Bytes.put16(s, 1 + UdpHeader.CHECKSUM, UdpHeader.checksumField(sum));
            assertThat(UdpHeader.checksumOk(s, 1, 5, 6)).isTrue();
            assertThat(UdpHeader.checksumOk(s, 1, 5, 7)).isFalse();
        }
    }

    @Test
    void virtioNetRoundTripsLittleEndian() {
        MemorySegment s = MemorySegment.ofArray(new byte[80]);
        VirtioNetHeader.write(s, 2, 1, VirtioNetHeader.GSO_TCP6 | VirtioNetHeader.GSO_ECN, 74, 1440, 54, 16, 1);
        assertThat(s.asSlice(2, 12).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE))
                .isEqualTo(java.util.HexFormat.of().parseHex("01844a00a00536001000" + "0100"));
        assertThat(VirtioNetHeader.check(s, 2, 12 + 72)).isEqualTo(Flaw.NONE);
        assertThat(VirtioNetHeader.check(s, 2, 12 + 71)).isEqualTo(Flaw.BAD_FIELD);
        assertThat(VirtioNetHeader.gsoType(s, 2)).isEqualTo(VirtioNetHeader.GSO_TCP6);
        assertThat(VirtioNetHeader.gsoEcn(s, 2)).isTrue();
        assertThat(VirtioNetHeader.headerLength(s, 2)).isEqualTo(74);
        assertThat(VirtioNetHeader.gsoSize(s, 2)).isEqualTo(1440);
        assertThat(VirtioNetHeader.checksumStart(s, 2)).isEqualTo(54);
        assertThat(VirtioNetHeader.checksumOffset(s, 2)).isEqualTo(16);
        assertThat(VirtioNetHeader.bufferCount(s, 2)).isEqualTo(1);
        VirtioNetHeader.writeNone(s, 2);
        assertThat(VirtioNetHeader.check(s, 2, 12)).isEqualTo(Flaw.NONE);
        VirtioNetHeader.write(s, 2, 0, VirtioNetHeader.GSO_TCP4, 0, 1440, 0, 0, 0);
        assertThat(VirtioNetHeader.check(s, 2, 80))
                .as("segmentation without checksum")
                .isEqualTo(Flaw.BAD_FIELD);
        VirtioNetHeader.write(s, 2, 0, 2, 0, 1440, 0, 0, 0);
        assertThat(VirtioNetHeader.check(s, 2, 80)).as("unknown type").isEqualTo(Flaw.BAD_FIELD);
        VirtioNetHeader.write(s, 2, 0, VirtioNetHeader.DATA_VALID, 0, 0, 0, 0, 0);
        assertThat(VirtioNetHeader.dataValid(s, 2)).isFalse();
    }

    @Test
    void arpRoundTrips() {
        MemorySegment s = MemorySegment.ofArray(new byte[40]);
        ArpHeader.write(s, 5, ArpHeader.REPLY, 0xfedc_ba98_7654L, -2, 0x0102_0304_0506L, 7);
        assertThat(ArpHeader.check(s, 5, 28)).isEqualTo(Flaw.NONE);
        assertThat(ArpHeader.senderMac(s, 5)).isEqualTo(0xfedc_ba98_7654L);
        assertThat(ArpHeader.senderAddress(s, 5)).isEqualTo(-2);
        assertThat(ArpHeader.targetMac(s, 5)).isEqualTo(0x0102_0304_0506L);
        assertThat(ArpHeader.targetAddress(s, 5)).isEqualTo(7);
    }

    @Test
    void pcapRoundTripsAndBothOldFormsAreRead() {
        byte[] file = new byte[24 + 16 + 5];
        MemorySegment s = MemorySegment.ofArray(file);
        Pcap.writeFileHeader(s, 0, 96, Pcap.LINKTYPE_ETHERNET);
        Pcap.writeRecordHeader(s, 24, 3_000_000_000_000_000_001L, 5, 1514);
        assertThat(java.util.HexFormat.of().formatHex(file, 0, 24))
                .isEqualTo("4d3cb2a1020004000000000000000000" + "6000000001000000");
        Pcap.Reader reader = new Pcap.Reader(s, 0, file.length);
        assertThat(reader.snapLength()).isEqualTo(96);
        assertThat(reader.linkType()).isEqualTo(1);
        assertThat(reader.next()).isTrue();
        assertThat(reader.time()).isEqualTo(3_000_000_000_000_000_001L);
        assertThat(reader.at()).isEqualTo(40);
        assertThat(reader.captured()).isEqualTo(5);
        assertThat(reader.original()).isEqualTo(1514);
        assertThat(reader.next()).isFalse();

        ByteBuffer big = ByteBuffer.allocate(24 + 16 + 1);
        big.putInt(Pcap.MAGIC_MICROSECONDS)
                .putShort((short) 2)
                .putShort((short) 4)
                .putLong(0)
                .putInt(65535)
                .putInt(101);
        big.putInt(10).putInt(999_999).putInt(1).putInt(60);
        MemorySegment b = MemorySegment.ofArray(big.array());
        assertThat(Pcap.check(b, 0, 41)).isEqualTo(Flaw.NONE);
        Pcap.Reader old = new Pcap.Reader(b, 0, 41);
        assertThat(old.linkType()).isEqualTo(Pcap.LINKTYPE_RAW);
        assertThat(old.next()).isTrue();
        assertThat(old.time()).isEqualTo(10_999_999_000L);
        assertThat(new Pcap.Reader(b, 0, 40).next()).as("cut off").isFalse();
    }

    @Test
    void addressTextRoundTripsAndNonsenseIsRefused() {
        for (int i = 0; i < 2000; i++) {
            Ipv4Address address = new Ipv4Address(random.nextInt());
            assertThat(Ipv4Address.parse(address.toString())).isEqualTo(address);
            assertThat(IpAddress.parse(address.toString())).isEqualTo(address);
            MacAddress mac = new MacAddress(random.nextLong() >>> 16);
            assertThat(MacAddress.parse(mac.toString())).isEqualTo(mac);
            Ipv4Cidr cidr = new Ipv4Cidr(address, random.nextInt(33));
            assertThat(Ipv4Cidr.parse(cidr.toString())).isEqualTo(cidr);
            assertThat(cidr.contains(cidr.network())).isTrue();
            assertThat(cidr.contains(cidr.broadcast())).isTrue();
            assertThat(cidr.prefix() == 0 || !cidr.contains(cidr.broadcast().plus(1)))
                    .isTrue();
        }
        for (String text : List.of(
                "",
                "1.2.3",
                "1.2.3.4.5",
                "1.2.3.256",
                "01.2.3.4",
                "1..3.4",
                "1.2.3.4 ",
                "+1.2.3.4",
                "1.2.3.4/8",
                "1.2.3.٤",
                "00.0.0.0",
                "1.2.3.",
                ".1.2.3",
                "99999999999.1.1.1")) {
            assertThatThrownBy(() -> Ipv4Address.parse(text))
                    .as(text)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("is not an IPv4 address");
        }
        for (String text : List.of("1.2.3.4", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3/8", "/8", "1.2.3.4/8/8")) {
            assertThatThrownBy(() -> Ipv4Cidr.parse(text)).as(text).isInstanceOf(IllegalArgumentException.class);
        }
        for (String text : List.of("", "02:50:00:00:00", "02:50:00:00:00:1", "02500000:0001", "02:50:00:00:00:0g")) {
            assertThatThrownBy(() -> MacAddress.parse(text)).as(text).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(MacAddress.isGroup(0x0100_5e00_0001L)).isTrue();
        assertThat(MacAddress.isGroup(0x0250_0000_0001L)).isFalse();
    }
}
