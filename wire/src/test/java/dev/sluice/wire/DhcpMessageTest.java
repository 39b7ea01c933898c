package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class DhcpMessageTest {
    private static final MacAddress MAC = MacAddress.parse("02:50:00:00:00:01");

    private static DhcpMessage message(DhcpOptions options) {
        return new DhcpMessage(
                DhcpMessage.BOOTREPLY,
                1,
                0xdeadbeef,
                7,
                true,
                Ipv4Address.parse("1.2.3.4"),
                Ipv4Address.parse("192.168.65.3"),
                Ipv4Address.parse("192.168.65.1"),
                Ipv4Address.parse("10.0.0.1"),
                MAC,
                "sluice",
                "boot/file",
                options);
    }

    private static byte[] encoded(DhcpMessage message, int capacity) {
        int[] length = {0};
        byte[] bytes = Mutations.written(capacity, s -> length[0] = message.encode(s, 0, capacity));
        return java.util.Arrays.copyOf(bytes, length[0]);
    }

    private static DhcpMessage decoded(byte[] bytes) {
        DhcpMessage.Decoded decoded = DhcpMessage.decode(MemorySegment.ofArray(bytes), 0, bytes.length);
        assertThat(decoded).isInstanceOf(DhcpMessage.Decoded.Message.class);
        return ((DhcpMessage.Decoded.Message) decoded).message();
    }

    private static Flaw flaw(byte[] bytes) {
        return switch (DhcpMessage.decode(MemorySegment.ofArray(bytes), 0, bytes.length)) {
            case DhcpMessage.Decoded.Message m -> Flaw.NONE;
            case DhcpMessage.Decoded.Malformed m -> m.flaw();
        };
    }

    /** A request with {@code options} in hexadecimal after the cookie. */
    private static byte[] request(String options) {
        byte[] tail = HexFormat.of().parseHex(options);
        byte[] bytes = new byte[240 + tail.length];
        bytes[0] = 1;
        bytes[1] = 1;
        bytes[2] = 6;
        System.arraycopy(HexFormat.of().parseHex("63825363"), 0, bytes, 236, 4);
        System.arraycopy(tail, 0, bytes, 240, tail.length);
        return bytes;
    }

    @Test
    void everyFieldRoundTrips() {
        DhcpMessage message = message(DhcpOptions.builder()
                .messageType(DhcpMessage.ACK)
                .address(DhcpOptions.SERVER_IDENTIFIER, Ipv4Address.parse("192.168.65.1"))
                .number32(DhcpOptions.LEASE_TIME, 0xffff_ffffL)
                .number16(DhcpOptions.INTERFACE_MTU, 65520)
                .address(DhcpOptions.DNS_SERVERS, Ipv4Address.parse("1.1.1.1"), Ipv4Address.parse("8.8.8.8"))
                .text(DhcpOptions.DOMAIN_NAME, "corp.example")
                .domainSearch(List.of("corp.example", "lab.corp.example"))
                .parameterRequestList(1, 3, 3, 255, 6)
                .raw(61, (byte) 1, (byte) 2)
                .raw(80)
                .build());
        DhcpMessage back = decoded(encoded(message, 548));
        assertThat(back).isEqualTo(message);
        assertThat(back.type()).isEqualTo(DhcpMessage.ACK);
        assertThat(back.options().serverIdentifier()).hasToString("192.168.65.1");
        assertThat(back.options().number32(DhcpOptions.LEASE_TIME)).isEqualTo(0xffff_ffffL);
        assertThat(back.options().number16(DhcpOptions.INTERFACE_MTU)).isEqualTo(65520);
        assertThat(back.options().addresses(DhcpOptions.DNS_SERVERS)).hasSize(2);
        assertThat(back.options().text(DhcpOptions.DOMAIN_NAME)).isEqualTo("corp.example");
        assertThat(back.options().domainSearch()).containsExactly("corp.example", "lab.corp.example");
        assertThat(back.options().parameterRequestList()).containsExactly(1, 3, 255, 6);
        assertThat(back.options().has(80)).isTrue();
        assertThat(back.options().raw(80)).isEmpty();
    }

    @Test
    void randomMessagesRoundTrip() {
        SplittableRandom random = new SplittableRandom(2131);
        for (int i = 0; i < 5000; i++) {
            DhcpOptions.Builder options = DhcpOptions.builder();
            int room = 4000;
            for (int n = random.nextInt(12); n > 0; n--) {
                int code = 1 + random.nextInt(254);
                byte[] value = new byte[random.nextInt(random.nextInt(10) == 0 ? 700 : 20)];
                random.nextBytes(value);
                room -= value.length + 8;
                if (code != DhcpOptions.OVERLOAD && room > 0) {
                    options.raw(code, value);
                }
            }
            DhcpMessage message = message(options.build());
            assertThat(decoded(encoded(message, 8192))).as("round %d", i).isEqualTo(message);
        }
    }

    @Test
    void shortMessagesArePaddedTo300Bytes() {
        byte[] bytes = encoded(message(DhcpOptions.NONE), 548);
        assertThat(bytes).hasSize(300);
        assertThat(bytes[240]).isEqualTo((byte) 255);
    }

    @Test
    void theMinimalDiscoverOf244BytesIsUnderstood() {
        byte[] bytes = request("350101ff");
        assertThat(bytes).hasSize(244);
        DhcpMessage message = decoded(bytes);
        assertThat(message.type()).isEqualTo(DhcpMessage.DISCOVER);
        assertThat(message.options().parameterRequestList()).isEmpty();
    }

    @Test
    void aMissingEndIsForgiven() {
        assertThat(decoded(request("350103")).type()).isEqualTo(DhcpMessage.REQUEST);
        assertThat(decoded(request("")).type()).isZero();
        assertThat(decoded(request("0000000000")).type()).isZero();
    }

    @Test
    void optionsPastTheEndAreNot() {
        for (String options : List.of("35", "3501", "350201", "0c05616263", "35010137ff", "0000000c")) {
            assertThat(flaw(request(options))).as(options).isEqualTo(Flaw.BAD_OPTION);
        }
    }

    @Test
    void otherHardwareCookiesAndOperationsAreRefused() {
        for (int at : new int[] {0, 1, 2, 236, 239}) {
            byte[] bytes = request("350101ff");
            bytes[at] ^= 0x40;
            assertThat(flaw(bytes)).as("byte %d", at).isNotEqualTo(Flaw.NONE);
        }
        for (int length = 0; length < 240; length++) {
            assertThat(flaw(java.util.Arrays.copyOf(request(""), length))).isEqualTo(Flaw.TRUNCATED);
        }
    }

    @Test
    void overloadedFieldsCarryOptionsInOrder() {
        byte[] bytes = request("340103" + "0c0161" + "ff");
        System.arraycopy(HexFormat.of().parseHex("0c0162350101ff"), 0, bytes, 108, 7);
        System.arraycopy(HexFormat.of().parseHex("0c0163ff"), 0, bytes, 44, 4);
        DhcpMessage message = decoded(bytes);
        assertThat(message.options().text(DhcpOptions.HOST_NAME)).isEqualTo("abc");
        assertThat(message.type()).isEqualTo(DhcpMessage.DISCOVER);
        assertThat(message.serverName()).isEmpty();
        assertThat(message.bootFile()).isEmpty();
    }

    @Test
    void overloadOfNonsenseOrPastTheFieldIsRefused() {
        assertThat(flaw(request("340100ff"))).isEqualTo(Flaw.BAD_OPTION);
        assertThat(flaw(request("340104ff"))).isEqualTo(Flaw.BAD_OPTION);
        assertThat(flaw(request("34020101ff"))).isEqualTo(Flaw.BAD_OPTION);
        byte[] bytes = request("340102ff");
        bytes[44] = 12;
        bytes[45] = 63; // 64 bytes of field have room for 62
        assertThat(flaw(bytes)).isEqualTo(Flaw.BAD_OPTION);
        bytes[45] = 62;
        assertThat(flaw(bytes)).isEqualTo(Flaw.NONE);
    }

    @Test
    void longOptionsAreSplitAndJoined() {
        byte[] value = new byte[700];
        new SplittableRandom(3396).nextBytes(value);
        byte[] bytes = encoded(
                message(DhcpOptions.builder().raw(120, value).messageType(5).build()), 1472);
        assertThat(bytes[241] & 0xff).isEqualTo(255);
        assertThat(decoded(bytes).options().raw(120)).isEqualTo(value);
    }

    @Test
    void anOptionThatDoesNotFitIsLeftOutAndTheNextIsStillSent() {
        DhcpMessage message = message(DhcpOptions.builder()
                .messageType(DhcpMessage.OFFER)
                .raw(119, new byte[400])
                .number32(DhcpOptions.LEASE_TIME, 9)
                .build());
        for (int capacity = 300; capacity < 700; capacity++) {
            DhcpMessage back = decoded(encoded(message, capacity));
            assertThat(back.options().has(119)).as("%d", capacity).isEqualTo(capacity >= 240 + 3 + 404 + 1);
            if (capacity != 240 + 3 + 404 + 1
                    && capacity < 240 + 3 + 404 + 6 + 1
                    && back.options().has(119)) {
                assertThat(back.options().has(DhcpOptions.LEASE_TIME)).isFalse();
            } else if (!back.options().has(119)) {
                assertThat(back.options().number32(DhcpOptions.LEASE_TIME)).isEqualTo(9);
            }
        }
    }

    @Test
    void optionsOfAWrongSizeAreAbsent() {
        DhcpMessage message =
                decoded(request("35020101" + "3203c0a841" + "3305ffffffffff" + "1a0105" + "0605c0a8410101" + "ff"));
        assertThat(message.type()).isZero();
        assertThat(message.options().requestedAddress()).isNull();
        assertThat(message.options().number32(DhcpOptions.LEASE_TIME)).isEqualTo(-1);
        assertThat(message.options().number16(DhcpOptions.INTERFACE_MTU)).isEqualTo(-1);
        assertThat(message.options().addresses(DhcpOptions.DNS_SERVERS)).isEmpty();
    }

    @Test
    void textThatCouldHarmALogIsAbsent() {
        assertThat(decoded(request("0c03616200ff")).options().text(12)).isEqualTo("ab");
        assertThat(decoded(request("0c0361000aff")).options().text(12)).isNull();
        assertThat(decoded(request("0c021b5bff")).options().text(12)).isNull();
        assertThat(decoded(request("0c0100ff")).options().text(12)).isNull();
        assertThat(decoded(request("0c00ff")).options().text(12)).isNull();
        assertThat(decoded(request("0c02c3a9ff")).options().text(12)).isNull();
    }

    @Test
    void domainSearchIsCompressedAsInRfc3397() {
        DhcpOptions options = DhcpOptions.builder()
                .domainSearch(List.of("eng.apple.com.", "marketing.apple.com"))
                .build();
        byte[] expected =
                HexFormat.of().parseHex("03656e67" + "056170706c65" + "03636f6d00" + "096d61726b6574696e67" + "c004");
        assertThat(options.raw(DhcpOptions.DOMAIN_SEARCH)).isEqualTo(expected);
        assertThat(options.domainSearch()).containsExactly("eng.apple.com", "marketing.apple.com");
    }

    @Test
    void domainSearchRefusesNamesThatAreNone() {
        for (String name : List.of("", ".", "a..b", ".a", "a".repeat(64), ("a".repeat(49) + ".").repeat(6))) {
            assertThatThrownBy(() -> DhcpOptions.builder().domainSearch(List.of(name)))
                    .as(name)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("search domain");
        }
    }

    @Test
    void hostileDomainSearchIsNull() {
        for (String hex : List.of("c000", "0161c000", "0161", "03", "c0", "4061", "0161c002", "016100c003c005")) {
            DhcpOptions options = DhcpOptions.builder()
                    .raw(DhcpOptions.DOMAIN_SEARCH, HexFormat.of().parseHex(hex))
                    .build();
            assertThat(options.domainSearch()).as(hex).isNull();
        }
    }

    @Test
    void damagedMessagesAreJudgedNotThrown() {
        List<byte[]> samples = new ArrayList<>();
        samples.add(request("350101ff"));
        byte[] overload = request("340103" + "350103" + "3204c0a84103" + "3604c0a84101" + "370601031a0677" + "ff");
        System.arraycopy(HexFormat.of().parseHex("0c0461626364ff"), 0, overload, 108, 7);
        samples.add(overload);
        samples.add(encoded(
                message(DhcpOptions.builder()
                        .messageType(2)
                        .domainSearch(List.of("a.example", "b.example", "c.b.example"))
                        .text(12, "x".repeat(200))
                        .raw(43, "y".repeat(600).getBytes(StandardCharsets.US_ASCII))
                        .build()),
                2000));
        int[] good = {0};
        Mutations.run(113, samples, (s, at, length) -> {
            switch (DhcpMessage.decode(s, at, length)) {
                case DhcpMessage.Decoded.Malformed m -> assertThat(m.flaw()).isNotEqualTo(Flaw.NONE);
                case DhcpMessage.Decoded.Message(DhcpMessage m) -> {
                    good[0]++;
                    m.type();
                    m.options().requestedAddress();
                    m.options().serverIdentifier();
                    m.options().parameterRequestList();
                    m.options().domainSearch();
                    m.options().text(DhcpOptions.HOST_NAME);
                    assertThat(m.toString()).isNotEmpty();
                    byte[] again = encoded(m, 70_000);
                    if (!m.options().has(DhcpOptions.OVERLOAD)) {
                        assertThat(decoded(again).options()).isEqualTo(m.options());
                    }
                }
            }
        });
        assertThat(good[0]).isPositive();
    }
}
