package dev.sluice.proxy.rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.proxy.Upstream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProxyUrlTest {
    @ParameterizedTest
    @CsvSource({
        "proxy.test:3128,            http://proxy.test:3128",
        "proxy.test,                 http://proxy.test:80",
        "http://Proxy.Test:3128/,    http://proxy.test:3128",
        "HTTPS://proxy.test,         https://proxy.test:443",
        "https://proxy.test:8443,    https://proxy.test:8443",
        "socks5://proxy.test,        socks5://proxy.test:1080",
        "socks5h://proxy.test:9,     socks5://proxy.test:9",
        "socks://proxy.test,         socks5://proxy.test:1080",
        "http://10.0.0.1:80,         http://10.0.0.1:80",
        "http://[fd00::1]:3128,      http://[fd00::1]:3128",
        "http://[fd00::1],           http://[fd00::1]:80",
        "http://a:b@proxy.test:3128, http://proxy.test:3128"
    })
    void isReadAsUsersWriteIt(String text, String title) {
        assertThat(ProxyUrl.parse(text).title()).isEqualTo(title);
    }

    @Test
    void credentialsAreDecoded_andMayHoldWhatNoUriMay() {
        Upstream upstream = ProxyUrl.parse("http://dom%5Cuser:p@ss/w%3Ard%@proxy.test:3128");
        assertThat(upstream.host()).isEqualTo("proxy.test");
        assertThat(upstream.credentials().orElseThrow().user()).isEqualTo("dom\\user");
        assertThat(upstream.credentials().orElseThrow().password()).isEqualTo("p@ss/w:rd%");
        assertThat(ProxyUrl.parse("http://user@proxy.test")
                        .credentials()
                        .orElseThrow()
                        .password())
                .isEmpty();
        assertThat(ProxyUrl.parse("http://proxy.test").credentials()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "http://",
                "http://:3128",
                "proxy.test:0",
                "proxy.test:65536",
                "proxy.test:http",
                "ftp://proxy.test",
                "socks4://proxy.test",
                "http://[fd00::1",
                "http://pro xy:80",
                "http://secret:pass@proxy.test:99999"
            })
    void nonsenseIsRefused_withoutCredentialsInTheMessage(String text) {
        assertThatThrownBy(() -> ProxyUrl.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .message()
                .doesNotContain("secret", "pass");
    }
}
