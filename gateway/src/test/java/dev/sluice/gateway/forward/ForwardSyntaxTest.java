package dev.sluice.gateway.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ForwardSyntaxTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "8080:80                         | 8080:80",
                "80                              | 80:80",
                "80/udp                          | 80:80/udp",
                "8080:80/tcp                     | 8080:80",
                "127.0.0.1:8080:80               | 127.0.0.1:8080:80",
                "[::1]:8080:80                   | [::1]:8080:80",
                "0:80                            | 0:80",
                "8080:192.168.65.4:80            | 8080:192.168.65.4:80",
                "8080:[fd00::4]:80               | 8080:[fd00::4]:80",
                "8080:vm1:80                     | 8080:vm1:80",
                "127.0.0.1:53:my-vm.local:53/udp | 127.0.0.1:53:my-vm.local:53/udp",
                "8080:80,proxy                   | 8080:80,proxy",
                "unix:/tmp/a.sock:80             | unix:/tmp/a.sock:80",
                "unix:/tmp/a.sock:vm1:80         | unix:/tmp/a.sock:vm1:80",
                "unix:/tmp/a.sock:[fd00::4]:80   | unix:/tmp/a.sock:[fd00::4]:80",
                "unix:/tmp/a.sock:80,proxy       | unix:/tmp/a.sock:80,proxy",
            })
    void oneForwardIsReadAndWritten(String text, String canonical) {
        assertThat(ForwardSyntax.parse(text)).singleElement().hasToString(canonical);
        assertThat(ForwardSyntax.parse(canonical)).isEqualTo(ForwardSyntax.parse(text));
    }

    @Test
    void aRangeIsOneForwardForEachPort() {
        assertThat(ForwardSyntax.parse("127.0.0.1:8000-8002:9000-9002/udp"))
                .extracting(Object::toString)
                .containsExactly("127.0.0.1:8000:9000/udp", "127.0.0.1:8001:9001/udp", "127.0.0.1:8002:9002/udp");
        assertThat(ForwardSyntax.parse("8000-8001"))
                .extracting(Object::toString)
                .containsExactly("8000:8000", "8001:8001");
        assertThat(ForwardSyntax.parse("1-65535")).hasSize(65_535);
    }

    @Test
    void aRangeMayLeadToOnePort() {
        assertThat(ForwardSyntax.parse("8000-8001:80"))
                .extracting(Object::toString)
                .containsExactly("8000:80", "8001:80");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":",
                "x",
                "0",
                "8080:0",
                "8080:65536",
                "99999:80",
                "-1:80",
                "80:80:80:80:80",
                "2-1",
                "0-5:80",
                "1-3:1-2",
                "1.2.3:80:80",
                "[::1:80:80",
                "unix:a.sock:80",
                "unix:/a.sock",
                "unix:/a.sock:0",
                "53:53/udp,proxy",
                "80:80/sctp",
                "8080:vm one:80",
                "999999999999999999:80",
                "8080:80,proxy,proxy"
            })
    void nonsenseIsRefusedWithItselfInTheMessage(String text) {
        assertThatThrownBy(() -> ForwardSyntax.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'" + text + "'");
    }

    @Test
    void placesAreRead() {
        assertThat(ForwardSyntax.listens("8080")).extracting(Object::toString).containsExactly("8080");
        assertThat(ForwardSyntax.listens("127.0.0.1:8000-8001/udp"))
                .extracting(Object::toString)
                .containsExactly("127.0.0.1:8000/udp", "127.0.0.1:8001/udp");
        assertThat(ForwardSyntax.listens("unix:/a"))
                .extracting(Object::toString)
                .containsExactly("unix:/a");
        for (String wrong : new String[] {"", "0", "x", "8080:80", "1.2.3.4", "unix:a", "1:2:3"}) {
            assertThatThrownBy(() -> ForwardSyntax.listens(wrong)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
