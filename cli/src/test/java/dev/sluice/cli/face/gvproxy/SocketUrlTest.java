package dev.sluice.cli.face.gvproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.posix.SocketAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Places to listen, as URLs. */
class SocketUrlTest {
    @Test
    void filesHaveAPathWithOrWithoutSlashesBefore() {
        assertThat(SocketUrl.parse("unix:///tmp/a")).isEqualTo(new SocketUrl.File("unix", "/tmp/a"));
        assertThat(SocketUrl.parse("unix:/tmp/a")).isEqualTo(new SocketUrl.File("unix", "/tmp/a"));
        assertThat(SocketUrl.parse("unixpacket:///tmp/a b")).isEqualTo(new SocketUrl.File("unixpacket", "/tmp/a b"));
        assertThat(SocketUrl.parse("unixgram:///tmp/a%20b+c")).isEqualTo(new SocketUrl.File("unixgram", "/tmp/a b+c"));
    }

    @Test
    void portsHaveAnAddressOrAllOfThem() {
        assertThat(SocketUrl.parse("tcp://:7777")).isEqualTo(new SocketUrl.Tcp(null, 7777));
        assertThat(SocketUrl.parse("tcp://127.0.0.2:1"))
                .isEqualTo(new SocketUrl.Tcp(Ipv4Address.parse("127.0.0.2"), 1));
        assertThat(SocketUrl.parse("tcp://localhost:1")).isEqualTo(new SocketUrl.Tcp(Ipv4Address.LOOPBACK, 1));
        assertThat(SocketUrl.parse("tcp://[::1]:65535")).isEqualTo(new SocketUrl.Tcp(Ipv6Address.LOOPBACK, 65_535));
    }

    @Test
    void machinesSocketsHaveAContextOrAny() {
        assertThat(SocketUrl.parse("vsock://:1024")).isEqualTo(new SocketUrl.Vsock(SocketAddress.VSOCK_ANY, 1024));
        assertThat(SocketUrl.parse("vsock://2:4294967295")).isEqualTo(new SocketUrl.Vsock(2, -1));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/tmp/a",
                "unix:",
                "unix://",
                "unix:///tmp/%zz",
                "http://x:1",
                "tcp:127.0.0.1:1",
                "tcp://127.0.0.1",
                "tcp://127.0.0.1:99999",
                "tcp://127.0.0.1:x",
                "tcp://nobody:1",
                "tcp://[::1:1",
                "vsock://2",
                "vsock://:"
            })
    void whatIsNoneIsRefused(String text) {
        assertThatThrownBy(() -> SocketUrl.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }
}
