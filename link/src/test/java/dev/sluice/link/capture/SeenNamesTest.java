package dev.sluice.link.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.IpAddress;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SeenNamesTest {
    private final SeenNames names = new SeenNames();

    private void learn(byte[] frame) {
        names.learn(Packets.segment(frame), 0, frame.length);
    }

    private static byte[] answer(String name, String address) {
        return Packets.ports(53, 5, Packets.dnsAnswer(name, Packets.address(address)));
    }

    @Test
    void anAnswerGivesTheNameThatWasAskedForOverBothFamilies() {
        learn(Packets.ipv4("10.0.0.1", "10.0.0.2", Packets.UDP, answer("www.example.com", "93.184.216.34")));
        learn(Packets.ipv6("fd00::1", "fd00::2", Packets.UDP, answer("six.example.com", "2001:db8::7")));
        assertThat(names.takeFresh())
                .isEqualTo(Map.of(
                        IpAddress.parse("93.184.216.34"), "www.example.com",
                        IpAddress.parse("2001:db8::7"), "six.example.com"));
        learn(Packets.ipv4("10.0.0.1", "10.0.0.2", Packets.UDP, answer("www.example.com", "93.184.216.34")));
        assertThat(names.takeFresh()).as("known already").isEmpty();
    }

    @Test
    void otherPortsQuestionsAndStrangeNamesTeachNothing() {
        byte[] dns = Packets.dnsAnswer("www.example.com", Packets.address("1.2.3.4"));
        learn(Packets.ipv4("10.0.0.1", "10.0.0.2", Packets.UDP, Packets.ports(5, 53, dns)));
        byte[] query = dns.clone();
        query[2] = 1;
        learn(Packets.ipv4("10.0.0.1", "10.0.0.2", Packets.UDP, Packets.ports(53, 5, query)));
        learn(Packets.ipv4("10.0.0.1", "10.0.0.2", Packets.UDP, answer("a\nb.example", "1.2.3.4")));
        assertThat(names.takeFresh()).isEmpty();
    }

    @Test
    void brokenAnswersAreReadWithoutHarmAndMemoryStaysBounded() {
        long seed = 6;
        Random random = new Random(seed);
        byte[] good = Packets.ipv4("10.0.0.1", "10.0.0.2", Packets.UDP, answer("www.example.com", "93.184.216.34"));
        for (int i = 0; i < 20_000; i++) {
            byte[] frame = good.clone();
            for (int n = random.nextInt(5); n > 0; n--) {
                frame[14 + random.nextInt(frame.length - 14)] = (byte) random.nextInt();
            }
            learn(java.util.Arrays.copyOf(frame, 14 + random.nextInt(frame.length - 13)));
        }
        for (int i = 0; i < 20_000; i++) {
            byte[] frame = good.clone();
            frame[frame.length - 1] = (byte) i;
            frame[frame.length - 2] = (byte) (i >>> 8);
            learn(frame);
        }
        assertThat(names.takeFresh().size()).isLessThanOrEqualTo(8192);
    }
}
