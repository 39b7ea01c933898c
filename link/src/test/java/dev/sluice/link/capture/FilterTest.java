package dev.sluice.link.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.wire.MacAddress;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FilterTest {
    private static final Map<String, byte[]> FRAMES = Map.of(
            "web", Packets.ipv4("192.168.65.3", "93.184.216.34", Packets.TCP, Packets.ports(40000, 80)),
            "web6", Packets.ipv6("fd00:5109:5ce::3", "2001:db8::10", Packets.TCP, Packets.ports(40000, 443)),
            "dns", Packets.ipv4("192.168.65.3", "192.168.65.1", Packets.UDP, Packets.ports(5353, 53)),
            "ping", Packets.ipv4("192.168.65.3", "192.168.65.1", 1, new byte[8]),
            "ping6", Packets.ipv6("fd00:5109:5ce::3", "fd00:5109:5ce::1", 58, new byte[8]),
            "arp", Packets.arp("192.168.65.3", "192.168.65.1"),
            "other", Packets.ethernet(Packets.GATEWAY, 0x02_00_00_00_00_09L, 0x88b5, new byte[46]));

    private static Filter filter(String expression) {
        return Filter.compile(expression, name -> name.equals("web1") ? new MacAddress(Packets.GUEST) : null);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''                                     | web web6 dns ping ping6 arp other",
                "tcp                                    | web web6",
                "udp                                    | dns",
                "icmp                                   | ping ping6",
                "icmp6                                  | ping6",
                "proto 1                                | ping",
                "proto udp                              | dns",
                "ip                                     | web dns ping",
                "ip6                                    | web6 ping6",
                "arp                                    | arp",
                "not ip and not ip6                     | arp other",
                "host 192.168.65.1                      | dns ping arp",
                "src host 192.168.65.1                  | ''",
                "dst host 192.168.65.1                  | dns ping arp",
                "host 2001:db8::10                      | web6",
                "net 192.168.65.0/24                    | web dns ping arp",
                "dst net 192.168.65.0/24                | dns ping arp",
                "net fd00:5109:5ce::/64                 | web6 ping6",
                "net 2001::/16                          | web6",
                "net 0.0.0.0/0                          | web dns ping arp",
                "net ::/0                               | web6 ping6",
                "port 80                                | web",
                "port 80 or 443                         | web web6",
                "tcp port 53                            | ''",
                "udp port 53                            | dns",
                "src port 53                            | ''",
                "dst port 53                            | dns",
                "portrange 50-90                        | web dns",
                "tcp dst portrange 400-500              | web6",
                "guest web1                             | web web6 dns ping ping6 arp",
                "guest 02:00:00:00:00:09                | other",
                "not guest web1                         | other",
                "tcp and not port 80                    | web6",
                "tcp && !port 80                        | web6",
                "(tcp or udp) and host 192.168.65.3     | web dns",
                "tcp or udp and host 192.168.65.1       | web web6 dns",
                "not (tcp or udp or arp)                | ping ping6 other",
                "NOT(TCP OR UDP)                        | ping ping6 arp other",
            })
    void anExpressionMeansWhatItSays(String expression, String expected) {
        Filter filter = filter(expression);
        assertThat(FRAMES.keySet().stream()
                        .filter(name -> filter.matches(Packets.facts(FRAMES.get(name))))
                        .toList())
                .containsExactlyInAnyOrder(
                        expected.isBlank() ? new String[0] : expected.strip().split(" "));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "prot tcp              | 'prot' means nothing here",
                "tcp port              | something must follow 'port'",
                "port http             | 'http' is no port",
                "port 65536            | '65536' is no port",
                "portrange 80          | needs two ports",
                "host example.com      | 'host example.com' needs an address",
                "net 10.0.0.0/33       | 'net 10.0.0.0/33' needs a network",
                "guest nobody          | there is no guest 'nobody' now",
                "proto 256             | needs tcp, udp",
                "tcp udp               | 'udp' can't follow here",
                "tcp and               | it ends with 'and'",
                "(tcp                  | a ')' is missing",
                "tcp)                  | ')' can't follow here",
                "src tcp               | after src and dst comes host",
                "80                    | '80' means nothing here",
            })
    void aMistakeIsNamed(String expression, String message) {
        assertThatThrownBy(() -> filter(expression))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("the filter can't be read: ")
                .hasMessageContaining(message.strip());
    }

    /** Space for some and not for others: the same expression in brackets must mean the same. */
    @Test
    void controlCharactersAreNoSpace() {
        assertThatThrownBy(() -> filter("tcp \u001f")).hasMessageContaining("can't follow here");
        assertThatThrownBy(() -> filter("(tcp \u001f)")).hasMessageContaining("a ')' is missing");
    }

    @ParameterizedTest
    @ValueSource(strings = {"(", "not "})
    void whatWouldCostTooMuchIsRefused(String nesting) {
        assertThatThrownBy(() -> filter(nesting.repeat(40) + "tcp")).hasMessageContaining("nested deeper than 32");
        assertThatThrownBy(() -> filter("tcp" + " or udp".repeat(64))).hasMessageContaining("more than 64 parts");
        assertThatThrownBy(() -> filter("x".repeat(2001))).hasMessageContaining("longer than 2000");
    }

    @Test
    void laterFragmentsHaveNoPorts() {
        byte[] frame = FRAMES.get("dns").clone();
        frame[14 + 7] = 100;
        assertThat(filter("port 53").matches(Packets.facts(frame))).isFalse();
        assertThat(filter("udp").matches(Packets.facts(frame))).isTrue();
    }

    @Test
    void portsAreFoundBehindExtensionHeaders() {
        byte[] options = new byte[8 + 8];
        options[0] = Packets.UDP;
        System.arraycopy(Packets.ports(1, 53), 0, options, 8, 8);
        byte[] frame = Packets.ipv6("fd00::3", "fd00::1", 60, options);
        assertThat(filter("udp dst port 53").matches(Packets.facts(frame))).isTrue();
    }

    /** Whatever a guest sends, reading it ends and throws nothing. */
    @Test
    void brokenFramesAreReadWithoutHarm() {
        long seed = 5;
        Random random = new Random(seed);
        Filter filter = filter("tcp port 80 or host 192.168.65.1 or net fd00::/8 and not guest web1 or icmp");
        byte[][] all = FRAMES.values().toArray(byte[][]::new);
        for (int i = 0; i < 50_000; i++) {
            byte[] frame = all[random.nextInt(all.length)].clone();
            for (int n = random.nextInt(4); n > 0; n--) {
                frame[random.nextInt(frame.length)] = (byte) random.nextInt();
            }
            byte[] cut = java.util.Arrays.copyOf(frame, 14 + random.nextInt(frame.length - 13));
            boolean _ = filter.matches(Packets.facts(cut));
        }
    }
}
