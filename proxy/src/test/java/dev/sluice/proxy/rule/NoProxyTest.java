package dev.sluice.proxy.rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.proxy.ProxyTarget;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NoProxyTest {
    private static String match(String list, String host, int port) {
        return NoProxy.parse(list).match(new ProxyTarget("http", host, port));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            example.com            | example.com        | 80
            example.com            | www.example.com    | 80
            .example.com           | example.com        | 80
            .example.com           | www.example.com    | 80
            *.example.com          | www.example.com    | 80
            EXAMPLE.com            | www.example.com    | 80
            example.com.           | www.example.com    | 80
            *                      | anything.example   | 80
            *                      | 10.1.2.3           | 80
            a.test, b.test         | b.test             | 80
            a.test b.test          | b.test             | 80
            a.test,,  ,b.test      | b.test             | 80
            10.1.2.3               | 10.1.2.3           | 80
            10.0.0.0/8             | 10.1.2.3           | 80
            192.168.1.1/32         | 192.168.1.1        | 80
            fd00::1                | fd00::1            | 80
            [fd00::1]              | fd00::1            | 80
            fd00:0:0::1            | fd00::1            | 80
            fd00::/8               | fd12::5            | 80
            example.com:8080       | example.com        | 8080
            10.1.2.3:8080          | 10.1.2.3           | 8080
            [fd00::1]:8080         | fd00::1            | 8080
            *:8080                 | example.com        | 8080
            localhost              | localhost          | 80
            <local>                | intranet           | 80
            """)
    void theseAreReachedDirectly(String list, String host, int port) {
        assertThat(match(list, host, port)).isNotNull();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            example.com            | notexample.com     | 80
            example.com            | example.com.evil   | 80
            .example.com           | notexample.com     | 80
            www.example.com        | example.com        | 80
            10.1.2.3               | 10.1.2.30          | 80
            10.0.0.0/8             | 11.1.2.3           | 80
            10.0.0.0/8             | host10.test        | 80
            10.0.0.0/99            | 10.1.2.3           | 80
            1.2.3                  | 10.1.2.3           | 80
            fd00::/8               | fe80::1            | 80
            ::/0                   | 10.1.2.3           | 80
            0.0.0.0/0              | ::1                | 80
            example.com:8080       | example.com        | 80
            [fd00::1]:8080         | fd00::1            | 80
            .                      | example.com        | 80
            ,                      | example.com        | 80
            <local>                | a.b                | 80
            <local>                | ::1                | 80
            """)
    void theseAreNot(String list, String host, int port) {
        assertThat(match(list, host, port)).isNull();
    }

    @Test
    void theEntryIsNamedAsItWasWritten() {
        assertThat(match("a.test, .Corp.Example", "www.corp.example", 443)).isEqualTo(".Corp.Example");
    }

    @Test
    void aListWithoutEnd_isRefused() {
        assertThatThrownBy(() -> NoProxy.parse("a,".repeat(HostList.MAX_TOKENS + 1)))
                .hasMessageContaining("more than 10000 hosts");
    }
}
