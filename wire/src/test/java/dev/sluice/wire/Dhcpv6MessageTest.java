package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class Dhcpv6MessageTest {
    private static final String CLIENT = "0003000102500000aa03";
    private static final Dhcpv6Message SOLICIT = new Dhcpv6Message(
            Dhcpv6Message.SOLICIT,
            0xabcdef,
            CLIENT,
            "",
            true,
            List.of(new Dhcpv6Message.Association(7, List.of(Ipv6Address.parse("fd00::9")), 0)));

    private static Dhcpv6Message parse(byte[] bytes) {
        return Dhcpv6Message.parse(MemorySegment.ofArray(bytes), 0, bytes.length);
    }

    @Test
    void whatIsWrittenIsRead() {
        assertThat(parse(SOLICIT.encode(Dhcpv6Message.Settings.NONE, 3600))).isEqualTo(SOLICIT);
    }

    @Test
    void theBytesAreThoseOfRfc8415() {
        var settings = new Dhcpv6Message.Settings(Ipv6Address.parse("fd00::1"), List.of("corp.example"));
        assertThat(HexFormat.of().formatHex(SOLICIT.encode(settings, 3600)))
                .isEqualTo("01abcdef"
                        + "0001000a" + CLIENT
                        + "000e0000"
                        + "00030028" + "00000007" + "00000708" + "00000b40"
                        + "00050018" + "fd000000000000000000000000000009" + "00000e10" + "00001c20"
                        + "00170010" + "fd000000000000000000000000000001"
                        + "0018000e" + "04636f7270076578616d706c6500");
    }

    @Test
    void relayMessagesAndOptionsPastTheEndAreRefused() {
        assertThat(parse(HexFormat.of().parseHex("0c000000"))).isNull();
        assertThat(parse(HexFormat.of().parseHex("01000000" + "00010010" + "0003")))
                .isNull();
        assertThat(parse(HexFormat.of().parseHex("0100"))).isNull();
        assertThat(parse(HexFormat.of().parseHex("01000000" + "00030004" + "00000001")))
                .isNull();
    }

    @Test
    void damagedMessagesAreReadOrRefused() {
        byte[] sample =
                SOLICIT.encode(new Dhcpv6Message.Settings(Ipv6Address.parse("fd00::1"), List.of("corp.example")), 3600);
        Mutations.run(630, List.of(sample), (s, at, length) -> {
            Dhcpv6Message message = Dhcpv6Message.parse(s, at, length);
            if (message != null) {
                assertThat(message.associations()).hasSizeLessThanOrEqualTo(8);
                assertThat(message.client()).hasSizeLessThanOrEqualTo(260);
                message.encode(Dhcpv6Message.Settings.NONE, 1);
            }
        });
    }
}
