package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.wire.Ipv4Address;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PublishedPortTest {
    @Test
    void twoPortsListenOnEveryAddress() {
        assertThat(PublishedPort.parse("8080:80"))
                .isEqualTo(new PublishedPort(Ipv4Address.parse("0.0.0.0"), 8080, 80, false));
    }

    @Test
    void anAddressAndAProtocolCanBeNamed() {
        assertThat(PublishedPort.parse("127.0.0.1:5353:53/udp"))
                .isEqualTo(new PublishedPort(Ipv4Address.LOOPBACK, 5353, 53, true));
        assertThat(PublishedPort.parse("1:65535/tcp").udp()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"8080:80", "127.0.0.1:5353:53/udp", "10.0.0.1:1:2"})
    void itsTextReadsBack(String text) {
        assertThat(PublishedPort.parse(text)).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "80",
                ":80",
                "80:",
                "0:80",
                "80:65536",
                "80:80/sctp",
                "a:80",
                "-1:80",
                "1:2:3",
                "1.2.3.4:1:2:3",
                "80:+80",
                "99999999999:1"
            })
    void whatIsNoPortIsRefusedWithItsText(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> PublishedPort.parse(text));
    }
}
