package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class Ipv6AddressTest {
    @Test
    void printsTheCanonicalTextOfRfc5952() {
        String[][] forms = {
            {"2001:0db8::0001", "2001:db8::1"},
            {"2001:DB8:0:0:0:0:2:1", "2001:db8::2:1"},
            {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
            {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
            {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
            {"2001:db8::1:1:1:1:0", "2001:db8:0:1:1:1:1:0"},
            {"0:0:0:0:0:0:0:0", "::"},
            {"0:0:0:0:0:0:0:1", "::1"},
            {"1:0:0:0:0:0:0:0", "1::"},
            {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
            {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
            {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
            {"::FFFF:c000:201", "::ffff:192.0.2.1"},
            {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
            {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
            {"fd00:5109:5ce::1", "fd00:5109:5ce::1"},
            {"ff02::1:ff00:3", "ff02::1:ff00:3"},
        };
        for (String[] form : forms) {
            assertThat(Ipv6Address.parse(form[0])).hasToString(form[1]);
        }
    }

    @Test
    void refusesWhatIsNoAddress() {
        for (String text : List.of(
                "",
                ":",
                ":::",
                "1",
                "1:2:3:4:5:6:7",
                "1:2:3:4:5:6:7:8:9",
                "1:2:3:4:5:6:7:8::",
                "::1:2:3:4:5:6:7:8",
                "1::2:3:4:5:6:7:8",
                "1::2::3",
                "12345::",
                "g::",
                ":1::",
                "1:2:3:4:5:6:7:",
                "1:",
                "::1:",
                "::1.2.3",
                "::1.2.3.4.5",
                "::256.1.1.1",
                "::1.2.3.4:5",
                "1:2:3:4:5:6:7:1.2.3.4",
                "1.2.3.4::",
                "1.2.3.4",
                "fe80::1%eth0",
                "fe80::1%1",
                " ::1",
                "::1 ",
                "[::1]",
                "::+1",
                "::-1",
                "::\u0661",
                "::ffff:01.2.3.4")) {
            assertThatThrownBy(() -> Ipv6Address.parse(text))
                    .as("'%s'", text)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("'" + text + "' is not an IPv6 address");
        }
    }

    @Test
    void textRoundTripsAndAgreesWithTheJdk() throws Exception {
        SplittableRandom random = new SplittableRandom(6);
        for (int i = 0; i < 20_000; i++) {
            long mask = 0;
            for (int group = 0; group < 4; group++) {
                mask = mask << 16 | (random.nextBoolean() ? 0xffff : 0);
            }
            Ipv6Address address = new Ipv6Address(random.nextLong() & mask, random.nextLong() & ~mask);
            assertThat(Ipv6Address.parse(address.toString())).isEqualTo(address);
            if (address.mappedIpv4() == null) {
                InetAddress jdk = InetAddress.getByName(address.toString());
                assertThat(jdk).isInstanceOf(Inet6Address.class);
                ByteBuffer bytes = ByteBuffer.wrap(jdk.getAddress());
                assertThat(new Ipv6Address(bytes.getLong(), bytes.getLong())).isEqualTo(address);
            }
        }
    }

    @Test
    void damagedTextNeverThrowsAnythingElse() {
        byte[] sample = "2001:db8:0:1::ffff:192.0.2.1".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        Mutations.run(112, List.of(sample), (s, at, length) -> {
            byte[] bytes = s.asSlice(at, length).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
            String text = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
            try {
                Ipv6Address address = Ipv6Address.parse(text);
                assertThat(Ipv6Address.parse(address.toString())).isEqualTo(address);
            } catch (IllegalArgumentException expected) {
                assertThat(expected).hasMessageContaining("IPv6");
            }
        });
    }

    @Test
    void knowsItsKinds() {
        assertThat(Ipv6Address.ANY.isUnspecified()).isTrue();
        assertThat(Ipv6Address.LOOPBACK.isLoopback()).isTrue();
        assertThat(Ipv6Address.parse("fe80::1").isLinkLocal()).isTrue();
        assertThat(Ipv6Address.parse("febf::1").isLinkLocal()).isTrue();
        assertThat(Ipv6Address.parse("fec0::1").isLinkLocal()).isFalse();
        assertThat(Ipv6Address.parse("ff02::1").isMulticast()).isTrue();
        assertThat(Ipv6Address.parse("fd00::1").isUniqueLocal()).isTrue();
        assertThat(Ipv6Address.parse("fe00::1").isUniqueLocal()).isFalse();
        assertThat(Ipv6Address.parse("fd00:5109:5ce::12:3456").solicitedNode()).hasToString("ff02::1:ff12:3456");
        assertThat(Ipv6Address.linkLocal(MacAddress.parse("02:50:00:ab:cd:ef"))).hasToString("fe80::50:ff:feab:cdef");
        assertThat(Ipv6Address.mapped(Ipv4Address.BROADCAST)).hasToString("::ffff:255.255.255.255");
        assertThat(Ipv6Address.mapped(Ipv4Address.LOOPBACK).mappedIpv4()).isEqualTo(Ipv4Address.LOOPBACK);
        assertThat(IpAddress.parse("::1")).isEqualTo(Ipv6Address.LOOPBACK);
        assertThat(Ipv6Address.parse("::1")).isLessThan(Ipv6Address.parse("8000::"));
    }

    @Test
    void networksContainTheirAddresses() {
        Ipv6Cidr net = Ipv6Cidr.parse("fd00:5109:5ce::7/64");
        assertThat(net.network()).hasToString("fd00:5109:5ce::");
        assertThat(net.contains(Ipv6Address.parse("fd00:5109:5ce:0:ffff::1"))).isTrue();
        assertThat(net.contains(Ipv6Address.parse("fd00:5109:5ce:1::1"))).isFalse();
        assertThat(Ipv6Cidr.parse("::/0").contains(Ipv6Address.parse("ffff::"))).isTrue();
        assertThat(Ipv6Cidr.parse("::8/125").contains(Ipv6Address.parse("::f"))).isTrue();
        assertThat(Ipv6Cidr.parse("::8/125").contains(Ipv6Address.parse("::10")))
                .isFalse();
        assertThat(Ipv6Cidr.parse("::1/128").contains(Ipv6Address.ANY)).isFalse();
        assertThat(net.overlaps(Ipv6Cidr.parse("fd00::/8"))).isTrue();
        assertThat(Ipv6Cidr.parse("fd00::/8").overlaps(net)).isTrue();
        assertThat(net.overlaps(Ipv6Cidr.parse("fd01::/64"))).isFalse();
        for (String text : List.of("::1", "::/129", "::/", "::/-1", "::/1x", "x/1", "::/9999")) {
            assertThatThrownBy(() -> Ipv6Cidr.parse(text)).as(text).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void theHeaderRoundTrips() {
        Ipv6Address source = Ipv6Address.parse("fd00::3");
        Ipv6Address destination = Ipv6Address.parse("2001:db8::ffff");
        byte[] bytes = Mutations.written(
                60,
                s -> Ipv6Header.write(
                        s,
                        0,
                        0xb9,
                        0xf_edcb,
                        20,
                        Ipv6Header.ICMPV6,
                        255,
                        source.high(),
                        source.low(),
                        destination.high(),
                        destination.low()));
        MemorySegment s = MemorySegment.ofArray(bytes);
        assertThat(Ipv6Header.check(s, 0, 60)).isEqualTo(Flaw.NONE);
        assertThat(Ipv6Header.check(s, 0, 59)).isEqualTo(Flaw.TRUNCATED);
        assertThat(Ipv6Header.trafficClass(s, 0)).isEqualTo(0xb9);
        assertThat(Ipv6Header.flowLabel(s, 0)).isEqualTo(0xf_edcb);
        assertThat(Ipv6Header.payloadLength(s, 0)).isEqualTo(20);
        assertThat(Ipv6Header.nextHeader(s, 0)).isEqualTo(58);
        assertThat(Ipv6Header.hopLimit(s, 0)).isEqualTo(255);
        assertThat(Ipv6Header.source(s, 0)).isEqualTo(source);
        assertThat(Ipv6Header.destination(s, 0)).isEqualTo(destination);
    }

    @Test
    void thePseudoHeaderIsTheSumOfItsForm() {
        SplittableRandom random = new SplittableRandom(66);
        for (int i = 0; i < 1000; i++) {
            long a = random.nextLong();
            long b = random.nextLong();
            long c = random.nextLong();
            long d = random.nextLong();
            int length = random.nextInt(100_000);
            byte[] form = Mutations.written(40, s -> {
                Bytes.put64(s, 0, a);
                Bytes.put64(s, 8, b);
                Bytes.put64(s, 16, c);
                Bytes.put64(s, 24, d);
                Bytes.put32(s, 32, length);
                Bytes.put32(s, 36, 58);
            });
            assertThat(Checksum.finish(Checksum.pseudoHeader6(a, b, c, d, 58, length)))
                    .isEqualTo(Checksum.finish(Checksum.add(0, MemorySegment.ofArray(form), 0, 40)));
        }
    }
}
