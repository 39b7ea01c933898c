package dev.sluice.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.proxy.pac.PacHost;
import dev.sluice.proxy.rule.Exceptions;
import dev.sluice.proxy.rule.NoProxy;
import dev.sluice.proxy.source.EnvironmentSource;
import dev.sluice.proxy.source.KdeSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LiveProxyPolicyTest {
    @TempDir
    Path folder;

    private LiveProxyPolicy policy;

    @AfterEach
    void close() {
        if (policy != null) {
            policy.close();
        }
    }

    private LiveProxyPolicy policy(HostProxies host) {
        policy = new LiveProxyPolicy(target -> target.host().endsWith(".internal"), host, PacHost.THIS);
        return policy;
    }

    private String route(String host) {
        return switch (policy.routes(new ProxyTarget("https", host, 443)).getFirst()) {
            case Route.Direct(String rule) -> "direct: " + rule;
            case Route.Via(var upstream, String rule) -> upstream.title() + ": " + rule;
            case Route.Refused(String message, String rule) -> "refused: " + rule + message;
        };
    }

    private void kde(String proxy) throws IOException {
        Path fresh =
                Files.writeString(folder.resolve("fresh"), "[Proxy Settings]\nProxyType=1\nhttpsProxy=" + proxy + "\n");
        Files.move(fresh, folder.resolve("kioslaverc"), StandardCopyOption.ATOMIC_MOVE);
    }

    private HostProxies host(Map<String, String> environment) {
        return new HostProxies(List.of(
                new EnvironmentSource(environment), new KdeSource(Map.of("XDG_CONFIG_HOME", folder.toString()))));
    }

    private void awaitActive(boolean wanted) throws InterruptedException {
        long deadline = System.nanoTime() + 60_000_000_000L;
        while (policy.active() != wanted) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(5);
        }
    }

    @Test
    void withoutAChoiceEverythingIsDirect() {
        policy(host(Map.of("https_proxy", "a.test:1")));
        assertThat(policy.active()).isFalse();
        assertThat(route("x.test")).isEqualTo("direct: no proxy is set");
    }

    @Test
    void theHostsSettings_theNextRequestAfterAChangeGoesTheNewWay() throws Exception {
        policy(host(Map.of())).follow(new ProxyChoice.Host(), Exceptions.NONE);
        assertThat(policy.active()).isFalse();
        assertThat(route("x.test")).isEqualTo("direct: the host's settings name no proxy");
        for (int i = 1; i <= 5; i++) {
            kde("http://p" + i + ".test:3128");
            assertThat(route("x.test")).startsWith("http://p" + i + ".test:3128");
        }
        Files.delete(folder.resolve("kioslaverc"));
        assertThat(route("x.test")).startsWith("direct");
    }

    @Test
    void theHostsSettings_aProxyIsNoticedBeforeAnybodyAsksForARoute() throws Exception {
        policy(host(Map.of())).follow(new ProxyChoice.Host(), Exceptions.NONE);
        kde("http://a.test:3128");
        awaitActive(true);
        Files.delete(folder.resolve("kioslaverc"));
        awaitActive(false);
    }

    @Test
    void theHostsSettings_theFirstSourceThatNamesAProxyWins_andSaysSo() throws Exception {
        kde("http://kde.test:3128");
        policy(host(Map.of("http_proxy", "a.test:1"))).follow(new ProxyChoice.Host(), Exceptions.NONE);
        assertThat(route("x.test")).isEqualTo("direct: no https proxy in the environment");
        assertThat(policy.origin()).isEqualTo("the environment");
        policy(host(Map.of("no_proxy", "*"))).follow(new ProxyChoice.Host(), Exceptions.NONE);
        assertThat(route("x.test")).isEqualTo("http://kde.test:3128: KDE httpsProxy");
        assertThat(policy.origin()).isEqualTo("the KDE settings");
    }

    @Test
    void theHostsSettings_nonsenseKeepsWhatWasSet() throws Exception {
        kde("http://a.test:3128");
        policy(host(Map.of("http_proxy", "gopher://x"))).follow(new ProxyChoice.Host(), Exceptions.NONE);
        kde("gopher://b.test:1");
        assertThat(route("x.test")).startsWith("http://a.test:3128");
    }

    @Test
    void aChoiceHoldsFromTheNextRequestOn() {
        policy(host(Map.of()));
        policy.follow(ProxyChoice.parse("http://a.test:1", "--proxy"), Exceptions.NONE);
        assertThat(policy.active()).isTrue();
        assertThat(route("x.test")).isEqualTo("http://a.test:1: --proxy");
        policy.follow(ProxyChoice.parse("none", "--proxy"), Exceptions.NONE);
        assertThat(policy.active()).isFalse();
        assertThat(route("x.test")).isEqualTo("direct: no proxy is set");
    }

    @Test
    void namesOfTheGuestNetwork_andExceptions_areDirect() {
        policy(host(Map.of()));
        policy.follow(
                ProxyChoice.parse("http://a.test:1", "--proxy"),
                new Exceptions("--no-proxy", NoProxy.parse(".corp.test,10.0.0.0/8")));
        assertThat(route("host.docker.internal")).isEqualTo("direct: it is of the guest network");
        assertThat(route("www.corp.test")).isEqualTo("direct: --no-proxy .corp.test");
        assertThat(route("10.1.1.1")).isEqualTo("direct: --no-proxy 10.0.0.0/8");
        assertThat(route("x.test")).startsWith("http://a.test:1");
    }

    @Test
    void aScriptDecides() throws IOException {
        Path pac = Files.writeString(
                folder.resolve("proxy.pac"),
                "function FindProxyForURL(url, host) {\n  return host == 'x.test' ? 'PROXY p.test:1' : 'DIRECT';\n}");
        policy(host(Map.of())).follow(ProxyChoice.parse(pac.toString(), "--proxy"), Exceptions.NONE);
        assertThat(policy.active()).isTrue();
        assertThat(route("x.test")).isEqualTo("http://p.test:1: proxy.pac line 2");
        assertThat(route("y.test")).isEqualTo("direct: proxy.pac line 2");
    }

    @ParameterizedTest
    @CsvSource({
        "none, None",
        "host, Host",
        "wpad, Automatic",
        "proxy.test:3128, Manual",
        "http://proxy.test:3128/, Manual",
        "http://u:p@proxy.test, Manual",
        "socks5://proxy.test, Manual",
        "http://proxy.test/proxy.pac, Automatic",
        "https://proxy.test:8/x?y=z, Automatic",
        "file:///etc/proxy.pac, Automatic",
        "/etc/proxy.pac, Automatic",
        "proxy.pac, Automatic",
        "./wpad.dat, Automatic"
    })
    void aChoiceIsReadAsUsersWriteIt(String text, String kind) {
        ProxyChoice choice = ProxyChoice.parse(text, "x");
        Object is = choice instanceof ProxyChoice.Fixed(var setting) ? setting : choice;
        assertThat(is.getClass().getSimpleName()).isEqualTo(kind);
    }

    @Test
    void aChoiceThatIsNoneSaysWhatToWrite() {
        assertThatThrownBy(() -> ProxyChoice.parse("", "x")).hasMessageContaining("http://proxy.example:3128");
        assertThatThrownBy(() -> ProxyChoice.parse("ftp://x", "x")).hasMessageContaining("'ftp' is not known");
    }

    @Test
    void aHostWithoutSignsOfAProxyIsNotWorthAsking() throws IOException {
        Map<String, String> bare = Map.of("HOME", folder.toString());
        if (!Files.exists(Path.of("/run/NetworkManager"))) {
            assertThat(HostProxies.worthwhile(bare)).isFalse();
        }
        assertThat(HostProxies.worthwhile(Map.of("HTTPS_PROXY", "x"))).isTrue();
        Files.createDirectories(folder.resolve(".config"));
        Files.writeString(folder.resolve(".config/kioslaverc"), "");
        assertThat(HostProxies.worthwhile(bare)).isTrue();
    }
}
