package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VsockAddressTest {
    @ParameterizedTest
    @ValueSource(strings = {"vsock://3:62373", "vsock://2:0", "vsock://:1024", "vsock://4294967294:4294967295"})
    void whatIsReadIsWrittenTheSame(String text) {
        assertThat(VsockAddress.parse(text)).hasToString(text);
    }

    @Test
    void withoutAMachineItIsForListening() {
        assertThat(VsockAddress.parse("vsock://3:1").isOne()).isTrue();
        assertThat(VsockAddress.parse("vsock://:1").isOne()).isFalse();
        assertThat(VsockAddress.parse("vsock://:1")).isEqualTo(VsockAddress.parse("vsock://4294967295:1"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "vsock://",
                "vsock://3",
                "vsock://3:",
                "vsock://-1:1",
                "vsock://x:1",
                "vsock://3:1/connect",
                "vsock://4294967296:1",
                "vsock://1:9999999999"
            })
    void whatIsNoneIsRefused(String text) {
        assertThatThrownBy(() -> VsockAddress.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(text);
    }
}
