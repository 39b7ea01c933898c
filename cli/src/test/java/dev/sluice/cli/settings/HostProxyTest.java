package dev.sluice.cli.settings;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.Ipv4Address;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostProxyTest {
    private static final Ipv4Address GATEWAY = Ipv4Address.parse("192.168.65.1");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://127.0.0.1:3128",
                "127.0.0.1:3128",
                "http://me:p@ss@localhost:3128/",
                "socks5h://[::1]:1080",
                "https://LOCALHOST",
                "127.8.9.10"
            })
    void aProxyOnTheLoopbackIsTheGatewaysInside(String proxy) {
        for (String name : new String[] {"http_proxy", "HTTPS_PROXY", "all_proxy"}) {
            assertThat(HostProxy.reachable(Map.of(name, proxy), GATEWAY, 3128))
                    .containsExactly(Map.entry(name, "http://192.168.65.1:3128"));
        }
        assertThat(HostProxy.reachable(Map.of("no_proxy", proxy, "PROXY", proxy), GATEWAY, 3128))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "http://proxy.corp.example:3128",
                "http://10.127.0.0:1",
                "http://localhost.corp.example:3128",
                "http://127.0.0.1.example:3128",
                "http://127.0.0.1@proxy.corp.example:3128"
            })
    void anyOtherIsLeftAlone(String proxy) {
        assertThat(HostProxy.reachable(Map.of("http_proxy", proxy), GATEWAY, 3128))
                .isEmpty();
    }

    @Test
    void aVariableOrADesktopIsWorthALook(@TempDir Path home) throws Exception {
        Map<String, String> bare = Map.of("HOME", home.toString());
        if (!Files.exists(Path.of("/run/NetworkManager"))) {
            assertThat(HostProxy.mayBeSet(bare)).isFalse();
        }
        assertThat(HostProxy.mayBeSet(Map.of("HTTPS_PROXY", "x"))).isTrue();
        Files.createDirectories(home.resolve(".config/dconf"));
        assertThat(HostProxy.mayBeSet(bare)).isTrue();
        Files.createFile(home.resolve("kioslaverc"));
        assertThat(HostProxy.mayBeSet(Map.of("XDG_CONFIG_HOME", home.toString())))
                .isTrue();
    }
}
