package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class Dhcpv6ReplyTest {
    private static final String CLIENT = "0003000102500000aa03";
    private static final String SERVER = "00030001025000000001";
    private static final Ipv6Address ADDRESS = Ipv6Address.parse("fd00::9");
    /** Everything that is read, as bytes of the RFC. */
    private static final String WHOLE = "07abcdef"
            + "0001000a" + CLIENT
            + "0002000a" + SERVER
            + "0003002e" + "00000007" + "00000708" + "00000b40"
            + "00050018" + "fd000000000000000000000000000009" + "00000e10" + "ffffffff"
            + "000d0002" + "0000"
            + "00070001" + "ff"
            + "000d0002" + "0005"
            + "000e0000"
            + "00170020" + "fd000000000000000000000000000001" + "fd000000000000000000000000000002"
            + "0018000e" + "04636f7270076578616d706c6500"
            + "00200004" + "00000e10"
            + "00520004" + "00000078"
            + "00530004" + "00000079"
            + "03e70001" + "00";

    private static @Nullable Dhcpv6Reply parse(String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex);
        return Dhcpv6Reply.parse(MemorySegment.ofArray(bytes), 0, bytes.length);
    }

    @Test
    void theBytesOfRfc8415AreRead() {
        var association = new Dhcpv6Reply.Association(
                7, 1800, 2880, List.of(new Dhcpv6Reply.Given(ADDRESS, 3600, Dhcpv6Reply.INFINITY)), 0);
        var settings = new Dhcpv6Reply.Settings(
                List.of(Ipv6Address.parse("fd00::1"), Ipv6Address.parse("fd00::2")),
                List.of("corp.example"),
                3600,
                120,
                121);
        assertThat(parse(WHOLE))
                .isEqualTo(new Dhcpv6Reply(
                        Dhcpv6Message.REPLY, 0xabcdef, CLIENT, SERVER, true, 255, 5, List.of(association), settings));
    }

    @Test
    void whatAServerWritesIsReadByAClient() {
        var message = new Dhcpv6Message(
                Dhcpv6Message.ADVERTISE,
                5,
                CLIENT,
                SERVER,
                false,
                List.of(new Dhcpv6Message.Association(1, List.of(ADDRESS), Dhcpv6Message.SUCCESS)));
        byte[] bytes = message.encode(new Dhcpv6Message.Settings(ADDRESS, List.of("a.b")), 3600);
        Dhcpv6Reply reply = Dhcpv6Reply.parse(MemorySegment.ofArray(bytes), 0, bytes.length);
        assertThat(reply).isNotNull();
        assertThat(reply.associations().getFirst().addresses())
                .containsExactly(new Dhcpv6Reply.Given(ADDRESS, 3600, 7200));
        assertThat(reply.settings().searchDomains()).containsExactly("a.b");
    }

    @Test
    void clientsMessagesAndOptionsPastTheEndAreRefused() {
        assertThat(parse("01abcdef")).isNull();
        assertThat(parse("0cabcdef")).isNull();
        assertThat(parse("07abcd")).isNull();
        assertThat(parse("07abcdef" + "00010010" + "0003")).isNull();
        assertThat(parse("07abcdef" + "00010001" + "03")).isNull();
        assertThat(parse("07abcdef" + "00030004" + "00000001")).isNull();
    }

    /** RFC 8415 §10 forbids them, and each would be two bytes that make 253 characters. */
    @Test
    void domainsWithPointersAreNotRead() {
        assertThat(domains("0018000a" + "0161046574686500" + "c000")).isEmpty();
    }

    @Test
    void ofManyDomainsTheFirstSixteenAreReadHoweverTheyAreSpread() {
        String two = "00180006" + "016100" + "016200";
        assertThat(domains(two.repeat(50))).hasSize(16).startsWith("a", "b");
        assertThat(domains("0018012c" + "016100".repeat(100))).hasSize(16);
    }

    private static List<String> domains(String options) {
        Dhcpv6Reply reply = parse("07abcdef" + options);
        assertThat(reply).isNotNull();
        return reply.settings().searchDomains();
    }

    /** A message cut anywhere is refused, or is one with fewer options. */
    @Test
    void everyCutAndDamageIsReadOrRefused() {
        byte[] whole = HexFormat.of().parseHex(WHOLE);
        for (int length = 0; length < whole.length; length++) {
            Dhcpv6Reply.parse(MemorySegment.ofArray(whole), 0, length);
        }
        Mutations.run(8415, List.of(whole), (s, at, length) -> {
            Dhcpv6Reply reply = Dhcpv6Reply.parse(s, at, length);
            if (reply != null) {
                assertThat(reply.associations()).hasSizeLessThanOrEqualTo(8);
                assertThat(reply.settings().nameServers()).hasSizeLessThanOrEqualTo(8);
                assertThat(reply.settings().searchDomains()).hasSizeLessThanOrEqualTo(16);
            }
        });
    }
}
